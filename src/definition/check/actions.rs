//! What steps of ladders do beside telling: the stages and the tasks that they open must fit the
//! workflow whose limits climb them.

use crate::definition::authored::rules::Step;
use crate::definition::authored::shapes::Scalar;
use crate::definition::code::Code;
use crate::definition::diagnostic::{Diagnostic, Findings, Span};
use crate::definition::resolve;
use crate::definition::span::{KeyPath, SpanIndex};

use super::Checked;

/// A step as it was written, with its place.
pub(super) struct Placed<'a> {
    pub step: &'a Step,
    pub path: KeyPath,
    pub at: &'a SpanIndex,
}

impl Placed<'_> {
    /// The place of a key.
    pub(super) fn span(&self, key: &str) -> Span {
        self.at.value(&self.path.key(key))
    }
}

/// Every step that a workflow's limits can climb, and everything that it raises.
pub(super) fn steps<'a>(checked: &Checked<'a>) -> Vec<Placed<'a>> {
    let mut steps = Vec::new();
    if let Some((escalation, at)) = checked.policies {
        let top = KeyPath::root().key("policies");
        let used = |name: &str| checked.workflow.policy(name).is_some();
        for (name, ladder) in escalation.policies.iter().filter(|(name, _)| used(name)) {
            let each = ladder.iter().enumerate();
            steps.extend(each.map(|(index, step)| {
                let path = top.key(name).index(index);
                Placed { step, path, at }
            }));
        }
    }
    let raised = resolve::raised(checked.authored).into_iter();
    steps.extend(raised.map(|(step, path)| Placed { step, path, at: checked.at }));
    steps
}

/// Reports stages that cannot be opened, and special tasks with the name of a task.
pub(super) fn check(checked: &Checked<'_>, findings: &mut Findings) {
    for placed in steps(checked) {
        if let Some(stage) = &placed.step.open {
            opens(checked, &placed, stage, findings);
        }
        if let Some(task) = &placed.step.task {
            is_its_own(checked, &placed, task, findings);
        }
    }
}

fn opens(checked: &Checked<'_>, placed: &Placed<'_>, stage: &Scalar, findings: &mut Findings) {
    let (name, workflow) = (stage.as_str(), checked.workflow);
    let problem = match workflow.stage(name) {
        Some((_, stage)) if stage.beside.is_some() => return,
        Some(_) => "it is a stage of the path",
        None => "the workflow has no such stage",
    };
    let message = format!("`{}` cannot open the stage `{name}`", workflow.id);
    let beside = workflow.beside().map(|(_, stage, _)| stage.id.as_str());
    let diagnostic = Diagnostic::new(Code::StageNotBeside, placed.span("open"), message)
        .label(problem)
        .did_you_mean(name, beside);
    findings.push(diagnostic);
}

fn is_its_own(checked: &Checked<'_>, placed: &Placed<'_>, task: &Scalar, findings: &mut Findings) {
    let name = task.as_str();
    let stages = checked.workflow.stages.iter().enumerate();
    let taken = stages
        .filter_map(|(at, stage)| Some((at, stage.task(name)?.0.0)))
        .map(|(stage, task)| {
            KeyPath::root().key("stages").index(stage).key("tasks").index(task).key("id")
        })
        .next();
    let Some(taken) = taken else { return };
    let message = format!("the task `{name}` exists already");
    let diagnostic = Diagnostic::new(Code::DuplicateName, placed.span("task"), message)
        .label("a special task needs a name of its own")
        .also(checked.at.value(&taken), "it is taken here");
    findings.push(diagnostic);
}
