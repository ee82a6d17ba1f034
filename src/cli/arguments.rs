//! Arguments that several verbs share, and their texts as values of the API.

use clap::Args;
use prost_types::value::Kind;
use prost_types::{Struct, Timestamp, Value};

use crate::api::pb;

use super::exit::Failure;

/// How a command is recognised when it is sent again, and where it may meet the instance.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Repeat {
    /// By which a repeat is recognised: the same command under the same id has one effect
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
    pub(super) request_id: String,
    /// Refuse unless the instance is at this revision
    #[arg(long, value_name = "NUMBER")]
    pub(super) expected_revision: Option<u64>,
}

/// Overruling a rule.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Force {
    /// Overrule the rules that refuse, for this reason, where your role may do that
    #[arg(
        id = "force",
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "REASON"
    )]
    pub(super) reason: String,
}

/// One field with its value, as written on the command line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    name: String,
    value: Value,
}

/// `name=text`, `name:=json`.
pub(super) fn parse_field(text: &str) -> Result<Field, String> {
    let wanted = "write `name=text`, or `name:=json` for a number, true, false or null";
    let (name, value) = text.split_once('=').ok_or(wanted)?;
    let (name, kind) = match name.strip_suffix(':') {
        None => (name, Kind::StringValue(value.to_owned())),
        Some(name) => {
            let value = serde_json::from_str(value).map_err(|_| wanted)?;
            (name, json_kind(value).ok_or(wanted)?)
        }
    };
    if name.is_empty() {
        return Err(wanted.to_owned());
    }
    Ok(Field { name: name.to_owned(), value: Value { kind: Some(kind) } })
}

/// A plain value of JSON; none: it is a list or a map.
pub(super) fn json_kind(value: serde_json::Value) -> Option<Kind> {
    match value {
        serde_json::Value::Null => Some(Kind::NullValue(0)),
        serde_json::Value::Bool(yes) => Some(Kind::BoolValue(yes)),
        serde_json::Value::Number(number) => Some(Kind::NumberValue(number.as_f64()?)),
        serde_json::Value::String(text) => Some(Kind::StringValue(text)),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    }
}

/// The fields as a message; none where nothing was written.
pub(super) fn to_struct(fields: &[Field]) -> Option<Struct> {
    let fields: Vec<(String, Value)> =
        fields.iter().map(|field| (field.name.clone(), field.value.clone())).collect();
    (!fields.is_empty()).then(|| Struct { fields: fields.into_iter().collect() })
}

/// How many at most: at least one.
pub(super) fn parse_count(text: &str) -> Result<usize, String> {
    let count: usize = text.parse().map_err(|_| "write a number such as 100")?;
    if count == 0 { Err("ask for at least one".to_owned()) } else { Ok(count) }
}

/// An instant with its offset, `2025-01-06T09:00+08:00`.
pub(super) fn parse_instant(text: &str) -> Result<Timestamp, String> {
    let instant: jiff::Timestamp = text
        .parse()
        .map_err(|_| "write an instant with its offset, such as `2025-01-06T09:00+08:00`")?;
    Ok(Timestamp { seconds: instant.as_second(), nanos: instant.subsec_nanosecond() })
}

/// An amount of time, `5wd`, or a day, `2025-02-14`.
pub(super) fn parse_limit(text: &str) -> Result<pb::Limit, String> {
    use pb::limit::Length;

    let length =
        match (text.parse::<crate::model::time::Amount>(), text.parse::<jiff::civil::Date>()) {
            (Ok(amount), _) => Length::Amount(amount.to_string()),
            (_, Ok(date)) => Length::Date(date.to_string()),
            (Err(error), Err(_)) => {
                return Err(format!("{error}: write `5wd`, `30cd` or `2025-02-14`"));
            }
        };
    Ok(pb::Limit { length: Some(length) })
}

/// The outcome of a command, which every answer to one carries.
pub(super) fn accepted(accepted: Option<pb::Accepted>) -> Result<pb::Accepted, Failure> {
    accepted.ok_or_else(|| Failure::not_tried("the server answered without an outcome"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_texts_or_json() {
        let field = |text| parse_field(text).map(|field| field.value.kind);
        assert_eq!(field("tier=A"), Ok(Some(Kind::StringValue("A".to_owned()))));
        assert_eq!(field("note=a=b"), Ok(Some(Kind::StringValue("a=b".to_owned()))));
        assert_eq!(field("jobs:=40"), Ok(Some(Kind::NumberValue(40.0))));
        assert_eq!(field("site:=null"), Ok(Some(Kind::NullValue(0))));
        assert!(field("tier").is_err());
        assert!(field("=A").is_err());
        assert!(field("jobs:=[1]").is_err());
    }

    #[test]
    fn limits_are_amounts_or_days() {
        assert!(parse_limit("5wd").is_ok());
        assert!(parse_limit("2025-02-14").is_ok());
        assert!(parse_limit("5d").unwrap_err().starts_with("`d` does not say which days"));
    }
}
