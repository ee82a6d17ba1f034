//! Records and events as they are stored.

use super::convert::{Storable, required};
use super::wire::Wire;
use super::{ChainedRecord, Corrupt, FORMAT};
use crate::model::command::Request;
use crate::model::event::{Event, OpenReason, Payload, Record, SkipReason, Stamp};
use crate::model::time::Timestamp;
use crate::store::words::{Draft, Words};
use crate::store::{Seq, numbers, pb};

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
        payload: Some(payload_to_message(&event.payload, words)),
    }
}

/// A record from its stored form.
pub(super) fn read_record(content: Wire<'_>, words: &Words) -> Result<ChainedRecord, Corrupt> {
    read_fields!(content, words, Record { previous, stamp, time, actor, request });
    let previous: Option<u64> = previous;
    let mut events = Vec::new();
    for (number, content) in content.fields()? {
        if number == numbers::Record::events {
            events.push(read_event(content, time, words)?);
        }
    }
    let record = Record { stamp, time, actor, request, events };
    Ok(ChainedRecord { record, previous: previous.map(Seq) })
}

fn read_event(content: Wire<'_>, recorded: Timestamp, words: &Words) -> Result<Event, Corrupt> {
    read_fields!(content, words, Event { time, due_at });
    let time: Option<Timestamp> = time;
    let mut payload = None;
    for (number, content) in content.fields()? {
        payload = read_payload(number, content, words)?.or(payload);
    }
    let payload = required(payload, "Event.payload")?;
    Ok(Event { time: time.unwrap_or(recorded), due_at, payload })
}

/// Payloads, each with the fields of the message of its name.
macro_rules! payloads {
    ($($name:ident { $($field:ident),* $(,)? })*) => {
        fn payload_to_message(payload: &Payload, words: &mut Draft<'_>) -> pb::event::Payload {
            match payload {
                $(Payload::$name { $($field),* } => pb::event::Payload::$name(pb::$name {
                    $($field: $field.to_message(words),)*
                }),)*
            }
        }

        /// The payload of the field of this number; none: it is another field of the event.
        fn read_payload(
            number: u32,
            content: Wire<'_>,
            words: &Words,
        ) -> Result<Option<Payload>, Corrupt> {
            Ok(match number {
                $(numbers::Event::$name => {
                    read_fields!(content, words, $name { $($field),* });
                    Some(Payload::$name { $($field),* })
                })*
                _ => None,
            })
        }
    };
}

payloads! {
    InstanceCreated { id, workflow, workflow_version, calendar_digest, fields }
    StewardAssigned { assignment, group, before, reason }
    InstanceSuspended { reason, expected_resume, proposed_by }
    InstanceResumed { suspended_at, object_until }
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
