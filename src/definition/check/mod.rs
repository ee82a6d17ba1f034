//! Whole-graph findings: what is right word by word and still cannot work.
//!
//! Sees a compiled workflow beside the file from which it came, and only one that has no other
//! error. Never changes it. Each kind of finding has a fixture in `tests/fixtures/diagnostics`.

use crate::calendar::Calendar;
use crate::model::organization::Organization;

use super::authored;
use super::compiled::Workflow;
use super::diagnostic::Findings;
use super::span::SpanIndex;

/// What there is to check.
#[expect(dead_code, reason = "the checks that read them are written next")]
pub(super) struct Checked<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// Its file as it was written.
    pub authored: &'a authored::Workflow,
    /// Where everything in that file stands.
    pub at: &'a SpanIndex,
    /// The policies as they were written; absent where there is no such file.
    pub policies: Option<(&'a authored::Escalation, &'a SpanIndex)>,
    /// The organization as it stands; absent where its file is.
    pub organization: Option<&'a Organization>,
    /// The workflow's calendar.
    pub calendar: Option<&'a Calendar>,
}

/// Reports everything that can be seen only in the whole.
pub(super) fn check(_checked: &Checked<'_>, _findings: &mut Findings) {}
