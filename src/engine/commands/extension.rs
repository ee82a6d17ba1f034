//! Extensions: more time is asked for by who works on a task, and granted by the role above.

use crate::engine::ladder::Timing;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::clock::{Clock, ClockOwner, Extension, Limit};
use crate::model::command::{DecideExtension, RequestExtension, Verdict};
use crate::model::event::Payload;
use crate::model::id::RoleId;
use crate::model::task::{ExtensionRequest, Task};

pub(in crate::engine) fn request_extension(
    scene: &mut Scene<'_>,
    asked: &RequestExtension,
) -> Result<(), Rejection> {
    super::needed_text(&asked.reason, "reason")?;
    let task = scene.open_task(asked.task)?;
    let clock = clock_of(scene, &task)?;
    let asked_by = scene.as_worker(&task, "request an extension")?.member;
    if task.extension_request.is_some() {
        return Err(Rejection::ExtensionState("one is already asked for"));
    }
    must_be_later(scene, &clock, asked.by)?;
    let request = ExtensionRequest {
        by: asked.by,
        reason: asked.reason.clone(),
        asked_by,
        asked_at: scene.now,
    };
    scene.emit(Payload::ExtensionRequested { task: task.reference, request });
    Ok(())
}

pub(in crate::engine) fn decide_extension(
    scene: &mut Scene<'_>,
    decide: &DecideExtension,
) -> Result<(), Rejection> {
    super::short_text(&decide.comment, "comment")?;
    let task = scene.open_task(decide.task)?;
    let Some(request) = task.extension_request.clone() else {
        return Err(Rejection::ExtensionState("none was asked for"));
    };
    must_approve(scene, &task, &request)?;
    let comment = decide.comment.clone();
    match decide.verdict {
        Verdict::Refuse => {
            scene.emit(Payload::ExtensionRefused { task: task.reference, comment });
            Ok(())
        }
        Verdict::Grant => {
            let clock = clock_of(scene, &task)?;
            grant(scene, &clock, request.by, comment);
            Ok(())
        }
    }
}

fn grant(scene: &mut Scene<'_>, clock: &Clock, by: Limit, comment: String) {
    let at = scene.now;
    let extension = Extension { by, granted_at: at };
    let mut extended = clock.clone();
    extended.extended.push(extension.clone());
    let spec = scene.clock_spec(clock);
    let timing = Timing::of(&extended, scene.calendar_of(spec), scene.policy_of(spec));
    let (epoch, mut plan) = timing.next_epoch(&extended, at);
    if clock.is_paused() {
        plan.schedule.clear();
    }
    let light = epoch.inherited.last().map(|fired| fired.light);
    scene.clear_if_darker(clock.number, light);
    scene.emit(Payload::ClockExtended {
        clock: clock.reference(),
        extension,
        due_before: clock.plan.due,
        epoch,
        plan,
        comment,
    });
}

fn clock_of(scene: &Scene<'_>, task: &Task) -> Result<Clock, Rejection> {
    let number = task.reference.number;
    let measures = |owner: &ClockOwner| match owner {
        ClockOwner::Task(reference) => reference.number == number,
        ClockOwner::Instance | ClockOwner::Stage(_) | ClockOwner::Suspension => false,
    };
    let found = scene.instance.clocks().find(|clock| measures(&clock.owner));
    found.cloned().ok_or(Rejection::NoClock)
}

/// An extension that would not move the due time is none.
fn must_be_later(scene: &Scene<'_>, clock: &Clock, by: Limit) -> Result<(), Rejection> {
    let mut extended = clock.clone();
    extended.extended.push(Extension { by, granted_at: scene.now });
    let spec = scene.clock_spec(clock);
    let timing = Timing::of(&extended, scene.calendar_of(spec), scene.policy_of(spec));
    if timing.due().at > clock.plan.due {
        Ok(())
    } else {
        Err(Rejection::ExtensionState("it would not move the due time"))
    }
}

/// The role that the task names, or the one above the task's role; never who asked.
fn must_approve(
    scene: &Scene<'_>,
    task: &Task,
    request: &ExtensionRequest,
) -> Result<(), Rejection> {
    let doing = "decide an extension";
    let named = scene.spec_of(&task.reference).and_then(|spec| spec.extension_approver.clone());
    let approver: Option<RoleId> = named.or_else(|| {
        let role = task.role.as_ref()?;
        scene.roles_above(role.as_str()).into_iter().next()
    });
    if scene.actor.member() == Some(&request.asked_by) {
        let allowed = approver.into_iter().collect();
        return Err(Rejection::NotPermitted { doing, allowed });
    }
    match approver {
        Some(approver) => scene.must_hold(&approver, Some(task), doing),
        None => scene.must_command(doing),
    }
}
