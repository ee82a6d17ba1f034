//! A dossier: an instance as it was at an instant, with what its small body forgets.
//!
//! Folded from its records with the engine's own `apply`: `fold` follows what each event changed.
//! It knows no calendar.

use std::sync::Arc;

use crate::engine::apply_record_telling;
use crate::model::clock::{Clock, ClockEnd, ClockKind, ClockOwner, ClockRef, Limit};
use crate::model::escalation::Light;
use crate::model::event::Record;
use crate::model::id::{ActivityId, LevelId, MemberId, PolicyId, ReasonCode, StageId, StepId};
use crate::model::instance::Instance;
use crate::model::task::{Task, TaskEnd};
use crate::model::time::{Date, Timestamp};
use crate::model::value::Values;

use super::fold::{Folder, owner_now};

/// An instance with its past.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// The instance as it was.
    pub instance: Arc<Instance>,
    /// When its path first came to its end.
    pub path_ended_at: Option<Timestamp>,
    /// When it was completed or terminated.
    pub ended_at: Option<Timestamp>,
    /// Why it was terminated.
    pub reason: Option<ReasonCode>,
    /// Its stewards, one after the other.
    pub stewards: Vec<Held>,
    /// When it stood still.
    pub suspensions: Vec<Span>,
    /// Stays in stages, in order of their beginnings.
    pub stays: Vec<Stay>,
    /// Every task, in order of its number.
    pub tasks: Vec<TaskStory>,
    /// Every clock, in order of its number.
    pub limits: Vec<LimitStory>,
    /// Every activity, in the order in which they were logged.
    pub activities: Vec<Logged>,
    /// Every extension that was asked for or granted.
    pub extensions: Vec<ExtensionStory>,
    /// Every step that told people.
    pub escalations: Vec<EscalationStory>,
}

/// From an instant to another; while it lasts, to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Option<Timestamp>,
}

/// Somebody had something in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Who.
    pub member: MemberId,
    /// Since and until when.
    pub span: Span,
}

/// One stay in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// The stage.
    pub stage: StageId,
    /// The first one is 1.
    pub attempt: u32,
    /// Since and until when. The end of the instance ends its stays.
    pub span: Span,
    /// Whether the stage was left, and not ended with its instance.
    pub left: bool,
}

/// A task with its past.
#[derive(Debug, Clone)]
pub struct TaskStory {
    /// The task as it was, or as it was last.
    pub task: Arc<Task>,
    /// Who held it, one after the other.
    pub holders: Vec<Held>,
    /// When it waited for something from outside.
    pub waits: Vec<Span>,
    /// What was filled in.
    pub form: Values,
    /// What was said with it.
    pub comment: String,
}

impl LimitStory {
    /// When it ran out, or does; none: a check or a condition that is raised has no limit.
    pub fn due(&self) -> Option<Timestamp> {
        let limited = !matches!(self.clock.kind, ClockKind::Check | ClockKind::Raise);
        limited.then_some(self.clock.plan.due)
    }
}

impl TaskStory {
    /// Since and until when it was to be done.
    pub fn span(&self) -> Span {
        let to = self.task.end.as_ref().map(|end| match end {
            TaskEnd::Done { at, .. } | TaskEnd::Cancelled { at, .. } => *at,
        });
        Span { from: self.task.opened_at, to }
    }
}

/// A clock with its end.
#[derive(Debug, Clone)]
pub struct LimitStory {
    /// The clock as it was, or as it was last.
    pub clock: Arc<Clock>,
    /// When and why it ended.
    pub stopped: Option<(Timestamp, ClockEnd)>,
    /// Who was answerable for it when it ended: the holder of its task, or the steward.
    pub owner: Option<MemberId>,
}

/// An activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its kind.
    pub activity: ActivityId,
    /// When it occurred.
    pub occurred_at: Timestamp,
    /// When it was logged.
    pub logged_at: Timestamp,
    /// Who logged it, as people are told: a member, or a service.
    pub by: String,
    /// Its fields.
    pub fields: Values,
}

/// What became of a wish for more time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing yet.
    Pending,
    /// More time was granted.
    Granted,
    /// It was refused.
    Refused,
    /// The limit ended before anybody decided.
    Lapsed,
}

/// An extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionStory {
    /// What the limit measures.
    pub owner: ClockOwner,
    /// The clock's name.
    pub clock: Option<ClockRef>,
    /// How much, or up to which day.
    pub by: Limit,
    /// Who asked, and when; none: it was granted without being asked for.
    pub asked: Option<(MemberId, Timestamp)>,
    /// Why.
    pub reason: String,
    /// What became of it.
    pub decision: Decision,
    /// When it was decided, and by whom.
    pub decided: Option<(Timestamp, Option<MemberId>)>,
    /// What was said with that.
    pub comment: String,
    /// Once it is decided: the due time at the start, before, and after, if more was granted.
    pub dues: Option<(Timestamp, Timestamp, Option<Timestamp>)>,
}

/// A step that told people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationStory {
    /// Which clock's ladder.
    pub clock: ClockRef,
    /// The ladder.
    pub policy: PolicyId,
    /// The step.
    pub step: StepId,
    /// Its level.
    pub level: LevelId,
    /// Its light.
    pub light: Light,
    /// When it fired.
    pub raised_at: Timestamp,
    /// When the limit ran out, or does; none: a check or a condition that is raised has no limit.
    pub due: Option<Timestamp>,
    /// Who was told.
    pub told: Vec<MemberId>,
    /// Who was answerable then: the holder of the task, or the steward.
    pub owner: Option<MemberId>,
    /// How often it told again.
    pub repeats: u32,
    /// The acknowledgement.
    pub acknowledged: Option<Acknowledgement>,
    /// When its light went out.
    pub cleared_at: Option<Timestamp>,
}

/// Somebody took notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who.
    pub by: MemberId,
    /// When.
    pub at: Timestamp,
    /// What was said.
    pub comment: String,
    /// How the delay will be made good.
    pub plan: Option<String>,
    /// The day that was promised.
    pub promised: Option<Date>,
}

impl Dossier {
    /// The dossier that records make, up to and including an instant: what a look at the instance
    /// showed then. None: it did not exist yet. Records are in order, oldest first.
    pub fn fold<'a>(
        records: impl IntoIterator<Item = &'a Record>,
        until: Timestamp,
    ) -> Option<Self> {
        let mut instance = None;
        let mut folder = Folder::default();
        for record in records.into_iter().take_while(|record| record.time <= until) {
            apply_record_telling(&mut instance, record, |instance, event| {
                folder.follow(instance, record, event);
            });
        }
        Some(folder.close(instance?))
    }

    /// The latest limit that fits.
    pub fn limit_of(&self, fits: impl Fn(&Clock) -> bool) -> Option<&LimitStory> {
        self.limits.iter().rev().find(|limit| fits(&limit.clock))
    }

    /// Who answers for what a clock measures: the holder of its task, or the steward.
    pub fn owner_of(&self, limit: &LimitStory) -> Option<MemberId> {
        match limit.stopped {
            Some(_) => limit.owner.clone(),
            None => owner_now(&self.instance, &limit.clock.owner),
        }
    }
}
