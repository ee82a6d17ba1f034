//! What happened to tasks: who was chosen and why, what they ended with.

use crate::api::pb::event::Payload;
use crate::api::pb::{Assignment, AssignmentReason, CancelReason, ClockRef, TaskRef};

use super::super::fields::text as fields_text;
use super::super::walk::limit_text;
use super::clocks::clock;
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
            let by = match (it.by.as_str(), it.outcome.as_str(), it.delegated_by.as_str()) {
                ("", "", _) => "the period has passed".to_owned(),
                ("", _, _) => "nobody".to_owned(),
                (by, _, "") => by.to_owned(),
                (by, _, delegator) => format!("{by} for {delegator}"),
            };
            let outcome = remark(&it.outcome);
            let form = fields_text(it.form.as_ref());
            let form = if form.is_empty() { form } else { format!(" ({form})") };
            format!("{} by {by}{outcome}{form}{}", task(it.task.as_ref()), remark(&it.comment))
        }
        Payload::TaskDelegated(it) => {
            let to = assignment(it.assignment.as_ref());
            format!("{} from {} to {to}{}", task(it.task.as_ref()), it.from, remark(&it.reason))
        }
        other => return later(other).or_else(|| requested(other)),
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
        _ => return None,
    })
}

fn requested(payload: &Payload) -> Option<String> {
    // Records from before clocks could be named know only the task.
    let measured = |about: Option<&TaskRef>, named: Option<&ClockRef>| match named {
        Some(_) => clock(named),
        None => task(about),
    };
    Some(match payload {
        Payload::ExtensionRequested(it) => {
            let request = it.request.as_ref();
            let by = limit_text(request.and_then(|request| request.by.as_ref()));
            let reason = request.map(|request| remark(&request.reason)).unwrap_or_default();
            format!("{} by {by}{reason}", measured(it.task.as_ref(), it.clock.as_ref()))
        }
        Payload::ExtensionRefused(it) => {
            format!("{}{}", measured(it.task.as_ref(), it.clock.as_ref()), remark(&it.comment))
        }
        Payload::ObjectionRaised(it) => {
            let objection = it.objection.clone().unwrap_or_default();
            format!("{} by {}{}", task(it.task.as_ref()), objection.by, remark(&objection.reason))
        }
        Payload::ObjectionUpheld(it) => {
            let to = assignment(it.assignment.as_ref());
            format!("{} from {} to {to}{}", task(it.task.as_ref()), it.from, remark(&it.comment))
        }
        Payload::ObjectionRefused(it) => {
            format!("{} stays with {}{}", task(it.task.as_ref()), it.from, remark(&it.comment))
        }
        Payload::SupplementRequested(it) => {
            let supplement = it.supplement.clone().unwrap_or_default();
            let what = remark(&supplement.what);
            format!("{} by {}{what}", task(it.task.as_ref()), supplement.asked_by)
        }
        Payload::SupplementSupplied(it) => {
            format!("{}{}", task(it.task.as_ref()), remark(&it.what))
        }
        Payload::SupplementLapsed(it) => {
            format!("{} goes on without{}", task(it.task.as_ref()), remark(&it.what))
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
        AssignmentReason::Delegated => "delegated".to_owned(),
        AssignmentReason::GivenBack => "given back".to_owned(),
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
