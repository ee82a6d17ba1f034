//! sled, as this store uses it: values in chunks, one batch at a time, and a real sync. The only
//! file that calls sled. Knows no ledger.

use std::io;
use std::sync::Arc;

use sled::Db;

use super::keys::{self, Assembly, ValueKey};
use super::pack::{self, PackedRecord};
use super::reuse::DataFile;
use super::rouser::Rouser;
use crate::store::record::{ChainedRecord, Corrupt, decode_record};
use crate::store::words::Words;
use crate::store::{Error, Numbered, Partition, Seq};

/// An open sled, and its file once more.
pub(super) struct Disk {
    db: Db,
    rouser: Rouser,
    /// Last: it is synced once more when sled has closed.
    data: Arc<DataFile>,
}

/// Changes that are made together.
#[derive(Default)]
pub(super) struct Staged(sled::Batch);

impl Staged {
    /// Sets a small value.
    pub(super) fn set(&mut self, key: &[u8], content: &[u8]) {
        self.0.insert(key, content);
    }

    /// Sets a value that had `before` chunks, and gives its number of chunks.
    pub(super) fn put(&mut self, key: &ValueKey, content: &[u8], before: u16) -> u16 {
        let mut number = 0;
        for chunk in keys::split(content) {
            self.0.insert(key.chunk(number), chunk);
            number = number.checked_add(1).expect("limits keep values far below 256 MiB");
        }
        self.cut(key, number, before);
        number
    }

    /// Removes the chunks of a value from number `from` on, of the `before` that it had.
    pub(super) fn cut(&mut self, key: &ValueKey, from: u16, before: u16) {
        for number in from..before {
            self.0.remove(key.chunk(number));
        }
    }
}

impl Disk {
    /// Takes an open sled, and its file.
    pub(super) fn new(db: Db, data: Arc<DataFile>) -> Self {
        let rouser = Rouser::new(db.clone());
        Self { db, rouser, data }
    }

    /// Writes all of it or nothing, durably.
    pub(super) fn write(&self, staged: Staged) -> Result<(), Error> {
        let applied = self.db.apply_batch(staged.0).map_err(|error| failed(&error));
        applied.inspect_err(|_| self.data.distrust())?;
        self.sync()
    }

    /// Writes all of it or nothing. It is durable after the next sync, or not at all.
    pub(super) fn write_unsynced(&self, staged: Staged) -> Result<(), Error> {
        self.db.apply_batch(staged.0).map_err(|error| failed(&error))
    }

    /// Every key with what stands under it, in order, whatever it holds.
    pub(super) fn pairs(&self) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), Error>> {
        self.db.iter().map(|pair| pair.map_err(|error| failed(&error)))
    }

    /// Makes everything durable that was written.
    pub(super) fn sync(&self) -> Result<(), Error> {
        let flushed = self.rouser.flush().map_err(|error| failed(&error));
        flushed.inspect_err(|_| self.data.distrust())?;
        let synced = self.data.sync();
        synced.map_err(|it| Error::Corrupt(format!("syncing the store: {}", told(&it))))
    }

    /// Whether nothing was ever written.
    pub(super) fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.db.tree_names().len() <= 1
            && self.db.first().map_err(|error| failed(&error))?.is_none())
    }

    /// A small value.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, Error> {
        self.db.get(key).map_err(|error| failed(&error))
    }

    /// A value.
    pub(super) fn value(&self, key: &ValueKey) -> Result<Option<Vec<u8>>, Error> {
        let Some(mut assembly) = self.begin(key)? else {
            return Ok(None);
        };
        while let Some(number) = assembly.next_chunk() {
            let chunk = self.get(&key.chunk(number))?.ok_or_else(|| missing(key))?;
            if !assembly.add(&chunk) {
                return Err(garbled(key));
            }
        }
        Ok(Some(assembly.finish()))
    }

    fn begin(&self, key: &ValueKey) -> Result<Option<Assembly>, Error> {
        match self.get(&key.chunk(0))? {
            Some(first) => Assembly::begin(&first).map(Some).ok_or_else(|| garbled(key)),
            None => Ok(None),
        }
    }

    /// How many chunks a value has: the first one tells.
    pub(super) fn chunks(&self, key: &ValueKey) -> Result<u16, Error> {
        match self.get(&key.chunk(0))? {
            Some(first) => keys::count(&first).ok_or_else(|| garbled(key)),
            None => Ok(0),
        }
    }

    /// A record, by the number of its first event.
    pub(super) fn record(
        &self,
        partition: Partition,
        seq: Seq,
        words: &Words,
    ) -> Result<ChainedRecord, Error> {
        let missing = || Error::Corrupt(describe(partition, seq) + " is missing");
        let Some(pack) = self.pack_holding(partition, seq)? else {
            return Err(missing());
        };
        for packed in pack.records()? {
            let packed = packed?;
            if packed.first_seq == seq {
                return decode(partition, &packed, words);
            }
        }
        Err(missing())
    }

    /// Records that hold events after `after` and up to `last`, which must be durable.
    pub(super) fn records(
        &self,
        partition: Partition,
        after: Seq,
        last: Seq,
        limit: usize,
        words: &Words,
    ) -> Result<Vec<Numbered>, Error> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        for value in self.packs(partition, after)? {
            let value = value?;
            for packed in value.records()? {
                let packed = packed?;
                if packed.last_seq() > after {
                    let record = decode(partition, &packed, words)?.record;
                    found.push(Numbered { partition, first_seq: packed.first_seq, record });
                }
                // Here already: to see what follows, a further pack would have to be read.
                if found.len() == limit || packed.last_seq() >= last {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// The packs of a partition, from that one on which holds the event after this one.
    pub(super) fn packs(&self, partition: Partition, after: Seq) -> Result<Values, Error> {
        let next = Seq(after.0.saturating_add(1));
        let holding = self.last_chunk(partition, next)?.map(|(key, ..)| key);
        let start = holding.unwrap_or_else(|| keys::pack(partition, next));
        Ok(self.values(&keys::packs(partition), &start.chunk(0)))
    }

    /// The last chunk of the last pack that begins with this event or before it, and which it is.
    fn last_chunk(
        &self,
        partition: Partition,
        seq: Seq,
    ) -> Result<Option<(ValueKey, u16, sled::IVec)>, Error> {
        let after = keys::pack(partition, Seq(seq.0.saturating_add(1))).chunk(0);
        let before = self.db.get_lt(after).map_err(|error| failed(&error))?;
        let found = before.and_then(|(key, chunk)| {
            let (key, number) = ValueKey::of_chunk(&key)?;
            Some((key, number, chunk))
        });
        Ok(found.filter(|(key, ..)| key.as_pack().is_some_and(|(of, _)| of == partition)))
    }

    fn pack_holding(&self, partition: Partition, seq: Seq) -> Result<Option<Value>, Error> {
        let Some((key, number, chunk)) = self.last_chunk(partition, seq)? else {
            return Ok(None);
        };
        // Most packs have one chunk: that is the whole of them.
        let only = Assembly::begin(&chunk).filter(|it| number == 0 && it.next_chunk().is_none());
        let content = match only {
            Some(only) => only.finish(),
            None => self.value(&key)?.ok_or_else(|| missing(&key))?,
        };
        Ok(Some(Value { key, content }))
    }

    /// The number of a partition's last event, by its last pack; 0: it has none.
    pub(super) fn last_seq(&self, partition: Partition) -> Result<Seq, Error> {
        let Some(pack) = self.pack_holding(partition, Seq(u64::MAX))? else {
            return Ok(Seq(0));
        };
        let last = pack.records()?.last().transpose()?;
        last.map(|last| last.last_seq()).ok_or_else(|| garbled(&pack.key))
    }

    /// Documents whose key starts with `prefix`.
    pub(super) fn documents(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let prefix = [&[keys::DOCUMENTS], prefix.as_bytes()].concat();
        let named = |value: Result<Value, Error>| {
            let value = value?;
            let name = value.key.name().ok_or_else(|| garbled(&value.key))?.to_owned();
            Ok((name, value.content))
        };
        self.values(&prefix, &prefix).map(named).collect()
    }

    /// All keys that begin with `prefix`, with what stands under them, as they are.
    pub(super) fn under(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), Error>> {
        self.db.scan_prefix(prefix).map(|pair| pair.map_err(|error| failed(&error)))
    }

    /// All values whose keys begin with `prefix`, from `start` on.
    pub(super) fn values(&self, prefix: &[u8], start: &[u8]) -> Values {
        Values { chunks: self.db.range(start.to_vec()..), prefix: prefix.to_vec() }
    }
}

fn decode(
    partition: Partition,
    packed: &PackedRecord<'_>,
    words: &Words,
) -> Result<ChainedRecord, Error> {
    decode_record(packed.record, words)
        .map_err(|error| unreadable(partition, packed.first_seq, &error))
}

/// A value with its key.
pub(super) struct Value {
    pub(super) key: ValueKey,
    pub(super) content: Vec<u8>,
}

impl Value {
    /// The records of a pack.
    pub(super) fn records(
        &self,
    ) -> Result<impl Iterator<Item = Result<PackedRecord<'_>, Error>>, Error> {
        let (_, first_seq) = self.key.as_pack().ok_or_else(|| garbled(&self.key))?;
        let records = pack::records(first_seq, &self.content);
        Ok(records.map(|packed| packed.ok_or_else(|| garbled(&self.key))))
    }
}

/// Values in the order of their keys.
pub(super) struct Values {
    chunks: sled::Iter,
    prefix: Vec<u8>,
}

impl Values {
    fn assemble(&mut self, key: &[u8], first: &[u8]) -> Result<Value, Error> {
        let stray = || {
            let key = ValueKey::of_chunk(key).map(|(key, _)| key.describe());
            Error::Corrupt(format!("{} has no beginning", key.unwrap_or_default()))
        };
        let (key, 0) = ValueKey::of_chunk(key).ok_or_else(stray)? else {
            return Err(stray());
        };
        let mut assembly = Assembly::begin(first).ok_or_else(|| garbled(&key))?;
        while let Some(number) = assembly.next_chunk() {
            let (next, chunk) = match self.chunks.next() {
                Some(entry) => entry.map_err(|error| failed(&error))?,
                None => return Err(missing(&key)),
            };
            if !key.is_of(&next) || next != key.chunk(number) {
                return Err(missing(&key));
            }
            if !assembly.add(&chunk) {
                return Err(garbled(&key));
            }
        }
        Ok(Value { key, content: assembly.finish() })
    }
}

impl Iterator for Values {
    type Item = Result<Value, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.chunks.next()? {
            Ok((key, first)) if key.starts_with(&self.prefix) => Some(self.assemble(&key, &first)),
            Ok(_) => None,
            Err(error) => Some(Err(failed(&error))),
        }
    }
}

/// Any error of sled: it cannot be trusted any more.
pub(super) fn failed(error: &sled::Error) -> Error {
    match error {
        sled::Error::Io(source) => Error::Corrupt(format!("using the store: {}", told(source))),
        other => Error::Corrupt(format!("sled: {other}")),
    }
}

/// What the operating system said, and what to do.
pub(super) fn told(error: &io::Error) -> String {
    let text = error.to_string();
    // Of an error that it copies, sled keeps the kind and what it looked like to a programmer.
    let message = text.split_once("message: \"").and_then(|(_, rest)| rest.split_once('"'));
    let what = message.map_or(text.as_str(), |(message, _)| message);
    format!("{what}; {}", advice(error))
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "the user that runs sanbang must own the directory and be allowed to write in it"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only, which is also what becomes of one whose disk fails: \
             look at the machine's log, mount it for writing, then start again"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on that file system, then start again: nothing that was answered is lost"
        }
        _ => "the disk may be failing: look at the machine's log, mend it, then start again",
    }
}

/// A value that must be there is not.
pub(super) fn missing(key: &ValueKey) -> Error {
    Error::Corrupt(format!("{} is missing, or a part of it", key.describe()))
}

/// What a record is called in messages.
pub(super) fn describe(partition: Partition, first_seq: Seq) -> String {
    format!("the record of event {} in partition {}", first_seq.0, partition.0)
}

/// A record's bytes are not what was written.
pub(super) fn unreadable(partition: Partition, first_seq: Seq, error: &Corrupt) -> Error {
    Error::Corrupt(format!("{} cannot be read: {error}", describe(partition, first_seq)))
}

/// A value's bytes are not what was written.
pub(super) fn corrupt(key: &ValueKey, error: &Corrupt) -> Error {
    Error::Corrupt(format!("{} cannot be read: {error}", key.describe()))
}

fn garbled(key: &ValueKey) -> Error {
    Error::Corrupt(format!("{} has the wrong length", key.describe()))
}
