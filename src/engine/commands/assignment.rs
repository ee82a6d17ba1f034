//! Claim, release, reassign: who holds a task, and who is steward.

use std::sync::Arc;

use crate::engine::decision::Context;
use crate::engine::people::STEWARD;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::command::{Claim, Reassign, Release};
use crate::model::event::Payload;
use crate::model::id::{MemberId, RoleId};
use crate::model::roster::Absence;
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
    let delegator = holder.delegated_by.clone();
    // Who let somebody else do it may take it back.
    if delegator.is_none() || delegator.as_ref() != scene.actor.member() {
        scene.as_worker(&task, "release")?;
    }
    scene.end_objection(&task.reference);
    let (by, reason) = (holder.member, release.reason.clone());
    scene.emit(Payload::TaskReleased { task: task.reference.clone(), by, reason });
    // Whom the file no longer knows gets nothing back.
    let known = |member: &MemberId| scene.organization().member(member.as_str()).is_some();
    if let Some(member) = delegator.filter(known) {
        let because = AssignmentReason::GivenBack;
        let assignment = Assignment { member, because, instead_of: holder.instead_of };
        // It was this person's before.
        let (task, object_until) = (task.reference, None);
        scene.emit(Payload::TaskAssigned { task, assignment, object_until });
        return Ok(());
    }
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
    if let Some(to) = &reassign.to {
        super::known_member(scene, to)?;
    }
    match reassign.task {
        Some(number) => reassign_task(scene, number, reassign),
        None => reassign_steward(scene, reassign),
    }
}

/// Where it is for the place of who delegated it, the task is delegated by another from now on; but
/// who is to do it for themselves simply holds it.
fn reassign_task(
    scene: &mut Scene<'_>,
    number: TaskNumber,
    reassign: &Reassign,
) -> Result<(), Rejection> {
    let task = scene.open_task(number)?;
    must_lead(scene, &task)?;
    let holder = task.holder.as_ref();
    let from = if reassign.delegation {
        let delegator = holder.and_then(|holder| holder.delegated_by.clone());
        Some(delegator.ok_or(Rejection::TaskNotHeld)?)
    } else {
        holder.map(|holder| holder.member.clone())
    };
    let assignment = match reassign.to.as_ref().map(|to| scene.as_candidate(&task, to.clone())) {
        Some(Ok(candidate)) => named(candidate),
        // Who takes over all that somebody carries need not be able to do what was delegated.
        Some(Err(refused)) if !reassign.delegation => return Err(refused),
        Some(Err(_)) | None => by_rule(scene, from.as_ref(), Some(&task))?,
    };
    scene.end_objection(&task.reference);
    let worker = task.holder.map(|holder| holder.member);
    let (task, reason) = (task.reference, reassign.reason.clone());
    let payload = match worker {
        Some(member) if reassign.delegation && member != assignment.member => {
            let instead_of = assignment.instead_of.filter(|absent| *absent != member);
            let (from, because) = (assignment.member, AssignmentReason::Delegated);
            let assignment = Assignment { member, because, instead_of };
            Payload::TaskDelegated { task, from, assignment, reason }
        }
        Some(_) | None => {
            let object_until = scene.object_until(&task);
            Payload::TaskReassigned { task, from, assignment, reason, object_until }
        }
    };
    scene.emit(payload);
    Ok(())
}

fn named(candidate: Assignment) -> Assignment {
    Assignment { because: AssignmentReason::Named, ..candidate }
}

/// Whom the rules name for a task, or as steward, if the one who has it were away today.
fn by_rule(
    scene: &Scene<'_>,
    from: Option<&MemberId>,
    task: Option<&Task>,
) -> Result<Assignment, Rejection> {
    let mut organization = scene.organization().clone();
    let today = scene.context.calendar.date_of(scene.at());
    if let Some(member) = from {
        let (member, substitute, reason) = (member.clone(), None, String::new());
        let away = Absence { member, from: today, to: today, substitute, reason };
        organization.absences.insert(0, away);
    }
    let context = Context { organization: &organization, ..scene.context };
    let mut instance = Arc::clone(&scene.instance);
    if !instance.backups.is_empty() {
        // The rules decide, not who stands in for the one who leaves.
        Arc::make_mut(&mut instance).backups.clear();
    }
    let mut without = Scene::new(&context, instance, &scene.actor);
    let chosen = match task {
        None => {
            let named = without.steward_by_rule();
            named.or_else(|| without.chosen_above(&RoleId::trusted(STEWARD), None, &[]))
        }
        Some(task) => {
            let free = Task { holder: None, ..task.clone() };
            without
                .spec_of(&task.reference)
                .and_then(|spec| without.choose_somebody(&free, spec, &[]))
        }
    };
    chosen.filter(|chosen| Some(&chosen.member) != from).ok_or(Rejection::NobodyFound)
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
    let assignment = match &reassign.to {
        Some(to) => {
            super::possible_steward(scene, to)?;
            Assignment { member: to.clone(), because: AssignmentReason::Named, instead_of: None }
        }
        None => Assignment {
            instead_of: None,
            ..by_rule(scene, scene.instance.steward.as_ref(), None)?
        },
    };
    let group = scene.group_of(&assignment.member);
    scene.make_steward(assignment, group, reassign.reason.clone());
    Ok(())
}
