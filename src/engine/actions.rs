//! What a step of a ladder does beside telling: it gives the work to somebody else, opens a stage
//! beside the path, opens a special task. And with which digest it is to be read.

use crate::definition::compiled::{Delivery, Stage, Step, TaskSpec};
use crate::model::clock::{Clock, ClockOwner};
use crate::model::event::{OpenReason, Payload};
use crate::model::id::{GroupId, LevelId, RoleId};
use crate::model::task::{Assignment, AssignmentReason, Task};
use crate::model::time::Timestamp;
use crate::script::facts::latest;

use super::scene::Scene;

/// What falls due at the opening of business is recorded a moment later, and is for the digest of
/// that opening all the same.
const TIMER_LATENESS_MS: i64 = 60_000;

impl<'a> Scene<'a> {
    /// Does what steps of a clock say, lowest first; of several that give the work to somebody the
    /// highest does. Conditions that this changes are judged by whoever fires it.
    pub(super) fn act(&mut self, clock: &Clock, steps: &[&'a Step]) {
        let more =
            |step: &&&Step| step.open.is_some() || step.task.is_some() || step.reassign.is_some();
        self.acted += u32::from(steps.iter().any(|step| more(&step)));
        for step in steps {
            self.open_for(step);
            if let Some(spec) = self.special_task_of(step) {
                self.open_special(clock, spec);
            }
        }
        let giving = |step: &&&'a Step| step.reassign.is_some();
        if let Some(step) = steps.iter().rev().find(giving)
            && let Some(role) = &step.reassign
        {
            self.give_to(clock, role, &step.level);
        }
    }

    /// When what happens now is to be read by those who are told; none: at once. With the first
    /// digest that is not read already when it is recorded.
    pub(super) fn digest_at(&self, delivery: Delivery) -> Option<Timestamp> {
        if delivery == Delivery::AtOnce {
            return None;
        }
        let in_time = self.now <= self.at().plus_ms(TIMER_LATENESS_MS);
        let from = if in_time { self.at() } else { self.now };
        Some(self.context.calendar.next_opening(from))
    }

    fn special_task_of(&self, step: &Step) -> Option<&'a TaskSpec> {
        self.workflow().special_task(step.task.as_ref()?.as_str())
    }

    /// A stage beside the path that has come to be possible, and is not open.
    fn open_for(&mut self, step: &'a Step) {
        let Some(name) = &step.open else { return };
        let Some((_, stage)) = self.workflow().stage(name.as_str()) else { return };
        let Some(beside) = &stage.beside else { return };
        if self.may_open(stage, beside.opens_from, beside.recurring) {
            self.open_beside(stage, OpenReason::Escalation, String::new());
        }
    }

    /// A special task opens in the stage that the clock measures, or in the one in which the
    /// instance is; not twice at the same time.
    fn open_special(&mut self, clock: &Clock, spec: &'a TaskSpec) {
        let Some(stage) = self.stage_for(clock) else { return };
        let before = latest(&self.instance, &stage.id, &spec.id, None);
        if before.is_some_and(Task::is_open) {
            return;
        }
        let attempt = before.map_or(1, |task| task.attempt + 1);
        self.open_one(stage, spec, None, spec.roles.first().cloned(), attempt);
    }

    fn stage_for(&self, clock: &Clock) -> Option<&'a Stage> {
        let own = self.clock_stage(&clock.owner).filter(|stage| self.is_open(&stage.id));
        let on_path = || self.path_stage().map(|(_, stage)| stage);
        own.or_else(on_path).or_else(|| self.open_stages().first().map(|(_, stage)| *stage))
    }

    /// The task that a clock measures, or else the stewardship, goes to somebody in a role.
    fn give_to(&mut self, clock: &Clock, role: &RoleId, level: &LevelId) {
        match &clock.owner {
            ClockOwner::Task(_) => self.give_task(clock, role, level),
            ClockOwner::Instance | ClockOwner::Stage(_) | ClockOwner::Suspension => {
                self.give_stewardship(role, level);
            }
        }
    }

    fn give_task(&mut self, clock: &Clock, role: &RoleId, level: &LevelId) {
        let Some(task) = self.task_of(&clock.owner).filter(|task| task.is_open()).cloned() else {
            return;
        };
        let barred = self.spec_of(&task.reference).map(|spec| self.barred(&task, spec));
        let barred = barred.unwrap_or_default();
        let holder = task.holder.as_ref().map(|holder| holder.member.clone());
        let members = self.members_in(role.as_str(), Some(&task));
        if holder.as_ref().is_some_and(|holder| members.contains(holder)) {
            return;
        }
        let chosen = self.least_loaded(&members, &barred);
        let chosen = chosen.or_else(|| self.chosen_above(role, Some(&task), &barred));
        let Some(assignment) = chosen.filter(|chosen| Some(&chosen.member) != holder.as_ref())
        else {
            return;
        };
        let because = AssignmentReason::Escalated(level.clone());
        let assignment = Assignment { because, ..assignment };
        self.end_objection(&task.reference);
        let object_until = self.object_until(&task.reference);
        let (task, from, reason) = (task.reference, holder, String::new());
        self.emit(Payload::TaskReassigned { task, from, assignment, reason, object_until });
    }

    /// The instance stays in its group, so that the people around it stay the same.
    fn give_stewardship(&mut self, role: &RoleId, level: &LevelId) {
        let before = self.instance.steward.clone();
        let members = self.members_in(role.as_str(), None);
        if before.as_ref().is_some_and(|steward| members.contains(steward)) {
            return;
        }
        let chosen = self.least_loaded(&members, &[]);
        let chosen = chosen.or_else(|| self.chosen_above(role, None, &[]));
        let Some(assignment) = chosen.filter(|chosen| Some(&chosen.member) != before.as_ref())
        else {
            return;
        };
        let because = AssignmentReason::Escalated(level.clone());
        let assignment = Assignment { because, ..assignment };
        let group = self.instance.group.clone().or_else(|| self.group_of(&assignment.member));
        self.make_steward(assignment, group, String::new());
    }

    /// The instance has another steward. Who was a backup and becomes steward is none any more.
    pub(super) fn make_steward(
        &mut self,
        assignment: Assignment,
        group: Option<GroupId>,
        reason: String,
    ) {
        let (to, before) = (assignment.member.clone(), self.instance.steward.clone());
        self.emit(Payload::StewardAssigned { assignment, group, before, reason: reason.clone() });
        let before = self.instance.backups.clone();
        if before.contains(&to) {
            let backups = before.iter().filter(|backup| **backup != to).cloned().collect();
            self.emit(Payload::BackupsSet { backups, before, reason });
        }
    }
}
