//! Facts: what conditions and functions may read of an instance.

use std::sync::Arc;

use crate::definition::compiled::{Join, Stage, TaskSpec, Workflow};
use crate::model::instance::{Instance, StageState};
use crate::model::task::{Task, TaskEnd, TaskKind};
use crate::script::facts::{Facts, ProjectFacts, StageFacts, TaskFacts, TaskGroupFacts};
use crate::script::facts::{TaskMemberFacts, TasksFacts};

/// The facts of an instance, seen from nowhere in particular.
pub(super) fn of(workflow: &Workflow, instance: &Instance) -> Facts {
    let project = ProjectFacts {
        id: instance.id.clone(),
        steward: instance.steward.clone(),
        group: instance.group.clone(),
        fields: instance.fields.clone(),
    };
    let mut tasks: Vec<TaskGroupFacts> = workflow
        .stages
        .iter()
        .flat_map(|stage| {
            let state = instance.stage(stage.id.as_str());
            stage.tasks.iter().map(move |spec| task_group(instance, stage, spec, state))
        })
        .collect();
    tasks.sort_by(|left, right| left.id.cmp(&right.id));
    Facts {
        project: Arc::new(project),
        stage: Arc::new(StageFacts { id: "".into(), attempt: 0, returns: 0 }),
        task: None,
        tasks: Arc::new(TasksFacts { tasks }),
    }
}

/// The same facts, seen from a stage and, where there is one, a task of it.
pub(super) fn about(
    facts: &Facts,
    instance: &Instance,
    stage: &Stage,
    task: Option<&Task>,
) -> Facts {
    let state = instance.stage(stage.id.as_str());
    let stage = StageFacts {
        id: stage.id.as_str().into(),
        attempt: state.map_or(0, |state| state.attempt),
        returns: state.map_or(0, |state| state.returns),
    };
    let task = task.map(|task| {
        Arc::new(TaskFacts {
            id: task.reference.id.as_str().into(),
            each: task.reference.each.clone().unwrap_or_else(|| "".into()),
            attempt: task.attempt,
            outcome: outcome_text(task).into(),
        })
    });
    Facts {
        project: facts.project.clone(),
        stage: Arc::new(stage),
        task,
        tasks: facts.tasks.clone(),
    }
}

fn outcome_text(task: &Task) -> &str {
    match &task.end {
        Some(TaskEnd::Done { outcome: Some(outcome), .. }) => outcome.as_str(),
        Some(TaskEnd::Done { outcome: None, .. } | TaskEnd::Cancelled { .. }) | None => "",
    }
}

fn task_group(
    instance: &Instance,
    stage: &Stage,
    spec: &TaskSpec,
    state: Option<&StageState>,
) -> TaskGroupFacts {
    let words: Vec<Option<&Arc<str>>> = if spec.for_each.is_empty() {
        vec![None]
    } else {
        spec.for_each.iter().map(Some).collect()
    };
    let members: Vec<TaskMemberFacts> = words
        .into_iter()
        .map(|word| match latest(instance, stage, spec, word) {
            Some(task) => of_task(task, word),
            None => of_closed(spec, state, word),
        })
        .collect();
    let done = is_enough(spec, members.iter().filter(|member| member.done).count());
    TaskGroupFacts { id: spec.id.as_str().into(), members, done }
}

/// The latest attempt of a task in the open activation of its stage.
pub(super) fn latest<'a>(
    instance: &'a Instance,
    stage: &Stage,
    spec: &TaskSpec,
    word: Option<&Arc<str>>,
) -> Option<&'a Task> {
    instance.tasks.iter().rev().find(|task| {
        task.reference.stage == stage.id
            && task.reference.id == spec.id
            && task.reference.each.as_ref() == word
    })
}

/// Whether so many done ones are enough.
pub(super) fn is_enough(spec: &TaskSpec, done: usize) -> bool {
    let total = spec.for_each.len().max(1);
    let needed = match (spec.kind, spec.join) {
        (TaskKind::Wait, _) | (TaskKind::Human, Join::All) => total,
        (TaskKind::Human, Join::Any) => 1,
        (TaskKind::Human, Join::AtLeast(count)) => {
            usize::try_from(count).unwrap_or(total).min(total)
        }
    };
    done >= needed
}

fn of_task(task: &Task, word: Option<&Arc<str>>) -> TaskMemberFacts {
    let each = word.cloned().unwrap_or_else(|| "".into());
    match &task.end {
        None => TaskMemberFacts { each, open: true, done: false, outcome: None },
        Some(TaskEnd::Done { outcome, .. }) => {
            TaskMemberFacts { each, open: false, done: true, outcome: outcome.clone() }
        }
        Some(TaskEnd::Cancelled { .. }) => {
            TaskMemberFacts { each, open: false, done: false, outcome: None }
        }
    }
}

fn of_closed(
    spec: &TaskSpec,
    state: Option<&StageState>,
    word: Option<&Arc<str>>,
) -> TaskMemberFacts {
    let closed = state.and_then(|state| {
        state.outcomes.iter().find(|old| old.task == spec.id && old.each.as_ref() == word)
    });
    TaskMemberFacts {
        each: word.cloned().unwrap_or_else(|| "".into()),
        open: false,
        done: closed.is_some_and(|closed| closed.done),
        outcome: closed.and_then(|closed| closed.outcome.clone()),
    }
}
