//! The table: one row per thing that was to be reached, as text and as JSON. Knows no measurement.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::measure::Middle;

/// The keys of all rows, in the order of the table.
const KEYS: [&str; 14] = [
    "throughput_share",
    "drive_share",
    "latency_p99_ratio",
    "fsyncs_per_completion",
    "bytes_written_per_completion",
    "core_us",
    "scale_share",
    "startup_seconds",
    "resident_bytes_per_instance",
    "storm_clocks_per_second",
    "storm_p99_ratio",
    "lag_p99_ms",
    "feed_events_per_second",
    "disk_bytes_per_completion",
];

/// What is to be reached with a figure.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Target {
    /// Below this (above, where less is better) the issue is open.
    pub(crate) at_least: f64,
    /// The aim.
    pub(crate) aim: f64,
    /// Whether more or less is better.
    pub(crate) better: Better,
}

/// In which direction a figure is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Higher,
    Lower,
}

/// A row of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    #[serde(skip)]
    pub(crate) key: &'static str,
    /// In words.
    pub(crate) what: &'static str,
    /// The median of the rounds; none: it could not be measured, and the note says why.
    pub(crate) value: Option<f64>,
    /// Its unit; a share has none.
    pub(crate) unit: &'static str,
    pub(crate) target: Target,
    /// The smallest and the largest of the rounds.
    pub(crate) spread: Option<(f64, f64)>,
    /// What a share was computed from, and what else was seen, each with its unit in its name.
    pub(crate) sides: BTreeMap<&'static str, f64>,
    /// What a reader has to know.
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn new(
        key: &'static str,
        what: &'static str,
        unit: &'static str,
        target: Target,
    ) -> Self {
        let (spread, sides, note) = (None, BTreeMap::new(), String::new());
        Self { key, what, value: None, unit, target, spread, sides, note }
    }

    /// With what the rounds gave.
    pub(crate) fn measured(mut self, middle: Option<Middle>) -> Self {
        self.value = middle.map(|it| it.median);
        self.spread = middle.map(|it| (it.least, it.most));
        self
    }

    /// With something else that was seen.
    pub(crate) fn side(self, name: &'static str, rounds: Option<Middle>) -> Self {
        match rounds {
            Some(middle) => self.value_side(name, middle.median),
            None => self,
        }
    }

    /// With something else that was seen once.
    pub(crate) fn value_side(mut self, name: &'static str, value: f64) -> Self {
        self.sides.insert(name, value);
        self
    }

    /// With what a reader has to know.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn verdict(&self) -> &'static str {
        let Some(value) = self.value else { return "not measured" };
        let reaches = |wanted: f64| match self.target.better {
            Better::Higher => value >= wanted,
            Better::Lower => value <= wanted,
        };
        match (reaches(self.target.aim), reaches(self.target.at_least)) {
            (true, _) => "aim",
            (false, true) => "at least",
            (false, false) => "open",
        }
    }
}

/// A figure that more of is better.
pub(crate) fn higher(at_least: f64, aim: f64) -> Target {
    Target { at_least, aim, better: Better::Higher }
}

/// A figure that less of is better.
pub(crate) fn lower(at_least: f64, aim: f64) -> Target {
    Target { at_least, aim, better: Better::Lower }
}

/// The rows in the order of the table.
pub(crate) fn in_order(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_key(|row| KEYS.iter().position(|key| *key == row.key));
    rows
}

/// The rows as one JSON object, a key per row.
pub(crate) fn json(rows: &[Row]) -> serde_json::Value {
    let pairs = rows.iter().map(|row| {
        let value = serde_json::to_value(row).expect("figures and texts always become JSON");
        (row.key.to_owned(), value)
    });
    serde_json::Value::Object(pairs.collect())
}

/// The rows for people.
pub(crate) fn text(rows: &[Row]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header(["what", "value", "spread", "at least", "aim", "reached"]);
    for row in rows {
        let value = row.value.map_or_else(|| "-".to_owned(), |it| with_unit(it, row.unit));
        let spread = row.spread.map(|(least, most)| format!("{}–{}", number(least), number(most)));
        let Target { at_least, aim, .. } = row.target;
        let spread = spread.unwrap_or_default();
        let (at_least, aim) = (number(at_least), number(aim));
        table.add_row([row.what, &value, &spread, &at_least, &aim, row.verdict()]);
    }
    let mut text = table.to_string();
    for row in rows.iter().filter(|row| !row.sides.is_empty() || !row.note.is_empty()) {
        let sides = row.sides.iter().map(|(name, value)| format!("{name} {}", number(*value)));
        let sides = sides.collect::<Vec<_>>().join(", ");
        let parts: Vec<&str> =
            [sides.as_str(), row.note.as_str()].into_iter().filter(|it| !it.is_empty()).collect();
        let _ = write!(text, "\n{}: {}", row.key, parts.join("; "));
    }
    text
}

fn with_unit(value: f64, unit: &str) -> String {
    if unit.is_empty() { number(value) } else { format!("{} {unit}", number(value)) }
}

/// Three digits that count; whole numbers from a hundred on.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        tiny if tiny >= 0.01 || tiny == 0.0 => format!("{value:.3}"),
        _ => format!("{value:.5}"),
    }
}
