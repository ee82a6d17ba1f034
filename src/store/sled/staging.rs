//! From a planned batch to the changes of keys that make it. Reads where a document's old chunks
//! have to go; writes nothing.

use std::collections::BTreeMap;

use super::disk::{Disk, Staged};
use super::keys;
use crate::model::id::InstanceId;
use crate::store::index::Kept;
use crate::store::ledger::{Ledger, Outcome, Plan};
use crate::store::record::{encode_header, encode_instance, encode_record};
use crate::store::{Batch, Error};

/// The changes, and how each instance of the plan will lie in the storage.
pub(super) fn stage(
    disk: &Disk,
    ledger: &Ledger,
    plan: &Plan,
    batch: &Batch,
) -> Result<(Staged, Vec<Kept>), Error> {
    let mut staged = Staged::default();
    for (write, place) in batch.writes.iter().zip(&plan.places) {
        let key = keys::record(write.partition, place.first_seq);
        staged.put(&key, &encode_record(&write.record, place.previous), 0);
    }
    for (partition, last) in &plan.last_seqs {
        staged.set(&keys::counter(*partition), &last.0.to_be_bytes());
    }
    if let Some(reading) = plan.clock {
        staged.set(keys::CLOCK, &reading.0.to_be_bytes());
    }
    let mut kept = Vec::with_capacity(plan.instances.len());
    for (instance, outcome) in &plan.instances {
        let before = ledger.index.get(instance).map(|entry| entry.kept).unwrap_or_default();
        kept.push(stage_instance(&mut staged, plan, batch, instance, *outcome, before));
    }
    stage_documents(&mut staged, disk, batch)?;
    Ok((staged, kept))
}

/// Header and body under one key where a body is due; a header that is newer under its own.
fn stage_instance(
    staged: &mut Staged,
    plan: &Plan,
    batch: &Batch,
    instance: &InstanceId,
    outcome: Outcome,
    before: Kept,
) -> Kept {
    let mut kept = before;
    if let Some(index) = outcome.body {
        let write = &batch.writes[index];
        let header = write.header.as_ref().expect("the plan refuses a body without a header");
        let body = write.body.as_ref().expect("the plan names a write with a body");
        let bytes = encode_instance(header, body, plan.places[index].first_seq);
        kept.body_chunks = staged.put(&keys::body(instance), &bytes, before.body_chunks);
    }
    if outcome.body == Some(outcome.last) {
        staged.cut(&keys::header(instance), 0, before.header_chunks);
        kept.header_chunks = 0;
    } else {
        let header = batch.writes[outcome.last].header.as_ref();
        let header = header.expect("the plan refuses an instance's record without a header");
        let bytes = encode_header(header, plan.places[outcome.last].first_seq);
        kept.header_chunks = staged.put(&keys::header(instance), &bytes, before.header_chunks);
    }
    kept
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
