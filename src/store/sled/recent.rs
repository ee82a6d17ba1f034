//! Which records are recent, and are the last ones of their instances. A header lies within such a
//! record; when the record is recent no more and still the last one, the header is written once
//! more, under a key of its own. So whoever opens the store reads those keys and the recent
//! records, and an instance that is busy never needs such a key. Knows neither keys nor sled.

use std::collections::VecDeque;

use crate::model::id::InstanceId;
use crate::store::index::Index;
use crate::store::ledger::Plan;
use crate::store::{Identity, Partition, Seq};

/// The recent records that were the last ones of their instances when they were written.
#[derive(Debug)]
pub(super) struct Recent {
    /// How many of the last events of a partition are recent.
    events: u64,
    /// Of each partition, in order: the first number of a record, and the slot of its instance.
    records: Vec<VecDeque<(Seq, u32)>>,
}

/// The last event of a partition that is not recent, if so many are; a record is as recent as its
/// first event.
pub(super) fn recent_after(last: Seq, events: u64) -> Seq {
    Seq(last.0.saturating_sub(events))
}

impl Recent {
    /// None, in a store in which so many of the last events of a partition are recent.
    pub(super) fn none(identity: &Identity, events: u64) -> Self {
        Self { events, records: vec![VecDeque::new(); usize::from(identity.partitions)] }
    }

    /// How many of the last events of a partition are recent.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Adds a record, which begins after all others of its partition.
    pub(super) fn add(&mut self, partition: Partition, first_seq: Seq, slot: u32) {
        self.records[usize::from(partition.0)].push_back((first_seq, slot));
    }

    /// The instances whose headers have to be written with a batch, and these headers: with it
    /// their last records are no longer recent, and it brings no newer ones.
    pub(super) fn leaving<'a>(&self, plan: &Plan, index: &'a Index) -> Vec<(InstanceId, &'a [u8])> {
        let mut leaving = Vec::new();
        for (partition, last) in &plan.last_seqs {
            let end = recent_after(*last, self.events);
            let records = self.records[usize::from(partition.0)].iter();
            for (first_seq, slot) in records.take_while(|(first_seq, _)| *first_seq <= end) {
                if index.known_at(*slot).last_record == *first_seq {
                    leaving.push(index.stored_at(*slot));
                }
            }
        }
        leaving.retain(|(instance, _)| !plan.instances.contains_key(instance));
        leaving
    }

    /// Forgets the records that are no longer recent, now that this is the last event of their
    /// partition.
    pub(super) fn forget(&mut self, partition: Partition, last: Seq) {
        let end = recent_after(last, self.events);
        let records = &mut self.records[usize::from(partition.0)];
        while records.front().is_some_and(|(first_seq, _)| *first_seq <= end) {
            records.pop_front();
        }
    }
}
