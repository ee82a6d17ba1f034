//! From a planned batch to the changes of keys that make it. Reads where a document's old chunks
//! have to go; writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::disk::{Disk, Staged};
use super::keys;
use super::state::State;
use crate::model::instance::Instance;
use crate::store::index::{Entry, Known};
use crate::store::ledger::{Ledger, Outcome, Plan};
use crate::store::record::{encode_instance, encode_record};
use crate::store::words::Draft;
use crate::store::{Batch, Error};

/// A batch as changes of keys.
pub(super) struct Prepared {
    /// The changes.
    pub(super) staged: Staged,
    /// The header of each instance of the plan.
    pub(super) entries: Vec<Entry>,
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
    let mut entries = Vec::with_capacity(plan.instances.len());
    for (instance, outcome) in &plan.instances {
        let before = ledger.index.get(instance);
        entries.push(stage_instance(&mut staged, &mut words, plan, batch, *outcome, before));
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
    Ok(Prepared { staged, entries, words })
}

fn stage_instance(
    staged: &mut Staged,
    words: &mut Draft<'_>,
    plan: &Plan,
    batch: &Batch,
    outcome: Outcome,
    before: Option<Known>,
) -> Entry {
    let chunks_before = before.map_or(0, |known| known.body_chunks);
    let body = outcome.body.and_then(|index| batch.writes[index].body.as_ref());
    let body_chunks = body.map_or(chunks_before, |body| put_body(staged, body, chunks_before));
    let entry = plan.entry(batch, outcome, body_chunks, words);
    put_header(staged, &entry, before.map_or(0, |known| keys::chunks_of(known.header_bytes)));
    entry
}

/// Puts a body that had `before` chunks, and gives its number of chunks.
pub(super) fn put_body(staged: &mut Staged, body: &Instance, before: u16) -> u16 {
    staged.put(&keys::body(&body.id), &encode_instance(body), before)
}

/// Puts a header that had `before` chunks. Its words must be put with it.
pub(super) fn put_header(staged: &mut Staged, entry: &Entry, before: u16) {
    staged.put(&keys::header(&entry.id), &entry.bytes, before);
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
