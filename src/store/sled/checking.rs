//! Reading everything that is stored, to see whether it holds together: numbers dense, chains
//! whole, every instance ending with its records, bodies and documents readable. Goes on after what
//! it finds, so that all of it is told. Repairs nothing; what a record means it does not know.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::disk::{Disk, Value, corrupt, describe, unreadable};
use super::keys::{self, BODIES, DOCUMENTS, HEADERS};
use super::pack::PackedRecord;
use super::survey::partitions;
use crate::model::id::InstanceId;
use crate::store::chain::version_of;
use crate::store::index::{Entry, Known};
use crate::store::ledger::Ledger;
use crate::store::record::{ChainedRecord, decode_instance, decode_record, decode_record_end};
use crate::store::{Error, Identity, Partition, Progress, Seq};

/// Findings that are told; a store with more is not mended by hand.
const FINDINGS_MAX: usize = 100;
/// Values after which progress is told.
const PROGRESS_VALUES: u64 = 4096;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verified {
    /// Instances.
    pub instances: u64,
    /// Records.
    pub records: u64,
    /// Events in them.
    pub events: u64,
    /// Documents.
    pub documents: u64,
}

/// What was read, and what does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// What was read.
    pub read: Verified,
    /// What was found, a sentence each; empty: everything holds together. At most a hundred.
    pub findings: Vec<String>,
}

/// sled did not come to an end.
pub(super) const PANICKED: &str = "sled panicked while it read its files";

/// Reads everything. The ledger must be that of this store.
pub(super) fn check(
    disk: &Disk,
    identity: &Identity,
    ledger: &Ledger,
    progress: &mut dyn FnMut(Progress),
) -> Checked {
    let checked = Checked::default();
    let mut checking =
        Checking { disk, identity, ledger, progress, checked, chains: HashMap::new() };
    // Damaged files can make sled panic instead of answering an error: what was found is kept.
    if catch_unwind(AssertUnwindSafe(|| checking.everything())).is_err() {
        checking.find(PANICKED.to_owned());
    }
    checking.checked
}

/// The same; the first finding is an error.
pub(super) fn verify(disk: &Disk, identity: &Identity, ledger: &Ledger) -> Result<Verified, Error> {
    let checked = check(disk, identity, ledger, &mut |_| {});
    match checked.findings.into_iter().next() {
        Some(finding) => Err(Error::Corrupt(finding)),
        None => Ok(checked.read),
    }
}

struct Checking<'a> {
    disk: &'a Disk,
    identity: &'a Identity,
    ledger: &'a Ledger,
    progress: &'a mut dyn FnMut(Progress),
    checked: Checked,
    /// Where the records of each instance have ended so far, and its version there.
    chains: HashMap<InstanceId, (Seq, u64)>,
}

impl Checking<'_> {
    fn everything(&mut self) {
        for partition in partitions(self.identity) {
            self.partition(partition);
        }
        self.ends();
        self.headers();
        self.bodies();
        self.documents();
    }

    fn find(&mut self, finding: String) {
        self.checked.findings.push(finding);
    }

    fn is_full(&self) -> bool {
        self.checked.findings.len() >= FINDINGS_MAX
    }

    /// A value, or a finding.
    fn value(&mut self, value: Result<Value, Error>) -> Option<Value> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.find(told(error));
                None
            }
        }
    }

    /// Numbers without a gap, and each record after the one that it names.
    fn partition(&mut self, partition: Partition) {
        let mut next = Seq(1);
        let prefix = keys::packs(partition);
        for value in self.disk.values(&prefix, &prefix) {
            if self.is_full() {
                return;
            }
            let Some(value) = self.value(value) else { continue };
            let records = match value.records() {
                Ok(records) => records,
                Err(error) => {
                    self.find(told(error));
                    continue;
                }
            };
            for packed in records {
                if self.is_full() {
                    return;
                }
                match packed {
                    Ok(packed) => self.record(partition, &mut next, &packed),
                    Err(error) => self.find(told(error)),
                }
            }
        }
        let last = self.ledger.last_seqs[usize::from(partition.0)];
        if next.0 <= last.0 {
            self.find(misnumbered(partition, next, Seq(last.0 + 1)));
        }
        self.tell_events();
    }

    /// A record, whose first event should have this number; then the next one's.
    fn record(&mut self, partition: Partition, next: &mut Seq, packed: &PackedRecord<'_>) {
        let first = packed.first_seq;
        if first != *next {
            self.find(misnumbered(partition, *next, first));
        }
        *next = Seq(first.0 + packed.events.max(1));
        self.checked.read.records += 1;
        self.checked.read.events += packed.events;
        if self.checked.read.records.is_multiple_of(PROGRESS_VALUES) {
            self.tell_events();
        }
        match decode_record(packed.record, &self.ledger.words) {
            Ok(chained) => self.content(partition, packed, &chained),
            Err(error) => self.find(told(unreadable(partition, first, &error))),
        }
    }

    fn content(
        &mut self,
        partition: Partition,
        packed: &PackedRecord<'_>,
        chained: &ChainedRecord,
    ) {
        let first = packed.first_seq;
        if chained.record.events.len() as u64 != packed.events {
            let record = describe(partition, first);
            self.find(format!("{record} holds another number of events than it should"));
        }
        if let Some(stamp) = &chained.record.stamp {
            let version = version_of(&chained.record);
            let before = self.chains.insert(stamp.instance.clone(), (first, version));
            let expected = before.map_or((None, 1), |(seq, version)| (Some(seq), version + 1));
            if (chained.previous, version) != expected {
                self.find(format!(
                    "event {} of partition {} does not follow the record before it: it is record \
                     {version} of instance {}, where {} is expected",
                    first.0, partition.0, stamp.instance, expected.1
                ));
            }
            self.header_within(partition, packed, version);
        }
    }

    /// A header within a record is the one that its instance has with it.
    fn header_within(&mut self, partition: Partition, packed: &PackedRecord<'_>, version: u64) {
        let first = packed.first_seq;
        let end = decode_record_end(packed.record).ok().flatten();
        let Some((id, header)) = end.and_then(|end| Some((end.instance, end.header?))) else {
            return;
        };
        match Entry::read(id, header) {
            Err(error) => self.find(told(unreadable(partition, first, &error))),
            Ok(entry) if (entry.message.last_seq, entry.message.version) != (first.0, version) => {
                let record = describe(partition, first);
                self.find(format!("{record} has a header that is not its own"));
            }
            Ok(_) => {}
        }
    }

    fn tell_events(&mut self) {
        let total = Some(self.ledger.last_seqs.iter().map(|seq| seq.0).sum());
        (self.progress)(Progress { of: "events", done: self.checked.read.events, total });
    }

    /// Every instance ends with its records, and none has records alone.
    fn ends(&mut self) {
        let ledger = self.ledger;
        for (instance, known) in ledger.index.entries() {
            self.checked.read.instances += 1;
            let expected = (known.last_record, known.version);
            let found = self.chains.remove(&instance);
            if self.is_full() {
                continue;
            }
            if found != Some(expected) {
                self.find(format!("instance {instance} does not end with its records"));
            }
            // On opening, the names in a header are not looked up.
            if let Err(error) = ledger.header(&instance) {
                self.find(error.to_string());
            }
        }
        let mut headless: Vec<InstanceId> = std::mem::take(&mut self.chains).into_keys().collect();
        headless.sort();
        for instance in headless {
            if self.is_full() {
                return;
            }
            self.find(format!("instance {instance} has records and no header"));
        }
    }

    /// Headers under keys of their own: of instances that there are, and none newer than their
    /// records.
    fn headers(&mut self) {
        for value in self.disk.values(&[HEADERS], &[HEADERS]) {
            if self.is_full() {
                return;
            }
            let Some(value) = self.value(value) else { continue };
            let id = value.key.name().map(InstanceId::trusted);
            let known = id.as_ref().and_then(|id| self.ledger.index.get(id));
            let entry = id.map(|id| Entry::read(id, value.content));
            let fits = match (entry, known) {
                (Some(Ok(entry)), Some(known)) => {
                    let (version, last_seq) = (entry.message.version, entry.message.last_seq);
                    (version, last_seq) == (known.version, known.last_record.0)
                        || version < known.version && last_seq < known.last_record.0
                }
                (Some(Err(error)), _) => {
                    self.find(told(corrupt(&value.key, &error)));
                    continue;
                }
                _ => false,
            };
            if !fits {
                self.find(format!("{} is not that of its records", value.key.describe()));
            }
        }
    }

    /// Every body that a header knows, whole and not newer than it; beside them only older ones.
    fn bodies(&mut self) {
        let expected = self.ledger.index.entries().filter(|(_, known)| known.body.is_some());
        let mut expected: HashMap<InstanceId, Known> = expected.collect();
        let (mut done, total) = (0_u64, Some(expected.len() as u64));
        for value in self.disk.values(&[BODIES], &[BODIES]) {
            if self.is_full() {
                return;
            }
            let Some(value) = self.value(value) else { continue };
            match decode_instance(&value.content, &self.ledger.words) {
                Err(error) => self.find(told(corrupt(&value.key, &error))),
                Ok(body) => {
                    let home = self.identity.partition_of(&body.id);
                    let place = value.key.as_body().filter(|(partition, _)| *partition == home);
                    let (seq, known) = (place.map(|(_, seq)| seq), expected.get(&body.id).copied());
                    // Those of an instance come in order: after its own there is none.
                    let fits = seq.is_some()
                        && known.is_some_and(|it| seq <= it.body && body.version <= it.version);
                    if known.is_some_and(|known| known.body == seq) {
                        expected.remove(&body.id);
                    }
                    if !fits {
                        self.find(format!("{} is not that of its header", value.key.describe()));
                    }
                }
            }
            done += 1;
            if done.is_multiple_of(PROGRESS_VALUES) {
                (self.progress)(Progress { of: "bodies", done, total: total.max(Some(done)) });
            }
        }
        let mut missing: Vec<InstanceId> = expected.into_keys().collect();
        missing.sort();
        for instance in missing {
            if self.is_full() {
                return;
            }
            self.find(format!("the body of instance {instance} is missing"));
        }
        (self.progress)(Progress { of: "bodies", done, total: Some(done) });
    }

    fn documents(&mut self) {
        for value in self.disk.values(&[DOCUMENTS], &[DOCUMENTS]) {
            if self.is_full() {
                return;
            }
            if self.value(value).is_some() {
                self.checked.read.documents += 1;
            }
        }
    }
}

fn told(error: Error) -> String {
    match error {
        Error::Corrupt(what) => what,
        other => other.to_string(),
    }
}

/// An event has another number than the next one.
pub(super) fn misnumbered(partition: Partition, next: Seq, found: Seq) -> String {
    let partition = partition.0;
    match (next.0, found.0) {
        (next, found) if found < next => {
            format!("event {found} of partition {partition} is there twice")
        }
        (next, found) if found == next + 1 => {
            format!("event {next} of partition {partition} is missing")
        }
        (next, found) => {
            format!("event {next} of partition {partition} is missing, and all up to {}", found - 1)
        }
    }
}
