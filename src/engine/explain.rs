//! Explaining: why a deadline is when it is, and what resuming would fire. Pure reads over a copy.

use std::sync::Arc;

use crate::calendar::explain::DayWalk;
use crate::model::actor::Actor;
use crate::model::clock::{Clock, ClockKind, ClockOwner, ClockRef, Scheduled};
use crate::model::event::Payload;
use crate::model::instance::Instance;
use crate::model::time::Timestamp;

use super::commands;
use super::decision::Context;
use super::scene::Scene;

/// A running clock with the walk over the days that leads to its due time.
#[derive(Debug, Clone)]
pub struct Deadline {
    /// The clock as it stands; while it stands still, due where the walk leads.
    pub clock: Clock,
    /// Day by day, what counted and what did not.
    pub walk: DayWalk,
}

/// What is going to happen on a clock, if nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmPreview {
    /// The clock.
    pub clock: ClockRef,
    /// When its limit runs out.
    pub due: Timestamp,
    /// What happens, in order of time.
    pub schedule: Vec<Scheduled>,
}

/// Every running limit of an instance, explained, in order of the clocks' numbers. A check and what
/// is raised have no limit that could be explained.
pub fn explain_deadlines(context: &Context<'_>, instance: &Arc<Instance>) -> Vec<Deadline> {
    let scene = Scene::new(context, Arc::clone(instance), &Actor::System);
    let clocks = scene.instance.clocks();
    clocks
        .filter(|clock| !matches!(clock.kind, ClockKind::Check | ClockKind::Raise))
        .map(|clock| {
            let calendar = scene.calendar_of(scene.clock_spec(clock));
            let walk =
                calendar.explain(clock.limit, clock.started_at, &clock.excluded, &clock.extended);
            let mut clock = clock.clone();
            if clock.is_paused() {
                // Another calendar may have come since it stopped; it is computed when it goes on.
                clock.plan.due = walk.due.at;
                clock.plan.provisional = walk.due.provisional;
            }
            Deadline { clock, walk }
        })
        .collect()
}

/// What publishing another calendar would do to an instance's clocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CalendarEffect {
    /// Clocks that run: those that stand still are computed when they go on.
    pub running: usize,
    /// How those of them move that do, in order of their numbers.
    pub moves: Vec<ClockMove>,
}

/// How a running clock moves with another calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockMove {
    /// The clock.
    pub clock: ClockRef,
    /// When its limit runs out now.
    pub due_before: Timestamp,
    /// When it would; the same where only steps of its ladder move.
    pub due_after: Timestamp,
    /// Whether that lies beyond the calendar's last published year.
    pub provisional: bool,
}

/// What the calendar of the context would do to an instance that counts by another one.
pub fn preview_calendar(context: &Context<'_>, instance: &Arc<Instance>) -> CalendarEffect {
    if !instance.status.is_live() {
        return CalendarEffect::default();
    }
    let running = instance.clocks().filter(|clock| !clock.is_paused()).count();
    let mut scene = Scene::new(context, Arc::clone(instance), &Actor::System);
    scene.adopt_calendar();
    let happened = scene.finish_settling().into_iter().flat_map(|record| record.events);
    let moves = happened.filter_map(|event| match event.payload {
        Payload::ClockRecalculated { clock, due_before, plan, .. } => Some(ClockMove {
            clock,
            due_before,
            due_after: plan.due,
            provisional: plan.provisional,
        }),
        _ => None,
    });
    CalendarEffect { running, moves: moves.collect() }
}

/// What would happen on each clock if a suspended instance were resumed now; nothing if it is not
/// suspended.
pub fn preview_resume(context: &Context<'_>, instance: &Arc<Instance>) -> Vec<AlarmPreview> {
    let mut scene = Scene::new(context, Arc::clone(instance), &Actor::System);
    let Some(suspension) = scene.instance.suspension.clone() else { return Vec::new() };
    scene.settle();
    commands::go_on(&mut scene, suspension.since);
    // A preview cannot be refused: what does not come to rest is shown as far as it came.
    let _unfinished = scene.react();
    let clocks = scene.instance.clocks().filter(|clock| clock.owner != ClockOwner::Suspension);
    clocks
        .map(|clock| AlarmPreview {
            clock: clock.reference(),
            due: clock.plan.due,
            schedule: clock.plan.schedule.clone(),
        })
        .collect()
}
