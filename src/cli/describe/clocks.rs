//! What happened to limits and their ladders: lights, people told, and why.

use crate::api::pb::Recipient;
use crate::api::pb::clock_owner::Owner;
use crate::api::pb::event::Payload;
use crate::api::pb::{ClockEnd, ClockRef, FiredBecause, PauseReason, RecalculationReason};

use super::super::walk::limit_text;
use super::{light, remark, task};

pub(super) fn describe(payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::ClockStarted(it) => {
            let started = it.clock.as_ref()?;
            let limit = limit_text(started.limit.as_ref());
            format!("{}: {limit}", clock(started.reference.as_ref()))
        }
        Payload::ClockAtRisk(it) => format!("{}: the limit is near", clock(it.clock.as_ref())),
        Payload::ClockBreached(it) => {
            format!("{}: the limit has run out", clock(it.clock.as_ref()))
        }
        Payload::ClockPaused(it) => {
            format!("{}: {}", clock(it.clock.as_ref()), pause(it.because()))
        }
        Payload::ClockResumed(it) => format!("{} runs on", clock(it.clock.as_ref())),
        Payload::ClockExtended(it) => {
            let by = limit_text(it.extension.as_ref().and_then(|extension| extension.by.as_ref()));
            format!("{} by {by}{}", clock(it.clock.as_ref()), remark(&it.comment))
        }
        Payload::ClockRecalculated(it) => {
            let because = match it.because() {
                RecalculationReason::Unspecified => "?",
                RecalculationReason::Calendar => "a new calendar",
                RecalculationReason::SwappedLimit => "another limit holds now",
                RecalculationReason::DateField => "the date has changed",
            };
            format!("{}: {because}", clock(it.clock.as_ref()))
        }
        Payload::ClockStopped(it) => {
            let end = match it.end() {
                ClockEnd::Unspecified => "?",
                ClockEnd::Done => "done",
                ClockEnd::Cancelled => "no longer wanted",
                ClockEnd::Reset => "begins anew",
            };
            format!("{}: {end}", clock(it.clock.as_ref()))
        }
        other => return escalation(other),
    })
}

fn escalation(payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::ClockChecked(it) => {
            let value = if it.value.is_empty() { "nothing to say" } else { it.value.as_str() };
            format!("{}: {value}", clock(it.clock.as_ref()))
        }
        Payload::EscalationRaised(it) => {
            let fired = it.fired.as_ref()?;
            let because = match it.because() {
                FiredBecause::Unacknowledged => ", nobody had answered",
                FiredBecause::Value => ", so much was measured",
                FiredBecause::Condition => ", its condition holds",
                FiredBecause::Time | FiredBecause::Unspecified => "",
            };
            let told = people(&it.recipients, &it.nobody_in);
            let (level, light) = (&fired.level, light(fired.light()));
            format!("{level} {light}{because}: {}; told: {told}", clock(it.clock.as_ref()))
        }
        Payload::EscalationRepeated(it) => {
            let told = people(&it.recipients, &[]);
            let (level, light) = (&it.level, light(it.light()));
            let clock = clock(it.clock.as_ref());
            format!("{level} {light}, repeat {}: {clock}; told: {told}", it.repeat)
        }
        Payload::EscalationPassedOver(it) => {
            let fired = it.fired.as_ref()?;
            format!("{} of {}: a higher step tells", fired.level, clock(it.clock.as_ref()))
        }
        Payload::EscalationExhausted(it) => {
            format!("{}: nobody answered, and there is no higher step", clock(it.clock.as_ref()))
        }
        Payload::EscalationAcknowledged(it) => {
            let plan = remark(&it.recovery_plan);
            let clock = clock(it.clock.as_ref());
            format!("{} of {clock} by {}{}{plan}", it.level, it.by, remark(&it.comment))
        }
        Payload::EscalationCleared(it) => {
            let (level, light) = (&it.level, light(it.light()));
            format!("{level} {light} of {} is out", clock(it.clock.as_ref()))
        }
        _ => return None,
    })
}

/// A clock by what it measures.
pub(in super::super) fn clock(clock: Option<&ClockRef>) -> String {
    let Some(clock) = clock else { return "-".to_owned() };
    let owner = clock.owner.as_ref().and_then(|owner| owner.owner.as_ref());
    match owner {
        Some(Owner::Stage(stage)) if clock.id == "stage" => format!("stage {stage}"),
        Some(Owner::Stage(stage)) => format!("{} of stage {stage}", clock.id),
        Some(Owner::Task(reference)) if clock.id == "task" => {
            format!("task {}", task(Some(reference)))
        }
        Some(Owner::Task(reference)) => format!("{} of task {}", clock.id, task(Some(reference))),
        Some(Owner::Suspension(_)) => "the suspension".to_owned(),
        Some(Owner::Instance(_)) | None => clock.id.clone(),
    }
}

fn pause(because: PauseReason) -> &'static str {
    match because {
        PauseReason::Unspecified => "?",
        PauseReason::Suspended => "the instance stands still",
        PauseReason::ExcludedWhile => "this time does not count",
        PauseReason::Supplement => "something from outside is awaited",
    }
}

fn people(recipients: &[Recipient], nobody_in: &[String]) -> String {
    let mut told: Vec<String> = Vec::new();
    for recipient in recipients {
        let Recipient { member, role, instead_of, fallback_from } = recipient;
        let because = match (instead_of.is_empty(), fallback_from.is_empty()) {
            (true, true) => role.clone(),
            (false, _) => format!("{role}, for {instead_of}"),
            (true, false) => format!("{role}, for want of a {fallback_from}"),
        };
        told.push(format!("{member} ({because})"));
    }
    told.extend(nobody_in.iter().map(|role| format!("nobody is {role}")));
    if told.is_empty() { "nobody".to_owned() } else { told.join(", ") }
}
