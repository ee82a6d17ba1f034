//! What a part of an expression is, as far as that is known before it runs.

use std::sync::Arc;

use super::super::vocabulary::{FieldType, TaskWords};

/// The type of a part of an expression.
#[derive(Debug, Clone, Copy)]
pub(super) enum Type<'v> {
    /// Only known when it runs: what a function answers.
    Any,
    /// `()`.
    Nothing,
    Boolean,
    Integer,
    Float,
    Decimal,
    Text,
    /// A text that is one of some words.
    Word(Words<'v>),
    Date,
    List,
    Map,
    Project,
    Stage,
    Task(&'v TaskWords),
    Tasks,
    /// `tasks.x`.
    TaskGroup(&'v TaskWords),
    /// `tasks.x["word"]`.
    TaskMember(&'v TaskWords),
}

/// A list of words, and what it is the list of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'v> {
    pub(super) of: WordsOf<'v>,
    pub(super) words: &'v [Arc<str>],
}

/// What a list of words belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum WordsOf<'v> {
    /// The field of this name.
    Field(&'v str),
    /// How the task of this name can end.
    Outcome(&'v str),
    /// The names of stages.
    Stage,
    /// The words of the task's `for_each`.
    Each(&'v str),
}

/// What can be compared with one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Open,
    Nothing,
    Boolean,
    Number,
    Text,
    Date,
    Other,
}

impl<'v> Type<'v> {
    pub(super) fn of_field(name: &'v str, kind: &'v FieldType) -> Self {
        match kind {
            FieldType::Text => Self::Text,
            FieldType::Integer => Self::Integer,
            FieldType::Decimal => Self::Decimal,
            FieldType::Boolean => Self::Boolean,
            FieldType::Date => Self::Date,
            FieldType::Choice(words) => Self::Word(Words { of: WordsOf::Field(name), words }),
        }
    }

    pub(super) fn outcome_of(task: &'v TaskWords) -> Self {
        Self::Word(Words { of: WordsOf::Outcome(&task.id), words: &task.outcomes })
    }

    pub(super) fn each_of(task: &'v TaskWords) -> Self {
        Self::Word(Words { of: WordsOf::Each(&task.id), words: &task.each })
    }

    pub(super) fn class(self) -> Class {
        match self {
            Self::Any => Class::Open,
            Self::Nothing => Class::Nothing,
            Self::Boolean => Class::Boolean,
            Self::Integer | Self::Float | Self::Decimal => Class::Number,
            Self::Text | Self::Word(_) => Class::Text,
            Self::Date => Class::Date,
            Self::List
            | Self::Map
            | Self::Project
            | Self::Stage
            | Self::Task(_)
            | Self::Tasks
            | Self::TaskGroup(_)
            | Self::TaskMember(_) => Class::Other,
        }
    }

    pub(super) fn may_be_boolean(self) -> bool {
        matches!(self.class(), Class::Open | Class::Boolean)
    }

    pub(super) fn may_be_number(self) -> bool {
        matches!(self.class(), Class::Open | Class::Number)
    }

    pub(super) fn may_be_text(self) -> bool {
        matches!(self.class(), Class::Open | Class::Text)
    }

    /// The type of the outcome of two branches.
    pub(super) fn either(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, known) | (known, Self::Nothing) => known,
            (left, right) if left.class() == right.class() => match left.class() {
                Class::Number => left.sum(right),
                Class::Text => Self::Text,
                _ => left,
            },
            _ => Self::Any,
        }
    }

    /// The type of a sum of two numbers.
    pub(super) fn sum(self, other: Self) -> Self {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => Self::Any,
            (Self::Decimal, _) | (_, Self::Decimal) => Self::Decimal,
            (Self::Float, _) | (_, Self::Float) => Self::Float,
            _ => Self::Integer,
        }
    }

    /// What it is called in a message, with its article.
    pub(super) fn described(self) -> String {
        match self {
            Self::Any => "something".to_owned(),
            Self::Nothing => "nothing".to_owned(),
            Self::Boolean => "yes or no".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Float | Self::Decimal => "a number".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Word(words) => words.described(),
            Self::Date => "a date".to_owned(),
            Self::List => "a list".to_owned(),
            Self::Map => "a map".to_owned(),
            Self::Project => "the whole `project`".to_owned(),
            Self::Stage => "the whole `stage`".to_owned(),
            Self::Task(_) => "the whole `task`".to_owned(),
            Self::Tasks => "all `tasks`".to_owned(),
            Self::TaskGroup(task) => format!("the whole `tasks.{}`", task.id),
            Self::TaskMember(task) => format!("one whole task of `{}`", task.id),
        }
    }
}

impl Words<'_> {
    pub(super) fn described(self) -> String {
        match self.of {
            WordsOf::Field(field) => format!("the choice `{field}`"),
            WordsOf::Outcome(task) => format!("an outcome of `{task}`"),
            WordsOf::Stage => "the name of a stage".to_owned(),
            WordsOf::Each(task) => format!("a word of `for_each` of `{task}`"),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| &**word)
    }

    /// Whether a text that is none of the words can still stand there: an outcome is `""` until
    /// the task is done, and so is `each` of a single task.
    pub(super) fn allows(self, text: &str) -> bool {
        self.iter().any(|word| word == text)
            || (text.is_empty() && matches!(self.of, WordsOf::Outcome(_) | WordsOf::Each(_)))
    }
}
