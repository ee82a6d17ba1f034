//! Calendars and instants for the tests, read from the files that are shipped.

use jiff::civil::Weekday;
use serde_yaml::Value;

use crate::calendar::{
    Calendar, CalendarSpec, DayRange, Holiday, MonthDay, Season, Statutory, Window, Year,
};
use crate::model::clock::{Exclusion, PauseReason};
use crate::model::id::CalendarId;
use crate::model::organization::Title;
use crate::model::time::{Amount, Date, Timestamp};

pub(super) fn cn() -> Calendar {
    Calendar::new(cn_spec()).unwrap()
}

pub(super) fn cn_spec() -> CalendarSpec {
    let file = include_str!("../../../rules/calendars/cn.yaml");
    read(&serde_yaml::from_str(file).unwrap())
}

/// The same days with summer and winter hours.
pub(super) fn seasonal_spec() -> CalendarSpec {
    let season = |month, windows: [(u16, u16); 2]| Season {
        from: Some(MonthDay { month, day: 1 }),
        windows: windows.map(|(start, end)| Window { start, end }).to_vec(),
    };
    let summer = season(5, [(8 * 60 + 30, 12 * 60), (15 * 60, 18 * 60)]);
    let winter = season(10, [(8 * 60 + 30, 12 * 60), (14 * 60 + 30, 17 * 60 + 30)]);
    CalendarSpec { hours: vec![summer, winter], ..cn_spec() }
}

/// Calendars by the names that the worked vectors use.
pub(super) fn calendar(name: &str) -> Calendar {
    match name {
        "cn" => cn(),
        "always_on" => cn().always_on(),
        "seasonal" => Calendar::new(seasonal_spec()).unwrap(),
        other => panic!("no test calendar `{other}`"),
    }
}

/// An instant: with an offset, or without one in Shanghai's (`2024-10-08 24:00` is allowed).
pub(super) fn at(text: &str) -> Timestamp {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Timestamp(instant.as_millisecond());
    }
    let (day, time) = text.split_once(' ').unwrap();
    let ends = time == "24:00";
    let time = if ends { "00:00" } else { time };
    let instant: jiff::Timestamp = format!("{day}T{time}+08:00").parse().unwrap();
    let day_ms = if ends { 24 * 60 * 60 * 1000 } else { 0 };
    Timestamp(instant.as_millisecond() + day_ms)
}

pub(super) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

pub(super) fn excluded(from: Timestamp, to: Timestamp) -> Exclusion {
    Exclusion { from, to, because: PauseReason::Suspended }
}

fn read(file: &Value) -> CalendarSpec {
    CalendarSpec {
        id: CalendarId::parse(text(&file["calendar"])).unwrap(),
        title: title(&file["title"]),
        zone: text(&file["zone"]).to_owned(),
        always_on: false,
        hours: vec![Season { from: None, windows: list(&file["hours"], window) }],
        rest_days: list(&file["rest_days"], weekday),
        statutory: list(&file["statutory"], statutory),
        years: file["years"].as_mapping().unwrap().iter().map(year).collect(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn list<T>(value: &Value, each: impl Fn(&str) -> T) -> Vec<T> {
    value.as_sequence().unwrap().iter().map(|item| each(text(item))).collect()
}

fn title(value: &Value) -> Title {
    Title { en: text(&value["en"]).to_owned(), zh: text(&value["zh"]).to_owned() }
}

fn window(text: &str) -> Window {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap();
        hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap()
    };
    let (start, end) = text.split_once('-').unwrap();
    Window { start: minute(start), end: minute(end) }
}

fn weekday(text: &str) -> Weekday {
    match text {
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        other => panic!("`{other}` is no rest day of the shipped calendar"),
    }
}

fn statutory(text: &str) -> Statutory {
    let (month, day) = text.split_once('-').unwrap();
    Statutory::EachYear(MonthDay { month: month.parse().unwrap(), day: day.parse().unwrap() })
}

fn year((number, year): (&Value, &Value)) -> (i16, Year) {
    let holiday = |(id, holiday): (&Value, &Value)| Holiday {
        id: text(id).to_owned(),
        title: title(&holiday["title"]),
        days: text(&holiday["days"]).split(", ").map(range).collect(),
    };
    let year = Year {
        weekdays_off: list(&year["off"], date),
        weekend_days_worked: list(&year["worked"], date),
        holidays: year["holidays"].as_mapping().unwrap().iter().map(holiday).collect(),
    };
    (i16::try_from(number.as_i64().unwrap()).unwrap(), year)
}

fn range(text: &str) -> DayRange {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    DayRange { first: date(first), last: date(last) }
}
