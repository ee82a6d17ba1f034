//! The voice of the demo: chapters, sentences, events, checks.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::exit::Failure;
use super::super::print::Output;

/// Columns of running text.
const COLUMNS: usize = 96;

/// Tells what happens, and counts what was verified. Clones speak with one voice.
#[derive(Clone)]
pub(super) struct Narrator {
    output: Output,
    checks: Arc<Mutex<Checks>>,
}

#[derive(Default)]
struct Checks {
    chapters: usize,
    held: usize,
    failed: usize,
}

impl Narrator {
    pub(super) fn new(output: &Output) -> Self {
        Self { output: output.clone(), checks: Arc::default() }
    }

    /// The output beneath, for tables and instants.
    pub(super) fn output(&self) -> &Output {
        &self.output
    }

    pub(super) fn title(&self, text: &str) -> Result<(), Failure> {
        self.output.line(text)
    }

    /// A numbered heading.
    pub(super) fn chapter(&self, title: &str) -> Result<(), Failure> {
        let number = self.with(|checks| {
            checks.chapters += 1;
            checks.chapters
        });
        let heading = format!("{number}. {title}");
        let rule = "-".repeat(heading.chars().count());
        self.output.line(&format!("\n{heading}\n{rule}"))
    }

    /// Running text, wrapped; a line break at its beginning leaves a line empty.
    pub(super) fn say(&self, text: &str) -> Result<(), Failure> {
        if text.starts_with('\n') {
            self.output.line("")?;
        }
        for line in wrapped(text) {
            self.output.line(&line)?;
        }
        Ok(())
    }

    /// Something quoted: an event, a table, a finding.
    pub(super) fn quote(&self, text: &str) -> Result<(), Failure> {
        for line in text.lines() {
            self.output.line(format!("    {line}").trim_end())?;
        }
        Ok(())
    }

    /// Something that is verified, not only told.
    pub(super) fn check(&self, holds: bool, what: &str) -> Result<(), Failure> {
        self.with(|checks| if holds { checks.held += 1 } else { checks.failed += 1 });
        let mark = if holds { "ok    " } else { "FAILED" };
        self.output.line(&format!("  {mark}  {what}"))
    }

    pub(super) fn held(&self) -> usize {
        self.with(|checks| checks.held)
    }

    pub(super) fn failed(&self) -> usize {
        self.with(|checks| checks.failed)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Checks) -> T) -> T {
        work(&mut self.checks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line from the beginning");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= COLUMNS {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
