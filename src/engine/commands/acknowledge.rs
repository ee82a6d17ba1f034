//! Acknowledge: somebody takes notice of an escalation. It stops the repeats of that level and of
//! those below it, never the next level.

use crate::definition::compiled::{Requirement, Step};
use crate::engine::rejection::{FieldProblem, Rejection};
use crate::engine::scene::Scene;
use crate::model::clock::{Alarm, Clock};
use crate::model::command::Acknowledge;
use crate::model::escalation::{Fired, Firing};
use crate::model::event::Payload;
use crate::model::id::{MemberId, StepId};
use crate::model::time::Date;

pub(in crate::engine) fn acknowledge(
    scene: &mut Scene<'_>,
    acknowledge: &Acknowledge,
) -> Result<(), Rejection> {
    super::short_text(&acknowledge.comment, "comment")?;
    let plan = acknowledge.recovery_plan.as_deref().unwrap_or_default();
    super::short_text(plan, "recovery_plan")?;
    let by = scene.acting_member()?;
    let Some(clock) = scene.clock(acknowledge.clock).cloned() else {
        return Err(Rejection::NothingToAcknowledge);
    };
    // The highest step that told people stands for those below it: once is enough.
    let told = clock.fired.iter().rev().find(|fired| fired.firing == Firing::Notified);
    let Some(fired) = told.filter(|fired| fired.acknowledged.is_none()).cloned() else {
        return Err(Rejection::NothingToAcknowledge);
    };
    let policy = scene.policy_of(scene.clock_spec(&clock));
    let step = policy.and_then(|policy| policy.steps.iter().find(|step| step.id == fired.step));
    let (Some(policy), Some(step)) = (policy, step) else {
        return Err(Rejection::NothingToAcknowledge);
    };
    must_be_told(scene, &clock, &fired, step, &by)?;
    must_hold_what_is_required(step, acknowledge)?;
    must_promise_what_can_be(scene, acknowledge.promised)?;

    let rank = |id: &StepId| policy.steps.iter().position(|known| known.id == *id);
    let answered = rank(&step.id);
    let mut schedule = clock.plan.schedule.clone();
    schedule.retain(|scheduled| match &scheduled.alarm {
        Alarm::Repeat(told) | Alarm::Unacknowledged(told) => rank(told) > answered,
        Alarm::AtRisk | Alarm::Due | Alarm::Step(_) | Alarm::Check => true,
    });
    scene.emit(Payload::EscalationAcknowledged {
        clock: clock.reference(),
        policy: policy.id.clone(),
        step: step.id.clone(),
        level: fired.level,
        by,
        comment: acknowledge.comment.clone(),
        recovery_plan: acknowledge.recovery_plan.clone(),
        promised: acknowledge.promised,
        schedule,
    });
    Ok(())
}

/// A person who was told at that level or above it, who stands in for one, or who is in a role of
/// the step or above.
fn must_be_told(
    scene: &Scene<'_>,
    clock: &Clock,
    fired: &Fired,
    step: &Step,
    by: &MemberId,
) -> Result<(), Rejection> {
    let from = clock.fired.iter().position(|known| known.step == fired.step).unwrap_or(0);
    let told = clock.fired[from..].iter().flat_map(|known| &known.notified);
    let mut told = told;
    if told.any(|member| member == by || scene.stands_in(by, member)) {
        return Ok(());
    }
    let task = scene.task_of(&clock.owner);
    if step.notify.iter().any(|role| scene.holds_role(role, task)) {
        return Ok(());
    }
    Err(Rejection::NotPermitted { doing: "acknowledge", allowed: step.notify.clone() })
}

fn must_hold_what_is_required(step: &Step, acknowledge: &Acknowledge) -> Result<(), Rejection> {
    let plan = acknowledge.recovery_plan.as_deref().unwrap_or_default();
    let missing: Vec<&'static str> = step
        .require
        .iter()
        .filter_map(|requirement| match requirement {
            Requirement::RecoveryPlan => plan.trim().is_empty().then_some("recovery_plan"),
            Requirement::PromisedDate => acknowledge.promised.is_none().then_some("promised"),
        })
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Rejection::AcknowledgementIncomplete(missing)) }
}

/// A day that is over cannot be promised.
fn must_promise_what_can_be(scene: &Scene<'_>, promised: Option<Date>) -> Result<(), Rejection> {
    let today = scene.context.calendar.date_of(scene.now);
    if promised.is_none_or(|day| day >= today) {
        return Ok(());
    }
    let problem = "the day that is promised is over".to_owned();
    Err(Rejection::InvalidValues(vec![FieldProblem { field: "promised".into(), problem }]))
}
