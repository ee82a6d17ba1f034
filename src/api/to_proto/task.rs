//! Tasks as messages.

use crate::api::pb;
use crate::definition::compiled::{ChecklistItem, TaskSpec};
use crate::model::instance::{Header, OpenTask};
use crate::model::task::{
    Assignment, AssignmentReason, CancelReason, ExtensionRequest, ObjectUntil, Objection,
    Supplement, Task, TaskEnd, TaskKind, TaskRef,
};

use super::{instant, limit, text, title};

/// A task's number, stage and name.
pub(in crate::api) fn reference(task: &TaskRef) -> pb::TaskRef {
    pb::TaskRef {
        number: task.number.0,
        stage: task.stage.to_string(),
        id: task.id.to_string(),
        each: text(task.each.as_ref()),
    }
}

/// A task as a whole.
pub(in crate::api) fn task(task: &Task) -> pb::Task {
    let holder = task.holder.as_ref().map(|holder| pb::TaskHolder {
        member: holder.member.to_string(),
        instead_of: text(holder.instead_of.as_ref()),
        since: Some(instant(holder.since)),
        delegated_by: text(holder.delegated_by.as_ref()),
        object_until: super::optional_instant(holder.object_until),
    });
    pb::Task {
        reference: Some(reference(&task.reference)),
        kind: kind(task.kind).into(),
        attempt: task.attempt,
        role: text(task.role.as_ref()),
        opened_at: Some(instant(task.opened_at)),
        holder,
        checked: super::texts(&task.checked),
        extension_request: task.extension_request.as_ref().map(extension_request),
        extensions_granted: task.extensions_granted,
        end: task.end.as_ref().map(end),
        objection: task.objection.as_ref().map(objection),
        supplement: task.supplement.as_ref().map(supplement),
        supplements_asked: task.supplements_asked,
    }
}

/// What a task is.
pub(in crate::api) fn kind(kind: TaskKind) -> pb::TaskKind {
    match kind {
        TaskKind::Human => pb::TaskKind::Human,
        TaskKind::Wait => pb::TaskKind::Wait,
        TaskKind::Call => pb::TaskKind::Call,
    }
}

/// Why a task is no longer wanted.
pub(in crate::api) fn cancel_reason(because: CancelReason) -> pb::CancelReason {
    match because {
        CancelReason::JoinReached => pb::CancelReason::JoinReached,
        CancelReason::StageLeft => pb::CancelReason::StageLeft,
        CancelReason::Returned => pb::CancelReason::Returned,
        CancelReason::Redone => pb::CancelReason::Redone,
        CancelReason::InstanceEnded => pb::CancelReason::InstanceEnded,
    }
}

/// Somebody chosen, and why.
pub(in crate::api) fn assignment(assignment: &Assignment) -> pb::Assignment {
    use pb::AssignmentReason as Wire;
    let (because, detail) = match &assignment.because {
        AssignmentReason::Steward => (Wire::Steward, String::new()),
        AssignmentReason::OnlyCandidate => (Wire::OnlyCandidate, String::new()),
        AssignmentReason::LeastLoaded => (Wire::LeastLoaded, String::new()),
        AssignmentReason::Function(words) => (Wire::Function, words.to_string()),
        AssignmentReason::Named => (Wire::Named, String::new()),
        AssignmentReason::Claimed => (Wire::Claimed, String::new()),
        AssignmentReason::Delegated => (Wire::Delegated, String::new()),
        AssignmentReason::GivenBack => (Wire::GivenBack, String::new()),
        AssignmentReason::RoleAbove(role) => (Wire::RoleAbove, role.to_string()),
        AssignmentReason::Escalated(level) => (Wire::Escalated, level.to_string()),
    };
    pb::Assignment {
        member: assignment.member.to_string(),
        because: because.into(),
        detail,
        instead_of: text(assignment.instead_of.as_ref()),
    }
}

/// More time that was asked for.
pub(in crate::api) fn extension_request(request: &ExtensionRequest) -> pb::ExtensionRequest {
    pb::ExtensionRequest {
        by: Some(limit(request.by)),
        reason: request.reason.clone(),
        asked_by: request.asked_by.to_string(),
        asked_at: Some(instant(request.asked_at)),
    }
}

/// What a holder has against being the one.
pub(in crate::api) fn objection(objection: &Objection) -> pb::Objection {
    pb::Objection {
        reason: objection.reason.clone(),
        by: objection.by.to_string(),
        at: Some(instant(objection.at)),
    }
}

/// Until when tasks may be objected to.
pub(in crate::api) fn objections(moved: &[ObjectUntil]) -> Vec<pb::ObjectUntil> {
    let moved = moved.iter().map(|moved| pb::ObjectUntil {
        task: Some(reference(&moved.task)),
        until: Some(instant(moved.until)),
    });
    moved.collect()
}

/// What a task waits for from outside.
pub(in crate::api) fn supplement(supplement: &Supplement) -> pb::Supplement {
    pb::Supplement {
        what: supplement.what.clone(),
        asked_by: supplement.asked_by.to_string(),
        asked_at: Some(instant(supplement.asked_at)),
        lapsed_at: super::optional_instant(supplement.lapsed_at),
    }
}

/// The items to check before a task is done.
pub(in crate::api) fn checklist(spec: &TaskSpec) -> Vec<pb::ChecklistItem> {
    let item = |item: &ChecklistItem| pb::ChecklistItem {
        id: item.id.to_string(),
        title: Some(title(&item.title)),
        optional: item.optional,
    };
    spec.checklist.iter().map(item).collect()
}

/// A row of a work list, with what the instance's version of the workflow says of the task.
pub(in crate::api) fn summary(
    header: &Header,
    task: &OpenTask,
    spec: Option<&TaskSpec>,
) -> pb::TaskSummary {
    pb::TaskSummary {
        instance: header.id.to_string(),
        number: task.number.0,
        id: task.id.to_string(),
        workflow: header.workflow.to_string(),
        workflow_version: header.workflow_version,
        role: text(task.role.as_ref()),
        holder: text(task.holder.as_ref()),
        since: Some(instant(task.since)),
        title: spec.map(|spec| title(&spec.title)),
        guide: spec.map(|spec| title(&spec.guide)),
        checklist: spec.map(checklist).unwrap_or_default(),
    }
}

fn end(end: &TaskEnd) -> pb::TaskEnd {
    use pb::task_end::How;
    let (at, how) = match end {
        TaskEnd::Done { outcome, by, instead_of, delegated_by, at } => {
            let done = pb::TaskEndDone {
                outcome: text(outcome.as_ref()),
                by: text(by.as_ref()),
                instead_of: text(instead_of.as_ref()),
                delegated_by: text(delegated_by.as_ref()),
            };
            (at, How::Done(done))
        }
        TaskEnd::Cancelled { because, at } => {
            let because = cancel_reason(*because).into();
            (at, How::Cancelled(pb::TaskEndCancelled { because }))
        }
    };
    pb::TaskEnd { at: Some(instant(*at)), how: Some(how) }
}
