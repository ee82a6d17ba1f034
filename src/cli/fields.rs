//! Values of fields as a person reads them.

use prost_types::value::Kind;
use prost_types::{Struct, Value};

/// `name = value` for each field, in the order of their names.
pub(super) fn text(fields: Option<&Struct>) -> String {
    let Some(fields) = fields else { return String::new() };
    let parts: Vec<String> =
        fields.fields.iter().map(|(name, field)| format!("{name} = {}", value(field))).collect();
    parts.join(", ")
}

/// One value.
pub(super) fn value(value: &Value) -> String {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => "(empty)".to_owned(),
        Some(Kind::StringValue(text)) => text.clone(),
        Some(Kind::NumberValue(number)) => number.to_string(),
        Some(Kind::BoolValue(yes)) => yes.to_string(),
        Some(Kind::ListValue(_) | Kind::StructValue(_)) => "…".to_owned(),
    }
}
