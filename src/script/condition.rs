//! Conditions: single expressions over facts, compiled once.

use std::sync::Arc;

use super::facts::Facts;

/// A compiled condition.
pub struct Condition {
    source: Arc<str>,
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Condition({})", self.source)
    }
}

impl Condition {
    /// The expression as written.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Whether it holds. Anything but a boolean is a failure.
    pub fn holds(&self, _facts: &Facts) -> Result<bool, Failure> {
        Ok(false)
    }
}

/// A script that failed while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where: the file, line and column as far as known.
    pub place: String,
    /// What went wrong.
    pub message: String,
}
