//! Instances as messages.

use crate::api::{pb, values};
use crate::model::instance::{Header, Instance, StagePlace, StageState, Status, Suspension};

use super::{clock, duration, escalation, instant, link, optional_instant, task, text, texts};

/// An instance as a whole.
pub(in crate::api) fn instance(instance: &Instance) -> pb::Instance {
    let activities = instance.activities.iter().map(|(activity, summary)| {
        let last_at = Some(instant(summary.last_at));
        (activity.to_string(), pb::ActivitySummary { count: summary.count, last_at })
    });
    pb::Instance {
        id: instance.id.to_string(),
        workflow: instance.workflow.to_string(),
        workflow_version: instance.workflow_version,
        revision: instance.revision,
        status: status(instance.status).into(),
        created_at: Some(instant(instance.created_at)),
        updated_at: Some(instant(instance.updated_at)),
        steward: text(instance.steward.as_ref()),
        group: text(instance.group.as_ref()),
        backups: texts(&instance.backups),
        fields: Some(values::to_struct(&instance.fields)),
        path_stage: text(instance.path_stage.as_ref()),
        stages: instance.stages().map(stage).collect(),
        tasks: instance.tasks().map(task::task).collect(),
        clocks: instance.clocks().map(clock::clock).collect(),
        activities: activities.collect(),
        suspension: instance.suspension.as_ref().map(suspension),
        light: escalation::light(instance.light()).into(),
        next_due: optional_instant(instance.next_due()),
        priority: escalation::priority(instance.priority()).into(),
        links: instance.relations.links.iter().map(link::link).collect(),
        effects: instance.relations.effects.iter().map(link::effect).collect(),
        outcome: text(instance.outcome.as_ref()),
    }
}

/// An instance as lists show it.
pub(in crate::api) fn summary(header: &Header) -> pb::InstanceSummary {
    let indexed = header.indexed.iter().cloned().collect();
    pb::InstanceSummary {
        id: header.id.to_string(),
        workflow: header.workflow.to_string(),
        workflow_version: header.workflow_version,
        revision: header.revision,
        status: status(header.status).into(),
        created_at: Some(instant(header.created_at)),
        updated_at: Some(instant(header.updated_at)),
        steward: text(header.steward.as_ref()),
        group: text(header.group.as_ref()),
        backups: texts(&header.backups),
        stages: texts(&header.stages),
        light: escalation::light(header.light).into(),
        next_due: optional_instant(header.next_due),
        fields: Some(values::to_struct(&indexed)),
        open_tasks: u32::try_from(header.tasks.len()).unwrap_or(u32::MAX),
    }
}

fn status(status: Status) -> pb::InstanceStatus {
    match status {
        Status::Active => pb::InstanceStatus::Active,
        Status::Suspended => pb::InstanceStatus::Suspended,
        Status::Completed => pb::InstanceStatus::Completed,
        Status::Terminated => pb::InstanceStatus::Terminated,
    }
}

fn stage(state: &StageState) -> pb::StageState {
    let (place, since) = match state.place {
        StagePlace::Open(since) => (pb::StagePlace::Open, since),
        StagePlace::Closed(since) => (pb::StagePlace::Closed, since),
        StagePlace::Skipped(since) => (pb::StagePlace::Skipped, since),
    };
    let outcomes = state.outcomes.iter().map(|closed| pb::ClosedTask {
        task: closed.task.to_string(),
        each: text(closed.each.as_ref()),
        outcome: text(closed.outcome.as_ref()),
        done: closed.done,
        attempt: closed.attempt,
    });
    pb::StageState {
        stage: state.stage.to_string(),
        attempt: state.attempt,
        returns: state.returns,
        dwell: Some(duration(state.dwell_ms)),
        place: place.into(),
        since: Some(instant(since)),
        outcomes: outcomes.collect(),
    }
}

fn suspension(suspension: &Suspension) -> pb::Suspension {
    pb::Suspension {
        since: Some(instant(suspension.since)),
        expected_resume: text(suspension.expected_resume.as_ref()),
    }
}
