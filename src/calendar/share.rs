//! Points of a limit: shares, offsets from its due time, and instants at which people are told.
//!
//! Knows nothing of ladders and steps: only where on the time line a point lies.

use crate::model::clock::Exclusion;
use crate::model::time::{Date, Offset, Timestamp, Unit};

use super::due::{days_later, exact_ms, is_working_unit};
use super::pauses::{self, Pause};
use super::{Calendar, DayEnd, Moment};

/// What a limit is measured in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Working,
    Wall,
}

impl Calendar {
    /// The instant at which a share of a limit is used up, in the limit's own time: working time
    /// for `wd`, `wh` and `wm`, wall time for the other units. Above 100 % it goes on in the same
    /// time beyond the due time. Rounded up to the millisecond.
    ///
    /// Only days that were looked up make it provisional; whether the due time itself is, the
    /// caller knows.
    pub fn share(&self, unit: Unit, start: Timestamp, due: Timestamp, percent: u32) -> Moment {
        self.share_excluding(unit, start, due, percent, &[])
    }

    /// The same where the clock stood still at times: they count neither in the whole nor on the
    /// way, before the due time and beyond it.
    pub fn share_excluding(
        &self,
        unit: Unit,
        start: Timestamp,
        due: Timestamp,
        percent: u32,
        excluded: &[Exclusion],
    ) -> Moment {
        let measure = if is_working_unit(unit) { Measure::Working } else { Measure::Wall };
        let due = due.max(start);
        let pauses = pauses::union_from(start, excluded);
        let before_due: Vec<Pause> = pauses::until(due, &pauses);
        let stood_still: i64 = before_due.iter().map(|each| self.measured(measure, *each)).sum();
        let whole = self.measured(measure, Pause { from: start, to: due }) - stood_still;

        let at = match percent {
            100 => due,
            0..100 => self.walk(measure, start, part_of(whole, percent), &pauses).min(due),
            _ => self.walk(measure, due, part_of(whole, percent - 100), &pauses),
        };
        match measure {
            Measure::Working => self.moment(at, at.max(due)),
            Measure::Wall => Moment { at, provisional: false },
        }
    }

    /// A point so long before or after a due time. `-nwd` and `+nwd` are close of business of the
    /// n-th working day before and after the due day; `±wh`, `±wm`, `±h`, `±m` are exact.
    ///
    /// `+ncd` and `+nmo` follow the rule of their unit, counted from the due day. `-ncd` and
    /// `-nmo` are 24:00 of that earlier day, worked or not: to move it to a working day would
    /// bring it back towards the due time. An offset of nothing is the due time.
    pub fn offset(&self, due: Timestamp, offset: Offset) -> Moment {
        let amount = match offset {
            Offset::After(amount) => return self.after_due(due, amount),
            Offset::Before(amount) => amount,
        };
        let exact = |at| Moment { at, provisional: false };
        match amount.unit {
            _ if amount.count == 0 => exact(due),
            Unit::WorkingDays => {
                let due_day = self.ending_day(due);
                let day = self.table().working_day_before(due_day, amount.count);
                let before = self.day_due(day, DayEnd::CloseOfBusiness);
                self.moment(before.at, due)
            }
            Unit::WorkingHours | Unit::WorkingMinutes => {
                self.add_working_ms(due, -exact_ms(amount))
            }
            Unit::CalendarDays => {
                let day = self.day_that_ends_at_or_holds(due);
                self.due_on(days_later(day, -i64::from(amount.count)), DayEnd::Midnight)
            }
            Unit::Months => {
                let day = self.day_that_ends_at_or_holds(due);
                self.due_on(months_earlier(day, amount.count), DayEnd::Midnight)
            }
            Unit::Hours | Unit::Minutes => exact(due.plus_ms(-exact_ms(amount))),
        }
    }

    /// When people are told of something that happens at an instant: at once within office
    /// hours, whose ends belong to them, else at the next opening. Always on: at once.
    pub fn telling(&self, at: Timestamp) -> Timestamp {
        let table = self.table();
        let today = table.day_at(at);
        if self.spec().always_on || table.closing(self.ending_day(at)) == Some(at) {
            return at;
        }
        let mut windows = table.windows(today);
        if let Some((opens, _)) = windows.find(|(_, closes)| at <= *closes) {
            return at.max(opens);
        }
        table.opening(table.working_day_after(today, 1)).map_or(at, |opens| opens.max(at))
    }

    fn measured(&self, measure: Measure, span: Pause) -> i64 {
        match measure {
            Measure::Working => self.working_ms(span.from, span.to),
            Measure::Wall => span.to.ms_since(span.from),
        }
    }

    /// The earliest instant at which a budget has run out, pauses left out.
    fn walk(&self, measure: Measure, from: Timestamp, budget: i64, pauses: &[Pause]) -> Timestamp {
        let (mut at, mut rest) = (from, budget);
        for pause in pauses::after(from, pauses) {
            let until_pause = self.measured(measure, Pause { from: at, to: pause.from });
            if rest <= until_pause {
                break;
            }
            rest -= until_pause;
            at = pause.to;
        }
        match measure {
            Measure::Working => self.add_working_ms(at, rest).at,
            Measure::Wall => at.plus_ms(rest),
        }
    }
}

/// So many percent of a length of time, rounded up to the millisecond.
fn part_of(whole_ms: i64, percent: u32) -> i64 {
    let exact = i128::from(whole_ms) * i128::from(percent);
    let rounded_up = (exact + 99).div_euclid(100);
    i64::try_from(rounded_up).unwrap_or(i64::MAX)
}

fn months_earlier(day: Date, count: u32) -> Date {
    let span = jiff::Span::new().try_months(count);
    let earlier = span.ok().and_then(|span| day.checked_sub(span).ok());
    earlier.unwrap_or(Date::MIN)
}
