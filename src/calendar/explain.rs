//! The day walk: how a due time came about, day by day, as data.
//!
//! It shows what [`Calendar::clock_due`] computes and never computes a due time of its own. Knows
//! nothing of languages: [`super::render`] puts it in words.

use jiff::civil::DateTime;

use crate::model::clock::{Exclusion, Extension, Limit};
use crate::model::organization::Title;
use crate::model::time::{Amount, Date, Timestamp, Unit};

use super::due::{days_later, days_rounded_up, is_working_time, is_working_unit, later_day};
use super::pauses::{self, Pause};
use super::rules::{self, DayKind};
use super::{Calendar, Moment, table};

/// How a due time came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayWalk {
    /// The limit that was given.
    pub limit: Limit,
    /// When it began, in the calendar's zone.
    pub started: DateTime,
    /// Day by day.
    pub steps: Vec<DayStep>,
    /// The due time, as [`Calendar::clock_due`] gives it.
    pub due: Moment,
    /// The same in the calendar's zone.
    pub due_local: DateTime,
    /// The IANA name of that zone.
    pub zone: String,
}

/// What became of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayStep {
    /// The day.
    pub date: Date,
    /// What became of it.
    pub verdict: DayVerdict,
    /// The count so far, of the limit, of its pauses or of the extension that is being walked.
    pub counted: Counted,
}

/// A running count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Nothing is counted here.
    Nothing,
    /// So many working days.
    WorkingDays(i64),
    /// So many calendar days.
    CalendarDays(i64),
    /// So many milliseconds of working time.
    WorkingMs(i64),
}

/// What became of a day, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DayVerdict {
    /// The day of the start, which a limit of whole days never counts.
    Start,
    /// It counts.
    Counted,
    /// A weekly rest day that is worked: it counts.
    MadeUp,
    /// A weekly rest day.
    Rest,
    /// A day off with its name, where it has one.
    Holiday(Option<Title>),
    /// From here on the clock stood still for a while.
    Excluded {
        /// The first instant that did not count.
        from: DateTime,
        /// The first that counted again.
        to: DateTime,
    },
    /// A day by which the limit moved on because the clock had stood still.
    MovedOn,
    /// The limit ended on this day, which is not worked: it moves on to the next that is.
    Rolled,
    /// An extension, counted from this day.
    Extended(Limit),
    /// The day on which, or at whose end, the limit runs out.
    Due,
}

impl Calendar {
    /// Explains a due time: the walk through the days that leads to it.
    pub fn explain(
        &self,
        limit: Limit,
        started_at: Timestamp,
        excluded: &[Exclusion],
        extended: &[Extension],
    ) -> DayWalk {
        let pauses = self.pauses_that_count(limit, started_at, excluded, extended);
        let due = self.clock_due(limit, started_at, excluded, extended);
        let mut walker = Walker { calendar: self, steps: Vec::new() };

        let mut so_far = match limit {
            Limit::Amount(amount) => walker.limit(amount, started_at, &pauses),
            Limit::Date(_) => self.clock_due(limit, started_at, &[], &[]).at,
        };
        for (index, extension) in extended.iter().enumerate() {
            let next = self.due_with(limit, started_at, &pauses, &extended[..=index]).at;
            walker.extension(limit, extension, so_far, next, &pauses);
            so_far = next;
        }
        let due_day = self.day_that_ends_at_or_holds(due.at);
        walker.step(due_day, DayVerdict::Due, Counted::Nothing);
        let (started, due_local) = (self.local(started_at), self.local(due.at));
        let zone = self.spec().zone.clone();
        DayWalk { limit, started, steps: walker.steps, due, due_local, zone }
    }

    fn local(&self, at: Timestamp) -> DateTime {
        let edge = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or(edge);
        self.zone().to_datetime(instant)
    }

    fn day_kind(&self, date: Date) -> DayKind {
        rules::kind_of(self.spec(), date)
    }
}

struct Walker<'a> {
    calendar: &'a Calendar,
    steps: Vec<DayStep>,
}

impl Walker<'_> {
    fn step(&mut self, date: Date, verdict: DayVerdict, counted: Counted) {
        self.steps.push(DayStep { date, verdict, counted });
    }

    /// The limit itself with its pauses; its due time before any extension.
    fn limit(&mut self, amount: Amount, started_at: Timestamp, pauses: &[Pause]) -> Timestamp {
        let calendar = self.calendar;
        let due = calendar.amount_due(started_at, amount, pauses).at;
        let plain = calendar.amount_due(started_at, amount, &[]).at;
        let start_day = calendar.date_of(started_at);
        if counts_whole_days(amount.unit) {
            self.step(start_day, DayVerdict::Start, Counted::Nothing);
        }
        match amount.unit {
            Unit::WorkingDays => {
                let plain_day = calendar.day_that_ends_at_or_holds(plain);
                self.working_days(start_day, plain_day);
                self.pauses_in_working_time(pauses);
                self.moved_on(plain_day, calendar.day_that_ends_at_or_holds(due));
            }
            Unit::WorkingHours | Unit::WorkingMinutes => {
                self.working_time(started_at, due, pauses);
            }
            Unit::CalendarDays | Unit::Months => {
                let last = later_day(start_day, amount);
                self.calendar_days(start_day, last);
                self.pauses_in_days(pauses);
                let moved = days_later(last, days_rounded_up(pauses::wall_ms(pauses)));
                for date in days_between(last, moved) {
                    self.step(date, DayVerdict::MovedOn, Counted::Nothing);
                }
                self.rolled(moved, calendar.day_that_ends_at_or_holds(due));
            }
            Unit::Hours | Unit::Minutes => self.pauses_exactly(pauses),
        }
        due
    }

    /// One extension, from one due time to the next.
    fn extension(
        &mut self,
        limit: Limit,
        extension: &Extension,
        from: Timestamp,
        to: Timestamp,
        pauses: &[Pause],
    ) {
        let calendar = self.calendar;
        let (from_day, to_day) =
            (calendar.day_that_ends_at_or_holds(from), calendar.day_that_ends_at_or_holds(to));
        self.step(from_day, DayVerdict::Extended(extension.by), Counted::Nothing);
        match extension.by {
            Limit::Amount(Amount { unit: Unit::WorkingDays, .. }) => {
                self.working_days(from_day, to_day);
            }
            Limit::Amount(amount) if is_working_unit(amount.unit) => {
                self.working_time(from, to, &[]);
            }
            Limit::Amount(Amount { unit: Unit::Hours | Unit::Minutes, .. }) => {}
            Limit::Amount(amount) => {
                let last = later_day(from_day, amount);
                self.calendar_days(from_day, last);
                self.rolled(last, to_day);
            }
            Limit::Date(date) => {
                let later = pauses::after(extension.granted_at, pauses);
                if is_working_time(limit) {
                    self.pauses_in_working_time(&later);
                } else {
                    self.pauses_in_days(&later);
                }
                self.rolled(date, to_day);
            }
        }
    }

    /// Days after the first up to the last, working days counted.
    fn working_days(&mut self, first: Date, last: Date) {
        let mut count = 0;
        for date in days_between(first, last) {
            let verdict = self.verdict(date);
            let counts = matches!(verdict, DayVerdict::Counted | DayVerdict::MadeUp);
            count += i64::from(counts);
            let counted = if counts { Counted::WorkingDays(count) } else { Counted::Nothing };
            self.step(date, verdict, counted);
        }
    }

    /// Days after the first up to the last, all counted.
    fn calendar_days(&mut self, first: Date, last: Date) {
        for (count, date) in (1..).zip(days_between(first, last)) {
            self.step(date, DayVerdict::Counted, Counted::CalendarDays(count));
        }
    }

    /// Working time that counts, day by day, both ends included.
    fn working_time(&mut self, from: Timestamp, to: Timestamp, pauses: &[Pause]) {
        let calendar = self.calendar;
        let mut total = 0;
        let mut coming = pauses.iter().peekable();
        let first = calendar.date_of(from);
        let days = std::iter::once(first)
            .chain(days_between(first, calendar.day_that_ends_at_or_holds(to)));
        for date in days {
            let day = table::day_of(date);
            let begin = calendar.table().start_of(day).max(from);
            let end = calendar.table().end_of(day).min(to);
            let today = pauses::until(end, &pauses::after(begin, pauses));
            let worked = calendar.working_ms(begin, end) - calendar.paused_working_ms(&today);
            total += worked;
            match self.verdict(date) {
                verdict @ (DayVerdict::Counted | DayVerdict::MadeUp) if worked > 0 => {
                    self.step(date, verdict, Counted::WorkingMs(total));
                }
                DayVerdict::Counted | DayVerdict::MadeUp => {}
                verdict => self.step(date, verdict, Counted::Nothing),
            }
            while let Some(pause) = coming.next_if(|pause| pause.from < end) {
                self.pause(*pause, Counted::Nothing);
            }
        }
    }

    fn pauses_in_working_time(&mut self, pauses: &[Pause]) {
        let mut total = 0;
        for pause in pauses {
            total += self.calendar.working_ms(pause.from, pause.to);
            self.pause(*pause, Counted::WorkingMs(total));
        }
    }

    fn pauses_in_days(&mut self, pauses: &[Pause]) {
        for (index, pause) in pauses.iter().enumerate() {
            let days = days_rounded_up(pauses::wall_ms(&pauses[..=index]));
            self.pause(*pause, Counted::CalendarDays(days));
        }
    }

    fn pauses_exactly(&mut self, pauses: &[Pause]) {
        for pause in pauses {
            self.pause(*pause, Counted::Nothing);
        }
    }

    fn pause(&mut self, pause: Pause, counted: Counted) {
        let (from, to) = (self.calendar.local(pause.from), self.calendar.local(pause.to));
        self.step(from.date(), DayVerdict::Excluded { from, to }, counted);
    }

    /// Days by which a limit of working days moved on after pauses.
    fn moved_on(&mut self, first: Date, last: Date) {
        for date in days_between(first, last) {
            let verdict = match self.verdict(date) {
                DayVerdict::Counted | DayVerdict::MadeUp => DayVerdict::MovedOn,
                verdict => verdict,
            };
            self.step(date, verdict, Counted::Nothing);
        }
    }

    /// The days between the one on which a limit would end and the working day on which it does.
    fn rolled(&mut self, first: Date, due_day: Date) {
        if first >= due_day {
            return;
        }
        self.step(first, DayVerdict::Rolled, Counted::Nothing);
        for date in days_between(first, due_day).filter(|date| *date < due_day) {
            let verdict = self.verdict(date);
            self.step(date, verdict, Counted::Nothing);
        }
    }

    fn verdict(&self, date: Date) -> DayVerdict {
        match self.calendar.day_kind(date) {
            DayKind::Working => DayVerdict::Counted,
            DayKind::MadeUp => DayVerdict::MadeUp,
            kind @ (DayKind::Rest | DayKind::Holiday) => {
                match rules::holiday_of(self.calendar.spec(), date) {
                    None if kind == DayKind::Rest => DayVerdict::Rest,
                    title => DayVerdict::Holiday(title.cloned()),
                }
            }
        }
    }
}

/// Whether a unit counts days after a start day that does not count.
fn counts_whole_days(unit: Unit) -> bool {
    match unit {
        Unit::WorkingDays | Unit::CalendarDays | Unit::Months => true,
        Unit::WorkingHours | Unit::WorkingMinutes | Unit::Hours | Unit::Minutes => false,
    }
}

/// Days after the first up to the last, both within the calendar's table.
fn days_between(first: Date, last: Date) -> impl Iterator<Item = Date> {
    (table::day_of(first) + 1..=table::day_of(last)).map(table::date_at)
}
