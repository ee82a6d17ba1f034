//! Records and events as they are stored.

use super::convert::{Storable, required};
use super::{ChainedRecord, Corrupt, FORMAT};
use crate::model::command::Request;
use crate::model::event::{Event, OpenReason, Payload, Record, SkipReason, Stamp};
use crate::model::time::Timestamp;
use crate::store::words::{Draft, Words};
use crate::store::{Seq, pb};

message! { Stamp as Stamp { instance, workflow, workflow_version, version, revision } }

message! { Request as Request { key, digest } }

codes! { SkipReason as SkipReason { Condition, PassedOver, NeverOpened } }

codes! { OpenReason as OpenReason { Condition, PathEnded, Command, Escalation } }

/// The stored form of a record.
pub(super) fn record_to_message(
    record: &Record,
    previous: Option<Seq>,
    words: &mut Draft<'_>,
) -> pb::Record {
    pb::Record {
        format: FORMAT,
        previous: previous.map(|seq| seq.0),
        stamp: record.stamp.to_message(words),
        time: record.time.to_message(words),
        actor: record.actor.to_message(words),
        request: record.request.to_message(words),
        events: record.events.iter().map(|it| event_to_message(it, record.time, words)).collect(),
        // Put behind it as it is, see `encode_record_with`.
        header: Vec::new(),
    }
}

fn event_to_message(event: &Event, recorded: Timestamp, words: &mut Draft<'_>) -> pb::Event {
    pb::Event {
        // All events of a record have its time: it is kept once.
        time: (event.time != recorded).then_some(event.time.0),
        due_at: event.due_at.to_message(words),
        payload: event.payload.to_message(words),
    }
}

/// A record from its stored form.
pub(super) fn record_from_message(
    message: pb::Record,
    words: &Words,
) -> Result<ChainedRecord, Corrupt> {
    let time = Timestamp(message.time);
    let event_from_message = |event: pb::Event| {
        Ok(Event {
            time: event.time.map_or(time, Timestamp),
            due_at: Storable::from_message(event.due_at, words)?,
            payload: Storable::from_message(event.payload, words)?,
        })
    };
    let record = Record {
        stamp: Storable::from_message(message.stamp, words)?,
        time,
        actor: Storable::from_message(message.actor, words)?,
        request: Storable::from_message(message.request, words)?,
        events: message
            .events
            .into_iter()
            .map(event_from_message)
            .collect::<Result<_, Corrupt>>()?,
    };
    Ok(ChainedRecord { record, previous: message.previous.map(Seq) })
}

/// Payloads, each with the fields of the message of its name.
macro_rules! payloads {
    ($($name:ident { $($field:ident),* $(,)? })*) => {
        impl Storable<Option<pb::event::Payload>> for Payload {
            fn to_message(&self, words: &mut Draft<'_>) -> Option<pb::event::Payload> {
                Some(match self {
                    $(Self::$name { $($field),* } => pb::event::Payload::$name(pb::$name {
                        $($field: $field.to_message(words),)*
                    }),)*
                })
            }

            fn from_message(
                message: Option<pb::event::Payload>,
                words: &Words,
            ) -> Result<Self, Corrupt> {
                Ok(match required(message, "Event.payload")? {
                    $(pb::event::Payload::$name(pb::$name { $($field),* }) => Self::$name {
                        $($field: Storable::from_message($field, words).map_err(|corrupt| {
                            corrupt.within(concat!(stringify!($name), ".", stringify!($field)))
                        })?,)*
                    },)*
                })
            }
        }
    };
}

payloads! {
    InstanceCreated { id, workflow, workflow_version, calendar_digest, fields }
    StewardAssigned { assignment, group, before, reason }
    InstanceSuspended { reason, expected_resume, proposed_by }
    InstanceResumed { suspended_at }
    InstanceTerminated { reason_code, comment, proposed_by }
    InstanceCompleted { outcome }
    StageEntered { stage, attempt }
    StageLeft { stage, attempt, to, dwell_ms, comment }
    StageReturned { from, to, returns, reason, proposed_by }
    StageSkipped { stage, because }
    StageOpened { stage, attempt, because, comment }
    StageClosed { stage, attempt, dwell_ms, comment }
    PathEnded {}
    TaskOpened { task }
    TaskAssigned { task, assignment, object_until }
    TaskOffered { task, role, candidates }
    TaskClaimed { task, assignment }
    TaskReleased { task, by, reason }
    TaskReassigned { task, from, assignment, reason, object_until }
    TaskDelegated { task, from, assignment, reason }
    ObjectionRaised { task, objection }
    ObjectionUpheld { task, from, assignment, comment }
    ObjectionRefused { task, from, comment }
    SupplementRequested { task, supplement }
    SupplementSupplied { task, what, asked_at }
    SupplementLapsed { task, what, asked_at }
    TaskCompleted { task, outcome, form, by, instead_of, delegated_by, comment }
    TaskCancelled { task, because }
    TaskRedone { task, reason }
    TaskChecked { task, item, checked }
    CommentAdded { task, text }
    ExtensionRequested { task, clock, request }
    ExtensionRefused { task, clock, comment }
    ClockStarted { clock }
    ClockAtRisk { clock, due }
    ClockBreached { clock, due }
    ClockPaused { clock, because }
    ClockResumed { clock, because, excluded, plan }
    ClockExtended { clock, extension, due_before, epoch, plan, comment }
    ClockRecalculated { clock, because, limit, due_before, epoch, plan }
    ClockStopped { clock, end }
    CalendarAdopted { digest }
    ClockChecked { clock, value, calm_runs, limit, epoch, plan }
    EscalationRaised {
        clock, policy, fired, because, recipients, nobody_in, due, acknowledge_by, schedule,
    }
    EscalationRepeated {
        clock, policy, step, level, light, repeat, recipients, digest_at, schedule,
    }
    EscalationPassedOver { clock, policy, fired, schedule }
    EscalationExhausted { clock, policy, step, schedule }
    EscalationAcknowledged {
        clock, policy, step, level, by, comment, recovery_plan, promised, schedule,
    }
    EscalationCleared { clock, policy, level, light }
    ActivityLogged { activity, occurred_at, fields }
    FieldsUpdated { changes }
    RuleForced { overruled, reason }
    ScriptFailed { place, message }
    WorkflowPublished { workflow, version, digest }
    WorkflowActivated { workflow, version, before }
    WorkflowRejected { paths, errors, findings }
    CalendarPublished { calendar, digest }
    OrganizationChanged { digest, changes }
    EffectAsked { effect }
    EffectDone { number, target }
    EffectRetried { effect }
    EffectRefused { number, target, code, reason, for_good }
    LinkAdded { link }
    LinkRemoved { link, reason }
    LinkEnded { relation, direction, other, end }
    InstanceRevived { by, reason }
    BackupsSet { backups, before, reason }
}
