//! The index: every instance's header in memory, in the orders in which it is asked for. Derived
//! from what is stored, never stored itself. Knows no storage.
//!
//! An instance has a slot, a small number; everything else is about slots. A header is held as it
//! is stored, so that starting is reading, and a change touches only what differs.

use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use super::record::Corrupt;
use super::words::Words;
use super::{DueInstance, Order, Query, Seq, pb};
use crate::model::id::InstanceId;
use crate::model::instance::Header;
use crate::model::time::Timestamp;

mod packed;
mod postings;
mod query;
mod ranking;

use packed::Packed;
use postings::{Postings, keys_of};
pub(super) use query::Search;
use ranking::Ranking;

/// What is known of an instance without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// How many records it has.
    pub(super) version: u64,
    /// The first number of its last record.
    pub(super) last_record: Seq,
    /// The first number of the record with which its body was written; none: it has no body yet.
    pub(super) body: Option<Seq>,
}

/// A header that an instance has from now on.
#[derive(Debug)]
pub(super) struct Entry {
    /// Which instance.
    pub(super) id: InstanceId,
    /// The header.
    pub(super) message: pb::StoredHeader,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// Never due, as a rank: after everything that is.
const NEVER: i64 = i64::MAX;
/// In the order of ids, the rank of everything.
pub(super) const RANK_OF_IDS: i64 = 0;

/// All headers.
#[derive(Debug, Default)]
pub(super) struct Index {
    slots: Vec<Packed>,
    by_id: HashTable<u32>,
    hasher: RandomState,
    ids: Ranking,
    by_creation: Ranking,
    /// The timer index as well: instances by what falls due next, then all others.
    by_next_due: Ranking,
    postings: Postings,
}

impl Index {
    /// What is known of an instance.
    pub(super) fn get(&self, instance: &InstanceId) -> Option<Known> {
        self.slot_of(instance.as_str()).map(|slot| self.packed(slot).known())
    }

    /// An instance's header.
    pub(super) fn header(
        &self,
        instance: &InstanceId,
        words: &Words,
    ) -> Result<Option<Header>, Corrupt> {
        let slot = self.slot_of(instance.as_str());
        slot.map(|slot| self.packed(slot).header(words)).transpose()
    }

    /// Every instance, by id.
    pub(super) fn entries(&self) -> impl Iterator<Item = (InstanceId, Known)> {
        let slots = self.ids.after(None, self.id_of());
        slots.map(|(_, slot)| (self.packed(slot).name(), self.packed(slot).known()))
    }

    /// The slot of an instance: it stays the same for as long as the index lives.
    pub(super) fn slot(&self, instance: &InstanceId) -> Option<u32> {
        self.slot_of(instance.as_str())
    }

    /// What is known of the instance in a slot.
    pub(super) fn known_at(&self, slot: u32) -> Known {
        self.packed(slot).known()
    }

    /// The instance in a slot, and its header as it is stored.
    pub(super) fn stored_at(&self, slot: u32) -> (InstanceId, &[u8]) {
        (self.packed(slot).name(), self.packed(slot).stored())
    }

    /// How many instances there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Takes an instance's new header, and gives the one before.
    pub(super) fn put(&mut self, entry: &Entry) -> Option<pb::StoredHeader> {
        let Entry { id, message, bytes } = entry;
        let packed = Packed::new(id.as_str(), bytes);
        let Some(slot) = self.slot_of(id.as_str()) else {
            let slot = self.add(packed, message);
            let slots = &self.slots;
            let id_of = |slot: u32| slots[slot as usize].id();
            self.ids.insert((RANK_OF_IDS, slot), id_of);
            self.by_creation.insert((creation_rank(message), slot), id_of);
            self.by_next_due.insert((due_rank(message), slot), id_of);
            return None;
        };
        let before = self.packed(slot).message();
        self.slots[slot as usize] = packed;
        self.postings.change(slot, &keys_of(&before), &keys_of(message));
        let slots = &self.slots;
        let id_of = |slot: u32| slots[slot as usize].id();
        let change = |ranking: &mut Ranking, from: i64, to: i64| {
            if from != to {
                ranking.remove((from, slot), id_of);
                ranking.insert((to, slot), id_of);
            }
        };
        change(&mut self.by_creation, creation_rank(&before), creation_rank(message));
        change(&mut self.by_next_due, due_rank(&before), due_rank(message));
        Some(before)
    }

    /// An index of instances in the order of their ids: faster than taking one after the other.
    pub(super) fn collect<E>(
        entries: impl Iterator<Item = Result<Entry, E>>,
        taken: &mut dyn FnMut(usize, &pb::StoredHeader),
    ) -> Result<Self, E> {
        let mut index = Self::default();
        let (mut created, mut due) = (Vec::new(), Vec::new());
        for entry in entries {
            let Entry { id, message, bytes } = entry?;
            let slot = index.add(Packed::new(id.as_str(), &bytes), &message);
            created.push((creation_rank(&message), slot));
            due.push((due_rank(&message), slot));
            taken(index.len(), &message);
        }
        index.slots.shrink_to_fit();
        index.ids = Ranking::of(created.iter().map(|(_, slot)| (RANK_OF_IDS, *slot)).collect());
        index.by_creation = Ranking::of(created);
        index.by_next_due = Ranking::of(due);
        Ok(index)
    }

    /// Instances that fell due strictly before `now`, in that order.
    pub(super) fn due(&self, now: Timestamp, limit: usize) -> Vec<DueInstance> {
        self.by_next_due
            .after(None, self.id_of())
            .take_while(|(due, _)| *due < now.0)
            .take(limit)
            .map(|(due, slot)| DueInstance {
                next_due: Timestamp(due),
                instance: self.packed(slot).name(),
            })
            .collect()
    }

    /// The earliest `next_due` of all.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let (due, _) = self.by_next_due.first()?;
        (due != NEVER).then_some(Timestamp(due))
    }

    /// A new slot, which stands in no order yet.
    fn add(&mut self, packed: Packed, message: &pb::StoredHeader) -> u32 {
        let slot = u32::try_from(self.slots.len()).expect("fewer instances than 32 bits count");
        let (slots, hasher) = (&self.slots, &self.hasher);
        let hash_of = |slot: &u32| hasher.hash_one(slots[*slot as usize].id());
        self.by_id.insert_unique(self.hasher.hash_one(packed.id()), slot, hash_of);
        self.postings.list(slot, &keys_of(message));
        self.slots.push(packed);
        slot
    }

    fn slot_of(&self, id: &str) -> Option<u32> {
        let is_it = |slot: &u32| self.packed(*slot).id() == id.as_bytes();
        self.by_id.find(self.hasher.hash_one(id.as_bytes()), is_it).copied()
    }

    fn packed(&self, slot: u32) -> &Packed {
        &self.slots[slot as usize]
    }

    fn id_of<'a>(&'a self) -> impl Fn(u32) -> &'a [u8] {
        |slot| self.packed(slot).id()
    }
}

/// Where an instance with this header stands in an order.
pub(super) fn rank_of(order: Order, header: &Header) -> i64 {
    match order {
        Order::Id => RANK_OF_IDS,
        Order::CreatedDescending => header.created_at.0.saturating_neg(),
        Order::NextDue => header.next_due.map_or(NEVER, |due| due.0),
    }
}

/// The latest first.
fn creation_rank(message: &pb::StoredHeader) -> i64 {
    message.created_at.saturating_neg()
}

/// One that is over may still be due: it has something to tell others until they know it.
fn due_rank(message: &pb::StoredHeader) -> i64 {
    message.next_due.unwrap_or(NEVER)
}
