//! Folding: what a dossier keeps of each event, by what it changed and by what it says. It decides
//! and computes nothing, and knows no calendar.

use std::sync::Arc;

use crate::model::clock::{ClockEnd, ClockOwner, ClockRef};
use crate::model::event::{Event, Payload, Record};
use crate::model::id::{MemberId, ReasonCode, StepId};
use crate::model::instance::{Instance, StagePlace};
use crate::model::task::{Task, TaskRef};
use crate::model::time::Timestamp;
use crate::model::value::Values;

use super::dossier::{
    Acknowledgement, Decision, Dossier, EscalationStory, ExtensionStory, Held, LimitStory, Logged,
    Span, Stay, TaskStory,
};

/// What was seen of an instance so far.
#[derive(Default)]
pub(super) struct Folder {
    path_ended_at: Option<Timestamp>,
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
    /// The dossier, once all is seen.
    pub(super) fn close(self, instance: Arc<Instance>) -> Dossier {
        let Self { stewards, suspensions, stays, tasks, limits, activities, .. } = self;
        Dossier {
            instance,
            path_ended_at: self.path_ended_at,
            ended_at: self.ended_at,
            reason: self.reason,
            stewards,
            suspensions,
            stays,
            tasks,
            limits,
            activities,
            extensions: self.extensions,
            escalations: self.escalations,
        }
    }

    /// Follows an event that has just been applied.
    pub(super) fn follow(&mut self, instance: &Instance, record: &Record, event: &Event) {
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
                        waits: Vec::new(),
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
            follow_wait(&mut story.waits, task, at);
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
        let of_tasks = self.tasks.iter_mut().flat_map(|task| {
            let holders = task.holders.iter_mut().map(|held| &mut held.span);
            holders.chain(&mut task.waits)
        });
        let spans = stays.chain(stewards).chain(of_tasks);
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
            Payload::PathEnded {} => self.path_ended_at = self.path_ended_at.or(Some(at)),
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
        let limit = self.limit(&clock.owner, Some(clock)).map(|limit| &limit.clock);
        let dues = limit.map(|clock| (clock.due_originally, clock.plan.due, None));
        // A request of before clocks were named may be about another clock of the same work.
        let story = self.pending(&clock.owner, Some(clock)).filter(|it| it.clock.is_some());
        if let Some(story) = story {
            story.decision = Decision::Lapsed;
            story.decided = Some((end.0, None));
            story.dues = dues;
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
                let limit = self.limit(&owner, clock.as_ref()).map(|limit| &limit.clock);
                let dues = limit.map(|clock| (clock.due_originally, clock.plan.due, None));
                if let Some(story) = self.pending(&owner, clock.as_ref()) {
                    story.decision = Decision::Refused;
                    story.decided = decided;
                    story.comment.clone_from(comment);
                    story.dues = dues;
                }
            }
            Payload::ClockExtended { clock, extension, due_before, plan, comment, .. } => {
                let limit = self.limit(&clock.owner, Some(clock));
                let first = limit.map_or(*due_before, |limit| limit.clock.due_originally);
                if self.pending(&clock.owner, Some(clock)).is_none() {
                    self.extensions.push(ExtensionStory {
                        owner: clock.owner.clone(),
                        clock: Some(clock.clone()),
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
                    story.dues = Some((first, *due_before, Some(plan.due)));
                }
            }
            // Only events about extensions come here.
            _ => {}
        }
    }

    /// The limit that is meant by a clock, or by what it measures.
    fn limit(&self, owner: &ClockOwner, clock: Option<&ClockRef>) -> Option<&LimitStory> {
        self.limits.iter().rev().find(|limit| match clock {
            Some(clock) => limit.clock.number == clock.number,
            None => limit.clock.owner == *owner,
        })
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
                let limit = self.limit(&clock.owner, Some(clock));
                let due = limit.map_or(Some(*due), |limit| limit.due().and(Some(*due)));
                self.escalations.push(EscalationStory {
                    clock: clock.clone(),
                    policy: policy.clone(),
                    step: fired.step.clone(),
                    level: fired.level.clone(),
                    light: fired.light,
                    raised_at: fired.at,
                    due,
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

/// A task waits from the moment at which something was asked for until it comes, or until the time
/// for it is over.
fn follow_wait(waits: &mut Vec<Span>, task: &Task, at: Timestamp) {
    let awaited = task.supplement.as_ref().filter(|it| it.lapsed_at.is_none());
    let open = waits.last_mut().filter(|span| span.to.is_none());
    match (awaited, open) {
        (Some(supplement), None) => waits.push(Span { from: supplement.asked_at, to: None }),
        (None, Some(span)) => span.to = Some(at),
        (Some(_), Some(_)) | (None, None) => {}
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

/// What is to have more time.
fn extended(task: Option<&TaskRef>, clock: Option<&ClockRef>) -> Option<ClockOwner> {
    match (clock, task) {
        (Some(clock), _) => Some(clock.owner.clone()),
        (None, task) => task.cloned().map(ClockOwner::Task),
    }
}

/// Who answers for what a clock measures, as the instance stands.
pub(super) fn owner_now(instance: &Instance, owner: &ClockOwner) -> Option<MemberId> {
    let task = match owner {
        ClockOwner::Task(task) => instance.task(task.number),
        _ => None,
    };
    let holder = task.and_then(|task| task.holder.as_ref()).map(|holder| holder.member.clone());
    holder.or_else(|| instance.steward.clone())
}
