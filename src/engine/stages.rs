//! Stages: they are entered, left, passed over, opened and closed.

use crate::definition::compiled::{ClockRule, ClockSpec, Stage, StageIndex};
use crate::model::clock::{ClockEnd, ClockOwner};
use crate::model::event::{OpenReason, Payload, SkipReason};
use crate::model::id::StageId;
use crate::model::instance::StagePlace;
use crate::model::task::CancelReason;

use super::rejection::Rejection;
use super::scene::Scene;

/// Where leaving a path stage leads: what is passed over on the way, and what is entered.
pub(super) struct Way<'a> {
    pub(super) skipped: Vec<(&'a Stage, SkipReason)>,
    pub(super) to: Option<(StageIndex, &'a Stage)>,
}

impl<'a> Scene<'a> {
    /// The way on from a stage of the path: passed-over stages, then those whose `skip_when` holds.
    pub(super) fn way_to(
        &mut self,
        from: Option<StageIndex>,
        target: Option<StageIndex>,
    ) -> Result<Way<'a>, Rejection> {
        let mut skipped = Vec::new();
        let after = |index: StageIndex| from.is_none_or(|from| index > from);
        let path: Vec<(StageIndex, &'a Stage)> =
            self.workflow().path().filter(|(index, _)| after(*index)).collect();
        for (index, stage) in path {
            if target.is_some_and(|target| index < target) {
                skipped.push((stage, SkipReason::PassedOver));
                continue;
            }
            match &stage.skip_when {
                Some(skip_when) if self.guard(skip_when, stage, None)? => {
                    skipped.push((stage, SkipReason::Condition));
                }
                Some(_) | None => return Ok(Way { skipped, to: Some((index, stage)) }),
            }
        }
        Ok(Way { skipped, to: None })
    }

    /// Goes the way: passes over, then enters, or ends the path.
    pub(super) fn go(&mut self, way: &Way<'a>) {
        for (stage, because) in &way.skipped {
            let stage = stage.id.clone();
            self.emit(Payload::StageSkipped { stage, because: *because });
        }
        match way.to {
            Some((_, stage)) => self.enter(stage),
            None => self.emit(Payload::PathEnded {}),
        }
    }

    /// Enters a stage of the path: a new activation.
    pub(super) fn enter(&mut self, stage: &'a Stage) {
        let attempt = self.attempts(&stage.id) + 1;
        self.emit(Payload::StageEntered { stage: stage.id.clone(), attempt });
        self.begin(stage);
    }

    /// Opens a stage beside the path: a new activation.
    pub(super) fn open_beside(&mut self, stage: &'a Stage, because: OpenReason, comment: String) {
        let attempt = self.attempts(&stage.id) + 1;
        self.emit(Payload::StageOpened { stage: stage.id.clone(), attempt, because, comment });
        self.begin(stage);
    }

    fn begin(&mut self, stage: &'a Stage) {
        for spec in stage.clocks.iter().filter(|spec| begins_with_its_owner(spec)) {
            self.start_clock(spec, ClockOwner::Stage(stage.id.clone()));
        }
        self.open_free_tasks(stage);
    }

    /// How often a stage was entered.
    pub(super) fn attempts(&self, stage: &StageId) -> u32 {
        self.instance.stage(stage.as_str()).map_or(0, |state| state.attempt)
    }

    /// Ends an activation of a path stage.
    pub(super) fn leave(&mut self, stage: &Stage, to: Option<StageId>, comment: String) {
        let (attempt, dwell_ms) = self.end_activation(stage, CancelReason::StageLeft);
        let stage = stage.id.clone();
        self.emit(Payload::StageLeft { stage, attempt, to, dwell_ms, comment });
    }

    /// Ends an activation of a stage beside the path.
    pub(super) fn close(&mut self, stage: &Stage, because: CancelReason, comment: String) {
        let (attempt, dwell_ms) = self.end_activation(stage, because);
        self.emit(Payload::StageClosed { stage: stage.id.clone(), attempt, dwell_ms, comment });
    }

    /// Ends what runs in an activation: its open tasks, its clocks.
    pub(super) fn end_activation(&mut self, stage: &Stage, because: CancelReason) -> (u32, i64) {
        self.cancel_tasks(because, |task| task.reference.stage == stage.id);
        let end = match because {
            CancelReason::StageLeft => ClockEnd::Done,
            CancelReason::JoinReached
            | CancelReason::Returned
            | CancelReason::Redone
            | CancelReason::InstanceEnded => ClockEnd::Cancelled,
        };
        self.stop_clocks(
            end,
            |clock| matches!(&clock.owner, ClockOwner::Stage(owner) if *owner == stage.id),
        );
        let state = self.instance.stage(stage.id.as_str());
        let since = state.and_then(|state| match state.place {
            StagePlace::Open(since) => Some(since),
            StagePlace::Closed(_) | StagePlace::Skipped(_) => None,
        });
        let dwell_ms = since.map_or(0, |since| self.at().ms_since(since));
        (state.map_or(0, |state| state.attempt), dwell_ms)
    }

    /// The path has come to a stage beside that has not opened yet, that a return has passed over
    /// since, or that may open again.
    pub(super) fn may_open(&self, stage: &Stage, opens_from: StageIndex, again: bool) -> bool {
        let state = self.instance.stage(stage.id.as_str());
        let untouched = match state {
            None => true,
            Some(state) => match state.place {
                StagePlace::Open(_) => false,
                StagePlace::Closed(_) => again,
                StagePlace::Skipped(_) => true,
            },
        };
        untouched && self.has_reached(opens_from)
    }

    /// Whether the path has come to a stage.
    pub(super) fn has_reached(&self, stage: StageIndex) -> bool {
        match self.path_stage() {
            Some((at, _)) => at >= stage,
            // The path has ended; before it began nothing is asked.
            None => true,
        }
    }

    /// Ends everything that runs, when the instance ends.
    pub(super) fn end_everything(&mut self) {
        for (_, stage) in self.open_stages() {
            if stage.beside.is_some() {
                self.close(stage, CancelReason::InstanceEnded, String::new());
            } else {
                let (attempt, dwell_ms) = self.end_activation(stage, CancelReason::InstanceEnded);
                let (stage, comment) = (stage.id.clone(), String::new());
                self.emit(Payload::StageLeft { stage, attempt, to: None, dwell_ms, comment });
            }
        }
        self.stop_clocks(ClockEnd::Cancelled, |_| true);
    }

    /// Begins the clocks of the whole instance.
    pub(super) fn start_instance_clocks(&mut self) {
        let clocks: &'a [ClockSpec] = &self.workflow().clocks;
        for spec in clocks.iter().filter(|spec| begins_with_its_owner(spec)) {
            self.start_clock(spec, ClockOwner::Instance);
        }
    }
}

/// What is raised begins when its condition comes to hold, and not before that is judged.
fn begins_with_its_owner(spec: &ClockSpec) -> bool {
    !matches!(spec.kind, ClockRule::Raise { .. })
}
