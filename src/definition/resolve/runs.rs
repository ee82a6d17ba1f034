//! On which days a check runs.

use crate::definition::authored::workflow::Runs as Authored;
use crate::definition::code::Code;
use crate::definition::compiled::Runs;
use crate::definition::span::KeyPath;
use crate::model::time::Unit;

use super::calendar::WEEKDAYS;
use super::desk::Desk;

/// The days under `on` of a clock.
pub(super) fn runs(desk: &mut Desk<'_>, clock: &KeyPath, on: Option<&Authored>) -> Option<Runs> {
    let hint = "say on which days, such as `on: { day_of_month: 5 }` or `on: { weekday: monday }`";
    let Some(on) = on else {
        desk.missing(clock, "on", hint);
        return None;
    };
    let path = clock.key("on");
    let keys = [
        ("day_of_month", on.day_of_month.is_some()),
        ("weekday", on.weekday.is_some()),
        ("every", on.every.is_some()),
    ];
    let mut given = keys.iter().filter(|(_, given)| *given).map(|(key, _)| *key);
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        let message = format!("`{first}` and `{second}` exclude each other");
        let diagnostic = desk.key(Code::ExclusiveKeys, &path.key(second), message);
        let other = desk.at.key(&path.key(first));
        desk.push(diagnostic.label("a check runs by one of them").also(other, "the other"));
    }
    if let Some(day) = &on.day_of_month {
        let parsed = day.as_str().parse::<i8>().ok().filter(|day| (1..=31).contains(day));
        if parsed.is_none() {
            let message = format!("`{}` is no day of a month", day.as_str());
            let path = path.key("day_of_month");
            let diagnostic = desk.value(Code::InvalidValue, &path, message);
            desk.lose(diagnostic.label("from 1 to 31"));
        }
        return parsed.map(Runs::DayOfMonth);
    }
    if let Some(day) = &on.weekday {
        return desk.word(&path.key("weekday"), day, &WEEKDAYS).map(Runs::Weekday);
    }
    let Some(every) = &on.every else {
        desk.missing(&path, "day_of_month", hint);
        return None;
    };
    let path = path.key("every");
    let amount = desk.amount(&path, every)?;
    match amount.unit {
        Unit::WorkingDays | Unit::CalendarDays | Unit::Months => Some(Runs::Every(amount)),
        Unit::WorkingHours | Unit::WorkingMinutes | Unit::Hours | Unit::Minutes => {
            let message = format!("`{amount}` is no number of days");
            let diagnostic = desk.value(Code::InvalidAmount, &path, message);
            desk.lose(diagnostic.label("a check runs at the opening of business of a day"));
            None
        }
    }
}
