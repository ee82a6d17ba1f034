//! What refusals are called and what callers read. One fact a sentence, and what to do about it.
//!
//! The public message never tells internals: a failing script's own words go to the log.

use std::fmt;

use crate::model::task::TaskRef;

use super::rejection::{CannotOpen, FieldProblem, Missing, Rejection};

impl Rejection {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InstanceExists => "INSTANCE_EXISTS",
            Self::InstanceNotFound => "INSTANCE_NOT_FOUND",
            Self::InstanceClosed(_) => "INSTANCE_CLOSED",
            Self::InstanceSuspended => "INSTANCE_SUSPENDED",
            Self::NotSuspended => "NOT_SUSPENDED",
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
            Self::IncompleteTask { .. } => "INCOMPLETE_TASK",
            Self::NotACandidate(_) => "NOT_A_CANDIDATE",
            Self::UnknownMember(_) => "UNKNOWN_MEMBER",
            Self::UnknownActivity(_) => "UNKNOWN_ACTIVITY",
            Self::InvalidValues(_) => "INVALID_VALUES",
            Self::InFuture => "IN_FUTURE",
            Self::TextMissing(_) => "TEXT_MISSING",
            Self::UnknownChecklistItem(_) => "UNKNOWN_CHECKLIST_ITEM",
            Self::NoClock => "NO_CLOCK",
            Self::ExtensionState(_) => "EXTENSION_STATE",
            Self::NothingToAcknowledge => "NOTHING_TO_ACKNOWLEDGE",
            Self::AcknowledgementIncomplete(_) => "ACKNOWLEDGEMENT_INCOMPLETE",
            Self::GuardError { .. } => "GUARD_ERROR",
            Self::ReactionLimit => "REACTION_LIMIT",
            Self::LimitReached(_) => "LIMIT_REACHED",
        }
    }

    /// What the caller reads: what was refused and, where it helps, what would be accepted.
    pub fn public_message(&self) -> String {
        self.about_access().or_else(|| self.about_stages()).unwrap_or_else(|| self.about_the_rest())
    }

    fn about_access(&self) -> Option<String> {
        let message = match self {
            Self::NotPermitted { doing, allowed } => {
                format!("the actor may not {doing}; those who may: {}", list(allowed))
            }
            Self::FourEyes { task, member } => {
                format!("`{member}` did `{}`: somebody else must look at it", task_text(task))
            }
            Self::MemberNeeded => {
                "a person must act: name one with `sanbang-on-behalf-of`".to_owned()
            }
            Self::NotACandidate(member) => format!("`{member}` is not a candidate for the task"),
            Self::UnknownMember(member) => {
                format!("there is no member `{member}` in the organization")
            }
            Self::TaskHeld(member) => {
                format!("`{member}` holds the task: it must be released or reassigned first")
            }
            Self::TaskNotHeld => "nobody holds the task".to_owned(),
            _ => return None,
        };
        Some(message)
    }

    fn about_stages(&self) -> Option<String> {
        let message = match self {
            Self::StageNotOpen(stage) => format!("the stage `{stage}` is not open"),
            Self::StageCannotOpen { stage, because } => {
                format!("the stage `{stage}` cannot be opened: {}", cannot_open(*because))
            }
            Self::StageNameMissing { open } if open.is_empty() => "no stage is open".to_owned(),
            Self::StageNameMissing { open } => {
                format!("the path has ended: name the stage to close, one of {}", list(open))
            }
            Self::UnknownStage(stage) => format!("the workflow has no stage `{stage}`"),
            Self::NotReady { stage, missing } => {
                format!("the stage `{stage}` cannot be left yet: {}", texts(missing))
            }
            Self::OtherTarget { leads_to: Some(stage) } => format!("the stage leads to `{stage}`"),
            Self::OtherTarget { leads_to: None } => "the stage leads to the end".to_owned(),
            Self::ReturnNotAllowed { allowed } if allowed.is_empty() => {
                "from here nothing can be returned to".to_owned()
            }
            Self::ReturnNotAllowed { allowed } => {
                format!("from here only these stages can be returned to: {}", list(allowed))
            }
            Self::UnknownReason { code, allowed } => {
                format!("`{code}` is no reason code here; known are {}", list(allowed))
            }
            _ => return None,
        };
        Some(message)
    }

    fn about_the_rest(&self) -> String {
        match self {
            Self::InstanceExists => "the instance id is taken".to_owned(),
            Self::InstanceNotFound => "there is no such instance".to_owned(),
            Self::InstanceClosed(status) => format!("the instance is {}", status.as_str()),
            Self::InstanceSuspended => "the instance is suspended: resume it first".to_owned(),
            Self::NotSuspended => "the instance is not suspended".to_owned(),
            Self::SuspensionNotAllowed => "the workflow has no `suspension`".to_owned(),
            Self::StaleRevision { expected, actual } => {
                format!("the instance is at revision {actual}, not {expected}: read it again")
            }
            Self::RequestIdReused => {
                "the request id was used with other content: choose another one".to_owned()
            }
            Self::WorkflowNotActive(workflow) => {
                format!("the workflow `{workflow}` has no active version")
            }
            Self::TaskNotFound(number) => format!("no open stage has a task {number}"),
            Self::TaskClosed(task) => format!("the task `{}` is over", task_text(task)),
            Self::TaskNotDone(task) => {
                format!("the task `{}` is not done, or done again already", task_text(task))
            }
            Self::TaskIsWait(task) => {
                format!("`{}` is a fixed period: it passes by itself", task_text(task))
            }
            Self::IncompleteTask { task, missing } => {
                format!("the task `{}` cannot be completed: {}", task_text(task), texts(missing))
            }
            Self::UnknownActivity(name) => format!("the workflow has no activity `{name}`"),
            Self::InvalidValues(problems) => texts(problems),
            Self::InFuture => "`occurred_at` lies in the future".to_owned(),
            Self::TextMissing(name) => format!("`{name}` must not be empty"),
            Self::UnknownChecklistItem(item) => format!("the checklist has no item `{item}`"),
            Self::NoClock => "the task has no limit that could be extended".to_owned(),
            Self::ExtensionState(what) => format!("about the extension: {what}"),
            Self::NothingToAcknowledge => "no step of the clock awaits it".to_owned(),
            Self::AcknowledgementIncomplete(missing) => {
                format!("the step requires {}", missing.join(" and "))
            }
            Self::GuardError { .. } => "a guard of the workflow failed".to_owned(),
            Self::ReactionLimit => "the workflow's reactions do not come to rest".to_owned(),
            Self::LimitReached(what) => format!("a hard limit is reached: {what}"),
            other => other.code().to_ascii_lowercase(),
        }
    }
}

fn cannot_open(because: CannotOpen) -> &'static str {
    match because {
        CannotOpen::OnPath => "it is a stage of the path",
        CannotOpen::TooEarly => "the path has not come so far",
        CannotOpen::AlreadyOpen => "it is open",
        CannotOpen::OnlyOnce => "it was open before and is not recurring",
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task { task, each: Some(each), .. } => {
                write!(out, "task `{task}` for `{each}` is not done")
            }
            Self::Task { task, each: None, .. } => write!(out, "task `{task}` is not done"),
            Self::Field(field) => write!(out, "field `{field}` is empty"),
            Self::Next(conditions) => {
                write!(out, "no exit is open: none of {} holds", list(conditions))
            }
            Self::Outcome(outcomes) => {
                write!(out, "an outcome is needed, one of {}", list(outcomes))
            }
            Self::OtherOutcome(outcomes) => {
                write!(out, "the outcome must be one of {}", list(outcomes))
            }
            Self::ChecklistItem(item) => write!(out, "checklist item `{item}` is not checked"),
            Self::Form(problem) => write!(out, "form: {problem}"),
            Self::Value(problem) => write!(out, "{problem}"),
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

fn task_text(task: &TaskRef) -> String {
    match &task.each {
        Some(each) => format!("{}[{each}]", task.id),
        None => task.id.to_string(),
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "nobody".to_owned();
    }
    let items: Vec<String> = items.iter().map(|item| format!("`{item}`")).collect();
    items.join(", ")
}

fn texts<T: fmt::Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join("; ")
}
