//! A store in memory: complete, and gone with its process. For tests, specs and simulations; it
//! behaves as the durable ones do, so it also says what those must do.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::chain::Chain;
use super::index::Search;
use super::ledger::{Ledger, Plan};
use super::record::ChainedRecord;
use super::words::Draft;
use super::{Batch, Committed, DueInstance, Error, Identity, Numbered, Partition, Point, Query};
use super::{Seq, Store, Stored};
use crate::model::id::InstanceId;
use crate::model::instance::{Header, Instance};
use crate::model::organization::Loads;
use crate::model::time::Timestamp;

/// A store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    identity: Identity,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    ledger: Ledger,
    /// Per partition, by the number of their first event.
    records: Vec<BTreeMap<Seq, ChainedRecord>>,
    bodies: HashMap<InstanceId, Arc<Instance>>,
    documents: BTreeMap<String, Vec<u8>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(simulated_clock: bool) -> Self {
        let identity = Identity::fresh(simulated_clock);
        let state = State {
            ledger: Ledger::empty(&identity),
            records: vec![BTreeMap::new(); usize::from(identity.partitions)],
            bodies: HashMap::new(),
            documents: BTreeMap::new(),
        };
        Self { identity, state: RwLock::new(state) }
    }

    fn read(&self) -> Result<RwLockReadGuard<'_, State>, Error> {
        self.state.read().map_err(|_| half_written())
    }

    fn write(&self) -> Result<RwLockWriteGuard<'_, State>, Error> {
        self.state.write().map_err(|_| half_written())
    }
}

fn half_written() -> Error {
    Error::Corrupt("a thread panicked while it wrote to the store".to_owned())
}

impl State {
    fn fetch(&self, partition: Partition, seq: Seq) -> Result<ChainedRecord, Error> {
        let found = self.records.get(usize::from(partition.0)).and_then(|all| all.get(&seq));
        found.cloned().ok_or_else(|| {
            Error::Corrupt(format!("event {} of partition {} is missing", seq.0, partition.0))
        })
    }

    fn chain<'a>(
        &'a self,
        instance: &'a InstanceId,
        partition: Partition,
        last: Seq,
    ) -> Chain<'a, impl FnMut(Partition, Seq) -> Result<ChainedRecord, Error> + 'a> {
        Chain::new(instance, partition, last, |partition, seq| self.fetch(partition, seq))
    }

    fn take(&mut self, plan: Plan, mut batch: Batch) {
        let mut words = Draft::of(&self.ledger.words);
        let index = &self.ledger.index;
        let entries = plan.instances.iter().map(|(instance, outcome)| {
            plan.entry(&batch, *outcome, index.get(instance), &mut words)
        });
        let entries = entries.collect();
        let words = words.added();
        for (write, place) in batch.writes.iter_mut().zip(&plan.places) {
            if let Some(body) = write.body.take() {
                self.bodies.insert(body.id.clone(), body);
            }
            let chained =
                ChainedRecord { record: write.record.as_ref().clone(), previous: place.previous };
            self.records[usize::from(write.partition.0)].insert(place.first_seq, chained);
        }
        for document in batch.documents {
            match document.content {
                Some(content) => self.documents.insert(document.key, content),
                None => self.documents.remove(&document.key),
            };
        }
        self.ledger.record(plan.done(entries, words));
    }
}

impl Store for MemoryStore {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn partition_of(&self, instance: &InstanceId) -> Partition {
        self.identity.partition_of(instance)
    }

    fn load(&self, instance: &InstanceId) -> Result<Option<Stored>, Error> {
        let state = self.read()?;
        let Some(known) = state.ledger.index.get(instance) else {
            return Ok(None);
        };
        let body = state.bodies.get(instance).map(|body| body.as_ref().clone());
        let version = body.as_ref().map_or(0, |body| body.version);
        if version == known.version {
            return Ok(Some(Stored { body, tail: Vec::new() }));
        }
        let chain = state.chain(instance, self.partition_of(instance), known.last_record);
        Ok(Some(Stored { body, tail: chain.above(version)? }))
    }

    fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        let mut state = self.write()?;
        let plan = state.ledger.plan(&self.identity, &batch)?;
        let first_seqs = plan.places.iter().map(|place| place.first_seq).collect();
        state.take(plan, batch);
        Ok(Committed { first_seqs })
    }

    fn events_after(
        &self,
        partition: Partition,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        let state = self.read()?;
        let Some(records) = state.records.get(usize::from(partition.0)) else {
            return Ok(Vec::new());
        };
        let next = Seq(after.0.saturating_add(1));
        let start = records.range(..=next).next_back().map_or(next, |(seq, _)| *seq);
        let holds_later = |first: &Seq, chained: &ChainedRecord| {
            let events = u64::try_from(chained.record.events.len()).unwrap_or(u64::MAX);
            first.0.saturating_add(events) > next.0
        };
        let found = records
            .range(start..)
            .filter(|(first, chained)| holds_later(first, chained))
            .take(limit)
            .map(|(first, chained)| Numbered {
                partition,
                first_seq: *first,
                record: chained.record.clone(),
            });
        Ok(found.collect())
    }

    fn last_seqs(&self) -> Result<Vec<Seq>, Error> {
        Ok(self.read()?.ledger.last_seqs.clone())
    }

    fn history(
        &self,
        instance: &InstanceId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        let state = self.read()?;
        let Some(known) = state.ledger.index.get(instance) else {
            return Ok(Vec::new());
        };
        let chain = state.chain(instance, self.partition_of(instance), known.last_record);
        chain.below(before, limit)
    }

    fn earlier(
        &self,
        instance: &InstanceId,
        than: Seq,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        let state = self.read()?;
        state.chain(instance, self.partition_of(instance), than).earlier(limit)
    }

    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueInstance>, Error> {
        Ok(self.read()?.ledger.index.due(now, limit))
    }

    fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.read()?.ledger.index.next_due())
    }

    fn header(&self, instance: &InstanceId) -> Result<Option<Header>, Error> {
        let state = self.read()?;
        state.ledger.header(instance)
    }

    fn query(&self, query: &Query) -> Result<Vec<Header>, Error> {
        let mut search = Search::of(query);
        // Between two turns whoever writes is let through.
        while self.read()?.ledger.search(&mut search)? {}
        Ok(search.found())
    }

    fn loads(&self) -> Result<Arc<Loads>, Error> {
        Ok(self.read()?.ledger.loads.clone())
    }

    fn document(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.read()?.documents.get(key).cloned())
    }

    fn documents(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let state = self.read()?;
        let found = state
            .documents
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, content)| (key.clone(), content.clone()));
        Ok(found.collect())
    }

    fn clock(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.read()?.ledger.clock)
    }

    fn point(&self) -> Result<Point, Error> {
        let state = self.read()?;
        let copied = |(key, content): (&String, &Vec<u8>)| (key.clone(), content.clone());
        Ok(Point {
            last_seqs: state.ledger.last_seqs.clone(),
            clock: state.ledger.clock,
            documents: state.documents.iter().map(copied).collect(),
        })
    }
}
