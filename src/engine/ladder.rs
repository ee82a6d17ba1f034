//! Ladders: the instants of a clock's limit and of its steps, and what remains of them.
//!
//! Everything here is computed from a clock's own data, its calendar and its ladder; what comes out
//! goes into an event, and is never computed again for that event.

use crate::calendar::{Calendar, Moment};
use crate::definition::compiled::{Policy, Step, StepInstant};
use crate::model::clock::Scheduled;
use crate::model::clock::{Alarm, Clock, ClockKind, Epoch, Exclusion, Extension, Limit, Plan};
use crate::model::escalation::{Fired, Firing};
use crate::model::id::StepId;
use crate::model::time::{Amount, Date, Offset, Timestamp, Unit};

/// The share at which a limit without a ladder is at risk, in percent.
const AT_RISK_PERCENT: u32 = 80;

/// What a clock's instants are computed from.
#[derive(Clone, Copy)]
pub(super) struct Timing<'a> {
    pub(super) calendar: &'a Calendar,
    pub(super) policy: Option<&'a Policy>,
    pub(super) kind: ClockKind,
    pub(super) limit: Limit,
    pub(super) started_at: Timestamp,
    pub(super) excluded: &'a [Exclusion],
    pub(super) extended: &'a [Extension],
}

impl<'a> Timing<'a> {
    /// The timing of a clock as it stands.
    pub(super) fn of(clock: &'a Clock, calendar: &'a Calendar, policy: Option<&'a Policy>) -> Self {
        Self {
            calendar,
            policy,
            kind: clock.kind,
            limit: clock.limit,
            started_at: clock.started_at,
            excluded: &clock.excluded,
            extended: &clock.extended,
        }
    }

    /// The plan of a clock that begins.
    pub(super) fn first_plan(&self) -> Plan {
        let due = self.due();
        Plan { due: due.at, provisional: due.provisional, schedule: self.schedule(due.at) }
    }

    /// The plan of a clock that goes on in its epoch: what has fired stays fired, the rest gets the
    /// instants that hold now, and waits and repeats go on from when people were told.
    pub(super) fn continued_plan(&self, clock: &Clock) -> Plan {
        let due = self.due();
        let mut schedule = self.schedule(due.at);
        let highest = clock.fired.last().and_then(|fired| self.rank(fired.step.as_str()));
        schedule.retain(|scheduled| match &scheduled.alarm {
            Alarm::AtRisk => clock.at_risk_at.is_none(),
            Alarm::Due => clock.breached_at.is_none(),
            Alarm::Step(step) => self.rank(step.as_str()) > highest,
            Alarm::Repeat(_) | Alarm::Unacknowledged(_) | Alarm::Check => true,
        });
        // Who answers for a step answers for those below it.
        let rank = |fired: &Fired| self.rank(fired.step.as_str());
        let answered = clock.fired.iter().filter(|fired| fired.acknowledged.is_some());
        let answered = answered.filter_map(rank).max();
        for fired in clock.fired.iter().filter(|fired| rank(fired) > answered) {
            self.add_waits(&mut schedule, fired);
        }
        self.retain_live_waits(&mut schedule, clock);
        self.sort(&mut schedule);
        Plan { due: due.at, provisional: due.provisional, schedule }
    }

    /// The plan of a new epoch: steps still ahead may fire again, those behind count as fired. A
    /// clock that stands still has come no further than to where it stopped. That a limit is at
    /// risk or has run out is recorded, even when it only now turns out to have happened.
    pub(super) fn next_epoch(&self, clock: &Clock, now: Timestamp) -> (Epoch, Plan) {
        let due = self.due();
        let mut schedule = self.schedule(due.at);
        let reached = clock.stands_still_since().unwrap_or(now);
        let behind = |alarm: &Alarm| {
            let found = schedule.iter().find(|scheduled| scheduled.alarm == *alarm);
            found.filter(|scheduled| scheduled.at <= reached).map(|scheduled| scheduled.at)
        };
        let steps = self.policy.map_or(&[][..], |policy| &policy.steps);
        let highest =
            steps.iter().rposition(|step| behind(&Alarm::Step(step.id.clone())).is_some());
        let inherited = steps.iter().take(highest.map_or(0, |highest| highest + 1));
        let inherited = inherited.map(|step| fired_as(step, Firing::Inherited, now)).collect();
        let epoch = Epoch {
            number: clock.epoch + 1,
            inherited,
            at_risk_at: behind(&Alarm::AtRisk).filter(|_| clock.at_risk_at.is_some()),
            breached_at: behind(&Alarm::Due).filter(|_| clock.breached_at.is_some()),
        };
        schedule.retain(|scheduled| match &scheduled.alarm {
            Alarm::AtRisk => epoch.at_risk_at.is_none(),
            Alarm::Due => epoch.breached_at.is_none(),
            Alarm::Step(step) => self.rank(step.as_str()) > highest,
            Alarm::Repeat(_) | Alarm::Unacknowledged(_) => false,
            Alarm::Check => true,
        });
        (epoch, Plan { due: due.at, provisional: due.provisional, schedule })
    }

    /// The due time, derived: of a check the next run, of what is raised its beginning.
    pub(super) fn due(&self) -> Moment {
        match (self.kind, self.limit) {
            (ClockKind::Raise, _) => return Moment { at: self.started_at, provisional: false },
            (ClockKind::Check, Limit::Date(day)) => return self.run_on(day),
            _ => {}
        }
        self.calendar.clock_due(self.limit, self.started_at, self.excluded, self.extended)
    }

    /// When a run of a check takes place; one that was missed while the clock stood still follows
    /// when it goes on.
    fn run_on(&self, day: Date) -> Moment {
        let opening = self.calendar.opening_on_or_after(day);
        match self.excluded.last() {
            Some(last) if last.from <= opening.at && opening.at < last.to => {
                Moment { at: self.calendar.telling(last.to), ..opening }
            }
            Some(_) | None => opening,
        }
    }

    /// What is still to happen once a step has fired: nothing of the steps up to it, no waits for
    /// lower ones, no endless repeats of lower ones; its own wait and repeat are added.
    pub(super) fn schedule_after(
        &self,
        clock: &Clock,
        fired: &Fired,
        now: Timestamp,
    ) -> Vec<Scheduled> {
        let rank = self.rank(fired.step.as_str());
        let mut schedule = clock.plan.schedule.clone();
        schedule.retain(|scheduled| match &scheduled.alarm {
            Alarm::AtRisk | Alarm::Due | Alarm::Check => true,
            Alarm::Step(step) => self.rank(step.as_str()) > rank,
            Alarm::Unacknowledged(step) => self.rank(step.as_str()) > rank,
            Alarm::Repeat(step) => {
                let endless = |repeat: &crate::definition::compiled::Repeat| repeat.times.is_none();
                let repeat = self.step(step.as_str()).and_then(|step| step.repeat.as_ref());
                self.rank(step.as_str()) > rank || !repeat.is_none_or(endless)
            }
        });
        for scheduled in &mut schedule {
            if let Alarm::Repeat(step) = &scheduled.alarm
                && scheduled.at < now
                && let Some(repeat) = self.step(step.as_str()).and_then(|step| step.repeat)
            {
                // The higher step tells now; the lower one's overdue repeat waits for its next
                // turn.
                scheduled.at = self.wait(repeat.every, now);
            }
        }
        if fired.firing == Firing::Notified {
            self.add_waits(&mut schedule, fired);
        }
        self.sort(&mut schedule);
        schedule
    }

    /// Adds the waits of a step that has told people: for an acknowledgement, and to tell again.
    pub(super) fn add_waits(&self, schedule: &mut Vec<Scheduled>, fired: &Fired) {
        let Some(step) = self.step(fired.step.as_str()) else { return };
        if fired.firing != Firing::Notified || fired.acknowledged.is_some() {
            return;
        }
        if let Some(ack_within) = step.ack_within {
            let alarm = Alarm::Unacknowledged(step.id.clone());
            schedule.push(Scheduled { alarm, at: self.wait(ack_within, fired.at) });
        }
        if let Some(repeat) = step.repeat
            && repeat.times.is_none_or(|times| fired.repeats < times)
        {
            let alarm = Alarm::Repeat(step.id.clone());
            schedule.push(Scheduled { alarm, at: self.wait(repeat.every, fired.told_at) });
        }
    }

    /// Only the highest step waits for an acknowledgement, and only it repeats without end. A wait
    /// that was over before the clock stopped has had its effect.
    fn retain_live_waits(&self, schedule: &mut Vec<Scheduled>, clock: &Clock) {
        let is_highest = |step: &StepId| clock.fired.last().is_some_and(|top| top.step == *step);
        let is_counted = |step: &StepId| {
            let repeat = self.step(step.as_str()).and_then(|step| step.repeat);
            repeat.is_some_and(|repeat| repeat.times.is_some())
        };
        let is_pending = |wait: &Scheduled| match clock.stands_still_since() {
            Some(since) => wait.at >= since,
            None => clock.plan.schedule.iter().any(|known| known.alarm == wait.alarm),
        };
        schedule.retain(|scheduled| match &scheduled.alarm {
            Alarm::Unacknowledged(step) => is_highest(step) && is_pending(scheduled),
            Alarm::Repeat(step) => is_highest(step) || is_counted(step),
            Alarm::AtRisk | Alarm::Due | Alarm::Step(_) | Alarm::Check => true,
        });
    }

    /// When a wait that began at an instant is over; time that does not count moves it on.
    fn wait(&self, amount: Amount, from: Timestamp) -> Timestamp {
        let over = self.calendar.clock_due(Limit::Amount(amount), from, self.excluded, &[]);
        self.calendar.telling(over.at)
    }

    fn schedule(&self, due: Timestamp) -> Vec<Scheduled> {
        match self.kind {
            ClockKind::Wait => return vec![Scheduled { alarm: Alarm::Due, at: due }],
            ClockKind::Check => return vec![Scheduled { alarm: Alarm::Check, at: due }],
            ClockKind::Raise => return Vec::new(),
            ClockKind::Within | ClockKind::By | ClockKind::Every => {}
        }
        let steps = self.policy.map_or(&[][..], |policy| &policy.steps);
        let mut schedule: Vec<Scheduled> = steps
            .iter()
            .map(|step| {
                let at = self.calendar.telling(self.instant(&step.at, due)).max(self.started_at);
                Scheduled { alarm: Alarm::Step(step.id.clone()), at }
            })
            .collect();
        let first_before = schedule.iter().map(|scheduled| scheduled.at).filter(|at| *at < due);
        let at_risk = first_before
            .min()
            .unwrap_or_else(|| self.calendar.telling(self.share(AT_RISK_PERCENT, due)).min(due));
        schedule.push(Scheduled { alarm: Alarm::AtRisk, at: at_risk.max(self.started_at) });
        schedule.push(Scheduled { alarm: Alarm::Due, at: due });
        self.sort(&mut schedule);
        schedule
    }

    fn instant(&self, at: &StepInstant, due: Timestamp) -> Timestamp {
        match at {
            StepInstant::Share(percent) => self.share(*percent, due),
            // No instant is asked of the steps of a check.
            StepInstant::Due | StepInstant::Value(_) => due,
            StepInstant::Offset(Offset::After(amount)) => self.after_due(due, *amount),
            StepInstant::Offset(before @ Offset::Before(_)) => {
                self.calendar.offset(due, *before).at
            }
            StepInstant::LaterOf(all) => {
                all.iter().map(|each| self.instant(each, due)).max().unwrap_or(due)
            }
            StepInstant::EarlierOf(all) => {
                all.iter().map(|each| self.instant(each, due)).min().unwrap_or(due)
            }
        }
    }

    /// So long after the due time; a pause after the due time moves it on as well. A due time at
    /// 00:00 belongs to the day that it ends, so counting begins just before it.
    fn after_due(&self, due: Timestamp, amount: Amount) -> Timestamp {
        if self.excluded.iter().all(|exclusion| exclusion.to <= due) {
            return self.calendar.offset(due, Offset::After(amount)).at;
        }
        let late: Vec<Exclusion> = self
            .excluded
            .iter()
            .filter(|exclusion| exclusion.to > due)
            .map(|exclusion| Exclusion { from: exclusion.from.max(due), ..exclusion.clone() })
            .collect();
        let from = match amount.unit {
            Unit::WorkingDays | Unit::CalendarDays | Unit::Months => due.plus_ms(-1),
            Unit::WorkingHours | Unit::WorkingMinutes | Unit::Hours | Unit::Minutes => due,
        };
        self.calendar.clock_due(Limit::Amount(amount), from, &late, &[]).at
    }

    fn share(&self, percent: u32, due: Timestamp) -> Timestamp {
        let unit = match self.limit {
            Limit::Amount(amount) => amount.unit,
            Limit::Date(_) => Unit::Minutes,
        };
        self.calendar.share_excluding(unit, self.started_at, due, percent, self.excluded).at
    }

    /// A step's place in the ladder; `None` sorts below every step.
    pub(super) fn rank(&self, step: &str) -> Option<usize> {
        self.policy?.steps.iter().position(|known| known.id.as_str() == step)
    }

    /// A step of the ladder.
    pub(super) fn step(&self, step: &str) -> Option<&'a Step> {
        self.policy?.steps.iter().find(|known| known.id.as_str() == step)
    }

    fn sort(&self, schedule: &mut [Scheduled]) {
        schedule.sort_by_key(|scheduled| (scheduled.at, self.order(&scheduled.alarm)));
    }

    /// Of what is due at the same instant, the record comes before the telling.
    pub(super) fn order(&self, alarm: &Alarm) -> (u8, Option<usize>) {
        match alarm {
            Alarm::AtRisk => (0, None),
            Alarm::Due | Alarm::Check => (1, None),
            Alarm::Repeat(step) => (2, self.rank(step.as_str())),
            Alarm::Unacknowledged(step) => (3, self.rank(step.as_str())),
            Alarm::Step(step) => (4, self.rank(step.as_str())),
        }
    }
}

/// A step as it counts from now on.
pub(super) fn fired_as(step: &Step, firing: Firing, at: Timestamp) -> Fired {
    Fired {
        step: step.id.clone(),
        level: step.level.clone(),
        light: step.light,
        at,
        told_at: at,
        firing,
        repeats: 0,
        acknowledged: None,
        notified: Vec::new(),
        repeated_to: Vec::new(),
        priority: step.priority,
        digest_at: None,
    }
}
