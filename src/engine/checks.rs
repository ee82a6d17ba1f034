//! Checks: on certain days a function of the rules measures, and what it gives climbs a ladder of
//! values. Two runs in a row below its lowest value put the light out.

use crate::calendar::Calendar;
use crate::definition::compiled::{ClockRule, ClockSpec, FunctionName, Runs, StepInstant};
use crate::model::clock::{Alarm, Clock, Epoch, Limit, Scheduled};
use crate::model::escalation::FiredBecause;
use crate::model::event::Payload;
use crate::model::time::{Date, Timestamp, Unit};
use crate::model::value::Decimal;
use crate::script::People;

use super::ladder::Timing;
use super::scene::Scene;

/// So many runs in a row below the lowest value, and the light is out.
const CALM_RUNS: u32 = 2;

/// Days or months that are looked at for a next run: no holiday is longer.
const STEPS_MAX: usize = 400;

impl<'a> Scene<'a> {
    /// A check measures: its epoch ends if nothing burns, the next run is set, and the highest step
    /// whose value is reached tells, unless it or a higher one has.
    pub(super) fn run_check(&mut self, clock: &Clock) {
        let Some(spec) = self.clock_spec(clock) else { return };
        let ClockRule::Check { function, runs } = &spec.kind else { return };
        let value = self.measured(function, spec, clock);
        self.write_down(clock, (spec, *runs), value);
        let Some(policy) = self.policy_of(Some(spec)) else { return };
        let reached = policy.steps.iter().rev().find(|step| match (&step.at, value) {
            (StepInstant::Value(least), Some(value)) => value >= *least,
            _ => false,
        });
        let Some(clock) = self.clock(clock.number).cloned() else { return };
        let timing = Timing::of(&clock, self.calendar_of(Some(spec)), Some(policy));
        let highest = clock.fired.last().and_then(|fired| timing.rank(fired.step.as_str()));
        if let Some(step) = reached.filter(|step| timing.rank(step.id.as_str()) > highest) {
            self.raise(&clock, &step.id, FiredBecause::Value);
        }
    }

    /// What the function gives for the day on which the run was due; none if it fails.
    fn measured(
        &mut self,
        function: &FunctionName,
        spec: &'a ClockSpec,
        clock: &Clock,
    ) -> Option<Decimal> {
        let functions = self.workflow().functions.clone();
        let stage = self.clock_stage(&clock.owner);
        let stage = stage.or_else(|| self.path_stage().map(|(_, stage)| stage));
        let people = People {
            organization: self.context.organization,
            loads: self.context.loads,
            calendar: self.calendar_of(Some(spec)),
            now: self.at(),
            candidates: &[],
        };
        let measured = functions.measure(&function.0, &self.facts(stage, None), people);
        match measured {
            Ok(value) => value,
            Err(failure) => {
                self.script_failed(failure);
                None
            }
        }
    }

    fn write_down(
        &mut self,
        clock: &Clock,
        (spec, runs): (&'a ClockSpec, Runs),
        value: Option<Decimal>,
    ) {
        let lowest = self.policy_of(Some(spec)).and_then(|policy| policy.steps.first());
        let below = |value: Decimal| match lowest.map(|step| &step.at) {
            Some(StepInstant::Value(lowest)) => value < *lowest,
            _ => true,
        };
        let burns = !clock.fired.is_empty();
        // A run that has nothing to say changes nothing.
        let calm_runs = match value {
            None => clock.calm_runs,
            Some(value) if below(value) => clock.calm_runs.saturating_add(1),
            Some(_) => 0,
        };
        let is_over = !burns || calm_runs >= CALM_RUNS;
        if burns && is_over {
            self.clear_light(clock.number);
        }
        let epoch = is_over.then(|| Epoch {
            number: clock.epoch + 1,
            inherited: Vec::new(),
            at_risk_at: None,
            breached_at: None,
        });
        let calendar = self.calendar_of(Some(spec));
        let day = next_run(calendar, runs, nominal_day(clock), self.at());
        let limit = Limit::Date(day);
        let next = Clock { limit, ..clock.clone() };
        let timing = Timing::of(&next, calendar, self.policy_of(Some(spec)));
        let mut plan = timing.first_plan();
        if !is_over {
            let waits = clock.plan.schedule.iter();
            let waits = waits.filter(|scheduled| scheduled.alarm != Alarm::Check).cloned();
            plan.schedule.extend(waits);
            plan.schedule.sort_by_key(|it: &Scheduled| (it.at, timing.order(&it.alarm)));
        }
        let calm_runs = if burns && !is_over { calm_runs } else { 0 };
        let clock = clock.reference();
        self.emit(Payload::ClockChecked { clock, value, calm_runs, limit, epoch, plan });
    }
}

/// The day for which a run is set; it takes place on the next working day if it is none.
fn nominal_day(clock: &Clock) -> Option<Date> {
    match clock.limit {
        Limit::Date(day) => Some(day),
        Limit::Amount(_) => None,
    }
}

/// The day of the first run of a check that begins at an instant.
pub(super) fn first_run(calendar: &Calendar, runs: Runs, from: Timestamp) -> Date {
    next_run(calendar, runs, None, from)
}

/// The day of the next run: after the day of the run before, and not before an instant.
fn next_run(calendar: &Calendar, runs: Runs, before: Option<Date>, from: Timestamp) -> Date {
    let today = calendar.date_of(from);
    let mut day = match before {
        Some(before) => following(calendar, runs, before, from),
        None => first_day(calendar, runs, today, from),
    };
    for _ in 0..STEPS_MAX {
        if calendar.opening_on_or_after(day).at > from {
            break;
        }
        day = following(calendar, runs, day, from);
    }
    day
}

fn first_day(calendar: &Calendar, runs: Runs, today: Date, from: Timestamp) -> Date {
    match runs {
        Runs::DayOfMonth(day) => in_month(today, day),
        Runs::Weekday(_) | Runs::Every(_) => following(calendar, runs, today, from),
    }
}

/// The day of a run after that of another one.
fn following(calendar: &Calendar, runs: Runs, day: Date, from: Timestamp) -> Date {
    use jiff::ToSpan as _;
    match runs {
        Runs::DayOfMonth(number) => {
            in_month(day.first_of_month().saturating_add(1.month()), number)
        }
        Runs::Weekday(weekday) => day.nth_weekday(1, weekday).unwrap_or(day),
        Runs::Every(amount) if amount.unit == Unit::WorkingDays => {
            let start = calendar.opening_on_or_after(day).at.max(from);
            calendar.day_that_ends_at_or_holds(calendar.due(start, amount).at)
        }
        Runs::Every(amount) if amount.unit == Unit::Months => {
            day.saturating_add(i64::from(amount.count).months())
        }
        Runs::Every(amount) => day.saturating_add(i64::from(amount.count).days()),
    }
}

/// A day of the month of another one; the last one if it is shorter.
fn in_month(month: Date, day: i8) -> Date {
    let first = month.first_of_month();
    Date::new(first.year(), first.month(), day.min(month.days_in_month())).unwrap_or(first)
}
