//! A task: something that one person has to do, or a period that has to pass.

use std::fmt;
use std::sync::Arc;

use super::clock::Limit;
use super::id::{LevelId, MemberId, Outcome, RoleId, StageId, TaskId};
use super::time::Timestamp;

/// A task's number within its instance; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskNumber(pub u32);

/// A task as events name it: enough to be understood without its instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskRef {
    /// Its number within the instance.
    pub number: TaskNumber,
    /// The stage to which it belongs.
    pub stage: StageId,
    /// Its name in the workflow.
    pub id: TaskId,
    /// For a task with `for_each`: which one.
    pub each: Option<Arc<str>>,
}

impl fmt::Display for TaskRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.each {
            Some(each) => write!(out, "task {} (`{}` for `{each}`)", self.number.0, self.id),
            None => write!(out, "task {} (`{}`)", self.number.0, self.id),
        }
    }
}

/// What a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskKind {
    /// Done by a person.
    Human,
    /// A fixed period; done when it is over.
    Wait,
    /// Another instance that this task begins; done when that has ended.
    Call,
}

/// One task of an open stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its number, stage and name.
    pub reference: TaskRef,
    /// What it is.
    pub kind: TaskKind,
    /// The first attempt is 1; a redo begins the next one as a new task.
    pub attempt: u32,
    /// The role or group whose members may do it; for [`TaskKind::Wait`] and
    /// [`TaskKind::Call`] none.
    pub role: Option<RoleId>,
    /// Since when it can be done.
    pub opened_at: Timestamp,
    /// Who holds it.
    pub holder: Option<Holder>,
    /// The items of its checklist that are checked.
    pub checked: Vec<Arc<str>>,
    /// An extension of its limit that was asked for and is not decided.
    pub extension_request: Option<ExtensionRequest>,
    /// How often an extension was granted.
    pub extensions_granted: u32,
    /// What its holder has against being the one, while that is not decided.
    pub objection: Option<Objection>,
    /// What it waits for from outside; its clock stands still until then, or until that lapses.
    pub supplement: Option<Supplement>,
    /// How often a supplement was asked for.
    pub supplements_asked: u32,
    /// How it ended.
    pub end: Option<TaskEnd>,
}

impl Task {
    /// Whether it is still to be done.
    pub fn is_open(&self) -> bool {
        self.end.is_none()
    }
}

/// Who holds a task, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The person.
    pub member: MemberId,
    /// The absent member for whom this person stands in.
    pub instead_of: Option<MemberId>,
    /// Since when.
    pub since: Timestamp,
    /// The holder who lets this person do it, and to whom it goes back.
    pub delegated_by: Option<MemberId>,
    /// Until when this person may object to having been given it; none: not, or not any more.
    pub object_until: Option<Timestamp>,
}

/// Why somebody was chosen: for a task, or as steward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssignmentReason {
    /// The steward is a candidate.
    Steward,
    /// The only candidate.
    OnlyCandidate,
    /// The candidate with the least to do.
    LeastLoaded,
    /// Named by a function of the rules, in its words.
    Function(Arc<str>),
    /// Named by the caller.
    Named,
    /// Claimed by the person.
    Claimed,
    /// The holder lets this person do it.
    Delegated,
    /// Who was let to do it gave it back.
    GivenBack,
    /// Nobody was in the role that was asked for: the role above was taken.
    RoleAbove(RoleId),
    /// A ladder gave it to its step's role when it came to this level.
    Escalated(LevelId),
}

/// Somebody chosen, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The person.
    pub member: MemberId,
    /// Why.
    pub because: AssignmentReason,
    /// The absent member for whom this person stands in.
    pub instead_of: Option<MemberId>,
}

/// An extension that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionRequest {
    /// How much, or up to which day.
    pub by: Limit,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub asked_by: MemberId,
    /// When.
    pub asked_at: Timestamp,
}

/// What a holder has against an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Why somebody else should do it.
    pub reason: String,
    /// Who objects.
    pub by: MemberId,
    /// When.
    pub at: Timestamp,
}

/// Something that is missing and must come from outside, such as a document of the enterprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supplement {
    /// What.
    pub what: String,
    /// Who asked for it.
    pub asked_by: MemberId,
    /// When.
    pub asked_at: Timestamp,
    /// When the time for it ran out: the task's clock runs on since then.
    pub lapsed_at: Option<Timestamp>,
}

/// Until when the holder of a task may object to having been given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectUntil {
    /// The task.
    pub task: TaskRef,
    /// The last instant.
    pub until: Timestamp,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEnd {
    /// It is done.
    Done {
        /// What it ended with.
        outcome: Option<Outcome>,
        /// Who did it; nobody for a period that has passed, and where silence counts.
        by: Option<MemberId>,
        /// The absent member for whom that person stood in.
        instead_of: Option<MemberId>,
        /// The holder who let that person do it.
        delegated_by: Option<MemberId>,
        /// When.
        at: Timestamp,
    },
    /// It is no longer wanted.
    Cancelled {
        /// Why.
        because: CancelReason,
        /// When.
        at: Timestamp,
    },
}

/// Why a task is no longer wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CancelReason {
    /// Enough of its fellows are done.
    JoinReached,
    /// Its stage was left while it was optional.
    StageLeft,
    /// The instance returned to an earlier stage.
    Returned,
    /// An earlier task is being done again.
    Redone,
    /// The instance ended.
    InstanceEnded,
}
