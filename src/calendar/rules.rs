//! What kind of day a day is, by the rules of a calendar.
//!
//! Knows nothing of instants and zones: only days, weeks and published years.

use jiff::civil::{Date, date};

use crate::model::organization::Title;

use super::{CalendarSpec, MonthDay, Statutory, Window};

/// Always on: one window from 00:00 to 24:00.
const ALL_DAY: [Window; 1] = [Window { start: 0, end: 24 * 60 }];

/// Why a day is worked or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayKind {
    /// A day of the working week.
    Working,
    /// A weekly rest day that is worked.
    MadeUp,
    /// A weekly rest day.
    Rest,
    /// Another day off.
    Holiday,
}

/// What kind of day a day is.
pub(super) fn kind_of(spec: &CalendarSpec, date: Date) -> DayKind {
    if spec.always_on {
        return DayKind::Working;
    }
    let rest = spec.rest_days.contains(&date.weekday());
    match spec.years.get(&date.year()) {
        Some(year) if rest && year.weekend_days_worked.contains(&date) => DayKind::MadeUp,
        Some(year) if !rest && year.weekdays_off.contains(&date) => DayKind::Holiday,
        None if !rest && is_statutory(spec, date) => DayKind::Holiday,
        Some(_) | None if rest => DayKind::Rest,
        Some(_) | None => DayKind::Working,
    }
}

/// The windows of every season, in the order in which the calendar lists them.
pub(super) fn seasons(spec: &CalendarSpec) -> Vec<&[Window]> {
    if spec.always_on {
        return vec![&ALL_DAY];
    }
    spec.hours.iter().map(|season| season.windows.as_slice()).collect()
}

/// For each day of a year the season whose windows it has; none if it is not worked.
///
/// The same as asking [`kind_of`] about every day, but fast enough for all years of the table.
pub(super) fn seasons_by_day(spec: &CalendarSpec, year: i16) -> Vec<Option<usize>> {
    let new_year = date(year, 1, 1);
    let length = usize::try_from(new_year.days_in_year()).unwrap_or_default();
    if spec.always_on {
        return vec![Some(0); length];
    }
    let seasons = season_of_each_day(spec, new_year, length);
    let mut by_day = seasons.clone();
    let mut weekday = new_year.weekday();
    for day in &mut by_day {
        if spec.rest_days.contains(&weekday) {
            *day = None;
        }
        weekday = weekday.next();
    }
    if let Some(listed) = spec.years.get(&year) {
        for day in listed.weekdays_off.iter().filter_map(|day| index_in(year, *day)) {
            by_day[day] = None;
        }
        for day in listed.weekend_days_worked.iter().filter_map(|day| index_in(year, *day)) {
            by_day[day] = seasons[day];
        }
    } else {
        let days = spec.statutory.iter().filter_map(|each| match each {
            Statutory::EachYear(day) => Date::new(year, day.month, day.day).ok(),
            Statutory::On(day) => Some(*day),
        });
        for day in days.filter_map(|day| index_in(year, day)) {
            by_day[day] = None;
        }
    }
    by_day
}

/// The name of the holiday to which a day belongs, where one was published.
pub(super) fn holiday_of(spec: &CalendarSpec, date: Date) -> Option<&Title> {
    // A stretch that begins in December may be listed with either of its years.
    let near = spec.years.range(date.year().saturating_sub(1)..=date.year().saturating_add(1));
    let mut holidays = near.flat_map(|(_, year)| &year.holidays);
    let holds = |range: &super::DayRange| range.first <= date && date <= range.last;
    holidays.find(|holiday| holiday.days.iter().any(holds)).map(|holiday| &holiday.title)
}

/// The last day of the last published year.
pub(super) fn horizon(spec: &CalendarSpec) -> Option<Date> {
    if spec.always_on {
        return None;
    }
    spec.years.last_key_value().map(|(year, _)| date(*year, 12, 31))
}

fn is_statutory(spec: &CalendarSpec, date: Date) -> bool {
    spec.statutory.iter().any(|each| match each {
        Statutory::EachYear(day) => *day == month_day(date),
        Statutory::On(day) => *day == date,
    })
}

/// Before the first season of a year the last one of the year before still holds.
fn season_of_each_day(spec: &CalendarSpec, new_year: Date, length: usize) -> Vec<Option<usize>> {
    let mut beginnings: Vec<(Option<MonthDay>, usize)> =
        spec.hours.iter().enumerate().map(|(index, season)| (season.from, index)).collect();
    beginnings.sort_unstable();
    let mut by_day = vec![beginnings.last().map(|(_, index)| *index); length];
    for (from, season) in beginnings {
        let begins = from.map_or(0, |from| begins_at(new_year.year(), from));
        by_day[begins..].fill(Some(season));
    }
    by_day
}

/// The index of a day that begins a season; 29 February is 1 March where there is none.
fn begins_at(year: i16, from: MonthDay) -> usize {
    let day = Date::new(year, from.month, from.day);
    let day = day.unwrap_or_else(|_| date(year, 3, 1));
    index_in(year, day).unwrap_or_default()
}

fn index_in(year: i16, day: Date) -> Option<usize> {
    (day.year() == year).then(|| usize::try_from(day.day_of_year() - 1).unwrap_or_default())
}

fn month_day(date: Date) -> MonthDay {
    MonthDay { month: date.month(), day: date.day() }
}
