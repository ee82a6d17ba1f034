//! An instance: one project on its way through a workflow. Only what deciding needs, and no texts.

use std::collections::BTreeMap;

use super::clock::{Clock, ClockOwner};
use super::escalation::{Light, Priority};
use super::id::{ActivityId, FieldId, GroupId, InstanceId, MemberId, Outcome, RoleId, StageId};
use super::id::{TaskId, WorkflowId};
use super::link::Relations;
use super::task::{Task, TaskNumber};
use super::time::{Date, Timestamp};
use super::value::{Value, Values};
use std::sync::Arc;

/// Where an instance stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Under way.
    Active,
    /// Standing still, with a limit on how long.
    Suspended,
    /// All stages are done.
    Completed,
    /// Given up, with a reason.
    Terminated,
}

impl Status {
    /// The word that files and answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Completed => "completed",
            Self::Terminated => "terminated",
        }
    }

    /// Whether anything can still happen to it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }
}

/// One running project, demand or declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its name.
    pub id: InstanceId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The version of the workflow to which it is pinned.
    pub workflow_version: u32,
    /// The content digest of the calendar with which its instants were computed.
    pub calendar_digest: u64,
    /// How many commands it has accepted.
    pub revision: u64,
    /// How many records it has, settlings included. Only the store compares it.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// The time of its last record.
    pub updated_at: Timestamp,
    /// Where it stands.
    pub status: Status,
    /// Who carries responsibility for it.
    pub steward: Option<MemberId>,
    /// The steward's group when the steward was assigned.
    pub group: Option<GroupId>,
    /// Who stands in for the steward where no substitute does: A, then B.
    pub backups: Vec<MemberId>,
    /// Its fields. These and what follows are shared between the copies of an instance: a decision
    /// copies what it changes, not the rest.
    pub fields: Arc<Values>,
    /// The path stage in which it is; none once the path has ended.
    pub path_stage: Option<StageId>,
    /// Every stage that it ever entered or passed over, in the order in which that first happened.
    pub stages: Vec<Arc<StageState>>,
    /// The tasks of its open stages, done and cancelled ones included, in order of their numbers.
    pub tasks: Vec<Arc<Task>>,
    /// Its running clocks, in order of their numbers.
    pub clocks: Vec<Arc<Clock>>,
    /// What was logged, per kind.
    pub activities: BTreeMap<ActivityId, ActivitySummary>,
    /// The suspension that is under way.
    pub suspension: Option<Suspension>,
    /// Accepted requests that a repeat is recognised by, oldest first.
    pub requests: Vec<AcceptedRequest>,
    /// Its relations with other instances, and what it still asks of them.
    pub relations: Arc<Relations>,
    /// What it ended with, once it is completed: the outcome of the task that its workflow names.
    pub outcome: Option<Outcome>,
    /// The next task's number.
    pub next_task: u32,
    /// The next clock's number.
    pub next_clock: u32,
    /// The revision in which a script failure was last recorded: one record per revision.
    pub script_failed_in: Option<u64>,
}

/// What is known of one stage of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageState {
    /// The stage.
    pub stage: StageId,
    /// The number of its latest activation; 0 while it was only passed over.
    pub attempt: u32,
    /// How often the instance was returned to it.
    pub returns: u32,
    /// Total time spent in it by closed activations, in milliseconds of wall time.
    pub dwell_ms: i64,
    /// Where it stands.
    pub place: StagePlace,
    /// What the tasks of its latest closed activation ended with.
    pub outcomes: Vec<ClosedTask>,
    /// How often its tasks were tried in the activations before its latest one.
    pub tried: Vec<TriedTask>,
}

/// Where a stage stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StagePlace {
    /// Open since.
    Open(Timestamp),
    /// Left or closed at.
    Closed(Timestamp),
    /// Passed over at.
    Skipped(Timestamp),
}

/// What is kept of a task once its stage is open anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriedTask {
    /// The task.
    pub task: TaskId,
    /// Its attempts in all activations before; of a task that is done for each of several, those
    /// of the one that was tried most.
    pub attempts: u32,
}

/// What is kept of a task once its stage is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedTask {
    /// The task.
    pub task: TaskId,
    /// For a task with `for_each`: which one.
    pub each: Option<Arc<str>>,
    /// What it ended with.
    pub outcome: Option<Outcome>,
    /// Whether it was done, not cancelled.
    pub done: bool,
    /// Its latest attempt; 0 in what was stored before attempts were kept.
    pub attempt: u32,
}

/// What is kept of logged activities of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivitySummary {
    /// How many.
    pub count: u32,
    /// When the latest one occurred.
    pub last_at: Timestamp,
}

/// A suspension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// Since when.
    pub since: Timestamp,
    /// When it is expected to end.
    pub expected_resume: Option<Date>,
}

/// An accepted request, 32 bytes: enough to know a repeat from a reuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedRequest {
    /// Hash of the actor and the request id.
    pub key: u64,
    /// Digest of the command's content.
    pub digest: u64,
    /// The revision that it made.
    pub revision: u64,
    /// When.
    pub time: Timestamp,
}

impl StageState {
    /// Whether it was open before, and then a return went back behind the stage from which it
    /// opens.
    pub fn is_ahead_again(&self) -> bool {
        matches!(self.place, StagePlace::Skipped(_)) && self.attempt > 0
    }
}

impl Instance {
    /// What is known of its stages, in the order in which it came to them.
    pub fn stages(&self) -> impl DoubleEndedIterator<Item = &StageState> {
        self.stages.iter().map(Arc::as_ref)
    }

    /// The tasks of its open stages, in order of their numbers.
    pub fn tasks(&self) -> impl DoubleEndedIterator<Item = &Task> {
        self.tasks.iter().map(Arc::as_ref)
    }

    /// Its running clocks, in order of their numbers.
    pub fn clocks(&self) -> impl DoubleEndedIterator<Item = &Clock> {
        self.clocks.iter().map(Arc::as_ref)
    }

    /// The earliest instant at which something is to happen; none while nothing is.
    pub fn next_due(&self) -> Option<Timestamp> {
        let tries = self.relations.effects.iter().filter_map(|effect| effect.next_try);
        let clocks = self.clocks().filter(|_| self.status.is_live()).filter_map(Clock::next_at);
        clocks.chain(tries).min()
    }

    /// What is known of a stage.
    pub fn stage(&self, stage: &str) -> Option<&StageState> {
        self.stages().find(|state| state.stage.as_str() == stage)
    }

    /// The stages that are open, in order.
    pub fn open_stages(&self) -> impl Iterator<Item = &StageState> {
        self.stages().filter(|state| matches!(state.place, StagePlace::Open(_)))
    }

    /// A task of an open stage.
    pub fn task(&self, number: TaskNumber) -> Option<&Task> {
        self.tasks().find(|task| task.reference.number == number)
    }

    /// The tasks still to be done.
    pub fn open_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks().filter(|task| task.is_open())
    }

    /// The brightest light of its clocks.
    pub fn light(&self) -> Light {
        self.clocks().map(Clock::light).max().unwrap_or_default()
    }

    /// The highest priority that its ladders give it.
    pub fn priority(&self) -> Priority {
        self.clocks().map(Clock::priority).max().unwrap_or_default()
    }

    /// When the limit of a task runs out.
    fn due_of(&self, task: &Task) -> Option<Timestamp> {
        let owns = |clock: &&Clock| match &clock.owner {
            // Objections and supplements have clocks of their own.
            ClockOwner::Task(owner) => {
                owner.number == task.reference.number && clock.id.as_str() == "task"
            }
            ClockOwner::Instance | ClockOwner::Stage(_) | ClockOwner::Suspension => false,
        };
        self.clocks().find(owns).map(|clock| clock.plan.due)
    }

    /// The header that the store keeps beside the body. `indexed` are the workflow's indexed
    /// fields.
    pub fn header(&self, indexed: &[FieldId]) -> Header {
        let tasks = self.open_tasks().map(|task| OpenTask {
            number: task.reference.number,
            id: task.reference.id.clone(),
            role: task.role.clone(),
            holder: task.holder.as_ref().map(|holder| holder.member.clone()),
            delegated_by: task.holder.as_ref().and_then(|holder| holder.delegated_by.clone()),
            since: task.holder.as_ref().map_or(task.opened_at, |holder| holder.since),
            due: self.due_of(task),
        });
        Header {
            id: self.id.clone(),
            workflow: self.workflow.clone(),
            workflow_version: self.workflow_version,
            calendar_digest: self.calendar_digest,
            revision: self.revision,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            status: self.status,
            next_due: self.next_due(),
            steward: self.steward.clone(),
            group: self.group.clone(),
            backups: self.backups.clone(),
            stages: self.open_stages().map(|state| state.stage.clone()).collect(),
            light: self.light(),
            indexed: indexed
                .iter()
                .filter_map(|field| Some((field.clone(), self.fields.get(field)?.clone())))
                .collect(),
            tasks: tasks.collect(),
        }
    }
}

/// What lists, timers and loads need of an instance, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub id: InstanceId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The version of the workflow to which it is pinned.
    pub workflow_version: u32,
    /// The content digest of the calendar with which its instants were computed.
    pub calendar_digest: u64,
    /// How many commands it has accepted.
    pub revision: u64,
    /// How many records it has.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// The time of its last record.
    pub updated_at: Timestamp,
    /// Where it stands.
    pub status: Status,
    /// The earliest instant at which something is to happen.
    pub next_due: Option<Timestamp>,
    /// Who carries responsibility for it.
    pub steward: Option<MemberId>,
    /// The steward's group.
    pub group: Option<GroupId>,
    /// Who stands in for the steward where no substitute does: A, then B.
    pub backups: Vec<MemberId>,
    /// The stages that are open; the path stage among them.
    pub stages: Vec<StageId>,
    /// The brightest light.
    pub light: Light,
    /// The indexed fields that are not empty.
    pub indexed: Vec<(FieldId, Value)>,
    /// The tasks still to be done.
    pub tasks: Vec<OpenTask>,
}

/// What work lists and loads need of a task that is still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTask {
    /// Its number.
    pub number: TaskNumber,
    /// Its name in the workflow.
    pub id: TaskId,
    /// The role or group whose members may do it.
    pub role: Option<RoleId>,
    /// Who holds it.
    pub holder: Option<MemberId>,
    /// The holder who lets that person do it, and to whom it goes back.
    pub delegated_by: Option<MemberId>,
    /// Since when it is held, or open where nobody holds it.
    pub since: Timestamp,
    /// When its limit runs out.
    pub due: Option<Timestamp>,
}
