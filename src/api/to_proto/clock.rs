//! Clocks as messages.

use crate::api::pb;
use crate::model::clock::{
    Alarm, Clock, ClockEnd, ClockKind, ClockOwner, ClockRef, Epoch, Exclusion, Extension,
    PauseReason, Plan, RecalculationReason, Scheduled,
};

use super::{escalation, instant, limit, optional_instant, task, text};

/// A clock's number, name and owner.
pub(in crate::api) fn reference(clock: &ClockRef) -> pb::ClockRef {
    use pb::clock_owner::Owner;
    let owner = match &clock.owner {
        ClockOwner::Instance => Owner::Instance(true),
        ClockOwner::Stage(stage) => Owner::Stage(stage.to_string()),
        ClockOwner::Task(task) => Owner::Task(task::reference(task)),
        ClockOwner::Suspension => Owner::Suspension(true),
    };
    pb::ClockRef {
        number: clock.number.0,
        id: clock.id.to_string(),
        owner: Some(pb::ClockOwner { owner: Some(owner) }),
    }
}

/// A clock as a whole.
pub(in crate::api) fn clock(clock: &Clock) -> pb::Clock {
    let paused = clock.paused.iter().map(|pause| pb::Pause {
        since: Some(instant(pause.since)),
        because: pause_reason(pause.because).into(),
    });
    pb::Clock {
        reference: Some(reference(&clock.reference())),
        kind: kind(clock.kind).into(),
        limit: Some(limit(clock.limit)),
        policy: text(clock.policy.as_ref()),
        started_at: Some(instant(clock.started_at)),
        excluded: exclusions(&clock.excluded),
        extended: clock.extended.iter().map(extension).collect(),
        epoch: clock.epoch,
        due_originally: Some(instant(clock.due_originally)),
        plan: Some(plan(&clock.plan)),
        paused: paused.collect(),
        extension_request: clock.extension_request.as_ref().map(task::extension_request),
        at_risk_at: optional_instant(clock.at_risk_at),
        breached_at: optional_instant(clock.breached_at),
        fired: clock.fired.iter().map(escalation::fired).collect(),
        light: escalation::light(clock.light()).into(),
        calm_runs: clock.calm_runs,
        priority: escalation::priority(clock.priority()).into(),
    }
}

/// What is to happen.
pub(in crate::api) fn plan(plan: &Plan) -> pb::Plan {
    pb::Plan {
        due: Some(instant(plan.due)),
        provisional: plan.provisional,
        schedule: schedule(&plan.schedule),
    }
}

/// What is to happen, in order of time.
pub(in crate::api) fn schedule(scheduled: &[Scheduled]) -> Vec<pb::Scheduled> {
    let wire = |scheduled: &Scheduled| {
        let (alarm, step) = match &scheduled.alarm {
            Alarm::AtRisk => (pb::AlarmKind::AtRisk, None),
            Alarm::Due => (pb::AlarmKind::Due, None),
            Alarm::Step(step) => (pb::AlarmKind::Step, Some(step)),
            Alarm::Repeat(step) => (pb::AlarmKind::Repeat, Some(step)),
            Alarm::Unacknowledged(step) => (pb::AlarmKind::Unacknowledged, Some(step)),
            Alarm::Check => (pb::AlarmKind::Check, None),
        };
        pb::Scheduled { alarm: alarm.into(), step: text(step), at: Some(instant(scheduled.at)) }
    };
    scheduled.iter().map(wire).collect()
}

/// Times that do not count.
pub(in crate::api) fn exclusions(excluded: &[Exclusion]) -> Vec<pb::Exclusion> {
    let wire = |exclusion: &Exclusion| pb::Exclusion {
        from: Some(instant(exclusion.from)),
        to: Some(instant(exclusion.to)),
        because: pause_reason(exclusion.because).into(),
    };
    excluded.iter().map(wire).collect()
}

/// More time that was granted.
pub(in crate::api) fn extension(extension: &Extension) -> pb::Extension {
    pb::Extension { by: Some(limit(extension.by)), granted_at: Some(instant(extension.granted_at)) }
}

/// The beginning of an epoch.
pub(in crate::api) fn epoch(epoch: &Epoch) -> pb::Epoch {
    pb::Epoch {
        number: epoch.number,
        inherited: epoch.inherited.iter().map(escalation::fired).collect(),
        at_risk_at: optional_instant(epoch.at_risk_at),
        breached_at: optional_instant(epoch.breached_at),
    }
}

/// Why a clock stands still.
pub(in crate::api) fn pause_reason(because: PauseReason) -> pb::PauseReason {
    match because {
        PauseReason::Suspended => pb::PauseReason::Suspended,
        PauseReason::ExcludedWhile => pb::PauseReason::ExcludedWhile,
        PauseReason::Supplement => pb::PauseReason::Supplement,
    }
}

/// Why a clock was computed anew.
pub(in crate::api) fn recalculation(because: RecalculationReason) -> pb::RecalculationReason {
    match because {
        RecalculationReason::Calendar => pb::RecalculationReason::Calendar,
        RecalculationReason::SwappedLimit => pb::RecalculationReason::SwappedLimit,
        RecalculationReason::DateField => pb::RecalculationReason::DateField,
    }
}

/// Why a clock ended.
pub(in crate::api) fn end(end: ClockEnd) -> pb::ClockEnd {
    match end {
        ClockEnd::Done => pb::ClockEnd::Done,
        ClockEnd::Cancelled => pb::ClockEnd::Cancelled,
        ClockEnd::Reset => pb::ClockEnd::Reset,
    }
}

fn kind(kind: ClockKind) -> pb::ClockKind {
    match kind {
        ClockKind::Within => pb::ClockKind::Within,
        ClockKind::By => pb::ClockKind::By,
        ClockKind::Every => pb::ClockKind::Every,
        ClockKind::Wait => pb::ClockKind::Wait,
        ClockKind::Check => pb::ClockKind::Check,
        ClockKind::Raise => pb::ClockKind::Raise,
    }
}
