//! Ledgers and indicators as they are evaluated: resolved, checked, immutable.
//!
//! Knows no YAML and no positions, and nothing of instances: `crate::ledger` does.

use std::sync::Arc;

use crate::model::id::{ActivityId, LedgerId, StageId, TaskId, WorkflowId};
use crate::model::organization::Title;
use crate::model::value::Value;
use crate::script::{Condition, Expression};

pub mod indicator;
pub mod source;

pub use indicator::{Indicator, Measure};
pub use source::{Kind, Naming, Source};

/// The ledgers and indicators of a configuration, in the order of their files.
#[derive(Debug, Default)]
pub struct Ledgers {
    /// The ledgers.
    pub ledgers: Vec<Arc<Ledger>>,
    /// The indicators.
    pub indicators: Vec<Arc<Indicator>>,
}

impl Ledgers {
    /// The ledger of this name.
    pub fn ledger(&self, id: &str) -> Option<&Arc<Ledger>> {
        self.ledgers.iter().find(|ledger| ledger.id.as_str() == id)
    }

    /// The indicator of this name.
    pub fn indicator(&self, id: &str) -> Option<&Arc<Indicator>> {
        self.indicators.iter().find(|indicator| indicator.id.as_str() == id)
    }
}

/// A ledger.
#[derive(Debug)]
pub struct Ledger {
    /// Its name.
    pub id: LedgerId,
    /// What people call it.
    pub title: Title,
    /// Its rows.
    pub selection: Selection,
    /// Its columns, in the order of the file.
    pub columns: Vec<Column>,
    /// By what its rows are sorted; ties stand in order of creation.
    pub order: Vec<Order>,
}

/// Which rows there are.
#[derive(Debug)]
pub struct Selection {
    /// Of these workflows.
    pub workflows: Vec<WorkflowId>,
    /// What a row is.
    pub rows: Rows,
    /// All of these hold.
    pub tests: Vec<Test>,
    /// This holds of the instance: one for each workflow, or none at all.
    pub when: Vec<(WorkflowId, Condition)>,
}

/// What a row is. Lists of names restrict; empty ones do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// An instance.
    Instances,
    /// A stay in a stage.
    Stays(Vec<StageId>),
    /// A task.
    Tasks(Vec<TaskId>),
    /// A logged activity.
    Activities(Vec<ActivityId>),
    /// A limit: a clock with its light.
    Limits,
    /// A step of a ladder that told people.
    Escalations,
    /// An extension that was asked for or granted.
    Extensions,
}

/// What a source must be for a row to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// What is looked at.
    pub source: Source,
    /// What it must be.
    pub asked: Asked,
}

/// What a source must be. Everything that is said must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// One of these; empty: anything.
    pub any_of: Vec<Value>,
    /// None of these.
    pub none_of: Vec<Value>,
    /// At least this; an empty cell is less than anything.
    pub at_least: Option<Value>,
    /// At most this; an empty cell is never.
    pub at_most: Option<Value>,
    /// Whether it is empty.
    pub empty: Option<bool>,
}

/// A column.
#[derive(Debug)]
pub struct Column {
    /// What people call it.
    pub title: Title,
    /// What it shows.
    pub show: Show,
    /// Of what kind that is.
    pub kind: Kind,
    /// What stands under it.
    pub total: Option<Total>,
}

/// What a column shows.
#[derive(Debug)]
pub enum Show {
    /// A source.
    Source(Source),
    /// The answer of an expression about the instance: one for each workflow.
    Value(Vec<(WorkflowId, Expression)>),
}

/// What stands under a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Total {
    /// The sum of its numbers.
    Sum,
    /// How many cells are not empty.
    Count,
    /// How many different values there are.
    Distinct,
}

/// By what rows are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What is compared; empty cells come last.
    pub source: Source,
    /// Largest first.
    pub descending: bool,
}
