//! A script that failed while it ran: where it stands, and the engine's error in our words.

use rhai::{EvalAltResult, Position};

/// A script that failed while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where: the file, line and column as far as known.
    pub place: String,
    /// What went wrong.
    pub message: String,
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
        E::ErrorDataTooLarge(what, _) => format!("{what} grows too large"),
        E::ErrorTooManyVariables(_) => "it has too many variables".to_owned(),
        E::ErrorFunctionNotFound(signature, _) => format!("there is no function `{signature}`"),
        E::ErrorVariableNotFound(name, _) => format!("there is no `{name}`"),
        E::ErrorPropertyNotFound(name, _) => format!("there is no `{name}`"),
        E::ErrorMismatchDataType(wanted, found, _)
        | E::ErrorMismatchOutputType(wanted, found, _) => {
            format!("`{wanted}` is expected here, this is `{found}`")
        }
        E::ErrorRuntime(value, _) if value.is_string() => value.to_string(),
        E::ErrorRuntime(value, _) => format!("it threw {value}"),
        E::ErrorArithmetic(text, _) => text.clone(),
        other => {
            let mut other = other.to_string();
            if let Some(at) = other.rfind(" (line ") {
                other.truncate(at);
            }
            other
        }
    }
}
