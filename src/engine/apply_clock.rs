//! Apply, for clocks and their ladders.

use std::sync::Arc;

use crate::model::clock::{Clock, ClockNumber, ClockOwner, Epoch, Pause, Scheduled};
use crate::model::escalation::{Acknowledged, Fired, Recipient};
use crate::model::event::{Event, Payload};
use crate::model::instance::Instance;
use crate::model::time::Timestamp;

/// Applies an event about a clock; of a clock that is not there, nothing.
pub(super) fn apply_clock(instance: &mut Instance, event: &Event) {
    let payload = &event.payload;
    match payload {
        Payload::ClockStarted { clock } => {
            instance.next_clock = instance.next_clock.max(clock.number.0 + 1);
            instance.clocks.push(Arc::new(clock.clone()));
        }
        Payload::ClockStopped { clock, .. } => {
            instance.clocks.retain(|known| known.number != clock.number);
        }
        Payload::ClockExtended { clock, .. } => {
            change(instance, clock.number, |known| extend(known, payload));
            count_extension(instance, &clock.owner);
        }
        Payload::ClockAtRisk { clock, .. }
        | Payload::ClockBreached { clock, .. }
        | Payload::ClockPaused { clock, .. }
        | Payload::ClockResumed { clock, .. }
        | Payload::ClockRecalculated { clock, .. }
        | Payload::ClockChecked { clock, .. } => {
            change(instance, clock.number, |known| run(known, payload, event.effective_at()));
        }
        Payload::EscalationRaised { clock, .. }
        | Payload::EscalationRepeated { clock, .. }
        | Payload::EscalationPassedOver { clock, .. }
        | Payload::EscalationExhausted { clock, .. }
        | Payload::EscalationAcknowledged { clock, .. } => {
            change(instance, clock.number, |known| climb(known, payload, event.time));
        }
        // The other events are not about clocks.
        _ => {}
    }
}

fn change(instance: &mut Instance, number: ClockNumber, change: impl FnOnce(&mut Clock)) {
    if let Some(clock) = instance.clocks.iter_mut().find(|known| known.number == number) {
        change(Arc::make_mut(clock));
    }
}

fn run(clock: &mut Clock, payload: &Payload, at: Timestamp) {
    use crate::model::clock::Alarm;
    match payload {
        Payload::ClockAtRisk { .. } => {
            clock.at_risk_at = Some(at);
            clock.plan.schedule.retain(|scheduled| scheduled.alarm != Alarm::AtRisk);
        }
        Payload::ClockBreached { due, .. } => {
            clock.breached_at = Some(*due);
            clock.plan.schedule.retain(|scheduled| scheduled.alarm != Alarm::Due);
        }
        Payload::ClockPaused { because, .. } => {
            clock.paused.push(Pause { since: at, because: *because });
            clock.plan.schedule.clear();
        }
        Payload::ClockResumed { because, excluded, plan, .. } => {
            clock.paused.retain(|pause| pause.because != *because);
            clock.excluded.clone_from(excluded);
            if let Some(plan) = plan {
                clock.plan = plan.clone();
            }
        }
        Payload::ClockRecalculated { limit, epoch, plan, .. } => {
            clock.limit = *limit;
            clock.plan = plan.clone();
            if let Some(epoch) = epoch {
                begin_epoch(clock, epoch);
            }
        }
        Payload::ClockChecked { calm_runs, limit, epoch, plan, .. } => {
            clock.calm_runs = *calm_runs;
            clock.limit = *limit;
            clock.plan = plan.clone();
            if let Some(epoch) = epoch {
                begin_epoch(clock, epoch);
            }
        }
        _ => {}
    }
}

fn extend(clock: &mut Clock, payload: &Payload) {
    if let Payload::ClockExtended { extension, epoch, plan, .. } = payload {
        clock.extended.push(extension.clone());
        clock.plan = plan.clone();
        clock.extension_request = None;
        begin_epoch(clock, epoch);
    }
}

/// A granted extension answers the request that the task carries.
fn count_extension(instance: &mut Instance, owner: &ClockOwner) {
    let ClockOwner::Task(reference) = owner else { return };
    let mut tasks = instance.tasks.iter_mut();
    if let Some(task) = tasks.find(|task| task.reference.number == reference.number) {
        let task = Arc::make_mut(task);
        task.extension_request = None;
        task.extensions_granted += 1;
    }
}

fn begin_epoch(clock: &mut Clock, epoch: &Epoch) {
    clock.epoch = epoch.number;
    clock.fired.clone_from(&epoch.inherited);
    clock.at_risk_at = epoch.at_risk_at;
    clock.breached_at = epoch.breached_at;
}

/// Waits and repeats count from when people were told, not from when they should have been.
fn climb(clock: &mut Clock, payload: &Payload, at: Timestamp) {
    match payload {
        Payload::EscalationRaised { fired, schedule, .. }
        | Payload::EscalationPassedOver { fired, schedule, .. } => {
            clock.fired.push(fired.clone());
            clock.plan.schedule.clone_from(schedule);
        }
        Payload::EscalationRepeated { step, repeat, recipients, digest_at, schedule, .. } => {
            change_fired(clock, step.as_str(), schedule, |fired| {
                // Who stands in, or has come since, was told as well.
                for Recipient { member, .. } in recipients {
                    if !fired.notified.contains(member) {
                        fired.notified.push(member.clone());
                    }
                }
                // A telling that reached nobody leaves what is to be read, and when, as it was.
                if recipients.is_empty() {
                    fired.digest_at = Some(fired.read_at());
                } else {
                    fired.repeated_to = recipients.iter().map(|it| it.member.clone()).collect();
                    fired.digest_at = *digest_at;
                }
                fired.repeats = *repeat;
                fired.told_at = at;
            });
        }
        Payload::EscalationExhausted { step, schedule, .. } => {
            change_fired(clock, step.as_str(), schedule, |_| {});
        }
        Payload::EscalationAcknowledged { step, by, promised, schedule, .. } => {
            change_fired(clock, step.as_str(), schedule, |fired| {
                fired.acknowledged = Some(Acknowledged { by: by.clone(), at, promised: *promised });
            });
        }
        _ => {}
    }
}

fn change_fired(
    clock: &mut Clock,
    step: &str,
    schedule: &[Scheduled],
    change: impl FnOnce(&mut Fired),
) {
    if let Some(fired) = clock.fired.iter_mut().find(|fired| fired.step.as_str() == step) {
        change(fired);
    }
    clock.plan.schedule = schedule.to_vec();
}
