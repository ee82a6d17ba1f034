//! What the parser refuses, in our words and with a remedy.

use std::sync::Arc;

use rhai::{LexError, ParseError, ParseErrorType};

use super::finding::{Finding, FindingKind};
use super::sandbox;
use super::spans::{Span, Spans};

/// A finding at a span.
pub(super) fn finding(
    file: Option<&Arc<str>>,
    span: Span,
    kind: FindingKind,
    message: String,
    hint: Option<String>,
) -> Finding {
    let Span { line, column, length } = span;
    Finding { file: file.cloned(), line, column, length, kind, message, hint }
}

/// The finding for a refusal of the parser; unknown names are left to the caller, who knows what
/// could have been meant.
pub(super) fn refusal(file: Option<&Arc<str>>, error: &ParseError, spans: &Spans) -> Finding {
    let (kind, message, hint) = told(error.err_type());
    finding(file, spans.at(error.position()), kind, message, hint.map(str::to_owned))
}

/// The finding for an engine that gave up on a text.
pub(super) fn gave_up(file: Option<&Arc<str>>, message: String) -> Finding {
    let span = Span { line: 1, column: 1, length: 1 };
    finding(file, span, FindingKind::Syntax, message, None)
}

fn told(error: &ParseErrorType) -> (FindingKind, String, Option<&'static str>) {
    use ParseErrorType as P;

    let syntax = FindingKind::Syntax;
    match error {
        P::UnexpectedEOF => (syntax, "it ends too early".to_owned(), None),
        P::Reserved(word) => {
            (FindingKind::Forbidden, format!("`{word}` cannot be used here"), None)
        }
        P::BadInput(LexError::ImproperSymbol(symbol, _)) if sandbox::SHUT.contains(&&**symbol) => {
            (FindingKind::Forbidden, format!("`{symbol}` cannot be used here"), None)
        }
        P::BadInput(LexError::ImproperSymbol(symbol, _)) => {
            (syntax, format!("`{symbol}` does not belong here"), None)
        }
        P::BadInput(LexError::UnexpectedInput(text)) => {
            (syntax, format!("`{text}` does not belong here"), remedy(text))
        }
        P::BadInput(LexError::MalformedChar(_)) => (
            syntax,
            "single quotes hold one character".to_owned(),
            Some("put texts in double quotes"),
        ),
        P::VariableUndefined(name) => {
            (FindingKind::UnknownName, format!("there is no `{name}`"), None)
        }
        P::FnDuplicatedDefinition(name, _) => {
            (FindingKind::DuplicateFunction, format!("there is already a function `{name}`"), None)
        }
        P::ExprTooDeep => (syntax, "it is nested too deeply".to_owned(), None),
        other => (syntax, lowered(&other.to_string()), None),
    }
}

fn remedy(text: &str) -> Option<&'static str> {
    match text {
        "=" => Some("`==` compares"),
        "and" | "AND" => Some("write `&&`"),
        "or" | "OR" => Some("write `||`"),
        "not" => Some("write `!`"),
        "<>" => Some("write `!=`"),
        _ => None,
    }
}

/// The parser's own text, brought to the form of ours.
pub(super) fn lowered(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    (first + letters.as_str()).replace('\'', "`")
}
