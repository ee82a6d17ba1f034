//! Apply, for tasks.

use std::sync::Arc;

use crate::model::clock::ClockRef;
use crate::model::event::Payload;
use crate::model::instance::Instance;
use crate::model::task::{Assignment, ExtensionRequest, Holder, ObjectUntil};
use crate::model::task::{Task, TaskEnd, TaskRef};
use crate::model::time::Timestamp;

/// Applies an event about a task; of a task that is not there, nothing.
pub(super) fn apply_task(instance: &mut Instance, payload: &Payload, at: Timestamp) {
    match payload {
        Payload::TaskOpened { task } => {
            instance.next_task = instance.next_task.max(task.reference.number.0 + 1);
            instance.tasks.push(Arc::new(task.clone()));
        }
        Payload::TaskAssigned { task, assignment, object_until }
        | Payload::TaskReassigned { task, assignment, object_until, .. } => {
            let object_until = *object_until;
            give(instance, task, Some(Holder { object_until, ..holder(assignment, at) }));
        }
        Payload::TaskClaimed { task, assignment } => {
            give(instance, task, Some(holder(assignment, at)));
        }
        Payload::TaskDelegated { task, from, assignment, .. } => {
            let delegated_by = Some(from.clone());
            give(instance, task, Some(Holder { delegated_by, ..holder(assignment, at) }));
        }
        Payload::TaskReleased { task, .. } | Payload::TaskOffered { task, .. } => {
            give(instance, task, None);
        }
        Payload::ObjectionUpheld { task, assignment, .. } => {
            let next = assignment.as_ref().map(|assignment| holder(assignment, at));
            give(instance, task, next);
        }
        Payload::ObjectionRaised { task, objection } => {
            change(instance, task, |task| task.objection = Some(objection.clone()));
        }
        Payload::ObjectionRefused { task, .. } => {
            change(instance, task, |task| {
                task.objection = None;
                if let Some(holder) = &mut task.holder {
                    holder.object_until = None;
                }
            });
        }
        Payload::TaskCompleted { task, outcome, by, instead_of, delegated_by, .. } => {
            let end = TaskEnd::Done {
                outcome: outcome.clone(),
                by: by.clone(),
                instead_of: instead_of.clone(),
                delegated_by: delegated_by.clone(),
                at,
            };
            change(instance, task, |task| finish(task, end));
        }
        Payload::TaskCancelled { task, because } => {
            let end = TaskEnd::Cancelled { because: *because, at };
            change(instance, task, |task| finish(task, end));
        }
        other => apply_request(instance, other, at),
    }
}

/// What is asked for a task, checked and answered while somebody is at it.
fn apply_request(instance: &mut Instance, payload: &Payload, at: Timestamp) {
    match payload {
        Payload::TaskChecked { task, item, checked } => {
            change(instance, task, |task| {
                task.checked.retain(|known| known != item);
                if *checked {
                    task.checked.push(item.clone());
                }
            });
        }
        Payload::ExtensionRequested { task: Some(task), request, .. } => {
            change(instance, task, |task| task.extension_request = Some(request.clone()));
        }
        Payload::ExtensionRequested { task: None, clock: Some(clock), request } => {
            change_request(instance, clock, Some(request));
        }
        Payload::ExtensionRefused { task: Some(task), .. } => {
            change(instance, task, |task| task.extension_request = None);
        }
        Payload::ExtensionRefused { task: None, clock: Some(clock), .. } => {
            change_request(instance, clock, None);
        }
        Payload::SupplementRequested { task, supplement } => {
            change(instance, task, |task| {
                task.supplement = Some(supplement.clone());
                task.supplements_asked += 1;
            });
        }
        Payload::SupplementSupplied { task, .. } => {
            change(instance, task, |task| task.supplement = None);
        }
        Payload::SupplementLapsed { task, .. } => {
            change(instance, task, |task| {
                if let Some(supplement) = &mut task.supplement {
                    supplement.lapsed_at = Some(at);
                }
            });
        }
        // A redone task keeps its end; its next attempt follows as `task.opened`. The other events
        // are not about tasks.
        _ => {}
    }
}

/// What is asked for a clock that measures no task stands with the clock.
fn change_request(instance: &mut Instance, clock: &ClockRef, request: Option<&ExtensionRequest>) {
    let found = instance.clocks.iter_mut().find(|known| known.number == clock.number);
    if let Some(found) = found {
        Arc::make_mut(found).extension_request = request.cloned();
    }
}

/// Another holder; what the one before had against it is settled by that.
fn give(instance: &mut Instance, task: &TaskRef, holder: Option<Holder>) {
    change(instance, task, |task| {
        task.holder = holder;
        task.objection = None;
    });
}

/// Until when a holder may object has moved.
pub(super) fn move_objection(instance: &mut Instance, moved: &ObjectUntil) {
    change(instance, &moved.task, |task| {
        if let Some(holder) = &mut task.holder {
            holder.object_until = Some(moved.until);
        }
    });
}

fn finish(task: &mut Task, end: TaskEnd) {
    task.end = Some(end);
    task.extension_request = None;
    task.objection = None;
    task.supplement = None;
}

fn holder(assignment: &Assignment, since: Timestamp) -> Holder {
    Holder {
        member: assignment.member.clone(),
        instead_of: assignment.instead_of.clone(),
        since,
        delegated_by: None,
        object_until: None,
    }
}

fn change(instance: &mut Instance, task: &TaskRef, change: impl FnOnce(&mut Task)) {
    let found = instance.tasks.iter_mut().find(|known| known.reference.number == task.number);
    if let Some(task) = found {
        change(Arc::make_mut(task));
    }
}
