//! The store: events are the truth, bodies are checkpoints, one batch is one durable write.
//!
//! Names only the model. Never names the engine, the definition or the runtime: `load` hands out a
//! body and the records after it, and the runtime applies them.

use std::fmt;
use std::sync::Arc;

use crate::model::escalation::Light;
use crate::model::event::Record;
use crate::model::id::FieldId;
use crate::model::id::{GroupId, InstanceId, MemberId, RoleId, StageId, WorkflowId};
use crate::model::instance::{Header, Instance, Status};
use crate::model::organization::Loads;
use crate::model::time::Timestamp;
use crate::model::value::Value;

pub mod backup;
pub mod record;
pub mod words;

pub mod memory;
pub mod sled;

mod chain;
mod folders;
mod identity;
mod index;
mod ledger;
mod numbers;
mod pb;

/// A partition of the store: instances by hash of their id, and 0 also for what concerns the
/// service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u16);

/// The partition of what happens to the service itself: workflows, calendars, the organization.
pub const CONTROL: Partition = Partition(0);

/// An event's number: dense per partition, in commit order, starting with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// What went wrong, by what the caller has to do about it.
#[derive(Debug)]
pub enum Error {
    /// Somebody wrote first: load these again and decide again. Nothing of the batch was written.
    Conflict(Vec<InstanceId>),
    /// It may work later. Nothing of the batch was written.
    Unavailable(String),
    /// The store cannot be trusted any more: the process stops, and does not answer what it was
    /// about to.
    Corrupt(String),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(instances) => {
                write!(out, "{} instances were written first", instances.len())
            }
            Self::Unavailable(what) => write!(out, "the store is unavailable: {what}"),
            Self::Corrupt(what) => write!(out, "the store cannot be trusted: {what}"),
        }
    }
}

impl std::error::Error for Error {}

/// An instance as stored: its last body and the records since, oldest first.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The last checkpoint; none: the records begin with the creation.
    pub body: Option<Instance>,
    /// The records after the body.
    pub tail: Vec<Record>,
}

/// Where the rest of an instance lies, as its header knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts {
    /// The number of the first event of its last record.
    pub last_record: Seq,
    /// The number of the first event of the record with which its body was written; none: it has
    /// no body yet.
    pub body: Option<Seq>,
}

/// One durable write. Everything in it becomes visible together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Records in the order in which they were decided; several of one instance are possible.
    pub writes: Vec<Write>,
    /// Documents that are set with it.
    pub documents: Vec<DocumentWrite>,
    /// The clock's reading; never goes back in the store.
    pub clock: Option<Timestamp>,
}

/// One record to be written.
#[derive(Debug, Clone)]
pub struct Write {
    /// The partition of its instance, or [`CONTROL`].
    pub partition: Partition,
    /// The record; shared with whoever shows it once it is durable.
    pub record: Arc<Record>,
    /// The instance's header after it; none for a record without an instance.
    pub header: Option<Header>,
    /// The instance's body after it, where a checkpoint is due.
    pub body: Option<Arc<Instance>>,
}

/// One document to be set or removed.
#[derive(Debug, Clone)]
pub struct DocumentWrite {
    /// Its name, such as `workflow/leave/3`.
    pub key: String,
    /// Its content; none removes it.
    pub content: Option<Vec<u8>>,
}

/// What a commit gave.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The number of the first event of each record, in the order of the batch.
    pub first_seqs: Vec<Seq>,
}

/// A record with its place.
#[derive(Debug, Clone)]
pub struct Numbered {
    /// The partition.
    pub partition: Partition,
    /// The number of its first event; the others follow without a gap.
    pub first_seq: Seq,
    /// The record.
    pub record: Record,
}

/// An instance that fell due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueInstance {
    /// When.
    pub next_due: Timestamp,
    /// Which.
    pub instance: InstanceId,
}

/// Which instances are asked for; empty lists do not restrict.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Of these workflows.
    pub workflows: Vec<WorkflowId>,
    /// In these states.
    pub statuses: Vec<Status>,
    /// With one of these stages open.
    pub stages: Vec<StageId>,
    /// With one of these stewards.
    pub stewards: Vec<MemberId>,
    /// Of these groups.
    pub groups: Vec<GroupId>,
    /// With one of these as a backup of the steward.
    pub backups: Vec<MemberId>,
    /// With one of these lights.
    pub lights: Vec<Light>,
    /// With these indexed values: for each field that is named, one of the values named for it.
    pub fields: Vec<(FieldId, Value)>,
    /// With an open task held by one of these.
    pub holders: Vec<MemberId>,
    /// With an open task that one of these lets somebody else do.
    pub delegators: Vec<MemberId>,
    /// With an open task that nobody holds and that one of these roles or groups may take.
    pub offered_to: Vec<RoleId>,
    /// In which order.
    pub order: Order,
    /// After this place (exclusive), for the next page.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: usize,
}

/// In which order instances are listed. Ties and pages go by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// By id.
    #[default]
    Id,
    /// Latest created first.
    CreatedDescending,
    /// What falls due first comes first; what never does comes last.
    NextDue,
}

/// A place in an order of instances. It stays where it is when the instance moves: a page that
/// begins after it leaves out nobody who stood behind it and stayed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What the order goes by, in the order of ids the same for all.
    pub rank: i64,
    /// Among those of the same rank, the id.
    pub instance: InstanceId,
}

impl Order {
    /// The place of an instance with this header.
    pub fn place_of(self, header: &Header) -> Place {
        Place { rank: index::rank_of(self, header), instance: header.id.clone() }
    }
}

impl From<InstanceId> for Place {
    /// The place of an instance in the order of ids.
    fn from(instance: InstanceId) -> Self {
        Self { rank: index::RANK_OF_IDS, instance }
    }
}

/// The state of one instant, as far as it is not kept in records that never change: from here on
/// they can be read at leisure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The number of the last event of each partition, by partition.
    pub last_seqs: Vec<Seq>,
    /// The clock's last reading.
    pub clock: Option<Timestamp>,
    /// Every document, in order of their keys.
    pub documents: Vec<(String, Vec<u8>)>,
}

/// How far something long is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being gone through, such as `instances`.
    pub of: &'static str,
    /// How many of them are done.
    pub done: u64,
    /// How many there are, where that is known before the end.
    pub total: Option<u64>,
}

/// What a store is made with and never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Made anew with every store, restore and move: resume tokens name it.
    pub incarnation: String,
    /// How many partitions it has.
    pub partitions: u16,
    /// Whether its clock is simulated: then it is never opened with the real one.
    pub simulated_clock: bool,
}

/// Where state lives. One contract suite runs against every implementation.
///
/// No method blocks on anything but the storage itself; callers on an async runtime use threads.
pub trait Store: Send + Sync + 'static {
    /// What it was made with.
    fn identity(&self) -> &Identity;

    /// The partition of an instance: by a hash that never changes.
    fn partition_of(&self, instance: &InstanceId) -> Partition;

    /// An instance, or none.
    fn load(&self, instance: &InstanceId) -> Result<Option<Stored>, Error>;

    /// Writes everything in the batch durably, or nothing. Compares each instance's version: the
    /// first record of an instance in the batch must carry its stored version + 1, the next + 2, …
    /// A batch that contradicts itself comes from a defect and is refused as `Corrupt`: a record
    /// without events or in the wrong partition, a header or a body that is not its record's.
    fn commit(&self, batch: Batch) -> Result<Committed, Error>;

    /// Records of a partition that hold events after `after`, oldest first, at most `limit`
    /// records. The first may begin at or before `after` when `after` lies inside it.
    fn events_after(
        &self,
        partition: Partition,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error>;

    /// The number of the last event of each partition, by partition.
    fn last_seqs(&self) -> Result<Vec<Seq>, Error>;

    /// An instance's records, latest first: those with a version below `before`, at most `limit`.
    fn history(
        &self,
        instance: &InstanceId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error>;

    /// The same records, but from a place on: those before the one whose first event has the number
    /// `than`, which must be the instance's own. It costs as much as what it gives, wherever that
    /// lies; [`Store::history`] goes through everything later first.
    fn earlier(
        &self,
        instance: &InstanceId,
        than: Seq,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error>;

    /// Instances with `next_due` strictly before `now`, in order of it, at most `limit`.
    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueInstance>, Error>;

    /// The earliest `next_due` of all.
    fn next_due(&self) -> Result<Option<Timestamp>, Error>;

    /// An instance's header, or none.
    fn header(&self, instance: &InstanceId) -> Result<Option<Header>, Error>;

    /// Headers of the instances that are asked for, each once. Where many have to be looked through
    /// commits go on meanwhile: what does not change until the answer is in it, at its place.
    fn query(&self, query: &Query) -> Result<Vec<Header>, Error>;

    /// How much each member has to do, by the headers: exact, for every instance that is durable.
    fn loads(&self) -> Result<Arc<Loads>, Error>;

    /// A document, or none.
    fn document(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Documents whose key starts with `prefix`, in order of their keys.
    fn documents(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error>;

    /// The clock's last reading.
    fn clock(&self) -> Result<Option<Timestamp>, Error>;

    /// Where the store is now, all of one instant. What is committed meanwhile waits only for as
    /// long as the documents take to be read.
    fn point(&self) -> Result<Point, Error>;
}
