//! Due times: of an amount, of a day, and of a clock with its exclusions and extensions.
//!
//! Knows the units and what each means; knows nothing of ladders, shares or tellings.

use crate::model::clock::{Exclusion, Extension, Limit};
use crate::model::time::{Amount, Date, Timestamp, Unit};

use super::pauses::{self, Pause};
use super::{Calendar, DayEnd, Moment, table};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

impl Calendar {
    /// When an amount of time that begins at an instant is over.
    ///
    /// `0wd` is the first close of business at or after the start, `0cd` and `0mo` are 24:00 of
    /// the start day (or of the next working day), and nothing of an exact unit is over at once.
    pub fn due(&self, start: Timestamp, amount: Amount) -> Moment {
        self.amount_due(start, amount, &[])
    }

    /// The end of a day as an instant. `by` clocks use [`DayEnd::Midnight`]: the day was chosen
    /// by somebody, so it is not moved; no working day is looked up, so it is never provisional.
    pub fn due_on(&self, date: Date, end: DayEnd) -> Moment {
        self.day_due(table::day_of(date), end)
    }

    /// The opening of business of a day, or of the next working day if it is not one.
    pub fn opening_on_or_after(&self, date: Date) -> Moment {
        let day = self.table().working_day_after(table::day_of(date), 0);
        let opening = self.table().opening(day).unwrap_or_else(|| self.table().start_of(day));
        self.moment(opening, opening)
    }

    /// The first opening of business that is not before an instant: when the next digest is read.
    pub fn next_opening(&self, from: Timestamp) -> Timestamp {
        let today = self.date_of(from);
        let opening = self.opening_on_or_after(today).at;
        if opening >= from {
            return opening;
        }
        self.opening_on_or_after(today.tomorrow().unwrap_or(today)).at
    }

    /// The due time of a clock, derived from what is recorded about it.
    ///
    /// Exclusions are united first, and only their part from `started_at` on counts. They move a
    /// limit of working days, hours or minutes on by their working time (working days are then
    /// rolled once to close of business), one of calendar days or months by whole days of 24
    /// hours rounded up (then the working-day rule), one of hours or minutes exactly. A pause
    /// that begins when the limit has run out already does not count; a limit that is a day
    /// (`by`) runs on through all of them.
    ///
    /// Extensions follow, in order, each in its own unit from the due time so far; see
    /// [`Calendar::extended`]. None ever makes the due time earlier.
    pub fn clock_due(
        &self,
        limit: Limit,
        started_at: Timestamp,
        excluded: &[Exclusion],
        extended: &[Extension],
    ) -> Moment {
        let pauses = self.pauses_that_count(limit, started_at, excluded, extended);
        self.due_with(limit, started_at, &pauses, extended)
    }

    /// A due time that was counted in this unit, moved on by a time that does not count, as
    /// [`Calendar::clock_due`] moves it; one that was moved to a working day is moved from there.
    pub fn moved_on(&self, due: Timestamp, unit: Unit, from: Timestamp, to: Timestamp) -> Moment {
        let pauses = [Pause { from, to: to.max(from) }];
        match unit {
            Unit::WorkingDays => self.closing_after_pauses(due, &pauses),
            Unit::WorkingHours | Unit::WorkingMinutes => {
                self.add_working_ms(due, self.paused_working_ms(&pauses))
            }
            Unit::CalendarDays | Unit::Months => {
                self.midnight_after_pauses(self.day_that_ends_at_or_holds(due), &pauses)
            }
            Unit::Hours | Unit::Minutes => {
                Moment { at: due.plus_ms(pauses::wall_ms(&pauses)), provisional: false }
            }
        }
    }

    /// The due time after one more extension.
    ///
    /// In `wd`: close of business of the n-th working day after the due day; in `cd` and `mo`
    /// counted from the due day, then the working-day rule; in the other units exact. Up to a
    /// day: its close of business if the limit is one of working time, otherwise its 24:00, each
    /// moved to the next working day if it is not one.
    pub fn extended(&self, limit: Limit, due: Timestamp, by: &Extension) -> Moment {
        self.extended_with(limit, due, by, &[])
    }

    /// Exclusions count as long as they begin before the limit, moved on so far, has run out.
    pub(super) fn pauses_that_count(
        &self,
        limit: Limit,
        started_at: Timestamp,
        excluded: &[Exclusion],
        extended: &[Extension],
    ) -> Vec<Pause> {
        if matches!(limit, Limit::Date(_)) {
            return Vec::new();
        }
        let mut pauses = pauses::union_from(started_at, excluded);
        let mut counted = 0;
        while counted < pauses.len() {
            let due = self.due_with(limit, started_at, &pauses[..counted], extended);
            if pauses[counted].from >= due.at {
                break;
            }
            counted += 1;
        }
        pauses.truncate(counted);
        pauses
    }

    pub(super) fn due_with(
        &self,
        limit: Limit,
        started_at: Timestamp,
        pauses: &[Pause],
        extended: &[Extension],
    ) -> Moment {
        let first = match limit {
            Limit::Amount(amount) => self.amount_due(started_at, amount, pauses),
            Limit::Date(date) => self.due_on(date, DayEnd::Midnight),
        };
        extended.iter().fold(first, |due, extension| {
            let next = self.extended_with(limit, due.at, extension, pauses);
            Moment { at: next.at, provisional: due.provisional || next.provisional }
        })
    }

    pub(super) fn amount_due(&self, start: Timestamp, amount: Amount, pauses: &[Pause]) -> Moment {
        let Amount { count, unit } = amount;
        match unit {
            Unit::WorkingDays => {
                let due = self.working_days_due(start, count);
                self.closing_after_pauses(due, pauses)
            }
            Unit::WorkingHours | Unit::WorkingMinutes => {
                let budget = exact_ms(amount).saturating_add(self.paused_working_ms(pauses));
                self.add_working_ms(start, budget)
            }
            Unit::CalendarDays | Unit::Months => {
                let day = later_day(self.date_of(start), amount);
                self.midnight_after_pauses(day, pauses)
            }
            Unit::Hours | Unit::Minutes => {
                let at = start.plus_ms(exact_ms(amount)).plus_ms(pauses::wall_ms(pauses));
                Moment { at, provisional: false }
            }
        }
    }

    fn extended_with(
        &self,
        limit: Limit,
        due: Timestamp,
        extension: &Extension,
        pauses: &[Pause],
    ) -> Moment {
        let next = match extension.by {
            Limit::Amount(amount) => self.after_due(due, amount),
            // A promise is kept back by the pauses after it, as every limit is.
            Limit::Date(date) => {
                let later = pauses::after(extension.granted_at, pauses);
                if is_working_time(limit) {
                    let end = self.due_on(date, DayEnd::CloseOfBusiness);
                    self.closing_after_pauses(end.at, &later)
                } else {
                    self.midnight_after_pauses(date, &later)
                }
            }
        };
        Moment { at: next.at.max(due), provisional: next.provisional }
    }

    /// An amount counted from a due time: the days after the day that ends there, or exact.
    pub(super) fn after_due(&self, due: Timestamp, amount: Amount) -> Moment {
        let Amount { count, unit } = amount;
        match unit {
            _ if count == 0 => Moment { at: due, provisional: false },
            Unit::WorkingDays => {
                let day = self.table().working_day_after(self.ending_day(due), count);
                self.day_due(day, DayEnd::CloseOfBusiness)
            }
            Unit::CalendarDays | Unit::Months => {
                let day = later_day(self.day_that_ends_at_or_holds(due), amount);
                self.due_on(day, DayEnd::MidnightOfWorkingDay)
            }
            Unit::WorkingHours | Unit::WorkingMinutes => self.add_working_ms(due, exact_ms(amount)),
            Unit::Hours | Unit::Minutes => {
                Moment { at: due.plus_ms(exact_ms(amount)), provisional: false }
            }
        }
    }

    pub(super) fn day_due(&self, day: usize, end: DayEnd) -> Moment {
        let table = self.table();
        match end {
            DayEnd::Midnight => Moment { at: table.end_of(day), provisional: false },
            DayEnd::MidnightOfWorkingDay => {
                let at = table.end_of(table.working_day_after(day, 0));
                self.moment(at, at)
            }
            DayEnd::CloseOfBusiness => {
                let day = table.working_day_after(day, 0);
                // The last day of the table may be a rest day: then its end has to do.
                let at = table.closing(day).unwrap_or_else(|| table.end_of(day));
                self.moment(at, at)
            }
        }
    }

    /// Close of business of the n-th working day after the start day; for 0 the next one at all.
    fn working_days_due(&self, start: Timestamp, count: u32) -> Timestamp {
        let day = self.table().day_at(start);
        let first =
            self.day_due(self.table().working_day_after(day, count), DayEnd::CloseOfBusiness);
        if first.at >= start {
            return first.at;
        }
        let next = self.table().working_day_after(day, 1);
        self.day_due(next, DayEnd::CloseOfBusiness).at
    }

    /// A close of business, moved on by the working time of pauses, rolled to close of business.
    pub(super) fn closing_after_pauses(&self, closing: Timestamp, pauses: &[Pause]) -> Moment {
        let moved = self.add_working_ms(closing, self.paused_working_ms(pauses));
        self.day_due(self.ending_day(moved.at), DayEnd::CloseOfBusiness)
    }

    /// 24:00 of a day, moved on by whole days of pauses, rolled to a working day.
    pub(super) fn midnight_after_pauses(&self, day: Date, pauses: &[Pause]) -> Moment {
        let day = days_later(day, days_rounded_up(pauses::wall_ms(pauses)));
        self.due_on(day, DayEnd::MidnightOfWorkingDay)
    }

    pub(super) fn paused_working_ms(&self, pauses: &[Pause]) -> i64 {
        pauses.iter().map(|each| self.working_ms(each.from, each.to)).sum()
    }
}

/// Whether a limit is measured in working time.
pub(super) fn is_working_time(limit: Limit) -> bool {
    match limit {
        Limit::Amount(amount) => is_working_unit(amount.unit),
        Limit::Date(_) => false,
    }
}

/// Whether a unit is measured in working time.
pub(super) fn is_working_unit(unit: Unit) -> bool {
    match unit {
        Unit::WorkingDays | Unit::WorkingHours | Unit::WorkingMinutes => true,
        Unit::CalendarDays | Unit::Months | Unit::Hours | Unit::Minutes => false,
    }
}

/// Milliseconds of an amount whose unit has a fixed length; days have 24 hours here.
pub(super) fn exact_ms(amount: Amount) -> i64 {
    let unit_ms = match amount.unit {
        Unit::WorkingMinutes | Unit::Minutes => MINUTE_MS,
        Unit::WorkingHours | Unit::Hours => HOUR_MS,
        Unit::WorkingDays | Unit::CalendarDays | Unit::Months => DAY_MS,
    };
    i64::from(amount.count).saturating_mul(unit_ms)
}

/// The day so many calendar days or months after a day; a month too short ends it earlier.
pub(super) fn later_day(day: Date, amount: Amount) -> Date {
    if amount.unit != Unit::Months {
        return days_later(day, i64::from(amount.count));
    }
    let span = jiff::Span::new().try_months(amount.count);
    span.ok().and_then(|span| day.checked_add(span).ok()).unwrap_or(Date::MAX)
}

/// Whole days of 24 hours that cover a length of time.
pub(super) fn days_rounded_up(milliseconds: i64) -> i64 {
    milliseconds.saturating_add(DAY_MS - 1) / DAY_MS
}

/// The day so many days later, or the last there is.
pub(super) fn days_later(day: Date, days: i64) -> Date {
    let span = jiff::Span::new().try_days(days);
    span.ok().and_then(|span| day.checked_add(span).ok()).unwrap_or(Date::MAX)
}
