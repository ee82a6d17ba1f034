//! Ledgers and indicators as they are written.

use serde::Deserialize;

use super::shapes::{Many, Named, Scalar, Words, scalar_or_map};
use super::workflow::Text;

/// `rules/ledgers.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ledgers {
    /// The ledgers.
    pub ledgers: Named<Ledger>,
}

/// One ledger.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// What people call it.
    pub title: Option<Text>,
    /// Of which workflows.
    pub of: Words,
    /// What a row is.
    pub rows: Option<Rows>,
    /// Which rows.
    #[serde(rename = "where")]
    pub tests: Named<Many<Test>>,
    /// Of which instances, as a condition.
    pub when: Option<Scalar>,
    /// The columns.
    pub columns: Vec<Column>,
    /// By what the rows are sorted.
    pub order: Words,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// Every one of the kind.
    Every(Scalar),
    /// Only those of these names.
    Of(RowsOf),
}

/// Rows of some names only.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RowsOf {
    /// Stays in these stages.
    pub stage: Words,
    /// These tasks.
    pub task: Words,
    /// These activities.
    pub activity: Words,
}

scalar_or_map!(
    Rows,
    Every,
    Of(RowsOf),
    "what a row is, such as `instance`, or `{ activity: visit }`"
);

/// One thing that a source may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// This value.
    Is(Scalar),
    /// Something else is asked of it.
    Asked(Asked),
}

/// What can be asked of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    /// None of these values.
    pub not: Words,
    /// The smallest value.
    pub at_least: Option<Scalar>,
    /// The largest value.
    pub at_most: Option<Scalar>,
    /// Whether it is empty.
    pub empty: Option<bool>,
}

scalar_or_map!(Test, Is, Asked(Asked), "a value, a list of values, or `{ at_least: … }`");

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Shows this, under its own title.
    Short(Scalar),
    /// More is said about it.
    Full(FullColumn),
}

/// A column of which more is said.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FullColumn {
    /// What it shows: a source.
    pub show: Option<Scalar>,
    /// What it shows: an expression.
    pub value: Option<Scalar>,
    /// What an expression gives.
    #[serde(rename = "type")]
    pub kind: Option<Scalar>,
    /// What people call it.
    pub title: Option<Text>,
    /// How an instant is shown.
    #[serde(rename = "as")]
    pub form: Option<Scalar>,
    /// What stands under it.
    pub total: Option<Scalar>,
}

scalar_or_map!(
    Column,
    Short,
    Full(FullColumn),
    "a source such as `field.investor`, or `{ show: …, title: … }`"
);

/// `rules/indicators.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Indicators {
    /// The indicators.
    pub indicators: Named<Indicator>,
}

/// One indicator.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Indicator {
    /// What people call it.
    pub title: Option<Text>,
    /// Of which workflows.
    pub of: Words,
    /// What is counted.
    pub rows: Option<Rows>,
    /// Which of them.
    #[serde(rename = "where")]
    pub tests: Named<Many<Test>>,
    /// Of which instances, as a condition.
    pub when: Option<Scalar>,
    /// By what it is split.
    pub by: Words,
    /// The unit of its value.
    pub unit: Option<Text>,
    /// How many there were, or how much.
    pub count: Option<Count>,
    /// What share.
    pub ratio: Option<Ratio>,
    /// How values are distributed.
    pub distribution: Option<Distribution>,
    /// How many lie in each band.
    pub bands: Option<Bands>,
    /// How many came to each stage.
    pub funnel: Option<Funnel>,
    /// How much each has, and how evenly.
    pub spread: Option<Spread>,
    /// Who comes back.
    pub repeats: Option<Repeats>,
    /// Who had it in hand.
    pub held: Option<HeldBy>,
    /// What its figure is to reach.
    pub target: Option<Target>,
}

/// What a figure is to reach.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// Which of the figures; without it the first one.
    pub figure: Option<Scalar>,
    /// It is not to be smaller.
    pub at_least: Option<Goal>,
    /// It is not to be larger.
    pub at_most: Option<Goal>,
}

/// A number for every year, or one for each.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    /// For every year.
    Always(Scalar),
    /// By year.
    Years(Named<Scalar>),
}

scalar_or_map!(
    Goal,
    Always,
    Years(Named<Scalar>),
    "a number, or one for each year such as `{ 2026: 20 }`"
);

/// How many there were, or how much.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Count {
    /// The instant at which each counts; without it: what there is now.
    pub at: Option<Scalar>,
    /// What is added up instead of counted.
    pub sum: Option<Scalar>,
    /// Different values of this are counted.
    pub distinct: Option<Scalar>,
}

/// What share.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ratio {
    /// Of what.
    pub denominator: Option<Side>,
    /// What of it.
    pub numerator: Option<Side>,
}

/// One side of a share.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Side {
    /// What it is, in words.
    pub title: Option<Text>,
    /// The instant at which each counts.
    pub at: Option<Scalar>,
    /// Which of them.
    #[serde(rename = "where")]
    pub tests: Named<Many<Test>>,
    /// What is added up instead of counted.
    pub sum: Option<Scalar>,
}

/// How values are distributed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Distribution {
    /// The values.
    pub value: Option<Scalar>,
    /// The values: time from this instant …
    pub from: Option<Scalar>,
    /// … to this one.
    pub to: Option<Scalar>,
    /// … in working or calendar days.
    #[serde(rename = "in")]
    pub unit: Option<Scalar>,
    /// The instant at which each counts; without it: what there is now.
    pub at: Option<Scalar>,
}

/// How many lie in each band.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bands {
    /// The values.
    pub value: Option<Scalar>,
    /// The largest value of each band but the last.
    pub up_to: Words,
}

/// How many came to each stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Funnel {
    /// What is added up beside the count.
    pub amount: Option<Scalar>,
}

/// How much each has, and how evenly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spread {
    /// Whose it is.
    pub per: Option<Scalar>,
    /// The groups whose members count, those with nothing too.
    pub among: Words,
}

/// Who comes back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Repeats {
    /// Whose it is.
    pub per: Option<Scalar>,
    /// The instant at which each counts.
    pub at: Option<Scalar>,
    /// `month`, `quarter` or `year`.
    pub within: Option<Scalar>,
    /// How often.
    pub at_least: Option<Scalar>,
}

/// Who had it in hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeldBy {
    /// `holder`, `role` or `group`.
    pub per: Option<Scalar>,
}
