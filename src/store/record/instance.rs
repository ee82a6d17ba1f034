//! Bodies as they are stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::convert::{Storable, differences, required, same_length, sums};
use super::{Corrupt, FORMAT};
use crate::model::id::ActivityId;
use crate::model::instance::{AcceptedRequest, ActivitySummary, ClosedTask, Header, Instance};
use crate::model::instance::{StagePlace, StageState, Status, Suspension, TriedTask};
use crate::model::link::Relations;
use crate::model::time::Timestamp;
use crate::store::pb;
use crate::store::words::{Draft, Words};

codes! { Status as Status { Active, Suspended, Completed, Terminated } }

impl Storable<pb::StagePlace> for StagePlace {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::StagePlace {
        use pb::stage_place::Kind;
        let kind = match self {
            Self::Open(since) => Kind::Open(since.to_message(words)),
            Self::Closed(at) => Kind::Closed(at.to_message(words)),
            Self::Skipped(at) => Kind::Skipped(at.to_message(words)),
        };
        pb::StagePlace { kind: Some(kind) }
    }

    fn from_message(message: pb::StagePlace, words: &Words) -> Result<Self, Corrupt> {
        use pb::stage_place::Kind;
        Ok(match required(message.kind, "StagePlace.kind")? {
            Kind::Open(since) => Self::Open(Storable::from_message(since, words)?),
            Kind::Closed(at) => Self::Closed(Storable::from_message(at, words)?),
            Kind::Skipped(at) => Self::Skipped(Storable::from_message(at, words)?),
        })
    }
}

required_message!(StagePlace as StagePlace);

message! { ClosedTask as ClosedTask { task, each, outcome, done, attempt } }

message! { StageState as StageState { stage, attempt, returns, dwell_ms, place, outcomes, tried } }

message! { TriedTask as TriedTask { task, attempts } }

message! { Suspension as Suspension { since, expected_resume } }

impl Storable<Option<pb::AcceptedRequests>> for Vec<AcceptedRequest> {
    fn to_message(&self, _: &mut Draft<'_>) -> Option<pb::AcceptedRequests> {
        (!self.is_empty()).then(|| pb::AcceptedRequests {
            keys: self.iter().map(|it| it.key).collect(),
            digests: self.iter().map(|it| it.digest).collect(),
            revisions: differences(self.iter().map(|it| it.revision.cast_signed())),
            times: differences(self.iter().map(|it| it.time.0)),
        })
    }

    fn from_message(message: Option<pb::AcceptedRequests>, _: &Words) -> Result<Self, Corrupt> {
        let Some(stored) = message else { return Ok(Self::new()) };
        let pb::AcceptedRequests { keys, digests, revisions, times } = stored;
        let lengths = [keys.len(), digests.len(), revisions.len(), times.len()];
        same_length("AcceptedRequests", &lengths)?;
        let (revisions, times) = (sums(revisions).map(i64::cast_unsigned), sums(times));
        let parts = keys.into_iter().zip(digests).zip(revisions.zip(times));
        let request = |((key, digest), (revision, time))| AcceptedRequest {
            key,
            digest,
            revision,
            time: Timestamp(time),
        };
        Ok(parts.map(request).collect())
    }
}

impl Storable<Vec<pb::ActivitySummary>> for BTreeMap<ActivityId, ActivitySummary> {
    fn to_message(&self, words: &mut Draft<'_>) -> Vec<pb::ActivitySummary> {
        let stored = |(activity, summary): (&ActivityId, &ActivitySummary)| pb::ActivitySummary {
            activity: activity.to_message(words),
            count: summary.count,
            last_at: summary.last_at.to_message(words),
        };
        self.iter().map(stored).collect()
    }

    fn from_message(message: Vec<pb::ActivitySummary>, words: &Words) -> Result<Self, Corrupt> {
        let read = |stored: pb::ActivitySummary| {
            let last_at = Storable::from_message(stored.last_at, words)?;
            let summary = ActivitySummary { count: stored.count, last_at };
            Ok((ActivityId::from_message(stored.activity, words)?, summary))
        };
        message.into_iter().map(read).collect()
    }
}

/// The stored form of an instance.
pub(super) fn instance_to_message(
    instance: &Instance,
    words: &mut Draft<'_>,
) -> pb::StoredInstance {
    pb::StoredInstance {
        format: FORMAT,
        id: instance.id.to_message(words),
        workflow: instance.workflow.to_message(words),
        workflow_version: instance.workflow_version,
        calendar_digest: instance.calendar_digest,
        revision: instance.revision,
        version: instance.version,
        created_at: instance.created_at.to_message(words),
        updated_at: instance.updated_at.to_message(words),
        status: instance.status.to_message(words),
        steward: instance.steward.to_message(words),
        group: instance.group.to_message(words),
        path_stage: instance.path_stage.to_message(words),
        stages: instance.stages.to_message(words),
        tasks: instance.tasks.to_message(words),
        clocks: instance.clocks.to_message(words),
        fields: instance.fields.to_message(words),
        activities: instance.activities.to_message(words),
        suspension: instance.suspension.to_message(words),
        requests: instance.requests.to_message(words),
        next_task: instance.next_task,
        next_clock: instance.next_clock,
        script_failed_in: instance.script_failed_in,
        links: instance.relations.links.to_message(words),
        effects: instance.relations.effects.to_message(words),
        effects_asked: instance.relations.asked,
        outcome: instance.outcome.to_message(words),
        backups: instance.backups.to_message(words),
    }
}

/// An instance from its stored form.
pub(super) fn instance_from_message(
    message: pb::StoredInstance,
    words: &Words,
) -> Result<Instance, Corrupt> {
    Ok(Instance {
        id: Storable::from_message(message.id, words)?,
        workflow: Storable::from_message(message.workflow, words)?,
        workflow_version: message.workflow_version,
        calendar_digest: message.calendar_digest,
        revision: message.revision,
        version: message.version,
        created_at: Storable::from_message(message.created_at, words)?,
        updated_at: Storable::from_message(message.updated_at, words)?,
        status: Storable::from_message(message.status, words)?,
        steward: Storable::from_message(message.steward, words)?,
        group: Storable::from_message(message.group, words)?,
        path_stage: Storable::from_message(message.path_stage, words)?,
        stages: Storable::from_message(message.stages, words)?,
        tasks: Storable::from_message(message.tasks, words)?,
        clocks: Storable::from_message(message.clocks, words)?,
        fields: Storable::from_message(message.fields, words)?,
        activities: Storable::from_message(message.activities, words)?,
        suspension: Storable::from_message(message.suspension, words)?,
        requests: Storable::from_message(message.requests, words)?,
        next_task: message.next_task,
        next_clock: message.next_clock,
        script_failed_in: message.script_failed_in,
        relations: Arc::new(Relations {
            links: Storable::from_message(message.links, words)?,
            effects: Storable::from_message(message.effects, words)?,
            asked: message.effects_asked,
        }),
        outcome: Storable::from_message(message.outcome, words)?,
        backups: Storable::from_message(message.backups, words)?,
    })
}

/// The first field in which a header differs from a body of the same version.
pub(super) fn disagreement(header: &Header, body: &Instance) -> Option<&'static str> {
    macro_rules! first_of {
        ($($field:ident),* $(,)?) => {
            $(if header.$field != body.$field {
                return Some(stringify!($field));
            })*
        };
    }
    first_of!(id, workflow, workflow_version, calendar_digest, revision, version, created_at);
    first_of!(updated_at, status, steward, group, backups);
    None
}
