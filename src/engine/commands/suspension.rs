//! Suspend and resume: the instance stands still, with a limit on how long, and goes on.

use crate::engine::clocks;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::clock::Plan;
use crate::model::clock::{Clock, ClockEnd, ClockNumber, ClockOwner, Limit, Pause, PauseReason};
use crate::model::command::Suspend;
use crate::model::event::Payload;
use crate::model::id::RoleId;

pub(in crate::engine) fn suspend(
    scene: &mut Scene<'_>,
    suspend: &Suspend,
) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::needed_text(&suspend.reason, "reason")?;
    let Some(rule) = &scene.workflow().suspension else {
        return Err(Rejection::SuspensionNotAllowed);
    };
    match &rule.approver {
        Some(approver) => scene.must_hold(approver, None, "suspend")?,
        None => must_move_the_instance(scene, "suspend")?,
    }
    scene.emit(Payload::InstanceSuspended {
        reason: suspend.reason.clone(),
        expected_resume: suspend.expected_resume,
        proposed_by: suspend.proposed_by.clone(),
    });
    let running: Vec<ClockNumber> = scene
        .instance
        .clocks()
        .filter(|clock| clocks::stands_still(clock.kind, &clock.owner))
        .map(|clock| clock.number)
        .collect();
    for number in running {
        scene.pause_clock(number, PauseReason::Suspended);
    }
    let before = scene.instance.clocks().find(|clock| clock.owner == ClockOwner::Suspension);
    match before.cloned() {
        Some(clock) if !has_gone_on_long(scene, &clock) => {
            scene.resume_clock(clock.number, PauseReason::ExcludedWhile);
        }
        Some(_) | None => {
            scene.stop_clocks(ClockEnd::Done, |clock| clock.owner == ClockOwner::Suspension);
            scene.start_clock(&rule.clock, ClockOwner::Suspension);
        }
    }
    Ok(())
}

/// Whether the instance has gone on for as long as it may be suspended: then what it was suspended
/// before counts no more.
fn has_gone_on_long(scene: &Scene<'_>, clock: &Clock) -> bool {
    let (Some(since), Limit::Amount(limit)) = (clock.stands_still_since(), clock.limit) else {
        return true;
    };
    scene.calendar_of(scene.clock_spec(clock)).due(since, limit).at <= scene.now
}

pub(in crate::engine) fn resume(scene: &mut Scene<'_>) -> Result<(), Rejection> {
    let Some(suspension) = scene.instance.suspension.clone() else {
        return Err(Rejection::NotSuspended);
    };
    must_move_the_instance(scene, "resume")?;
    go_on(scene, suspension.since);
    Ok(())
}

/// What resuming does, also for its preview.
pub(in crate::engine) fn go_on(scene: &mut Scene<'_>, suspended_at: crate::model::time::Timestamp) {
    keep_what_was_used(scene);
    let object_until = scene.objections_after(suspended_at);
    scene.emit(Payload::InstanceResumed { suspended_at, object_until });
    let paused: Vec<ClockNumber> = scene
        .instance
        .clocks()
        .filter(|clock| clock.paused.iter().any(|pause| pause.because == PauseReason::Suspended))
        .map(|clock| clock.number)
        .collect();
    for number in paused {
        scene.resume_clock(number, PauseReason::Suspended);
    }
}

/// The limit of the suspension is over, but not forgotten: it stands still, without a light, for a
/// suspension that follows soon.
fn keep_what_was_used(scene: &mut Scene<'_>) {
    let is_of_suspension = |clock: &Clock| clock.owner == ClockOwner::Suspension;
    let before = scene.instance.clocks().find(|clock| is_of_suspension(clock)).cloned();
    scene.stop_clocks(ClockEnd::Done, is_of_suspension);
    let Some(before) = before else { return };
    let clock = Clock {
        number: ClockNumber(scene.instance.next_clock),
        extension_request: None,
        plan: Plan { schedule: Vec::new(), ..before.plan },
        paused: vec![Pause { since: scene.at(), because: PauseReason::ExcludedWhile }],
        at_risk_at: None,
        breached_at: None,
        fired: Vec::new(),
        ..before
    };
    scene.emit(Payload::ClockStarted { clock });
}

/// The role of the stage in which the instance is, or of its steward once the path has ended.
fn must_move_the_instance(scene: &Scene<'_>, doing: &'static str) -> Result<(), Rejection> {
    match scene.path_stage() {
        Some((_, stage)) => {
            let steward = RoleId::trusted(crate::engine::people::STEWARD);
            if scene.holds_role(&steward, None) {
                return Ok(());
            }
            scene.must_hold(&stage.role, None, doing)
        }
        None => scene.must_command(doing),
    }
}
