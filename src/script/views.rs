//! Read-only views of the facts: what `project`, `stage`, `task` and `tasks` are inside a script.
//!
//! Each is a type of its own over an `Arc` with getters only, so no script can change a fact, and
//! handing one over copies a pointer.

#![expect(clippy::needless_pass_by_value, reason = "scripts hand their arguments over by value")]

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Position, Scope};

use crate::model::id::{GroupId, MemberId};
use crate::model::value::Value;

use super::facts::{
    Facts, ProjectFacts, StageFacts, TaskFacts, TaskGroupFacts, TaskMemberFacts, TasksFacts,
};

/// What a getter answers.
type Answer<T> = Result<T, Box<EvalAltResult>>;

/// `project`.
#[derive(Debug, Clone)]
pub(super) struct ProjectView(pub(super) Arc<ProjectFacts>);

/// `stage`.
#[derive(Debug, Clone)]
pub(super) struct StageView(pub(super) Arc<StageFacts>);

/// `task`.
#[derive(Debug, Clone)]
pub(super) struct TaskView(pub(super) Arc<TaskFacts>);

/// `tasks`.
#[derive(Debug, Clone)]
pub(super) struct TasksView(pub(super) Arc<TasksFacts>);

/// `tasks.x`, by its place.
#[derive(Debug, Clone)]
struct TaskGroupView(Arc<TasksFacts>, usize);

/// `tasks.x["word"]`, by its places.
#[derive(Debug, Clone)]
struct TaskMemberView(Arc<TasksFacts>, usize, usize);

impl TaskGroupView {
    fn group(&self) -> &TaskGroupFacts {
        &self.0.tasks[self.1]
    }
}

impl TaskMemberView {
    fn member(&self) -> &TaskMemberFacts {
        &self.0.tasks[self.1].members[self.2]
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
    pub(super) fn scope(self, facts: &Facts) -> Scope<'static> {
        let mut scope = Scope::new();
        if self.project {
            scope.push("project", ProjectView(Arc::clone(&facts.project)));
        }
        if self.stage {
            scope.push("stage", StageView(Arc::clone(&facts.stage)));
        }
        if self.task {
            scope.push_dynamic("task", task(facts));
        }
        if self.tasks {
            scope.push("tasks", TasksView(Arc::clone(&facts.tasks)));
        }
        scope
    }
}

/// `task`, or `()` where there is none.
pub(super) fn task(facts: &Facts) -> Dynamic {
    facts.task.as_ref().map_or(Dynamic::UNIT, |task| Dynamic::from(TaskView(Arc::clone(task))))
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
    engine.register_indexer_get(project_property);

    engine
        .register_get("id", |stage: &mut StageView| text(&stage.0.id))
        .register_get("attempt", |stage: &mut StageView| i64::from(stage.0.attempt))
        .register_get("returns", |stage: &mut StageView| i64::from(stage.0.returns));

    engine
        .register_get("id", |task: &mut TaskView| text(&task.0.id))
        .register_get("each", |task: &mut TaskView| text(&task.0.each))
        .register_get("attempt", |task: &mut TaskView| i64::from(task.0.attempt))
        .register_get("outcome", |task: &mut TaskView| text(&task.0.outcome));

    engine.register_indexer_get(tasks_of_name);
    engine
        .register_get("open", |tasks: &mut TaskGroupView| {
            tasks.group().members.iter().any(|member| member.open)
        })
        .register_get("done", |tasks: &mut TaskGroupView| tasks.group().done)
        .register_get("outcome", |tasks: &mut TaskGroupView| shared_outcome(tasks.group()))
        .register_get("total", |tasks: &mut TaskGroupView| count(tasks.group().members.len()))
        .register_fn("count", |tasks: &mut TaskGroupView, outcome: ImmutableString| {
            let ended = |member: &&TaskMemberFacts| {
                member.done && member.outcome.as_ref().is_some_and(|own| own.as_str() == outcome)
            };
            count(tasks.group().members.iter().filter(ended).count())
        })
        .register_indexer_get(task_of_group);

    engine
        .register_get("each", |task: &mut TaskMemberView| text(&task.member().each))
        .register_get("open", |task: &mut TaskMemberView| task.member().open)
        .register_get("done", |task: &mut TaskMemberView| task.member().done)
        .register_get("outcome", |task: &mut TaskMemberView| {
            let member = task.member();
            member.outcome.as_ref().map_or("", |outcome| outcome.as_str()).to_owned()
        });
}

fn text(text: &str) -> ImmutableString {
    text.into()
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A field's value, `()` while it is empty. Whether it is declared was checked when the
/// expression was loaded.
fn project_property(project: &mut ProjectView, name: ImmutableString) -> Dynamic {
    let facts = &project.0;
    let or_nothing = |text: Option<&str>| text.map_or(Dynamic::UNIT, Dynamic::from_text);
    match name.as_str() {
        "id" => Dynamic::from_text(facts.id.as_str()),
        "steward" => or_nothing(facts.steward.as_ref().map(MemberId::as_str)),
        "group" => or_nothing(facts.group.as_ref().map(GroupId::as_str)),
        field => facts.fields.get(field).map_or(Dynamic::UNIT, of_value),
    }
}

/// Texts of facts as values of a script.
trait FromText {
    fn from_text(text: &str) -> Dynamic;
}

impl FromText for Dynamic {
    fn from_text(text: &str) -> Dynamic {
        ImmutableString::from(text).into()
    }
}

fn of_value(value: &Value) -> Dynamic {
    match value {
        Value::Text(text) => Dynamic::from_text(text),
        Value::Integer(number) => (*number).into(),
        Value::Decimal(number) => Dynamic::from(*number),
        Value::Boolean(yes) => (*yes).into(),
        Value::Date(date) => Dynamic::from(*date),
    }
}

fn tasks_of_name(tasks: &mut TasksView, name: ImmutableString) -> Answer<TaskGroupView> {
    let facts = &tasks.0;
    facts
        .tasks
        .binary_search_by(|group| (*group.id).cmp(name.as_str()))
        .map(|at| TaskGroupView(Arc::clone(facts), at))
        .map_err(|_| not_found(&format!("tasks.{name}")))
}

fn task_of_group(tasks: &mut TaskGroupView, each: ImmutableString) -> Answer<TaskMemberView> {
    let group = tasks.group();
    match group.members.iter().position(|member| *member.each == *each) {
        Some(at) => Ok(TaskMemberView(Arc::clone(&tasks.0), tasks.1, at)),
        None => Err(not_found(&format!("tasks.{}[\"{each}\"]", group.id))),
    }
}

/// The outcome that all done tasks of the name share; `""` while none is done or they differ.
fn shared_outcome(group: &TaskGroupFacts) -> ImmutableString {
    let mut outcomes = group
        .members
        .iter()
        .filter(|member| member.done)
        .map(|member| member.outcome.as_ref().map_or("", |outcome| outcome.as_str()));
    match outcomes.next() {
        Some(first) if outcomes.all(|other| other == first) => first.into(),
        _ => ImmutableString::new(),
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "the script engine passes errors in boxes")]
fn not_found(what: &str) -> Box<EvalAltResult> {
    EvalAltResult::ErrorPropertyNotFound(what.to_owned(), Position::NONE).into()
}
