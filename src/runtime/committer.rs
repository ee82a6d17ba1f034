//! The committer: the one thread that writes the store.
//!
//! Everything that waits becomes one batch and one durable write. Only then is it shown: loads,
//! feed, timers, and last the answers. Knows nothing of what was decided.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::model::event::Record;
use crate::model::id::InstanceId;
use crate::model::organization::Loads;
use crate::model::time::Timestamp;
use crate::store::{Batch, DocumentWrite, Error, Numbered, Partition, Seq, Store, Write};

use super::bell::Bell;
use super::clock::Clock;
use super::effects::{self, Effects};
use super::feed::{Feed, Published};
use super::stats::{Counters, count};

/// Groups that one write takes at most.
const GROUPS_MAX: usize = 64;

/// Records read at once while looking for what was not acknowledged.
const MISSED_PAGE: usize = 64;
/// After so long the store is looked at again that could not be read.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

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
    /// What must be in place before anybody can learn of the group from its events.
    pub(super) before_shown: Option<BeforeShown>,
    pub(super) done: SyncSender<Verdict>,
}

/// What the committer does next.
enum Next {
    Group(Group),
    LookAgain,
    Stop,
}

/// What is done once a group is durable, before its events are published.
pub(super) type BeforeShown = Arc<dyn Fn() + Send + Sync>;

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
    pub(super) bell: Arc<Bell>,
    pub(super) effects: Arc<Effects>,
    pub(super) counters: Arc<Counters>,
    pub(super) fatal: Fatal,
}

impl Committer {
    /// Writes until told to stop. Returns early when the store cannot be trusted any more: then
    /// nobody is answered.
    pub(super) fn run(&self, jobs: &Receiver<Job>) {
        let mut doubtful = false;
        loop {
            let first = match next(jobs, doubtful) {
                Next::Group(first) => first,
                Next::LookAgain => {
                    doubtful = !self.show_missed();
                    continue;
                }
                Next::Stop => return,
            };
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
            if !matches!(verdict, Verdict::Durable { .. }) {
                doubtful = !self.show_missed();
            }
            for group in groups {
                // A worker that does not wait any more has ended: nobody is left to be told.
                let _ = group.done.send(verdict.clone());
            }
            if stop {
                return;
            }
        }
    }

    /// Shows what is durable and was never shown: a write of which it was said that it failed, or
    /// one of somebody else. True: nothing is left.
    fn show_missed(&self) -> bool {
        match self.read_missed() {
            Ok(missed) if missed.is_empty() => true,
            Ok(missed) => {
                tracing::warn!(records = missed.len(), "found records that were not acknowledged");
                self.show(missed);
                true
            }
            Err(Error::Corrupt(what)) => {
                (self.fatal)(&what);
                false
            }
            Err(Error::Unavailable(_) | Error::Conflict(_)) => false,
        }
    }

    fn read_missed(&self) -> Result<Vec<Shown>, Error> {
        let last = self.store.last_seqs()?;
        let mut missed = Vec::new();
        for (partition, (mut seen, last)) in (0..).zip(self.feed.last_seqs().into_iter().zip(last))
        {
            while seen < last.0 {
                let partition = Partition(partition);
                let page = self.store.events_after(partition, Seq(seen), MISSED_PAGE)?;
                if page.is_empty() {
                    return Err(Error::Corrupt(format!(
                        "partition {} holds nothing after event {seen} of {}",
                        partition.0, last.0
                    )));
                }
                for Numbered { first_seq, record, .. } in page {
                    seen = first_seq.0 + record.events.len() as u64 - 1;
                    let header = match &record.stamp {
                        Some(stamp) => self.store.header(&stamp.instance)?,
                        None => None,
                    };
                    let next_due = header.and_then(|header| header.next_due);
                    let record = Arc::new(record);
                    missed.push(Shown {
                        next_due,
                        published: Published { partition, first_seq, record },
                    });
                }
            }
        }
        Ok(missed)
    }

    /// Writes the groups as one batch; none: the store cannot be trusted any more.
    fn write(&self, groups: &mut [Group]) -> Option<Verdict> {
        let mut batch = Batch { clock: Some(self.clock.now()), ..Batch::default() };
        let before_shown: Vec<BeforeShown> =
            groups.iter().filter_map(|group| group.before_shown.clone()).collect();
        for group in groups {
            batch.writes.append(&mut group.writes);
            batch.documents.append(&mut group.documents);
        }
        let mut shown: Vec<Shown> = batch.writes.iter().map(Shown::of).collect();
        match self.store.commit(batch) {
            Ok(committed) => {
                let records = shown.len();
                for put_in_place in before_shown {
                    put_in_place();
                }
                count(&self.counters.commits);
                for (shown, first_seq) in shown.iter_mut().zip(committed.first_seqs) {
                    shown.published.first_seq = first_seq;
                }
                self.show(shown);
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

    fn show(&self, shown: Vec<Shown>) {
        let records = u64::try_from(shown.len()).unwrap_or(u64::MAX);
        self.counters.records.fetch_add(records, std::sync::atomic::Ordering::Relaxed);
        if shown.is_empty() {
            return;
        }
        let mut earliest: Option<Timestamp> = None;
        let mut published = Vec::with_capacity(shown.len());
        for shown in shown {
            earliest = earliest.into_iter().chain(shown.next_due).min();
            for event in &shown.published.record.events {
                self.counters.count_event(&event.payload);
            }
            published.push(shown.published);
        }
        match self.store.loads() {
            Ok(loads) => self.loads.store(loads),
            Err(error) => (self.fatal)(&error.to_string()),
        }
        let records = published.iter().map(|published| &published.record);
        let asking: Vec<Arc<Record>> =
            records.filter(|record| effects::asks(record)).cloned().collect();
        self.feed.publish(published);
        for record in asking {
            self.effects.begin(&record);
        }
        if let Some(earliest) = earliest {
            self.bell.due_at(earliest);
        }
    }
}

/// Waits for work. While it is doubtful whether everything was shown, not for long.
fn next(jobs: &Receiver<Job>, doubtful: bool) -> Next {
    let job = if doubtful {
        jobs.recv_timeout(LOOK_AGAIN_AFTER)
    } else {
        jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
    };
    match job {
        Ok(Job::Group(group)) => Next::Group(group),
        Err(RecvTimeoutError::Timeout) => Next::LookAgain,
        Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => Next::Stop,
    }
}

/// What is shown of a write once it is durable.
struct Shown {
    /// When something happens to the instance next.
    next_due: Option<Timestamp>,
    published: Published,
}

impl Shown {
    fn of(write: &Write) -> Self {
        let published = Published {
            partition: write.partition,
            first_seq: Seq(0),
            record: Arc::clone(&write.record),
        };
        let next_due = write.header.as_ref().and_then(|header| header.next_due);
        Self { next_due, published }
    }
}
