//! What happened to tasks: who was chosen and why, what they ended with.

use crate::api::pb::event::Payload;
use crate::api::pb::{Assignment, AssignmentReason, CancelReason};

use super::super::fields::text as fields_text;
use super::super::walk::limit_text;
use super::{remark, task};

pub(super) fn describe(payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::TaskOpened(it) => {
            task(it.task.as_ref().and_then(|opened| opened.reference.as_ref()))
        }
        Payload::TaskAssigned(it) => {
            format!("{} to {}", task(it.task.as_ref()), assignment(it.assignment.as_ref()))
        }
        Payload::TaskOffered(it) => {
            format!("{} to {}: {}", task(it.task.as_ref()), it.role, it.candidates.join(", "))
        }
        Payload::TaskClaimed(it) => {
            format!("{} by {}", task(it.task.as_ref()), assignment(it.assignment.as_ref()))
        }
        Payload::TaskReleased(it) => {
            format!("{} by {}{}", task(it.task.as_ref()), it.by, remark(&it.reason))
        }
        Payload::TaskReassigned(it) => {
            let from = if it.from.is_empty() { "nobody" } else { &it.from };
            let to = assignment(it.assignment.as_ref());
            format!("{} from {from} to {to}{}", task(it.task.as_ref()), remark(&it.reason))
        }
        Payload::TaskCompleted(it) => {
            let by = if it.by.is_empty() { "the period has passed" } else { &it.by };
            let outcome = remark(&it.outcome);
            let form = fields_text(it.form.as_ref());
            let form = if form.is_empty() { form } else { format!(" ({form})") };
            format!("{} by {by}{outcome}{form}{}", task(it.task.as_ref()), remark(&it.comment))
        }
        other => return later(other),
    })
}

fn later(payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::TaskCancelled(it) => {
            let because = match it.because() {
                CancelReason::Unspecified => "?",
                CancelReason::JoinReached => "enough of them are done",
                CancelReason::StageLeft => "its stage was left",
                CancelReason::Returned => "the instance went back",
                CancelReason::Redone => "an earlier task is done again",
                CancelReason::InstanceEnded => "the instance has ended",
            };
            format!("{}: {because}", task(it.task.as_ref()))
        }
        Payload::TaskRedone(it) => format!("{}{}", task(it.task.as_ref()), remark(&it.reason)),
        Payload::TaskChecked(it) => {
            let mark = if it.checked { "checked" } else { "unchecked" };
            format!("{}: {} {mark}", task(it.task.as_ref()), it.item)
        }
        Payload::CommentAdded(it) => match &it.task {
            Some(about) => format!("{}{}", task(Some(about)), remark(&it.text)),
            None => it.text.clone(),
        },
        Payload::ExtensionRequested(it) => {
            let request = it.request.as_ref();
            let by = limit_text(request.and_then(|request| request.by.as_ref()));
            let reason = request.map(|request| remark(&request.reason)).unwrap_or_default();
            format!("{} by {by}{reason}", task(it.task.as_ref()))
        }
        Payload::ExtensionRefused(it) => {
            format!("{}{}", task(it.task.as_ref()), remark(&it.comment))
        }
        _ => return None,
    })
}

/// Who was chosen, and why.
pub(super) fn assignment(assignment: Option<&Assignment>) -> String {
    let Some(assignment) = assignment else { return "-".to_owned() };
    let because = match assignment.because() {
        AssignmentReason::Unspecified => "?".to_owned(),
        AssignmentReason::Steward => "the steward".to_owned(),
        AssignmentReason::OnlyCandidate => "the only candidate".to_owned(),
        AssignmentReason::LeastLoaded => "the least loaded".to_owned(),
        AssignmentReason::Function => assignment.detail.clone(),
        AssignmentReason::Named => "named by the caller".to_owned(),
        AssignmentReason::Claimed => "claimed".to_owned(),
        AssignmentReason::RoleAbove => {
            format!("nobody is {}, so the role above", assignment.detail)
        }
        AssignmentReason::Escalated => format!("given by the ladder at {}", assignment.detail),
    };
    let member = &assignment.member;
    if assignment.instead_of.is_empty() {
        format!("{member} ({because})")
    } else {
        format!("{member} ({because}; for {}, who is away)", assignment.instead_of)
    }
}
