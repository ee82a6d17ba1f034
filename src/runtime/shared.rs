//! What the parts of the runtime share.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::SyncSender;

use arc_swap::ArcSwap;

use crate::model::id::InstanceId;
use crate::model::organization::Loads;
use crate::model::time::Timestamp;
use crate::store::Store;

use super::bell::Bell;
use super::catalog::CatalogCell;
use super::clock::Clock;
use super::committer::{Fatal, Job};
use super::effects::Effects;
use super::feed::Feed;
use super::hand_over::HandOvers;
use super::stats::Counters;
use super::worker::Inbox;

pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    pub(super) started_at: Timestamp,
    pub(super) catalog: CatalogCell,
    pub(super) inboxes: Vec<Arc<Inbox>>,
    pub(super) committer: SyncSender<Job>,
    pub(super) effects: Arc<Effects>,
    pub(super) feed: Arc<Feed>,
    pub(super) loads: Arc<ArcSwap<Loads>>,
    pub(super) bell: Arc<Bell>,
    pub(super) hand_overs: HandOvers,
    pub(super) counters: Arc<Counters>,
    pub(super) fatal: Fatal,
    /// At start the clock was too far past the store's last reading: only reads are served.
    pub(super) clock_jump: Option<ClockJump>,
    pub(super) draining: AtomicBool,
    /// Whether a backup is being taken.
    pub(super) backing_up: AtomicBool,
}

/// The clock's leap since the store was last written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockJump {
    /// The store's last reading.
    pub last: Timestamp,
    /// The clock at start.
    pub now: Timestamp,
}

impl Shared {
    /// The mailbox of the worker that owns the instance's partition.
    pub(super) fn inbox_of(&self, instance: &InstanceId) -> &Inbox {
        &self.inboxes[self.worker_of(instance)]
    }

    /// The place of that worker among the mailboxes.
    pub(super) fn worker_of(&self, instance: &InstanceId) -> usize {
        usize::from(self.store.partition_of(instance).0) % self.inboxes.len()
    }
}
