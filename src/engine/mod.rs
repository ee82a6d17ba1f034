//! The engine: two pure functions, and nothing else decides anything.
//!
//! [`decide`] reads an instance and a command and says what happens; [`apply_record`] copies what
//! happened into the instance. It has no clock, no randomness, no IO, no threads; it never names
//! tokio, serde, rhai or the store. Simulation, specs, what-if and explanation are these two
//! functions over a copy.

mod actions;
mod apply;
mod apply_clock;
mod apply_link;
mod apply_task;
mod decision;
mod explain;
mod rejection;
mod settle;

mod access;
mod blockers;
mod calls;
mod checks;
mod clocks;
mod effects;
mod facts;
mod ladder;
mod leave;
mod people;
mod react;
mod roster;
mod scene;
mod stages;
mod tasks;
mod values;
mod weight;

mod commands;

pub use apply::{apply_record, apply_record_telling};
pub use decision::{ActiveWorkflows, Context, Decision, Outcome};
pub use effects::{command_of, confirmation, keyed_id};
pub use explain::{AlarmPreview, CalendarEffect, ClockMove, Deadline};
pub use explain::{explain_deadlines, preview_calendar, preview_resume};
pub use people::{candidates, members_in};
pub use rejection::{CannotOpen, FieldProblem, Missing, Rejection};
pub use roster::{RosterDecision, decide_roster, must_keep_rules};
pub use values::check_values;

use std::sync::Arc;

use crate::model::actor::Actor;
use crate::model::command::{Action, Command, Confirm, Request};
use crate::model::event::Record;
use crate::model::instance::Instance;

use scene::Scene;

/// Decides a command: first everything that fell due strictly before now happens, then the command
/// is judged on the instance as it is after that. Reads, never writes; the same arguments always
/// give the same decision. What was settled is to be written even when the command is refused.
pub fn decide(
    context: &Context<'_>,
    instance: Option<&Arc<Instance>>,
    command: &Command,
) -> Decision {
    match (instance, &command.action) {
        (None, Action::Create(create)) => commands::create(context, create, command),
        (None, _) => Decision::refused(None, Rejection::InstanceNotFound),
        (Some(instance), action) => decide_existing(context, instance, action, command),
    }
}

fn decide_existing(
    context: &Context<'_>,
    instance: &Arc<Instance>,
    action: &Action,
    command: &Command,
) -> Decision {
    if let Some(outcome) = command.request.and_then(|request| known_request(instance, request)) {
        return Decision { settled: None, outcome, after: Some(Arc::clone(instance)) };
    }
    let mut scene = Scene::new(context, Arc::clone(instance), &command.actor);
    scene.settle();
    let settled = scene.finish_settling();
    let after_settling = Arc::clone(&scene.instance);
    let judged = match action {
        Action::Settle => return Decision::settled(settled, after_settling),
        Action::Confirm(confirm) => return confirmed(context, instance, confirm),
        Action::Create(create) => commands::adopt(&mut scene, create),
        Action::Hear(hear) => commands::hear(&mut scene, hear),
        _ => judge(&mut scene, &after_settling, action, command),
    };
    match judged {
        // Another instance told what is known already.
        Ok(()) if scene.events_count() == 0 => Decision::settled(settled, after_settling),
        Ok(()) => {
            let record = scene.finish_command(command.request);
            debug_assert!(!record.events.is_empty(), "an accepted command leaves an event");
            Decision::accepted(settled, record, scene.instance)
        }
        Err(rejection) => {
            Decision { settled, outcome: Outcome::Refused(rejection), after: Some(after_settling) }
        }
    }
}

/// What became of an effect is settled like what fell due: it is no command of anybody's.
fn confirmed(context: &Context<'_>, instance: &Arc<Instance>, confirm: &Confirm) -> Decision {
    let mut scene = Scene::new(context, Arc::clone(instance), &Actor::System);
    scene.settle();
    scene.confirm(confirm);
    let settled = scene.finish_settling();
    Decision::settled(settled, scene.instance)
}

/// A request that was accepted before is answered as it was then; its id must not be used for
/// anything else.
pub fn known_request(instance: &Instance, request: Request) -> Option<Outcome> {
    let known = instance.requests.iter().find(|known| known.key == request.key)?;
    Some(if known.digest == request.digest {
        Outcome::Repeated { revision: known.revision }
    } else {
        Outcome::Refused(Rejection::RequestIdReused)
    })
}

fn judge(
    scene: &mut Scene<'_>,
    before: &Arc<Instance>,
    action: &Action,
    command: &Command,
) -> Result<(), Rejection> {
    if let Some(expected) = command.expected_revision {
        let actual = scene.instance.revision;
        if expected != actual {
            return Err(Rejection::StaleRevision { expected, actual });
        }
    }
    if !matches!(action, Action::Revive(_)) {
        scene.must_be_live()?;
    }
    let force = command.force.as_deref();
    match action {
        Action::Create(_) | Action::Hear(_) | Action::Confirm(_) | Action::Settle => {}
        Action::Advance(advance) => commands::advance(scene, advance, force)?,
        Action::Return(back) => commands::return_to(scene, back)?,
        Action::Redo(redo) => commands::redo(scene, redo)?,
        Action::Suspend(suspend) => commands::suspend(scene, suspend)?,
        Action::Resume => commands::resume(scene)?,
        Action::Terminate(terminate) => commands::terminate(scene, terminate, force)?,
        Action::OpenStage(open) => commands::open_stage(scene, open)?,
        Action::UpdateFields(update) => commands::update_fields(scene, update)?,
        Action::LogActivity(log) => commands::log_activity(scene, log)?,
        Action::Reassign(reassign) => commands::reassign(scene, reassign)?,
        Action::SetBackups(set) => commands::set_backups(scene, set)?,
        Action::Claim(claim) => commands::claim(scene, claim)?,
        Action::Release(release) => commands::release(scene, release)?,
        Action::Delegate(delegate) => commands::delegate(scene, delegate)?,
        Action::Object(object) => commands::object(scene, object)?,
        Action::DecideObjection(decide) => commands::decide_objection(scene, decide)?,
        Action::RequestSupplement(asked) => commands::request_supplement(scene, asked)?,
        Action::Supply(supply) => commands::supply(scene, supply)?,
        Action::Complete(complete) => commands::complete(scene, complete, force)?,
        Action::Check(check) => commands::check(scene, check)?,
        Action::Comment(comment) => commands::comment(scene, comment)?,
        Action::RequestExtension(request) => commands::request_extension(scene, request, force)?,
        Action::DecideExtension(decide) => commands::decide_extension(scene, decide)?,
        Action::Acknowledge(acknowledge) => commands::acknowledge(scene, acknowledge)?,
        Action::Link(link) => commands::link(scene, link)?,
        Action::Unlink(unlink) => commands::unlink(scene, unlink)?,
        Action::Revive(revive) => commands::revive(scene, revive)?,
    }
    scene.react()?;
    scene.must_be_free_to_end(before, force)?;
    scene.must_be_within_limits(Some(before))
}

/// Applies a record's events to a copy: what replay, loading and tests do.
pub fn replay<'a>(records: impl IntoIterator<Item = &'a Record>) -> Option<Arc<Instance>> {
    replay_onto(None, records)
}

/// The same from where an instance stood before the first of them; none: before it was created.
pub fn replay_onto<'a>(
    mut instance: Option<Arc<Instance>>,
    records: impl IntoIterator<Item = &'a Record>,
) -> Option<Arc<Instance>> {
    for record in records {
        apply_record(&mut instance, record);
    }
    instance
}
