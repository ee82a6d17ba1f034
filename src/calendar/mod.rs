//! Working calendars: which days and which hours are worked, and every sum of time in them.
//!
//! Pure arithmetic: an instant goes in, an instant comes out. Knows no clock of the machine, no
//! YAML, no serde, no workflow and no instance; beside `std` and [`crate::model`] it names only
//! `jiff`, and of that only civil dates and time zones.
//!
//! All answers are exact for instants of the years 1970 to 2200. Beyond them they saturate at the
//! edge of the table: a limit of a million working days is due at its end, and nothing panics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::model::id::CalendarId;
use crate::model::organization::Title;
use crate::model::time::{Date, Timestamp};

use table::Table;

mod check;
mod digest;
mod rules;
mod table;

mod due;
mod pauses;
mod share;

pub mod explain;
pub mod render;

#[cfg(test)]
mod tests;

/// What an administrator writes about a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarSpec {
    /// Its name.
    pub id: CalendarId,
    /// What people call it.
    pub title: Title,
    /// The IANA name of its time zone, such as `Asia/Shanghai`.
    pub zone: String,
    /// Every hour of every day counts; `hours`, `rest_days`, `statutory` and `years` are ignored.
    pub always_on: bool,
    /// Office hours: one season without a beginning, or several that follow one another.
    pub hours: Vec<Season>,
    /// The days of the week on which nobody works.
    pub rest_days: Vec<Weekday>,
    /// Days off that are known for years that are not listed.
    pub statutory: Vec<Statutory>,
    /// What was published, by year. Between the first and the last none may be missing.
    pub years: BTreeMap<i16, Year>,
}

/// Office hours that hold from one day of the year until the next season begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Season {
    /// The day on which it begins each year; `None`: it is the only one and holds all year.
    pub from: Option<MonthDay>,
    /// The windows of each of its working days, in order.
    pub windows: Vec<Window>,
}

/// A stretch of office hours, in minutes of the day. The end belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// Minute of the day at which it opens.
    pub start: u16,
    /// Minute of the day at which it closes, at most 1440.
    pub end: u16,
}

/// A day of every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MonthDay {
    /// 1 to 12.
    pub month: i8,
    /// 1 to 31.
    pub day: i8,
}

/// A day off that is known before its year is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statutory {
    /// The same day of every year.
    EachYear(MonthDay),
    /// One day of one year, such as a festival of the lunar calendar.
    On(Date),
}

/// What was published about a year.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Year {
    /// Days that would be worked by the week and are not.
    pub weekdays_off: Vec<Date>,
    /// Weekly rest days that are worked.
    pub weekend_days_worked: Vec<Date>,
    /// Names of stretches of days, for the explanation only.
    pub holidays: Vec<Holiday>,
}

/// A holiday by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holiday {
    /// Its key in the file.
    pub id: String,
    /// What people call it.
    pub title: Title,
    /// Its days; mostly one stretch.
    pub days: Vec<DayRange>,
}

/// Days from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayRange {
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
}

/// Something that is wrong in a [`CalendarSpec`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, in the words of the file: `zone`, `hours[1].windows[0]`, `years.2024.off[3]`.
    pub path: String,
    /// What, in lower case and without a full stop.
    pub what: String,
}

/// An instant that was computed from the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    /// The instant.
    pub at: Timestamp,
    /// A day beyond the last published year was consulted: the instant may still move.
    pub provisional: bool,
}

/// Which end of a day is meant where a day stands for an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DayEnd {
    /// 24:00 of that very day, worked or not: how `by` clocks are due.
    Midnight,
    /// 24:00 of that day, or of the next working day if it is not one.
    MidnightOfWorkingDay,
    /// Close of business of that day, or of the next working day if it is not one.
    CloseOfBusiness,
}

/// A compiled calendar: immutable, shared by cloning, never wrong about its own table.
#[derive(Clone)]
pub struct Calendar(Arc<Inner>);

struct Inner {
    spec: CalendarSpec,
    zone: TimeZone,
    table: Table,
    digest: u64,
    horizon: Option<Date>,
    always_on: OnceLock<Calendar>,
}

impl fmt::Debug for Calendar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Calendar({}, {:016x})", self.id(), self.digest())
    }
}

impl Calendar {
    /// Compiles a calendar, or tells everything that is wrong with it.
    pub fn new(spec: CalendarSpec) -> Result<Self, Vec<Problem>> {
        let zone = check::check(&spec)?;
        Ok(Self::compile(spec, zone))
    }

    fn compile(spec: CalendarSpec, zone: TimeZone) -> Self {
        let table = Table::build(&spec, &zone);
        let digest = digest::digest(&spec);
        let horizon = rules::horizon(&spec);
        Self(Arc::new(Inner { spec, zone, table, digest, horizon, always_on: OnceLock::new() }))
    }

    /// Its name.
    pub fn id(&self) -> &CalendarId {
        &self.0.spec.id
    }

    /// What it was compiled from.
    pub fn spec(&self) -> &CalendarSpec {
        &self.0.spec
    }

    /// Its time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.0.zone
    }

    fn table(&self) -> &Table {
        &self.0.table
    }

    /// A digest of all that any instant depends on: equal calendars have equal digests, in every
    /// build and on every machine. Titles and names of holidays do not enter: editing one is no
    /// reason to compute running clocks anew.
    pub fn digest(&self) -> u64 {
        self.0.digest
    }

    /// The last day of the last published year. `None` where no year is listed, and always on:
    /// then there is nothing to wait for, and nothing is ever provisional.
    pub fn horizon(&self) -> Option<Date> {
        self.0.horizon
    }

    /// The same calendar with every hour of every day counted. Close of business is 24:00.
    #[must_use]
    pub fn always_on(&self) -> Self {
        if self.0.spec.always_on {
            return self.clone();
        }
        let compile = || {
            let spec = CalendarSpec { always_on: true, ..self.0.spec.clone() };
            Self::compile(spec, self.0.zone.clone())
        };
        self.0.always_on.get_or_init(compile).clone()
    }

    /// The day, in the calendar's zone, that holds an instant. 00:00 belongs to the day it begins.
    pub fn date_of(&self, at: Timestamp) -> Date {
        table::date_at(self.table().day_at(at))
    }

    /// The day of an instant that ends something: at 00:00 it is the day that ends there.
    pub fn day_that_ends_at_or_holds(&self, at: Timestamp) -> Date {
        table::date_at(self.ending_day(at))
    }

    /// Whether anybody works on a day.
    pub fn is_working_day(&self, date: Date) -> bool {
        self.table().is_working(table::day_of(date))
    }

    /// When the first window of a day opens; `None` if it is no working day.
    pub fn opening_of(&self, date: Date) -> Option<Timestamp> {
        self.table().opening(table::day_of(date))
    }

    /// When the last window of a day closes; `None` if it is no working day.
    pub fn closing_of(&self, date: Date) -> Option<Timestamp> {
        self.table().closing(table::day_of(date))
    }

    /// Exact working time from one instant to another; negative if `to` is the earlier one.
    pub fn working_ms(&self, from: Timestamp, to: Timestamp) -> i64 {
        self.table().worked_until(to) - self.table().worked_until(from)
    }

    /// Working days after the day of `from` up to and including the day that holds `to` or ends
    /// at it: a limit of `5wd` is due 5 working days after its start. Negative if `to` is earlier.
    pub fn working_days_between(&self, from: Timestamp, to: Timestamp) -> i64 {
        if from == to {
            return 0;
        }
        let (earlier, later) = if from < to { (from, to) } else { (to, from) };
        let after = self.table().day_at(earlier);
        let through = self.ending_day(later);
        let count =
            self.table().working_days_through(through) - self.table().working_days_through(after);
        if from < to { count } else { -count }
    }

    /// The earliest instant at which a budget of working time has run out, counted from `from`.
    ///
    /// A negative budget is counted backwards: the latest instant from which that much working
    /// time leads to `from`. A budget of nothing has run out at once.
    pub fn add_working_ms(&self, from: Timestamp, milliseconds: i64) -> Moment {
        if milliseconds == 0 {
            return self.moment(from, from);
        }
        let target = self.table().worked_until(from).saturating_add(milliseconds);
        let at = if milliseconds > 0 {
            self.table().earliest_with(target)
        } else {
            self.table().latest_with(target)
        };
        self.moment(at, from.max(at))
    }

    fn ending_day(&self, at: Timestamp) -> usize {
        let day = self.table().day_at(at);
        if self.table().start_of(day) == at { day.saturating_sub(1) } else { day }
    }

    /// An answer for which days up to that of `consulted` were looked at.
    fn moment(&self, at: Timestamp, consulted: Timestamp) -> Moment {
        let provisional =
            self.0.horizon.is_some_and(|last| self.day_that_ends_at_or_holds(consulted) > last);
        Moment { at, provisional }
    }
}
