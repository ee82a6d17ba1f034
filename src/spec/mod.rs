//! Specs: scenarios that a process owner can read, run on a virtual clock.
//!
//! `workflows/specs/*.yaml` say: given, at, when, then. The runner is the engine's two functions
//! and a calendar; it knows no store, no thread, no clock of the machine.

pub mod authored;
pub mod coverage;
pub mod tell;
pub mod view;

mod command;
mod expect;
mod known;
mod others;
mod people;
mod run;
mod verbs;
mod world;
mod written;

use std::sync::Arc;

use crate::calendar::Calendar;
use crate::definition::compiled::Workflow;
use crate::definition::diagnostic::{Diagnostic, Findings};
use crate::model::event::Record;
use crate::model::organization::Organization;

pub use coverage::Coverage;

/// What specs are run against: a compiled configuration.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The workflows.
    pub workflows: &'a [Arc<Workflow>],
    /// The calendars.
    pub calendars: &'a [Calendar],
    /// The organization.
    pub organization: &'a Organization,
}

/// What became of one spec.
#[derive(Debug)]
pub struct Report {
    /// The file.
    pub path: Arc<str>,
    /// What the spec says, in English.
    pub title: String,
    /// The workflow that it is about.
    pub workflow: String,
    /// Everything that is not as the spec says; empty: it passed.
    pub failures: Vec<Failure>,
    /// Everything that happened, in order.
    pub records: Vec<Record>,
    /// The exits, returns and reason codes that it used.
    pub coverage: Coverage,
}

/// One thing that is not as the spec says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where the step stands in the file, 1-based.
    pub line: usize,
    /// What was expected, and what is.
    pub message: String,
}

impl Report {
    /// Whether everything is as the spec says.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// Everything that happened, one line an event, with times in the zone of the workflow's
    /// calendar.
    pub fn log(&self, calendar: Option<&Calendar>) -> String {
        let lines = self.records.iter().flat_map(|record| {
            record.events.iter().map(move |event| view::line(record, event, calendar))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Reads and runs one spec. A file that is no spec gives findings instead.
pub fn run(
    setting: Setting<'_>,
    path: &Arc<str>,
    source: &Arc<str>,
) -> Result<Report, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let loaded = crate::definition::load::load::<authored::Spec>(path, source, &mut findings);
    let Some(located) = loaded.filter(|_| findings.is_empty()) else {
        return Err(findings.into_sorted());
    };
    let lines = run::lines(&located.at, located.value.steps.len());
    Ok(run::run(setting, path, &located.value, &lines))
}
