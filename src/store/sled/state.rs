//! How far a store is, as one small value that is written with every batch: one key of a batch
//! instead of one for each partition. Knows no batch.

use prost::Message as _;

use crate::model::time::Timestamp;
use crate::store::record::{FORMAT, format_of};
use crate::store::{Error, Identity, Seq, pb};

/// How far a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// How many batches were ever written.
    pub(super) batches: u64,
    /// The clock's last reading.
    pub(super) clock: Option<Timestamp>,
    /// The last number of each partition.
    pub(super) last_seqs: Vec<Seq>,
    /// How many words there are.
    pub(super) words: u32,
    /// How many of the last events of a partition are recent.
    pub(super) recent_events: u64,
}

impl State {
    /// That of a store to which nothing was written yet.
    pub(super) fn empty(identity: &Identity) -> Self {
        let last_seqs = vec![Seq(0); usize::from(identity.partitions)];
        Self { batches: 0, clock: None, last_seqs, words: 0, recent_events: 0 }
    }

    /// Its bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let message = pb::StoreState {
            format: FORMAT,
            batches: self.batches,
            clock: self.clock.map(|reading| reading.0),
            last_seqs: self.last_seqs.iter().map(|seq| seq.0).collect(),
            words: self.words,
            recent_events: self.recent_events,
        };
        message.encode_to_vec()
    }

    /// A state from its bytes.
    pub(super) fn decode(bytes: &[u8], identity: &Identity) -> Result<Self, Error> {
        let unreadable = |what: &str| Error::Corrupt(format!("the state of the store {what}"));
        if format_of(bytes) != FORMAT {
            return Err(unreadable("has a format that is not known"));
        }
        let message = pb::StoreState::decode(bytes).map_err(|_| unreadable("cannot be read"))?;
        if message.last_seqs.len() != usize::from(identity.partitions) {
            return Err(unreadable("counts other partitions"));
        }
        Ok(Self {
            batches: message.batches,
            clock: message.clock.map(Timestamp),
            last_seqs: message.last_seqs.into_iter().map(Seq).collect(),
            words: message.words,
            recent_events: message.recent_events,
        })
    }
}
