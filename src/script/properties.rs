//! What a script may ask of each fact and what that answers: said once, for the views of the
//! script engine and for conditions that are answered without it.
//!
//! Nothing is copied. Never knows who asks.

use std::sync::Arc;

use crate::model::id::{GroupId, MemberId, Outcome, StageId};
use crate::model::instance::{Instance, StageState};
use crate::model::task::Task;
use crate::model::time::Date;
use crate::model::value::{Decimal, Value};

use super::facts::{self, TaskGroup, TaskMember};

/// What a fact answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read<'a> {
    Nothing,
    Text(&'a str),
    Integer(i64),
    Decimal(Decimal),
    Boolean(bool),
    Date(Date),
}

/// `stage`; none: there is none.
#[derive(Clone, Copy)]
pub(super) struct StageFact<'a>(pub(super) &'a Instance, pub(super) Option<&'a StageId>);

/// `tasks.x`.
#[derive(Clone, Copy)]
pub(super) struct GroupFact<'a>(pub(super) &'a Instance, pub(super) &'a TaskGroup);

/// `tasks.x["word"]`.
#[derive(Clone, Copy)]
pub(super) struct MemberFact<'a>(pub(super) GroupFact<'a>, pub(super) &'a Arc<str>);

pub(super) type OfStage = for<'a> fn(StageFact<'a>) -> Read<'a>;
pub(super) type OfTask = for<'a> fn(&'a Task) -> Read<'a>;
pub(super) type OfGroup = for<'a> fn(GroupFact<'a>) -> Read<'a>;
pub(super) type OfMember = for<'a> fn(MemberFact<'a>) -> Read<'a>;

/// `stage.<name>`.
pub(super) const OF_STAGE: [(&str, OfStage); 3] = [
    ("id", |stage| Read::Text(stage.1.map_or("", StageId::as_str))),
    ("attempt", |stage| Read::Integer(stage.state().map_or(0, |state| state.attempt.into()))),
    ("returns", |stage| Read::Integer(stage.state().map_or(0, |state| state.returns.into()))),
];

/// `task.<name>`.
pub(super) const OF_TASK: [(&str, OfTask); 4] = [
    ("id", |task| Read::Text(task.reference.id.as_str())),
    ("each", |task| Read::Text(task.reference.each.as_deref().unwrap_or(""))),
    ("attempt", |task| Read::Integer(task.attempt.into())),
    ("outcome", |task| outcome(facts::of_task(task).outcome)),
];

/// `tasks.x.<name>`.
pub(super) const OF_GROUP: [(&str, OfGroup); 6] = [
    ("open", |tasks| Read::Boolean(tasks.members().any(|member| member.open))),
    ("done", |tasks| Read::Boolean(tasks.1.is_done(tasks.0))),
    ("outcome", |tasks| outcome(tasks.1.outcome(tasks.0))),
    ("total", |tasks| count(tasks.1.total())),
    ("attempt", |tasks| Read::Integer(tasks.1.attempt(tasks.0).into())),
    ("attempts", |tasks| Read::Integer(tasks.1.attempts(tasks.0).into())),
];

/// `tasks.x["word"].<name>`.
pub(super) const OF_MEMBER: [(&str, OfMember); 5] = [
    ("each", |task| Read::Text(task.1)),
    ("open", |task| Read::Boolean(task.member().open)),
    ("attempt", |task| Read::Integer(task.member().attempt.into())),
    ("done", |task| Read::Boolean(task.member().done)),
    ("outcome", |task| outcome(task.member().outcome)),
];

/// `project.<name>`: a field's value, nothing while it is empty. Whether it is declared was
/// checked when the expression was loaded.
pub(super) fn of_project<'a>(instance: &'a Instance, name: &str) -> Read<'a> {
    let or_nothing = |text: Option<&'a str>| text.map_or(Read::Nothing, Read::Text);
    match name {
        "id" => Read::Text(instance.id.as_str()),
        "steward" => or_nothing(instance.steward.as_ref().map(MemberId::as_str)),
        "group" => or_nothing(instance.group.as_ref().map(GroupId::as_str)),
        field => instance.fields.get(field).map_or(Read::Nothing, of_value),
    }
}

impl<'a> StageFact<'a> {
    fn state(self) -> Option<&'a StageState> {
        self.0.stage(self.1?.as_str())
    }
}

impl<'a> GroupFact<'a> {
    fn members(self) -> impl Iterator<Item = TaskMember<'a>> {
        self.1.members(self.0)
    }

    /// `tasks.x.count("outcome")`: how many are done with it.
    pub(super) fn count(self, outcome: &str) -> Read<'a> {
        let ended = |member: &TaskMember<'_>| {
            member.done && member.outcome.is_some_and(|own| own.as_str() == outcome)
        };
        count(self.members().filter(ended).count())
    }

    /// `tasks.x["word"]`, if it is one of its words.
    pub(super) fn of_word(self, word: &str) -> Option<MemberFact<'a>> {
        let word = self.1.words.iter().find(|known| ***known == *word)?;
        Some(MemberFact(self, word))
    }
}

impl<'a> MemberFact<'a> {
    fn member(self) -> TaskMember<'a> {
        let GroupFact(instance, group) = self.0;
        group.member(instance, Some(self.1))
    }
}

fn of_value(value: &Value) -> Read<'_> {
    match value {
        Value::Text(text) => Read::Text(text),
        Value::Integer(number) => Read::Integer(*number),
        Value::Decimal(number) => Read::Decimal(*number),
        Value::Boolean(yes) => Read::Boolean(*yes),
        Value::Date(date) => Read::Date(*date),
    }
}

fn outcome(outcome: Option<&Outcome>) -> Read<'_> {
    Read::Text(outcome.map_or("", Outcome::as_str))
}

fn count<'a>(count: usize) -> Read<'a> {
    Read::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}
