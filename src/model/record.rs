//! A record: what one accepted command, or one settling, made happen, and where it belongs.

use super::actor::Actor;
use super::command::Request;
use super::event::Payload;
use super::id::{InstanceId, WorkflowId};
use super::time::Timestamp;

/// Everything that one accepted command, or one settling, made happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The instance; none for what happens to the service itself (a workflow published).
    pub stamp: Option<Stamp>,
    /// When it was decided.
    pub time: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The request that it answered.
    pub request: Option<Request>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// Where a record belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The instance.
    pub instance: InstanceId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The version of the workflow to which it is pinned.
    pub workflow_version: u32,
    /// The instance's version with this record: its records are numbered 1, 2, 3, …
    pub version: u64,
    /// The instance's revision with this record; a settling leaves it as it was.
    pub revision: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it was decided: the record's time.
    pub time: Timestamp,
    /// When it was due, where a limit or a step made it happen.
    pub due_at: Option<Timestamp>,
    /// What.
    pub payload: Payload,
}

impl Event {
    /// The instant from which its effects count.
    pub fn effective_at(&self) -> Timestamp {
        self.due_at.unwrap_or(self.time)
    }
}
