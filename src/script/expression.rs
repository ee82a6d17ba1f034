//! Expressions that answer a value: what a column of a ledger shows. Compiled, checked and
//! evaluated as conditions are.

use std::sync::Arc;

use rhai::{Dynamic, ImmutableString};

use crate::model::time::Date;
use crate::model::value::{Decimal, Value};

use super::check::Wanted;
use super::condition::{Condition, Failure, Origin};
use super::facts::Facts;
use super::finding::Finding;
use super::functions::Functions;
use super::numbers::decimal_of_float;
use super::vocabulary::Vocabulary;

/// What an expression is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A decimal, or a whole number.
    Decimal,
    /// Yes or no.
    Boolean,
    /// A day.
    Date,
}

impl Answer {
    /// As it is written under `type`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
            Self::Date => "date",
        }
    }

    /// What it is called in a message, with its article.
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Decimal => "a number",
            Self::Boolean => "yes or no",
            Self::Date => "a date",
        }
    }
}

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Expression(Condition);

impl Expression {
    /// Compiles an expression and checks every name, type, word and function in it, and whether
    /// it answers what is wanted, as far as that is known before it runs.
    pub fn compile(
        wanted: Answer,
        source: &str,
        vocabulary: &Vocabulary,
        functions: &Arc<Functions>,
    ) -> Result<Self, Vec<Finding>> {
        Condition::compile_answering(Wanted::Value(wanted), source, vocabulary, functions).map(Self)
    }

    /// The same expression with the place at which it stands.
    #[must_use]
    pub fn at(self, origin: Origin) -> Self {
        Self(self.0.at(origin))
    }

    /// What it answers; none: nothing, `()`, or something that no field could hold.
    pub fn value(&self, facts: &Facts<'_>) -> Result<Option<Value>, Failure> {
        self.0.answer(facts).map(to_value)
    }
}

fn to_value(answer: Dynamic) -> Option<Value> {
    if let Ok(number) = answer.as_int() {
        return Some(Value::Integer(number));
    }
    // `0.5` in an expression is one of these: what it makes of whole numbers is a decimal.
    if let Ok(number) = answer.as_float() {
        return decimal_of_float(number).map(Value::Decimal);
    }
    if let Ok(yes) = answer.as_bool() {
        return Some(Value::Boolean(yes));
    }
    if answer.is::<ImmutableString>() {
        return Some(Value::Text(answer.cast::<ImmutableString>().as_str().into()));
    }
    if answer.is::<Decimal>() {
        return Some(Value::Decimal(answer.cast()));
    }
    answer.try_cast::<Date>().map(Value::Date)
}
