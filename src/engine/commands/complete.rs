//! Complete: a person finishes a task, with an outcome and a checked form.

use crate::definition::compiled::TaskSpec;
use crate::engine::rejection::{Missing, Rejection};
use crate::engine::scene::Scene;
use crate::engine::values;
use crate::model::command::Complete;
use crate::model::id::{MemberId, Outcome};
use crate::model::task::{Task, TaskEnd};
use crate::model::value::Values;

pub(in crate::engine) fn complete(
    scene: &mut Scene<'_>,
    complete: &Complete,
    force: Option<&str>,
) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::short_text(&complete.comment, "comment")?;
    let task = scene.open_task(complete.task)?;
    let Some(spec) = scene.spec_of(&task.reference) else {
        return Err(Rejection::TaskNotFound(complete.task.0));
    };
    let worker = scene.as_worker(&task, "complete")?;
    let delegator = task.holder.as_ref().and_then(|holder| holder.delegated_by.clone());
    let names = std::iter::once(worker.member.clone()).chain(worker.instead_of.clone());
    let names: Vec<MemberId> = names.chain(delegator).collect();
    for name in &names {
        scene.must_be_other_eyes(&task, name)?;
    }
    let missing = missing(scene, &task, spec, complete)?;
    if !missing.is_empty() {
        return Err(Rejection::IncompleteTask { task: task.reference, missing });
    }
    scene.must_not_be_blocked(Some(&task.reference.id), force)?;
    super::fields::change(scene, &complete.changes);
    let form: Values = complete.form.clone();
    let outcome = complete.outcome.clone();
    let comment = complete.comment.clone();
    scene.finish_task(&task.reference, outcome, form, Some(worker), comment);
    Ok(())
}

/// Everything that is wrong or missing, at once.
fn missing(
    scene: &mut Scene<'_>,
    task: &Task,
    spec: &TaskSpec,
    complete: &Complete,
) -> Result<Vec<Missing>, Rejection> {
    let mut missing = Vec::new();
    missing.extend(wrong_outcome(spec, complete.outcome.as_ref()));
    let needed = spec.checklist.iter().filter(|item| !item.optional);
    let unchecked = needed.filter(|item| !task.checked.contains(&item.id));
    missing.extend(unchecked.map(|item| Missing::ChecklistItem(item.id.clone())));
    let wrong = values::check_values(&spec.form, &complete.form);
    missing.extend(wrong.into_iter().map(Missing::Form));
    missing.extend(missing_in_form(scene, task, spec, complete)?);
    let wrong = super::fields::wrong_changes(scene, &complete.changes);
    missing.extend(wrong.into_iter().map(Missing::Value));
    Ok(missing)
}

fn wrong_outcome(spec: &TaskSpec, outcome: Option<&Outcome>) -> Option<Missing> {
    match outcome {
        None if spec.outcomes.is_empty() => None,
        None => Some(Missing::Outcome(spec.outcomes.clone())),
        Some(outcome) if spec.outcomes.contains(outcome) => None,
        Some(_) => Some(Missing::OtherOutcome(spec.outcomes.clone())),
    }
}

/// What a form must hold may depend on the outcome that is about to be recorded.
fn missing_in_form(
    scene: &mut Scene<'_>,
    task: &Task,
    spec: &TaskSpec,
    complete: &Complete,
) -> Result<Vec<Missing>, Rejection> {
    let mut missing = Vec::new();
    let Some(stage) = scene.stage_of(&task.reference.stage) else { return Ok(missing) };
    let at = scene.now;
    let outcome = complete.outcome.clone();
    let end = TaskEnd::Done { outcome, by: None, instead_of: None, delegated_by: None, at };
    let about_to_end = Task { end: Some(end), ..task.clone() };
    for field in &spec.form {
        let needed = match &field.required_when {
            Some(condition) if !field.required => {
                scene.guard(condition, stage, Some(&about_to_end))?
            }
            Some(_) | None => field.required,
        };
        if needed && !values::is_filled(field, &complete.form) {
            let problem = values::problem(field.id.as_str(), "it must not be empty".to_owned());
            missing.push(Missing::Form(problem));
        }
    }
    Ok(missing)
}
