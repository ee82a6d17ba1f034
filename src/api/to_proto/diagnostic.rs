//! Findings as messages.

use crate::api::pb;
use crate::definition::diagnostic::{self, Diagnostic, Severity};
use crate::definition::render::{self, Style};
use crate::definition::sources::Sources;
use crate::model::limits;

/// Findings, the first ones drawn into the files in which they were found. Takes its time.
pub(in crate::api) fn all(found: &[Diagnostic], sources: &Sources) -> Vec<pb::Diagnostic> {
    let told = diagnostic::first_of(found, limits::FINDINGS_TOLD_MAX).enumerate();
    let as_told = told.map(|(place, each)| {
        if place < limits::FINDINGS_DRAWN_MAX { drawn(each, sources) } else { line(each) }
    });
    as_told.collect()
}

fn drawn(diagnostic: &Diagnostic, sources: &Sources) -> pb::Diagnostic {
    let rendered = render::human(std::slice::from_ref(diagnostic), sources, Style::Plain);
    pb::Diagnostic { rendered, ..line(diagnostic) }
}

/// A finding in one line.
pub(in crate::api) fn line(diagnostic: &Diagnostic) -> pb::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => pb::Severity::Error,
        Severity::Warning => pb::Severity::Warning,
    };
    let span = &diagnostic.primary.span;
    pb::Diagnostic {
        code: diagnostic.code.as_str().to_owned(),
        severity: severity.into(),
        message: diagnostic.message.clone(),
        path: span.path.to_string(),
        line: u32::try_from(span.line).unwrap_or(u32::MAX),
        column: u32::try_from(span.column).unwrap_or(u32::MAX),
        help: diagnostic.hints.clone(),
        rendered: render::lines(std::slice::from_ref(diagnostic)).trim_end().to_owned(),
    }
}
