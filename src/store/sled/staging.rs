//! From a planned batch to the changes of keys that make it. Reads where a document's old chunks
//! have to go; writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::disk::{Disk, Staged};
use super::keys;
use super::state::State;
use crate::model::instance::{Header, Instance};
use crate::store::index::Kept;
use crate::store::ledger::{Ledger, Outcome, Plan};
use crate::store::record::{encode_header, encode_instance, encode_record};
use crate::store::words::Draft;
use crate::store::{Batch, Error, Whereabouts};

/// A batch as changes of keys.
pub(super) struct Prepared {
    /// The changes.
    pub(super) staged: Staged,
    /// How each instance of the plan will lie in the storage.
    pub(super) kept: Vec<Kept>,
    /// The words that become known with it.
    pub(super) words: Vec<Arc<str>>,
}

/// The changes that make a batch, the `batches`-th of the store.
pub(super) fn stage(
    disk: &Disk,
    ledger: &Ledger,
    plan: &Plan,
    batch: &Batch,
    batches: u64,
) -> Result<Prepared, Error> {
    let mut staged = Staged::default();
    for (write, place) in batch.writes.iter().zip(&plan.places) {
        let key = keys::record(write.partition, place.first_seq);
        staged.put(&key, &encode_record(&write.record, place.previous), 0);
    }
    let mut words = Draft::of(&ledger.words);
    let mut kept = Vec::with_capacity(plan.instances.len());
    for (instance, outcome) in &plan.instances {
        let before = ledger.index.get(instance).map(|entry| entry.kept).unwrap_or_default();
        kept.push(stage_instance(&mut staged, &mut words, plan, batch, *outcome, before));
    }
    let words = words.added();
    put_words(&mut staged, ledger.words.count(), &words);
    let mut last_seqs = ledger.last_seqs.clone();
    for (partition, last) in &plan.last_seqs {
        last_seqs[usize::from(partition.0)] = *last;
    }
    let count = u32::try_from(words.len()).expect("a batch adds few words");
    put_state(
        &mut staged,
        &State {
            batches,
            clock: plan.clock.or(ledger.clock),
            last_seqs,
            words: ledger.words.count() + count,
        },
    );
    stage_documents(&mut staged, disk, batch)?;
    Ok(Prepared { staged, kept, words })
}

fn stage_instance(
    staged: &mut Staged,
    words: &mut Draft<'_>,
    plan: &Plan,
    batch: &Batch,
    outcome: Outcome,
    before: Kept,
) -> Kept {
    let mut kept = before;
    if let Some(body) = outcome.body.and_then(|index| batch.writes[index].body.as_ref()) {
        kept.body_chunks = put_body(staged, body, before.body_chunks);
    }
    let header = batch.writes[outcome.last].header.as_ref();
    let header = header.expect("the plan refuses an instance's record without a header");
    let last_record = plan.places[outcome.last].first_seq;
    let rest = Whereabouts { last_record, body_chunks: kept.body_chunks };
    kept.header_chunks = put_header(staged, words, header, rest, before.header_chunks);
    kept
}

/// Puts a body that had `before` chunks, and gives its number of chunks.
pub(super) fn put_body(staged: &mut Staged, body: &Instance, before: u16) -> u16 {
    staged.put(&keys::body(&body.id), &encode_instance(body), before)
}

/// Puts a header that had `before` chunks, and gives its number of chunks. Its words must be put
/// with it.
pub(super) fn put_header(
    staged: &mut Staged,
    words: &mut Draft<'_>,
    header: &Header,
    rest: Whereabouts,
    before: u16,
) -> u16 {
    staged.put(&keys::header(&header.id), &encode_header(header, rest, words), before)
}

/// Puts the words that follow the first `known` ones.
pub(super) fn put_words(staged: &mut Staged, known: u32, added: &[Arc<str>]) {
    for (number, word) in (known + 1..).zip(added) {
        staged.set(&keys::word(number), word.as_bytes());
    }
}

/// Puts how far the store is.
pub(super) fn put_state(staged: &mut Staged, state: &State) {
    staged.set(keys::STATE, &state.encode());
}

fn stage_documents(staged: &mut Staged, disk: &Disk, batch: &Batch) -> Result<(), Error> {
    // The last word on each document counts.
    let last: BTreeMap<&str, Option<&Vec<u8>>> = batch
        .documents
        .iter()
        .map(|document| (document.key.as_str(), document.content.as_ref()))
        .collect();
    for (name, content) in last {
        let key = keys::document(name);
        let before = disk.chunks(&key)?;
        match content {
            Some(content) => {
                staged.put(&key, content, before);
            }
            None => staged.cut(&key, 0, before),
        }
    }
    Ok(())
}
