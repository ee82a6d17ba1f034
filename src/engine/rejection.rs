//! Why a command is refused: everything that is missing, at once, with a stable code.

use std::fmt;
use std::sync::Arc;

use crate::model::id::WorkflowId;
use crate::model::id::{FieldId, InstanceId, MemberId, Outcome, ReasonCode, RoleId, StageId};
use crate::model::instance::Status;
use crate::model::task::TaskRef;
use crate::model::time::{Amount, Date, Timestamp};

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
    /// A task that calls another instance is done when that has ended.
    TaskIsCall(TaskRef),
    /// The task cannot be completed like this.
    IncompleteTask {
        /// The task.
        task: TaskRef,
        /// Everything that is wrong or missing.
        missing: Vec<Missing>,
    },
    /// The person is not known, or not a candidate.
    NotACandidate(MemberId),
    /// The member belongs to another body and can be no steward.
    OutsideTeam(MemberId),
    /// There is no such member.
    UnknownMember(MemberId),
    /// Backups must be at most two, different from each other and from the steward.
    BackupsNotDistinct,
    /// The rules name nobody but the one who is to hand over.
    NobodyFound,
    /// The member has an absence on some of these days already.
    AbsenceOverlaps {
        /// Its first day.
        from: Date,
        /// Its last day.
        to: Date,
    },
    /// The member has no such absence.
    AbsenceNotFound(MemberId),
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
    /// More time must be asked for earlier.
    TooLateToAsk {
        /// So long before the due time.
        before: Amount,
        /// Until then it could be asked for.
        until: Timestamp,
    },
    /// More time is asked for than the next approver may give.
    ExtensionTooLong {
        /// The share of the limit that may be given, in percent.
        percent: u32,
        /// The most that may be asked for.
        most: Amount,
    },
    /// The task is done on behalf of its delegator already.
    AlreadyDelegated(MemberId),
    /// There is nothing to object to, or nobody objects, or it is decided.
    ObjectionState(&'static str),
    /// The time for an objection has passed.
    TooLateToObject {
        /// So long after the assignment.
        within: Amount,
        /// Until then it was possible.
        until: Timestamp,
    },
    /// The task may wait for nothing, waits already, or does not wait.
    SupplementState(&'static str),
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
    /// Other instances must end first.
    Blocked {
        /// Those.
        by: Vec<InstanceId>,
    },
    /// The relation to this instance is known already.
    LinkExists(InstanceId),
    /// There is no instance of this name to which another could stand in a relation.
    OtherNotFound(InstanceId),
    /// There is no such relation to this instance.
    LinkNotFound(InstanceId),
    /// The activity may not start an instance of this workflow.
    MayNotStart {
        /// The workflow.
        workflow: WorkflowId,
        /// Those that it may.
        allowed: Vec<WorkflowId>,
    },
    /// The instance is not over.
    InstanceNotClosed(Status),
    /// Another instance has taken up what this one left off.
    AlreadyRevived(InstanceId),
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

impl Rejection {
    /// The stable code, as callers and documents name it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InstanceExists => "INSTANCE_EXISTS",
            Self::InstanceNotFound => "INSTANCE_NOT_FOUND",
            Self::InstanceClosed(_) => "INSTANCE_CLOSED",
            Self::InstanceSuspended => "INSTANCE_SUSPENDED",
            Self::NotSuspended => "INSTANCE_NOT_SUSPENDED",
            Self::SuspensionNotAllowed => "SUSPENSION_NOT_ALLOWED",
            Self::StaleRevision { .. } => "STALE_REVISION",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::WorkflowNotActive(_) => "WORKFLOW_NOT_ACTIVE",
            Self::NotPermitted { .. } => "NOT_PERMITTED",
            Self::FourEyes { .. } => "FOUR_EYES",
            Self::MemberNeeded => "MEMBER_NEEDED",
            Self::StageNotOpen(_) => "STAGE_NOT_OPEN",
            Self::StageCannotOpen { .. } => "STAGE_CANNOT_OPEN",
            Self::StageNameMissing { .. } => "STAGE_NAME_MISSING",
            Self::UnknownStage(_) => "UNKNOWN_STAGE",
            Self::NotReady { .. } => "NOT_READY",
            Self::OtherTarget { .. } => "OTHER_TARGET",
            Self::ReturnNotAllowed { .. } => "RETURN_NOT_ALLOWED",
            Self::UnknownReason { .. } => "UNKNOWN_REASON",
            Self::TaskNotFound(_) => "TASK_NOT_FOUND",
            Self::TaskClosed(_) => "TASK_CLOSED",
            Self::TaskNotDone(_) => "TASK_NOT_DONE",
            Self::TaskHeld(_) => "TASK_HELD",
            Self::TaskNotHeld => "TASK_NOT_HELD",
            Self::TaskIsWait(_) => "TASK_IS_WAIT",
            Self::TaskIsCall(_) => "TASK_IS_CALL",
            Self::Blocked { .. } => "BLOCKED",
            Self::LinkExists(_) => "LINK_EXISTS",
            Self::LinkNotFound(_) => "LINK_NOT_FOUND",
            Self::OtherNotFound(_) => "OTHER_NOT_FOUND",
            Self::MayNotStart { .. } => "MAY_NOT_START",
            Self::InstanceNotClosed(_) => "INSTANCE_NOT_CLOSED",
            Self::AlreadyRevived(_) => "ALREADY_REVIVED",
            Self::IncompleteTask { .. } => "INCOMPLETE_TASK",
            Self::NotACandidate(_) => "NOT_A_CANDIDATE",
            Self::OutsideTeam(_) => "OUTSIDE_TEAM",
            Self::UnknownMember(_) => "UNKNOWN_MEMBER",
            Self::BackupsNotDistinct => "BACKUPS_NOT_DISTINCT",
            Self::NobodyFound => "NOBODY_FOUND",
            Self::AbsenceOverlaps { .. } => "ABSENCE_OVERLAPS",
            Self::AbsenceNotFound(_) => "ABSENCE_NOT_FOUND",
            Self::UnknownActivity(_) => "UNKNOWN_ACTIVITY",
            Self::InvalidValues(_) => "INVALID_VALUES",
            Self::InFuture => "IN_FUTURE",
            Self::TextMissing(_) => "TEXT_MISSING",
            Self::UnknownChecklistItem(_) => "UNKNOWN_CHECKLIST_ITEM",
            Self::NoClock => "NO_CLOCK",
            Self::ExtensionState(_) => "EXTENSION_STATE",
            Self::TooLateToAsk { .. } => "TOO_LATE_TO_ASK",
            Self::ExtensionTooLong { .. } => "EXTENSION_TOO_LONG",
            Self::AlreadyDelegated(_) => "ALREADY_DELEGATED",
            Self::ObjectionState(_) => "OBJECTION_STATE",
            Self::TooLateToObject { .. } => "TOO_LATE_TO_OBJECT",
            Self::SupplementState(_) => "SUPPLEMENT_STATE",
            Self::NothingToAcknowledge => "NOTHING_TO_ACKNOWLEDGE",
            Self::AcknowledgementIncomplete(_) => "ACKNOWLEDGEMENT_INCOMPLETE",
            Self::GuardError { .. } => "GUARD_ERROR",
            Self::ReactionLimit => "REACTION_LIMIT",
            Self::LimitReached(_) => "LIMIT_REACHED",
        }
    }

    /// Whether the same command would be refused for ever: no instance takes up another workflow,
    /// and a request is not forgotten while it is asked again.
    pub fn is_for_good(&self) -> bool {
        matches!(self, Self::InstanceExists | Self::InstanceNotFound | Self::RequestIdReused)
    }

    /// What the caller is told, in one line. Nothing internal: a script's own words stay inside.
    pub fn public_message(&self) -> String {
        match self {
            Self::InstanceExists => "an instance of this id exists".to_owned(),
            Self::InstanceNotFound => "there is no such instance".to_owned(),
            Self::InstanceClosed(status) => format!("the instance is {}", status.as_str()),
            Self::InstanceSuspended => "the instance is suspended".to_owned(),
            Self::NotSuspended => "the instance is not suspended".to_owned(),
            Self::SuspensionNotAllowed => "the workflow allows no suspension".to_owned(),
            Self::StaleRevision { expected, actual } => {
                format!("the instance is at revision {actual}, not {expected}")
            }
            Self::RequestIdReused => "the request id was used before with other content".to_owned(),
            Self::WorkflowNotActive(workflow) => {
                format!("no version of workflow `{workflow}` is active")
            }
            Self::NotPermitted { doing, allowed } if allowed.is_empty() => {
                format!("you may not {doing}")
            }
            Self::NotPermitted { doing, allowed } => {
                format!("you may not {doing}: that is for {}", listed(allowed))
            }
            Self::FourEyes { task, member } => {
                format!("`{member}` completed {task}: somebody else must do this")
            }
            Self::MemberNeeded => "a service must name the member for whom it acts".to_owned(),
            Self::StageNotOpen(stage) => format!("stage `{stage}` is not open"),
            Self::StageCannotOpen { stage, because } => {
                format!("stage `{stage}` cannot be opened: {}", because.as_str())
            }
            Self::StageNameMissing { open } => {
                format!("the path has ended: name one of the open stages {}", listed(open))
            }
            Self::UnknownStage(stage) => format!("the workflow has no stage `{stage}`"),
            Self::NotReady { stage, missing } => {
                format!("stage `{stage}` cannot be left yet: {}", all(missing))
            }
            Self::OtherTarget { leads_to: Some(stage) } => {
                format!("the stage leads to `{stage}`")
            }
            Self::OtherTarget { leads_to: None } => "the stage leads to no other one".to_owned(),
            Self::ReturnNotAllowed { allowed } if allowed.is_empty() => {
                "the instance cannot be returned from here".to_owned()
            }
            Self::ReturnNotAllowed { allowed } => {
                format!("the instance can be returned only to {}", listed(allowed))
            }
            Self::UnknownReason { code, allowed } => {
                format!("`{code}` is none of the reasons {}", listed(allowed))
            }
            people => people.message_about_people(),
        }
    }

    /// The same for what concerns people.
    fn message_about_people(&self) -> String {
        match self {
            Self::NotACandidate(member) => format!("`{member}` is no candidate for the task"),
            Self::OutsideTeam(member) => {
                format!("`{member}` belongs to a group outside the team and can be no steward")
            }
            Self::UnknownMember(member) => format!("there is no member `{member}`"),
            Self::BackupsNotDistinct => {
                "backups are at most two, different from each other and from the steward".to_owned()
            }
            Self::NobodyFound => "the rules name nobody else: name who takes over".to_owned(),
            Self::AbsenceOverlaps { from, to } => {
                format!("the member is put down as away from {from} to {to}: end that first")
            }
            Self::AbsenceNotFound(member) => {
                format!("`{member}` is not put down as away then")
            }
            work => work.message_about_work(),
        }
    }

    /// The same for what concerns tasks, values and clocks.
    fn message_about_work(&self) -> String {
        match self {
            Self::TaskNotFound(number) => format!("no open stage has a task {number}"),
            Self::TaskClosed(task) => format!("{task} is done or cancelled"),
            Self::TaskNotDone(task) => format!("{task} is not done"),
            Self::TaskHeld(member) => format!("`{member}` holds the task"),
            Self::TaskNotHeld => "nobody holds the task".to_owned(),
            Self::TaskIsWait(task) => format!("{task} passes by itself"),
            Self::TaskIsCall(task) => {
                format!("{task} is done when the instance that it called has ended")
            }
            Self::Blocked { by } => format!("these must end first: {}", listed(by)),
            Self::LinkExists(other) => format!("this relation to `{other}` is known already"),
            Self::OtherNotFound(other) => format!("there is no instance `{other}`"),
            Self::LinkNotFound(other) => format!("there is no such relation to `{other}`"),
            Self::MayNotStart { workflow, allowed } if allowed.is_empty() => {
                format!("the activity may start nothing, so not `{workflow}`")
            }
            Self::MayNotStart { workflow, allowed } => {
                format!("the activity may start {}, not `{workflow}`", listed(allowed))
            }
            Self::InstanceNotClosed(status) => {
                format!("the instance is {}: only one that is over can be revived", status.as_str())
            }
            Self::AlreadyRevived(by) => format!("`{by}` has taken it up already"),
            Self::IncompleteTask { task, missing } => {
                format!("{task} cannot be completed: {}", all(missing))
            }
            Self::UnknownActivity(activity) => {
                format!("the workflow has no activity `{activity}`")
            }
            Self::InvalidValues(problems) => {
                let told = problems.iter().map(ToString::to_string);
                told.collect::<Vec<_>>().join("; ")
            }
            Self::InFuture => "what is logged has occurred: not in the future".to_owned(),
            Self::TextMissing(field) => format!("`{field}` must say something"),
            Self::UnknownChecklistItem(item) => format!("the checklist has no item `{item}`"),
            Self::NoClock => "there is no limit that could be extended".to_owned(),
            Self::ExtensionState(state)
            | Self::ObjectionState(state)
            | Self::SupplementState(state) => (*state).to_owned(),
            Self::TooLateToAsk { before, until } => {
                format!("more time is asked for at least {before} before due: until {until}")
            }
            Self::ExtensionTooLong { percent, most } => {
                format!("at most {most} may be asked for now, {percent}% of the limit")
            }
            Self::AlreadyDelegated(member) => {
                format!("it is done for `{member}` already: release it, then it goes back")
            }
            Self::TooLateToObject { within, until } => {
                format!("an objection comes within {within} of the assignment: until {until}")
            }
            Self::NothingToAcknowledge => "no step waits to be acknowledged".to_owned(),
            Self::AcknowledgementIncomplete(needed) => {
                format!("the step requires {}", listed(needed))
            }
            Self::GuardError { place, .. } => {
                format!("a rule failed and was reported to its author: {place}")
            }
            Self::ReactionLimit => "what the command sets off does not come to rest".to_owned(),
            Self::LimitReached(limit) => format!("a limit of the instance is reached: {limit}"),
            other => other.code().to_ascii_lowercase().replace('_', " "),
        }
    }
}

impl CannotOpen {
    /// Why, in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnPath => "it is a stage of the path",
            Self::TooEarly => "the path has not come so far",
            Self::AlreadyOpen => "it is open",
            Self::OnlyOnce => "it was open before and opens only once",
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task { task, each, number, holder } => {
                write!(out, "task `{task}`")?;
                if let Some(each) = each {
                    write!(out, " for `{each}`")?;
                }
                match (number, holder) {
                    (Some(_), Some(holder)) => write!(out, " is with `{holder}`"),
                    (Some(_), None) => write!(out, " is open and nobody holds it"),
                    (None, _) => write!(out, " has not begun"),
                }
            }
            Self::Field(field) => write!(out, "field `{field}` is empty"),
            Self::Next(conditions) => {
                write!(out, "none of these holds: {}", listed(conditions))
            }
            Self::Outcome(outcomes) => write!(out, "an outcome is needed: {}", listed(outcomes)),
            Self::OtherOutcome(outcomes) => {
                write!(out, "the outcome must be one of {}", listed(outcomes))
            }
            Self::ChecklistItem(item) => write!(out, "item `{item}` is not checked"),
            Self::Form(problem) => write!(out, "form: {problem}"),
            Self::Value(problem) => write!(out, "field {problem}"),
        }
    }
}

impl Missing {
    /// A short name for machines, such as `task:department_opinion[ecology]` or `field:site_mode`.
    pub fn subject(&self) -> String {
        match self {
            Self::Task { task, each: Some(each), .. } => format!("task:{task}[{each}]"),
            Self::Task { task, each: None, .. } => format!("task:{task}"),
            Self::Field(field) => format!("field:{field}"),
            Self::Next(_) => "next".to_owned(),
            Self::Outcome(_) | Self::OtherOutcome(_) => "outcome".to_owned(),
            Self::ChecklistItem(item) => format!("checklist:{item}"),
            Self::Form(problem) => format!("form:{}", problem.field),
            Self::Value(problem) => format!("field:{}", problem.field),
        }
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}`: {}", self.field, self.problem)
    }
}

fn listed<T: fmt::Display>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn all(missing: &[Missing]) -> String {
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    missing.join("; ")
}
