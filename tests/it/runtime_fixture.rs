//! What the tests of the runtime share: a small workflow, a store that fails on demand, and short
//! ways to create, command and read.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Poll;
use std::time::Duration;

use sanbang::definition::sources::Sources;
use sanbang::model::actor::Actor;
use sanbang::model::command::{Action, Advance, Command, Comment, Create, Request};
use sanbang::model::event::Payload;
use sanbang::model::id::{InstanceId, MemberId, WorkflowId};
use sanbang::model::instance::{Header, Instance};
use sanbang::model::organization::Loads;
use sanbang::model::time::Timestamp;
use sanbang::model::value::Values;
use sanbang::runtime::{Clock, Configuration, Delivery, FeedEvent, Filter, Handle, Options};
use sanbang::runtime::{Runtime, Start, Subscription};
use sanbang::store::memory::MemoryStore;
use sanbang::store::sled;
use sanbang::store::{
    Batch, Committed, DueInstance, Error, Identity, Numbered, Partition, Point, Query, Seq, Store,
    Stored,
};

use super::store_fixture::open_again;

/// 2025-01-06T01:00:00Z.
pub(crate) const START: Timestamp = Timestamp(1_736_125_200_000);
pub(crate) const HOUR_MS: i64 = 60 * 60 * 1000;

pub(crate) const WORKFLOW: &str = "
workflow: errand
title: { en: Errand, zh: 差事 }
calendar: plain
fields:
  topic: { type: text }
stages:
  - id: prepare
    title: { en: Prepare, zh: 准备 }
    sla: { within: 48h, escalation: plain }
    tasks:
      - { id: write_up, title: { en: Write up, zh: 成文 }, role: office }
  - id: deliver
    title: { en: Deliver, zh: 送达 }
    sla: { within: 24h, escalation: plain }
";

const ORGANIZATION: &str = "
roles:
  steward: { title: { en: Steward, zh: 责任人 }, above: head }
  holder: { title: { en: Holder, zh: 承办人 }, above: steward }
  head: { title: { en: Head, zh: 负责人 }, may_force: true }
groups:
  office: { title: { en: Office, zh: 办公室 }, kind: coordination, above: head }
members:
  anna: { title: { en: Anna, zh: 安娜 }, group: office }
  bert: { title: { en: Bert, zh: 伯特 }, group: office }
  cora: { title: { en: Cora, zh: 科拉 }, group: office }
  chief: { title: { en: Chief, zh: 主任 }, roles: [head] }
";

const ESCALATION: &str = "
levels: [L0, L1]
policies:
  plain:
    - { at: due, level: L0, light: yellow, notify: [steward] }
    - { at: +24h, level: L1, light: red, notify: [head] }
";

pub(crate) const CALENDAR: &str = "
calendar: plain
title: { en: Plain, zh: 通用 }
zone: UTC
hours: ['09:00-12:00', '13:00-17:00']
rest_days: [saturday, sunday]
years:
  2025: { off: [2025-01-01], worked: [] }
  2026: { off: [2026-01-01], worked: [] }
";

/// The files of the small configuration, by path.
pub(crate) fn files() -> Vec<(&'static str, String)> {
    vec![
        ("workflows/errand.yaml", WORKFLOW.to_owned()),
        ("rules/organization.yaml", ORGANIZATION.to_owned()),
        ("rules/escalation.yaml", ESCALATION.to_owned()),
        ("rules/reasons.yaml", "reasons:\n  other: { en: Other, zh: 其他 }\n".to_owned()),
        ("rules/calendars/plain.yaml", CALENDAR.to_owned()),
    ]
}

pub(crate) fn sources() -> Sources {
    let files = files().into_iter();
    Sources { files: files.map(|(path, text)| (path.to_owned(), text.into())).collect() }
}

pub(crate) fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(true))
}

/// A store that can be closed and opened again.
pub(crate) enum Home {
    Memory(Arc<dyn Store>),
    Sled(tempfile::TempDir),
}

impl Home {
    /// One of each kind, empty.
    pub(crate) fn all() -> [Self; 2] {
        [Self::Memory(memory()), Self::Sled(tempfile::tempdir().unwrap())]
    }

    /// The store; of the one on disk nobody else may have it open.
    pub(crate) fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::clone(store),
            Self::Sled(directory) => {
                let directory = directory.path().to_owned();
                let options = sled::Options { directory, simulated_clock: true, recent_events: 16 };
                Arc::new(open_again(&options).unwrap())
            }
        }
    }
}

pub(crate) struct Service {
    pub(crate) runtime: Runtime,
    pub(crate) handle: Handle,
}

impl Service {
    pub(crate) fn stop(self) {
        self.runtime.shutdown();
    }
}

/// Small, and never a heartbeat: whoever waits for an event waits for nothing else.
pub(crate) fn options() -> Options {
    Options { workers: 2, heartbeat: Duration::from_hours(24), ..Options::default() }
}

pub(crate) fn start(store: &Arc<dyn Store>) -> Service {
    start_with(store, options(), START)
}

pub(crate) fn start_at(store: &Arc<dyn Store>, now: Timestamp) -> Service {
    start_with(store, options(), now)
}

pub(crate) fn start_with(store: &Arc<dyn Store>, options: Options, now: Timestamp) -> Service {
    let configuration = Configuration::Files(sources());
    let clock = Clock::simulated(now);
    let started = Runtime::start(options, Arc::clone(store), clock, configuration);
    let (runtime, handle) = started.unwrap_or_else(|error| panic!("{error}: {error:?}"));
    Service { runtime, handle }
}

pub(crate) fn id(name: &str) -> InstanceId {
    InstanceId::parse(name).unwrap()
}

pub(crate) fn by(member: &str, request: Option<u64>, action: Action) -> Command {
    Command {
        actor: Actor::Member(MemberId::trusted(member)),
        request: request.map(|key| Request { key, digest: key }),
        expected_revision: None,
        force: None,
        action,
    }
}

pub(crate) fn create(name: &str, request: Option<u64>) -> Command {
    let create = Create {
        id: id(name),
        workflow: WorkflowId::trusted("errand"),
        fields: Values::new(),
        steward: Some(MemberId::trusted("anna")),
        origin: None,
    };
    by("anna", request, Action::Create(create))
}

pub(crate) fn comment(text: &str, request: Option<u64>) -> Command {
    by("anna", request, Action::Comment(Comment { task: None, text: text.to_owned() }))
}

/// Creates so many instances, `e-0` and on, several at a time.
pub(crate) async fn create_many(handle: &Handle, count: usize) {
    let names: Vec<String> = (0..count).map(|number| format!("e-{number}")).collect();
    for part in names.chunks(500) {
        let created: Vec<_> = part
            .iter()
            .map(|name| {
                let (handle, name) = (handle.clone(), name.clone());
                tokio::spawn(async move { handle.submit(id(&name), create(&name, None)).await })
            })
            .collect();
        for each in created {
            each.await.unwrap().unwrap();
        }
    }
}

/// Every event that is durable now, by place.
pub(crate) async fn all_events(handle: &Handle) -> Vec<FeedEvent> {
    let mut events = Vec::new();
    let mut start = Start::Beginning;
    loop {
        let page = handle.events(start, Filter::default(), 1000).await.unwrap();
        events.extend(page.events);
        if !page.more {
            return events;
        }
        start = Start::Token(page.token);
    }
}

/// How many events of this kind each instance has.
pub(crate) fn count_by_instance(events: &[FeedEvent], kind: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in events.iter().filter(|event| event.event().payload.kind() == kind) {
        let stamp = event.record.stamp.as_ref().expect("an event of an instance");
        *counts.entry(stamp.instance.to_string()).or_insert(0) += 1;
    }
    counts
}

pub(crate) fn advance(request: Option<u64>) -> Command {
    by("chief", request, Action::Advance(Advance::default()))
}

/// Whether a future has its answer already.
pub(crate) async fn is_ready<F: Future>(future: &mut Pin<Box<F>>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

pub(crate) async fn view(handle: &Handle, name: &str) -> Arc<Instance> {
    handle.view(&id(name)).await.unwrap().expect("the instance exists").instance
}

/// The next delivery. Nothing is measured: a test that waits in vain fails instead of hanging.
pub(crate) async fn next(subscription: &mut Subscription) -> Delivery {
    let waiting = tokio::time::timeout(Duration::from_mins(1), subscription.next());
    waiting.await.expect("nothing came for a minute").unwrap()
}

/// Reads until so many events have come.
pub(crate) async fn read(subscription: &mut Subscription, count: usize) -> Vec<FeedEvent> {
    let mut events = Vec::new();
    while events.len() < count {
        events.extend(next(subscription).await.events);
    }
    events
}

/// Reads until an event of this kind has come, and returns its payload.
pub(crate) async fn read_until(subscription: &mut Subscription, kind: &str) -> Payload {
    loop {
        let delivery = next(subscription).await;
        let mut payloads = delivery.events.iter().map(|event| event.event().payload.clone());
        if let Some(payload) = payloads.find(|payload| payload.kind() == kind) {
            return payload;
        }
    }
}

/// The place of each event: nothing is doubled and, within a partition, nothing is missing.
pub(crate) fn assert_dense(events: &[FeedEvent], partitions: u16) {
    let mut last = vec![0_u64; usize::from(partitions)];
    for event in events {
        let last = &mut last[usize::from(event.partition.0)];
        assert_eq!(event.seq.0, *last + 1, "in partition {}", event.partition.0);
        *last = event.seq.0;
    }
}

/// How long a slow write takes longer: many others arrive meanwhile.
const SLOW: Duration = Duration::from_millis(3);

/// What the next write of instances comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It works.
    None,
    /// Nothing is written, and it is said so.
    Unavailable,
    /// All is written, but it is said that nothing was.
    LostAcknowledgement,
    /// Nothing is written: somebody wrote the batch's first instance first.
    Conflict,
    /// It works, and takes its time.
    Slow,
    /// Nothing is written, and the process is to end: a crash before the write.
    Corrupt,
    /// All is written, and the process is to end before anybody learns of it: a crash between the
    /// write and its publication.
    CorruptAfterwards,
}

/// A store that fails as planned, and that can be held before a write or a read of an instance.
pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    identity: Identity,
    faults: Mutex<VecDeque<Fault>>,
    struck: AtomicUsize,
    /// What the next list of due instances says, whatever is due.
    listed: Mutex<Vec<DueInstance>>,
    queried: AtomicUsize,
    writes: Gate,
    reads: Gate,
}

/// While it is closed, whoever comes waits.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    moved: Condvar,
}

#[derive(Default)]
struct GateState {
    closed: bool,
    waiting: bool,
}

impl Gate {
    fn close(&self) {
        self.state.lock().unwrap().closed = true;
    }

    fn open(&self) {
        self.state.lock().unwrap().closed = false;
        self.moved.notify_all();
    }

    /// Returns once somebody waits.
    fn wait_for_somebody(&self) {
        let mut state = self.state.lock().unwrap();
        while !state.waiting {
            state = self.moved.wait(state).unwrap();
        }
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.waiting = state.closed;
        self.moved.notify_all();
        while state.closed {
            state = self.moved.wait(state).unwrap();
        }
        state.waiting = false;
    }
}

impl FaultyStore {
    pub(crate) fn over(inner: &Arc<dyn Store>) -> Arc<Self> {
        Self::posing_as(inner.identity().clone(), inner)
    }

    /// A store with the identity of another one.
    pub(crate) fn posing_as(identity: Identity, inner: &Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            identity,
            faults: Mutex::default(),
            struck: AtomicUsize::new(0),
            listed: Mutex::default(),
            queried: AtomicUsize::new(0),
            writes: Gate::default(),
            reads: Gate::default(),
        })
    }

    pub(crate) fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults);
    }

    /// How many writes have failed.
    pub(crate) fn struck(&self) -> usize {
        self.struck.load(Ordering::Relaxed)
    }

    /// How many lists of instances were read.
    pub(crate) fn queried(&self) -> usize {
        self.queried.load(Ordering::Relaxed)
    }

    /// From now on everything works.
    pub(crate) fn forget_plan(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// From now on writes wait.
    pub(crate) fn hold(&self) {
        self.writes.close();
    }

    /// Returns once a write waits.
    pub(crate) fn wait_for_write(&self) {
        self.writes.wait_for_somebody();
    }

    pub(crate) fn release(&self) {
        self.writes.open();
    }

    /// From now on reads of an instance wait.
    pub(crate) fn hold_reads(&self) {
        self.reads.close();
    }

    /// Returns once a read waits.
    pub(crate) fn wait_for_read(&self) {
        self.reads.wait_for_somebody();
    }

    pub(crate) fn release_reads(&self) {
        self.reads.open();
    }

    /// The next list of due instances says these: as if it had been read before somebody else let
    /// happen what was due.
    pub(crate) fn list_as_due(&self, names: &[&str]) {
        let due = |name: &&str| DueInstance { next_due: START, instance: id(name) };
        *self.listed.lock().unwrap() = names.iter().map(due).collect();
    }
}

impl Store for FaultyStore {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn partition_of(&self, instance: &InstanceId) -> Partition {
        self.inner.partition_of(instance)
    }

    fn load(&self, instance: &InstanceId) -> Result<Option<Stored>, Error> {
        self.reads.pass();
        self.inner.load(instance)
    }

    fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        let stamps = batch.writes.iter().filter_map(|write| write.record.stamp.as_ref());
        let first = stamps.map(|stamp| stamp.instance.clone()).next();
        let Some(first) = first else { return self.inner.commit(batch) };
        self.writes.pass();
        let fault = self.faults.lock().unwrap().pop_front().unwrap_or(Fault::None);
        if !matches!(fault, Fault::None | Fault::Slow) {
            self.struck.fetch_add(1, Ordering::Relaxed);
        }
        match fault {
            Fault::None => self.inner.commit(batch),
            Fault::Unavailable => Err(Error::Unavailable("as planned".to_owned())),
            Fault::LostAcknowledgement => {
                self.inner.commit(batch)?;
                Err(Error::Unavailable("the acknowledgement was lost".to_owned()))
            }
            Fault::Conflict => Err(Error::Conflict(vec![first])),
            Fault::Slow => {
                std::thread::sleep(SLOW);
                self.inner.commit(batch)
            }
            Fault::Corrupt => Err(Error::Corrupt("as planned".to_owned())),
            Fault::CorruptAfterwards => {
                self.inner.commit(batch)?;
                Err(Error::Corrupt("as planned, after the write".to_owned()))
            }
        }
    }

    fn events_after(
        &self,
        partition: Partition,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        self.inner.events_after(partition, after, limit)
    }

    fn last_seqs(&self) -> Result<Vec<Seq>, Error> {
        self.inner.last_seqs()
    }

    fn history(
        &self,
        instance: &InstanceId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        self.inner.history(instance, before, limit)
    }

    fn earlier(
        &self,
        instance: &InstanceId,
        than: Seq,
        limit: usize,
    ) -> Result<Vec<Numbered>, Error> {
        self.inner.earlier(instance, than, limit)
    }

    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<DueInstance>, Error> {
        let listed = std::mem::take(&mut *self.listed.lock().unwrap());
        if listed.is_empty() { self.inner.due(now, limit) } else { Ok(listed) }
    }

    fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        self.inner.next_due()
    }

    fn header(&self, instance: &InstanceId) -> Result<Option<Header>, Error> {
        self.inner.header(instance)
    }

    fn loads(&self) -> Result<Arc<Loads>, Error> {
        self.inner.loads()
    }

    fn query(&self, query: &Query) -> Result<Vec<Header>, Error> {
        self.queried.fetch_add(1, Ordering::Relaxed);
        self.inner.query(query)
    }

    fn document(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.inner.document(key)
    }

    fn documents(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.inner.documents(prefix)
    }

    fn clock(&self) -> Result<Option<Timestamp>, Error> {
        self.inner.clock()
    }

    fn point(&self) -> Result<Point, Error> {
        self.inner.point()
    }
}
