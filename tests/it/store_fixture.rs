//! What store tests write: small projects whose every version is known, and a directory to keep
//! them in.

use std::sync::Arc;
use std::time::Duration;

use std::ops::Deref;

use sanbang::model::actor::Actor;
use sanbang::model::clock::{
    Alarm, Clock, ClockKind, ClockNumber, ClockOwner, Limit, Plan, Scheduled,
};
use sanbang::model::event::{Event, Payload, Record, Stamp};
use sanbang::model::id::{
    ClockId, FieldId, InstanceId, MemberId, RoleId, StageId, TaskId, WorkflowId,
};
use sanbang::model::instance::{Instance, StagePlace, StageState, Status};
use sanbang::model::task::{Holder, Task, TaskKind, TaskNumber, TaskRef};
use sanbang::model::time::{Amount, Timestamp, Unit};
use sanbang::model::value::Value;
use sanbang::store::memory::MemoryStore;
use sanbang::store::sled::{OpenError, Options, SledStore};
use sanbang::store::{
    Batch, Committed, DocumentWrite, Error, Numbered, Order, Partition, Query, Seq, Store, Write,
};

/// An open store, and what has to live as long.
pub(crate) struct Opened {
    store: Box<dyn Store>,
    _directory: Option<tempfile::TempDir>,
}

impl Deref for Opened {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

pub(crate) fn memory() -> Opened {
    Opened { store: Box::new(MemoryStore::new(true)), _directory: None }
}

/// So few that headers soon stand under keys of their own.
pub(crate) const FEW_RECENT_EVENTS: u64 = 3;

pub(crate) fn sled() -> Opened {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let options = Options {
        directory: directory.path().join("store"),
        simulated_clock: true,
        recent_events: FEW_RECENT_EVENTS,
    };
    let store = SledStore::open(&options).expect("a fresh directory");
    Opened { store: Box::new(store), _directory: Some(directory) }
}

/// Opens a store that this process has just closed. The child of another test may hold its lock for
/// another moment: between its beginning and the start of its program.
pub(crate) fn open_again(options: &Options) -> Result<SledStore, OpenError> {
    for _ in 0..100 {
        match SledStore::open(options) {
            Err(OpenError::InUse { .. }) => std::thread::sleep(Duration::from_millis(10)),
            other => return other,
        }
    }
    SledStore::open(options)
}

/// Runs each function against every store.
macro_rules! contract {
    ($($name:ident)*) => {
        mod in_memory {
            $(#[test] fn $name() { super::$name(&crate::store_fixture::memory()); })*
        }

        mod in_sled {
            $(#[test] fn $name() { super::$name(&crate::store_fixture::sled()); })*
        }
    };
}

pub(crate) use contract;

/// The first instant of all tests.
pub(crate) const START: i64 = 1_736_130_000_000;

pub(crate) fn at(minutes: i64) -> Timestamp {
    Timestamp(START + minutes * 60_000)
}

pub(crate) fn id(text: &str) -> InstanceId {
    InstanceId::parse(text).expect("tests use valid ids")
}

/// A project that has not been written yet: its version is 0.
pub(crate) fn project(name: &str) -> Instance {
    Instance {
        id: id(name),
        workflow: WorkflowId::trusted("investment"),
        workflow_version: 1,
        calendar_digest: 42,
        revision: 0,
        version: 0,
        created_at: at(0),
        updated_at: at(0),
        status: Status::Active,
        steward: None,
        group: None,
        backups: Vec::new(),
        fields: Arc::new([(FieldId::trusted("industry"), Value::Text("medical".into()))].into()),
        path_stage: Some(StageId::trusted("signing")),
        stages: vec![Arc::new(StageState {
            stage: StageId::trusted("signing"),
            attempt: 1,
            returns: 0,
            dwell_ms: 0,
            place: StagePlace::Open(at(0)),
            outcomes: Vec::new(),
            tried: Vec::new(),
        })],
        tasks: Vec::new(),
        clocks: Vec::new(),
        activities: [].into(),
        suspension: None,
        requests: Vec::new(),
        relations: Arc::default(),
        outcome: None,
        next_task: 1,
        next_clock: 1,
        script_failed_in: None,
    }
}

/// An open task of a role, held or offered.
pub(crate) fn task(number: u32, role: &str, holder: Option<&str>) -> Arc<Task> {
    Arc::new(Task {
        reference: TaskRef {
            number: TaskNumber(number),
            stage: StageId::trusted("signing"),
            id: TaskId::trusted("negotiate"),
            each: None,
        },
        kind: TaskKind::Human,
        attempt: 1,
        role: Some(RoleId::trusted(role)),
        opened_at: at(0),
        holder: holder.map(|member| Holder {
            member: MemberId::trusted(member),
            instead_of: None,
            since: at(1),
            delegated_by: None,
            object_until: None,
        }),
        checked: Vec::new(),
        extension_request: None,
        extensions_granted: 0,
        objection: None,
        supplement: None,
        supplements_asked: 0,
        end: None,
    })
}

/// An event that says something.
pub(crate) fn said(time: Timestamp, text: &str) -> Event {
    Event { time, due_at: None, payload: Payload::CommentAdded { task: None, text: text.into() } }
}

/// Brings a project to its next version and tells so in `events` events. With a checkpoint.
pub(crate) fn advance(store: &dyn Store, project: &mut Instance, events: usize) -> Write {
    let mut write = advance_without_body(store, project, events);
    write.body = Some(Arc::new(project.clone()));
    write
}

/// The same, without a checkpoint.
pub(crate) fn advance_without_body(
    store: &dyn Store,
    project: &mut Instance,
    events: usize,
) -> Write {
    project.version += 1;
    project.revision += 1;
    project.updated_at = at(i64::try_from(project.version).expect("few versions"));
    let time = project.updated_at;
    let text = |event: usize| format!("{} v{} e{event}", project.id, project.version);
    let record = Record {
        stamp: Some(stamp(project)),
        time,
        actor: Actor::System,
        request: None,
        events: (0..events).map(|event| said(time, &text(event))).collect(),
    };
    Write {
        partition: store.partition_of(&project.id),
        record: Arc::new(record),
        header: Some(project.header(&[FieldId::trusted("industry")])),
        body: None,
    }
}

pub(crate) fn stamp(project: &Instance) -> Stamp {
    Stamp {
        instance: project.id.clone(),
        workflow: project.workflow.clone(),
        workflow_version: project.workflow_version,
        version: project.version,
        revision: project.revision,
    }
}

pub(crate) fn document(key: &str, content: Option<&[u8]>) -> DocumentWrite {
    DocumentWrite { key: key.to_owned(), content: content.map(<[u8]>::to_vec) }
}

pub(crate) fn commit(store: &dyn Store, writes: Vec<Write>) -> Result<Committed, Error> {
    store.commit(Batch { writes, ..Batch::default() })
}

/// Writes a project's next version and gives the number of its first event.
pub(crate) fn write_next(store: &dyn Store, project: &mut Instance, events: usize) -> Seq {
    let write = advance(store, project, events);
    commit(store, vec![write]).expect("nobody else writes").first_seqs[0]
}

/// What was said, in order, with the number of each record.
pub(crate) fn texts(records: &[Numbered]) -> Vec<(u64, Vec<String>)> {
    let text = |event: &Event| match &event.payload {
        Payload::CommentAdded { text, .. } => text.clone(),
        other => other.kind().to_owned(),
    };
    let told = |numbered: &Numbered| {
        (numbered.first_seq.0, numbered.record.events.iter().map(text).collect())
    };
    records.iter().map(told).collect()
}

/// A project whose only clock has this alarm.
pub(crate) fn due_at(name: &str, due: Timestamp) -> Instance {
    let mut project = project(name);
    project.clocks = vec![Arc::new(Clock {
        number: ClockNumber(1),
        id: ClockId::trusted("stage"),
        owner: ClockOwner::Stage(StageId::trusted("signing")),
        kind: ClockKind::Within,
        limit: Limit::Amount(Amount { count: 5, unit: Unit::WorkingDays }),
        policy: None,
        started_at: at(0),
        excluded: Vec::new(),
        extended: Vec::new(),
        extension_request: None,
        epoch: 1,
        due_originally: due,
        plan: Plan {
            due,
            provisional: false,
            schedule: vec![Scheduled { alarm: Alarm::Due, at: due }],
        },
        paused: Vec::new(),
        at_risk_at: None,
        breached_at: None,
        fired: Vec::new(),
        calm_runs: 0,
    })];
    project
}

/// A query without a filter.
pub(crate) fn all(order: Order) -> Query {
    Query { order, limit: 100, ..Query::default() }
}

/// Everything a store answers, as text: equal stores have equal pictures.
pub(crate) fn picture(store: &dyn Store) -> Result<String, Error> {
    use std::fmt::Write as _;
    let mut picture = String::new();
    let mut add = |title: &str, what: &dyn std::fmt::Debug| {
        writeln!(picture, "{title}: {what:?}").expect("writing into a text succeeds");
    };
    let headers = store.query(&Query { limit: usize::MAX, ..Query::default() })?;
    for header in &headers {
        add("loaded", &store.load(&header.id)?);
        add("header", &(store.header(&header.id)?, header));
        add("history", &store.history(&header.id, None, usize::MAX)?);
    }
    for (partition, last) in (0..).zip(store.last_seqs()?) {
        add("last", &last);
        add("events", &store.events_after(Partition(partition), Seq(0), usize::MAX)?);
    }
    for order in [Order::CreatedDescending, Order::NextDue] {
        let ordered = store.query(&Query { order, limit: usize::MAX, ..Query::default() })?;
        add("ordered", &ordered.iter().map(|header| header.id.clone()).collect::<Vec<_>>());
    }
    add("due", &store.due(Timestamp(i64::MAX), usize::MAX)?);
    add("next due", &store.next_due()?);
    add("documents", &store.documents("")?);
    add("clock", &store.clock()?);
    Ok(picture)
}
