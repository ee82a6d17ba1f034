//! Wishes of `InstanceService`. Knows form, never whether it makes sense now.

use crate::api::violations::Violations;
use crate::api::{pb, values};
use crate::definition::compiled::Workflow;
use crate::model::command::{
    Action, Advance, Create, LogActivity, OpenStage, Reassign, Return, Suspend, Terminate,
    UpdateFields,
};
use crate::model::id::InstanceId;
use crate::model::task::TaskNumber;
use crate::runtime::View;

/// Begins an instance of `workflow`, if that is known; otherwise the engine refuses.
pub(in crate::api) fn create(
    found: &mut Violations,
    id: InstanceId,
    request: pb::InstanceServiceCreateRequest,
    workflow: Option<&Workflow>,
) -> Action {
    let fields = workflow
        .map(|workflow| values::values(found, "fields", request.fields, &workflow.fields))
        .unwrap_or_default();
    Action::Create(Create {
        id,
        workflow: found.name("workflow", &request.workflow),
        fields,
        steward: found.optional_name("steward", &request.steward),
    })
}

/// Leaves a stage.
pub(in crate::api) fn advance(
    found: &mut Violations,
    request: pb::InstanceServiceAdvanceRequest,
) -> Action {
    Action::Advance(Advance {
        stage: found.optional_name("stage", &request.stage),
        target: found.optional_name("target", &request.target),
        comment: found.text("comment", request.comment),
    })
}

/// Goes back.
pub(in crate::api) fn return_to(
    found: &mut Violations,
    request: pb::InstanceServiceReturnRequest,
) -> Action {
    Action::Return(Return {
        target: found.name("target", &request.target),
        reason: found.needed_text("reason", request.reason),
        proposed_by: found.optional_name("proposed_by", &request.proposed_by),
    })
}

/// Stands still.
pub(in crate::api) fn suspend(
    found: &mut Violations,
    request: pb::InstanceServiceSuspendRequest,
) -> Action {
    Action::Suspend(Suspend {
        reason: found.needed_text("reason", request.reason),
        expected_resume: found.optional_date("expected_resume", &request.expected_resume),
        proposed_by: found.optional_name("proposed_by", &request.proposed_by),
    })
}

/// Goes on.
pub(in crate::api) fn resume(_: &mut Violations, _: pb::InstanceServiceResumeRequest) -> Action {
    Action::Resume
}

/// Gives up.
pub(in crate::api) fn terminate(
    found: &mut Violations,
    request: pb::InstanceServiceTerminateRequest,
) -> Action {
    Action::Terminate(Terminate {
        reason_code: found.name("reason_code", &request.reason_code),
        comment: found.text("comment", request.comment),
        proposed_by: found.optional_name("proposed_by", &request.proposed_by),
    })
}

/// Opens a stage beside the path.
pub(in crate::api) fn open_stage(
    found: &mut Violations,
    request: pb::InstanceServiceOpenStageRequest,
) -> Action {
    Action::OpenStage(OpenStage {
        stage: found.name("stage", &request.stage),
        comment: found.text("comment", request.comment),
    })
}

/// Changes fields that the instance's workflow declares. Without an instance it is the engine's to
/// refuse.
pub(in crate::api) fn update_fields(
    found: &mut Violations,
    request: pb::InstanceServiceUpdateFieldsRequest,
    view: Option<&View>,
) -> Action {
    if request.changes.as_ref().is_none_or(|changes| changes.fields.is_empty()) {
        found.add("changes", "it is needed: name at least one field");
    }
    let changes = view
        .map(|view| values::changes(found, "changes", request.changes, &view.workflow.fields))
        .unwrap_or_default();
    Action::UpdateFields(UpdateFields { changes })
}

/// Logs an activity that the instance's workflow declares; the engine refuses another.
pub(in crate::api) fn log_activity(
    found: &mut Violations,
    request: pb::InstanceServiceLogActivityRequest,
    view: Option<&View>,
) -> Action {
    let fields = view
        .and_then(|view| view.workflow.activity(&request.activity))
        .map(|activity| values::values(found, "fields", request.fields, &activity.fields))
        .unwrap_or_default();
    Action::LogActivity(LogActivity {
        activity: found.name("activity", &request.activity),
        occurred_at: found.optional_instant("occurred_at", request.occurred_at),
        fields,
    })
}

/// Gives a task or the stewardship to another.
pub(in crate::api) fn reassign(
    found: &mut Violations,
    request: pb::InstanceServiceReassignRequest,
) -> Action {
    Action::Reassign(Reassign {
        task: (request.task != 0).then_some(TaskNumber(request.task)),
        to: found.name("to", &request.to),
        reason: found.needed_text("reason", request.reason),
    })
}
