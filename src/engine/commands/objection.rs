//! Objections: somebody who was given a task says, soon and once, that another should do it; a role
//! decides within its time, and that is final.

use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::clock::{ClockEnd, ClockOwner};
use crate::model::command::{DecideObjection, Object, Verdict};
use crate::model::event::Payload;
use crate::model::id::MemberId;
use crate::model::task::{Assignment, AssignmentReason, Objection, Task};

pub(in crate::engine) fn object(scene: &mut Scene<'_>, object: &Object) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::needed_text(&object.reason, "reason")?;
    let task = scene.open_task(object.task)?;
    let Some(rules) = scene.spec_of(&task.reference).and_then(|spec| spec.objections.as_ref())
    else {
        return Err(Rejection::ObjectionState("the workflow knows no objection to this task"));
    };
    let Some(holder) = task.holder.clone() else { return Err(Rejection::TaskNotHeld) };
    let by = scene.as_worker(&task, "object")?.member;
    if task.objection.is_some() {
        return Err(Rejection::ObjectionState("an objection waits to be decided"));
    }
    let Some(until) = holder.object_until else {
        let state = "the task was not given to its holder, or that was objected to and decided";
        return Err(Rejection::ObjectionState(state));
    };
    if scene.now > until {
        return Err(Rejection::TooLateToObject { within: rules.within, until });
    }
    let objection = Objection { reason: object.reason.clone(), by, at: scene.now };
    let task = task.reference;
    scene.emit(Payload::ObjectionRaised { task: task.clone(), objection });
    scene.start_clock(&rules.clock, ClockOwner::Task(task));
    Ok(())
}

pub(in crate::engine) fn decide_objection(
    scene: &mut Scene<'_>,
    decide: &DecideObjection,
) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::short_text(&decide.comment, "comment")?;
    let task = scene.open_task(decide.task)?;
    let rules = scene.spec_of(&task.reference).and_then(|spec| spec.objections.as_ref());
    let (Some(objection), Some(holder), Some(rules)) = (&task.objection, &task.holder, rules)
    else {
        return Err(Rejection::ObjectionState("nobody objects to this task"));
    };
    let doing = "decide an objection";
    let own = |member: &MemberId| *member == objection.by || *member == holder.member;
    if scene.actor.member().is_some_and(own) {
        return Err(Rejection::NotPermitted { doing, allowed: vec![rules.by.clone()] });
    }
    scene.must_hold(&rules.by, Some(&task), doing)?;
    let (from, comment) = (objection.by.clone(), decide.comment.clone());
    let reference = task.reference.clone();
    if decide.verdict == Verdict::Refuse {
        if decide.to.is_some() {
            let state = "a refused objection leaves the task where it is: name nobody";
            return Err(Rejection::ObjectionState(state));
        }
        scene.end_task_clock("objection", &task.reference, ClockEnd::Done);
        scene.emit(Payload::ObjectionRefused { task: reference, from, comment });
        return Ok(());
    }
    let both = [objection.by.clone(), holder.member.clone()];
    let assignment = other_holder(scene, &task, &both, decide.to.as_ref())?;
    scene.end_task_clock("objection", &task.reference, ClockEnd::Done);
    let nobody = assignment.is_none();
    scene.emit(Payload::ObjectionUpheld { task: reference, from, assignment, comment });
    if nobody && let Some(spec) = scene.spec_of(&task.reference) {
        scene.offer(&Task { holder: None, ..task }, spec);
    }
    Ok(())
}

/// Who does the task instead: who is named, or who the rules choose among the others.
fn other_holder(
    scene: &mut Scene<'_>,
    task: &Task,
    objectors: &[MemberId],
    named: Option<&MemberId>,
) -> Result<Option<Assignment>, Rejection> {
    let Some(to) = named else {
        let Some(spec) = scene.spec_of(&task.reference) else { return Ok(None) };
        return Ok(scene.choose(task, spec, objectors));
    };
    if scene.organization().member(to.as_str()).is_none() {
        return Err(Rejection::UnknownMember(to.clone()));
    }
    if objectors.contains(to) {
        return Err(Rejection::ObjectionState("the task is to go to somebody else"));
    }
    let assignment = scene.as_candidate(task, to.clone())?;
    Ok(Some(Assignment { because: AssignmentReason::Named, ..assignment }))
}
