//! A store that is being restored: entry by entry into a directory that nobody can open before it
//! was said to be whole. Checks what it is given as a commit is checked; what records mean it is
//! told from above, because the store knows no engine.

use std::collections::HashMap;
use std::path::Path;

use super::directory::{Directory, Mark};
use super::disk::{Disk, Staged};
use super::opening::{marker_of, open_disk, open_taken};
use super::pack::{PackedRecord, Packing};
use super::staging::{put_state, put_words};
use super::state::State;
use super::{OpenError, SledStore, keys};
use crate::model::id::InstanceId;
use crate::model::instance::{Header, Instance};
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::store::backup::{Entry, Head};
use crate::store::chain::{Chain, version_of};
use crate::store::record::{decode_instance, encode_header, encode_instance, encode_record};
use crate::store::words::{Draft, Words};
use crate::store::{Error, Identity, Numbered, Partition, Progress, Seq, Stored, Whereabouts};

/// Bytes that are handed to sled at once.
const STAGED_BYTES_MAX: usize = 1024 * 1024;
/// Instances after which progress is told.
const PROGRESS_INSTANCES: u64 = 1000;

/// A store that is being restored.
pub struct Filling {
    identity: Identity,
    disk: Disk,
    staged: Staged,
    staged_bytes: usize,
    packing: Packing,
    /// Where each partition must end, as soon as the point was read.
    ends: Vec<Seq>,
    clock: Option<Timestamp>,
    last_seqs: Vec<Seq>,
    /// Where the records of each instance have ended so far, and its version there.
    chains: HashMap<InstanceId, (Seq, u64)>,
    documents: Vec<(String, Vec<u8>)>,
    words: Words,
    /// Last, so that the lock is given up after sled has closed its files.
    directory: Directory,
}

/// A restored store that nobody else can open yet.
pub struct Restored(SledStore);

impl Filling {
    /// Begins in an empty or missing directory, or anew where a restore did not come to its end.
    /// The store gets an incarnation of its own: it is not the one that was backed up.
    pub fn begin(directory: &Path, head: &Head) -> Result<Self, OpenError> {
        let directory = Directory::take_to_restore(directory)?;
        let disk = open_disk(&directory)?;
        let Identity { partitions, simulated_clock, .. } = head.store;
        let identity = Identity { partitions, ..Identity::fresh(simulated_clock) };
        Ok(Self {
            disk,
            staged: Staged::default(),
            staged_bytes: 0,
            packing: Packing::default(),
            ends: Vec::new(),
            clock: None,
            last_seqs: vec![Seq(0); usize::from(identity.partitions)],
            chains: HashMap::new(),
            documents: Vec::new(),
            words: Words::default(),
            identity,
            directory,
        })
    }

    /// Takes one entry of a backup; they come in the order in which they were written.
    pub fn add(&mut self, entry: Entry) -> Result<(), Error> {
        match entry {
            Entry::Body(body) => {
                let bytes = self.with_words(|words| encode_instance(&body, words));
                self.put(&keys::restored_body(&body.id), &bytes)
            }
            Entry::Point { last_seqs, clock } => {
                if last_seqs.len() != self.last_seqs.len() {
                    return Err(contradiction("its point has other partitions"));
                }
                (self.ends, self.clock) = (last_seqs, clock);
                Ok(())
            }
            Entry::Document { key, content } => {
                self.put(&keys::document(&key), &content)?;
                self.documents.push((key, content));
                Ok(())
            }
            Entry::Record(numbered) => self.record(&numbered),
        }
    }

    fn record(&mut self, numbered: &Numbered) -> Result<(), Error> {
        let Numbered { partition, first_seq, record } = numbered;
        let Some(last) = self.last_seqs.get_mut(usize::from(partition.0)) else {
            return Err(contradiction(&format!("there is no partition {}", partition.0)));
        };
        if first_seq.0 != last.0 + 1 || record.events.is_empty() {
            let problem = format!("event {} of partition {} is missing", last.0 + 1, partition.0);
            return Err(contradiction(&problem));
        }
        *last = Seq(last.0 + record.events.len() as u64);
        let mut previous = None;
        if let Some(stamp) = &record.stamp {
            let end = (*first_seq, version_of(record));
            let before = self.chains.insert(stamp.instance.clone(), end);
            previous = before.map(|(seq, _)| seq);
            if end.1 != before.map_or(1, |(_, version)| version + 1)
                || *partition != self.identity.partition_of(&stamp.instance)
            {
                let problem =
                    format!("record {} of instance {} is misplaced", end.1, stamp.instance);
                return Err(contradiction(&problem));
            }
        }
        let bytes = self.with_words(|words| encode_record(record, previous, words));
        let first_seq = *first_seq;
        let packed = PackedRecord { first_seq, events: record.events.len() as u64, record: &bytes };
        match self.packing.add(*partition, packed) {
            Some((key, full)) => self.put(&key, &full),
            None => Ok(()),
        }
    }

    /// The documents: what records mean is found in them.
    pub fn documents(&self) -> &[(String, Vec<u8>)] {
        &self.documents
    }

    /// Makes body and header of every instance anew, from its body and the records after it.
    pub fn instances(
        &mut self,
        rebuild: &mut dyn FnMut(Stored) -> Result<(Instance, Header), Error>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        if self.last_seqs != self.ends {
            return Err(contradiction("it ends before its point"));
        }
        for (key, pack) in std::mem::take(&mut self.packing).finish() {
            self.put(&key, &pack)?;
        }
        self.write_staged()?;
        let mut chains: Vec<_> = std::mem::take(&mut self.chains).into_iter().collect();
        chains.sort_unstable();
        let total = chains.len() as u64;
        for (done, (id, (last, version))) in (1..).zip(chains) {
            let key = keys::restored_body(&id);
            let (body, chunks) = match self.disk.value(&key)? {
                None => (None, 0),
                Some(bytes) => {
                    let read = decode_instance(&bytes, &self.words);
                    let body = read.map_err(|error| super::disk::corrupt(&key, &error))?;
                    (Some(body), self.disk.chunks(&key)?)
                }
            };
            let stored = self.stored(&id, body, last, version)?;
            let (body, header) = rebuild(stored)?;
            if (header.version, body.version) != (version, version) {
                return Err(contradiction(&format!("instance {id} does not end with its records")));
            }
            self.staged.cut(&key, 0, chunks);
            self.instance(&header, &body, last)?;
            if done == total || done.is_multiple_of(PROGRESS_INSTANCES) {
                progress(Progress { of: "instances", done, total: Some(total) });
            }
        }
        Ok(())
    }

    /// Encodes something, and puts the words that this adds.
    fn with_words<T>(&mut self, encode: impl FnOnce(&mut Draft<'_>) -> T) -> T {
        let mut draft = Draft::of(&self.words);
        let encoded = encode(&mut draft);
        let added = draft.added();
        put_words(&mut self.staged, self.words.count(), &added);
        self.words.add_all(added);
        encoded
    }

    /// Puts an instance that is whole: its body needs no record.
    fn instance(
        &mut self,
        header: &Header,
        body: &Instance,
        last_record: Seq,
    ) -> Result<(), Error> {
        let key = keys::body(self.identity.partition_of(&body.id), last_record);
        let rest = Whereabouts { last_record, body: Some(last_record) };
        let (content, header) = self
            .with_words(|words| (encode_instance(body, words), encode_header(header, rest, words)));
        let chunks = self.staged.put(&key, &content, 0);
        self.staged.put(&keys::header(&body.id), &header, 0);
        // Headers are small; of the bodies, the chunks tell how large they are.
        self.staged_bytes += usize::from(chunks) * limits::STORED_VALUE_BYTES_MAX;
        self.write_staged_if_many()
    }

    fn stored(
        &self,
        instance: &InstanceId,
        body: Option<Instance>,
        last: Seq,
        version: u64,
    ) -> Result<Stored, Error> {
        let begun = body.as_ref().map_or(0, |body| body.version);
        if begun > version {
            return Err(contradiction(&format!(
                "the body of {instance} is newer than its records"
            )));
        }
        let partition = self.identity.partition_of(instance);
        let fetch = |partition: Partition, seq| self.disk.record(partition, seq, &self.words);
        let tail = if begun == version {
            Vec::new()
        } else {
            Chain::new(instance, partition, last, fetch).above(begun)?
        };
        Ok(Stored { body, tail })
    }

    /// Writes what makes it a store, makes everything durable and opens it.
    pub fn finish(mut self) -> Result<Restored, OpenError> {
        let written = self.write_ends();
        let Self { identity, disk, directory, .. } = self;
        drop(disk);
        if let Err(error) = written {
            let path = directory.path().to_owned();
            return Err(OpenError::Damaged { path, what: error.to_string(), backup: None });
        }
        directory.leave(&Mark { incarnation: identity.incarnation, batches: 1 })?;
        open_taken(directory).map(Restored)
    }

    fn write_ends(&mut self) -> Result<(), Error> {
        let state = State {
            batches: 1,
            clock: self.clock,
            last_seqs: self.last_seqs.clone(),
            words: self.words.count(),
            // Every header stands under a key of its own.
            recent_events: 0,
        };
        put_state(&mut self.staged, &state);
        self.write_staged()?;
        self.disk.sync()?;
        let mut last = Staged::default();
        last.set(keys::MARKER, &marker_of(&self.identity));
        self.disk.write(last)
    }

    fn put(&mut self, key: &keys::ValueKey, content: &[u8]) -> Result<(), Error> {
        self.staged.put(key, content, 0);
        self.staged_bytes += content.len();
        self.write_staged_if_many()
    }

    fn write_staged_if_many(&mut self) -> Result<(), Error> {
        if self.staged_bytes < STAGED_BYTES_MAX { Ok(()) } else { self.write_staged() }
    }

    fn write_staged(&mut self) -> Result<(), Error> {
        self.staged_bytes = 0;
        self.disk.write_unsynced(std::mem::take(&mut self.staged))
    }
}

impl Restored {
    /// The store.
    pub fn store(&self) -> &SledStore {
        &self.0
    }

    /// Lets it be opened: it is whole.
    pub fn keep(self) -> Result<(), OpenError> {
        self.0.directory.restored()
    }
}

/// The backup was written like this: by a defect, or by hand.
fn contradiction(what: &str) -> Error {
    Error::Corrupt(format!("the backup contradicts itself: {what}"))
}
