//! The handle: everything that an edge may ask of the runtime, cheap to clone.
//!
//! A command, a look at one instance: through the mailbox of its worker. Lists, history and events:
//! from the store. Nothing here decides.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot};

use crate::definition::compiled::Workflow;
use crate::engine::{self, AlarmPreview, Deadline};
use crate::ledger::{Line, Report, Sheet};
use crate::model::actor::Actor;
use crate::model::id::{InstanceId, MemberId, WorkflowId};
use crate::model::instance::{Header, Instance};
use crate::model::limits;
use crate::model::roster::RosterAction;
use crate::model::time::Timestamp;
use crate::model::value::Values;
use crate::store::{self, Identity, Numbered, Query, Seq, Store};

use super::answer::{AdvanceClockError, Answer, ReadError, SubmitError, View};
use super::backup::{self, BackupRefusal, Piece};
use super::bell::Move;
use super::catalog::Catalog;
use super::clock::Stopwatch;
use super::feed::{EventPage, FeedError, Start, Subscription};
use super::hand_over::{self, Following, HandOverOrder, HandOverPage, HandOverQuery};
use super::ledgers::{self, IndicatorQuestion, LedgerError, LedgerQuestion, Reading};
use super::mailbox::Full;
use super::pipeline::{Pipeline, Reply};
use super::publish::{Activation, Publication, PublishError, SourceFile, Validation};
use super::replay::Filter;
use super::roster::RosterError;
use super::shared::{ClockJump, Shared};
use super::similar::{self, Likeness};
use super::stats::{Stats, count};
use super::wished::Wished;
use super::worker::{CommandRequest, Request, ViewRequest};
use super::workload::{self, Workload};

/// Records read at once while collecting what happened since a revision.
const HISTORY_PAGE: usize = 64;

/// The way into the runtime.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// What there is to know about the service itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// What the store was made with.
    pub identity: Identity,
    /// The time now.
    pub now: Timestamp,
    /// Since when the process runs, by the same clock.
    pub started_at: Timestamp,
    /// When something happens next.
    pub next_due: Option<Timestamp>,
    /// Why commands are refused.
    pub clock_jump: Option<ClockJump>,
    /// Whether the service is shutting down.
    pub draining: bool,
    /// What needs somebody's attention; empty: nothing does.
    pub warnings: Vec<String>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Has a command decided. The answer comes once it is durable, and so does a refusal once
    /// everything is durable that it rests on.
    pub async fn submit(
        &self,
        instance: InstanceId,
        wished: impl Into<Wished>,
    ) -> Result<Answer, SubmitError> {
        if let Some(ClockJump { last, now }) = self.shared.clock_jump {
            return Err(SubmitError::ClockJumped { last, now });
        }
        let (reply, answer) = oneshot::channel();
        let inbox = self.shared.inbox_of(&instance);
        let since = Stopwatch::start();
        let reply = Reply::Awaited(reply);
        let request = CommandRequest { instance, wished: wished.into(), since, reply };
        let offered = inbox.offer(Request::Command(Box::new(request)));
        offered.map_err(|full| SubmitError::from(self.counted(full)))?;
        answer.await.unwrap_or(Err(SubmitError::Unavailable))
    }

    /// A way to have many commands under way at once.
    pub fn pipeline(&self) -> Pipeline {
        Pipeline::new(Arc::clone(&self.shared))
    }

    /// An instance as it is durable, with its workflow; the caller's own writes are in it.
    pub async fn view(&self, instance: &InstanceId) -> Result<Option<View>, ReadError> {
        let (reply, answer) = oneshot::channel();
        let inbox = self.shared.inbox_of(instance);
        let request = ViewRequest { instance: instance.clone(), reply };
        let offered = inbox.offer(Request::View(request));
        offered.map_err(|full| ReadError::from(self.counted(full)))?;
        answer.await.unwrap_or(Err(ReadError::Unavailable))
    }

    /// Why each clock of an instance is due when it is; none: there is no such instance.
    pub async fn explain_deadlines(
        &self,
        instance: &InstanceId,
    ) -> Result<Option<Vec<Deadline>>, ReadError> {
        self.explain(instance, engine::explain_deadlines).await
    }

    /// What would fire, and when, if the instance were resumed now; none: there is no such
    /// instance.
    pub async fn preview_resume(
        &self,
        instance: &InstanceId,
    ) -> Result<Option<Vec<AlarmPreview>>, ReadError> {
        self.explain(instance, engine::preview_resume).await
    }

    /// The headers of the instances that are asked for.
    pub async fn headers(&self, query: Query) -> Result<Vec<Header>, ReadError> {
        self.read(move |store| store.query(&query)).await
    }

    /// Instances that may be the same thing as one of this workflow with these fields, but for one,
    /// the first reporter first; at most [`limits::SIMILAR_MAX`].
    pub async fn similar(
        &self,
        workflow: &Workflow,
        fields: &Values,
        but: Option<InstanceId>,
    ) -> Result<Vec<Header>, ReadError> {
        let Some(likeness) = Likeness::of(workflow, fields) else { return Ok(Vec::new()) };
        self.read(move |store| similar::find(store, &likeness, but.as_ref())).await
    }

    /// An instance's records, latest first: those with a version below `before`, at most `limit`.
    pub async fn history(
        &self,
        instance: &InstanceId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Numbered>, ReadError> {
        let instance = instance.clone();
        self.read(move |store| store.history(&instance, before, limit)).await
    }

    /// An instance's records before the one whose first event has the number `than`, which must be
    /// its own; latest first, at most `limit`.
    pub async fn earlier(
        &self,
        instance: &InstanceId,
        than: Seq,
        limit: usize,
    ) -> Result<Vec<Numbered>, ReadError> {
        let instance = instance.clone();
        self.read(move |store| store.earlier(&instance, than, limit)).await
    }

    /// The kinds of what happened to an instance after it had this revision, in order: the first
    /// [`limits::KINDS_TOLD_MAX`].
    pub async fn kinds_since(
        &self,
        instance: &InstanceId,
        revision: u64,
    ) -> Result<Vec<&'static str>, ReadError> {
        let instance = instance.clone();
        self.read(move |store| kinds_since(store, &instance, revision)).await
    }

    /// One page of the events that are durable now, from the place that `start` names.
    pub async fn events(
        &self,
        start: Start,
        filter: Filter,
        limit: usize,
    ) -> Result<EventPage, FeedError> {
        let feed = Arc::clone(&self.shared.feed);
        let reading = tokio::task::spawn_blocking(move || feed.page(&start, &filter, limit));
        reading.await.unwrap_or(Err(FeedError::Unavailable))
    }

    /// Events from the place that `start` names on: first from the store, then live.
    pub fn subscribe(&self, start: &Start, filter: Filter) -> Result<Subscription, FeedError> {
        self.shared.feed.subscribe(start, filter)
    }

    /// A ledger as it is, or as it was at an instant.
    pub async fn ledger(&self, question: LedgerQuestion) -> Result<Sheet, LedgerError> {
        let reading = self.open_ledger(question).await?;
        self.finish_ledger(reading).await
    }

    /// Reads all the rest of a ledger.
    pub async fn finish_ledger(&self, reading: Reading) -> Result<Sheet, LedgerError> {
        self.read(move |store| reading.read_all(store)).await?
    }

    /// The same, to be read piece by piece: a reader that is slow holds no thread.
    pub async fn open_ledger(&self, question: LedgerQuestion) -> Result<Reading, LedgerError> {
        let as_of = ledgers::instant(question.as_of, self.now())?;
        let catalog = self.catalog();
        let open = move |store: &dyn Store| Reading::open(store, catalog, question, as_of);
        self.read(open).await?
    }

    /// Reads a ledger on, and gives the rows that stand already.
    pub async fn read_ledger(
        &self,
        mut reading: Reading,
    ) -> Result<(Reading, Vec<Line>), LedgerError> {
        self.read(move |store| {
            let read = reading.read_some(store)?;
            Ok(read.map(|rows| (reading, rows)))
        })
        .await?
    }

    /// Indicators as they are, or as they were at an instant, all from one reading of the store;
    /// with that instant.
    pub async fn indicators(
        &self,
        asked: IndicatorQuestion,
    ) -> Result<(Timestamp, Vec<Report>), LedgerError> {
        let as_of = ledgers::instant(asked.as_of, self.now())?;
        let catalog = self.catalog();
        let figures = move |store: &dyn Store| ledgers::figures(store, &catalog, asked, as_of);
        Ok((as_of, self.read(figures).await??))
    }

    /// The workflows, calendars and people as they are now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog.snapshot()
    }

    /// What would be found in these files, laid over those that are live; nothing is changed.
    pub async fn validate(&self, files: Vec<SourceFile>) -> Result<Validation, PublishError> {
        self.publishing(move |shared| shared.catalog.validate(files)).await
    }

    /// Takes these files over those that are live, if there is no error in them.
    pub async fn publish(
        &self,
        actor: Actor,
        files: Vec<SourceFile>,
    ) -> Result<Publication, PublishError> {
        self.publishing(move |shared| shared.catalog.publish(shared, actor, files)).await
    }

    /// Lets new instances take this version of a workflow, or none of it.
    pub async fn activate(
        &self,
        actor: Actor,
        workflow: WorkflowId,
        version: Option<u32>,
    ) -> Result<Activation, PublishError> {
        self.publishing(move |shared| shared.catalog.activate(shared, actor, &workflow, version))
            .await
    }

    /// Changes the roster; false: it stood so already.
    pub async fn change_roster(
        &self,
        actor: Actor,
        action: RosterAction,
    ) -> Result<bool, RosterError> {
        let shared = Arc::clone(&self.shared);
        let changing = tokio::task::spawn_blocking(move || {
            shared.catalog.change_roster(&shared, actor, &action)
        });
        changing.await.unwrap_or(Err(RosterError::NotTaken(PublishError::Internal)))
    }

    /// Begins a hand-over, or finds the one that the same request of the same actor began.
    pub async fn hand_over(
        &self,
        actor: Actor,
        order: HandOverOrder,
    ) -> Result<Following, RosterError> {
        let shared = Arc::clone(&self.shared);
        let beginning =
            tokio::task::spawn_blocking(move || hand_over::begin(&shared, actor, &order));
        beginning.await.unwrap_or(Err(RosterError::NotTaken(PublishError::Internal)))
    }

    /// A page of hand-overs, latest first; none: there is none after which they are to come.
    pub async fn hand_overs(
        &self,
        query: HandOverQuery,
    ) -> Result<Option<HandOverPage>, ReadError> {
        let shared = Arc::clone(&self.shared);
        self.read(move |store| hand_over::list(&shared.hand_overs, store, &query)).await
    }

    /// How much these members have to do.
    pub async fn workload(&self, members: Vec<MemberId>) -> Result<Vec<Workload>, ReadError> {
        let (catalog, now) = (self.catalog(), self.now());
        self.read(move |store| workload::read(store, &catalog, &members, now)).await
    }

    /// Moves a simulated clock forward, through everything that falls due on the way, in order.
    pub async fn advance_clock(&self, to: Timestamp) -> Result<Timestamp, AdvanceClockError> {
        if !self.shared.clock.is_simulated() {
            return Err(AdvanceClockError::NotSimulated);
        }
        let (reply, moved) = oneshot::channel();
        self.shared.bell.move_clock(Move { to, reply });
        moved.await.unwrap_or(Err(AdvanceClockError::Draining))
    }

    /// Begins a backup of everything that is durable now; `program` is the version of this one.
    /// Pieces come as fast as they are taken; dropping the receiver gives the backup up.
    pub fn backup(
        &self,
        program: &str,
    ) -> Result<mpsc::Receiver<Result<Piece, ReadError>>, BackupRefusal> {
        backup::begin(&self.shared, program)
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// What there is to know about the service itself.
    pub async fn info(&self) -> Result<Info, ReadError> {
        let next_due = self.read(Store::next_due).await?;
        Ok(Info {
            identity: self.shared.store.identity().clone(),
            now: self.shared.clock.now(),
            started_at: self.shared.started_at,
            next_due,
            clock_jump: self.shared.clock_jump,
            draining: self.shared.draining.load(Ordering::Relaxed),
            warnings: super::attention::warnings(&self.shared),
        })
    }

    /// What the runtime counts about itself.
    pub fn stats(&self) -> Stats {
        let waiting: usize = self.shared.inboxes.iter().map(|inbox| inbox.waiting()).sum();
        Stats {
            readers: self.shared.feed.readers() as u64,
            waiting: waiting as u64,
            ..self.shared.counters.read()
        }
    }

    fn counted(&self, full: Full) -> Full {
        if full == Full::Overloaded {
            count(&self.shared.counters.overloaded);
        }
        full
    }

    async fn explain<T>(
        &self,
        instance: &InstanceId,
        question: impl Fn(&engine::Context<'_>, &Arc<Instance>) -> T,
    ) -> Result<Option<T>, ReadError> {
        let Some(view) = self.view(instance).await? else { return Ok(None) };
        let catalog = self.shared.catalog.snapshot();
        let instance = &view.instance;
        let published = catalog.version(instance.workflow.as_str(), instance.workflow_version);
        let loads = self.shared.loads.load();
        let now = self.shared.clock.now();
        let context = published.and_then(|published| catalog.context(published, &loads, now));
        let context = context.ok_or(ReadError::Internal)?;
        Ok(Some(question(&context, instance)))
    }

    /// Reads the store on a thread that may wait for it.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, ReadError> {
        let shared = Arc::clone(&self.shared);
        let reading = tokio::task::spawn_blocking(move || {
            read(shared.store.as_ref()).map_err(|error| {
                if let store::Error::Corrupt(what) = &error {
                    (shared.fatal)(what);
                }
                tracing::error!(error = %error, "the store could not be read");
                ReadError::Unavailable
            })
        });
        reading.await.unwrap_or(Err(ReadError::Internal))
    }

    /// Works on the files that are live on a thread that may take its time.
    pub(super) async fn publishing<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Shared) -> Result<T, PublishError> + Send + 'static,
    ) -> Result<T, PublishError> {
        let shared = Arc::clone(&self.shared);
        let changing = tokio::task::spawn_blocking(move || change(&shared));
        changing.await.unwrap_or(Err(PublishError::Internal))
    }
}

fn kinds_since(
    store: &dyn Store,
    instance: &InstanceId,
    revision: u64,
) -> Result<Vec<&'static str>, store::Error> {
    let mut kinds = VecDeque::new();
    let mut page = store.history(instance, None, HISTORY_PAGE)?;
    while let Some(oldest) = page.last().map(|oldest| oldest.first_seq) {
        for Numbered { record, .. } in &page {
            if record.stamp.as_ref().is_none_or(|stamp| stamp.revision <= revision) {
                return Ok(kinds.into());
            }
            for event in record.events.iter().rev() {
                kinds.push_front(event.payload.kind());
            }
            // The first ones are told, and they come last.
            kinds.truncate(limits::KINDS_TOLD_MAX);
        }
        page = store.earlier(instance, oldest, HISTORY_PAGE)?;
    }
    Ok(kinds.into())
}
