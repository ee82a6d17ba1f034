//! A script that failed while it ran: where it stands, and the engine's error in our words.

use rhai::{Dynamic, EvalAltResult, Position};

use super::syntax::lowered;

/// A script that failed while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where: the file, line and column as far as known.
    pub place: String,
    /// What went wrong.
    pub message: String,
}

/// A failure that a function of ours raises inside a script.
#[expect(clippy::unnecessary_box_returns, reason = "the script engine passes errors in boxes")]
pub(super) fn raised(message: String) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(message.into(), Position::NONE).into()
}

/// The innermost function in which an error arose (none: the expression itself), where in it, and
/// what happened.
pub(super) fn innermost(error: &EvalAltResult) -> (Option<&str>, Position, String) {
    let mut function = None;
    let mut inner = error;
    while let EvalAltResult::ErrorInFunctionCall(name, _, cause, _) = inner {
        // An anonymous function stands in the one that made it.
        if !name.starts_with("anon$") {
            function = Some(name.as_str());
        }
        inner = cause;
    }
    (function, inner.position(), message(inner))
}

fn message(error: &EvalAltResult) -> String {
    use EvalAltResult as E;

    match error {
        E::ErrorTooManyOperations(_) => "it takes too many operations".to_owned(),
        E::ErrorStackOverflow(_) => "its functions call one another too deeply".to_owned(),
        E::ErrorDataTooLarge(what, _) if what.contains("string") => {
            "a text grows too large".to_owned()
        }
        E::ErrorDataTooLarge(..) => "a list or a map grows too large".to_owned(),
        E::ErrorTooManyVariables(_) => "it has too many variables".to_owned(),
        E::ErrorFunctionNotFound(signature, _) => {
            format!("there is no function `{}`", in_our_words(signature))
        }
        E::ErrorVariableNotFound(name, _) => format!("there is no `{name}`"),
        E::ErrorPropertyNotFound(name, _) => format!("there is no `{name}`"),
        E::ErrorMismatchDataType(wanted, found, _)
        | E::ErrorMismatchOutputType(wanted, found, _) => {
            format!("`{wanted}` is expected here, this is `{found}`")
        }
        E::ErrorRuntime(value, _) if value.is_string() => value.to_string(),
        E::ErrorRuntime(value, _) => format!("it threw {value}"),
        E::ErrorArithmetic(text, _) => lowered(text),
        other => {
            let mut other = other.to_string();
            if let Some(at) = other.rfind(" (line ") {
                other.truncate(at);
            }
            lowered(&other)
        }
    }
}

/// A signature with the types as people call them.
fn in_our_words(signature: &str) -> String {
    let types = [
        ("&str | ImmutableString | String", "text"),
        ("i64", "whole number"),
        ("f64", "number"),
        ("bool", "yes or no"),
        ("array", "list"),
    ];
    let (name, arguments) = signature.split_once(" (").unwrap_or((signature, ""));
    if arguments.is_empty() {
        return name.to_owned();
    }
    let arguments =
        types.iter().fold(arguments.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours));
    format!("{name}({arguments}")
}

/// What a value is called, with its article.
pub(super) fn described(value: &Dynamic) -> String {
    match value.type_name() {
        "()" => "nothing".to_owned(),
        "bool" => "yes or no".to_owned(),
        "i64" => "a whole number".to_owned(),
        "f64" => "a number".to_owned(),
        "string" => "a text".to_owned(),
        "array" => "a list".to_owned(),
        other => format!("a {other}"),
    }
}
