//! The committer: the one thread that writes the store.
//!
//! Everything that waits becomes one batch and one durable write. Only then is it shown: loads,
//! feed, timers, and last the answers. Knows nothing of what was decided.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::model::id::InstanceId;
use crate::model::organization::Loads;
use crate::model::time::Timestamp;
use crate::store::{Batch, DocumentWrite, Error, Store, Write};

use super::bell::Bell;
use super::clock::Clock;
use super::feed::{Feed, Published};
use super::loads::Ledger;
use super::stats::{Counters, count};

/// Groups that one write takes at most.
const GROUPS_MAX: usize = 64;

/// Work for the committer.
pub(super) enum Job {
    /// To be written.
    Group(Group),
    /// Everything is written: end.
    Stop,
}

/// What one worker, or the catalog, decided together.
pub(super) struct Group {
    pub(super) writes: Vec<Write>,
    pub(super) documents: Vec<DocumentWrite>,
    pub(super) done: SyncSender<Verdict>,
}

/// What became of a group.
#[derive(Debug, Clone)]
pub(super) enum Verdict {
    /// It is durable.
    Durable {
        /// How many records the same write held.
        records: usize,
    },
    /// Somebody wrote these first; nothing of the group was written.
    Conflict(Arc<[InstanceId]>),
    /// The store did not take it; nothing of the group was written.
    Unavailable,
}

/// What to do when the store cannot be trusted any more: end the process without answering.
pub type Fatal = Arc<dyn Fn(&str) + Send + Sync>;

pub(super) struct Committer {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    pub(super) feed: Arc<Feed>,
    pub(super) loads: Arc<ArcSwap<Loads>>,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) bell: Arc<Bell>,
    pub(super) counters: Arc<Counters>,
    pub(super) fatal: Fatal,
}

impl Committer {
    /// Writes until told to stop. Returns early when the store cannot be trusted any more: then
    /// nobody is answered.
    pub(super) fn run(&self, jobs: &Receiver<Job>) {
        while let Ok(Job::Group(first)) = jobs.recv() {
            let mut groups = vec![first];
            let mut stop = false;
            while groups.len() < GROUPS_MAX {
                match jobs.try_recv() {
                    Ok(Job::Group(group)) => groups.push(group),
                    Ok(Job::Stop) => {
                        stop = true;
                        break;
                    }
                    Err(_) => break,
                }
            }
            let Some(verdict) = self.write(&mut groups) else { return };
            for group in groups {
                // A worker that does not wait any more has ended: nobody is left to be told.
                let _ = group.done.send(verdict.clone());
            }
            if stop {
                return;
            }
        }
    }

    /// Writes the groups as one batch; none: the store cannot be trusted any more.
    fn write(&self, groups: &mut [Group]) -> Option<Verdict> {
        let mut batch = Batch { clock: Some(self.clock.now()), ..Batch::default() };
        for group in groups {
            batch.writes.append(&mut group.writes);
            batch.documents.append(&mut group.documents);
        }
        let shown: Vec<Shown> = batch.writes.iter().map(Shown::of).collect();
        match self.store.commit(batch) {
            Ok(committed) => {
                let records = shown.len();
                self.show(shown, &committed.first_seqs);
                Some(Verdict::Durable { records })
            }
            Err(Error::Conflict(instances)) => {
                count(&self.counters.conflicts);
                Some(Verdict::Conflict(instances.into()))
            }
            Err(Error::Unavailable(what)) => {
                count(&self.counters.commits_unavailable);
                tracing::warn!(error = what, "the store did not take a write");
                Some(Verdict::Unavailable)
            }
            Err(Error::Corrupt(what)) => {
                (self.fatal)(&what);
                None
            }
        }
    }

    fn show(&self, shown: Vec<Shown>, first_seqs: &[crate::store::Seq]) {
        count(&self.counters.commits);
        let records = u64::try_from(shown.len()).unwrap_or(u64::MAX);
        self.counters.records.fetch_add(records, std::sync::atomic::Ordering::Relaxed);
        if shown.is_empty() {
            return;
        }
        let mut earliest: Option<Timestamp> = None;
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let mut published = Vec::with_capacity(shown.len());
        for (shown, first_seq) in shown.into_iter().zip(first_seqs) {
            if let Some(header) = &shown.header {
                ledger.set(header);
                earliest = earliest.into_iter().chain(header.next_due).min();
            }
            published.push(Published { first_seq: *first_seq, ..shown.published });
        }
        self.loads.store(Arc::new(ledger.loads().clone()));
        drop(ledger);
        self.feed.publish(published);
        if let Some(earliest) = earliest {
            self.bell.due_at(earliest);
        }
    }
}

/// What is shown of a write once it is durable.
struct Shown {
    header: Option<crate::model::instance::Header>,
    published: Published,
}

impl Shown {
    fn of(write: &Write) -> Self {
        let published = Published {
            partition: write.partition,
            first_seq: crate::store::Seq(0),
            record: Arc::new(write.record.clone()),
        };
        Self { header: write.header.clone(), published }
    }
}
