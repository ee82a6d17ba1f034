//! What may be wrong with a calendar, all of it at once.
//!
//! Knows nothing of files: a problem names its place in the words of the calendar itself.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::rules::{self, DayKind};
use super::{CalendarSpec, Holiday, MonthDay, Problem, Season, Statutory, Window, Year};

/// Years that the day table holds.
const YEAR_MIN: i16 = 1970;
const YEAR_MAX: i16 = 2200;
const MINUTES_OF_DAY: u16 = 24 * 60;

/// The calendar's time zone if nothing is wrong.
pub(super) fn check(spec: &CalendarSpec) -> Result<TimeZone, Vec<Problem>> {
    let mut problems = Vec::new();
    let zone = TimeZone::get(&spec.zone);
    if zone.is_err() {
        tell(&mut problems, "zone", format!("`{}` is no known time zone", spec.zone));
    }
    if !spec.always_on {
        check_hours(&spec.hours, &mut problems);
        check_rest_days(&spec.rest_days, &mut problems);
        check_statutory(&spec.statutory, &mut problems);
        check_years(spec, &mut problems);
    }
    match zone {
        Ok(zone) if problems.is_empty() => Ok(zone),
        Ok(_) | Err(_) => Err(problems),
    }
}

fn tell(problems: &mut Vec<Problem>, path: impl Into<String>, what: impl Into<String>) {
    problems.push(Problem { path: path.into(), what: what.into() });
}

fn check_hours(seasons: &[Season], problems: &mut Vec<Problem>) {
    if seasons.is_empty() {
        tell(problems, "hours", "no office hours are given");
    }
    let mut beginnings = BTreeSet::new();
    for (index, season) in seasons.iter().enumerate() {
        let path = format!("hours[{index}]");
        match season.from {
            None if seasons.len() > 1 => {
                tell(problems, &path, "with several seasons each needs the day it begins: `from`");
            }
            Some(from) if !exists(from) => {
                tell(problems, format!("{path}.from"), no_such_day(from));
            }
            Some(from) if !beginnings.insert(from) => {
                tell(problems, format!("{path}.from"), "another season begins on the same day");
            }
            Some(_) | None => {}
        }
        check_windows(&format!("{path}.windows"), &season.windows, problems);
    }
}

fn check_windows(path: &str, windows: &[Window], problems: &mut Vec<Problem>) {
    if windows.is_empty() {
        tell(problems, path, "no office hours are given");
    }
    let mut open_until = None;
    for (index, window) in windows.iter().enumerate() {
        let here = format!("{path}[{index}]");
        if window.end > MINUTES_OF_DAY {
            tell(problems, &here, "a day ends at `24:00`");
        } else if window.start >= window.end {
            tell(problems, &here, "it ends before it begins; windows never cross midnight");
        } else if open_until.is_some_and(|until| window.start <= until) {
            tell(problems, &here, "it does not begin after the window before it has ended");
        }
        open_until = Some(window.end);
    }
}

fn check_rest_days(rest_days: &[Weekday], problems: &mut Vec<Problem>) {
    let mut seen = [false; 7];
    for (index, day) in rest_days.iter().enumerate() {
        let slot = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
        if seen[slot] {
            tell(problems, format!("rest_days[{index}]"), "it is listed twice");
        }
        seen[slot] = true;
    }
    if seen.iter().all(|each| *each) {
        tell(problems, "rest_days", "no day of the week is left to work on");
    }
}

fn check_statutory(statutory: &[Statutory], problems: &mut Vec<Problem>) {
    for (index, each) in statutory.iter().enumerate() {
        match each {
            Statutory::EachYear(day) if !exists(*day) => {
                tell(problems, format!("statutory[{index}]"), no_such_day(*day));
            }
            Statutory::EachYear(_) | Statutory::On(_) => {}
        }
    }
}

fn check_years(spec: &CalendarSpec, problems: &mut Vec<Problem>) {
    let mut previous: Option<i16> = None;
    for (number, year) in &spec.years {
        let path = format!("years.{number}");
        if !(YEAR_MIN..=YEAR_MAX).contains(number) {
            tell(problems, &path, format!("only years {YEAR_MIN} to {YEAR_MAX} can be listed"));
            continue;
        }
        if let Some(before) = previous.filter(|before| before + 1 < *number) {
            tell(problems, &path, format!("the year after {before} is missing before it"));
        }
        previous = Some(*number);
        check_year(spec, *number, year, problems);
    }
}

fn check_year(spec: &CalendarSpec, number: i16, year: &Year, problems: &mut Vec<Problem>) {
    let rests = |date: &Date| spec.rest_days.contains(&date.weekday());
    let mut seen = BTreeSet::new();
    let lists = [("off", &year.weekdays_off), ("worked", &year.weekend_days_worked)];
    for (list, dates) in lists {
        for (index, date) in dates.iter().enumerate() {
            let path = format!("years.{number}.{list}[{index}]");
            if date.year() != number {
                tell(problems, path, format!("{date} is not in {number}"));
            } else if !seen.insert(*date) {
                tell(problems, path, format!("{date} is listed twice"));
            } else if list == "off" && rests(date) {
                tell(problems, path, format!("{date} is a weekly rest day anyway"));
            } else if list == "worked" && !rests(date) {
                tell(problems, path, format!("{date} is no weekly rest day: it is worked anyway"));
            }
        }
    }
    for holiday in &year.holidays {
        check_holiday(spec, number, holiday, problems);
    }
}

fn check_holiday(spec: &CalendarSpec, year: i16, holiday: &Holiday, problems: &mut Vec<Problem>) {
    let path = format!("years.{year}.holidays.{}.days", holiday.id);
    for range in &holiday.days {
        let (first, last) = (range.first, range.last);
        if first > last {
            tell(problems, &path, format!("{first} is after {last}"));
            continue;
        }
        if first.year() != year && last.year() != year {
            tell(problems, &path, format!("{first} is not in {year}"));
            continue;
        }
        let days = first.series(jiff::Span::new().days(1)).take_while(|day| *day <= last);
        let listed = days.filter(|day| spec.years.contains_key(&day.year()));
        for day in listed {
            match rules::kind_of(spec, day) {
                DayKind::Rest | DayKind::Holiday => {}
                DayKind::Working | DayKind::MadeUp => {
                    tell(problems, &path, format!("{day} is a working day"));
                }
            }
        }
    }
}

/// Whether there is such a day, at least in leap years.
fn exists(day: MonthDay) -> bool {
    Date::new(2024, day.month, day.day).is_ok()
}

fn no_such_day(day: MonthDay) -> String {
    format!("there is no day {:02}-{:02}", day.month, day.day)
}
