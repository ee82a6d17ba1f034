//! Read-only views of the facts: what `project`, `stage`, `task` and `tasks` are inside a script.
//!
//! Each is a type of its own over an `Arc` with getters only, so no script can change a fact, and
//! handing one over copies a pointer.

#![expect(clippy::needless_pass_by_value, reason = "scripts hand their arguments over by value")]

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Position, Scope};

use crate::model::id::{GroupId, MemberId, Outcome, StageId};
use crate::model::instance::{Instance, StageState};
use crate::model::value::Value;

use super::facts::{Facts, TaskFacts, TaskGroup, TaskGroups, TaskMember};

/// What a getter answers.
type Answer<T> = Result<T, Box<EvalAltResult>>;

/// `project`.
#[derive(Debug, Clone)]
pub(super) struct ProjectView(pub(super) Arc<Instance>);

/// `stage`.
#[derive(Debug, Clone)]
pub(super) struct StageView(Arc<Instance>, Option<StageId>);

/// `task`.
#[derive(Debug, Clone)]
struct TaskView(Arc<TaskFacts>);

/// `tasks`.
#[derive(Debug, Clone)]
pub(super) struct TasksView(Arc<Instance>, Arc<TaskGroups>);

/// `tasks.x`, by its place.
#[derive(Debug, Clone)]
struct TaskGroupView(TasksView, usize);

/// `tasks.x["word"]`, by its places.
#[derive(Debug, Clone)]
struct TaskMemberView(TaskGroupView, usize);

impl StageView {
    pub(super) fn of(facts: &Facts) -> Self {
        Self(Arc::clone(&facts.instance), facts.stage.clone())
    }

    fn state(&self) -> Option<&StageState> {
        self.0.stage(self.1.as_ref()?.as_str())
    }
}

impl TasksView {
    pub(super) fn of(facts: &Facts) -> Self {
        Self(Arc::clone(&facts.instance), Arc::clone(&facts.tasks))
    }
}

impl TaskGroupView {
    fn group(&self) -> &TaskGroup {
        self.0.1.at(self.1)
    }

    fn instance(&self) -> &Instance {
        &self.0.0
    }

    fn members(&self) -> impl Iterator<Item = TaskMember<'_>> {
        self.group().members(self.instance())
    }
}

impl TaskMemberView {
    fn word(&self) -> Option<&Arc<str>> {
        self.0.group().words.get(self.1)
    }

    fn member(&self) -> TaskMember<'_> {
        self.0.group().member(self.0.instance(), self.word())
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
            scope.push("project", ProjectView(Arc::clone(&facts.instance)));
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
        .register_get("id", |stage: &mut StageView| {
            text(stage.1.as_ref().map_or("", |stage| stage.as_str()))
        })
        .register_get("attempt", |stage: &mut StageView| {
            i64::from(stage.state().map_or(0, |state| state.attempt))
        })
        .register_get("returns", |stage: &mut StageView| {
            i64::from(stage.state().map_or(0, |state| state.returns))
        });
    engine
        .register_get("id", |task: &mut TaskView| text(task.0.id.as_str()))
        .register_get("each", |task: &mut TaskView| text(task.0.each.as_deref().unwrap_or("")))
        .register_get("attempt", |task: &mut TaskView| i64::from(task.0.attempt))
        .register_get("outcome", |task: &mut TaskView| outcome_text(task.0.outcome.as_ref()));
    engine.register_indexer_get(tasks_of_name);
    engine
        .register_get("open", |tasks: &mut TaskGroupView| tasks.members().any(|member| member.open))
        .register_get("done", |tasks: &mut TaskGroupView| tasks.group().is_done(tasks.instance()))
        .register_get("outcome", |tasks: &mut TaskGroupView| shared_outcome(tasks))
        .register_get("total", |tasks: &mut TaskGroupView| count(tasks.group().total()))
        .register_get("attempt", |tasks: &mut TaskGroupView| {
            i64::from(tasks.group().attempt(tasks.instance()))
        })
        .register_get("attempts", |tasks: &mut TaskGroupView| {
            i64::from(tasks.group().attempts(tasks.instance()))
        })
        .register_fn("count", |tasks: &mut TaskGroupView, outcome: ImmutableString| {
            let ended = |member: &TaskMember<'_>| {
                member.done && member.outcome.is_some_and(|own| own.as_str() == outcome)
            };
            count(tasks.members().filter(ended).count())
        })
        .register_indexer_get(task_of_group);
    engine
        .register_get("each", |task: &mut TaskMemberView| {
            text(task.word().map_or("", |word| &**word))
        })
        .register_get("open", |task: &mut TaskMemberView| task.member().open)
        .register_get("attempt", |task: &mut TaskMemberView| i64::from(task.member().attempt))
        .register_get("done", |task: &mut TaskMemberView| task.member().done)
        .register_get("outcome", |task: &mut TaskMemberView| outcome_text(task.member().outcome));
}

fn outcome_text(outcome: Option<&Outcome>) -> ImmutableString {
    outcome.map_or_else(ImmutableString::new, |outcome| outcome.as_str().into())
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
    let instance = &project.0;
    let or_nothing = |text: Option<&str>| text.map_or(Dynamic::UNIT, Dynamic::from_text);
    match name.as_str() {
        "id" => Dynamic::from_text(instance.id.as_str()),
        "steward" => or_nothing(instance.steward.as_ref().map(MemberId::as_str)),
        "group" => or_nothing(instance.group.as_ref().map(GroupId::as_str)),
        field => instance.fields.get(field).map_or(Dynamic::UNIT, of_value),
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
    match tasks.1.find(&name) {
        Some(place) => Ok(TaskGroupView(tasks.clone(), place)),
        None => Err(not_found(&format!("tasks.{name}"))),
    }
}

fn task_of_group(tasks: &mut TaskGroupView, each: ImmutableString) -> Answer<TaskMemberView> {
    let group = tasks.group();
    match group.words.iter().position(|word| **word == *each) {
        Some(at) => Ok(TaskMemberView(tasks.clone(), at)),
        None => Err(not_found(&format!("tasks.{}[\"{each}\"]", group.id))),
    }
}

/// The outcome that all done tasks of the name share; `""` while none is done or they differ.
fn shared_outcome(tasks: &TaskGroupView) -> ImmutableString {
    let mut outcomes = tasks.members().filter(|member| member.done).map(|member| member.outcome);
    match outcomes.next() {
        Some(first) if outcomes.all(|other| other == first) => outcome_text(first),
        _ => ImmutableString::new(),
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "the script engine passes errors in boxes")]
fn not_found(what: &str) -> Box<EvalAltResult> {
    EvalAltResult::ErrorPropertyNotFound(what.to_owned(), Position::NONE).into()
}
