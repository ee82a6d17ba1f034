//! What the demo's people answer: plausible values for fields and forms, by what the workflow
//! declares. Invents nothing that the declaration would refuse.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};
use prost_types::value::Kind;
use prost_types::{Struct, Value};

use crate::api::pb::{FieldDefinition, FieldKind};

/// Offset of the story's place from UTC: China has no summer time.
pub(super) const OFFSET: Offset = jiff::tz::offset(8);

/// Days that are agreed lie so many days ahead.
const AHEAD: [(&str, i64); 4] = [
    ("planned_start", 60),
    ("planned_completion", 330),
    ("planned_production", 400),
    ("claim_closes_on", 90),
];

/// A value for a field.
pub(super) fn value(field: &FieldDefinition, now: Timestamp) -> Value {
    let smallest = || field.at_least.parse::<f64>().ok();
    let kind = match field.kind() {
        FieldKind::Choice => Kind::StringValue(field.choices.first().cloned().unwrap_or_default()),
        FieldKind::Boolean => Kind::BoolValue(true),
        FieldKind::Integer => Kind::NumberValue(largest_or(field, smallest().unwrap_or(1.0))),
        FieldKind::Decimal => {
            Kind::StringValue(smallest().map_or(100.0, |least| least + 100.0).to_string())
        }
        FieldKind::Date => Kind::StringValue(day(&field.id, now).to_string()),
        FieldKind::Text | FieldKind::Unspecified => {
            let title = field.title.as_ref().map(|title| title.en.clone()).unwrap_or_default();
            Kind::StringValue(format!("{title}: as agreed"))
        }
    };
    Value { kind: Some(kind) }
}

/// The form of a task, filled in as a whole: with what is known, otherwise plausibly.
pub(super) fn form(
    fields: &[FieldDefinition],
    now: Timestamp,
    known: impl Fn(&str) -> Option<Value>,
) -> Option<Struct> {
    let answer = |field: &FieldDefinition| known(&field.id).unwrap_or_else(|| value(field, now));
    let fields = fields.iter().map(|field| (field.id.clone(), answer(field)));
    let fields: std::collections::BTreeMap<String, Value> = fields.collect();
    (!fields.is_empty()).then_some(Struct { fields })
}

/// The day of an instant, where the story happens.
pub(super) fn local_day(now: Timestamp) -> Date {
    OFFSET.to_datetime(now).date()
}

/// This hour of a day, where the story happens.
pub(super) fn local_hour(day: Date, hour: i8) -> Timestamp {
    let local = day.at(hour, 0, 0, 0);
    OFFSET.to_timestamp(local).expect("the story stays within this age")
}

fn day(field: &str, now: Timestamp) -> Date {
    let ahead = AHEAD.iter().find(|(name, _)| *name == field).map_or(0, |(_, days)| *days);
    local_day(now).checked_add(Span::new().days(ahead)).unwrap_or(Date::MAX)
}

/// People rate with the best mark where there is one.
fn largest_or(field: &FieldDefinition, otherwise: f64) -> f64 {
    field.at_most.parse::<f64>().map_or(otherwise.max(1.0), |most| most)
}
