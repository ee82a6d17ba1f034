//! The scene of one decision: the context, a working copy of the instance, and what happened so
//! far.
//!
//! Every change goes through [`Scene::emit`]: it writes the event down and applies it to the copy,
//! so that whatever is judged next sees it. The copy is made when something happens, not before: a
//! refusal costs none.

use std::borrow::Cow;
use std::sync::Arc;

use crate::definition::compiled::{Stage, StageIndex, TaskSpec, Workflow};
use crate::model::actor::Actor;
use crate::model::command::Request;
use crate::model::event::{Event, Payload, Record, Stamp};
use crate::model::id::{MemberId, StageId};
use crate::model::instance::{Instance, StagePlace, Status};
use crate::model::limits;
use crate::model::organization::Loads;
use crate::model::task::{Task, TaskNumber, TaskRef};
use crate::model::time::Timestamp;
use crate::script::{Condition, Failure};

use super::apply;
use super::decision::Context;
use super::rejection::Rejection;

/// The scene of one decision.
#[derive(Clone)]
pub(super) struct Scene<'a> {
    /// What may be looked at.
    pub(super) context: Context<'a>,
    /// The working copy, with everything applied that happened so far.
    pub(super) instance: Arc<Instance>,
    /// When this is decided.
    pub(super) now: Timestamp,
    /// While something that fell due is made to happen: when it was due.
    pub(super) due_at: Option<Timestamp>,
    /// Who acts.
    pub(super) actor: Actor,
    /// The instance is to end although another one blocks it.
    pub(super) ends_though_blocked: bool,
    events: Vec<Event>,
    /// To whom tasks were given, of both the settling and the command: loads are older than either.
    assigned: Vec<MemberId>,
    /// How often what fell due has done more than tell: conditions are judged after that.
    pub(super) acted: u32,
    /// What conditions about nothing but the project answered, since that last changed.
    answers: Vec<(*const Condition, bool)>,
}

impl<'a> Scene<'a> {
    /// A scene before anything happened. Time never goes back for an instance.
    pub(super) fn new(context: &Context<'a>, instance: Arc<Instance>, actor: &Actor) -> Self {
        let now = context.now.max(instance.updated_at);
        let actor = actor.clone();
        Self {
            context: *context,
            instance,
            now,
            due_at: None,
            actor,
            ends_though_blocked: false,
            events: Vec::new(),
            assigned: Vec::new(),
            acted: 0,
            answers: Vec::new(),
        }
    }

    /// The instant from which what happens now counts.
    pub(super) fn at(&self) -> Timestamp {
        self.due_at.unwrap_or(self.now)
    }

    /// The pinned workflow.
    pub(super) fn workflow(&self) -> &'a Workflow {
        self.context.workflow
    }

    /// Writes down what happened, and applies it.
    pub(super) fn emit(&mut self, payload: Payload) {
        let event = Event { time: self.now, due_at: self.due_at, payload };
        apply::apply(Arc::make_mut(&mut self.instance), &event);
        if let Payload::FieldsUpdated { .. } | Payload::StewardAssigned { .. } = &event.payload {
            self.answers.clear();
        }
        if let Payload::TaskAssigned { assignment, .. }
        | Payload::TaskReassigned { assignment, .. }
        | Payload::ObjectionUpheld { assignment: Some(assignment), .. } = &event.payload
        {
            self.assigned.push(assignment.member.clone());
        }
        self.events.push(event);
    }

    /// Writes down the creation, which made the instance.
    pub(super) fn created(context: &Context<'a>, event: Event, actor: &Actor) -> Option<Self> {
        let mut scene = Self::new(context, Arc::new(apply::created(&event)?), actor);
        scene.events.push(event);
        Some(scene)
    }

    /// How many tasks a member was given so far: loads were taken before that.
    pub(super) fn assigned_so_far(&self, member: &MemberId) -> u32 {
        let given = self.assigned.iter().filter(|assigned| *assigned == member);
        u32::try_from(given.count()).unwrap_or(u32::MAX)
    }

    /// How much each member has to do, with what was given so far: for functions, which choose
    /// between people by it.
    pub(super) fn loads(&self) -> Cow<'a, Loads> {
        let mut loads = Cow::Borrowed(self.context.loads);
        for member in &self.assigned {
            let load = loads.to_mut().members.entry(member.clone()).or_default();
            load.open_tasks = load.open_tasks.saturating_add(1);
            load.assigned_at = Some(self.now);
        }
        loads
    }

    /// How much happened so far.
    pub(super) fn events_count(&self) -> usize {
        self.events.len()
    }

    /// What fell due becomes a record of its own; the revision stays.
    pub(super) fn finish_settling(&mut self) -> Option<Record> {
        self.due_at = None;
        if self.events.is_empty() {
            return None;
        }
        Some(self.finish(Actor::System, None, self.instance.revision))
    }

    /// What the command made happen becomes a record.
    pub(super) fn finish_command(&mut self, request: Option<Request>) -> Record {
        let actor = self.actor.clone();
        self.finish(actor, request, self.instance.revision + 1)
    }

    fn finish(&mut self, actor: Actor, request: Option<Request>, revision: u64) -> Record {
        let stamp = Stamp {
            instance: self.instance.id.clone(),
            workflow: self.instance.workflow.clone(),
            workflow_version: self.instance.workflow_version,
            version: self.instance.version + 1,
            revision,
        };
        let events = std::mem::take(&mut self.events);
        let record = Record { stamp: Some(stamp), time: self.now, actor, request, events };
        apply::apply_stamp(Arc::make_mut(&mut self.instance), &record);
        record
    }

    /// A guard of a command: it may refuse, and its failure is a refusal too.
    pub(super) fn guard(
        &mut self,
        condition: &Condition,
        stage: &Stage,
        task: Option<&Task>,
    ) -> Result<bool, Rejection> {
        self.evaluate(condition, stage, task).map_err(|failure| Rejection::GuardError {
            place: failure.place,
            detail: failure.message,
        })
    }

    /// A condition of a reaction: nothing may fail here, so a failing one keeps its last answer.
    pub(super) fn holds(
        &mut self,
        condition: &Condition,
        stage: Option<&Stage>,
        last_answer: bool,
    ) -> bool {
        self.judged(condition, stage).unwrap_or(last_answer)
    }

    /// A condition's answer; none, and written down, where it fails.
    pub(super) fn judged(&mut self, condition: &Condition, stage: Option<&Stage>) -> Option<bool> {
        let stage = stage.or_else(|| self.path_stage().map(|(_, stage)| stage));
        let stage = stage.or_else(|| self.workflow().stages.first())?;
        match self.evaluate(condition, stage, None) {
            Ok(answer) => Some(answer),
            Err(failure) => {
                self.script_failed(failure);
                None
            }
        }
    }

    /// A decision asks the same conditions round after round: those that only a change of the
    /// project can answer otherwise are asked once.
    fn evaluate(
        &mut self,
        condition: &Condition,
        stage: &Stage,
        task: Option<&Task>,
    ) -> Result<bool, Failure> {
        let asked = std::ptr::from_ref(condition);
        if let Some((_, answer)) = self.answers.iter().find(|(known, _)| *known == asked) {
            return Ok(*answer);
        }
        let answer = condition.holds(&self.facts(Some(stage), task))?;
        if condition.is_about_project_only() {
            self.answers.push((asked, answer));
        }
        Ok(answer)
    }

    /// Writes down that a script failed, once per revision.
    pub(super) fn script_failed(&mut self, failure: Failure) {
        if self.instance.script_failed_in != Some(self.instance.revision) {
            let Failure { place, message } = failure;
            self.emit(Payload::ScriptFailed { place, message });
        }
    }

    /// The path stage in which the instance is.
    pub(super) fn path_stage(&self) -> Option<(StageIndex, &'a Stage)> {
        self.workflow().stage(self.instance.path_stage.as_ref()?.as_str())
    }

    /// The open stages, in the order of the workflow.
    pub(super) fn open_stages(&self) -> Vec<(StageIndex, &'a Stage)> {
        let workflow = self.workflow();
        let open = self.instance.open_stages();
        let mut stages: Vec<_> =
            open.filter_map(|state| workflow.stage(state.stage.as_str())).collect();
        stages.sort_unstable_by_key(|(at, _)| at.0);
        stages
    }

    /// Whether a stage is open.
    pub(super) fn is_open(&self, stage: &StageId) -> bool {
        let state = self.instance.stage(stage.as_str());
        state.is_some_and(|state| matches!(state.place, StagePlace::Open(_)))
    }

    /// The stage of an event or a task in the workflow.
    pub(super) fn stage_of(&self, stage: &StageId) -> Option<&'a Stage> {
        self.workflow().stage(stage.as_str()).map(|(_, stage)| stage)
    }

    /// What the workflow says about a task.
    pub(super) fn spec_of(&self, task: &TaskRef) -> Option<&'a TaskSpec> {
        self.workflow().task(task)
    }

    /// A task of an open stage.
    pub(super) fn task(&self, number: TaskNumber) -> Result<&Task, Rejection> {
        self.instance.task(number).ok_or(Rejection::TaskNotFound(number.0))
    }

    /// A task that is still to be done by a person.
    pub(super) fn open_task(&self, number: TaskNumber) -> Result<Task, Rejection> {
        use crate::model::task::TaskKind;
        let task = self.task(number)?;
        if !task.is_open() {
            return Err(Rejection::TaskClosed(task.reference.clone()));
        }
        match task.kind {
            TaskKind::Human => Ok(task.clone()),
            TaskKind::Wait => Err(Rejection::TaskIsWait(task.reference.clone())),
            TaskKind::Call => Err(Rejection::TaskIsCall(task.reference.clone())),
        }
    }

    /// Refuses what comes after the end.
    pub(super) fn must_be_live(&self) -> Result<(), Rejection> {
        match self.instance.status {
            Status::Active | Status::Suspended => Ok(()),
            closed @ (Status::Completed | Status::Terminated) => {
                Err(Rejection::InstanceClosed(closed))
            }
        }
    }

    /// Refuses what is not possible while the instance stands still.
    pub(super) fn must_be_active(&self) -> Result<(), Rejection> {
        match self.instance.status {
            Status::Suspended => Err(Rejection::InstanceSuspended),
            Status::Active | Status::Completed | Status::Terminated => Ok(()),
        }
    }

    /// Refuses what would make the instance too large. What makes it lighter is never refused: a
    /// way out must stay open.
    pub(super) fn must_be_within_limits(&self, before: Option<&Instance>) -> Result<(), Rejection> {
        if self.instance.open_tasks().count() > limits::OPEN_TASKS_MAX {
            return Err(Rejection::LimitReached("open tasks of one instance"));
        }
        let weight = super::weight::of(&self.instance);
        let lighter = || before.is_some_and(|before| weight <= super::weight::of(before));
        if weight > limits::BODY_BYTES_MAX && !lighter() {
            return Err(Rejection::LimitReached("bytes of one instance"));
        }
        Ok(())
    }
}
