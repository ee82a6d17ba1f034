//! Conditions that exclude themselves, and those that ask about tasks which cannot have opened.

use std::collections::BTreeSet;

use crate::definition::code::Code;
use crate::definition::compiled::StageIndex;
use crate::definition::diagnostic::{Diagnostic, Findings};

use super::Checked;
use super::asked::{Asked, opens_later};

/// Reports what the judgements say.
pub(super) fn check(
    checked: &Checked<'_>,
    judged: &[Asked],
    dead: &BTreeSet<StageIndex>,
    findings: &mut Findings,
) {
    for asked in judged {
        contradictions(checked, asked, findings);
        // That a stage can never be left says more than why.
        let explains = asked.leads_on && asked.stage.is_some_and(|stage| dead.contains(&stage));
        if !explains {
            later_tasks(checked, asked, findings);
        }
    }
}

fn contradictions(checked: &Checked<'_>, asked: &Asked, findings: &mut Findings) {
    for part in &asked.judgement.contradictions {
        let span = checked.at.inside(&asked.path, part.line, part.column, part.length);
        let label = match part.comparisons {
            1 => format!("`{}` is never like this", part.fact),
            _ => format!("no value of `{}` fits all of this", part.fact),
        };
        let message = "the condition can never hold";
        findings.push(Diagnostic::new(Code::Contradiction, span, message).label(label));
    }
}

fn later_tasks(checked: &Checked<'_>, asked: &Asked, findings: &mut Findings) {
    let Some(stage) = asked.stage else { return };
    let workflow = checked.workflow;
    for task in &asked.judgement.tasks {
        if !opens_later(workflow, &task.name, stage) {
            continue;
        }
        let owner = workflow.stages.iter().find(|stage| stage.task(&task.name).is_some());
        let Some(owner) = owner else { continue };
        let span = checked.at.inside(&asked.path, task.line, task.column, task.length);
        let message = format!("the task `{}` cannot have opened yet", task.name);
        let own = &workflow.stages[stage.0].id;
        let label = match &owner.beside {
            None => format!("it belongs to `{}`, which comes after `{own}`", owner.id),
            Some(beside) => {
                let from = &workflow.stages[beside.opens_from.0].id;
                format!("it belongs to `{}`, which opens from `{from}` on", owner.id)
            }
        };
        findings.push(Diagnostic::new(Code::TaskOpensLater, span, message).label(label));
    }
}
