//! The vocabulary of an expression: what it may name, as the workflow around it declares.

use std::sync::Arc;

/// Names after `project.` that are not fields; a field may not have one of them.
pub const RESERVED_FIELDS: [&str; 3] = ["id", "steward", "group"];

/// What an expression of a workflow may name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vocabulary {
    /// `project.<field>`, in the order of the file.
    pub fields: Vec<(Arc<str>, FieldType)>,
    /// The words that `stage.id` can be.
    pub stages: Vec<Arc<str>>,
    /// `tasks.<task>`.
    pub tasks: Vec<TaskWords>,
    /// `task`, where the expression belongs to one. Its form is not a fact: only `id`, `each`,
    /// `attempt` and `outcome` can be named.
    pub task: Option<TaskWords>,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// An exact decimal.
    Decimal,
    /// Yes or no.
    Boolean,
    /// A day.
    Date,
    /// One of these words.
    Choice(Vec<Arc<str>>),
}

/// What can be said of a task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskWords {
    /// Its name.
    pub id: Arc<str>,
    /// The words of `for_each`; empty: a single task.
    pub each: Vec<Arc<str>>,
    /// What it can end with; empty: it just ends.
    pub outcomes: Vec<Arc<str>>,
}

impl Vocabulary {
    /// What the field of this name holds.
    pub fn field(&self, name: &str) -> Option<&FieldType> {
        self.fields.iter().find(|(field, _)| &**field == name).map(|(_, kind)| kind)
    }

    /// The task of this name.
    pub fn task_named(&self, name: &str) -> Option<&TaskWords> {
        self.tasks.iter().find(|task| &*task.id == name)
    }
}
