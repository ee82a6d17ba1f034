//! Whole-graph findings: what is right word by word and still cannot work.
//!
//! Sees a compiled workflow beside the file from which it came, and only one that has no other
//! error, so every index and name leads somewhere. Never changes it.

use crate::calendar::Calendar;
use crate::model::organization::Organization;
use crate::script::{FieldType, TaskWords, Vocabulary};

use super::authored;
use super::compiled::{FieldKind, Workflow};
use super::diagnostic::Findings;
use super::span::SpanIndex;

mod actions;
mod asked;

mod conditions;
mod ladders;
mod reach;
mod roles;

/// What there is to check.
pub(super) struct Checked<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// Its file as it was written.
    pub authored: &'a authored::Workflow,
    /// Where everything in that file stands.
    pub at: &'a SpanIndex,
    /// The policies as they were written; absent where there is no such file.
    pub policies: Option<(&'a authored::Escalation, &'a SpanIndex)>,
    /// The organization as it stands; absent where its file is, or where something is wrong in it.
    pub organization: Option<&'a Organization>,
    /// The workflow's calendar.
    pub calendar: Option<&'a Calendar>,
}

/// Reports everything that can be seen only in the whole.
pub(super) fn check(checked: &Checked<'_>, findings: &mut Findings) {
    let vocabulary = vocabulary(checked.workflow);
    let judged = asked::judged(checked, &vocabulary);
    let dead = reach::dead_ends(checked, &judged);
    conditions::check(checked, &judged, &dead, findings);
    reach::check(checked, &judged, &dead, findings);
    ladders::check(checked, findings);
    actions::check(checked, findings);
    roles::check(checked, findings);
}

/// What the expressions of a workflow may name, without a task of their own.
fn vocabulary(workflow: &Workflow) -> Vocabulary {
    let kind = |kind: &FieldKind| match kind {
        FieldKind::Text => FieldType::Text,
        FieldKind::Integer => FieldType::Integer,
        FieldKind::Decimal => FieldType::Decimal,
        FieldKind::Boolean => FieldType::Boolean,
        FieldKind::Date => FieldType::Date,
        FieldKind::Choice(words) => FieldType::Choice(words.clone()),
    };
    let fields = workflow.fields.iter();
    let tasks = workflow.stages.iter().flat_map(|stage| &stage.tasks);
    Vocabulary {
        fields: fields.map(|field| (field.id.as_str().into(), kind(&field.kind))).collect(),
        stages: workflow.stages.iter().map(|stage| stage.id.as_str().into()).collect(),
        tasks: tasks
            .map(|task| TaskWords {
                id: task.id.as_str().into(),
                each: task.for_each.clone(),
                outcomes: task.outcomes.iter().map(|outcome| outcome.as_str().into()).collect(),
            })
            .collect(),
        task: None,
    }
}
