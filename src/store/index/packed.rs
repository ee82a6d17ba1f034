//! An instance's header as the index holds it: its id, then the bytes in which it is stored. A
//! million of them are held, so they are as small as on disk and in one piece each. Knows no order.

use prost::Message as _;

use super::Known;
use crate::model::id::InstanceId;
use crate::model::instance::Header;
use crate::store::record::{Corrupt, decode_header};
use crate::store::words::Words;
use crate::store::{Seq, pb};

/// An id and a stored header.
#[derive(Debug)]
pub(super) struct Packed(Box<[u8]>);

impl Packed {
    pub(super) fn new(id: &str, header: &[u8]) -> Self {
        let length = u8::try_from(id.len()).expect("limits keep ids shorter than 256 bytes");
        let mut bytes = Vec::with_capacity(1 + id.len() + header.len());
        bytes.push(length);
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(header);
        Self(bytes.into_boxed_slice())
    }

    pub(super) fn id(&self) -> &[u8] {
        &self.0[1..=usize::from(self.0[0])]
    }

    pub(super) fn name(&self) -> InstanceId {
        InstanceId::trusted(str::from_utf8(self.id()).expect("it was packed from a text"))
    }

    pub(super) fn stored(&self) -> &[u8] {
        &self.0[1 + usize::from(self.0[0])..]
    }

    /// The stored header.
    pub(super) fn message(&self) -> pb::StoredHeader {
        pb::StoredHeader::decode(self.stored()).expect("it was read before it was packed")
    }

    /// The header.
    pub(super) fn header(&self, words: &Words) -> Result<Header, Corrupt> {
        decode_header(self.name(), self.stored(), words).map(|(header, _)| header)
    }

    /// What a commit and a load need of it.
    pub(super) fn known(&self) -> Known {
        let message = pb::StoredPlace::decode(self.stored());
        let message = message.expect("it was read before it was packed");
        Known {
            version: message.version,
            last_record: Seq(message.last_seq),
            body: (message.body_seq != 0).then_some(Seq(message.body_seq)),
        }
    }
}
