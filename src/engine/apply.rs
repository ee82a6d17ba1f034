//! Apply: what happened is copied into the instance. Total, and computes nothing.

use std::sync::Arc;

use crate::model::event::{Event, Payload, Record};
use crate::model::id::{ActivityId, Outcome, StageId};
use crate::model::instance::{AcceptedRequest, ActivitySummary, ClosedTask, Instance, TriedTask};
use crate::model::instance::{StagePlace, StageState, Status, Suspension};
use crate::model::limits;
use crate::model::task::{Task, TaskEnd};
use crate::model::time::Timestamp;
use crate::model::value::{Changes, Values};

use super::apply_clock::apply_clock;
use super::apply_link::apply_link;
use super::apply_task::{apply_task, move_objection};

/// Applies a whole record: its events, then its stamp. The creation makes the instance.
pub fn apply_record(instance: &mut Option<Arc<Instance>>, record: &Record) {
    apply_record_telling(instance, record, |_, _| {});
}

/// The same, telling the instance after each event: for those who follow how it came about.
pub fn apply_record_telling(
    instance: &mut Option<Arc<Instance>>,
    record: &Record,
    mut tell: impl FnMut(&Arc<Instance>, &Event),
) {
    for event in &record.events {
        match instance {
            Some(instance) => apply(Arc::make_mut(instance), event),
            None => *instance = created(event).map(Arc::new),
        }
        if let Some(instance) = instance {
            tell(instance, event);
        }
    }
    if let Some(instance) = instance {
        apply_stamp(Arc::make_mut(instance), record);
    }
}

/// What a record says beside its events: version, revision, time, request.
pub(super) fn apply_stamp(instance: &mut Instance, record: &Record) {
    let Some(stamp) = &record.stamp else { return };
    instance.version = stamp.version;
    instance.revision = stamp.revision;
    instance.updated_at = record.time;
    if let Some(request) = record.request {
        instance.requests.push(AcceptedRequest {
            key: request.key,
            digest: request.digest,
            revision: stamp.revision,
            time: record.time,
        });
        forget_old_requests(&mut instance.requests, record.time);
    }
}

fn forget_old_requests(requests: &mut Vec<AcceptedRequest>, now: Timestamp) {
    let recent =
        |request: &AcceptedRequest| now.ms_since(request.time) <= limits::REQUEST_AGE_MS_MAX;
    let fresh = requests.iter().rev().take_while(|request| recent(request)).count();
    let kept = fresh.clamp(limits::REQUESTS_KEPT_MIN, limits::REQUESTS_KEPT_MAX);
    let surplus = requests.len().saturating_sub(kept);
    requests.drain(..surplus);
}

/// The instance that a creation makes; nothing else makes one.
pub(super) fn created(event: &Event) -> Option<Instance> {
    let Payload::InstanceCreated { id, workflow, workflow_version, calendar_digest, fields } =
        &event.payload
    else {
        return None;
    };
    Some(Instance {
        id: id.clone(),
        workflow: workflow.clone(),
        workflow_version: *workflow_version,
        calendar_digest: *calendar_digest,
        revision: 0,
        version: 0,
        created_at: event.time,
        updated_at: event.time,
        status: Status::Active,
        steward: None,
        group: None,
        backups: Vec::new(),
        fields: Arc::new(fields.clone()),
        path_stage: None,
        stages: Vec::new(),
        tasks: Vec::new(),
        clocks: Vec::new(),
        activities: std::collections::BTreeMap::new(),
        suspension: None,
        requests: Vec::new(),
        relations: Arc::default(),
        outcome: None,
        next_task: 1,
        next_clock: 1,
        script_failed_in: None,
    })
}

/// Applies one event.
pub(super) fn apply(instance: &mut Instance, event: &Event) {
    let at = event.effective_at();
    match &event.payload {
        Payload::StewardAssigned { .. }
        | Payload::BackupsSet { .. }
        | Payload::InstanceSuspended { .. }
        | Payload::InstanceResumed { .. }
        | Payload::InstanceTerminated { .. }
        | Payload::InstanceCompleted { .. }
        | Payload::PathEnded { .. }
        | Payload::ActivityLogged { .. }
        | Payload::FieldsUpdated { .. }
        | Payload::CalendarAdopted { .. }
        | Payload::ScriptFailed { .. } => apply_whole(instance, &event.payload, at),
        Payload::StageEntered { .. }
        | Payload::StageOpened { .. }
        | Payload::StageLeft { .. }
        | Payload::StageClosed { .. }
        | Payload::StageReturned { .. }
        | Payload::StageSkipped { .. } => apply_stage(instance, &event.payload, at),
        Payload::TaskOpened { .. }
        | Payload::TaskAssigned { .. }
        | Payload::TaskOffered { .. }
        | Payload::TaskClaimed { .. }
        | Payload::TaskReleased { .. }
        | Payload::TaskReassigned { .. }
        | Payload::TaskDelegated { .. }
        | Payload::ObjectionRaised { .. }
        | Payload::ObjectionUpheld { .. }
        | Payload::ObjectionRefused { .. }
        | Payload::SupplementRequested { .. }
        | Payload::SupplementSupplied { .. }
        | Payload::SupplementLapsed { .. }
        | Payload::TaskCompleted { .. }
        | Payload::TaskCancelled { .. }
        | Payload::TaskRedone { .. }
        | Payload::TaskChecked { .. }
        | Payload::ExtensionRequested { .. }
        | Payload::ExtensionRefused { .. } => apply_task(instance, &event.payload, at),
        Payload::ClockStarted { .. }
        | Payload::ClockAtRisk { .. }
        | Payload::ClockBreached { .. }
        | Payload::ClockPaused { .. }
        | Payload::ClockResumed { .. }
        | Payload::ClockExtended { .. }
        | Payload::ClockRecalculated { .. }
        | Payload::ClockStopped { .. }
        | Payload::ClockChecked { .. }
        | Payload::EscalationRaised { .. }
        | Payload::EscalationRepeated { .. }
        | Payload::EscalationPassedOver { .. }
        | Payload::EscalationExhausted { .. }
        | Payload::EscalationAcknowledged { .. } => apply_clock(instance, event),
        Payload::EffectAsked { .. }
        | Payload::EffectDone { .. }
        | Payload::EffectRetried { .. }
        | Payload::EffectRefused { .. }
        | Payload::LinkAdded { .. }
        | Payload::LinkRemoved { .. }
        | Payload::LinkEnded { .. } => apply_link(instance, &event.payload),
        // What the record keeps and the state does not need.
        Payload::InstanceCreated { .. }
        | Payload::CommentAdded { .. }
        | Payload::EscalationCleared { .. }
        | Payload::RuleForced { .. }
        | Payload::InstanceRevived { .. }
        | Payload::WorkflowPublished { .. }
        | Payload::WorkflowActivated { .. }
        | Payload::WorkflowRejected { .. }
        | Payload::CalendarPublished { .. }
        | Payload::OrganizationChanged { .. } => {}
    }
}

/// Applies an event about the instance as a whole.
fn apply_whole(instance: &mut Instance, payload: &Payload, at: Timestamp) {
    match payload {
        Payload::StewardAssigned { assignment, group, .. } => {
            instance.steward = Some(assignment.member.clone());
            instance.group.clone_from(group);
        }
        Payload::BackupsSet { backups, .. } => instance.backups.clone_from(backups),
        Payload::InstanceSuspended { expected_resume, .. } => {
            instance.status = Status::Suspended;
            instance.suspension = Some(Suspension { since: at, expected_resume: *expected_resume });
        }
        Payload::InstanceResumed { object_until, .. } => {
            instance.status = Status::Active;
            instance.suspension = None;
            for moved in object_until {
                move_objection(instance, moved);
            }
        }
        Payload::InstanceTerminated { reason_code, .. } => {
            end(instance, Status::Terminated);
            instance.outcome = Some(Outcome::trusted(reason_code.as_str()));
        }
        Payload::InstanceCompleted { outcome } => {
            end(instance, Status::Completed);
            instance.outcome.clone_from(outcome);
        }
        Payload::PathEnded {} => instance.path_stage = None,
        Payload::ActivityLogged { activity, occurred_at, .. } => {
            count_activity(instance, activity, *occurred_at);
        }
        Payload::FieldsUpdated { changes } => {
            change_fields(Arc::make_mut(&mut instance.fields), changes);
        }
        Payload::CalendarAdopted { digest } => instance.calendar_digest = *digest,
        Payload::ScriptFailed { .. } => instance.script_failed_in = Some(instance.revision),
        // The other events are about parts of it.
        _ => {}
    }
}

fn apply_stage(instance: &mut Instance, payload: &Payload, at: Timestamp) {
    match payload {
        Payload::StageEntered { stage, attempt } => {
            open_stage(instance, stage, *attempt, at);
            instance.path_stage = Some(stage.clone());
        }
        Payload::StageOpened { stage, attempt, .. } => open_stage(instance, stage, *attempt, at),
        Payload::StageLeft { stage, dwell_ms, .. }
        | Payload::StageClosed { stage, dwell_ms, .. } => {
            close_stage(instance, stage, *dwell_ms, at);
        }
        Payload::StageReturned { to, returns, .. } => state_of(instance, to, at).returns = *returns,
        Payload::StageSkipped { stage, .. } => {
            state_of(instance, stage, at).place = StagePlace::Skipped(at);
        }
        // The other events are not about stages.
        _ => {}
    }
}

fn count_activity(instance: &mut Instance, activity: &ActivityId, occurred_at: Timestamp) {
    let first = ActivitySummary { count: 0, last_at: occurred_at };
    let summary = instance.activities.entry(activity.clone()).or_insert(first);
    summary.count += 1;
    summary.last_at = summary.last_at.max(occurred_at);
}

fn end(instance: &mut Instance, status: Status) {
    instance.status = status;
    instance.path_stage = None;
    instance.suspension = None;
}

fn state_of<'a>(instance: &'a mut Instance, stage: &StageId, at: Timestamp) -> &'a mut StageState {
    if let Some(known) = instance.stages.iter().position(|state| state.stage == *stage) {
        return Arc::make_mut(&mut instance.stages[known]);
    }
    instance.stages.push(Arc::new(StageState {
        stage: stage.clone(),
        attempt: 0,
        returns: 0,
        dwell_ms: 0,
        place: StagePlace::Skipped(at),
        outcomes: Vec::new(),
        tried: Vec::new(),
    }));
    let last = instance.stages.len() - 1;
    Arc::make_mut(&mut instance.stages[last])
}

fn open_stage(instance: &mut Instance, stage: &StageId, attempt: u32, at: Timestamp) {
    let state = state_of(instance, stage, at);
    state.attempt = attempt;
    state.place = StagePlace::Open(at);
    remember_attempts(state);
}

/// What the tasks of the last activation ended with counts no more, but that they were tried does.
fn remember_attempts(state: &mut StageState) {
    let mut latest: Vec<TriedTask> = Vec::new();
    for ClosedTask { task, attempt, .. } in std::mem::take(&mut state.outcomes) {
        match latest.iter_mut().find(|known| known.task == task) {
            Some(known) => known.attempts = known.attempts.max(attempt),
            None => latest.push(TriedTask { task, attempts: attempt }),
        }
    }
    for TriedTask { task, attempts } in latest {
        match state.tried.iter_mut().find(|known| known.task == task) {
            Some(known) => known.attempts = known.attempts.saturating_add(attempts),
            None => state.tried.push(TriedTask { task, attempts }),
        }
    }
}

fn close_stage(instance: &mut Instance, stage: &StageId, dwell_ms: i64, at: Timestamp) {
    let (closed, kept): (Vec<_>, Vec<_>) =
        instance.tasks.drain(..).partition(|task| task.reference.stage == *stage);
    instance.tasks = kept;
    let state = state_of(instance, stage, at);
    state.place = StagePlace::Closed(at);
    state.dwell_ms += dwell_ms;
    state.outcomes = closed_tasks(&closed);
}

/// Of several attempts of one task the latest counts.
fn closed_tasks(tasks: &[Arc<Task>]) -> Vec<ClosedTask> {
    let mut closed: Vec<ClosedTask> = Vec::with_capacity(tasks.len());
    for task in tasks {
        let (outcome, done) = match &task.end {
            Some(TaskEnd::Done { outcome, .. }) => (outcome.clone(), true),
            Some(TaskEnd::Cancelled { .. }) | None => (None, false),
        };
        let each = task.reference.each.clone();
        let (id, attempt) = (task.reference.id.clone(), task.attempt);
        let latest = ClosedTask { task: id, each, outcome, done, attempt };
        match closed.iter_mut().find(|old| old.task == latest.task && old.each == latest.each) {
            Some(old) => *old = latest,
            None => closed.push(latest),
        }
    }
    closed
}

fn change_fields(fields: &mut Values, changes: &Changes) {
    for (field, value) in changes {
        match value {
            Some(value) => fields.insert(field.clone(), value.clone()),
            None => fields.remove(field),
        };
    }
}
