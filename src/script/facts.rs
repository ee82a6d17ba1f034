//! Facts: what a script may read of an instance. Plain data, built by the engine, shared by `Arc`.

use std::sync::Arc;

use crate::model::id::{GroupId, InstanceId, MemberId, Outcome};
use crate::model::value::Values;

/// Everything that an expression may name.
#[derive(Debug, Clone)]
pub struct Facts {
    /// `project`: the instance.
    pub project: Arc<ProjectFacts>,
    /// `stage`: the stage to which the expression belongs.
    pub stage: Arc<StageFacts>,
    /// `task`: the task to which the expression belongs.
    pub task: Option<Arc<TaskFacts>>,
    /// `tasks`: every task of the latest activation of every stage, by name.
    pub tasks: Arc<TasksFacts>,
}

/// `project`: `project.<field>` is its value or `()` while it is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFacts {
    /// `project.id`.
    pub id: InstanceId,
    /// `project.steward`.
    pub steward: Option<MemberId>,
    /// `project.group`.
    pub group: Option<GroupId>,
    /// The fields.
    pub fields: Values,
}

/// `stage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFacts {
    /// `stage.id`.
    pub id: Arc<str>,
    /// `stage.attempt`.
    pub attempt: u32,
    /// `stage.returns`.
    pub returns: u32,
}

/// `task`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFacts {
    /// `task.id`.
    pub id: Arc<str>,
    /// `task.each`, or `""`.
    pub each: Arc<str>,
    /// `task.attempt`.
    pub attempt: u32,
    /// `task.outcome`, or `""`.
    pub outcome: Arc<str>,
}

/// `tasks`: sorted by name. A task that never opened is there as neither open nor done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TasksFacts {
    /// The tasks, sorted by name.
    pub tasks: Vec<TaskGroupFacts>,
}

/// `tasks.x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskGroupFacts {
    /// The name.
    pub id: Arc<str>,
    /// The single tasks behind it: one, or one per word of `for_each`.
    /// `.open`: any is open. `.done`: enough are done (as `join` says). `.outcome`: the single
    /// one's, or the one that all done ones share. `.count("x")`: how many ended with x.
    /// `.total`: how many there are. `tasks.x["word"]`: one of them.
    pub members: Vec<TaskMemberFacts>,
    /// `.done` of the whole.
    pub done: bool,
}

/// One of `tasks.x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskMemberFacts {
    /// The word of `for_each`, or `""`.
    pub each: Arc<str>,
    /// `.open`.
    pub open: bool,
    /// `.done`.
    pub done: bool,
    /// `.outcome`.
    pub outcome: Option<Outcome>,
}
