//! Due times and points worked by hand: `tests/data/working-time-more.yaml` says why each is right.

use serde_yaml::Value;

use super::support::{amount, at, calendar, date, excluded};
use crate::calendar::Calendar;
use crate::model::clock::{Exclusion, Extension, Limit};
use crate::model::time::{Offset, Timestamp};

struct Case {
    calendar: Calendar,
    limit: Limit,
    start: Timestamp,
    excluded: Vec<Exclusion>,
    extended: Vec<Extension>,
}

#[test]
fn worked_vectors_hold() {
    let file = include_str!("../../../tests/data/working-time-more.yaml");
    let file: Value = serde_yaml::from_str(file).unwrap();
    for value in file.as_sequence().unwrap() {
        check(value);
    }
}

fn check(value: &Value) {
    let told = serde_yaml::to_string(value).unwrap();
    let case = read(value);
    let Case { calendar, limit, start, excluded, extended } = &case;
    let due = calendar.clock_due(*limit, *start, excluded, extended);
    assert_eq!(due.at, instant(&value["due"]), "{told}");
    assert_eq!(due.provisional, value["provisional"].as_bool().unwrap_or(false), "{told}");
    if let (Limit::Amount(amount), [], []) = (limit, &excluded[..], &extended[..]) {
        assert_eq!(calendar.due(*start, *amount), due, "{told}");
    }
    for point in value["then"].as_sequence().into_iter().flatten() {
        let found = place(&case, due.at, point);
        assert_eq!(found, instant(&point["at"]), "{point:?} of {told}");
        if !point["told"].is_null() {
            assert_eq!(calendar.telling(found), instant(&point["told"]), "{point:?} of {told}");
        }
    }
    let walk = calendar.explain(*limit, *start, excluded, extended);
    assert_eq!(walk.due, due, "{told}");
    let last = walk.steps.last().unwrap().date;
    assert_eq!(last, calendar.day_that_ends_at_or_holds(due.at), "{told}");
}

fn place(case: &Case, due: Timestamp, point: &Value) -> Timestamp {
    if let Some(percent) = point["share"].as_u64() {
        let percent = u32::try_from(percent).unwrap();
        let Limit::Amount(amount) = case.limit else { panic!("a share of a day") };
        let (unit, calendar) = (amount.unit, &case.calendar);
        return calendar.share_excluding(unit, case.start, due, percent, &case.excluded).at;
    }
    let offset = text(&point["offset"]);
    let amount = amount(&offset[1..]);
    let offset = match &offset[..1] {
        "-" => Offset::Before(amount),
        _ => Offset::After(amount),
    };
    case.calendar.offset(due, offset).at
}

fn read(value: &Value) -> Case {
    let limit = match value["by"].as_str() {
        Some(day) => Limit::Date(date(day)),
        None => limit(text(&value["within"])),
    };
    let exclusion = |pair: &Value| excluded(instant(&pair[0]), instant(&pair[1]));
    let extension = |each: &Value| Extension {
        by: self::limit(text(&each["by"])),
        granted_at: instant(&each["granted"]),
    };
    Case {
        calendar: calendar(value["calendar"].as_str().unwrap_or("cn")),
        limit,
        start: instant(&value["start"]),
        excluded: list(&value["excluded"]).map(exclusion).collect(),
        extended: list(&value["extended"]).map(extension).collect(),
    }
}

fn limit(text: &str) -> Limit {
    if text.contains('-') { Limit::Date(date(text)) } else { Limit::Amount(amount(text)) }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_sequence().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn instant(value: &Value) -> Timestamp {
    at(text(value))
}
