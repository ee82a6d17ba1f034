//! The chain of an instance's records, latest first: each names the one before. Knows no storage:
//! it asks for one record after the other.

use super::record::ChainedRecord;
use super::{Error, Numbered, Partition, Seq};
use crate::model::event::Record;
use crate::model::id::InstanceId;

/// The records of one instance, latest first, from `last` on.
pub(super) struct Chain<'a, F> {
    instance: &'a InstanceId,
    partition: Partition,
    next: Option<Seq>,
    fetch: F,
}

impl<'a, F: FnMut(Partition, Seq) -> Result<ChainedRecord, Error>> Chain<'a, F> {
    /// Begins with the instance's last record.
    pub(super) fn new(instance: &'a InstanceId, partition: Partition, last: Seq, fetch: F) -> Self {
        Self { instance, partition, next: Some(last), fetch }
    }

    /// The records with a version above `version`, oldest first.
    pub(super) fn above(self, version: u64) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        for numbered in self {
            let record = numbered?.record;
            if version_of(&record) <= version {
                break;
            }
            let reached = version_of(&record) == version + 1;
            records.push(record);
            if reached {
                break;
            }
        }
        records.reverse();
        Ok(records)
    }

    /// At most `limit` records with a version below `before`, latest first.
    pub(super) fn below(self, before: Option<u64>, limit: usize) -> Result<Vec<Numbered>, Error> {
        let wanted =
            |numbered: &Numbered| before.is_none_or(|before| version_of(&numbered.record) < before);
        self.filter(|numbered| numbered.as_ref().map_or(true, wanted)).take(limit).collect()
    }

    fn step(&mut self, seq: Seq) -> Result<Numbered, Error> {
        let broken = |what: &str| {
            Error::Corrupt(format!(
                "the chain of instance {} is broken at event {} of partition {}: {what}",
                self.instance, seq.0, self.partition.0
            ))
        };
        let ChainedRecord { record, previous } = (self.fetch)(self.partition, seq)?;
        if record.stamp.as_ref().is_none_or(|stamp| stamp.instance != *self.instance) {
            return Err(broken("the record belongs to another instance"));
        }
        if previous.is_some_and(|previous| previous >= seq) {
            return Err(broken("the record before it is not before it"));
        }
        if previous.is_none() != (version_of(&record) == 1) {
            return Err(broken("its beginning is missing"));
        }
        self.next = previous;
        Ok(Numbered { partition: self.partition, first_seq: seq, record })
    }
}

impl<F: FnMut(Partition, Seq) -> Result<ChainedRecord, Error>> Iterator for Chain<'_, F> {
    type Item = Result<Numbered, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let seq = self.next.take()?;
        Some(self.step(seq))
    }
}

/// The version of an instance with this record.
pub(super) fn version_of(record: &Record) -> u64 {
    record.stamp.as_ref().map_or(0, |stamp| stamp.version)
}
