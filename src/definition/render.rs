//! Findings as people and programs read them: drawn into the source, one line each, or JSON.
//!
//! Knows nothing of what the findings mean. Never panics, whatever the spans: they may come from
//! another version of the file.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};
use serde::Serialize;

use super::diagnostic::{Diagnostic, Label, Severity, Span};
use super::sources::Sources;

/// Whether the text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For files and pipes.
    Plain,
    /// For terminals.
    Coloured,
}

/// Every finding drawn into the text that it is about.
pub fn human(diagnostics: &[Diagnostic], sources: &Sources, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    let drawn: Vec<String> =
        diagnostics.iter().map(|each| draw(each, sources, &renderer)).collect();
    drawn.iter().map(|each| format!("{each}\n")).collect::<Vec<_>>().join("\n")
}

/// One line for each finding, as editors understand it.
pub fn lines(diagnostics: &[Diagnostic]) -> String {
    let line = |each: &Diagnostic| {
        let Span { path, line, column, .. } = &each.primary.span;
        let (severity, code) = (each.severity.as_str(), each.code.as_str());
        format!("{path}:{line}:{column}: {severity}[{code}]: {}\n", each.message)
    };
    diagnostics.iter().map(line).collect()
}

/// A list of objects.
pub fn json(diagnostics: &[Diagnostic]) -> String {
    let list: Vec<Finding<'_>> = diagnostics.iter().map(Finding::of).collect();
    serde_json::to_string_pretty(&list).expect("texts and numbers always become JSON")
}

fn draw(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    let primary = &diagnostic.primary;
    let mut elsewhere = Vec::new();
    if let Some(text) = sources.files.get(&*primary.span.path) {
        let mut snippet = Snippet::source(&**text).path(&*primary.span.path).annotation(
            AnnotationKind::Primary.span(fitting(text, &primary.span)).label(said(primary)),
        );
        for label in &diagnostic.secondary {
            if label.span.path == primary.span.path {
                let span = fitting(text, &label.span);
                snippet = snippet.annotation(AnnotationKind::Context.span(span).label(said(label)));
            } else {
                elsewhere.push(label);
            }
        }
        group = group.element(snippet);
    } else {
        let Span { path, line, column, .. } = &primary.span;
        let origin = annotate_snippets::Origin::path(&**path).line(*line).char_column(*column);
        group = group.element(origin);
        elsewhere.extend(&diagnostic.secondary);
    }
    for label in elsewhere {
        let Span { path, line, column, .. } = &label.span;
        let note = format!("{path}:{line}:{column}: {}", label.text);
        group = group.element(Level::NOTE.message(normalize_untrusted_str(&note)));
    }
    for hint in &diagnostic.hints {
        group = group.element(Level::HELP.message(normalize_untrusted_str(hint)));
    }
    renderer.render(&[group])
}

/// A label, or nothing where there is nothing to say.
fn said(label: &Label) -> Option<String> {
    (!label.text.is_empty()).then(|| normalize_untrusted_str(&label.text))
}

/// The stretch, cut to the text and to borders of characters.
fn fitting(text: &str, span: &Span) -> Range<usize> {
    let border = |byte: usize| {
        let byte = byte.min(text.len());
        (0..=byte).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
    };
    let start = border(span.range.start);
    start..border(span.range.end).max(start)
}

/// A finding as JSON has it.
#[derive(Serialize)]
struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    related: Vec<Place<'a>>,
    hints: &'a [String],
}

/// A place as JSON has it.
#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    line: usize,
    column: usize,
    start: usize,
    end: usize,
    label: &'a str,
}

impl<'a> Finding<'a> {
    fn of(diagnostic: &'a Diagnostic) -> Self {
        Self {
            code: diagnostic.code.as_str(),
            severity: diagnostic.severity.as_str(),
            message: &diagnostic.message,
            place: Place::of(&diagnostic.primary),
            related: diagnostic.secondary.iter().map(Place::of).collect(),
            hints: &diagnostic.hints,
        }
    }
}

impl<'a> Place<'a> {
    fn of(label: &'a Label) -> Self {
        let Span { path, range, line, column } = &label.span;
        Self {
            path,
            line: *line,
            column: *column,
            start: range.start,
            end: range.end,
            label: &label.text,
        }
    }
}
