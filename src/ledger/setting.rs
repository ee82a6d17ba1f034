//! What a dossier is looked at with: its workflow, its calendar, the people, the instant of the
//! answer; and time as ledgers count it.

use jiff::civil::DateTime;

use crate::calendar::Calendar;
use crate::definition::compiled::Workflow;
use crate::model::clock::{Clock, ClockOwner};
use crate::model::organization::Organization;
use crate::model::time::{Date, Timestamp};
use crate::model::value::Decimal;

use super::dossier::{Dossier, LimitStory, Span, Stay, TaskStory};

/// Decimal places of a length of time.
const PLACES: u32 = 2;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const HOUR_MS: i64 = 60 * 60 * 1000;
/// Within so many days there is a working day.
const SEARCH_DAYS: i64 = 60;

/// What a dossier is looked at with.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The version of its workflow.
    pub workflow: &'a Workflow,
    /// The calendar by which its time is counted.
    pub calendar: &'a Calendar,
    /// The people.
    pub organization: &'a Organization,
    /// The instant of the answer: nothing after it is known.
    pub now: Timestamp,
}

impl Setting<'_> {
    /// An instant in the zone of the calendar, to the minute.
    pub fn local(&self, at: Timestamp) -> Option<DateTime> {
        let instant = jiff::Timestamp::from_millisecond(at.0).ok()?;
        let local = instant.to_zoned(self.calendar.zone().clone()).datetime();
        local.with().second(0).subsec_nanosecond(0).build().ok()
    }

    /// The day on which a limit runs out: at 00:00 it is the day that ends there.
    pub fn due_day(&self, at: Timestamp) -> Date {
        self.calendar.day_that_ends_at_or_holds(at)
    }

    /// The end of a span, or now.
    pub fn end_of(&self, span: Span) -> Timestamp {
        span.to.unwrap_or(self.now)
    }

    /// Working days from an instant until a due time; below zero: since then.
    pub fn days_left(&self, due: Timestamp, at: Timestamp) -> i64 {
        if at <= due {
            self.calendar.working_days_between(at, due)
        } else {
            -self.days_over(due, at).unwrap_or(0)
        }
    }

    /// Working days from a due time to an instant after it, at least 1; none: it is not after it.
    pub fn days_over(&self, due: Timestamp, at: Timestamp) -> Option<i64> {
        // At 24:00 it is the next day already, and that one is the first day over.
        let before = Timestamp(due.0.saturating_sub(1));
        (at > due).then(|| self.calendar.working_days_between(before, at).max(1))
    }

    /// Calendar days that a span has touched, its first one not counted.
    pub fn days(&self, span: Span) -> i64 {
        let (first, last) =
            (self.calendar.date_of(span.from), self.calendar.date_of(self.end_of(span)));
        i64::from((last - first).get_days())
    }

    /// Working time of a stay in days, without what its limit excludes and without suspensions.
    pub fn dwell(&self, dossier: &Dossier, stay: &Stay) -> Decimal {
        let limit = stay_limit(dossier, stay);
        self.working_days(stay.span, Self::excluded(dossier, limit))
    }

    /// The same of a task.
    pub fn task_dwell(&self, dossier: &Dossier, story: &TaskStory) -> Decimal {
        let limit = task_limit(dossier, story);
        self.working_days(story.span(), Self::excluded(dossier, limit))
    }

    /// Working hours from one instant to another.
    pub fn working_hours(&self, from: Timestamp, to: Timestamp) -> Decimal {
        quotient(self.calendar.working_ms(from, to), HOUR_MS)
    }

    /// What does not count for a limit: its exclusions and the suspensions.
    fn excluded(dossier: &Dossier, limit: Option<&LimitStory>) -> Vec<Span> {
        let mut excluded = dossier.suspensions.clone();
        if let Some(limit) = limit {
            let done = limit.clock.excluded.iter();
            excluded.extend(done.map(|it| Span { from: it.from, to: Some(it.to) }));
            let since = limit.clock.stands_still_since();
            let to = limit.stopped.map(|(at, _)| at);
            excluded.extend(since.map(|from| Span { from, to }));
        }
        excluded
    }

    fn working_days(&self, span: Span, excluded: Vec<Span>) -> Decimal {
        let (from, to) = (span.from, self.end_of(span));
        quotient(self.net_working_ms(from, to, excluded), self.day_length(from))
    }

    /// Working time between two instants without what is excluded.
    pub fn net_working_ms(&self, from: Timestamp, to: Timestamp, excluded: Vec<Span>) -> i64 {
        let clip = |span: Span| (span.from.max(from), self.end_of(span).min(to));
        let mut spans: Vec<_> =
            excluded.into_iter().map(clip).filter(|(from, to)| from < to).collect();
        spans.sort_unstable();
        let mut net = self.calendar.working_ms(from, to);
        let mut done = from;
        for (from, to) in spans {
            let from = from.max(done);
            if from < to {
                net -= self.calendar.working_ms(from, to);
                done = to;
            }
        }
        net
    }

    /// The working time of the first working day from an instant on.
    fn day_length(&self, from: Timestamp) -> i64 {
        let first = self.calendar.date_of(from);
        let lengths = (0..SEARCH_DAYS).filter_map(|days| {
            let day = first.checked_add(jiff::Span::new().days(days)).ok()?;
            let (opens, closes) = (self.calendar.opening_of(day)?, self.calendar.closing_of(day)?);
            Some(self.calendar.working_ms(opens, closes)).filter(|length| *length > 0)
        });
        { lengths }.next().unwrap_or(DAY_MS)
    }
}

fn quotient(amount: i64, unit: i64) -> Decimal {
    (Decimal::from(amount) / Decimal::from(unit)).round_dp(PLACES).normalize()
}

/// The limit of a stay: the clock under `sla` that ran in it.
pub fn stay_limit<'a>(dossier: &'a Dossier, stay: &Stay) -> Option<&'a LimitStory> {
    let fits = |clock: &Clock| {
        clock.id.as_str() == "stage"
            && matches!(&clock.owner, ClockOwner::Stage(stage) if *stage == stay.stage)
            && clock.started_at >= stay.span.from
            && stay.span.to.is_none_or(|to| clock.started_at <= to)
    };
    dossier.limit_of(fits)
}

/// The limit of a task: the clock under its `sla`, not that of an objection or a supplement.
pub fn task_limit<'a>(dossier: &'a Dossier, story: &TaskStory) -> Option<&'a LimitStory> {
    let number = story.task.reference.number;
    let fits = |clock: &Clock| {
        clock.id.as_str() == "task"
            && matches!(&clock.owner, ClockOwner::Task(task) if task.number == number)
    };
    dossier.limit_of(fits)
}
