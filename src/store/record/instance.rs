//! Bodies as they are stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::convert::{Storable, differences, different_lengths, read_list, required};
use super::wire::Wire;
use super::{Corrupt, FORMAT};
use crate::model::id::ActivityId;
use crate::model::instance::{AcceptedRequest, ActivitySummary, ClosedTask, Header, Instance};
use crate::model::instance::{StagePlace, StageState, Status, Suspension, TriedTask};
use crate::model::link::Relations;
use crate::model::time::Timestamp;
use crate::store::words::{Draft, Words};
use crate::store::{numbers, pb};

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

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        let place = read_choice!(content, StagePlace {
            open => |since| Storable::<i64>::read(since, words).map(Self::Open),
            closed => |at| Storable::<i64>::read(at, words).map(Self::Closed),
            skipped => |at| Storable::<i64>::read(at, words).map(Self::Skipped),
        });
        required(place, "StagePlace.kind")
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

    fn read(content: Wire<'_>, _: &Words) -> Result<Self, Corrupt> {
        let (mut keys, mut digests) = (Wire::NOTHING, Wire::NOTHING);
        let (mut revisions, mut times) = (Wire::NOTHING, Wire::NOTHING);
        let mut fields = content.fields()?;
        for (number, content) in fields.by_ref() {
            match number {
                numbers::AcceptedRequests::keys => keys = content,
                numbers::AcceptedRequests::digests => digests = content,
                numbers::AcceptedRequests::revisions => revisions = content,
                numbers::AcceptedRequests::times => times = content,
                _ => {}
            }
        }
        fields.finish()?;
        let (mut keys, mut digests) = (keys.fixed_numbers()?, digests.fixed_numbers()?);
        let (mut revisions, mut revision) = (revisions.numbers()?, 0);
        let (mut times, mut time) = (times.numbers()?, 0);
        let mut requests = Self::with_capacity(keys.len());
        loop {
            let (revision, time) = (revisions.next_sum(&mut revision), times.next_sum(&mut time));
            match (keys.next(), digests.next(), revision, time) {
                (Some(key), Some(digest), Some(revision), Some(time)) => {
                    let (revision, time) = (revision.cast_unsigned(), Timestamp(time));
                    requests.push(AcceptedRequest { key, digest, revision, time });
                }
                (None, None, None, None) => break,
                _ => return Err(different_lengths("AcceptedRequests")),
            }
        }
        revisions.finish()?;
        times.finish()?;
        Ok(requests)
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(Self::new())
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

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        read_list(content, words)
    }

    fn read_on(part: &mut Option<Self>, content: Wire<'_>, words: &Words) -> Result<(), Corrupt> {
        read_fields!(content, words, ActivitySummary { activity, count, last_at });
        part.get_or_insert_default().insert(activity, ActivitySummary { count, last_at });
        Ok(())
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(Self::new())
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
pub(super) fn read_instance(content: Wire<'_>, words: &Words) -> Result<Instance, Corrupt> {
    read_fields!(
        content,
        words,
        StoredInstance {
            id,
            workflow,
            workflow_version,
            calendar_digest,
            revision,
            version,
            created_at,
            updated_at,
            status,
            steward,
            group,
            path_stage,
            stages,
            tasks,
            clocks,
            fields,
            activities,
            suspension,
            requests,
            next_task,
            next_clock,
            script_failed_in,
            links,
            effects,
            effects_asked,
            outcome,
            backups,
        }
    );
    Ok(Instance {
        id,
        workflow,
        workflow_version,
        calendar_digest,
        revision,
        version,
        created_at,
        updated_at,
        status,
        steward,
        group,
        path_stage,
        stages,
        tasks,
        clocks,
        fields: Arc::new(fields),
        activities,
        suspension,
        requests,
        next_task,
        next_clock,
        script_failed_in,
        relations: Arc::new(Relations { links, effects, asked: effects_asked }),
        outcome,
        backups,
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
