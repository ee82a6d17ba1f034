//! Tasks: they open, find somebody, are finished, are cancelled.

use std::sync::Arc;

use crate::definition::compiled::{Stage, TaskIndex, TaskSpec};
use crate::model::clock::{Clock, ClockEnd, ClockOwner};
use crate::model::event::Payload;
use crate::model::id::Outcome;
use crate::model::task::{Assignment, CancelReason, ObjectUntil, Task, TaskKind};
use crate::model::task::{TaskNumber, TaskRef};
use crate::model::time::Timestamp;
use crate::model::value::Values;
use crate::script::facts::latest;

use super::scene::Scene;

/// Where a task of the workflow stands in the open activation of its stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Enough is done.
    Done,
    /// Its condition does not hold: it counts as done for what comes after it.
    NotWanted,
    /// Somebody is at it, or could be.
    Open,
    /// Something before it is not done.
    NotYet,
}

impl<'a> Scene<'a> {
    /// Where each task of a stage stands, in their order; each is judged once, however many wait
    /// for it. A failing condition counts as not holding.
    pub(super) fn progress(&mut self, stage: &'a Stage) -> Vec<Progress> {
        let mut known = vec![None; stage.tasks.len()];
        let all = 0..stage.tasks.len();
        all.map(|at| self.judge(stage, TaskIndex(at), &mut known)).collect()
    }

    fn judge(
        &mut self,
        stage: &'a Stage,
        index: TaskIndex,
        known: &mut [Option<Progress>],
    ) -> Progress {
        let Some(spec) = stage.tasks.get(index.0) else { return Progress::NotWanted };
        if let Some(progress) = known[index.0] {
            return progress;
        }
        let progress = match self.state_of(stage, spec) {
            Some(progress) => progress,
            None if !self.is_free(stage, spec, known) => Progress::NotYet,
            None => match &spec.when {
                Some(when) if !self.holds(when, Some(stage), false) => Progress::NotWanted,
                Some(_) | None => Progress::Open,
            },
        };
        known[index.0] = Some(progress);
        progress
    }

    /// Where a task stands that has been opened; none if it has not.
    fn state_of(&self, stage: &Stage, spec: &TaskSpec) -> Option<Progress> {
        let (mut opened, mut open, mut done) = (false, false, 0);
        for word in words_of(spec) {
            if let Some(task) = latest(&self.instance, &stage.id, &spec.id, word) {
                opened = true;
                open |= task.is_open();
                done += usize::from(is_done(task));
            }
        }
        match (opened, done >= spec.needed(), open) {
            (false, _, _) => None,
            (true, true, _) => Some(Progress::Done),
            // Cancelled because an earlier one is done again: it opens anew when that is done.
            (true, false, false) => None,
            (true, false, true) => Some(Progress::Open),
        }
    }

    /// Whether everything that a task waits for is done or not wanted.
    fn is_free(
        &mut self,
        stage: &'a Stage,
        spec: &TaskSpec,
        known: &mut [Option<Progress>],
    ) -> bool {
        spec.after.iter().all(|index| {
            matches!(self.judge(stage, *index, known), Progress::Done | Progress::NotWanted)
        })
    }

    /// Opens the tasks of a stage that can be done from now on.
    pub(super) fn open_free_tasks(&mut self, stage: &'a Stage) {
        for (spec, progress) in stage.tasks.iter().zip(self.progress(stage)) {
            if progress == Progress::Open && self.state_of(stage, spec).is_none() {
                self.open_task_group(stage, spec);
            }
        }
    }

    fn open_task_group(&mut self, stage: &'a Stage, spec: &'a TaskSpec) {
        for (at, word) in words_of(spec).enumerate() {
            let before = latest(&self.instance, &stage.id, &spec.id, word);
            // A done one of a group whose fellows were cancelled stays done.
            if before.is_some_and(is_done) {
                continue;
            }
            let attempt = before.map_or(1, |task| task.attempt + 1);
            let role = spec.roles.get(at).or(spec.roles.first()).cloned();
            self.open_one(stage, spec, word.cloned(), role, attempt);
        }
    }

    /// Opens one task and finds somebody for it.
    pub(super) fn open_one(
        &mut self,
        stage: &'a Stage,
        spec: &'a TaskSpec,
        each: Option<Arc<str>>,
        role: Option<crate::model::id::RoleId>,
        attempt: u32,
    ) {
        let number = TaskNumber(self.instance.next_task);
        let reference = TaskRef { number, stage: stage.id.clone(), id: spec.id.clone(), each };
        let task = Task {
            reference,
            kind: spec.kind,
            attempt,
            role,
            opened_at: self.at(),
            holder: None,
            checked: Vec::new(),
            extension_request: None,
            extensions_granted: 0,
            objection: None,
            supplement: None,
            supplements_asked: 0,
            end: None,
        };
        self.emit(Payload::TaskOpened { task: task.clone() });
        if spec.kind == TaskKind::Human {
            match self.choose(&task, spec, &[]) {
                Some(assignment) => {
                    let (task, object_until) =
                        (task.reference.clone(), self.object_until(&task.reference));
                    self.emit(Payload::TaskAssigned { task, assignment, object_until });
                }
                None => self.offer(&task, spec),
            }
        }
        self.start_task_clock(&task);
        if let Some(call) = &spec.call {
            self.call(&task, call);
        }
    }

    /// Until when somebody to whom a task is given now may object to that.
    pub(super) fn object_until(&self, task: &TaskRef) -> Option<Timestamp> {
        let rules = self.spec_of(task)?.objections.as_ref()?;
        let calendar = self.calendar_of(Some(&rules.clock));
        Some(calendar.due(self.at(), rules.within).at)
    }

    /// Until when the holders of tasks may object if the instance goes on now, where that moves:
    /// who had time to object when it stopped, or was given a task since then, has it still.
    pub(super) fn objections_after(&self, suspended_at: Timestamp) -> Vec<ObjectUntil> {
        let moved = |task: &Task| {
            let holder = task.holder.as_ref()?;
            let from = suspended_at.max(holder.since);
            let until = holder.object_until.filter(|until| *until > from)?;
            let rules = self.spec_of(&task.reference)?.objections.as_ref()?;
            let calendar = self.calendar_of(Some(&rules.clock));
            let later = calendar.moved_on(until, rules.within.unit, from, self.at()).at;
            (later != until).then(|| ObjectUntil { task: task.reference.clone(), until: later })
        };
        self.instance.open_tasks().filter_map(moved).collect()
    }

    /// A task waits to be claimed.
    pub(super) fn offer(&mut self, task: &Task, spec: &TaskSpec) {
        let Some(role) = task.role.clone() else { return };
        let candidates = self.candidates(task, spec);
        self.emit(Payload::TaskOffered { task: task.reference.clone(), role, candidates });
    }

    /// A task is done; its clock ends with it.
    pub(super) fn finish_task(
        &mut self,
        task: &TaskRef,
        outcome: Option<Outcome>,
        form: Values,
        by: Option<Assignment>,
        comment: String,
    ) {
        let number = task.number;
        self.stop_clocks(ClockEnd::Done, |clock| measures(&clock.owner, number));
        let (by, instead_of) = match by {
            Some(assignment) => (Some(assignment.member), assignment.instead_of),
            None => (None, None),
        };
        let holder = self.instance.task(number).and_then(|task| task.holder.as_ref());
        let delegated_by = holder.and_then(|holder| holder.delegated_by.clone());
        let delegated_by = delegated_by.filter(|_| by.is_some());
        self.emit(Payload::TaskCompleted {
            task: task.clone(),
            outcome,
            form,
            by,
            instead_of,
            delegated_by,
            comment,
        });
    }

    /// A task is done by nobody.
    pub(super) fn finish_by_nobody(&mut self, task: &TaskRef, outcome: Option<Outcome>) {
        self.finish_task(task, outcome, Values::new(), None, String::new());
    }

    /// Silence says what it says of a task whose limit ran out while another instance blocked it,
    /// as soon as none does. Not while its clock stands still: then somebody has said something.
    pub(super) fn finish_what_was_blocked(&mut self) {
        let ran_out = |clock: &&Clock| {
            clock.breached_at.is_some() && !clock.is_paused() && clock.id.as_str() == "task"
        };
        let tasks: Vec<TaskRef> = self
            .instance
            .clocks()
            .filter(ran_out)
            .filter_map(|clock| match &clock.owner {
                ClockOwner::Task(task) => Some(task.clone()),
                ClockOwner::Instance | ClockOwner::Stage(_) | ClockOwner::Suspension => None,
            })
            .collect();
        for task in tasks {
            let silence = self.spec_of(&task).and_then(|spec| spec.silence.clone());
            let is_open = self.instance.task(task.number).is_some_and(Task::is_open);
            if silence.is_none() || !is_open || !self.blockers_of(Some(&task.id)).is_empty() {
                continue;
            }
            self.finish_by_nobody(&task, silence);
            // Where one of several is enough, the others are not done as well.
            for (_, stage) in self.open_stages() {
                self.cancel_joined(stage);
            }
        }
    }

    /// The holder of a task changes: what the one before objected to is settled by that.
    pub(super) fn end_objection(&mut self, task: &TaskRef) {
        self.end_task_clock("objection", task, ClockEnd::Cancelled);
    }

    /// Ends one of the clocks of a task by its name.
    pub(super) fn end_task_clock(&mut self, name: &str, task: &TaskRef, end: ClockEnd) {
        let number = task.number;
        self.stop_clocks(end, |clock| clock.id.as_str() == name && measures(&clock.owner, number));
    }

    /// The limit of a task, if it runs.
    pub(super) fn task_clock(&self, task: &TaskRef) -> Option<&Clock> {
        let mut clocks = self.instance.clocks();
        clocks.find(|clock| clock.id.as_str() == "task" && measures(&clock.owner, task.number))
    }

    /// Open tasks that are meant are no longer wanted.
    pub(super) fn cancel_tasks(&mut self, because: CancelReason, meant: impl Fn(&Task) -> bool) {
        let tasks: Vec<TaskRef> = self
            .instance
            .open_tasks()
            .filter(|task| meant(task))
            .map(|task| task.reference.clone())
            .collect();
        for task in tasks {
            let number = task.number;
            self.stop_clocks(ClockEnd::Cancelled, |clock| measures(&clock.owner, number));
            self.emit(Payload::TaskCancelled { task, because });
        }
    }

    /// Once enough of a group are done, the rest is no longer wanted.
    pub(super) fn cancel_joined(&mut self, stage: &'a Stage) {
        for spec in stage.tasks.iter().filter(|spec| spec.for_each.len() > 1) {
            if self.state_of(stage, spec) == Some(Progress::Done) {
                self.cancel_tasks(CancelReason::JoinReached, |task| {
                    task.reference.stage == stage.id && task.reference.id == spec.id
                });
            }
        }
    }
}

/// The words of a `for_each`, or a single nothing.
pub(super) fn words_of(spec: &TaskSpec) -> impl Iterator<Item = Option<&Arc<str>>> {
    let alone = spec.for_each.is_empty().then_some(None);
    alone.into_iter().chain(spec.for_each.iter().map(Some))
}

/// Whether a task is done, not cancelled.
pub(super) fn is_done(task: &Task) -> bool {
    matches!(task.end, Some(crate::model::task::TaskEnd::Done { .. }))
}

fn measures(owner: &ClockOwner, number: TaskNumber) -> bool {
    matches!(owner, ClockOwner::Task(task) if task.number == number)
}
