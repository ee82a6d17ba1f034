//! Log activity: a visit, a contact, a progress note. It resets the cadences that say so.

use crate::definition::compiled::{ActivityKind, ClockRule, ClockSpec};
use crate::engine::effects::keyed_id;
use crate::engine::rejection::{FieldProblem, Rejection};
use crate::engine::scene::Scene;
use crate::engine::values;
use crate::model::clock::ClockEnd;
use crate::model::command::{Begin, LogActivity};
use crate::model::event::Payload;
use crate::model::id::ActivityId;
use crate::model::limits;
use crate::model::link::{Relation, Start};
use crate::model::time::Timestamp;
use crate::model::value::Changes;

pub(in crate::engine) fn log_activity(
    scene: &mut Scene<'_>,
    log: &LogActivity,
) -> Result<(), Rejection> {
    let Some(kind) = scene.workflow().activity(log.activity.as_str()) else {
        return Err(Rejection::UnknownActivity(log.activity.as_str().into()));
    };
    scene.must_command("log activity")?;
    let mut problems = values::check_values(&kind.fields, &log.fields);
    problems.extend(values::missing_required(&kind.fields, &log.fields));
    if !problems.is_empty() {
        return Err(Rejection::InvalidValues(problems));
    }
    let occurred_at = log.occurred_at.unwrap_or(scene.now);
    if occurred_at > scene.now {
        return Err(Rejection::InFuture);
    }
    let changes = changes(scene, kind, log, occurred_at);
    let problems = super::fields::wrong_changes(scene, &changes);
    if !problems.is_empty() {
        return Err(Rejection::InvalidValues(problems));
    }
    check_starts(scene, kind, &log.starts)?;
    scene.emit(Payload::ActivityLogged {
        activity: log.activity.clone(),
        occurred_at,
        fields: log.fields.clone(),
    });
    super::fields::change(scene, &changes);
    reset_cadences(scene, &log.activity, occurred_at);
    for begin in &log.starts {
        let start = Start {
            workflow: begin.workflow.clone(),
            fields: begin.fields.clone(),
            steward: begin.steward.clone(),
            relation: Relation::SpawnedFrom,
            task: None,
            task_number: None,
        };
        let workflow = scene.context.workflows.active(begin.workflow.as_str());
        scene.ask_to_start(begin.id.clone(), workflow, start);
    }
    Ok(())
}

/// What is logged sets the fields that say so, unless something later of its kind was logged
/// before: the latest word counts.
fn changes(
    scene: &Scene<'_>,
    kind: &ActivityKind,
    log: &LogActivity,
    occurred_at: Timestamp,
) -> Changes {
    let known = scene.instance.activities.get(&log.activity);
    if known.is_some_and(|summary| summary.last_at > occurred_at) {
        return Changes::new();
    }
    let set = kind
        .fields
        .iter()
        .filter_map(|field| Some((field.sets.clone()?, Some(log.fields.get(&field.id)?.clone()))));
    set.collect()
}

/// Refuses instances that the activity may not start, or that could not begin like this.
fn check_starts(scene: &Scene<'_>, kind: &ActivityKind, starts: &[Begin]) -> Result<(), Rejection> {
    if starts.len() > limits::STARTS_MAX {
        return Err(Rejection::LimitReached("instances that one command may start"));
    }
    super::link::must_have_room(scene, starts.len())?;
    let mut problems = Vec::new();
    for (at, begin) in starts.iter().enumerate() {
        problems.extend(wrong_id(scene, &starts[..at], begin).map(|problem| FieldProblem {
            field: format!("starts[{at}].instance").as_str().into(),
            problem: problem.to_owned(),
        }));
        let name = &begin.workflow;
        if !kind.may_start.contains(name) {
            let (workflow, allowed) = (name.clone(), kind.may_start.clone());
            return Err(Rejection::MayNotStart { workflow, allowed });
        }
        let Some(workflow) = scene.context.workflows.active(name.as_str()) else {
            return Err(Rejection::WorkflowNotActive(name.as_str().into()));
        };
        begin.steward.as_ref().map_or(Ok(()), |it| super::possible_steward(scene, it))?;
        let mut wrong = values::check_values(&workflow.fields, &begin.fields);
        wrong.extend(values::missing_required(&workflow.fields, &begin.fields));
        problems.extend(wrong.into_iter().map(|FieldProblem { field, problem }| FieldProblem {
            field: format!("starts[{at}].fields.{field}").as_str().into(),
            problem,
        }));
    }
    if problems.is_empty() { Ok(()) } else { Err(Rejection::InvalidValues(problems)) }
}

/// What is wrong with the id that one is to have: it would be refused when nobody listens any more.
fn wrong_id(scene: &Scene<'_>, before: &[Begin], begin: &Begin) -> Option<&'static str> {
    let id = begin.id.as_ref()?;
    let workflow = scene.context.workflows.active(begin.workflow.as_str())?;
    if *id == scene.instance.id {
        return Some("an instance does not start itself");
    }
    if before.iter().any(|other| other.id.as_ref() == Some(id)) {
        return Some("another one is to begin under this id");
    }
    let keyed = keyed_id(workflow, &begin.fields);
    keyed.filter(|keyed| keyed != id).map(|_| "it is derived from the key: leave it empty")
}

/// A reset opens a new clock, from when the activity occurred. One that occurred before the running
/// clock began resets nothing.
fn reset_cadences(scene: &mut Scene<'_>, activity: &ActivityId, occurred_at: Timestamp) {
    let clocks = scene.instance.clocks.clone();
    for clock in clocks {
        let Some(spec) = scene.clock_spec(&clock) else { continue };
        if resets(spec, activity) && occurred_at >= clock.started_at {
            scene.stop_clocks(ClockEnd::Reset, |known| known.number == clock.number);
            scene.restart_clock(spec, &clock, occurred_at);
        }
    }
}

fn resets(spec: &ClockSpec, activity: &ActivityId) -> bool {
    match &spec.kind {
        ClockRule::Every { reset_by, .. } => reset_by.contains(activity),
        ClockRule::Within(_)
        | ClockRule::By(_)
        | ClockRule::Wait(_)
        | ClockRule::Check { .. }
        | ClockRule::Raise { .. } => false,
    }
}
