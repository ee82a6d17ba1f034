//! Facts: what conditions and functions may read of an instance.

use std::sync::Arc;

use crate::definition::compiled::Stage;
use crate::model::task::{Task, TaskEnd};
use crate::script::facts::{Facts, TaskFacts};

use super::scene::Scene;

impl Scene<'_> {
    /// The facts as they are now, seen from a stage and, where there is one, a task of it. To be
    /// let go before anything is emitted: while somebody looks at an instance, changing it copies
    /// it.
    pub(super) fn facts(&self, stage: Option<&Stage>, task: Option<&Task>) -> Facts {
        Facts {
            instance: Arc::clone(&self.instance),
            stage: stage.map(|stage| stage.id.clone()),
            task: task.map(of_task).map(Arc::new),
            tasks: Arc::clone(&self.workflow().task_groups),
        }
    }
}

fn of_task(task: &Task) -> TaskFacts {
    let outcome = match &task.end {
        Some(TaskEnd::Done { outcome, .. }) => outcome.clone(),
        Some(TaskEnd::Cancelled { .. }) | None => None,
    };
    let reference = &task.reference;
    let (id, each) = (reference.id.clone(), reference.each.clone());
    TaskFacts { id, each, attempt: task.attempt, outcome }
}
