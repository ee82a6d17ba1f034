//! From a planned batch to the changes of keys that make it. Reads where a document's or a header's
//! old chunks have to go; writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::disk::{Disk, Staged};
use super::keys;
use super::pack::{PackedRecord, Packing};
use super::recent::{Recent, recent_after};
use super::state::State;
use crate::model::id::InstanceId;
use crate::store::index::Entry;
use crate::store::ledger::{Ledger, Outcome, Plan};
use crate::store::record::{encode_instance, encode_record, encode_record_with};
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
    recent: &Recent,
    plan: &Plan,
    batch: &Batch,
    batches: u64,
) -> Result<Prepared, Error> {
    let mut staged = Staged::default();
    let mut words = Draft::of(&ledger.words);
    let mut entries = Vec::with_capacity(plan.instances.len());
    let mut headers: Vec<Option<usize>> = vec![None; batch.writes.len()];
    for (instance, outcome) in &plan.instances {
        let before = ledger.index.get(instance);
        headers[outcome.last] = Some(entries.len());
        entries.push(plan.entry(batch, *outcome, before, &mut words));
    }
    let mut packing = Packing::default();
    for ((write, place), header) in batch.writes.iter().zip(&plan.places).zip(headers) {
        let record = match header {
            Some(at) => {
                let header = &entries[at].bytes;
                encode_record_with(&write.record, place.previous, header, &mut words)
            }
            None => encode_record(&write.record, place.previous, &mut words),
        };
        let events = write.record.events.len() as u64;
        let packed = PackedRecord { first_seq: place.first_seq, events, record: &record };
        if let Some((key, full)) = packing.add(write.partition, packed) {
            staged.put(&key, &full, 0);
        }
    }
    for (key, pack) in packing.finish() {
        staged.put(&key, &pack, 0);
    }
    stage_bodies(&mut staged, plan, batch, &mut words);
    for (instance, header) in recent.leaving(plan, &ledger.index) {
        stage_header(&mut staged, disk, &instance, header)?;
    }
    for (outcome, entry) in plan.instances.values().zip(&entries) {
        if is_behind(recent, plan, batch, *outcome) {
            stage_header(&mut staged, disk, &entry.id, &entry.bytes)?;
        }
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
            recent_events: recent.events(),
        },
    );
    stage_documents(&mut staged, disk, batch)?;
    Ok(Prepared { staged, entries, words })
}

fn stage_bodies(staged: &mut Staged, plan: &Plan, batch: &Batch, words: &mut Draft<'_>) {
    for index in plan.instances.values().filter_map(|outcome| outcome.body) {
        let write = &batch.writes[index];
        if let Some(body) = &write.body {
            let key = keys::body(write.partition, plan.places[index].first_seq);
            staged.put(&key, &encode_instance(body, words), 0);
        }
    }
}

/// Whether a batch is so large that the record is not recent when it is written.
fn is_behind(recent: &Recent, plan: &Plan, batch: &Batch, outcome: Outcome) -> bool {
    let last = plan.last_seqs[&batch.writes[outcome.last].partition];
    plan.places[outcome.last].first_seq <= recent_after(last, recent.events())
}

fn stage_header(
    staged: &mut Staged,
    disk: &Disk,
    instance: &InstanceId,
    header: &[u8],
) -> Result<(), Error> {
    let key = keys::header(instance);
    let before = disk.chunks(&key)?;
    staged.put(&key, header, before);
    Ok(())
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
