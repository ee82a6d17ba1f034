//! Supplements: a task waits for something from outside, and its clock with it, but not for ever.

use crate::engine::clocks;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::clock::{ClockEnd, ClockOwner, PauseReason};
use crate::model::command::{RequestSupplement, Supply};
use crate::model::event::Payload;
use crate::model::task::{Supplement, TaskRef};

pub(in crate::engine) fn request_supplement(
    scene: &mut Scene<'_>,
    asked: &RequestSupplement,
) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::needed_text(&asked.what, "what")?;
    let task = scene.open_task(asked.task)?;
    let Some(rules) = scene.spec_of(&task.reference).and_then(|spec| spec.supplements.as_ref())
    else {
        return Err(Rejection::SupplementState("the workflow lets this task wait for nothing"));
    };
    let asked_by = scene.as_worker(&task, "request a supplement")?.member;
    if task.supplement.is_some() {
        return Err(Rejection::SupplementState("the task waits for something already"));
    }
    if task.supplements_asked >= rules.times {
        let state = "it was asked for as often as may be: all that is missing is told at once";
        return Err(Rejection::SupplementState(state));
    }
    let supplement =
        Supplement { what: asked.what.clone(), asked_by, asked_at: scene.now, lapsed_at: None };
    let running = scene.task_clock(&task.reference);
    let stopped = running.filter(|clock| clocks::stands_still(clock.kind, &clock.owner));
    let stopped = stopped.map(|clock| clock.number);
    let task = task.reference;
    scene.emit(Payload::SupplementRequested { task: task.clone(), supplement });
    if let Some(number) = stopped {
        scene.pause_clock(number, PauseReason::Supplement);
    }
    scene.start_clock(&rules.clock, ClockOwner::Task(task));
    Ok(())
}

/// Also possible once the time for it ran out, and while the instance stands still.
pub(in crate::engine) fn supply(scene: &mut Scene<'_>, supply: &Supply) -> Result<(), Rejection> {
    super::needed_text(&supply.what, "what")?;
    let task = scene.open_task(supply.task)?;
    let Some(supplement) = &task.supplement else {
        return Err(Rejection::SupplementState("the task waits for nothing"));
    };
    // A service brings what an enterprise sends to those who command the instance.
    if scene.as_worker(&task, "supply").is_err() {
        scene.must_command("supply")?;
    }
    let (what, asked_at) = (supply.what.clone(), supplement.asked_at);
    scene.end_task_clock("supplement", &task.reference, ClockEnd::Done);
    scene.emit(Payload::SupplementSupplied { task: task.reference.clone(), what, asked_at });
    scene.stop_waiting(&task.reference);
    Ok(())
}

impl Scene<'_> {
    /// The time for something from outside ran out: the work goes on without it.
    pub(in crate::engine) fn lapse(&mut self, task: &TaskRef) {
        let supplement = self.instance.task(task.number).and_then(|task| task.supplement.clone());
        let Some(supplement) = supplement else { return };
        let (what, asked_at) = (supplement.what, supplement.asked_at);
        self.emit(Payload::SupplementLapsed { task: task.clone(), what, asked_at });
        self.stop_waiting(task);
    }

    /// A task's clock goes on that stood still for something from outside.
    fn stop_waiting(&mut self, task: &TaskRef) {
        if let Some(number) = self.task_clock(task).map(|clock| clock.number) {
            self.resume_clock(number, PauseReason::Supplement);
        }
    }
}
