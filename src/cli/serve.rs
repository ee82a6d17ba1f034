//! `sanbang serve`: the one place that wires store, runtime and gRPC together.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tracing::subscriber::set_global_default;
use tracing_subscriber::EnvFilter;

use crate::api::server::{self, Bound};
use crate::definition::render;
use crate::definition::sources::Sources;
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::runtime::{Clock, Configuration, Handle, Options, Runtime, StartError};
use crate::store::Store;
use crate::store::sled::{Options as StoreOptions, RECENT_EVENTS, SledStore};

use super::exit::{ExitStatus, Failure};
use super::print::note;

/// How a server announces where it listens, on standard error.
pub(super) const LISTENING: &str = "listening on http://";

/// How long reads that are under way keep a server that stops.
const READING_MAX: Duration = Duration::from_secs(1);

/// Run a server
#[derive(Debug, Args)]
#[command(
    after_help = "Until there is authentication it listens on loopback alone, and believes the
metadata key `sanbang-actor`. It stops on SIGINT and SIGTERM: takes nothing new, answers what was
asked, ends the streams.

Examples:
  $ sanbang serve
  $ sanbang serve --data demo-data --clock simulated@2025-01-06T09:00+08:00 --log json"
)]
pub(super) struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:7420", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The directory of the store; made where it does not exist
    #[arg(long, default_value = "data", value_name = "DIR")]
    data: PathBuf,
    /// A directory that holds `workflows/` and `rules/`, watched for edits [default: the current
    /// one if it does, otherwise the files that come with the program]
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// `real`, or for demonstrations and tests `simulated`, `simulated@2025-01-06T09:00+08:00`
    #[arg(long, default_value = "real", value_parser = parse_clock, value_name = "CLOCK")]
    clock: ClockChoice,
    /// Go on although the clock is more than 30 days past its last reading
    #[arg(long)]
    catch_up: bool,
    /// How the log is written, on standard error
    #[arg(long, value_enum, default_value = "text")]
    log: LogFormat,
    /// What is logged, such as `info` or `sanbang::runtime=debug`
    #[arg(long, env = "SANBANG_LOG", default_value = "info", value_name = "FILTER")]
    log_filter: String,
    /// How many of the last events of a partition are read on opening; for tests
    #[arg(long, env = "SANBANG_RECENT_EVENTS", default_value_t = RECENT_EVENTS, hide = true)]
    recent_events: u64,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

/// Which clock.
#[derive(Debug, Clone, Copy)]
enum ClockChoice {
    Real,
    /// From this instant on, or from the store's last reading if that is later.
    Simulated(Timestamp),
}

fn parse_clock(text: &str) -> Result<ClockChoice, String> {
    match text.split_once('@') {
        None if text == "real" => Ok(ClockChoice::Real),
        // Where nothing is said, the store's last reading; a new store begins with 1970.
        None if text == "simulated" => Ok(ClockChoice::Simulated(Timestamp(0))),
        Some(("simulated", instant)) => {
            let instant: jiff::Timestamp = instant.parse().map_err(
                |_| "write the instant with its offset, such as `simulated@2025-01-06T09:00+08:00`",
            )?;
            Ok(ClockChoice::Simulated(Timestamp(instant.as_millisecond())))
        }
        _ => Err("it is `real`, `simulated` or `simulated@INSTANT`".to_owned()),
    }
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.start_log()?;
        let threads = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(limits::READING_THREADS_MAX)
            .build()
            .context("starting the threads of the server")?;
        // An address that cannot be had is known before the store is touched.
        let options = server::Options { address: self.listen };
        let bound = threads.block_on(server::bind(&options)).context("starting the server")?;
        let (clock, simulated_clock) = match self.clock {
            ClockChoice::Real => (Clock::real(), false),
            ClockChoice::Simulated(from) => (Clock::simulated(from), true),
        };
        let options = StoreOptions {
            directory: self.data.clone(),
            simulated_clock,
            recent_events: self.recent_events,
        };
        let store = SledStore::open(&options)
            .with_context(|| format!("opening the store in `{}`", self.data.display()))?;
        let store: Arc<dyn Store> = Arc::new(store);
        let fatal = Arc::new(stop_at_once);
        let options = Options { catch_up: self.catch_up, fatal, ..Options::default() };
        let started = Runtime::start(options, store, clock, self.configuration());
        let (runtime, handle) = started.map_err(not_started)?;
        let served = threads.block_on(serve(bound, handle));
        runtime.shutdown();
        // Whoever still reads the store for a client that was cut off is not waited for long.
        threads.shutdown_timeout(READING_MAX);
        tracing::info!("stopped");
        served
    }

    fn start_log(&self) -> Result<(), Failure> {
        let filter = EnvFilter::try_new(&self.log_filter)
            .with_context(|| format!("`{}` is no filter of a log", self.log_filter))?;
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        // Not `init`: that listens to what libraries log, and the store does.
        let set = match self.log {
            LogFormat::Text => set_global_default(log.with_ansi(false).finish()),
            LogFormat::Json => set_global_default(log.json().finish()),
        };
        set.context("the log began already")?;
        Ok(())
    }

    fn configuration(&self) -> Configuration {
        let here = Path::new(".");
        let is_here = here.join("workflows").is_dir() || here.join("rules").is_dir();
        match &self.config {
            Some(directory) => Configuration::Directory(directory.clone()),
            None if is_here => Configuration::Directory(here.to_owned()),
            None => Configuration::Files(Sources::embedded()),
        }
    }
}

/// Answers until it is asked to stop.
async fn serve(bound: Bound, handle: Handle) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    note(&format!("{LISTENING}{}", bound.address()));
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("stopping: nothing new is taken");
    };
    bound.serve(handle, stop).await.context("serving")?;
    Ok(())
}

/// The store cannot be trusted any more: nobody is answered, and nothing is closed in order, since
/// that would write. The first to find out tells it.
#[expect(clippy::exit, clippy::disallowed_methods, reason = "there is nothing to go back to")]
fn stop_at_once(what: &str) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::error!(error = what, "stopping at once: what was not answered yet never will be");
        std::process::exit(i32::from(ExitStatus::Stopped.number()));
    });
}

/// Findings are told as `sanbang check` tells them, everything else as an error.
fn not_started(error: StartError) -> Failure {
    let StartError::Configuration { diagnostics, sources } = &error else {
        return Failure::NotTried(anyhow::Error::new(error).context("starting the server"));
    };
    note(render::human(diagnostics, sources, render::Style::Plain).trim_end());
    note("error: the configuration has errors, and the store holds no workflow to go on with");
    Failure::No
}
