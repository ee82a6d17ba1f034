//! Reading a store on opening: state, words, headers and recent records, from which the ledger is
//! made. Refuses what does not hold together, and repairs nothing.

use std::collections::BTreeMap;
use std::iter::Peekable;

use super::checking::misnumbered;
use super::disk::{Disk, Value, Values, describe, unreadable};
use super::keys::{self, HEADERS};
use super::pack::PackedRecord;
use super::recent::{Recent, recent_after};
use super::state::State;
use crate::model::id::InstanceId;
use crate::model::organization::{Loads, Share};
use crate::store::index::{Entry, Index};
use crate::store::ledger::Ledger;
use crate::store::record::decode_record_end;
use crate::store::words::Words;
use crate::store::{Error, Identity, Partition, Seq};

/// Headers after which progress is told.
const PROGRESS_HEADERS: usize = 100_000;

/// What is known of a store that was just opened.
pub(super) struct Surveyed {
    pub(super) ledger: Ledger,
    pub(super) recent: Recent,
    /// How many batches were ever written.
    pub(super) batches: u64,
}

/// The last recent record of an instance.
struct Last {
    first_seq: Seq,
    header: Option<Vec<u8>>,
}

/// Reads the state, the words, the headers and the recent records. From now on at least so many of
/// the last events of a partition are recent; with fewer than before, headers would be missing.
pub(super) fn survey(
    disk: &Disk,
    identity: &Identity,
    recent_events: u64,
) -> Result<Surveyed, Error> {
    let state = match disk.get(keys::STATE)? {
        Some(bytes) => State::decode(&bytes, identity)?,
        None => State::empty(identity),
    };
    let mut lasts = BTreeMap::new();
    for (partition, counted) in partitions(identity).zip(&state.last_seqs) {
        check_last(disk, partition, *counted)?;
        read_recent(disk, partition, recent_after(*counted, state.recent_events), &mut lasts)?;
    }
    let mut ledger = Ledger::empty(identity);
    ledger.clock = state.clock;
    ledger.last_seqs = state.last_seqs;
    ledger.words = read_words(disk, state.words)?.into();
    let mut places = Vec::with_capacity(lasts.len());
    let (words, mut loads) = (&*ledger.words, Loads::default());
    let headers = Headers {
        stored: disk.values(&[HEADERS], &[HEADERS]).peekable(),
        lasts: lasts.into_iter().peekable(),
        last_seqs: &ledger.last_seqs,
        identity,
        places: &mut places,
        slot: 0,
    };
    let index = Index::collect(headers, &mut |count, message| {
        loads.shift(&Share::default(), &Share::of_stored(message, words));
        if count.is_multiple_of(PROGRESS_HEADERS) {
            tracing::info!(instances = count, "store.opening");
        }
    })?;
    (ledger.index, ledger.loads) = (index, loads.into());
    let mut recent = Recent::none(identity, recent_events.max(state.recent_events));
    places.sort_unstable();
    for (partition, first_seq, slot) in places {
        recent.add(partition, first_seq, slot);
    }
    Ok(Surveyed { ledger, recent, batches: state.batches })
}

/// The last records of instances among those that begin after `after`. None of the events after it
/// may be missing: an instance would have the header of an older record, or none.
fn read_recent(
    disk: &Disk,
    partition: Partition,
    after: Seq,
    lasts: &mut BTreeMap<InstanceId, Last>,
) -> Result<(), Error> {
    let begin = Seq(after.0 + 1);
    let mut next = begin;
    for value in disk.packs(partition, after)? {
        let value = value?;
        for packed in value.records()? {
            let packed = packed?;
            let PackedRecord { first_seq, record, .. } = packed;
            if packed.last_seq() < begin {
                continue;
            }
            // The first one may begin before what is recent.
            if first_seq.max(begin) != next {
                return Err(Error::Corrupt(misnumbered(partition, next, first_seq)));
            }
            next = Seq(packed.last_seq().0 + 1);
            if first_seq <= after {
                continue;
            }
            let end = decode_record_end(record);
            let end = end.map_err(|error| unreadable(partition, first_seq, &error))?;
            if let Some(end) = end {
                lasts.insert(end.instance, Last { first_seq, header: end.header });
            }
        }
    }
    Ok(())
}

/// The header of every instance, in the order of their ids: that within its last recent record, or
/// that under its own key.
struct Headers<'a> {
    stored: Peekable<Values>,
    lasts: Peekable<std::collections::btree_map::IntoIter<InstanceId, Last>>,
    last_seqs: &'a [Seq],
    identity: &'a Identity,
    /// The recent records that are the last ones of their instances, which have these slots.
    places: &'a mut Vec<(Partition, Seq, u32)>,
    slot: u32,
}

impl Headers<'_> {
    fn entry(&mut self) -> Result<Option<Entry>, Error> {
        let stored = match self.stored.peek() {
            Some(Ok(value)) => Some(named(value)?),
            Some(Err(_)) => return self.stored.next().transpose().map(|_| None),
            None => None,
        };
        let Some(id) = stored.iter().chain(self.lasts.peek().map(|(id, _)| id)).min().cloned()
        else {
            return Ok(None);
        };
        let stored = self.stored.next_if(|_| stored.as_ref() == Some(&id)).transpose()?;
        let last = self.lasts.next_if(|(recent, _)| *recent == id).map(|(_, last)| last);
        let partition = self.identity.partition_of(&id);
        if let Some(last) = &last {
            self.places.push((partition, last.first_seq, self.slot));
        }
        self.slot += 1;
        self.read(id, partition, stored, last).map(Some)
    }

    fn read(
        &self,
        id: InstanceId,
        partition: Partition,
        stored: Option<Value>,
        last: Option<Last>,
    ) -> Result<Entry, Error> {
        let record = last.as_ref().map(|last| last.first_seq);
        let (place, bytes) = match (last.and_then(|last| last.header), stored, record) {
            (Some(header), _, Some(seq)) => (describe(partition, seq), header),
            (_, Some(stored), _) => (stored.key.describe(), stored.content),
            _ => {
                let what = format!("{} is missing", keys::header(&id).describe());
                return Err(Error::Corrupt(what));
            }
        };
        let refuse = |what: &str| Err(Error::Corrupt(format!("{place} {what}")));
        let entry = Entry::read(id, bytes);
        let entry =
            entry.map_err(|error| Error::Corrupt(format!("{place} cannot be read: {error}")))?;
        let named = Seq(entry.message.last_seq);
        if named.0 == 0 || named > self.last_seqs[usize::from(partition.0)] {
            return refuse("names a record that does not exist");
        }
        if record.is_some_and(|record| record != named) {
            return refuse("names another record than the last one");
        }
        Ok(entry)
    }
}

impl Iterator for Headers<'_> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entry().transpose()
    }
}

/// The instance of a stored header.
fn named(value: &Value) -> Result<InstanceId, Error> {
    let unnamed = || Error::Corrupt(format!("{} names no instance", value.key.describe()));
    value.key.name().map(InstanceId::trusted).ok_or_else(unnamed)
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
    let found = disk.last_seq(partition)?;
    if counted == found {
        return Ok(());
    }
    Err(Error::Corrupt(format!(
        "partition {} should end with event {} and ends with event {}",
        partition.0, counted.0, found.0
    )))
}

pub(super) fn partitions(identity: &Identity) -> impl Iterator<Item = Partition> {
    (0..identity.partitions).map(Partition)
}
