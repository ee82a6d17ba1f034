//! Events as messages: one exhaustive table, and how each kind of field is told.
//!
//! Decides nothing. A payload or a field without a place in the messages does not compile.

use prost_types::{Duration, Struct};

use crate::api::{pb, values};
use crate::model::clock::{
    Clock, ClockEnd, ClockRef, Epoch, Exclusion, Extension, Limit, PauseReason, Plan,
    RecalculationReason, Scheduled,
};
use crate::model::escalation::{Fired, FiredBecause, Light, Recipient};
use crate::model::event::{Event, OpenReason, Payload, Record, SkipReason};
use crate::model::id::{
    ActivityId, CalendarId, GroupId, InstanceId, LevelId, MemberId, Outcome, PolicyId, ReasonCode,
    RoleId, StageId, StepId, WorkflowId,
};
use crate::model::link::{Direction, Effect, EffectNumber, Ending, Link, Relation};
use crate::model::roster::OrganizationChange;
use crate::model::task::{
    Assignment, CancelReason, ExtensionRequest, ObjectUntil, Objection, Supplement, Task, TaskRef,
};
use crate::model::time::{Date, Timestamp};
use crate::model::value::{Changes, Decimal, Values};

use super::{actor, clock, escalation, instant, link, optional_instant, organization, task, text};

/// An event with its place in the store.
pub(in crate::api) fn event(partition: u16, seq: u64, record: &Record, event: &Event) -> pb::Event {
    let stamp = record.stamp.as_ref();
    pb::Event {
        partition: u32::from(partition),
        seq,
        instance: text(stamp.map(|stamp| &stamp.instance)),
        revision: stamp.map(|stamp| stamp.revision).unwrap_or_default(),
        time: Some(instant(event.time)),
        due_time: optional_instant(event.due_at),
        actor: Some(actor(&record.actor)),
        kind: event.payload.kind().to_owned(),
        workflow: text(stamp.map(|stamp| &stamp.workflow)),
        workflow_version: stamp.map(|stamp| stamp.workflow_version).unwrap_or_default(),
        payload: Some(payload(&event.payload)),
    }
}

/// Each payload with its fields; `wire = model` where the names differ.
macro_rules! payloads {
    ($($variant:ident { $($field:ident $(= $model:ident)?),* $(,)? })*) => {
        fn payload(payload: &Payload) -> pb::event::Payload {
            match payload {
                $(payloads!(@fields $variant $($field $($model)?,)*) => {
                    pb::event::Payload::$variant(pb::$variant {
                        $($field: payloads!(@value $field $($model)?).tell(),)*
                    })
                })*
            }
        }
    };
    (@fields $variant:ident $($field:ident $($model:ident)?,)*) => {
        Payload::$variant { $($($model: )? $field,)* }
    };
    (@value $field:ident $($model:ident)?) => { $field };
}

payloads! {
    InstanceCreated { id, workflow, workflow_version, calendar_digest, fields }
    StewardAssigned { assignment, group, before, reason }
    InstanceSuspended { reason, expected_resume, proposed_by }
    InstanceResumed { suspended_at, object_until }
    InstanceTerminated { reason_code, comment, proposed_by }
    InstanceCompleted { outcome }
    ActivityLogged { activity, occurred_at, fields }
    FieldsUpdated { changes }
    CommentAdded { task, text }
    RuleForced { overruled, reason }
    ScriptFailed { place, message }
    StageEntered { stage, attempt }
    StageLeft { stage, attempt, to, dwell = dwell_ms, comment }
    StageReturned { from, to, returns, reason, proposed_by }
    StageSkipped { stage, because }
    StageOpened { stage, attempt, because, comment }
    StageClosed { stage, attempt, dwell = dwell_ms, comment }
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

/// How a kind of field is told.
trait Tell<Wire> {
    fn tell(&self) -> Wire;
}

macro_rules! tell {
    ($($model:ty => $wire:ty: |$value:ident| $told:expr;)*) => {$(
        impl Tell<$wire> for $model {
            fn tell(&self) -> $wire {
                let $value = self;
                $told
            }
        }
    )*};
}

macro_rules! tell_names {
    ($($name:ty)*) => {$(
        impl Tell<String> for $name {
            fn tell(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

tell_names! {
    InstanceId WorkflowId StageId ActivityId CalendarId MemberId RoleId PolicyId StepId LevelId
    ReasonCode std::sync::Arc<str> String
}

tell! {
    u32 => u32: |number| *number;
    bool => bool: |yes| *yes;
    // The only numbers of this size are content digests, the only signed ones wall time.
    u64 => String: |number| super::digest(*number);
    i64 => Option<Duration>: |milliseconds| Some(super::duration(*milliseconds));
    Option<u32> => Option<u32>: |number| *number;
    Timestamp => Option<prost_types::Timestamp>: |at| Some(instant(*at));
    Option<Timestamp> => Option<prost_types::Timestamp>: |at| optional_instant(*at);
    Option<Decimal> => String: |number| text(number.as_ref());
    Option<Date> => String: |day| text(day.as_ref());
    Option<String> => String: |words| words.clone().unwrap_or_default();
    Option<MemberId> => String: |name| text(name.as_ref());
    Option<GroupId> => String: |name| text(name.as_ref());
    Option<StageId> => String: |name| text(name.as_ref());
    Option<Outcome> => String: |name| text(name.as_ref());
    Vec<MemberId> => Vec<String>: |names| super::texts(names);
    Vec<RoleId> => Vec<String>: |names| super::texts(names);
    Vec<String> => Vec<String>: |texts| texts.clone();
    Vec<OrganizationChange> => Vec<pb::OrganizationChange>: |changes| {
        changes.iter().map(organization::change).collect()
    };
    Values => Option<Struct>: |fields| Some(values::to_struct(fields));
    Changes => Option<Struct>: |changes| Some(values::changes_to_struct(changes));
    Limit => Option<pb::Limit>: |limit| Some(super::limit(*limit));
    Task => Option<pb::Task>: |whole| Some(task::task(whole));
    TaskRef => Option<pb::TaskRef>: |reference| Some(task::reference(reference));
    Option<TaskRef> => Option<pb::TaskRef>: |reference| reference.as_ref().map(task::reference);
    Assignment => Option<pb::Assignment>: |assignment| Some(task::assignment(assignment));
    Option<Assignment> => Option<pb::Assignment>: |it| it.as_ref().map(task::assignment);
    Objection => Option<pb::Objection>: |objection| Some(task::objection(objection));
    Vec<ObjectUntil> => Vec<pb::ObjectUntil>: |moved| task::objections(moved);
    Supplement => Option<pb::Supplement>: |supplement| Some(task::supplement(supplement));
    Option<ClockRef> => Option<pb::ClockRef>: |reference| reference.as_ref().map(clock::reference);
    ExtensionRequest => Option<pb::ExtensionRequest>: |request| {
        Some(task::extension_request(request))
    };
    CancelReason => i32: |because| task::cancel_reason(*because).into();
    Clock => Option<pb::Clock>: |whole| Some(clock::clock(whole));
    ClockRef => Option<pb::ClockRef>: |reference| Some(clock::reference(reference));
    Plan => Option<pb::Plan>: |plan| Some(clock::plan(plan));
    Option<Plan> => Option<pb::Plan>: |plan| plan.as_ref().map(clock::plan);
    Epoch => Option<pb::Epoch>: |epoch| Some(clock::epoch(epoch));
    Option<Epoch> => Option<pb::Epoch>: |epoch| epoch.as_ref().map(clock::epoch);
    Extension => Option<pb::Extension>: |extension| Some(clock::extension(extension));
    Vec<Exclusion> => Vec<pb::Exclusion>: |excluded| clock::exclusions(excluded);
    Vec<Scheduled> => Vec<pb::Scheduled>: |schedule| clock::schedule(schedule);
    PauseReason => i32: |because| clock::pause_reason(*because).into();
    RecalculationReason => i32: |because| clock::recalculation(*because).into();
    ClockEnd => i32: |end| clock::end(*end).into();
    Light => i32: |light| escalation::light(*light).into();
    Fired => Option<pb::Fired>: |fired| Some(escalation::fired(fired));
    FiredBecause => i32: |because| escalation::because(*because).into();
    Vec<Recipient> => Vec<pb::Recipient>: |recipients| escalation::recipients(recipients);
    SkipReason => i32: |because| skip_reason(*because).into();
    OpenReason => i32: |because| open_reason(*because).into();
    EffectNumber => u32: |number| number.0;
    Effect => Option<pb::Effect>: |effect| Some(link::effect(effect));
    Link => Option<pb::Link>: |whole| Some(link::link(whole));
    Relation => i32: |relation| link::relation(*relation).into();
    Direction => i32: |direction| link::direction(*direction).into();
    Ending => Option<pb::Ending>: |end| Some(link::ending(end));
}

fn skip_reason(because: SkipReason) -> pb::SkipReason {
    match because {
        SkipReason::Condition => pb::SkipReason::Condition,
        SkipReason::PassedOver => pb::SkipReason::PassedOver,
        SkipReason::NeverOpened => pb::SkipReason::NeverOpened,
    }
}

fn open_reason(because: OpenReason) -> pb::OpenReason {
    match because {
        OpenReason::Condition => pb::OpenReason::Condition,
        OpenReason::PathEnded => pb::OpenReason::PathEnded,
        OpenReason::Command => pb::OpenReason::Command,
        OpenReason::Escalation => pb::OpenReason::Escalation,
    }
}
