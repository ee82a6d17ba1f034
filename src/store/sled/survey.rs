//! Reading a whole store: the ledger on opening, and everything when it is to be verified. Knows
//! keys and records, and refuses what does not hold together. Repairs nothing.

use std::collections::HashMap;

use super::disk::{Disk, Value, corrupt, last_seq, missing};
use super::keys::{self, BODIES, DOCUMENTS, HEADERS};
use super::state::State;
use crate::model::id::InstanceId;
use crate::store::chain::version_of;
use crate::store::index::{Entry, Kept};
use crate::store::ledger::Ledger;
use crate::store::record::{decode_header, decode_instance, decode_record};
use crate::store::words::Words;
use crate::store::{Error, Identity, Partition, Seq};

/// Headers after which progress is told.
const PROGRESS_HEADERS: usize = 100_000;

/// What was found in a store that holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Instances.
    pub instances: u64,
    /// Records.
    pub records: u64,
    /// Events in them.
    pub events: u64,
    /// Documents.
    pub documents: u64,
}

/// Reads the state, the words and the headers, and how many batches were ever written.
pub(super) fn survey(disk: &Disk, identity: &Identity) -> Result<(Ledger, u64), Error> {
    let state = match disk.get(keys::STATE)? {
        Some(bytes) => State::decode(&bytes, identity)?,
        None => State::empty(identity),
    };
    for (partition, counted) in partitions(identity).zip(&state.last_seqs) {
        check_last(disk, partition, *counted)?;
    }
    let mut ledger = Ledger::empty(identity);
    ledger.clock = state.clock;
    ledger.last_seqs = state.last_seqs;
    ledger.words = read_words(disk, state.words)?;
    for value in disk.values(&[HEADERS], &[HEADERS]) {
        take_header(&mut ledger, identity, &value?)?;
        if ledger.index.len().is_multiple_of(PROGRESS_HEADERS) {
            tracing::info!(instances = ledger.index.len(), "store.opening");
        }
    }
    Ok((ledger, state.batches))
}

fn read_words(disk: &Disk, count: u32) -> Result<Words, Error> {
    let mut words = Words::default();
    for pair in disk.under(&[keys::WORDS]) {
        let (key, word) = pair?;
        if *key != *keys::word(words.count() + 1) {
            break;
        }
        let unreadable = |_| Error::Corrupt(format!("word {} is no text", words.count() + 1));
        let word = std::str::from_utf8(&word).map_err(unreadable)?;
        words.add(word.into());
    }
    if words.count() == count {
        return Ok(words);
    }
    Err(Error::Corrupt(format!("of {count} words, number {} is missing", words.count() + 1)))
}

/// The number of a partition's last event must be that of its last record.
fn check_last(disk: &Disk, partition: Partition, counted: Seq) -> Result<(), Error> {
    let found = disk.last_record(partition)?.map_or(Seq(0), |last| last_seq(&last));
    if counted == found {
        return Ok(());
    }
    Err(Error::Corrupt(format!(
        "partition {} should end with event {} and ends with event {}",
        partition.0, counted.0, found.0
    )))
}

fn take_header(ledger: &mut Ledger, identity: &Identity, value: &Value) -> Result<(), Error> {
    let refuse = |what: &str| Error::Corrupt(format!("{} {what}", value.key.describe()));
    let id = value.key.name().ok_or_else(|| refuse("names no instance"))?;
    let read = decode_header(InstanceId::trusted(id), &value.content, &ledger.words);
    let (header, rest) = read.map_err(|error| corrupt(&value.key, &error))?;
    let partition = identity.partition_of(&header.id);
    let last_record = rest.last_record;
    if last_record.0 == 0 || last_record > ledger.last_seqs[usize::from(partition.0)] {
        return Err(refuse("names a record that does not exist"));
    }
    let kept = Kept { body_chunks: rest.body_chunks, header_chunks: value.chunks };
    ledger.index.put(Entry { header, last_record, kept });
    Ok(())
}

/// Reads everything. The ledger must be that of this store.
pub(super) fn verify(disk: &Disk, identity: &Identity, ledger: &Ledger) -> Result<Verified, Error> {
    let mut verified = Verified { instances: 0, records: 0, events: 0, documents: 0 };
    let mut chains = HashMap::new();
    for partition in partitions(identity) {
        verify_partition(disk, partition, ledger, &mut chains, &mut verified)?;
    }
    for entry in ledger.index.entries() {
        let expected = (entry.last_record, entry.header.version);
        if chains.remove(&entry.header.id) != Some(expected) {
            let problem = format!("instance {} does not end with its records", entry.header.id);
            return Err(Error::Corrupt(problem));
        }
        verified.instances += 1;
    }
    if !chains.is_empty() {
        let problem = format!("{} instances have records and no header", chains.len());
        return Err(Error::Corrupt(problem));
    }
    verify_bodies(disk, ledger)?;
    for value in disk.values(&[DOCUMENTS], &[DOCUMENTS]) {
        value?;
        verified.documents += 1;
    }
    Ok(verified)
}

/// Every body that a header knows, whole and not newer than it, and none beside.
fn verify_bodies(disk: &Disk, ledger: &Ledger) -> Result<(), Error> {
    let mut bodies = disk.values(&[BODIES], &[BODIES]);
    for entry in ledger.index.entries().filter(|entry| entry.kept.body_chunks > 0) {
        let key = keys::body(&entry.header.id);
        let value = bodies.next().transpose()?.filter(|value| value.key == key);
        let value = value.ok_or_else(|| missing(&key))?;
        let body = decode_instance(&value.content).map_err(|error| corrupt(&key, &error))?;
        let fits = body.id == entry.header.id
            && body.version <= entry.header.version
            && value.chunks == entry.kept.body_chunks;
        if !fits {
            return Err(Error::Corrupt(format!("{} is not that of its header", key.describe())));
        }
    }
    match bodies.next().transpose()? {
        Some(value) => Err(Error::Corrupt(format!("{} has no header", value.key.describe()))),
        None => Ok(()),
    }
}

/// Numbers without a gap, and each record after the one that it names.
fn verify_partition(
    disk: &Disk,
    partition: Partition,
    ledger: &Ledger,
    chains: &mut HashMap<InstanceId, (Seq, u64)>,
    verified: &mut Verified,
) -> Result<(), Error> {
    let broken = |seq: Seq, what: &str| {
        Err(Error::Corrupt(format!("event {} of partition {} {what}", seq.0, partition.0)))
    };
    let mut next = Seq(1);
    let prefix = keys::records(partition);
    for value in disk.values(&prefix, &prefix) {
        let value = value?;
        let chained = decode_record(&value.content).map_err(|error| corrupt(&value.key, &error))?;
        if value.key.as_record() != Some((partition, next)) {
            return broken(next, "is missing");
        }
        if let Some(stamp) = &chained.record.stamp {
            let version = version_of(&chained.record);
            let before = chains.insert(stamp.instance.clone(), (next, version));
            let expected = before.map_or((None, 1), |(seq, version)| (Some(seq), version + 1));
            if (chained.previous, version) != expected {
                return broken(next, "does not follow the record before it");
            }
        }
        let events = u64::try_from(chained.record.events.len()).expect("fits in 64 bits");
        next = Seq(next.0 + events);
        verified.records += 1;
        verified.events += events;
    }
    if next.0 != ledger.last_seqs[usize::from(partition.0)].0 + 1 {
        return broken(next, "is missing");
    }
    Ok(())
}

fn partitions(identity: &Identity) -> impl Iterator<Item = Partition> {
    (0..identity.partitions).map(Partition)
}
