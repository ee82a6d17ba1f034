//! Reactions: conditions are judged after every event, to a fixed point.

use std::sync::Arc;

use crate::definition::compiled::{AdvanceMode, Beside, ClockRule, ClockSpec, Stage};
use crate::model::clock::RecalculationReason;
use crate::model::clock::{Clock, ClockEnd, ClockKind, ClockNumber, ClockOwner, PauseReason};
use crate::model::escalation::FiredBecause;
use crate::model::event::{OpenReason, Payload, SkipReason};
use crate::model::id::Outcome;
use crate::model::instance::{StageState, Status};
use crate::model::limits;

use super::leave::Exit;
use super::rejection::Rejection;
use super::scene::Scene;

impl<'a> Scene<'a> {
    /// Lets everything happen that the new state brings about, until nothing more does. While the
    /// instance stands still nothing is judged: that is made up for when it goes on. Only clocks
    /// that run to a date run on, so they follow their date.
    pub(super) fn react(&mut self) -> Result<(), Rejection> {
        if self.instance.status == Status::Suspended {
            self.start_missing_clocks();
            self.follow_dates();
            return Ok(());
        }
        for _ in 0..limits::REACTION_ROUNDS_MAX {
            if self.instance.status != Status::Active {
                return Ok(());
            }
            let before = self.events_count();
            self.react_once();
            if self.events_count() == before {
                return Ok(());
            }
        }
        Err(Rejection::ReactionLimit)
    }

    fn react_once(&mut self) {
        for (_, stage) in self.open_stages() {
            self.cancel_joined(stage);
            self.open_free_tasks(stage);
        }
        self.start_missing_clocks();
        self.judge_clocks();
        // By the limit that holds now, and only where the clock runs.
        self.finish_what_was_blocked();
        self.raise_what_holds();
        self.open_beside_by_condition();
        self.advance_automatically();
        self.end_if_over();
    }

    /// A `by` clock begins as soon as its field is filled.
    fn start_missing_clocks(&mut self) {
        let workflow = self.workflow();
        let by = |spec: &&ClockSpec| matches!(spec.kind, ClockRule::By(_));
        let mut missing: Vec<(&'a ClockSpec, ClockOwner)> = Vec::new();
        for spec in workflow.clocks.iter().filter(by) {
            missing.push((spec, ClockOwner::Instance));
        }
        for (_, stage) in self.open_stages() {
            for spec in stage.clocks.iter().filter(by) {
                missing.push((spec, ClockOwner::Stage(stage.id.clone())));
            }
        }
        for task in self.instance.open_tasks() {
            let spec = self.spec_of(&task.reference).and_then(|spec| spec.clock.as_ref());
            if let Some(spec) = spec.filter(by) {
                missing.push((spec, ClockOwner::Task(task.reference.clone())));
            }
        }
        for (spec, owner) in missing {
            let runs = |clock: &Clock| clock.id == spec.id && clock.owner == owner;
            if !self.instance.clocks().any(runs) {
                self.start_clock(spec, owner);
            }
        }
    }

    /// What is raised begins when its condition comes to hold, and its step fires at once.
    fn raise_what_holds(&mut self) {
        let raised = |spec: &&ClockSpec| matches!(spec.kind, ClockRule::Raise { .. });
        let mut rules: Vec<(&'a ClockSpec, Option<&'a Stage>)> = Vec::new();
        for spec in self.workflow().clocks.iter().filter(raised) {
            rules.push((spec, None));
        }
        for (_, stage) in self.open_stages() {
            for spec in stage.clocks.iter().filter(raised) {
                rules.push((spec, Some(stage)));
            }
        }
        for (spec, stage) in rules {
            let owns = |owner: &ClockOwner| match (owner, stage) {
                (ClockOwner::Instance, None) => true,
                (ClockOwner::Stage(own), Some(stage)) => *own == stage.id,
                _ => false,
            };
            let burns = |clock: &&Clock| clock.id == spec.id && owns(&clock.owner);
            let ClockRule::Raise { when, .. } = &spec.kind else { continue };
            if self.instance.clocks().any(|clock| burns(&clock)) || !self.holds(when, stage, false)
            {
                continue;
            }
            let owner = stage.map(|stage| ClockOwner::Stage(stage.id.clone()));
            self.start_clock(spec, owner.unwrap_or(ClockOwner::Instance));
            let begun = self.instance.clocks().find(burns).cloned();
            let step = self.policy_of(Some(spec)).and_then(|policy| policy.steps.first());
            if let (Some(clock), Some(step)) = (begun, step) {
                self.raise(&clock, &step.id, FiredBecause::Condition);
            }
        }
    }

    /// A `by` clock is computed anew when its field changes, and ends when that is emptied.
    fn follow_dates(&mut self) {
        let by = |clock: &Clock| clock.kind == ClockKind::By;
        let clocks: Vec<Arc<Clock>> =
            self.instance.clocks.iter().filter(|clock| by(clock)).cloned().collect();
        for clock in clocks {
            if let Some(spec) = self.clock_spec(&clock) {
                self.judge_limit(&clock, spec);
            }
        }
    }

    /// Clocks stand still while their condition holds, and are computed anew when another limit
    /// does.
    fn judge_clocks(&mut self) {
        let numbers: Vec<ClockNumber> = self.instance.clocks().map(|clock| clock.number).collect();
        for number in numbers {
            let Some(clock) = self.clock(number).cloned() else { continue };
            let Some(spec) = self.clock_spec(&clock) else { continue };
            if let ClockRule::Raise { when, .. } = &spec.kind {
                if !self.holds(when, self.clock_stage(&clock.owner), true) {
                    self.stop_clocks(ClockEnd::Done, |known| known.number == number);
                }
                continue;
            }
            self.judge_exclusion(&clock, spec);
            let paused = self.clock(number).is_none_or(|clock| clock.is_paused());
            if !paused && may_swap(spec) {
                self.judge_limit(&clock, spec);
            }
        }
    }

    fn judge_exclusion(&mut self, clock: &Clock, spec: &'a ClockSpec) {
        let Some(condition) = &spec.excluded_while else { return };
        let because = PauseReason::ExcludedWhile;
        let paused = clock.paused.iter().any(|pause| pause.because == because);
        let stage = self.clock_stage(&clock.owner);
        match (self.holds(condition, stage, paused), paused) {
            (true, false) => self.pause_clock(clock.number, because),
            (false, true) => self.resume_clock(clock.number, because),
            (true, true) | (false, false) => {}
        }
    }

    fn judge_limit(&mut self, clock: &Clock, spec: &'a ClockSpec) {
        match self.limit_now(spec, &clock.owner, Some(clock.limit)) {
            Some(limit) if limit == clock.limit => {}
            Some(limit) => {
                let because = match spec.kind {
                    ClockRule::By(_) => RecalculationReason::DateField,
                    ClockRule::Within(_)
                    | ClockRule::Every { .. }
                    | ClockRule::Wait(_)
                    | ClockRule::Check { .. }
                    | ClockRule::Raise { .. } => RecalculationReason::SwappedLimit,
                };
                self.recalculate(clock.number, limit, because);
            }
            None => {
                let number = clock.number;
                self.stop_clocks(ClockEnd::Cancelled, |known| known.number == number);
            }
        }
    }

    fn open_beside_by_condition(&mut self) {
        let beside: Vec<(&'a Stage, &'a Beside)> =
            self.workflow().beside().map(|(_, stage, beside)| (stage, beside)).collect();
        for (stage, beside) in beside {
            let Some(when) = &beside.when else { continue };
            if self.may_open(stage, beside.opens_from, false)
                && self.holds(when, Some(stage), false)
            {
                self.open_beside(stage, OpenReason::Condition, String::new());
            }
        }
    }

    fn advance_automatically(&mut self) {
        for (_, stage) in self.open_stages() {
            if stage.advance == AdvanceMode::Automatic && self.is_open(&stage.id) {
                self.advance_if_ready(stage);
            }
        }
    }

    fn advance_if_ready(&mut self, stage: &'a Stage) {
        match self.missing_to_leave(stage) {
            Ok(missing) if missing.is_empty() => {}
            Ok(_) => return,
            Err(rejection) => return self.guard_failed(rejection),
        }
        if stage.beside.is_some() {
            let because = crate::model::task::CancelReason::StageLeft;
            return self.close(stage, because, String::new());
        }
        if let Err(rejection) = self.leave_path_stage(stage, String::new()) {
            self.guard_failed(rejection);
        }
    }

    fn guard_failed(&mut self, rejection: Rejection) {
        if let Rejection::GuardError { place, detail } = rejection {
            self.script_failed(crate::script::Failure { place, message: detail });
        }
    }

    /// Leaves a path stage where its rules lead. Nothing is missing any more.
    pub(super) fn leave_path_stage(
        &mut self,
        stage: &'a Stage,
        comment: String,
    ) -> Result<(), Rejection> {
        let target = match self.exit_of(stage)? {
            Exit::To(target) => target,
            Exit::Closed(_) => None,
        };
        let from = self.workflow().stage(stage.id.as_str()).map(|(index, _)| index);
        let way = self.way_to(from, target)?;
        let to = way.to.map(|(_, stage)| stage.id.clone());
        self.leave(stage, to, comment);
        self.go(&way);
        Ok(())
    }

    /// When the path has ended, stages beside that never opened open or are passed over, and those
    /// that a return has passed over open as well; when none is open any more, the instance is
    /// complete.
    fn end_if_over(&mut self) {
        if self.instance.path_stage.is_some() || self.instance.stages.is_empty() {
            return;
        }
        let beside: Vec<(&'a Stage, &'a Beside)> =
            self.workflow().beside().map(|(_, stage, beside)| (stage, beside)).collect();
        for (stage, beside) in beside {
            let known = self.instance.stage(stage.id.as_str());
            let ahead_again = known.is_some_and(StageState::is_ahead_again);
            if known.is_some() && !ahead_again {
                continue;
            }
            let wanted = match &beside.when {
                Some(when) => self.holds(when, Some(stage), false),
                None => true,
            };
            if wanted {
                self.open_beside(stage, OpenReason::PathEnded, String::new());
            } else if !ahead_again {
                let (stage, because) = (stage.id.clone(), SkipReason::NeverOpened);
                self.emit(Payload::StageSkipped { stage, because });
            }
        }
        let blocked = !self.ends_though_blocked && !self.blockers_of(None).is_empty();
        if !blocked && self.instance.open_stages().next().is_none() && self.recurring_is_enough() {
            self.stop_clocks(ClockEnd::Done, |_| true);
            let outcome = self.outcome();
            self.emit(Payload::InstanceCompleted { outcome: outcome.clone() });
            self.tell_of_end(Status::Completed, outcome);
        }
    }

    /// What the task ended with whose outcome is that of the instance. All stages are closed.
    fn outcome(&self) -> Option<Outcome> {
        let task = self.workflow().outcome_of.as_ref()?;
        let closed = self.instance.stages().flat_map(|state| &state.outcomes);
        closed.filter(|closed| closed.task == *task).find_map(|closed| closed.outcome.clone())
    }

    /// A recurring stage counts as closed when none is open and it was open often enough.
    pub(super) fn recurring_is_enough(&mut self) -> bool {
        let conditions: Vec<_> = self
            .workflow()
            .beside()
            .filter(|(_, _, beside)| beside.recurring)
            .filter_map(|(_, stage, beside)| Some((stage, beside.enough_when.as_ref()?)))
            .collect();
        conditions.into_iter().all(|(stage, enough)| {
            let skipped = self.attempts(&stage.id) == 0;
            skipped || self.holds(enough, Some(stage), false)
        })
    }
}

/// Whether another limit may hold than at the start.
fn may_swap(spec: &ClockSpec) -> bool {
    match &spec.kind {
        ClockRule::By(_) => true,
        ClockRule::Within(choices) | ClockRule::Every { limits: choices, .. } => choices.len() > 1,
        ClockRule::Wait(_) | ClockRule::Check { .. } | ClockRule::Raise { .. } => false,
    }
}
