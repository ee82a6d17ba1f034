//! Findings as data: what is wrong, where, and what to do about it.
//!
//! Knows nothing of how they are drawn ([`super::render`]) and nothing of what is checked.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::model::limits;
use crate::script::nearest;

use super::code::Code;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is published while it stands.
    Error,
    /// Worth a look.
    Warning,
}

impl Severity {
    /// The word that people and programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The file, relative to the configuration.
    pub path: Arc<str>,
    /// Its bytes within the file; always on borders of characters.
    pub range: Range<usize>,
    /// The line of its first character; the first is 1.
    pub line: usize,
    /// The column of its first character, counted in characters; the first is 1.
    pub column: usize,
}

impl Span {
    /// The beginning of a file: where a finding concerns the file as a whole.
    pub fn start_of(path: &Arc<str>) -> Self {
        Self { path: path.clone(), range: 0..0, line: 1, column: 1 }
    }
}

/// A stretch with what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What; may be empty.
    pub text: String,
}

/// One finding. If only one thing can be shown of it, that is its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, values in backticks, no full stop.
    pub message: String,
    /// Where, and what is to be said of that place.
    pub primary: Label,
    /// Other places that belong to it.
    pub secondary: Vec<Label>,
    /// How to make it right, one remedy each.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// A finding at a place.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: one_line(message.into()),
            primary: Label { span, text: String::new() },
            secondary: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Says something of the place itself.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = one_line(text.into());
        self
    }

    /// Points to another place that belongs to it.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: one_line(text.into()) });
        self
    }

    /// Says how to make it right.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(one_line(text.into()));
        self
    }

    /// Says which of the known names was meant, if one is near enough.
    #[must_use]
    pub fn did_you_mean<'a>(self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(written, known) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// The findings so far.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Diagnostic>,
    /// Per file, those that were not even made.
    untold: BTreeMap<Arc<str>, usize>,
}

impl Findings {
    /// Takes one more.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Counts findings of a file that has as many of their kind as are told.
    pub fn leave_untold(&mut self, path: &Arc<str>, count: usize) {
        if count > 0 {
            *self.untold.entry(path.clone()).or_default() += count;
        }
    }

    /// Takes those of another list.
    pub fn append(&mut self, other: Findings) {
        self.list.extend(other.list);
        for (path, count) in other.untold {
            self.leave_untold(&path, count);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them forbids publishing.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|each| each.severity == Severity::Error)
    }

    /// Whether one of those after the first `count` forbids publishing.
    pub fn has_errors_since(&self, count: usize) -> bool {
        self.list.iter().skip(count).any(|each| each.severity == Severity::Error)
    }

    /// All of them, sorted by file and place, each once; of a file with very many the first ones,
    /// and how many there are beside them.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        let key = |each: &Diagnostic| {
            let span = &each.primary.span;
            (span.path.clone(), span.range.start, each.code, each.message.clone())
        };
        self.list.sort_by_cached_key(key);
        self.list.dedup();
        let mut told = Vec::with_capacity(self.list.len());
        for of_file in
            self.list.chunk_by(|one, next| one.primary.span.path == next.primary.span.path)
        {
            let path = &of_file[0].primary.span.path;
            let room = limits::FINDINGS_OF_FILE_MAX;
            let untold = self.untold.remove(path).unwrap_or_default();
            let untold = untold + of_file.len().saturating_sub(room);
            told.extend(first_of(of_file, room).cloned());
            if untold > 0 {
                told.push(Diagnostic::new(
                    Code::MoreFindings,
                    Span::start_of(path),
                    format!("{untold} more findings of this file are not told"),
                ));
            }
        }
        told
    }
}

/// At most so many, in their order. An error is left out only where all that are told are errors:
/// whether there is one shows in what is told.
pub fn first_of(findings: &[Diagnostic], room: usize) -> impl Iterator<Item = &Diagnostic> {
    let is_error = |each: &&Diagnostic| each.severity == Severity::Error;
    let mut errors = findings.iter().filter(is_error).count().min(room);
    let mut warnings = room - errors;
    findings.iter().filter(move |each| {
        let left = if is_error(each) { &mut errors } else { &mut warnings };
        let has_room = *left > 0;
        *left = left.saturating_sub(1);
        has_room
    })
}

/// What was written may hold line breaks and worse; a finding is one fact on one line.
fn one_line(text: String) -> String {
    let breaks = |each: char| each.is_control() || matches!(each, '\u{2028}' | '\u{2029}');
    if text.contains(breaks) { text.replace(breaks, " ") } else { text }
}
