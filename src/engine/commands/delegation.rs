//! Delegation: the holder of a task lets somebody else do it, and remains the one to whom it comes
//! back.

use crate::engine::people::STEWARD;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::command::Delegate;
use crate::model::event::Payload;
use crate::model::id::MemberId;
use crate::model::task::{Assignment, AssignmentReason, Task};

pub(in crate::engine) fn delegate(
    scene: &mut Scene<'_>,
    delegate: &Delegate,
) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::needed_text(&delegate.reason, "reason")?;
    let task = scene.open_task(delegate.task)?;
    let Some(holder) = task.holder.clone() else { return Err(Rejection::TaskNotHeld) };
    scene.as_worker(&task, "delegate")?;
    if let Some(delegator) = holder.delegated_by {
        return Err(Rejection::AlreadyDelegated(delegator));
    }
    let to = &delegate.to;
    if scene.organization().member(to.as_str()).is_none() {
        return Err(Rejection::UnknownMember(to.clone()));
    }
    if holder.member == *to {
        return Err(Rejection::TaskHeld(to.clone()));
    }
    must_be_able(scene, &task, to)?;
    scene.end_objection(&task.reference);
    let assignment = Assignment {
        member: to.clone(),
        because: AssignmentReason::Delegated,
        // Who is back, and is asked to do it, stands in for nobody.
        instead_of: holder.instead_of.filter(|absent| absent != to),
    };
    let (from, reason) = (holder.member, delegate.reason.clone());
    scene.emit(Payload::TaskDelegated { task: task.reference, from, assignment, reason });
    Ok(())
}

/// A candidate; where the steward alone is one, somebody of the steward's group; or a member of a
/// role or group to which the task may be delegated. Four eyes hold for all of them.
fn must_be_able(scene: &mut Scene<'_>, task: &Task, to: &MemberId) -> Result<(), Rejection> {
    scene.must_be_other_eyes(task, to)?;
    let group = &scene.instance.group;
    if task.role.as_ref().is_some_and(|role| role.as_str() == STEWARD)
        && group.is_some()
        && scene.group_of(to) == *group
    {
        return Ok(());
    }
    let further = scene.spec_of(&task.reference).map_or(&[][..], |spec| &spec.delegate);
    let is_member =
        |role: &crate::model::id::RoleId| scene.members_in(role.as_str(), Some(task)).contains(to);
    if further.iter().any(is_member) {
        return Ok(());
    }
    scene.as_candidate(task, to.clone()).map(|_| ())
}
