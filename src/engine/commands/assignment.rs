//! Claim, release, reassign: who holds a task, and who is steward.

use crate::engine::people::STEWARD;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::command::{Claim, Reassign, Release};
use crate::model::event::Payload;
use crate::model::id::{MemberId, RoleId};
use crate::model::task::{Assignment, AssignmentReason, Task, TaskNumber};

pub(in crate::engine) fn claim(scene: &mut Scene<'_>, claim: &Claim) -> Result<(), Rejection> {
    scene.must_be_active()?;
    let task = scene.open_task(claim.task)?;
    if let Some(holder) = &task.holder {
        return Err(Rejection::TaskHeld(holder.member.clone()));
    }
    let member = scene.acting_member()?;
    let assignment = scene.as_candidate(&task, member)?;
    scene.emit(Payload::TaskClaimed { task: task.reference, assignment });
    Ok(())
}

pub(in crate::engine) fn release(
    scene: &mut Scene<'_>,
    release: &Release,
) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::short_text(&release.reason, "reason")?;
    let task = scene.open_task(release.task)?;
    let Some(holder) = task.holder.clone() else {
        return Err(Rejection::TaskNotHeld);
    };
    scene.as_worker(&task, "release")?;
    let (by, reason) = (holder.member, release.reason.clone());
    scene.emit(Payload::TaskReleased { task: task.reference.clone(), by, reason });
    if let Some(spec) = scene.spec_of(&task.reference) {
        let released = Task { holder: None, ..task };
        scene.offer(&released, spec);
    }
    Ok(())
}

pub(in crate::engine) fn reassign(
    scene: &mut Scene<'_>,
    reassign: &Reassign,
) -> Result<(), Rejection> {
    super::needed_text(&reassign.reason, "reason")?;
    if scene.organization().member(reassign.to.as_str()).is_none() {
        return Err(Rejection::UnknownMember(reassign.to.clone()));
    }
    match reassign.task {
        Some(number) => reassign_task(scene, number, reassign),
        None => reassign_steward(scene, reassign),
    }
}

fn reassign_task(
    scene: &mut Scene<'_>,
    number: TaskNumber,
    reassign: &Reassign,
) -> Result<(), Rejection> {
    let task = scene.open_task(number)?;
    must_lead(scene, &task)?;
    let mut assignment = scene.as_candidate(&task, reassign.to.clone())?;
    assignment.because = AssignmentReason::Named;
    let from = task.holder.as_ref().map(|holder| holder.member.clone());
    let (task, reason) = (task.reference, reassign.reason.clone());
    scene.emit(Payload::TaskReassigned { task, from, assignment, reason });
    Ok(())
}

/// Those who command the instance, and those above the task's role, say who does a task.
fn must_lead(scene: &Scene<'_>, task: &Task) -> Result<(), Rejection> {
    let steward = RoleId::trusted(STEWARD);
    if scene.holds_role(&steward, None) {
        return Ok(());
    }
    let role = task.role.clone().unwrap_or(steward);
    let above = scene.roles_above(role.as_str());
    match above.first() {
        Some(above) => scene.must_hold(above, Some(task), "reassign"),
        None => scene.must_command("reassign"),
    }
}

/// Stewardship is given by those above the steward, never by the steward alone.
fn reassign_steward(scene: &mut Scene<'_>, reassign: &Reassign) -> Result<(), Rejection> {
    let above = scene.roles_above(STEWARD);
    match above.first() {
        Some(above) => scene.must_hold(above, None, "reassign the stewardship")?,
        None => scene.must_command("reassign the stewardship")?,
    }
    let before: Option<MemberId> = scene.instance.steward.clone();
    let assignment = Assignment {
        member: reassign.to.clone(),
        because: AssignmentReason::Named,
        instead_of: None,
    };
    let group = scene.group_of(&reassign.to);
    let reason = reassign.reason.clone();
    scene.emit(Payload::StewardAssigned { assignment, group, before, reason });
    Ok(())
}
