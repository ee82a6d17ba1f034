//! Starting and stopping the runtime.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::definition::diagnostic::Diagnostic;
use crate::definition::sources::Sources;
use crate::definition::{compile, compile_published};
use crate::model::id::WorkflowId;
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::store::{self, Store};

use super::bell::Bell;
use super::cache::Cache;
use super::catalog::{Catalog, CatalogCell, LiveCalendar, Published};
use super::clock::Clock;
use super::committer::{Committer, Fatal, Group, Job, Verdict};
use super::documents;
use super::effects::Effects;
use super::feed::Feed;
use super::hand_over::{self, HandOvers};
use super::handle::Handle;
use super::mailbox::Mailbox;
use super::past::Past;
use super::publish::{PublishError, texts};
use super::roster;
use super::shared::{ClockJump, Shared};
use super::stats::Counters;
use super::timers::Timers;
use super::watch::Watch;
use super::worker::Worker;

/// Groups that may wait for the committer.
const COMMITTER_QUEUE: usize = 64;

/// How the runtime works.
#[derive(Clone)]
pub struct Options {
    /// Worker threads. Default: 4.
    pub workers: usize,
    /// Commands that may wait for one worker. Default: [`limits::MAILBOX_COMMANDS_MAX`].
    pub mailbox_commands_max: usize,
    /// Instances held in memory, all workers together. Default: 20,000.
    pub cached_instances_max: usize,
    /// Events that live readers may lag behind before they are served from the store. Default and
    /// most: [`limits::STREAM_LAG_EVENTS_MAX`].
    pub feed_events_max: usize,
    /// After so long without an event a reader gets a heartbeat. Default: 15 s.
    pub heartbeat: Duration,
    /// Whether commands are served although the clock is far past the store's last reading.
    /// Default: no.
    pub catch_up: bool,
    /// What to do when the store cannot be trusted any more, or a thread has panicked. Default: log
    /// and abort the process.
    pub fatal: Fatal,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 4,
            mailbox_commands_max: limits::MAILBOX_COMMANDS_MAX,
            cached_instances_max: 20_000,
            feed_events_max: limits::STREAM_LAG_EVENTS_MAX,
            heartbeat: Duration::from_secs(15),
            catch_up: false,
            fatal: Arc::new(abort),
        }
    }
}

/// Where the workflows and rules come from.
#[derive(Debug, Clone)]
pub enum Configuration {
    /// These files, such as [`Sources::embedded`].
    Files(Sources),
    /// A directory, watched for edits.
    Directory(PathBuf),
}

/// Why the runtime did not start.
#[derive(Debug)]
pub enum StartError {
    /// The store was made with the other kind of clock.
    OtherClock {
        /// Whether the store's is simulated.
        store_is_simulated: bool,
    },
    /// The configuration's directory cannot be read or watched.
    Directory(String),
    /// The configuration has errors, and the store holds no workflow that could be served instead.
    Configuration {
        /// The findings.
        diagnostics: Vec<Diagnostic>,
        /// The files that they point into.
        sources: Sources,
    },
    /// A published version does not compile any more: a defect of this version of the program.
    Published {
        /// The workflow.
        workflow: WorkflowId,
        /// The version.
        version: u32,
        /// The findings.
        diagnostics: Vec<Diagnostic>,
    },
    /// The store failed.
    Store(store::Error),
    /// A thread could not be started.
    Thread(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherClock { store_is_simulated: true } => {
                write!(out, "the store was made with a simulated clock: serve it with one")
            }
            Self::OtherClock { store_is_simulated: false } => {
                write!(out, "the store was made with the real clock: serve it with that")
            }
            Self::Directory(what) => write!(out, "reading the configuration: {what}"),
            Self::Configuration { diagnostics, .. } => {
                write!(out, "the configuration has errors ({} findings)", diagnostics.len())
            }
            Self::Published { workflow, version, .. } => {
                write!(out, "version {version} of `{workflow}` does not compile any more")
            }
            Self::Store(error) => write!(out, "{error}"),
            Self::Thread(error) => write!(out, "starting a thread: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<store::Error> for StartError {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// The running threads. Dropping it without [`Runtime::shutdown`] leaves them to the process.
pub struct Runtime {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    timers: Option<JoinHandle<()>>,
    hand_overs: Option<JoinHandle<()>>,
    committer: JoinHandle<()>,
    watch: Option<Watch>,
}

impl Runtime {
    /// Starts everything: takes the configuration, starts the threads, catches up on what fell due.
    #[expect(clippy::needless_pass_by_value, reason = "the runtime owns what it runs on")]
    pub fn start(
        options: Options,
        store: Arc<dyn Store>,
        clock: Clock,
        configuration: Configuration,
    ) -> Result<(Self, Handle), StartError> {
        let store_is_simulated = store.identity().simulated_clock;
        if clock.is_simulated() != store_is_simulated {
            return Err(StartError::OtherClock { store_is_simulated });
        }
        let last = store.clock()?;
        if let Some(last) = last {
            clock.move_to(last);
        }
        let clock_jump = last
            .map(|last| ClockJump { last, now: clock.now() })
            .filter(|jump| jump.now.ms_since(jump.last) > limits::CLOCK_JUMP_MS_MAX)
            .filter(|_| !options.catch_up && !store_is_simulated);
        let (jobs, waiting) = sync_channel(COMMITTER_QUEUE);
        let shared = build_shared(&options, &store, &clock, clock_jump, jobs)?;
        let committer = start_committer(&shared, waiting)?;
        let mut runtime = Self {
            shared,
            workers: Vec::new(),
            timers: None,
            hand_overs: None,
            committer,
            watch: None,
        };
        match runtime.begin(&options, &configuration) {
            Ok(()) => {
                let handle = Handle::new(Arc::clone(&runtime.shared));
                Ok((runtime, handle))
            }
            Err(error) => {
                runtime.shutdown();
                Err(error)
            }
        }
    }

    /// Takes no commands any more, works off what waits, answers, ends the readers of the feed and
    /// all threads. Blocks until that is done.
    pub fn shutdown(self) {
        self.shared.draining.store(true, Ordering::Relaxed);
        drop(self.watch);
        self.shared.bell.stop();
        self.shared.hand_overs.close();
        for inbox in &self.shared.inboxes {
            inbox.close();
        }
        // A thread that panicked said so itself; there is nobody left to be told here.
        if let Some(timers) = self.timers {
            let _ = timers.join();
        }
        for worker in self.workers {
            let _ = worker.join();
        }
        // Whatever it asked of the workers has been answered; the committer still takes its notes.
        if let Some(hand_overs) = self.hand_overs {
            let _ = hand_overs.join();
        }
        let _ = self.shared.committer.send(Job::Stop);
        let _ = self.committer.join();
        self.shared.feed.close();
    }

    fn begin(
        &mut self,
        options: &Options,
        configuration: &Configuration,
    ) -> Result<(), StartError> {
        let shared = &self.shared;
        if let Some(ClockJump { last, now }) = shared.clock_jump {
            tracing::error!(
                %last, %now,
                "the clock jumped: commands are refused until started with --catch-up"
            );
        } else {
            store_clock_and_past(shared)?;
            take_configuration(shared, configuration)?;
            let timers = Timers::new(Arc::clone(shared));
            self.timers = Some(spawn("timers", &shared.fatal, move || timers.run())?);
        }
        let held_max = options.cached_instances_max / shared.inboxes.len();
        for (at, inbox) in shared.inboxes.iter().enumerate() {
            let worker = Worker {
                shared: Arc::clone(shared),
                inbox: Arc::clone(inbox),
                committer: shared.committer.clone(),
                cache: Cache::new(held_max),
            };
            self.workers.push(spawn(&format!("worker-{at}"), &shared.fatal, move || worker.run())?);
        }
        if shared.clock_jump.is_none() {
            let at_work = Arc::clone(shared);
            let going = move || hand_over::run(&at_work);
            self.hand_overs = Some(spawn("hand-overs", &shared.fatal, going)?);
        }
        if let (Configuration::Directory(directory), None) = (configuration, shared.clock_jump) {
            let watch = Watch::start(directory, Arc::clone(shared));
            let watch = watch.map_err(|error| StartError::Directory(error.to_string()))?;
            self.watch = Some(watch);
        }
        Ok(())
    }
}

fn abort(what: &str) {
    tracing::error!(error = what, "the process cannot go on: stopping without answers");
    std::process::abort();
}

/// Starts a thread. One that panics leaves its work undone, perhaps for ever: the process stops,
/// and what is durable is found again at the next start.
fn spawn(
    name: &str,
    fatal: &Fatal,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StartError> {
    let fatal = Arc::clone(fatal);
    let named = name.to_owned();
    let guarded = move || {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            fatal(&format!("the thread `{named}` panicked"));
        }
    };
    Builder::new().name(name.to_owned()).spawn(guarded).map_err(StartError::Thread)
}

fn build_shared(
    options: &Options,
    store: &Arc<dyn Store>,
    clock: &Clock,
    clock_jump: Option<ClockJump>,
    committer: SyncSender<Job>,
) -> Result<Arc<Shared>, StartError> {
    let catalog = read_catalog(store.as_ref())?;
    let last = store.last_seqs()?.into_iter().map(|seq| seq.0).collect();
    let (lag, fatal) = (options.feed_events_max, Arc::clone(&options.fatal));
    let feed = Feed::new(Arc::clone(store), last, lag, options.heartbeat, fatal);
    let inbox = || Arc::new(Mailbox::new(options.mailbox_commands_max));
    let inboxes: Vec<_> = (0..options.workers.max(1)).map(|_| inbox()).collect();
    let effects = Effects {
        store: Arc::clone(store),
        inboxes: inboxes.clone(),
        under_way: Arc::default(),
        refusals: Mutex::default(),
    };
    let shared = Shared {
        store: Arc::clone(store),
        clock: clock.clone(),
        started_at: clock.now(),
        catalog: CatalogCell::new(catalog),
        inboxes,
        committer,
        effects: Arc::new(effects),
        feed: Arc::new(feed),
        loads: Arc::new(ArcSwap::new(store.loads()?)),
        bell: Arc::new(Bell::default()),
        hand_overs: HandOvers::read(store.as_ref(), clock_jump.is_none())?,
        counters: Arc::new(Counters::default()),
        fatal: Arc::clone(&options.fatal),
        clock_jump,
        draining: AtomicBool::new(false),
        backing_up: AtomicBool::new(false),
    };
    Ok(Arc::new(shared))
}

fn start_committer(shared: &Shared, jobs: Receiver<Job>) -> Result<JoinHandle<()>, StartError> {
    let committer = Committer {
        store: Arc::clone(&shared.store),
        clock: shared.clock.clone(),
        feed: Arc::clone(&shared.feed),
        loads: Arc::clone(&shared.loads),
        bell: Arc::clone(&shared.bell),
        effects: Arc::clone(&shared.effects),
        counters: Arc::clone(&shared.counters),
        fatal: Arc::clone(&shared.fatal),
    };
    spawn("committer", &shared.fatal, move || committer.run(&jobs))
}

/// The catalog as the store has it.
pub(super) fn read_catalog(store: &dyn Store) -> Result<Catalog, StartError> {
    let stored = documents::read(store)?;
    let mut catalog = Catalog::default();
    for (id, version, document) in stored.versions {
        let pinned = document.pinned();
        let workflow = compile_published(&pinned, version).map_err(|diagnostics| {
            StartError::Published { workflow: id.clone(), version, diagnostics }
        })?;
        let published_at = Timestamp(document.published_at_ms);
        let published = Published::new(workflow, published_at, pinned);
        let versions = catalog.workflows.entry(id).or_default();
        versions.versions.insert(version, Arc::new(published));
    }
    for (id, version) in stored.active {
        catalog.workflows.entry(id).or_default().active = Some(version);
    }
    for (id, digest) in stored.taken {
        catalog.workflows.entry(id).or_default().taken = Some(digest);
    }
    catalog.set_roster(roster::read(store)?);
    catalog.sources = stored.sources;
    if !catalog.sources.is_empty() {
        catalog.past = Past::new(stored.organizations);
        let compilation = compile(&texts(&catalog.sources));
        let live = LiveCalendar::all_of(compilation.calendars, &compilation.calendar_paths);
        let by_id = live.into_iter().map(|live| (live.calendar.id().clone(), live));
        catalog.calendars = by_id.collect();
        catalog.set_organization(compilation.organization);
        catalog.organization_digest = compilation.organization_digest;
        catalog.ledgers = Arc::new(compilation.ledgers);
    }
    Ok(catalog)
}

/// What is live and was never kept is written with the clock, before the configuration changes it:
/// an earlier version of the program kept nothing of the past.
fn store_clock_and_past(shared: &Shared) -> Result<(), StartError> {
    let documents = shared.catalog.snapshot().not_kept(shared.store.as_ref())?;
    let (done, verdict) = sync_channel(1);
    let group = Group { writes: Vec::new(), documents, before_shown: None, done };
    let unavailable = || store::Error::Unavailable("the clock could not be stored".to_owned());
    shared.committer.send(Job::Group(group)).map_err(|_| unavailable())?;
    match verdict.recv() {
        Ok(Verdict::Durable { .. }) => Ok(()),
        Ok(Verdict::Conflict(_) | Verdict::Unavailable) | Err(_) => Err(unavailable().into()),
    }
}

fn take_configuration(shared: &Shared, configuration: &Configuration) -> Result<(), StartError> {
    let (sources, findings) = match configuration {
        Configuration::Files(sources) => (sources.clone(), Vec::new()),
        Configuration::Directory(directory) => Sources::read_dir(directory)
            .map_err(|error| StartError::Directory(format!("{}: {error}", directory.display())))?,
    };
    match shared.catalog.take_configuration(shared, &sources, findings) {
        Ok(_) => Ok(()),
        Err(PublishError::Rejected(diagnostics)) => {
            // What was live stays live.
            if shared.catalog.snapshot().workflows().next().is_some() {
                return Ok(());
            }
            Err(StartError::Configuration { diagnostics, sources })
        }
        Err(error) => Err(store::Error::Unavailable(error.to_string()).into()),
    }
}
