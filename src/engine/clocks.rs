//! Clocks: they begin, stand still, go on, are computed anew, and end.

use std::sync::Arc;

use crate::calendar::Calendar;
use crate::definition::compiled::{ClockRule, ClockSpec, LimitChoice, Policy, Stage};
use crate::model::clock::{Alarm, Clock, ClockEnd, ClockKind, ClockNumber, ClockOwner, Exclusion};
use crate::model::clock::{Limit, Pause, PauseReason, RecalculationReason};
use crate::model::escalation::{Firing, Light};
use crate::model::event::Payload;
use crate::model::instance::Status;
use crate::model::task::Task;
use crate::model::time::{Amount, Timestamp};
use crate::model::value::Value;

use super::checks;
use super::ladder::{self, Timing};
use super::scene::Scene;

impl<'a> Scene<'a> {
    /// What the workflow says about a running clock.
    pub(super) fn clock_spec(&self, clock: &Clock) -> Option<&'a ClockSpec> {
        match &clock.owner {
            ClockOwner::Instance => self.workflow().clocks.iter().find(|spec| spec.id == clock.id),
            ClockOwner::Stage(stage) => {
                self.stage_of(stage)?.clocks.iter().find(|spec| spec.id == clock.id)
            }
            ClockOwner::Task(task) => self.spec_of(task)?.clocks().find(|spec| spec.id == clock.id),
            ClockOwner::Suspension => Some(&self.workflow().suspension.as_ref()?.clock),
        }
    }

    /// The stage by whose facts a clock's conditions are judged.
    pub(super) fn clock_stage(&self, owner: &ClockOwner) -> Option<&'a Stage> {
        match owner {
            ClockOwner::Stage(stage) => self.stage_of(stage),
            ClockOwner::Task(task) => self.stage_of(&task.stage),
            ClockOwner::Instance | ClockOwner::Suspension => None,
        }
    }

    pub(super) fn calendar_of(&self, spec: Option<&ClockSpec>) -> &'a Calendar {
        match spec {
            Some(spec) if spec.always_on => self.context.always_on,
            Some(_) | None => self.context.calendar,
        }
    }

    pub(super) fn policy_of(&self, spec: Option<&ClockSpec>) -> Option<&'a Policy> {
        self.workflow().policy(spec?.policy.as_ref()?.as_str())
    }

    /// A running clock, shared: whoever keeps it copies none.
    pub(super) fn clock(&self, number: ClockNumber) -> Option<&Arc<Clock>> {
        self.instance.clocks.iter().find(|clock| clock.number == number)
    }

    /// Begins a clock now. A `by` clock whose field is empty does not begin.
    pub(super) fn start_clock(&mut self, spec: &'a ClockSpec, owner: ClockOwner) {
        let suspended = self.instance.status == Status::Suspended;
        let mut paused = Vec::new();
        if suspended && stands_still(kind_of(&spec.kind), &owner) {
            paused.push(Pause { since: self.at(), because: PauseReason::Suspended });
        }
        self.begin_clock(spec, owner, self.at(), Vec::new(), paused);
    }

    /// Begins a clock anew from when an activity reset it. What did not count of the time since
    /// then does not count for the new one, and where the old one stands still it does, too.
    pub(super) fn restart_clock(&mut self, spec: &'a ClockSpec, old: &Clock, from: Timestamp) {
        let since = |instant: Timestamp| instant.max(from);
        let excluded = old.excluded.iter().filter(|exclusion| exclusion.to > from);
        let excluded = excluded
            .map(|exclusion| Exclusion { from: since(exclusion.from), ..exclusion.clone() })
            .collect();
        let paused = old.paused.iter();
        let paused =
            paused.map(|pause| Pause { since: since(pause.since), because: pause.because });
        self.begin_clock(spec, old.owner.clone(), from, excluded, paused.collect());
    }

    fn begin_clock(
        &mut self,
        spec: &'a ClockSpec,
        owner: ClockOwner,
        started_at: Timestamp,
        excluded: Vec<Exclusion>,
        paused: Vec<Pause>,
    ) {
        let limit = match &spec.kind {
            ClockRule::Check { runs, .. } => {
                let calendar = self.calendar_of(Some(spec));
                Some(Limit::Date(checks::first_run(calendar, *runs, started_at)))
            }
            _ => self.limit_now(spec, &owner, None),
        };
        let Some(limit) = limit else { return };
        let timing = Timing {
            calendar: self.calendar_of(Some(spec)),
            policy: self.policy_of(Some(spec)),
            kind: kind_of(&spec.kind),
            limit,
            started_at,
            excluded: &excluded,
            extended: &[],
        };
        let mut plan = timing.first_plan();
        if !paused.is_empty() {
            plan.schedule.clear();
        }
        let clock = Clock {
            number: ClockNumber(self.instance.next_clock),
            id: spec.id.clone(),
            owner,
            kind: timing.kind,
            limit,
            policy: spec.policy.clone(),
            started_at,
            excluded,
            extended: Vec::new(),
            extension_request: None,
            epoch: 1,
            due_originally: plan.due,
            plan,
            paused,
            at_risk_at: None,
            breached_at: None,
            fired: Vec::new(),
            calm_runs: 0,
        };
        self.emit(Payload::ClockStarted { clock });
    }

    /// The limit that holds now; none: the clock does not run. Where a condition fails, that of the
    /// clock if it runs, otherwise the last entry.
    pub(super) fn limit_now(
        &mut self,
        spec: &'a ClockSpec,
        owner: &ClockOwner,
        running: Option<Limit>,
    ) -> Option<Limit> {
        let choices = match &spec.kind {
            ClockRule::By(field) => {
                return match self.instance.fields.get(field) {
                    Some(Value::Date(date)) => Some(Limit::Date(*date)),
                    Some(_) | None => None,
                };
            }
            ClockRule::Within(choices) | ClockRule::Wait(choices) => choices,
            ClockRule::Every { limits, .. } => limits,
            ClockRule::Raise { when, .. } => {
                let holds = self.holds(when, self.clock_stage(owner), false);
                return holds.then(|| Limit::Date(self.context.calendar.date_of(self.at())));
            }
            // Its limit is the day of the next run, which only a run changes.
            ClockRule::Check { .. } => return None,
        };
        let last = Limit::Amount(choices.last()?.take);
        let chosen = self.chosen_amount(choices, owner).map(Limit::Amount);
        chosen.or(running).or(Some(last))
    }

    /// The first entry that holds, otherwise the last; none where a condition fails before that.
    fn chosen_amount(&mut self, choices: &'a [LimitChoice], owner: &ClockOwner) -> Option<Amount> {
        let stage = self.clock_stage(owner);
        for choice in choices {
            let Some(when) = &choice.when else { return Some(choice.take) };
            if self.judged(when, stage)? {
                return Some(choice.take);
            }
        }
        choices.last().map(|last| last.take)
    }

    /// Ends the clocks that are meant. A light that burns goes out first.
    pub(super) fn stop_clocks(&mut self, end: ClockEnd, meant: impl Fn(&Clock) -> bool) {
        let numbers: Vec<ClockNumber> =
            self.instance.clocks().filter(|clock| meant(clock)).map(|clock| clock.number).collect();
        for number in numbers {
            self.pass_over_due_steps(number);
            self.clear_light(number);
            if let Some(clock) = self.clock(number).map(|clock| clock.reference()) {
                self.emit(Payload::ClockStopped { clock, end });
            }
        }
    }

    /// Steps that were due before the work was done, but had not told anybody yet: the work is
    /// done, so they tell nobody any more.
    fn pass_over_due_steps(&mut self, number: ClockNumber) {
        let at = self.at();
        let Some(clock) = self.clock(number).cloned() else { return };
        if clock.plan.schedule.iter().all(|scheduled| scheduled.at >= at) {
            return;
        }
        let Some(policy) = self.policy_of(self.clock_spec(&clock)) else { return };
        for step in &policy.steps {
            let due = clock.plan.schedule.iter().any(|scheduled| {
                scheduled.at < at && matches!(&scheduled.alarm, Alarm::Step(own) if *own == step.id)
            });
            if due {
                self.pass_over(number, policy, step, self.now);
            }
        }
    }

    pub(super) fn clear_light(&mut self, number: ClockNumber) {
        let Some(clock) = self.clock(number) else { return };
        let (Some(fired), Some(policy)) = (clock.fired.last(), &clock.policy) else { return };
        if fired.light == Light::None {
            return;
        }
        let cleared = Payload::EscalationCleared {
            clock: clock.reference(),
            policy: policy.clone(),
            level: fired.level.clone(),
            light: fired.light,
        };
        self.emit(cleared);
    }

    /// A clock stands still, once for each reason. What was due before that has told first.
    pub(super) fn pause_clock(&mut self, number: ClockNumber, because: PauseReason) {
        self.fire_due_steps(number);
        let Some(clock) = self.clock(number) else { return };
        if clock.paused.iter().any(|pause| pause.because == because) {
            return;
        }
        let clock = clock.reference();
        self.emit(Payload::ClockPaused { clock, because });
    }

    /// A reason to stand still is gone.
    pub(super) fn resume_clock(&mut self, number: ClockNumber, because: PauseReason) {
        let at = self.at();
        let Some(clock) = self.clock(number).cloned() else { return };
        let Some(pause) = clock.paused.iter().find(|pause| pause.because == because) else {
            return;
        };
        let excluded = merged(&clock.excluded, pause, at);
        // A clock may be stored as stopped twice for one reason: all of that is gone with it.
        let goes_on = clock.paused.iter().all(|pause| pause.because == because);
        let plan = goes_on.then(|| {
            let spec = self.clock_spec(&clock);
            let resumed = Clock { excluded: excluded.clone(), ..Clock::clone(&clock) };
            let timing = Timing::of(&resumed, self.calendar_of(spec), self.policy_of(spec));
            timing.continued_plan(&resumed)
        });
        let (clock, because) = (clock.reference(), because);
        self.emit(Payload::ClockResumed { clock, because, excluded, plan });
    }

    /// A clock is computed anew: with another calendar in its epoch, with another limit in the
    /// next.
    pub(super) fn recalculate(
        &mut self,
        number: ClockNumber,
        limit: Limit,
        because: RecalculationReason,
    ) {
        let at = self.at();
        // What fell due by the old reckoning has told first.
        if because != RecalculationReason::Calendar {
            self.fire_due_steps(number);
        }
        let Some(before) = self.clock(number).cloned() else { return };
        let spec = self.clock_spec(&before);
        let clock = Clock { limit, ..Clock::clone(&before) };
        let timing = Timing::of(&clock, self.calendar_of(spec), self.policy_of(spec));
        let (epoch, plan) = match because {
            RecalculationReason::Calendar => (None, timing.continued_plan(&clock)),
            RecalculationReason::SwappedLimit | RecalculationReason::DateField => {
                let (epoch, plan) = timing.next_epoch(&clock, at);
                (Some(epoch), plan)
            }
        };
        let changes = plan != before.plan || limit != before.limit;
        if !changes {
            return;
        }
        if let Some(epoch) = &epoch {
            self.clear_if_darker(number, epoch.inherited.last().map(|fired| fired.light));
        }
        let (clock, due_before) = (before.reference(), before.plan.due);
        self.emit(Payload::ClockRecalculated { clock, because, limit, due_before, epoch, plan });
    }

    /// A light that will be out, or another one, in the epoch that begins.
    pub(super) fn clear_if_darker(&mut self, number: ClockNumber, light: Option<Light>) {
        let before = self.clock(number).map_or(Light::None, |clock| clock.light());
        if light.unwrap_or_default() < before {
            self.clear_light(number);
        }
    }

    /// Begins the clock of a task.
    pub(super) fn start_task_clock(&mut self, task: &Task) {
        let spec = self.spec_of(&task.reference).and_then(|spec| spec.clock.as_ref());
        if let Some(spec) = spec {
            self.start_clock(spec, ClockOwner::Task(task.reference.clone()));
        }
    }

    /// A step counts as fired without having told anybody.
    pub(super) fn pass_over(
        &mut self,
        number: ClockNumber,
        policy: &'a Policy,
        step: &'a crate::definition::compiled::Step,
        at: Timestamp,
    ) {
        let Some(clock) = self.clock(number).cloned() else { return };
        let fired = ladder::fired_as(step, Firing::PassedOver, at);
        let mut schedule = clock.plan.schedule.clone();
        schedule.retain(|scheduled| scheduled.alarm != Alarm::Step(step.id.clone()));
        let (clock, policy) = (clock.reference(), policy.id.clone());
        self.emit(Payload::EscalationPassedOver { clock, policy, fired, schedule });
    }
}

/// How a rule's clocks run.
pub(super) fn kind_of(rule: &ClockRule) -> ClockKind {
    match rule {
        ClockRule::Within(_) => ClockKind::Within,
        ClockRule::By(_) => ClockKind::By,
        ClockRule::Every { .. } => ClockKind::Every,
        ClockRule::Wait(_) => ClockKind::Wait,
        ClockRule::Check { .. } => ClockKind::Check,
        ClockRule::Raise { .. } => ClockKind::Raise,
    }
}

/// Whether a suspension stops a clock: one that runs to a date or a fixed period runs on.
pub(super) fn stands_still(kind: ClockKind, owner: &ClockOwner) -> bool {
    match (kind, owner) {
        (_, ClockOwner::Suspension) | (ClockKind::By | ClockKind::Wait, _) => false,
        (ClockKind::Within | ClockKind::Every | ClockKind::Check | ClockKind::Raise, _) => true,
    }
}

/// What does not count, with one more interval; intervals that meet become one.
fn merged(excluded: &[Exclusion], pause: &Pause, to: Timestamp) -> Vec<Exclusion> {
    let added = Exclusion { from: pause.since, to, because: pause.because };
    let mut all: Vec<Exclusion> = excluded.to_vec();
    all.push(added);
    all.sort_by_key(|exclusion| (exclusion.from, exclusion.to));
    let mut merged: Vec<Exclusion> = Vec::with_capacity(all.len());
    for exclusion in all {
        match merged.last_mut() {
            Some(last) if exclusion.from <= last.to => last.to = last.to.max(exclusion.to),
            Some(_) | None => merged.push(exclusion),
        }
    }
    merged
}
