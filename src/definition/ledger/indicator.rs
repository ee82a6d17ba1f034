//! Indicators: general kinds of figures, each with what it is a share of.

use std::collections::BTreeMap;

use crate::model::id::{GroupId, IndicatorId, StageId};
use crate::model::organization::Title;
use crate::model::value::Decimal;

use super::source::{Kind, Source};
use super::{Selection, Test};

/// An indicator.
#[derive(Debug)]
pub struct Indicator {
    /// Its name.
    pub id: IndicatorId,
    /// What people call it.
    pub title: Title,
    /// The unit of its value; empty: a plain number.
    pub unit: Title,
    /// What is looked at.
    pub selection: Selection,
    /// By what it is split.
    pub by: Vec<Key>,
    /// What is made of it.
    pub measure: Measure,
    /// What its figure is to reach.
    pub target: Option<Target>,
}

/// What a figure is to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Which figure, one of [`Measure::wholes`].
    pub figure: &'static str,
    /// Whether more is better, or less.
    pub bound: Bound,
    /// How much.
    pub goal: Goal,
}

/// Whether more is better, or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bound {
    /// The figure is not to be smaller.
    AtLeast,
    /// The figure is not to be larger.
    AtMost,
}

impl Bound {
    /// Whether a figure keeps to it.
    pub fn holds(self, value: Decimal, goal: Decimal) -> bool {
        match self {
            Self::AtLeast => value >= goal,
            Self::AtMost => value <= goal,
        }
    }
}

/// How much is to be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// The same whatever the period.
    Always(Decimal),
    /// By calendar year.
    Years(BTreeMap<i16, Decimal>),
}

/// By what rows are split or shared out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What is looked at.
    pub source: Source,
    /// What it gives.
    pub kind: Kind,
    /// What people call it.
    pub title: Title,
}

/// What is made of the rows.
#[derive(Debug)]
pub enum Measure {
    /// How many there were, or how much.
    Count {
        /// The instant at which each counts; none: what there is at the instant of the answer.
        at: Option<Source>,
        /// What is counted.
        tally: Tally,
    },
    /// What share. By cohort: of the rows that came into the denominator in the period, those that
    /// have come into the numerator since. By period: those that came into the numerator in the
    /// period, to those that came into the denominator in it.
    Ratio {
        /// Of what.
        denominator: Side,
        /// What of it.
        numerator: Side,
    },
    /// Median, 90th percentile and largest of the values.
    Distribution {
        /// The values.
        value: Measured,
        /// The instant at which each counts; none: what there is at the instant of the answer.
        at: Option<Source>,
    },
    /// How many rows lie in each band of a value.
    Bands {
        /// The values.
        value: Source,
        /// The largest value of each band but the last, rising.
        up_to: Vec<i64>,
    },
    /// How many instances came to each stage of the path, and how many of them left it forwards.
    Funnel {
        /// The path, in order.
        stages: Vec<(StageId, Title)>,
        /// What is added up beside the count.
        amount: Option<Source>,
    },
    /// How much each has, and the largest divided by the mean.
    Spread {
        /// Whose a row is.
        per: Key,
        /// The groups whose members count, those with nothing too; empty: whoever has something.
        among: Vec<GroupId>,
    },
    /// Who comes at least so often within a calendar period.
    Repeats {
        /// Whose a row is.
        per: Key,
        /// The instant at which it counts.
        at: Source,
        /// The period.
        within: Within,
        /// How often.
        at_least: u32,
    },
    /// The share of working time in which each had the instance in hand.
    Held {
        /// Who that is.
        per: HeldPer,
    },
}

impl Measure {
    /// The figures that are about the whole, not about a stage, a band or a person: those that can
    /// have a target. The first one is meant where none is named.
    pub fn wholes(&self) -> &'static [&'static str] {
        match self {
            Self::Count { tally: Tally::Rows, .. } => &["count"],
            Self::Count { tally: Tally::Sum(_), .. } => &["sum"],
            Self::Count { tally: Tally::Distinct(_), .. } => &["distinct"],
            Self::Ratio { .. } | Self::Repeats { .. } => &["ratio"],
            Self::Distribution { .. } => &["p50", "p90", "max"],
            Self::Spread { .. } => &["imbalance", "mean", "max"],
            Self::Bands { .. } | Self::Funnel { .. } | Self::Held { .. } => &[],
        }
    }
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tally {
    /// Rows.
    Rows,
    /// The sum of this.
    Sum(Source),
    /// Different values of this.
    Distinct(Source),
}

/// One side of a share.
#[derive(Debug)]
pub struct Side {
    /// What it is, in words.
    pub title: Title,
    /// The instant at which a row counts; none: it always does (denominators only).
    pub at: Option<Source>,
    /// What must hold of it.
    pub tests: Vec<Test>,
    /// What is added up; none: rows are counted.
    pub sum: Option<Source>,
}

/// What a distribution is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// A number.
    Source(Source),
    /// The time between two instants.
    Between {
        /// The first.
        from: Source,
        /// The second.
        to: Source,
        /// Counted in these.
        days: Days,
    },
}

/// Days of which kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Days {
    /// Working days, as limits in `wd` count them.
    Working,
    /// Calendar days.
    Calendar,
}

/// A calendar period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Within {
    /// A month.
    Month,
    /// A quarter of a year.
    Quarter,
    /// A year.
    Year,
}

/// Who had an instance in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldPer {
    /// The person.
    Holder,
    /// The role or group of the task.
    Role,
    /// The group of the person.
    Group,
}
