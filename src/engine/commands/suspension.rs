//! Suspend and resume: the instance stands still, with a limit on how long, and goes on.

use crate::engine::clocks;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::clock::{ClockEnd, ClockNumber, ClockOwner, PauseReason};
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
    scene.start_clock(&rule.clock, ClockOwner::Suspension);
    Ok(())
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
    scene.stop_clocks(ClockEnd::Done, |clock| clock.owner == ClockOwner::Suspension);
    scene.emit(Payload::InstanceResumed { suspended_at });
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
