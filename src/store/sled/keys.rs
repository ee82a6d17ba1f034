//! Keys and chunks. One tree holds everything; the first byte of a key tells what it holds, the
//! last two number the chunk. Knows no sled.
//!
//! | key | holds |
//! |---|---|
//! | `s` | the marker: what the store was made with |
//! | `t` | the state: how many batches, the clock's last reading, each partition's last number |
//! | `w` number | a word |
//! | `r` partition, first number, chunk | a pack: records, with the headers of their instances |
//! | `i` partition, first number, chunk | the body that the record's instance has with it |
//! | `h` instance, NUL, chunk | the header of an instance whose last record is not recent |
//! | `d` document, NUL, chunk | a document |
//! | `b` instance, NUL, chunk | only while it is restored: the body that the backup has |
//!
//! So what a command writes is added at the end of its partition. Values at places of their own
//! cost more: sled writes the values around them anew too. A body that a later one has replaced
//! stays until a compaction.
//!
//! Numbers are big-endian, so that their order is that of the keys. A value begins with its length
//! and is cut into chunks of at most [`STORED_VALUE_BYTES_MAX`] bytes: sled puts larger values into
//! files of their own, which it does not sync.

use crate::model::id::InstanceId;
use crate::model::limits::STORED_VALUE_BYTES_MAX;
use crate::store::{Partition, Seq};

pub(super) const MARKER: &[u8] = b"s";
pub(super) const STATE: &[u8] = b"t";
pub(super) const WORDS: u8 = b'w';
pub(super) const PACKS: u8 = b'r';
pub(super) const BODIES: u8 = b'i';
pub(super) const HEADERS: u8 = b'h';
const RESTORED_BODIES: u8 = b'b';
pub(super) const DOCUMENTS: u8 = b'd';

const CHUNK_NUMBER_BYTES: usize = 2;

/// The key of a chunked value, without the number of the chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValueKey(Vec<u8>);

impl ValueKey {
    /// The key of one chunk.
    pub(super) fn chunk(&self, number: u16) -> Vec<u8> {
        [self.0.as_slice(), &number.to_be_bytes()].concat()
    }

    /// Takes the key of a chunk apart.
    pub(super) fn of_chunk(key: &[u8]) -> Option<(Self, u16)> {
        let (value_key, number) = key.split_last_chunk::<CHUNK_NUMBER_BYTES>()?;
        Some((Self(value_key.to_vec()), u16::from_be_bytes(*number)))
    }

    /// Whether this is the key of one of its chunks.
    pub(super) fn is_of(&self, key: &[u8]) -> bool {
        key.len() == self.0.len() + CHUNK_NUMBER_BYTES && key.starts_with(&self.0)
    }

    /// The key as text, for messages.
    pub(super) fn describe(&self) -> String {
        match (self.0.first(), self.place(), self.name()) {
            (Some(&PACKS), Some((partition, seq)), _) => {
                format!("the pack from event {} on of partition {}", seq.0, partition.0)
            }
            (Some(&BODIES), Some((partition, seq)), _) => {
                format!("the body with event {} of partition {}", seq.0, partition.0)
            }
            (Some(&RESTORED_BODIES), _, Some(name)) => format!("the body of instance {name}"),
            (Some(&HEADERS), _, Some(name)) => format!("the header of instance {name}"),
            (Some(&DOCUMENTS), _, Some(name)) => format!("the document {name}"),
            _ => format!("the value under {:?}", String::from_utf8_lossy(&self.0)),
        }
    }

    /// The instance or the document that the key names.
    pub(super) fn name(&self) -> Option<&str> {
        let named = self.0.get(1..)?.strip_suffix(&[0])?;
        std::str::from_utf8(named).ok()
    }

    /// The place of the first record of the pack that the key names.
    pub(super) fn as_pack(&self) -> Option<(Partition, Seq)> {
        self.place().filter(|_| self.0[0] == PACKS)
    }

    /// The place of the record with the body that the key names.
    pub(super) fn as_body(&self) -> Option<(Partition, Seq)> {
        self.place().filter(|_| self.0[0] == BODIES)
    }

    fn place(&self) -> Option<(Partition, Seq)> {
        let (_, rest) = self.0.split_first()?;
        let (partition, seq) = rest.split_first_chunk::<2>()?;
        let seq: [u8; 8] = seq.try_into().ok()?;
        Some((Partition(u16::from_be_bytes(*partition)), Seq(u64::from_be_bytes(seq))))
    }
}

/// The key of a word.
pub(super) fn word(number: u32) -> Vec<u8> {
    [&[WORDS], number.to_be_bytes().as_slice()].concat()
}

/// The beginning of the keys of a partition's packs.
pub(super) fn packs(partition: Partition) -> Vec<u8> {
    [&[PACKS], partition.0.to_be_bytes().as_slice()].concat()
}

/// The key of the pack that begins with a record.
pub(super) fn pack(partition: Partition, first_seq: Seq) -> ValueKey {
    placed(PACKS, partition, first_seq)
}

/// The key of the body that was written with a record.
pub(super) fn body(partition: Partition, first_seq: Seq) -> ValueKey {
    placed(BODIES, partition, first_seq)
}

/// The key of a body of which it is not known yet with which record it was written.
pub(super) fn restored_body(instance: &InstanceId) -> ValueKey {
    named(RESTORED_BODIES, instance.as_str())
}

fn placed(kind: u8, partition: Partition, first_seq: Seq) -> ValueKey {
    let (partition, seq) = (partition.0.to_be_bytes(), first_seq.0.to_be_bytes());
    ValueKey([&[kind], partition.as_slice(), seq.as_slice()].concat())
}

/// The key of an instance's header.
pub(super) fn header(instance: &InstanceId) -> ValueKey {
    named(HEADERS, instance.as_str())
}

/// The key of a document.
pub(super) fn document(name: &str) -> ValueKey {
    named(DOCUMENTS, name)
}

/// The NUL keeps one name from being the beginning of another, and the order of names that of keys.
fn named(kind: u8, name: &str) -> ValueKey {
    ValueKey([&[kind], name.as_bytes(), &[0]].concat())
}

/// A value as its chunks.
pub(super) fn split(content: &[u8]) -> Vec<Vec<u8>> {
    let mut framed = Vec::with_capacity(content.len() + 5);
    let length = u64::try_from(content.len()).expect("a length fits in 64 bits");
    prost::encoding::encode_varint(length, &mut framed);
    framed.extend_from_slice(content);
    if framed.len() <= STORED_VALUE_BYTES_MAX {
        return vec![framed];
    }
    framed.chunks(STORED_VALUE_BYTES_MAX).map(<[u8]>::to_vec).collect()
}

/// How many chunks a value has, by its first one; none: that is not the beginning of a value.
pub(super) fn count(first: &[u8]) -> Option<u16> {
    let mut rest = first;
    let length = prost::encoding::decode_varint(&mut rest).ok()?;
    let framed = usize::try_from(length).ok()?.checked_add(first.len() - rest.len())?;
    let count = u16::try_from(framed.div_ceil(STORED_VALUE_BYTES_MAX)).ok()?;
    (first.len() <= framed).then_some(count)
}

/// A value while its chunks are put together.
#[derive(Debug)]
pub(super) struct Assembly {
    content: Vec<u8>,
    length: usize,
    chunks: u16,
}

impl Assembly {
    /// Begins with the first chunk; none: it is not the beginning of a value.
    pub(super) fn begin(first: &[u8]) -> Option<Self> {
        let mut rest = first;
        let length = prost::encoding::decode_varint(&mut rest).ok()?;
        let length = usize::try_from(length).ok()?;
        (rest.len() <= length).then(|| Self { content: rest.to_vec(), length, chunks: 1 })
    }

    /// The number of the chunk that is missing; none: the value is whole.
    pub(super) fn next_chunk(&self) -> Option<u16> {
        (self.content.len() < self.length).then_some(self.chunks)
    }

    /// Adds the next chunk; false: it does not fit.
    #[must_use]
    pub(super) fn add(&mut self, chunk: &[u8]) -> bool {
        self.content.extend_from_slice(chunk);
        self.chunks = self.chunks.saturating_add(1);
        !chunk.is_empty() && self.content.len() <= self.length
    }

    /// The value.
    pub(super) fn finish(self) -> Vec<u8> {
        self.content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_length_come_back() {
        for length in [0, 1, 127, 128, 4093, 4094, 4095, 4096, 4097, 8190, 8191, 8192, 204_800] {
            let content = vec![7; length];
            let chunks = split(&content);
            assert!(chunks.iter().all(|chunk| chunk.len() <= STORED_VALUE_BYTES_MAX));
            assert_eq!(count(&chunks[0]).map(usize::from), Some(chunks.len()), "{length}");
            let mut assembly = Assembly::begin(&chunks[0]).expect("a beginning");
            while let Some(next) = assembly.next_chunk() {
                assert!(assembly.add(&chunks[usize::from(next)]), "{length}");
            }
            assert_eq!(assembly.finish(), content, "{length}");
        }
    }

    #[test]
    fn what_begins_no_value_has_no_chunks() {
        // No length, half a length, one that is too small and one that is too large.
        for first in [&[][..], &[0xff], &[2, 7, 7, 7], &[0xff, 0xff, 0xff, 0xff, 0x0f]] {
            assert_eq!(count(first), None, "{first:?}");
        }
    }

    #[test]
    fn keys_are_ordered_as_what_they_name() {
        let pack = |partition, seq| super::pack(Partition(partition), Seq(seq)).chunk(0);
        assert!(pack(0, 255) < pack(0, 256));
        assert!(pack(0, u64::MAX) < pack(1, 0));
        assert!(document("a").chunk(u16::MAX) < document("a/b").chunk(0));
        assert!(document("a/1").chunk(300) < document("a/10").chunk(0));
        let (key, chunk) = ValueKey::of_chunk(&pack(3, 70_000)).expect("a chunk's key");
        assert_eq!((key.as_pack(), chunk), (Some((Partition(3), Seq(70_000))), 0));
        assert_eq!(key.as_body(), None);
        assert_eq!(body(Partition(3), Seq(7)).as_body(), Some((Partition(3), Seq(7))));
    }
}
