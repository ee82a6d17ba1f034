//! Headers and bodies as they are stored.

use std::collections::BTreeMap;

use super::Corrupt;
use super::convert::{Storable, required};
use crate::model::id::ActivityId;
use crate::model::instance::{AcceptedRequest, ActivitySummary, ClosedTask, Header, Instance};
use crate::model::instance::{OpenTask, StagePlace, StageState, Status, Suspension};
use crate::store::pb;

words! { Status as Status { Active, Suspended, Completed, Terminated } }

message! { OpenTask as OpenTask { number, id, role, holder, since } }

message! {
    Header as Header {
        id, workflow, workflow_version, calendar_digest, revision, version, created_at, updated_at,
        status, next_due, steward, group, stages, light, indexed, tasks,
    }
}

impl Storable<pb::StagePlace> for StagePlace {
    fn to_message(&self) -> pb::StagePlace {
        use pb::stage_place::Kind;
        let kind = match self {
            Self::Open(since) => Kind::Open(since.to_message()),
            Self::Closed(at) => Kind::Closed(at.to_message()),
            Self::Skipped(at) => Kind::Skipped(at.to_message()),
        };
        pb::StagePlace { kind: Some(kind) }
    }

    fn from_message(message: pb::StagePlace) -> Result<Self, Corrupt> {
        use pb::stage_place::Kind;
        Ok(match required(message.kind, "StagePlace.kind")? {
            Kind::Open(since) => Self::Open(Storable::from_message(since)?),
            Kind::Closed(at) => Self::Closed(Storable::from_message(at)?),
            Kind::Skipped(at) => Self::Skipped(Storable::from_message(at)?),
        })
    }
}

required_message!(StagePlace as StagePlace);

message! { ClosedTask as ClosedTask { task, each, outcome, done } }

message! { StageState as StageState { stage, attempt, returns, dwell_ms, place, outcomes } }

message! { Suspension as Suspension { since, expected_resume } }

message! { AcceptedRequest as AcceptedRequest { key, digest, revision, time } }

impl Storable<Vec<pb::ActivitySummary>> for BTreeMap<ActivityId, ActivitySummary> {
    fn to_message(&self) -> Vec<pb::ActivitySummary> {
        let stored = |(activity, summary): (&ActivityId, &ActivitySummary)| pb::ActivitySummary {
            activity: activity.to_message(),
            count: summary.count,
            last_at: summary.last_at.to_message(),
        };
        self.iter().map(stored).collect()
    }

    fn from_message(message: Vec<pb::ActivitySummary>) -> Result<Self, Corrupt> {
        let read = |stored: pb::ActivitySummary| {
            let last_at = Storable::from_message(stored.last_at)?;
            let summary = ActivitySummary { count: stored.count, last_at };
            Ok((ActivityId::from_message(stored.activity)?, summary))
        };
        message.into_iter().map(read).collect()
    }
}

/// What the header does not say.
pub(super) fn body_to_message(instance: &Instance) -> pb::Body {
    pb::Body {
        fields: instance.fields.to_message(),
        path_stage: instance.path_stage.to_message(),
        stages: instance.stages.to_message(),
        tasks: instance.tasks.to_message(),
        clocks: instance.clocks.to_message(),
        activities: instance.activities.to_message(),
        suspension: instance.suspension.to_message(),
        requests: instance.requests.to_message(),
        next_task: instance.next_task,
        next_clock: instance.next_clock,
        script_failed_in: instance.script_failed_in,
    }
}

/// An instance from its two halves.
pub(super) fn instance_from_message(
    header: Option<pb::Header>,
    body: Option<pb::Body>,
) -> Result<Instance, Corrupt> {
    let header = Header::from_message(header)?;
    let body = required(body, "Body")?;
    let instance = Instance {
        id: header.id,
        workflow: header.workflow,
        workflow_version: header.workflow_version,
        calendar_digest: header.calendar_digest,
        revision: header.revision,
        version: header.version,
        created_at: header.created_at,
        updated_at: header.updated_at,
        status: header.status,
        steward: header.steward,
        group: header.group,
        fields: Storable::from_message(body.fields)?,
        path_stage: Storable::from_message(body.path_stage)?,
        stages: Storable::from_message(body.stages)?,
        tasks: Storable::from_message(body.tasks)?,
        clocks: Storable::from_message(body.clocks)?,
        activities: Storable::from_message(body.activities)?,
        suspension: Storable::from_message(body.suspension)?,
        requests: Storable::from_message(body.requests)?,
        next_task: body.next_task,
        next_clock: body.next_clock,
        script_failed_in: body.script_failed_in,
    };
    Ok(instance)
}

/// The first field in which a header differs from the body that is stored without it.
pub(super) fn disagreement(header: &Header, body: &Instance) -> Option<&'static str> {
    macro_rules! first_of {
        ($($field:ident),* $(,)?) => {
            $(if header.$field != body.$field {
                return Some(stringify!($field));
            })*
        };
    }
    first_of!(id, workflow, workflow_version, calendar_digest, revision, version, created_at);
    first_of!(updated_at, status, steward, group);
    None
}
