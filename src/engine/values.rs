//! Values against the fields that a workflow declares.

use std::sync::Arc;

use crate::definition::compiled::{Field, FieldKind};
use crate::model::limits;
use crate::model::value::{Changes, Decimal, Value, Values};

use super::rejection::FieldProblem;

/// Everything that is wrong with values for these fields: unknown names, other kinds, out of range.
/// Whether something is missing is not asked here.
pub fn check_values(fields: &[Field], values: &Values) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    for (name, value) in values {
        match fields.iter().find(|field| field.id == *name) {
            Some(field) => problems.extend(check_value(field, value)),
            None => problems.push(problem(name.as_str(), "there is no such field".to_owned())),
        }
    }
    problems
}

/// The same for changes, where emptying is always possible unless the field is required.
pub(super) fn check_changes(fields: &[Field], changes: &Changes) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    for (name, value) in changes {
        match (fields.iter().find(|field| field.id == *name), value) {
            (None, _) => problems.push(problem(name.as_str(), "there is no such field".to_owned())),
            (Some(field), value) if field.required && !value.as_ref().is_some_and(says) => {
                problems.push(problem(name.as_str(), "it must not be empty".to_owned()));
            }
            (Some(field), Some(value)) => problems.extend(check_value(field, value)),
            (Some(_), None) => {}
        }
    }
    problems
}

/// The required fields that are empty.
pub(super) fn missing_required(fields: &[Field], values: &Values) -> Vec<FieldProblem> {
    let empty = fields.iter().filter(|field| field.required && !is_filled(field, values));
    empty.map(|field| problem(field.id.as_str(), "it must not be empty".to_owned())).collect()
}

/// Whether a field has a value that says something.
pub(super) fn is_filled(field: &Field, values: &Values) -> bool {
    values.get(&field.id).is_some_and(says)
}

/// Whether a value says something: a text of only white space, the wide one of Chinese included,
/// does not.
pub(super) fn says(value: &Value) -> bool {
    !matches!(value, Value::Text(text) if text.trim().is_empty())
}

pub(super) fn problem(field: &str, problem: String) -> FieldProblem {
    FieldProblem { field: field.into(), problem }
}

fn check_value(field: &Field, value: &Value) -> Option<FieldProblem> {
    let wrong = match (&field.kind, value) {
        (FieldKind::Text, Value::Text(text)) => check_length(text),
        (FieldKind::Choice(words), Value::Text(text)) => check_choice(words, text),
        (FieldKind::Integer, Value::Integer(number)) => check_range(field, Decimal::from(*number)),
        (FieldKind::Decimal, Value::Decimal(number)) => check_range(field, *number),
        (FieldKind::Decimal, Value::Integer(number)) => check_range(field, Decimal::from(*number)),
        (FieldKind::Boolean, Value::Boolean(_)) | (FieldKind::Date, Value::Date(_)) => None,
        (kind, _) => Some(format!("it must be {}", name_of(kind))),
    };
    wrong.map(|wrong| problem(field.id.as_str(), wrong))
}

fn name_of(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "a text",
        FieldKind::Integer => "a whole number",
        FieldKind::Decimal => "a decimal number",
        FieldKind::Boolean => "true or false",
        FieldKind::Date => "a date such as 2025-01-06",
        FieldKind::Choice(_) => "one of the declared words",
    }
}

fn check_length(text: &str) -> Option<String> {
    let longest = limits::FIELD_TEXT_BYTES_MAX;
    (text.len() > longest).then(|| format!("it is longer than {longest} bytes"))
}

fn check_choice(words: &[Arc<str>], text: &Arc<str>) -> Option<String> {
    if words.contains(text) {
        return None;
    }
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    Some(format!("it must be one of {}", words.join(", ")))
}

fn check_range(field: &Field, number: Decimal) -> Option<String> {
    if let Some(least) = field.at_least.filter(|least| number < *least) {
        return Some(format!("it must be at least {least}"));
    }
    if let Some(most) = field.at_most.filter(|most| number > *most) {
        return Some(format!("it must be at most {most}"));
    }
    None
}
