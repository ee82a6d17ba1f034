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

    /// At most `limit` records before the one with which it begins, latest first.
    pub(super) fn earlier(mut self, limit: usize) -> Result<Vec<Numbered>, Error> {
        self.next().transpose()?;
        self.take(limit).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::actor::Actor;
    use crate::model::id::WorkflowId;
    use crate::model::record::Stamp;
    use crate::model::time::Timestamp;

    fn record(instance: &InstanceId, seq: u64) -> ChainedRecord {
        let stamp = Stamp {
            instance: instance.clone(),
            workflow: WorkflowId::trusted("errand"),
            workflow_version: 1,
            version: seq,
            revision: seq,
        };
        let record = Record {
            stamp: Some(stamp),
            time: Timestamp(0),
            actor: Actor::System,
            request: None,
            events: Vec::new(),
        };
        ChainedRecord { record, previous: (seq > 1).then(|| Seq(seq - 1)) }
    }

    /// A page that began with the newest record would read all later ones once more.
    #[test]
    fn pages_of_a_long_chain_read_each_record_about_once() {
        const RECORDS: u64 = 1000;
        const PAGE: usize = 10;
        let (id, mut fetched, mut found) = (InstanceId::trusted("p"), 0, 1);
        let mut oldest = Seq(RECORDS);
        loop {
            let fetch = |_, Seq(seq): Seq| {
                fetched += 1;
                Ok(record(&id, seq))
            };
            let page = Chain::new(&id, Partition(0), oldest, fetch).earlier(PAGE).expect("whole");
            let Some(last) = page.last() else { break };
            assert!(page.iter().all(|it| it.first_seq < oldest));
            (oldest, found) = (last.first_seq, found + page.len() as u64);
        }
        assert_eq!((oldest, found), (Seq(1), RECORDS));
        assert!(fetched <= RECORDS + RECORDS / PAGE as u64 + 2, "{fetched}");
    }
}
