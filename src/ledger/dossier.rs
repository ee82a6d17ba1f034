//! A dossier: an instance as it was at an instant, with what its small body forgets.
//!
//! Folded from its records with the engine's own `apply`, by following what each event changed. It
//! decides and computes nothing, and knows no calendar.

use std::sync::Arc;

use crate::engine::apply_record_telling;
use crate::model::clock::{Clock, ClockEnd, ClockOwner, ClockRef, Limit};
use crate::model::escalation::Light;
use crate::model::event::{Event, Payload, Record};
use crate::model::id::{ActivityId, LevelId, MemberId, PolicyId, ReasonCode, StageId, StepId};
use crate::model::instance::{Instance, StagePlace};
use crate::model::task::{Task, TaskEnd, TaskRef};
use crate::model::time::{Date, Timestamp};
use crate::model::value::Values;

/// An instance with its past.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// The instance as it was.
    pub instance: Arc<Instance>,
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
    /// What was filled in.
    pub form: Values,
    /// What was said with it.
    pub comment: String,
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
    /// The due time at the start, before, and after.
    pub dues: Option<[Timestamp; 3]>,
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
    /// When the limit ran out, or does.
    pub due: Timestamp,
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
        let Folder { stewards, suspensions, stays, tasks, limits, activities, .. } = folder;
        Some(Self {
            instance: instance?,
            ended_at: folder.ended_at,
            reason: folder.reason,
            stewards,
            suspensions,
            stays,
            tasks,
            limits,
            activities,
            extensions: folder.extensions,
            escalations: folder.escalations,
        })
    }

    /// The limit of this name of a stay or a task, the latest of several.
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

/// Who answers for what a clock measures, as the instance stands.
/// What is to have more time.
fn extended(task: Option<&TaskRef>, clock: Option<&ClockRef>) -> Option<ClockOwner> {
    match (clock, task) {
        (Some(clock), _) => Some(clock.owner.clone()),
        (None, task) => task.cloned().map(ClockOwner::Task),
    }
}

fn owner_now(instance: &Instance, owner: &ClockOwner) -> Option<MemberId> {
    let task = match owner {
        ClockOwner::Task(task) => instance.task(task.number),
        _ => None,
    };
    let holder = task.and_then(|task| task.holder.as_ref()).map(|holder| holder.member.clone());
    holder.or_else(|| instance.steward.clone())
}

#[derive(Default)]
struct Folder {
    ended_at: Option<Timestamp>,
    reason: Option<ReasonCode>,
    stewards: Vec<Held>,
    suspensions: Vec<Span>,
    stays: Vec<Stay>,
    tasks: Vec<TaskStory>,
    limits: Vec<LimitStory>,
    activities: Vec<Logged>,
    extensions: Vec<ExtensionStory>,
    escalations: Vec<EscalationStory>,
}

impl Folder {
    fn follow(&mut self, instance: &Instance, record: &Record, event: &Event) {
        let at = event.effective_at();
        self.hear(instance, record, event);
        self.follow_steward(instance, at);
        self.follow_suspension(instance);
        self.follow_stays(instance);
        self.follow_tasks(instance, at);
        self.follow_limits(instance);
        if !instance.status.is_live() && self.ended_at.is_none() {
            self.end(at);
        }
    }

    fn follow_steward(&mut self, instance: &Instance, at: Timestamp) {
        let last = self.stewards.last().filter(|held| held.span.to.is_none());
        if last.map(|held| &held.member) != instance.steward.as_ref() {
            hand_on(&mut self.stewards, instance.steward.as_ref(), at);
        }
    }

    fn follow_suspension(&mut self, instance: &Instance) {
        let open = self.suspensions.last().is_some_and(|span| span.to.is_none());
        if let Some(suspension) = instance.suspension.as_ref().filter(|_| !open) {
            self.suspensions.push(Span { from: suspension.since, to: None });
        }
    }

    fn follow_stays(&mut self, instance: &Instance) {
        for state in instance.stages() {
            let open = |stay: &&mut Stay| stay.stage == state.stage && stay.span.to.is_none();
            let open = self.stays.iter_mut().rev().find(open);
            match (&state.place, open) {
                (StagePlace::Open(since), None) => self.stays.push(Stay {
                    stage: state.stage.clone(),
                    attempt: state.attempt,
                    span: Span { from: *since, to: None },
                    left: false,
                }),
                (StagePlace::Closed(at) | StagePlace::Skipped(at), Some(stay)) => {
                    stay.span.to = Some(*at);
                    stay.left = true;
                }
                (StagePlace::Open(_), Some(_)) | (_, None) => {}
            }
        }
    }

    fn follow_tasks(&mut self, instance: &Instance, at: Timestamp) {
        for task in &instance.tasks {
            let number = task.reference.number;
            let known = self.tasks.binary_search_by_key(&number, |it| it.task.reference.number);
            let story = match known {
                Ok(place) => &mut self.tasks[place],
                Err(place) => {
                    let story = TaskStory {
                        task: Arc::clone(task),
                        holders: Vec::new(),
                        form: Values::new(),
                        comment: String::new(),
                    };
                    self.tasks.insert(place, story);
                    &mut self.tasks[place]
                }
            };
            if !Arc::ptr_eq(&story.task, task) {
                story.task = Arc::clone(task);
            }
            let holder = task.holder.as_ref().map(|holder| &holder.member);
            let last = story.holders.last().filter(|held| held.span.to.is_none());
            match story.span().to {
                Some(end) => hand_on(&mut story.holders, None, end),
                None if last.map(|held| &held.member) != holder => {
                    hand_on(&mut story.holders, holder, at);
                }
                None => {}
            }
        }
    }

    fn follow_limits(&mut self, instance: &Instance) {
        for clock in &instance.clocks {
            let known = self.limits.binary_search_by_key(&clock.number, |it| it.clock.number);
            match known {
                Ok(place) => self.limits[place].clock = Arc::clone(clock),
                Err(place) => {
                    let story = LimitStory { clock: Arc::clone(clock), stopped: None, owner: None };
                    self.limits.insert(place, story);
                }
            }
        }
    }

    /// The end of an instance is the end of everything that is still under way.
    fn end(&mut self, at: Timestamp) {
        self.ended_at = Some(at);
        let stays = self.stays.iter_mut().map(|stay| &mut stay.span);
        let stewards = self.stewards.iter_mut().map(|held| &mut held.span);
        let holders = self.tasks.iter_mut().flat_map(|task| &mut task.holders);
        let spans = stays.chain(stewards).chain(holders.map(|held| &mut held.span));
        for span in spans.chain(&mut self.suspensions).filter(|span| span.to.is_none()) {
            span.to = Some(at);
        }
    }

    /// What events say and the instance does not keep.
    fn hear(&mut self, instance: &Instance, record: &Record, event: &Event) {
        let at = event.effective_at();
        match &event.payload {
            Payload::InstanceTerminated { reason_code, .. } => {
                self.reason = Some(reason_code.clone());
            }
            Payload::InstanceResumed { .. } => {
                if let Some(span) = self.suspensions.last_mut() {
                    span.to = Some(at);
                }
            }
            Payload::TaskCompleted { task, form, comment, .. } => {
                if let Some(story) = self.task(task) {
                    story.form.clone_from(form);
                    story.comment.clone_from(comment);
                }
            }
            Payload::ActivityLogged { activity, occurred_at, fields } => {
                self.activities.push(Logged {
                    activity: activity.clone(),
                    occurred_at: *occurred_at,
                    logged_at: event.time,
                    by: record.actor.member().map_or_else(
                        || record.actor.to_string(),
                        |member| member.as_str().to_owned(),
                    ),
                    fields: fields.clone(),
                });
            }
            Payload::ClockStopped { clock, end } => self.stop(instance, clock, (at, *end)),
            Payload::ExtensionRequested { .. }
            | Payload::ExtensionRefused { .. }
            | Payload::ClockExtended { .. } => self.hear_of_extension(record, event),
            _ => self.hear_of_escalation(instance, event),
        }
    }

    fn task(&mut self, task: &TaskRef) -> Option<&mut TaskStory> {
        self.tasks.iter_mut().rev().find(|story| story.task.reference.number == task.number)
    }

    fn stop(&mut self, instance: &Instance, clock: &ClockRef, end: (Timestamp, ClockEnd)) {
        let mut stories = self.limits.iter_mut().rev();
        if let Some(story) = stories.find(|story| story.clock.number == clock.number) {
            story.stopped = Some(end);
            let holder = self.tasks.iter().rev().find(|task| match &clock.owner {
                ClockOwner::Task(owner) => task.task.reference.number == owner.number,
                _ => false,
            });
            let holder = holder.and_then(|task| task.holders.last());
            let holder = holder.map(|held| held.member.clone());
            story.owner = holder.or_else(|| instance.steward.clone());
        }
        self.clear(clock, end.0);
    }

    fn clear(&mut self, clock: &ClockRef, at: Timestamp) {
        let of_clock = |it: &&mut EscalationStory| it.clock.number == clock.number;
        for story in self.escalations.iter_mut().filter(of_clock) {
            story.cleared_at = story.cleared_at.or(Some(at));
        }
    }

    fn hear_of_extension(&mut self, record: &Record, event: &Event) {
        let decided = Some((event.time, record.actor.member().cloned()));
        match &event.payload {
            Payload::ExtensionRequested { task, clock, request } => {
                let Some(owner) = extended(task.as_ref(), clock.as_ref()) else { return };
                self.extensions.push(ExtensionStory {
                    owner,
                    clock: clock.clone(),
                    by: request.by,
                    asked: Some((request.asked_by.clone(), request.asked_at)),
                    reason: request.reason.clone(),
                    decision: Decision::Pending,
                    decided: None,
                    comment: String::new(),
                    dues: None,
                });
            }
            Payload::ExtensionRefused { task, clock, comment } => {
                let Some(owner) = extended(task.as_ref(), clock.as_ref()) else { return };
                if let Some(story) = self.pending(&owner, clock.as_ref()) {
                    story.decision = Decision::Refused;
                    story.decided = decided;
                    story.comment.clone_from(comment);
                }
            }
            Payload::ClockExtended { clock, extension, due_before, plan, comment, .. } => {
                let limit = self.limits.iter().rev().find(|it| it.clock.number == clock.number);
                let first = limit.map_or(*due_before, |limit| limit.clock.due_originally);
                if self.pending(&clock.owner, Some(clock)).is_none() {
                    self.extensions.push(ExtensionStory {
                        owner: clock.owner.clone(),
                        clock: None,
                        by: extension.by,
                        asked: None,
                        reason: String::new(),
                        decision: Decision::Pending,
                        decided: None,
                        comment: String::new(),
                        dues: None,
                    });
                }
                if let Some(story) = self.pending(&clock.owner, Some(clock)) {
                    story.clock = Some(clock.clone());
                    story.by = extension.by;
                    story.decision = Decision::Granted;
                    story.decided = decided;
                    story.comment.clone_from(comment);
                    story.dues = Some([first, *due_before, plan.due]);
                }
            }
            // Only events about extensions come here.
            _ => {}
        }
    }

    /// What waits to be decided for a clock. Records from before clocks could be named know only
    /// what it measures.
    fn pending(
        &mut self,
        owner: &ClockOwner,
        clock: Option<&ClockRef>,
    ) -> Option<&mut ExtensionStory> {
        let mut stories = self.extensions.iter_mut().rev();
        stories.find(|story| {
            let same = match (&story.clock, clock) {
                (Some(known), Some(clock)) => known.number == clock.number,
                (None, _) | (_, None) => story.owner == *owner,
            };
            same && story.decision == Decision::Pending
        })
    }

    fn hear_of_escalation(&mut self, instance: &Instance, event: &Event) {
        match &event.payload {
            Payload::EscalationRaised { clock, policy, fired, recipients, due, .. } => {
                self.escalations.push(EscalationStory {
                    clock: clock.clone(),
                    policy: policy.clone(),
                    step: fired.step.clone(),
                    level: fired.level.clone(),
                    light: fired.light,
                    raised_at: fired.at,
                    due: *due,
                    told: recipients.iter().map(|recipient| recipient.member.clone()).collect(),
                    owner: owner_now(instance, &clock.owner),
                    repeats: 0,
                    acknowledged: None,
                    cleared_at: None,
                });
            }
            Payload::EscalationRepeated { clock, step, repeat, .. } => {
                if let Some(story) = self.raised(clock, step) {
                    story.repeats = *repeat;
                }
            }
            Payload::EscalationAcknowledged {
                clock,
                step,
                by,
                comment,
                recovery_plan,
                promised,
                ..
            } => {
                let at = event.time;
                if let Some(story) = self.raised(clock, step) {
                    story.acknowledged = Some(Acknowledgement {
                        by: by.clone(),
                        at,
                        comment: comment.clone(),
                        plan: recovery_plan.clone(),
                        promised: *promised,
                    });
                }
            }
            Payload::EscalationCleared { clock, .. } => self.clear(clock, event.effective_at()),
            // What others say is in the instance.
            _ => {}
        }
    }

    fn raised(&mut self, clock: &ClockRef, step: &StepId) -> Option<&mut EscalationStory> {
        let mut stories = self.escalations.iter_mut().rev();
        stories.find(|story| story.clock.number == clock.number && story.step == *step)
    }
}

/// From now on somebody else has it in hand, or nobody.
fn hand_on(holders: &mut Vec<Held>, to: Option<&MemberId>, at: Timestamp) {
    if let Some(last) = holders.last_mut().filter(|held| held.span.to.is_none()) {
        last.span.to = Some(at);
    }
    if let Some(member) = to {
        holders.push(Held { member: member.clone(), span: Span { from: at, to: None } });
    }
}
