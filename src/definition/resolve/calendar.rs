//! Calendars: from days and hours as they are written to the calendar that counts with them.

use jiff::civil::Weekday;

use crate::calendar::{Calendar, CalendarSpec, DayRange, Holiday, MonthDay, Season, Statutory};
use crate::calendar::{Window, Year};
use crate::model::id::CalendarId;
use crate::model::time::Date;

use crate::definition::authored;
use crate::definition::authored::rules::Hours;
use crate::definition::authored::shapes::{Scalar, Words};
use crate::definition::code::Code;
use crate::definition::span::{KeyPath, Segment};

use super::desk::Desk;

/// What files call the days of a week.
pub(super) const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// Builds a calendar, or reports everything that keeps it from being one.
pub(super) fn calendar(desk: &mut Desk<'_>, authored: &authored::Calendar) -> Option<Calendar> {
    let root = KeyPath::root();
    let id = desk.own_name(&root, "calendar", authored.calendar.as_ref(), CalendarId::parse);
    let zone = authored.zone.as_ref().map(|zone| zone.as_str().to_owned());
    if zone.is_none() {
        desk.missing(&root, "zone", "name a time zone, such as `Asia/Shanghai`");
    }
    let name = authored.calendar.as_ref().map_or("calendar", Scalar::as_str);
    let spec = CalendarSpec {
        title: Desk::title(authored.title.as_ref(), name),
        always_on: authored.always_on,
        hours: hours(desk, authored),
        rest_days: listed(desk, &root.key("rest_days"), &authored.rest_days, |desk, path, text| {
            desk.word(path, text, &WEEKDAYS)
        }),
        statutory: listed(desk, &root.key("statutory"), &authored.statutory, statutory),
        years: years(desk, authored),
        id: id?,
        zone: zone?,
    };
    if desk.lost {
        return None;
    }
    match Calendar::new(spec) {
        Ok(calendar) => Some(calendar),
        Err(problems) => {
            for problem in problems {
                let path = as_written(parse_path(&problem.path), authored);
                let diagnostic = desk.value(Code::InvalidCalendar, &path, problem.what);
                desk.lose(diagnostic);
            }
            None
        }
    }
}

fn listed<T>(
    desk: &mut Desk<'_>,
    path: &KeyPath,
    words: &Words,
    read: impl Fn(&mut Desk<'_>, &KeyPath, &Scalar) -> Option<T>,
) -> Vec<T> {
    words.iter().filter_map(|(at, text)| read(desk, &path.index(at), text)).collect()
}

fn hours(desk: &mut Desk<'_>, authored: &authored::Calendar) -> Vec<Season> {
    let path = KeyPath::root().key("hours");
    let mut windows = Vec::new();
    let mut seasons = Vec::new();
    for (at, hours) in authored.hours.iter() {
        let path = path.index(at);
        match hours {
            Hours::Window(text) => windows.extend(window(desk, &path, text)),
            Hours::Season(season) => {
                let from = season.from.as_ref();
                let from = from.and_then(|from| month_day(desk, &path.key("from"), from));
                let windows = listed(desk, &path.key("windows"), &season.windows, window);
                seasons.push(Season { from, windows });
            }
        }
    }
    if !windows.is_empty() {
        seasons.insert(0, Season { from: None, windows });
    }
    seasons
}

fn years(
    desk: &mut Desk<'_>,
    authored: &authored::Calendar,
) -> std::collections::BTreeMap<i16, Year> {
    let top = KeyPath::root().key("years");
    let mut years = std::collections::BTreeMap::new();
    for (name, year) in authored.years.iter() {
        let path = top.key(name);
        let Some(number) = name.parse::<i16>().ok().filter(|year| (1..=9999).contains(year)) else {
            let diagnostic = desk.key(Code::InvalidValue, &path, format!("`{name}` is no year"));
            desk.lose(diagnostic.label("a year has four digits"));
            continue;
        };
        let mut holidays = Vec::new();
        for (id, holiday) in year.holidays.iter() {
            let path = path.key("holidays").key(id).key("days");
            let days = holiday.days.as_ref().map(|days| ranges(desk, &path, days));
            let title = Desk::title(holiday.title.as_ref(), id);
            holidays.push(Holiday { id: id.to_owned(), title, days: days.unwrap_or_default() });
        }
        let weekdays_off = listed(desk, &path.key("off"), &year.off, date);
        let weekend_days_worked = listed(desk, &path.key("worked"), &year.worked, date);
        years.insert(number, Year { weekdays_off, weekend_days_worked, holidays });
    }
    years
}

pub(super) fn date(desk: &mut Desk<'_>, path: &KeyPath, text: &Scalar) -> Option<Date> {
    let parsed = parse_date(text.as_str());
    if parsed.is_none() {
        let message = format!("`{}` is no day", text.as_str());
        let diagnostic = desk.value(Code::InvalidValue, path, message);
        desk.lose(diagnostic.label("a day is written as `2026-05-01`"));
    }
    parsed
}

fn parse_date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

fn month_day(desk: &mut Desk<'_>, path: &KeyPath, text: &Scalar) -> Option<MonthDay> {
    let parsed = parse_month_day(text.as_str());
    if parsed.is_none() {
        let message = format!("`{}` is no day of the year", text.as_str());
        let diagnostic = desk.value(Code::InvalidValue, path, message);
        desk.lose(diagnostic.label("a day of every year is written as `05-01`"));
    }
    parsed
}

/// `05-01`: any day that exists in a leap year.
fn parse_month_day(text: &str) -> Option<MonthDay> {
    let day = parse_date(&format!("2024-{text}"))?;
    Some(MonthDay { month: day.month(), day: day.day() })
}

fn statutory(desk: &mut Desk<'_>, path: &KeyPath, text: &Scalar) -> Option<Statutory> {
    let each_year = parse_month_day(text.as_str()).map(Statutory::EachYear);
    let parsed = each_year.or_else(|| parse_date(text.as_str()).map(Statutory::On));
    if parsed.is_none() {
        let message = format!("`{}` is no day", text.as_str());
        let diagnostic = desk.value(Code::InvalidValue, path, message);
        let label = "a day of every year is written as `05-01`, that of one year as `2027-02-06`";
        desk.lose(diagnostic.label(label));
    }
    parsed
}

fn window(desk: &mut Desk<'_>, path: &KeyPath, text: &Scalar) -> Option<Window> {
    let parsed = text.as_str().split_once('-').and_then(|(start, end)| {
        Some(Window { start: minute(start.trim())?, end: minute(end.trim())? })
    });
    if parsed.is_none() {
        let message = format!("`{}` are no office hours", text.as_str());
        let diagnostic = desk.value(Code::InvalidValue, path, message);
        desk.lose(diagnostic.label("a window is written as `09:00-12:00`"));
    }
    parsed
}

/// `09:30` as a minute of the day; `24:00` is its end.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |text: &str| -> Option<u16> {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())
            .flatten()
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 24 * 60).then_some(minute)
}

/// `2026-01-01..2026-01-03, 2026-12-31`.
fn ranges(desk: &mut Desk<'_>, path: &KeyPath, text: &Scalar) -> Vec<DayRange> {
    let mut ranges = Vec::new();
    for part in text.as_str().split(',').map(str::trim) {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        let days = parse_date(first.trim()).zip(parse_date(last.trim()));
        if let Some((first, last)) = days {
            ranges.push(DayRange { first, last });
        } else {
            let message = format!("`{part}` is no stretch of days");
            let diagnostic = desk.value(Code::InvalidValue, path, message);
            desk.lose(diagnostic.label("written as `2026-05-01..2026-05-05`"));
        }
    }
    ranges
}

/// Hours without seasons are written without the map that a season has.
fn as_written(path: KeyPath, authored: &authored::Calendar) -> KeyPath {
    let seasons = authored.hours.iter().any(|(_, hours)| matches!(hours, Hours::Season(_)));
    match path.segments() {
        [Segment::Key(hours), Segment::Index(_), _, Segment::Index(window)] if !seasons => {
            KeyPath::root().key(hours).index(*window)
        }
        _ => path,
    }
}

/// `years.2024.off[3]` as a path.
fn parse_path(text: &str) -> KeyPath {
    let mut path = KeyPath::root();
    for part in text.split('.').filter(|part| !part.is_empty()) {
        let (key, indices) = part.split_once('[').unwrap_or((part, ""));
        path = path.with(Segment::Key(key.to_owned()));
        for index in indices.split(['[', ']']).filter_map(|index| index.parse().ok()) {
            path = path.index(index);
        }
    }
    path
}
