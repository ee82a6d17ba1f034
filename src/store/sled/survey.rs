//! Reading a whole store: the ledger on opening, and everything when it is to be verified. Knows
//! keys and records, and refuses what does not hold together. Repairs nothing.

use std::collections::HashMap;

use super::disk::{Disk, Value, corrupt, last_seq};
use super::keys::{self, BODIES, DOCUMENTS, HEADERS};
use crate::model::id::InstanceId;
use crate::model::time::Timestamp;
use crate::store::chain::version_of;
use crate::store::index::{Entry, Kept};
use crate::store::ledger::Ledger;
use crate::store::record::{decode_header, decode_instance, decode_record};
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

/// Reads numbers, clock and headers.
pub(super) fn survey(disk: &Disk, identity: &Identity) -> Result<Ledger, Error> {
    let mut ledger = Ledger::empty(identity);
    ledger.clock = disk.get(keys::CLOCK)?.map(|bytes| number(&bytes, "the clock")).transpose()?;
    for partition in partitions(identity) {
        ledger.last_seqs[usize::from(partition.0)] = last_of(disk, partition)?;
    }
    for value in disk.values(&[BODIES], &[BODIES]) {
        let value = value?;
        let kept = Kept { body_chunks: value.chunks, header_chunks: 0 };
        take_header(&mut ledger, identity, &value, kept)?;
        if ledger.index.len().is_multiple_of(PROGRESS_HEADERS) {
            tracing::info!(instances = ledger.index.len(), "store.opening");
        }
    }
    for value in disk.values(&[HEADERS], &[HEADERS]) {
        let value = value?;
        let kept = Kept { body_chunks: 0, header_chunks: value.chunks };
        take_header(&mut ledger, identity, &value, kept)?;
    }
    Ok(ledger)
}

/// How many batches were ever written.
pub(super) fn batches(disk: &Disk) -> Result<u64, Error> {
    match disk.get(keys::BATCHES)? {
        Some(bytes) => from_bytes(&bytes, "the number of writes").map(u64::from_be_bytes),
        None => Ok(0),
    }
}

/// The number of a partition's last event, which must be that of its last record.
fn last_of(disk: &Disk, partition: Partition) -> Result<Seq, Error> {
    let counted = match disk.get(&keys::counter(partition))? {
        Some(bytes) => Seq(from_bytes(&bytes, "an event number").map(u64::from_be_bytes)?),
        None => Seq(0),
    };
    let found = disk.last_record(partition)?.map_or(Seq(0), |last| last_seq(&last));
    if counted != found {
        return Err(Error::Corrupt(format!(
            "partition {} should end with event {} and ends with event {}",
            partition.0, counted.0, found.0
        )));
    }
    Ok(counted)
}

fn take_header(
    ledger: &mut Ledger,
    identity: &Identity,
    value: &Value,
    mut kept: Kept,
) -> Result<(), Error> {
    let (header, last_record) =
        decode_header(&value.content).map_err(|error| corrupt(&value.key, &error))?;
    let refuse = |what: &str| Err(Error::Corrupt(format!("{} {what}", value.key.describe())));
    if value.key.name() != Some(header.id.as_str()) {
        return refuse("is that of another instance");
    }
    let partition = identity.partition_of(&header.id);
    if last_record.0 == 0 || last_record > ledger.last_seqs[usize::from(partition.0)] {
        return refuse("names a record that does not exist");
    }
    if let Some(body) = ledger.index.get(&header.id) {
        if header.version <= body.header.version {
            return refuse("is older than its body");
        }
        kept.body_chunks = body.kept.body_chunks;
    }
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
    for value in disk.values(&[BODIES], &[BODIES]) {
        let value = value?;
        decode_instance(&value.content).map_err(|error| corrupt(&value.key, &error))?;
    }
    for value in disk.values(&[DOCUMENTS], &[DOCUMENTS]) {
        value?;
        verified.documents += 1;
    }
    Ok(verified)
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

fn number(bytes: &[u8], what: &str) -> Result<Timestamp, Error> {
    from_bytes(bytes, what).map(i64::from_be_bytes).map(Timestamp)
}

fn from_bytes(bytes: &[u8], what: &str) -> Result<[u8; 8], Error> {
    bytes.try_into().map_err(|_| Error::Corrupt(format!("{what} is not a number")))
}
