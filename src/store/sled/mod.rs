//! The store for one machine: sled 0.34, one directory, one process.
//!
//! What is answered is durable: a batch is applied, flushed and then synced through a file of our
//! own, because sled's flush is not an fsync. An error or a panic of sled while it writes is the
//! end: nothing is retried, everything after it is refused, and the process is expected to stop.
//! Events and bodies are read from sled, everything else from memory. Only what is durable is ever
//! read: the ledger moves after the sync, and readers are bounded by it. Records and bodies never
//! change, so that they are read while others are written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard};

use super::chain::Chain;
use super::index::{Entry, Known, Search};
use super::ledger::{Ledger, Plan};
use super::record::{ChainedRecord, decode_instance};
use super::words::Words;
use super::{Batch, Committed, DueInstance, Error, Identity, Numbered, Partition, Point};
use super::{Progress, Query, Seq, Store, Stored};
use crate::model::id::InstanceId;
use crate::model::instance::{Header, Instance};
use crate::model::organization::Loads;
use crate::model::time::Timestamp;

mod checking;
mod compacting;
mod directory;
mod disk;
mod filling;
mod gate;
mod hearing;
mod keys;
mod log_file;
mod naming;
mod open_error;
mod opening;
mod pack;
mod recent;
mod reuse;
mod rouser;
mod staging;
mod state;
mod survey;

pub use checking::{Checked, Verified};
pub use compacting::Compacted;
use directory::{Directory, Mark};
use disk::Disk;
pub use filling::{Filling, Restored};
use gate::Gate;
pub use open_error::OpenError;
use recent::Recent;
use staging::Prepared;

/// The usual [`Options::recent_events`]: of all partitions, those of some 600,000 commands, which
/// are read within seconds: `docs/performance.md`.
pub const RECENT_EVENTS: u64 = 262_144;

/// How much sled writes before it goes on elsewhere in its file, which takes as long as some
/// commits. A store stays with what it was made with. `docs/performance.md` compares bytes and
/// processor time, not yet latency.
pub const SEGMENT_BYTES: usize = 1024 * 1024;

/// Where the store is and how its clock runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory of the store; made where it does not exist. Nothing else belongs in it.
    pub directory: PathBuf,
    /// Whether the clock is simulated: a store is made for one kind of clock and stays with it.
    pub simulated_clock: bool,
    /// How many of the last events of each partition are read when the store is opened again. The
    /// more, the fewer headers are written beside records. Usual is [`RECENT_EVENTS`]; a store
    /// that had more keeps them.
    pub recent_events: u64,
}

/// The store for one machine.
pub struct SledStore {
    identity: Identity,
    ledger: RwLock<Ledger>,
    /// Held over a whole commit.
    writer: Mutex<Writer>,
    gate: Gate,
    disk: Disk,
    /// Last, so that the lock on the directory is given up after sled has closed its files.
    directory: Directory,
}

/// What only the one who writes needs.
#[derive(Debug)]
struct Writer {
    /// Which headers lie within records alone.
    recent: Recent,
    /// Whether a write has failed: then nothing is written any more.
    broken: bool,
    /// How many batches were ever written: the mark tells it, so that a store which lost its last
    /// ones is not taken for a whole one.
    batches: u64,
}

impl SledStore {
    /// Opens the store, or makes a new one in an empty or missing directory.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        opening::open(options)
    }

    /// Opens a store that is there, whatever its clock; makes none. What is damaged is refused and
    /// left as it is.
    pub fn open_existing(directory: &Path) -> Result<Self, OpenError> {
        opening::open_existing(directory)
    }

    /// The directory of the store.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Reads everything and checks that it holds together: numbers dense, chains whole, headers,
    /// bodies and documents readable. Commits wait meanwhile.
    pub fn verify(&self) -> Result<Verified, Error> {
        let _quiet = self.gate.read();
        let ledger = self.ledger()?;
        checking::verify(&self.disk, &self.identity, &ledger)
    }

    /// The same, to its end whatever is found, with all that was found.
    pub fn check(&self, progress: &mut dyn FnMut(Progress)) -> Result<Checked, Error> {
        let _quiet = self.gate.read();
        let ledger = self.ledger()?;
        Ok(checking::check(&self.disk, &self.identity, &ledger, progress))
    }

    fn ledger(&self) -> Result<RwLockReadGuard<'_, Ledger>, Error> {
        self.ledger.read().map_err(|_| broken())
    }

    /// What is known of an instance, and the words with which its body and records are read.
    fn known(&self, instance: &InstanceId) -> Result<Option<(Known, Arc<Words>)>, Error> {
        let ledger = self.ledger()?;
        Ok(ledger.index.get(instance).map(|known| (known, Arc::clone(&ledger.words))))
    }

    fn chain<'a>(
        &'a self,
        instance: &'a InstanceId,
        last: Seq,
        words: &'a Words,
    ) -> Chain<'a, impl FnMut(Partition, Seq) -> Result<ChainedRecord, Error> + 'a> {
        let partition = self.identity.partition_of(instance);
        Chain::new(instance, partition, last, |partition, seq| {
            self.disk.record(partition, seq, words)
        })
    }

    /// Body and tail of an instance.
    fn read(&self, instance: &InstanceId, known: Known, words: &Words) -> Result<Stored, Error> {
        let mut body = None;
        if let Some(seq) = known.body {
            let key = keys::body(self.identity.partition_of(instance), seq);
            let bytes = self.disk.value(&key)?.ok_or_else(|| disk::missing(&key))?;
            body = Some(decode_instance(&bytes, words).map_err(|it| disk::corrupt(&key, &it))?);
        }
        let version = body.as_ref().map_or(0, |body: &Instance| body.version);
        let tail = match known.version.checked_sub(version) {
            Some(0) => Vec::new(),
            Some(_) => self.chain(instance, known.last_record, words).above(version)?,
            None => {
                let problem = format!("the body of instance {instance} is newer than its header");
                return Err(Error::Corrupt(problem));
            }
        };
        Ok(Stored { body, tail })
    }

    /// Applies a batch and makes it durable. Readers that need quiet wait meanwhile.
    fn write(&self, plan: Plan, batch: &Batch, writer: &mut Writer) -> Result<(), Error> {
        let (recent, batches) = (&mut writer.recent, writer.batches + 1);
        let prepared = staging::stage(&self.disk, &*self.ledger()?, recent, &plan, batch, batches)?;
        let Prepared { staged, entries, words } = prepared;
        let _writing = self.gate.write();
        // What sled leaves behind in its own state after a panic does not matter: it is not used
        // again, and the process stops.
        catch_unwind(AssertUnwindSafe(|| self.disk.write(staged)))
            .unwrap_or_else(|_| Err(Error::Corrupt("sled panicked while writing".to_owned())))?;
        let last_records = self.last_records(&entries);
        let last_seqs = plan.last_seqs.clone();
        let mut ledger = self.ledger.write().map_err(|_| broken())?;
        ledger.record(plan.done(entries, words));
        for (partition, first_seq, instance) in last_records {
            let slot = ledger.index.slot(&instance).expect("it was just recorded");
            recent.add(partition, first_seq, slot);
        }
        for (partition, last) in last_seqs {
            recent.forget(partition, last);
        }
        writer.batches = batches;
        Ok(())
    }

    /// The last record of each of these instances, in the order of partitions and numbers.
    fn last_records(&self, entries: &[Entry]) -> Vec<(Partition, Seq, InstanceId)> {
        let place = |entry: &Entry| {
            let partition = self.identity.partition_of(&entry.id);
            (partition, Seq(entry.message.last_seq), entry.id.clone())
        };
        let mut places: Vec<_> = entries.iter().map(place).collect();
        places.sort_unstable();
        places
    }
}

fn broken() -> Error {
    Error::Corrupt("an earlier write failed: the process has to stop".to_owned())
}

impl Store for SledStore {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn partition_of(&self, instance: &InstanceId) -> Partition {
        self.identity.partition_of(instance)
    }

    fn load(&self, instance: &InstanceId) -> Result<Option<Stored>, Error> {
        let known = self.known(instance)?;
        known.map(|(known, words)| self.read(instance, known, &words)).transpose()
    }

    fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        let mut writer = self.writer.lock().map_err(|_| broken())?;
        if writer.broken {
            return Err(broken());
        }
        let plan = self.ledger()?.plan(&self.identity, &batch)?;
        if plan.places.is_empty() && batch.documents.is_empty() && plan.clock.is_none() {
            return Ok(Committed { first_seqs: Vec::new() });
        }
        let first_seqs = plan.places.iter().map(|place| place.first_seq).collect();
        writer.broken = true;
        self.write(plan, &batch, &mut writer)?;
        writer.broken = false;
        Ok(Committed { first_seqs })
    }

    fn events_after(
        &self,
        partition: Partition,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        let (last, words) = {
            let ledger = self.ledger()?;
            let last = ledger.last_seqs.get(usize::from(partition.0)).copied();
            (last, Arc::clone(&ledger.words))
        };
        match last {
            Some(last) if after < last => self.disk.records(partition, after, last, limit, &words),
            Some(_) | None => Ok(Vec::new()),
        }
    }

    fn last_seqs(&self) -> Result<Vec<Seq>, Error> {
        Ok(self.ledger()?.last_seqs.clone())
    }

    fn history(
        &self,
        instance: &InstanceId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        match self.known(instance)? {
            Some((known, words)) => {
                self.chain(instance, known.last_record, &words).below(before, limit)
            }
            None => Ok(Vec::new()),
        }
    }

    fn earlier(
        &self,
        instance: &InstanceId,
        than: Seq,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        let words = Arc::clone(&self.ledger()?.words);
        self.chain(instance, than, &words).earlier(limit)
    }

    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueInstance>, Error> {
        Ok(self.ledger()?.index.due(now, limit))
    }

    fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.ledger()?.index.next_due())
    }

    fn header(&self, instance: &InstanceId) -> Result<Option<Header>, Error> {
        self.ledger()?.header(instance)
    }

    fn query(&self, query: &Query) -> Result<Vec<Header>, Error> {
        let mut search = Search::of(query);
        // Between two turns whoever writes is let through.
        while self.ledger()?.search(&mut search)? {}
        Ok(search.found())
    }

    fn loads(&self) -> Result<Arc<Loads>, Error> {
        Ok(Arc::clone(&self.ledger()?.loads))
    }

    fn document(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let _quiet = self.gate.read();
        self.disk.value(&keys::document(key))
    }

    fn documents(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let _quiet = self.gate.read();
        self.disk.documents(prefix)
    }

    fn clock(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.ledger()?.clock)
    }

    fn point(&self) -> Result<Point, Error> {
        let _quiet = self.gate.read();
        let documents = self.disk.documents("")?;
        let ledger = self.ledger()?;
        Ok(Point { last_seqs: ledger.last_seqs.clone(), clock: ledger.clock, documents })
    }
}

impl Drop for SledStore {
    /// Leaves the mark of an orderly end. A store that is broken keeps the mark of its beginning.
    fn drop(&mut self) {
        let batches = match self.writer.get_mut() {
            Ok(Writer { broken: false, batches, .. }) => *batches,
            Ok(Writer { broken: true, .. }) | Err(_) => return,
        };
        if self.disk.sync().is_err() {
            return;
        }
        let mark = Mark { incarnation: self.identity.incarnation.clone(), batches };
        if let Err(error) = self.directory.leave(&mark) {
            tracing::warn!(%error, "store.mark_not_written");
        }
    }
}

impl std::fmt::Debug for SledStore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SledStore")
            .field("directory", &self.directory.path())
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}
