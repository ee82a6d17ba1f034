//! Values of fields, forms and activities, in the types that a workflow declares.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::id::FieldId;
use super::time::Date;

/// A decimal number, exact: money, areas, shares.
pub type Decimal = rust_decimal::Decimal;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, and the chosen word of a `choice`.
    Text(Arc<str>),
    /// A whole number.
    Integer(i64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Yes or no.
    Boolean(bool),
    /// A day.
    Date(Date),
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Integer(number) => write!(out, "{number}"),
            Self::Decimal(number) => write!(out, "{number}"),
            Self::Boolean(yes) => write!(out, "{yes}"),
            Self::Date(date) => write!(out, "{date}"),
        }
    }
}

/// Values by field, in the order of their names. A field that is absent is empty.
pub type Values = BTreeMap<FieldId, Value>;

/// A change of fields: a value sets, `None` empties.
pub type Changes = BTreeMap<FieldId, Option<Value>>;
