//! Reading a store on opening: state, words and headers, from which the ledger is made. Refuses
//! what does not hold together, and repairs nothing.

use super::disk::{Disk, Value, corrupt, last_seq};
use super::keys::{self, HEADERS};
use super::state::State;
use crate::model::id::InstanceId;
use crate::model::organization::{Loads, Share};
use crate::store::index::{Entry, Index};
use crate::store::ledger::Ledger;
use crate::store::words::Words;
use crate::store::{Error, Identity, Partition, Seq};

/// Headers after which progress is told.
const PROGRESS_HEADERS: usize = 100_000;

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
    let entries = disk.values(&[HEADERS], &[HEADERS]).map(|value| {
        let entry = read_header(&ledger, identity, value?)?;
        Ok::<_, Error>(entry)
    });
    let (words, mut loads) = (&ledger.words, Loads::default());
    let index = Index::collect(entries, &mut |count, message| {
        loads.shift(&Share::default(), &Share::of_stored(message, words));
        if count.is_multiple_of(PROGRESS_HEADERS) {
            tracing::info!(instances = count, "store.opening");
        }
    })?;
    (ledger.index, ledger.loads) = (index, loads);
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

fn read_header(ledger: &Ledger, identity: &Identity, value: Value) -> Result<Entry, Error> {
    let refuse = |what: &str| Error::Corrupt(format!("{} {what}", value.key.describe()));
    let id = InstanceId::trusted(value.key.name().ok_or_else(|| refuse("names no instance"))?);
    let partition = identity.partition_of(&id);
    let entry = Entry::read(id, value.content).map_err(|error| corrupt(&value.key, &error))?;
    let last_record = Seq(entry.message.last_seq);
    if last_record.0 == 0 || last_record > ledger.last_seqs[usize::from(partition.0)] {
        return Err(refuse("names a record that does not exist"));
    }
    Ok(entry)
}

pub(super) fn partitions(identity: &Identity) -> impl Iterator<Item = Partition> {
    (0..identity.partitions).map(Partition)
}
