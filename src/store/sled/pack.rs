//! Packs: the records that a batch adds to a partition, in one value where they fit. What sled does
//! for a key costs more than what it does for a record's bytes, so a busy store has few keys; see
//! `docs/performance.md`. Knows what a record is numbered, not what it says.
//!
//! Of each record a pack has its number of events, its length and its bytes. The first record has
//! the number that the pack's key names; each further one follows on the events before it.

use std::collections::BTreeMap;

use super::keys::{self, ValueKey};
use crate::model::limits;
use crate::store::{Partition, Seq};

/// Bytes of a pack, unless a single record has more: one chunk, with room for the lengths.
const PACK_BYTES_MAX: usize = limits::STORED_VALUE_BYTES_MAX - 32;

/// Packs that are being filled, one of each partition.
#[derive(Debug, Default)]
pub(super) struct Packing {
    open: BTreeMap<Partition, (Seq, Vec<u8>)>,
}

/// A record within a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackedRecord<'a> {
    /// The number of its first event.
    pub(super) first_seq: Seq,
    /// How many events it holds.
    pub(super) events: u64,
    /// Its bytes.
    pub(super) record: &'a [u8],
}

impl PackedRecord<'_> {
    /// The number of its last event.
    pub(super) fn last_seq(&self) -> Seq {
        Seq((self.first_seq.0 + self.events).saturating_sub(1))
    }
}

impl Packing {
    /// Adds the next record of a partition. Gives the pack that has no room for it.
    pub(super) fn add(
        &mut self,
        partition: Partition,
        record: PackedRecord<'_>,
    ) -> Option<(ValueKey, Vec<u8>)> {
        let (first_seq, content) =
            self.open.entry(partition).or_insert_with(|| (record.first_seq, Vec::new()));
        let is_full = !content.is_empty() && content.len() + record.record.len() > PACK_BYTES_MAX;
        let full = is_full.then(|| {
            let full = std::mem::take(content);
            let key = keys::pack(partition, std::mem::replace(first_seq, record.first_seq));
            (key, full)
        });
        prost::encoding::encode_varint(record.events, content);
        prost::encoding::encode_varint(record.record.len() as u64, content);
        content.extend_from_slice(record.record);
        full
    }

    /// The packs that are left.
    pub(super) fn finish(self) -> impl Iterator<Item = (ValueKey, Vec<u8>)> {
        let key = |(partition, (first_seq, content))| (keys::pack(partition, first_seq), content);
        self.open.into_iter().map(key)
    }
}

/// The records of a pack, in their order; one that cannot be told from what follows it is none, and
/// the last.
pub(super) fn records(
    first_seq: Seq,
    content: &[u8],
) -> impl Iterator<Item = Option<PackedRecord<'_>>> {
    let (mut next, mut rest) = (first_seq, content);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let packed = take(next, &mut rest);
        match packed {
            Some(packed) => next = Seq(next.0 + packed.events),
            None => rest = &[],
        }
        Some(packed)
    })
}

fn take<'a>(first_seq: Seq, rest: &mut &'a [u8]) -> Option<PackedRecord<'a>> {
    let events = prost::encoding::decode_varint(rest).ok()?;
    let length = prost::encoding::decode_varint(rest).ok()?;
    let record = rest.split_off(..usize::try_from(length).ok()?)?;
    first_seq.0.checked_add(events)?;
    Some(PackedRecord { first_seq, events, record })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(first_seq: u64, events: u64, record: &[u8]) -> PackedRecord<'_> {
        PackedRecord { first_seq: Seq(first_seq), events, record }
    }

    #[test]
    fn records_come_back_from_the_packs_of_their_partitions() {
        let (large, one) = (vec![1; PACK_BYTES_MAX - 100], Partition(1));
        let mut packing = Packing::default();
        assert_eq!(packing.add(one, packed(5, 3, b"first")), None);
        assert_eq!(packing.add(Partition(0), packed(9, 1, b"elsewhere")), None);
        assert_eq!(packing.add(one, packed(8, 1, &[])), None);
        assert_eq!(packing.add(one, packed(9, 2, &large)), None);
        let (key, full) = packing.add(one, packed(11, 1, &large)).expect("no room for both");
        assert_eq!(key, keys::pack(one, Seq(5)));
        let found: Vec<_> = records(Seq(5), &full).map(Option::unwrap).collect();
        assert_eq!(found, [packed(5, 3, b"first"), packed(8, 1, &[]), packed(9, 2, &large)]);
        assert_eq!(found[0].last_seq(), Seq(7));
        let rest: Vec<_> = packing.finish().collect();
        let keys: Vec<_> = rest.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys, [keys::pack(Partition(0), Seq(9)), keys::pack(one, Seq(11))]);
        let left = records(Seq(11), &rest[1].1).next().flatten().expect("a record");
        assert_eq!(left, packed(11, 1, &large));
    }

    #[test]
    fn a_pack_that_breaks_off_tells_so_at_its_end() {
        let mut packing = Packing::default();
        packing.add(Partition(0), packed(1, 1, b"whole"));
        packing.add(Partition(0), packed(2, 1, b"cut off"));
        let (_, mut content) = packing.finish().next().expect("a pack");
        content.pop();
        let found: Vec<_> = records(Seq(1), &content).collect();
        assert_eq!(found, [Some(packed(1, 1, b"whole")), None]);
    }
}
