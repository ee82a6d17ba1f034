//! Why a command is refused: everything that is missing, at once, with a stable code.

use std::sync::Arc;

use crate::model::id::{FieldId, MemberId, Outcome, ReasonCode, RoleId, StageId};
use crate::model::instance::Status;
use crate::model::task::TaskRef;

/// A refusal. The caller did something that cannot be, or cannot be now; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The id is taken.
    InstanceExists,
    /// There is no such instance.
    InstanceNotFound,
    /// The instance is over.
    InstanceClosed(Status),
    /// The instance stands still: only some commands are possible.
    InstanceSuspended,
    /// The instance does not stand still.
    NotSuspended,
    /// The workflow does not allow suspensions.
    SuspensionNotAllowed,
    /// The instance is at another revision.
    StaleRevision {
        /// What the caller expected.
        expected: u64,
        /// Where the instance is.
        actual: u64,
    },
    /// The request id was used before with other content.
    RequestIdReused,
    /// The workflow is retired or was never published.
    WorkflowNotActive(Arc<str>),
    /// The actor may not do that.
    NotPermitted {
        /// What was to be done.
        doing: &'static str,
        /// Who may: roles, or the holder of a task.
        allowed: Vec<RoleId>,
    },
    /// The actor completed a task that must be looked at by somebody else.
    FourEyes {
        /// The task that the same person completed.
        task: TaskRef,
        /// The person.
        member: MemberId,
    },
    /// A person must act: a service alone cannot.
    MemberNeeded,
    /// There is no such stage, or it is not open.
    StageNotOpen(StageId),
    /// The stage cannot be opened.
    StageCannotOpen {
        /// The stage.
        stage: StageId,
        /// Why.
        because: CannotOpen,
    },
    /// The path has ended and not just one stage is open: the caller must name one.
    StageNameMissing {
        /// Those that are open.
        open: Vec<StageId>,
    },
    /// There is no such stage in the workflow.
    UnknownStage(StageId),
    /// The stage cannot be left yet.
    NotReady {
        /// The stage.
        stage: StageId,
        /// Everything that is missing.
        missing: Vec<Missing>,
    },
    /// The stage leads elsewhere than the caller expects.
    OtherTarget {
        /// Where it leads; none: the path ends.
        leads_to: Option<StageId>,
    },
    /// The stage may not be returned to from here.
    ReturnNotAllowed {
        /// Where it may be returned to.
        allowed: Vec<StageId>,
    },
    /// The reason code is not among those of the stage or the common ones.
    UnknownReason {
        /// The code.
        code: ReasonCode,
        /// Those that are.
        allowed: Vec<ReasonCode>,
    },
    /// There is no such task in an open stage.
    TaskNotFound(u32),
    /// The task is done or cancelled.
    TaskClosed(TaskRef),
    /// The task is not done: it cannot be redone.
    TaskNotDone(TaskRef),
    /// Somebody holds the task.
    TaskHeld(MemberId),
    /// Nobody holds the task.
    TaskNotHeld,
    /// A fixed period passes by itself.
    TaskIsWait(TaskRef),
    /// The task cannot be completed like this.
    IncompleteTask {
        /// The task.
        task: TaskRef,
        /// Everything that is wrong or missing.
        missing: Vec<Missing>,
    },
    /// The person is not known, or not a candidate.
    NotACandidate(MemberId),
    /// There is no such member.
    UnknownMember(MemberId),
    /// There is no such kind of activity.
    UnknownActivity(Arc<str>),
    /// Values that do not fit the declared fields.
    InvalidValues(Vec<FieldProblem>),
    /// The instant lies in the future.
    InFuture,
    /// A text that is needed is empty.
    TextMissing(&'static str),
    /// There is no such item.
    UnknownChecklistItem(Arc<str>),
    /// The task has no clock that could be extended.
    NoClock,
    /// No extension was asked for, or one is already asked for.
    ExtensionState(&'static str),
    /// The clock has no step that waits for an acknowledgement.
    NothingToAcknowledge,
    /// The acknowledgement lacks what the step requires.
    AcknowledgementIncomplete(Vec<&'static str>),
    /// The guard itself failed.
    GuardError {
        /// Which expression.
        place: String,
        /// What the script said; for the log, not for the caller.
        detail: String,
    },
    /// The reactions did not come to rest.
    ReactionLimit,
    /// A hard limit of the instance is reached.
    LimitReached(&'static str),
}

/// Why a stage cannot be opened by a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CannotOpen {
    /// It is a stage of the path.
    OnPath,
    /// The path has not come to `opens_from`.
    TooEarly,
    /// It is open.
    AlreadyOpen,
    /// It was open before and is not recurring.
    OnlyOnce,
}

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// A task that is not done; `number` while it is open.
    Task {
        /// Its name in the workflow.
        task: Arc<str>,
        /// Which one of a `for_each`.
        each: Option<Arc<str>>,
        /// Its number, if it is open.
        number: Option<u32>,
        /// Who holds it.
        holder: Option<MemberId>,
    },
    /// A field that is empty.
    Field(FieldId),
    /// No `next` holds; the conditions as written.
    Next(Vec<Arc<str>>),
    /// An outcome is needed, one of these.
    Outcome(Vec<Outcome>),
    /// The outcome is none of these.
    OtherOutcome(Vec<Outcome>),
    /// An item of the checklist is not checked.
    ChecklistItem(Arc<str>),
    /// A value of the form is missing or does not fit.
    Form(FieldProblem),
    /// A value of the instance does not fit.
    Value(FieldProblem),
}

/// A value that does not fit its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field's name as given.
    pub field: Arc<str>,
    /// What is wrong, as a sentence without a full stop.
    pub problem: String,
}
