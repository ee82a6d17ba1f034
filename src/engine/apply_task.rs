//! Apply, for tasks.

use std::sync::Arc;

use crate::model::event::Payload;
use crate::model::instance::Instance;
use crate::model::task::{Assignment, Holder, Task, TaskEnd, TaskRef};
use crate::model::time::Timestamp;

/// Applies an event about a task; of a task that is not there, nothing.
pub(super) fn apply_task(instance: &mut Instance, payload: &Payload, at: Timestamp) {
    match payload {
        Payload::TaskOpened { task } => {
            instance.next_task = instance.next_task.max(task.reference.number.0 + 1);
            instance.tasks.push(Arc::new(task.clone()));
        }
        Payload::TaskAssigned { task, assignment }
        | Payload::TaskClaimed { task, assignment }
        | Payload::TaskReassigned { task, assignment, .. } => {
            change(instance, task, |task| task.holder = Some(holder(assignment, at)));
        }
        Payload::TaskReleased { task, .. } | Payload::TaskOffered { task, .. } => {
            change(instance, task, |task| task.holder = None);
        }
        Payload::TaskCompleted { task, outcome, by, instead_of, .. } => {
            let (outcome, by, instead_of) = (outcome.clone(), by.clone(), instead_of.clone());
            change(instance, task, |task| {
                task.end = Some(TaskEnd::Done { outcome, by, instead_of, at });
                task.extension_request = None;
            });
        }
        Payload::TaskCancelled { task, because } => {
            change(instance, task, |task| {
                task.end = Some(TaskEnd::Cancelled { because: *because, at });
                task.extension_request = None;
            });
        }
        Payload::TaskChecked { task, item, checked } => {
            change(instance, task, |task| {
                task.checked.retain(|known| known != item);
                if *checked {
                    task.checked.push(item.clone());
                }
            });
        }
        Payload::ExtensionRequested { task, request } => {
            change(instance, task, |task| task.extension_request = Some(request.clone()));
        }
        Payload::ExtensionRefused { task, .. } => {
            change(instance, task, |task| task.extension_request = None);
        }
        // A redone task keeps its end; its next attempt follows as `task.opened`. The other events
        // are not about tasks.
        _ => {}
    }
}

fn holder(assignment: &Assignment, since: Timestamp) -> Holder {
    Holder { member: assignment.member.clone(), instead_of: assignment.instead_of.clone(), since }
}

fn change(instance: &mut Instance, task: &TaskRef, change: impl FnOnce(&mut Task)) {
    let found = instance.tasks.iter_mut().find(|known| known.reference.number == task.number);
    if let Some(task) = found {
        change(Arc::make_mut(task));
    }
}
