//! Records, headers and bodies in the form in which they are kept: from the model and back.
//!
//! Writing is total. Reading takes nothing for granted and answers [`Corrupt`], which says what is
//! wrong where. Each type of the model has exactly one form; the macros below write the conversions
//! whose fields have the same names on both sides: a field forgotten on either side does not
//! compile. Names that definitions and the organization give are kept as words, but for those in
//! documents. Knows nothing of keys, chunks or files.

use std::fmt;
use std::sync::LazyLock;

use prost::Message;
use prost::encoding::WireType;

use self::wire::Wire;
use super::words::{Draft, Words};
use super::{Seq, Whereabouts, pb};
use crate::model::event::Record;
use crate::model::hand_over::HandOver;
use crate::model::id::InstanceId;
use crate::model::instance::{Header, Instance};
use crate::model::roster::Roster;

#[macro_use]
mod convert;

mod clock;
mod event;
mod header;
mod instance;
mod link;
mod names;
mod organization;
mod task;
mod value;
mod wire;

pub(super) use header::{asks_otherwise, stored_field, stored_light, stored_status};

/// The format in which this program writes. A reader refuses a higher one.
pub const FORMAT: u32 = 1;

/// Why stored bytes cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrupt(String);

impl Corrupt {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// The same, found within a larger thing.
    fn within(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Corrupt {}

/// A record as it is kept: with the place of the same instance's record before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainedRecord {
    /// The record.
    pub record: Record,
    /// The number of the first event of the previous record of its instance.
    pub previous: Option<Seq>,
}

/// The bytes of a record. `previous` is the first number of its instance's previous record.
pub fn encode_record(record: &Record, previous: Option<Seq>, words: &mut Draft<'_>) -> Vec<u8> {
    event::record_to_message(record, previous, words).encode_to_vec()
}

/// The same with the header that its instance has with it, as [`encode_header`] gives it.
pub fn encode_record_with(
    record: &Record,
    previous: Option<Seq>,
    header: &[u8],
    words: &mut Draft<'_>,
) -> Vec<u8> {
    const HEADER: u32 = 8;
    let mut bytes = encode_record(record, previous, words);
    prost::encoding::encode_key(HEADER, WireType::LengthDelimited, &mut bytes);
    prost::encoding::encode_varint(header.len() as u64, &mut bytes);
    bytes.extend_from_slice(header);
    bytes
}

/// What is known by a record without reading what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordEnd {
    /// The instance.
    pub instance: InstanceId,
    /// The instance's version with it.
    pub version: u64,
    /// The bytes of the instance's header with it; none: it stands elsewhere.
    pub header: Option<Vec<u8>>,
}

/// The end of a record from its bytes; none: it belongs to no instance.
pub fn decode_record_end(bytes: &[u8]) -> Result<Option<RecordEnd>, Corrupt> {
    let message: pb::RecordEnd = decode(bytes, "a record")?;
    Ok(message.stamp.map(|stamp| RecordEnd {
        instance: InstanceId::trusted(&stamp.instance),
        version: stamp.version,
        header: Some(message.header).filter(|header| !header.is_empty()),
    }))
}

/// A record from its bytes.
pub fn decode_record(bytes: &[u8], words: &Words) -> Result<ChainedRecord, Corrupt> {
    read(bytes, "a record", |content| event::read_record(content, words))
}

/// The bytes of a header, under a key that names the instance.
pub fn encode_header(header: &Header, rest: Whereabouts, words: &mut Draft<'_>) -> Vec<u8> {
    header::header_to_message(header, rest, words).encode_to_vec()
}

/// The header of an instance from its bytes.
pub fn decode_header(
    id: InstanceId,
    bytes: &[u8],
    words: &Words,
) -> Result<(Header, Whereabouts), Corrupt> {
    read(bytes, "a header", |content| header::read_header(id, content, words))
}

/// The bytes of an instance: all that is needed to read it again, but for the words.
pub fn encode_instance(instance: &Instance, words: &mut Draft<'_>) -> Vec<u8> {
    instance::instance_to_message(instance, words).encode_to_vec()
}

/// An instance from its bytes.
pub fn decode_instance(bytes: &[u8], words: &Words) -> Result<Instance, Corrupt> {
    read(bytes, "an instance", |content| instance::read_instance(content, words))
}

/// The bytes of a roster.
pub fn encode_roster(roster: &Roster) -> Vec<u8> {
    without_words(|words| organization::roster_to_message(roster, words)).encode_to_vec()
}

/// A roster from its bytes.
pub fn decode_roster(bytes: &[u8]) -> Result<Roster, Corrupt> {
    read(bytes, "a roster", |content| organization::read_roster(content, &NO_WORDS))
}

/// The bytes of a hand-over.
pub fn encode_hand_over(hand_over: &HandOver) -> Vec<u8> {
    without_words(|words| organization::hand_over_to_message(hand_over, words)).encode_to_vec()
}

/// A hand-over from its bytes.
pub fn decode_hand_over(bytes: &[u8]) -> Result<HandOver, Corrupt> {
    read(bytes, "a hand-over", |content| organization::read_hand_over(content, &NO_WORDS))
}

/// The first field about which a header and a body of the same version differ.
pub fn disagreement(header: &Header, body: &Instance) -> Option<&'static str> {
    instance::disagreement(header, body)
}

/// For what holds no words: documents are read without any.
static NO_WORDS: LazyLock<Words> = LazyLock::new(Words::default);

fn without_words<M>(form: impl FnOnce(&mut Draft<'_>) -> M) -> M {
    let mut words = Draft::of(&NO_WORDS);
    let message = form(&mut words);
    assert!(words.added().is_empty(), "nobody could read the words of a document");
    message
}

/// Reads stored bytes into the model.
fn read<T>(
    bytes: &[u8],
    what: &str,
    model: impl FnOnce(Wire<'_>) -> Result<T, Corrupt>,
) -> Result<T, Corrupt> {
    check_format(format_of(bytes), what)?;
    model(Wire::Bytes(bytes)).map_err(|corrupt| corrupt.within(what))
}

/// The message of stored bytes, for what needs no more than that.
fn decode<M: Message + Default>(bytes: &[u8], what: &str) -> Result<M, Corrupt> {
    // A newer format may not even decode: then the reason is the format, not the damage.
    check_format(format_of(bytes), what)?;
    M::decode(bytes).map_err(|error| Corrupt::new(format!("{what} does not decode: {error}")))
}

/// The format of stored bytes; 0: they do not begin with one. It is the first field of every
/// stored message and is read by hand, because the rest may be of a format that is not known.
pub(super) fn format_of(mut bytes: &[u8]) -> u32 {
    const TAG_OF_FORMAT: u8 = 0x08;
    match bytes.split_off_first() {
        Some(&TAG_OF_FORMAT) => prost::encoding::decode_varint(&mut bytes)
            .ok()
            .and_then(|format| u32::try_from(format).ok())
            .unwrap_or(0),
        Some(_) | None => 0,
    }
}

fn check_format(format: u32, what: &str) -> Result<(), Corrupt> {
    match format {
        0 => Err(Corrupt::new(format!("{what} has no format number"))),
        1..=FORMAT => Ok(()),
        newer => Err(Corrupt::new(format!(
            "{what} has format {newer}, and this program reads up to {FORMAT}: a newer sanbang \
             wrote it; start that one again, or restore the backup made before the upgrade"
        ))),
    }
}
