//! Wishes of `InstanceService`. Knows form, never whether it makes sense now.

use crate::api::violations::{Violation, Violations};
use crate::api::{pb, values};
use crate::definition::compiled::Workflow;
use crate::engine;
use crate::model::command::{
    Action, Advance, Begin, Create, Link, LogActivity, OpenStage, Reassign, Return, Revive,
    SetBackups, Suspend, Terminate, Unlink, UpdateFields,
};
use crate::model::id::InstanceId;
use crate::model::limits;
use crate::model::link::Relation;
use crate::model::task::TaskNumber;
use crate::model::value::Values;
use crate::runtime::Catalog;

use super::envelope::Known;

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
        origin: None,
    })
}

/// The id of an instance whose workflow has a key; none: it has none, or a value of it is missing
/// or malformed, which is told when the values are taken.
pub(in crate::api) fn keyed_id(
    request: &pb::InstanceServiceCreateRequest,
    workflow: &Workflow,
) -> Option<InstanceId> {
    if workflow.key.is_empty() {
        return None;
    }
    let mut unheard = Violations::default();
    let fields = request.fields.clone();
    let fields = values::values(&mut unheard, "fields", fields, &workflow.fields);
    engine::keyed_id(workflow, &fields)
}

/// The values of a workflow's own fields.
pub(in crate::api) fn fields_of(
    workflow: &Workflow,
    fields: Option<prost_types::Struct>,
) -> Result<Values, Vec<Violation>> {
    let mut found = Violations::default();
    let fields = values::values(&mut found, "fields", fields, &workflow.fields);
    found.finish(fields)
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
        duplicate_of: found.optional_name("duplicate_of", &request.duplicate_of),
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
    known: &Known<'_>,
) -> Action {
    if request.changes.as_ref().is_none_or(|changes| changes.fields.is_empty()) {
        found.add("changes", "it is needed: name at least one field");
    }
    let changes = known
        .view
        .map(|view| values::changes(found, "changes", request.changes, &view.workflow.fields))
        .unwrap_or_default();
    Action::UpdateFields(UpdateFields { changes })
}

/// Logs an activity that the instance's workflow declares; the engine refuses another.
pub(in crate::api) fn log_activity(
    found: &mut Violations,
    request: pb::InstanceServiceLogActivityRequest,
    known: &Known<'_>,
) -> Action {
    let fields = known
        .view
        .and_then(|view| view.workflow.activity(&request.activity))
        .map(|activity| values::values(found, "fields", request.fields, &activity.fields))
        .unwrap_or_default();
    Action::LogActivity(LogActivity {
        activity: found.name("activity", &request.activity),
        occurred_at: found.optional_instant("occurred_at", request.occurred_at),
        fields,
        starts: starts(found, request.starts, known.catalog),
    })
}

fn starts(found: &mut Violations, starts: Vec<pb::Begin>, catalog: &Catalog) -> Vec<Begin> {
    let taken = starts.into_iter().enumerate().map(|(at, begin)| {
        let path = format!("starts[{at}]");
        let active = catalog.active(&begin.workflow);
        let fields = format!("{path}.fields");
        let fields = active
            .map(|active| values::values(found, &fields, begin.fields, &active.workflow.fields))
            .unwrap_or_default();
        Begin {
            workflow: found.name(&format!("{path}.workflow"), &begin.workflow),
            fields,
            steward: found.optional_name(&format!("{path}.steward"), &begin.steward),
            id: found.optional_name(&format!("{path}.instance"), &begin.instance),
        }
    });
    taken.collect()
}

/// Stands in a relation to another.
#[expect(clippy::needless_pass_by_value, reason = "commands are taken apart in one shape")]
pub(in crate::api) fn link(
    found: &mut Violations,
    request: pb::InstanceServiceLinkRequest,
) -> Action {
    Action::Link(Link {
        relation: relation(found, request.relation()),
        to: found.name("to", &request.to),
        task: found.optional_name("task", &request.task),
    })
}

/// No longer stands in a relation to another.
pub(in crate::api) fn unlink(
    found: &mut Violations,
    request: pb::InstanceServiceUnlinkRequest,
) -> Action {
    Action::Unlink(Unlink {
        relation: relation(found, request.relation()),
        to: found.name("to", &request.to),
        task: found.optional_name("task", &request.task),
        reason: found.text("reason", request.reason),
    })
}

fn relation(found: &mut Violations, relation: pb::Relation) -> Relation {
    match relation {
        pb::Relation::SpawnedFrom => Relation::SpawnedFrom,
        pb::Relation::Blocks => Relation::Blocks,
        pb::Relation::Supports => Relation::Supports,
        pb::Relation::Duplicates => Relation::Duplicates,
        pb::Relation::Continues => Relation::Continues,
        pb::Relation::Supplies => Relation::Supplies,
        pb::Relation::Unspecified => {
            found.add("relation", "it is needed: one that this server knows");
            Relation::Supports
        }
    }
}

/// Takes up in a new instance what another left off. Its fields are those of the active version.
pub(in crate::api) fn revive(
    found: &mut Violations,
    request: pb::InstanceServiceReviveRequest,
    known: &Known<'_>,
) -> Action {
    let workflow = known.view.map(|view| view.workflow.id.as_str());
    let changes = workflow
        .and_then(|workflow| known.catalog.active(workflow))
        .map(|active| values::changes(found, "changes", request.changes, &active.workflow.fields))
        .unwrap_or_default();
    Action::Revive(Revive {
        reason: found.needed_text("reason", request.reason),
        changes,
        steward: found.optional_name("steward", &request.steward),
    })
}

/// Gives a task or the stewardship to another.
pub(in crate::api) fn reassign(
    found: &mut Violations,
    request: pb::InstanceServiceReassignRequest,
) -> Action {
    Action::Reassign(Reassign {
        task: (request.task != 0).then_some(TaskNumber(request.task)),
        delegation: false,
        to: found.optional_name("to", &request.to),
        reason: found.needed_text("reason", request.reason),
    })
}

/// Says who stands in for the steward.
pub(in crate::api) fn set_backups(
    found: &mut Violations,
    request: pb::InstanceServiceSetBackupsRequest,
) -> Action {
    if request.backups.len() > limits::BACKUPS_MAX {
        found.add("backups", "there are at most two: A, then B");
    }
    let backups = request.backups.iter().enumerate();
    let backups = backups.map(|(at, name)| found.name(&format!("backups[{at}]"), name)).collect();
    Action::SetBackups(SetBackups { backups, reason: found.text("reason", request.reason) })
}
