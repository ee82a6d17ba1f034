//! Redo: a done task is done again, and everything that came after it.

use crate::definition::compiled::{Stage, TaskIndex};
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::engine::tasks;
use crate::model::command::Redo;
use crate::model::event::Payload;
use crate::model::task::{CancelReason, TaskKind, TaskRef};

pub(in crate::engine) fn redo(scene: &mut Scene<'_>, redo: &Redo) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::needed_text(&redo.reason, "reason")?;
    let task = scene.task(redo.task)?.clone();
    if task.kind == TaskKind::Wait {
        return Err(Rejection::TaskIsWait(task.reference));
    }
    let newer = |other: &crate::model::task::Task| {
        let (own, other) = (&task.reference, &other.reference);
        other.stage == own.stage
            && other.id == own.id
            && other.each == own.each
            && other.number > own.number
    };
    if !tasks::is_done(&task) || scene.instance.tasks().any(newer) {
        return Err(Rejection::TaskNotDone(task.reference));
    }
    let Some((_, stage)) = scene.workflow().stage(task.reference.stage.as_str()) else {
        return Err(Rejection::TaskNotFound(redo.task.0));
    };
    let Some((index, spec)) = stage.task(task.reference.id.as_str()) else {
        return Err(Rejection::TaskNotFound(redo.task.0));
    };
    scene.must_hold(&stage.role, None, "redo")?;

    let reason = redo.reason.clone();
    scene.emit(Payload::TaskRedone { task: task.reference.clone(), reason });
    let after = all_after(stage, index);
    take_back(scene, stage, &after);
    scene.open_one(stage, spec, task.reference.each, task.role, task.attempt + 1);
    Ok(())
}

/// The tasks that wait for one, directly or through others.
fn all_after(stage: &Stage, first: TaskIndex) -> Vec<TaskIndex> {
    let mut after = vec![first];
    let mut seen = 0;
    while let Some(current) = after.get(seen).copied() {
        seen += 1;
        for (at, spec) in stage.tasks.iter().enumerate() {
            let index = TaskIndex(at);
            if spec.after.contains(&current) && !after.contains(&index) {
                after.push(index);
            }
        }
    }
    after.remove(0);
    after
}

/// Open and done ones alike are taken back; they open anew once what they wait for is done again.
fn take_back(scene: &mut Scene<'_>, stage: &Stage, after: &[TaskIndex]) {
    let meant = |task: &TaskRef| {
        let is_after = |index: &TaskIndex| stage.tasks[index.0].id == task.id;
        task.stage == stage.id && after.iter().any(is_after)
    };
    scene.cancel_tasks(CancelReason::Redone, |task| meant(&task.reference));
    let done: Vec<TaskRef> = scene
        .instance
        .tasks
        .iter()
        .filter(|task| tasks::is_done(task) && meant(&task.reference))
        .map(|task| task.reference.clone())
        .collect();
    for task in done {
        scene.emit(Payload::TaskCancelled { task, because: CancelReason::Redone });
    }
}
