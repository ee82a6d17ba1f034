//! Functions of the rules: `rules/*.rhai`, compiled once, called with read-only facts.
//!
//! Knows what a function may be given and what it may answer, never when it is called.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use rhai::{AST, Array, CallFnOptions, Dynamic, EvalAltResult, Expr, ImmutableString, Map, Scope};

use crate::calendar::Calendar;
use crate::model::id::MemberId;
use crate::model::organization::{Loads, Organization};
use crate::model::time::Timestamp;
use crate::model::value::Decimal;

use super::condition::Failure;
use super::facts::Facts;
use super::failure;
use super::finding::{Finding, FindingKind};
use super::numbers::decimal_of_float;
use super::people::Snapshot;
use super::sandbox;
use super::spans::Span;
use super::views::{self, ProjectView, StageView, TasksView};

/// The functions of one set of rule files.
#[derive(Default)]
pub struct Functions {
    /// All of them, without statements.
    pub(super) ast: AST,
    /// By name; a name stands for one function.
    pub(super) known: BTreeMap<Arc<str>, Function>,
}

/// One function.
#[derive(Debug)]
pub(super) struct Function {
    /// The names of its parameters, which say what it wants to be given.
    pub(super) parameters: Vec<Arc<str>>,
    /// The file in which it stands.
    pub(super) file: Arc<str>,
    /// Where its name stands there.
    pub(super) span: Span,
    /// Whether it asks about people, itself or through another function.
    pub(super) asks_people: bool,
    /// The fields and tasks that it asks for by name.
    pub(super) asked: Vec<Asked>,
    /// The expression that is all that it does; none: it does more.
    pub(super) expression: Option<Expr>,
}

/// A field or a task that a function asks for: `project.x`, `tasks.x`.
#[derive(Debug)]
pub(super) struct Asked {
    /// The fact: `project` or `tasks`.
    pub(super) fact: &'static str,
    /// What is asked of it.
    pub(super) name: Arc<str>,
    /// Where that stands.
    pub(super) span: Span,
}

/// For what the YAML names a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// `steward:` of a workflow.
    Steward,
    /// `assign:` of a task.
    Assign,
    /// `candidates:` of a task.
    Candidates,
    /// `check:` of a clock.
    Check,
}

impl Use {
    /// The parameters that can be given.
    pub fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Steward => &["project", "group", "candidates"],
            Self::Assign | Self::Candidates => {
                &["project", "stage", "task", "tasks", "group", "candidates"]
            }
            Self::Check => &["project", "stage", "tasks", "today"],
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Steward => "steward",
            Self::Assign => "assign",
            Self::Candidates => "candidates",
            Self::Check => "check",
        }
    }
}

/// What an assignment function may see beside the facts.
#[derive(Clone, Copy)]
pub struct People<'a> {
    /// The organization as it stands.
    pub organization: &'a Organization,
    /// Who has how much to do.
    pub loads: &'a Loads,
    /// The instance's calendar, for `working_days_between`.
    pub calendar: &'a Calendar,
    /// The instant of the decision, for who is absent.
    pub now: Timestamp,
    /// The members between whom to choose.
    pub candidates: &'a [MemberId],
}

/// Whom a function chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The person.
    pub member: MemberId,
    /// Why, in the function's words; empty where it gave none.
    pub because: Arc<str>,
}

impl fmt::Debug for Functions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.known.keys()).finish()
    }
}

impl Functions {
    /// Compiles rule files, each given as its path and its text. Everything that is wrong is
    /// told; the functions that are right are there all the same.
    pub fn compile(files: &[(Arc<str>, Arc<str>)]) -> (Self, Vec<Finding>) {
        super::rules::compile(files)
    }

    /// Whether there is a function of this name.
    pub fn exists(&self, function: &str) -> bool {
        self.known.contains_key(function)
    }

    /// The names of all functions, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(|name| &**name)
    }

    /// The parameters of a function.
    pub fn parameters(&self, function: &str) -> Option<&[Arc<str>]> {
        self.known.get(function).map(|known| &*known.parameters)
    }

    /// What keeps a function from this use: a parameter that cannot be given. The finding points
    /// to the function. A function that does not exist is none of its business.
    pub fn check_use(&self, function: &str, used_as: Use) -> Option<Finding> {
        let known = self.known.get(function)?;
        let given = used_as.parameters();
        let asked = known.parameters.iter().find(|asked| !given.contains(&&***asked))?;
        let list: Vec<String> = given.iter().map(|name| format!("`{name}`")).collect();
        Some(Finding {
            file: Some(Arc::clone(&known.file)),
            line: known.span.line,
            column: known.span.column,
            length: known.span.length,
            kind: FindingKind::UnknownParameter,
            message: format!(
                "`{function}` asks for `{asked}`, which `{}:` cannot give",
                used_as.key()
            ),
            hint: Some(format!("it can be given {}", list.join(", "))),
        })
    }

    /// What the functions ask for that is among neither these fields nor these tasks.
    pub fn undeclared(&self, fields: &BTreeSet<&str>, tasks: &BTreeSet<&str>) -> Vec<Finding> {
        super::rules::undeclared(self, fields, tasks)
    }

    /// Calls a function that names one member: it returns the member's name, a map
    /// `#{ member: "…", because: "…" }`, or `()` for nobody.
    pub fn choose(
        &self,
        function: &str,
        facts: &Facts<'_>,
        people: People<'_>,
    ) -> Result<Option<Chosen>, Failure> {
        let answer = self.call(function, facts, people)?;
        chosen(answer, people.organization).map_err(|message| self.wrong(function, message))
    }

    /// Calls a function that names several members: it returns an array of names.
    pub fn candidates(
        &self,
        function: &str,
        facts: &Facts<'_>,
        people: People<'_>,
    ) -> Result<Vec<MemberId>, Failure> {
        let answer = self.call(function, facts, people)?;
        let names = answer
            .try_cast_result::<Array>()
            .map_err(|other| format!("it returned {}, not an array", failure::described(&other)))
            .map_err(|message| self.wrong(function, message))?;
        let members: Result<Vec<_>, _> =
            names.into_iter().map(|name| member(name, people.organization)).collect();
        members.map_err(|message| self.wrong(function, message))
    }

    /// Calls a function that measures: it returns a number, or `()` if it has nothing to say.
    /// `today` is the day of `people.now` in the calendar.
    pub fn measure(
        &self,
        function: &str,
        facts: &Facts<'_>,
        people: People<'_>,
    ) -> Result<Option<Decimal>, Failure> {
        let answer = self.call(function, facts, people)?;
        measured(answer).map_err(|message| self.wrong(function, message))
    }

    fn call(
        &self,
        function: &str,
        facts: &Facts<'_>,
        people: People<'_>,
    ) -> Result<Dynamic, Failure> {
        let Some(known) = self.known.get(function) else {
            let place = function.to_owned();
            return Err(Failure { place, message: "there is no such function".to_owned() });
        };
        let mut arguments = Vec::with_capacity(known.parameters.len());
        for parameter in &known.parameters {
            let Some(argument) = argument(parameter, facts, people) else {
                return Err(self.wrong(function, format!("nobody can give it `{parameter}`")));
            };
            arguments.push(argument);
        }
        let options = CallFnOptions::new().with_tag(Arc::new(Snapshot::of(people)));
        let called = sandbox::guarded(|| -> Result<Dynamic, Box<EvalAltResult>> {
            let mut scope = Scope::new();
            sandbox::engine().call_fn_with_options::<Dynamic>(
                options.eval_ast(false),
                &mut scope,
                &self.ast,
                function,
                arguments,
            )
        });
        match called {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let (inside, position, message) = failure::innermost(&error);
                Err(Failure { place: self.place(inside.unwrap_or(function), position), message })
            }
            Err(message) => Err(self.wrong(function, message)),
        }
    }

    /// `file:line:column` of a position inside a function.
    pub(super) fn place(&self, function: &str, position: rhai::Position) -> String {
        let Some(known) = self.known.get(function) else { return function.to_owned() };
        let line = position.line().unwrap_or(known.span.line);
        let column = position.position().unwrap_or(known.span.column);
        format!("{}:{line}:{column}", known.file)
    }

    /// A failure of the function as a whole.
    fn wrong(&self, function: &str, message: String) -> Failure {
        Failure { place: self.place(function, rhai::Position::NONE), message }
    }
}

/// The choice that an answer stands for.
fn chosen(answer: Dynamic, organization: &Organization) -> Result<Option<Chosen>, String> {
    if answer.is_unit() {
        return Ok(None);
    }
    let mut map = match answer.try_cast_result::<Map>() {
        Ok(map) => map,
        Err(name) => {
            let member = member(name, organization)?;
            return Ok(Some(Chosen { member, because: "".into() }));
        }
    };
    let name = map.remove("member").ok_or("the map that it returned has no `member`")?;
    let because = map.remove("because").map_or(Ok(ImmutableString::new()), |because| {
        because.into_immutable_string().map_err(|other| format!("`because` is a {other}"))
    })?;
    if let Some(other) = map.keys().next() {
        return Err(format!("the map that it returned holds `{other}`, which means nothing"));
    }
    if name.is_unit() {
        return Ok(None);
    }
    Ok(Some(Chosen { member: member(name, organization)?, because: because.as_str().into() }))
}

fn measured(answer: Dynamic) -> Result<Option<Decimal>, String> {
    if answer.is_unit() {
        return Ok(None);
    }
    let described = failure::described(&answer);
    let wrong = || format!("it returned {described}, not a number");
    if let Ok(number) = answer.as_int() {
        return Ok(Some(Decimal::from(number)));
    }
    if let Ok(number) = answer.as_float() {
        return decimal_of_float(number).map(Some).ok_or_else(wrong);
    }
    answer.try_cast::<Decimal>().map(Some).ok_or_else(wrong)
}

fn argument(parameter: &str, facts: &Facts<'_>, people: People<'_>) -> Option<Dynamic> {
    Some(match parameter {
        "project" => Dynamic::from(ProjectView::of(facts)),
        "stage" => Dynamic::from(StageView::of(facts)),
        "task" => views::task(facts),
        "tasks" => Dynamic::from(TasksView::of(facts)),
        "today" => Dynamic::from(people.calendar.date_of(people.now)),
        "group" => {
            let group = facts.instance.group.as_ref();
            ImmutableString::from(group.map_or("", |group| group.as_str())).into()
        }
        "candidates" => {
            let name = |member: &MemberId| ImmutableString::from(member.as_str()).into();
            people.candidates.iter().map(name).collect::<Array>().into()
        }
        _ => return None,
    })
}

fn member(name: Dynamic, organization: &Organization) -> Result<MemberId, String> {
    let described = failure::described(&name);
    let name = name
        .into_immutable_string()
        .map_err(|_| format!("it returned {described}, not a member's name"))?;
    let member = organization.member(&name);
    member.map(|member| member.id.clone()).ok_or_else(|| format!("there is no member `{name}`"))
}
