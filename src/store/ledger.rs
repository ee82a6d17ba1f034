//! The ledger: what a store knows in memory of what is durable, and the one place that decides
//! whether a batch may be written and which numbers it gets. Every store has one, so that they
//! cannot differ. Knows no storage.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Write;
use super::index::{Entry, Index, Known, Search};
use super::record::{asks_otherwise, disagreement};
use super::words::{Draft, Words};
use super::{Batch, CONTROL, DocumentWrite, Error, Identity, Partition, Seq, Whereabouts};
use crate::model::id::InstanceId;
use crate::model::instance::Header;
use crate::model::organization::{Loads, Share};
use crate::model::time::Timestamp;

/// What is durable, in memory.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Every instance.
    pub(super) index: Index,
    /// What the numbers in headers, bodies and records stand for. Who reads holds those that there
    /// are when it begins.
    pub(super) words: Arc<Words>,
    /// How much each member has to do, by the headers.
    pub(super) loads: Arc<Loads>,
    /// The last number of each partition.
    pub(super) last_seqs: Vec<Seq>,
    /// The clock's last reading.
    pub(super) clock: Option<Timestamp>,
}

/// What a batch will be once it is written.
#[derive(Debug)]
pub(super) struct Plan {
    /// Per write of the batch, its place.
    pub(super) places: Vec<Place>,
    /// Per instance of the batch, what is left of it.
    pub(super) instances: BTreeMap<InstanceId, Outcome>,
    /// The last number of each partition to which something is added.
    pub(super) last_seqs: BTreeMap<Partition, Seq>,
    /// The clock's reading, where it goes forward.
    pub(super) clock: Option<Timestamp>,
}

/// Where a record goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The number of its first event.
    pub(super) first_seq: Seq,
    /// The first number of the previous record of its instance.
    pub(super) previous: Option<Seq>,
}

/// What a batch leaves of an instance, as indices of its writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    /// The write with its last header.
    pub(super) last: usize,
    /// The write with its last body.
    pub(super) body: Option<usize>,
    version: u64,
}

impl Ledger {
    /// The ledger of an empty store.
    pub(super) fn empty(identity: &Identity) -> Self {
        Self {
            index: Index::default(),
            words: Arc::default(),
            loads: Arc::default(),
            last_seqs: vec![Seq(0); usize::from(identity.partitions)],
            clock: None,
        }
    }

    /// Checks a batch and gives it its numbers. Changes nothing.
    pub(super) fn plan(&self, identity: &Identity, batch: &Batch) -> Result<Plan, Error> {
        for write in &batch.writes {
            check_write(identity, write)?;
        }
        batch.documents.iter().try_for_each(check_document)?;
        let mut plan = Plan {
            places: Vec::with_capacity(batch.writes.len()),
            instances: BTreeMap::new(),
            last_seqs: BTreeMap::new(),
            clock: batch.clock.filter(|reading| self.clock.is_none_or(|last| last < *reading)),
        };
        let mut conflicts = BTreeSet::new();
        for (index, write) in batch.writes.iter().enumerate() {
            match self.place(index, write, &mut plan) {
                Ok(place) => plan.places.push(place),
                Err(Conflict(instance)) => {
                    // The places stay in step with the writes while further conflicts are found.
                    plan.places.push(Place { first_seq: Seq(0), previous: None });
                    conflicts.insert(instance);
                }
            }
        }
        if conflicts.is_empty() {
            Ok(plan)
        } else {
            Err(Error::Conflict(conflicts.into_iter().collect()))
        }
    }

    fn place(&self, index: usize, write: &Write, plan: &mut Plan) -> Result<Place, Conflict> {
        let partition = write.partition;
        let last = plan.last_seqs.get(&partition).copied();
        let last = last.unwrap_or_else(|| self.last_seqs[usize::from(partition.0)]);
        let first_seq = Seq(last.0 + 1);
        let mut previous = None;

        if let Some(stamp) = &write.record.stamp {
            let stored = self.index.get(&stamp.instance);
            let planned = plan.instances.get(&stamp.instance).copied();
            let version = match (planned, stored) {
                (Some(planned), _) => planned.version,
                (None, Some(known)) => known.version,
                (None, None) => 0,
            };
            if stamp.version != version + 1 {
                return Err(Conflict(stamp.instance.clone()));
            }
            previous = match planned {
                Some(planned) => Some(plan.places[planned.last].first_seq),
                None => stored.map(|known| known.last_record),
            };
            let body = write.body.as_ref().map(|_| index);
            let outcome = Outcome {
                last: index,
                body: body.or(planned.and_then(|planned| planned.body)),
                version: stamp.version,
            };
            plan.instances.insert(stamp.instance.clone(), outcome);
        }

        let events = u64::try_from(write.record.events.len()).expect("a length fits in 64 bits");
        plan.last_seqs.insert(partition, Seq(last.0 + events));
        Ok(Place { first_seq, previous })
    }

    /// An instance's header, or none.
    pub(super) fn header(&self, instance: &InstanceId) -> Result<Option<Header>, Error> {
        let header = self.index.header(instance, &self.words);
        header.map_err(|it| Error::Corrupt(format!("the header of instance {instance}: {it}")))
    }

    /// Goes on with a search for one turn; false: it has come to its end.
    pub(super) fn search(&self, search: &mut Search<'_>) -> Result<bool, Error> {
        self.index.search(search, &self.words).map_err(|it| Error::Corrupt(it.to_string()))
    }

    /// Takes what has become durable.
    pub(super) fn record(&mut self, done: Done) {
        if !done.words.is_empty() {
            Arc::make_mut(&mut self.words).add_all(done.words);
        }
        for entry in done.entries {
            let before = self.index.put(&entry);
            let share = |header: &_| Share::of_stored(header, &self.words);
            if before.as_ref().is_none_or(|before| asks_otherwise(before, &entry.message)) {
                let (before, after) = (before.as_ref().map(share), share(&entry.message));
                Arc::make_mut(&mut self.loads).shift(&before.unwrap_or_default(), &after);
            }
        }
        for (partition, last) in done.last_seqs {
            self.last_seqs[usize::from(partition.0)] = last;
        }
        self.clock = done.clock.or(self.clock);
    }
}

/// What a plan has made, once it is durable.
#[derive(Debug)]
pub(super) struct Done {
    entries: Vec<Entry>,
    words: Vec<Arc<str>>,
    last_seqs: BTreeMap<Partition, Seq>,
    clock: Option<Timestamp>,
}

impl Plan {
    /// The header that an outcome leaves of an instance of which this was known before.
    pub(super) fn entry(
        &self,
        batch: &Batch,
        outcome: Outcome,
        before: Option<Known>,
        words: &mut Draft<'_>,
    ) -> Entry {
        let header = batch.writes[outcome.last].header.as_ref();
        let header = header.expect("the plan refuses an instance's record without a header");
        let body = outcome.body.map(|index| self.places[index].first_seq);
        let body = body.or(before.and_then(|known| known.body));
        let rest = Whereabouts { last_record: self.places[outcome.last].first_seq, body };
        Entry::of(header, rest, words)
    }

    /// What is to be known once this is durable: each instance's header, and the words that they
    /// add.
    pub(super) fn done(self, entries: Vec<Entry>, words: Vec<Arc<str>>) -> Done {
        Done { entries, words, last_seqs: self.last_seqs, clock: self.clock }
    }
}

/// Somebody wrote this instance first.
struct Conflict(InstanceId);

/// A batch that contradicts itself comes from a defect in this program: it is never written.
fn check_write(identity: &Identity, write: &Write) -> Result<(), Error> {
    let refuse = |what: &str| {
        let subject = match &write.record.stamp {
            Some(stamp) => format!("instance {}, version {}", stamp.instance, stamp.version),
            None => "a record without an instance".to_owned(),
        };
        Err(Error::Corrupt(format!("a batch contradicts itself: {subject}: {what}")))
    };
    if write.record.events.is_empty() {
        return refuse("a record without events has no number");
    }
    let Some(stamp) = &write.record.stamp else {
        return match write {
            Write { partition, header: None, body: None, .. } if *partition == CONTROL => Ok(()),
            _ => refuse("it belongs to the control partition and has neither header nor body"),
        };
    };
    let Some(header) = &write.header else {
        return refuse("its header is missing");
    };
    if write.partition != identity.partition_of(&stamp.instance) {
        return refuse("it is in the wrong partition");
    }
    if (&header.id, header.version, header.revision)
        != (&stamp.instance, stamp.version, stamp.revision)
    {
        return refuse("its header is that of another version");
    }
    match write.body.as_ref().and_then(|body| disagreement(header, body)) {
        Some(field) => refuse(&format!("header and body disagree about `{field}`")),
        None => Ok(()),
    }
}

/// A document's key is the beginning of a stored key that ends with a NUL.
fn check_document(document: &DocumentWrite) -> Result<(), Error> {
    if document.key.is_empty() || document.key.contains('\0') {
        let problem = format!("a document cannot have the key {:?}", document.key);
        return Err(Error::Corrupt(problem));
    }
    Ok(())
}
