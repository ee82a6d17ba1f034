//! The commands on instances: each builds a request, sends it, and hands back the outcome.

use crate::api::pb;

use super::super::arguments::to_struct;
use super::super::client::Client;
use super::super::exit::Failure;
use super::{Advance, Backups, Create, Log, Open, Reassign, Resume, Return, Suspend};
use super::{Terminate, Update};

type Outcome = Result<Option<pb::Accepted>, Failure>;

pub(super) async fn create(client: &Client, create: Create) -> Outcome {
    let request = pb::InstanceServiceCreateRequest {
        instance: create.instance,
        request_id: create.request_id,
        workflow: create.workflow,
        fields: to_struct(&create.fields),
        steward: create.steward,
        with_similar: false,
    };
    Ok(client.instances().create(request).await?.into_inner().accepted)
}

pub(super) async fn advance(client: &Client, advance: Advance) -> Outcome {
    let request = pb::InstanceServiceAdvanceRequest {
        instance: advance.instance,
        request_id: advance.repeat.request_id,
        expected_revision: advance.repeat.expected_revision,
        force_reason: advance.force.reason,
        stage: advance.stage,
        target: advance.to,
        comment: advance.comment,
    };
    Ok(client.instances().advance(request).await?.into_inner().accepted)
}

pub(super) async fn go_back(client: &Client, back: Return) -> Outcome {
    let request = pb::InstanceServiceReturnRequest {
        instance: back.instance,
        request_id: back.repeat.request_id,
        expected_revision: back.repeat.expected_revision,
        force_reason: back.force.reason,
        target: back.stage,
        reason: back.reason,
        proposed_by: back.proposed_by,
    };
    Ok(client.instances().r#return(request).await?.into_inner().accepted)
}

pub(super) async fn suspend(client: &Client, suspend: Suspend) -> Outcome {
    let request = pb::InstanceServiceSuspendRequest {
        instance: suspend.instance,
        request_id: suspend.repeat.request_id,
        expected_revision: suspend.repeat.expected_revision,
        force_reason: suspend.force.reason,
        reason: suspend.reason,
        expected_resume: suspend.until,
        proposed_by: suspend.proposed_by,
    };
    Ok(client.instances().suspend(request).await?.into_inner().accepted)
}

pub(super) async fn resume(client: &Client, resume: Resume) -> Outcome {
    let request = pb::InstanceServiceResumeRequest {
        instance: resume.instance,
        request_id: resume.repeat.request_id,
        expected_revision: resume.repeat.expected_revision,
        force_reason: resume.force.reason,
    };
    Ok(client.instances().resume(request).await?.into_inner().accepted)
}

pub(super) async fn terminate(client: &Client, terminate: Terminate) -> Outcome {
    let request = pb::InstanceServiceTerminateRequest {
        instance: terminate.instance,
        request_id: terminate.repeat.request_id,
        expected_revision: terminate.repeat.expected_revision,
        force_reason: terminate.force.reason,
        reason_code: terminate.reason_code,
        comment: terminate.comment,
        proposed_by: terminate.proposed_by,
        duplicate_of: terminate.duplicate_of,
    };
    Ok(client.instances().terminate(request).await?.into_inner().accepted)
}

pub(super) async fn open(client: &Client, open: Open) -> Outcome {
    let request = pb::InstanceServiceOpenStageRequest {
        instance: open.instance,
        request_id: open.repeat.request_id,
        expected_revision: open.repeat.expected_revision,
        force_reason: open.force.reason,
        stage: open.stage,
        comment: open.comment,
    };
    Ok(client.instances().open_stage(request).await?.into_inner().accepted)
}

pub(super) async fn update(client: &Client, update: Update) -> Outcome {
    let request = pb::InstanceServiceUpdateFieldsRequest {
        instance: update.instance,
        request_id: update.repeat.request_id,
        expected_revision: update.repeat.expected_revision,
        force_reason: update.force.reason,
        changes: to_struct(&update.fields),
    };
    Ok(client.instances().update_fields(request).await?.into_inner().accepted)
}

pub(super) async fn log(client: &Client, log: Log) -> Outcome {
    let request = pb::InstanceServiceLogActivityRequest {
        instance: log.instance,
        request_id: log.repeat.request_id,
        expected_revision: log.repeat.expected_revision,
        activity: log.activity,
        occurred_at: log.at,
        fields: to_struct(&log.fields),
        starts: log.starts,
    };
    Ok(client.instances().log_activity(request).await?.into_inner().accepted)
}

pub(super) async fn reassign(client: &Client, reassign: Reassign) -> Outcome {
    let request = pb::InstanceServiceReassignRequest {
        instance: reassign.instance,
        request_id: reassign.repeat.request_id,
        expected_revision: reassign.repeat.expected_revision,
        force_reason: reassign.force.reason,
        task: reassign.task,
        to: if reassign.to == "-" { String::new() } else { reassign.to },
        reason: reassign.reason,
    };
    Ok(client.instances().reassign(request).await?.into_inner().accepted)
}

pub(super) async fn set_backups(client: &Client, set: Backups) -> Outcome {
    let request = pb::InstanceServiceSetBackupsRequest {
        instance: set.instance,
        request_id: set.repeat.request_id,
        expected_revision: set.repeat.expected_revision,
        backups: set.members,
        reason: set.reason,
    };
    Ok(client.instances().set_backups(request).await?.into_inner().accepted)
}
