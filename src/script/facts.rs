//! Facts: what a script may read of an instance. Views over the instance itself, so that asking
//! costs only what is asked for; nothing of it is copied.

use std::sync::Arc;

use crate::model::id::{Outcome, StageId, TaskId};
use crate::model::instance::Instance;
use crate::model::task::{Task, TaskEnd};

/// Everything that an expression may name.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// `project`: the instance. `project.<field>` is its value or `()` while it is empty.
    pub instance: &'a Arc<Instance>,
    /// `stage`: the stage to which the expression belongs; none: it belongs to the whole.
    pub stage: Option<&'a StageId>,
    /// `task`: the task to which the expression belongs.
    pub task: Option<&'a Task>,
    /// `tasks`: every task of the latest activation of every stage, by name.
    pub tasks: &'a Arc<TaskGroups>,
}

/// Every task of a workflow by name, sorted. A task that never opened is there as neither open nor
/// done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskGroups {
    groups: Vec<TaskGroup>,
}

/// What a workflow says of the tasks of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskGroup {
    /// The name.
    pub id: TaskId,
    /// Its stage.
    pub stage: StageId,
    /// The words of `for_each`; empty: a single task.
    pub words: Vec<Arc<str>>,
    /// How many done ones are enough.
    pub needed: usize,
}

/// One of the tasks behind a name, as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskMember<'a> {
    /// Whether somebody is at it, or could be.
    pub open: bool,
    /// Whether it is done.
    pub done: bool,
    /// What it ended with.
    pub outcome: Option<&'a Outcome>,
    /// Its latest attempt; 0 while it was never opened.
    pub attempt: u32,
}

impl TaskGroups {
    /// The groups of a workflow, in any order.
    pub fn new(mut groups: Vec<TaskGroup>) -> Self {
        groups.sort_by(|left, right| left.id.cmp(&right.id));
        Self { groups }
    }

    /// The place of a name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.groups.binary_search_by(|group| group.id.as_str().cmp(name)).ok()
    }

    /// The group at a place that [`Self::find`] gave.
    pub(super) fn at(&self, place: usize) -> &TaskGroup {
        &self.groups[place]
    }
}

impl TaskGroup {
    /// How many tasks are behind the name.
    pub(super) fn total(&self) -> usize {
        self.words.len().max(1)
    }

    /// The tasks behind the name: one, or one per word.
    pub(super) fn members<'a>(
        &'a self,
        instance: &'a Instance,
    ) -> impl Iterator<Item = TaskMember<'a>> {
        (0..self.total()).map(|at| self.member(instance, self.words.get(at)))
    }

    /// How often it was tried, in all activations of its stage; where several are behind the name,
    /// the one that was tried most.
    pub(super) fn attempts(&self, instance: &Instance) -> u32 {
        let tried = instance.stage(self.stage.as_str()).into_iter().flat_map(|state| &state.tried);
        let before: u32 = tried.filter(|tried| tried.task == self.id).map(|it| it.attempts).sum();
        before + self.attempt(instance)
    }

    /// Its latest attempt; where several are behind the name, of the one that was tried most.
    pub(super) fn attempt(&self, instance: &Instance) -> u32 {
        self.members(instance).map(|member| member.attempt).max().unwrap_or_default()
    }

    /// The outcome that all done tasks of the name share; none while none is done or they differ.
    pub(super) fn outcome<'a>(&'a self, instance: &'a Instance) -> Option<&'a Outcome> {
        let mut outcomes =
            self.members(instance).filter(|member| member.done).map(|member| member.outcome);
        let first = outcomes.next()?;
        if outcomes.all(|other| other == first) { first } else { None }
    }

    /// Whether enough are done.
    pub(super) fn is_done(&self, instance: &Instance) -> bool {
        self.members(instance).filter(|member| member.done).count() >= self.needed
    }

    /// One of the tasks behind the name: its latest attempt in the open activation of its stage,
    /// or what the latest closed one left of it.
    pub(super) fn member<'a>(
        &self,
        instance: &'a Instance,
        word: Option<&Arc<str>>,
    ) -> TaskMember<'a> {
        match latest(instance, &self.stage, &self.id, word) {
            Some(task) => of_task(task),
            None => self.of_closed(instance, word),
        }
    }

    fn of_closed<'a>(&self, instance: &'a Instance, word: Option<&Arc<str>>) -> TaskMember<'a> {
        let state = instance.stage(self.stage.as_str());
        let mut closed = state.into_iter().flat_map(|state| &state.outcomes);
        let closed = closed.find(|old| old.task == self.id && old.each.as_ref() == word);
        TaskMember {
            open: false,
            done: closed.is_some_and(|closed| closed.done),
            outcome: closed.and_then(|closed| closed.outcome.as_ref()),
            // What was stored before attempts were kept was done at least once.
            attempt: closed.map_or(0, |closed| closed.attempt.max(1)),
        }
    }
}

/// The latest attempt of a task in the open activation of its stage.
pub fn latest<'a>(
    instance: &'a Instance,
    stage: &StageId,
    task: &TaskId,
    word: Option<&Arc<str>>,
) -> Option<&'a Task> {
    instance.tasks().rev().find(|known| {
        known.reference.id == *task
            && known.reference.each.as_ref() == word
            && known.reference.stage == *stage
    })
}

/// A task as it stands.
pub(super) fn of_task(task: &Task) -> TaskMember<'_> {
    let (done, outcome) = match &task.end {
        Some(TaskEnd::Done { outcome, .. }) => (true, outcome.as_ref()),
        Some(TaskEnd::Cancelled { .. }) | None => (false, None),
    };
    TaskMember { open: task.is_open(), done, outcome, attempt: task.attempt }
}
