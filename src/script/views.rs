//! Read-only views of the facts: what `project`, `stage`, `task` and `tasks` are inside a script.
//!
//! Each is a type of its own over an `Arc` with getters only, so no script can change a fact, and
//! handing one over copies a pointer.

#![expect(clippy::needless_pass_by_value, reason = "scripts hand their arguments over by value")]

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Position, Scope};

use crate::model::id::StageId;
use crate::model::instance::Instance;
use crate::model::task::Task;

use super::facts::{Facts, TaskGroups};
use super::properties::{
    self, GroupFact, MemberFact, OF_GROUP, OF_MEMBER, OF_STAGE, OF_TASK, Read, StageFact,
};

/// What a getter answers.
type Answer<T> = Result<T, Box<EvalAltResult>>;

/// `project`.
#[derive(Debug, Clone)]
pub(super) struct ProjectView(Arc<Instance>);

/// `stage`.
#[derive(Debug, Clone)]
pub(super) struct StageView(Arc<Instance>, Option<StageId>);

/// `task`.
#[derive(Debug, Clone)]
struct TaskView(Arc<Task>);

/// `tasks`.
#[derive(Debug, Clone)]
pub(super) struct TasksView(Arc<Instance>, Arc<TaskGroups>);

/// `tasks.x`, by its place.
#[derive(Debug, Clone)]
struct TaskGroupView(TasksView, usize);

/// `tasks.x["word"]`.
#[derive(Debug, Clone)]
struct TaskMemberView(TaskGroupView, Arc<str>);

impl ProjectView {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        Self(Arc::clone(facts.instance))
    }
}

impl StageView {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        Self(Arc::clone(facts.instance), facts.stage.cloned())
    }

    fn fact(&self) -> StageFact<'_> {
        StageFact(&self.0, self.1.as_ref())
    }
}

impl TasksView {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        Self(Arc::clone(facts.instance), Arc::clone(facts.tasks))
    }
}

impl TaskGroupView {
    fn fact(&self) -> GroupFact<'_> {
        let TasksView(instance, tasks) = &self.0;
        GroupFact(instance, tasks.at(self.1))
    }
}

impl TaskMemberView {
    fn fact(&self) -> MemberFact<'_> {
        MemberFact(self.0.fact(), &self.1)
    }
}

/// Which of the facts a script names: only those are put in its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for one fact")]
pub(super) struct Named {
    pub(super) project: bool,
    pub(super) stage: bool,
    pub(super) task: bool,
    pub(super) tasks: bool,
}

impl Named {
    /// A scope with the facts that are named.
    pub(super) fn scope(self, facts: &Facts<'_>) -> Scope<'static> {
        let mut scope = Scope::new();
        if self.project {
            scope.push("project", ProjectView::of(facts));
        }
        if self.stage {
            scope.push("stage", StageView::of(facts));
        }
        if self.task {
            scope.push_dynamic("task", task(facts));
        }
        if self.tasks {
            scope.push("tasks", TasksView::of(facts));
        }
        scope
    }
}

/// `task`, or `()` where there is none.
pub(super) fn task(facts: &Facts<'_>) -> Dynamic {
    facts.task.map_or(Dynamic::UNIT, |task| Dynamic::from(TaskView(Arc::new(task.clone()))))
}

/// Registers the views.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<ProjectView>("project")
        .register_type_with_name::<StageView>("stage")
        .register_type_with_name::<TaskView>("task")
        .register_type_with_name::<TasksView>("tasks")
        .register_type_with_name::<TaskGroupView>("tasks of one name")
        .register_type_with_name::<TaskMemberView>("task of a group");
    for (name, of) in OF_STAGE {
        engine.register_get(name, move |stage: &mut StageView| value(of(stage.fact())));
    }
    for (name, of) in OF_TASK {
        engine.register_get(name, move |task: &mut TaskView| value(of(&task.0)));
    }
    for (name, of) in OF_GROUP {
        engine.register_get(name, move |tasks: &mut TaskGroupView| value(of(tasks.fact())));
    }
    for (name, of) in OF_MEMBER {
        engine.register_get(name, move |task: &mut TaskMemberView| value(of(task.fact())));
    }
    engine
        .register_indexer_get(|project: &mut ProjectView, name: ImmutableString| {
            value(properties::of_project(&project.0, &name))
        })
        .register_indexer_get(tasks_of_name)
        .register_indexer_get(task_of_group)
        .register_fn("count", |tasks: &mut TaskGroupView, outcome: ImmutableString| {
            value(tasks.fact().count(&outcome))
        });
}

/// What a fact answers as a value of a script.
fn value(read: Read<'_>) -> Dynamic {
    match read {
        Read::Nothing => Dynamic::UNIT,
        Read::Text(text) => ImmutableString::from(text).into(),
        Read::Integer(number) => number.into(),
        Read::Decimal(number) => Dynamic::from(number),
        Read::Boolean(yes) => yes.into(),
        Read::Date(date) => Dynamic::from(date),
    }
}

fn tasks_of_name(tasks: &mut TasksView, name: ImmutableString) -> Answer<TaskGroupView> {
    match tasks.1.find(&name) {
        Some(place) => Ok(TaskGroupView(tasks.clone(), place)),
        None => Err(not_found(&format!("tasks.{name}"))),
    }
}

fn task_of_group(tasks: &mut TaskGroupView, each: ImmutableString) -> Answer<TaskMemberView> {
    let group = tasks.fact();
    match group.of_word(&each) {
        Some(MemberFact(_, word)) => Ok(TaskMemberView(tasks.clone(), Arc::clone(word))),
        None => Err(not_found(&format!("tasks.{}[\"{each}\"]", group.1.id))),
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "the script engine passes errors in boxes")]
fn not_found(what: &str) -> Box<EvalAltResult> {
    EvalAltResult::ErrorPropertyNotFound(what.to_owned(), Position::NONE).into()
}
