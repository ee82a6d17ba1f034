//! `cargo bench --bench service`: everything that was to be reached, measured on the real service.
//!
//! The server is the release binary on a store on the disk, with real fsyncs; the echo, and every
//! client, is a process of its own: this program once more. `docs/performance.md` tells how to run
//! it and what it has shown.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark measures time, makes files and prints what it saw"
)]

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand, ValueEnum};

mod report;

mod throughput;

mod latency;

mod drive;

mod core;

mod scale;

mod storm;

mod feed;

mod disk;

mod client;
mod driving;
mod echo;
mod pairs;
mod probe;
mod process;
mod subscribers;
mod traced;

mod dataset;
mod plan;
mod world;

mod machine;
mod measure;

use report::Row;

/// That of the server: the echo and the clients are not to be slower for their allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the service: durable completions against a bare echo, and the rest of the table
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    run: Run,
}

/// The other processes of a run.
#[derive(Debug, Subcommand)]
enum Part {
    /// Answers every completion alike
    #[command(hide = true)]
    Echo { answer: String },
    /// Puts load on a server
    #[command(hide = true, subcommand)]
    Client(Task),
}

/// What a client does.
#[derive(Debug, Subcommand)]
enum Task {
    /// Completes what a plan says
    Complete(client::Orders),
    /// Completes one at a time, and compares
    Pairs(pairs::Orders),
    /// Completes one at a time before a storm and during it
    Probe(probe::Orders),
    /// Subscribes many times and counts
    Count(subscribers::CountOrders),
    /// Subscribes and looks how late events are
    Lag(subscribers::LagOrders),
}

/// What is measured, and how long.
#[derive(Debug, Clone, clap::Args)]
struct Run {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Only these groups of rows
    #[arg(long, value_enum, value_delimiter = ',', value_name = "GROUPS")]
    only: Vec<Rows>,
    /// Short rounds and few of them: for development, not for figures
    #[arg(long)]
    quick: bool,
    /// Rounds of each kind, echo and service in turn [default: 5, quick: 2]
    #[arg(long)]
    rounds: Option<usize>,
    /// Of which chance instances, people and orders are
    #[arg(long, default_value_t = 20_250_106)]
    seed: u64,
    /// Where stores are made: it must be on a real disk. Kept data sets in it are used again for an
    /// hour [default: a directory that is removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

/// A group of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// Completions at 256 in flight: rate, fsyncs, bytes
    Throughput,
    /// The same over a stream
    Drive,
    /// One completion at a time
    Latency,
    /// The engine alone
    Core,
    /// A million instances: throughput, start-up, memory
    Scale,
    /// A hundred thousand clocks at once, requests meanwhile, and the lag of a single one
    Storm,
    /// Events to a hundred subscribers
    Feed,
    /// What a completion leaves on the disk
    Disk,
}

/// What the measurements know of the run.
struct Bench {
    work: PathBuf,
    rounds: usize,
    quick: bool,
    seed: u64,
}

impl Bench {
    /// A length, shortened for a quick run.
    fn shortened(&self, whole: f64) -> f64 {
        if self.quick { whole / 4.0 } else { whole }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.part {
        None => measure_all(&arguments.run),
        Some(Part::Echo { answer }) => echo::run(&answer),
        Some(Part::Client(task)) => do_task(&task),
    }
}

fn do_task(task: &Task) -> Result<()> {
    match task {
        Task::Complete(orders) => client::run(orders),
        Task::Pairs(orders) => pairs::run(orders),
        Task::Probe(orders) => probe::run(orders),
        Task::Count(orders) => subscribers::count(orders),
        Task::Lag(orders) => subscribers::lag(orders),
    }
}

fn measure_all(run: &Run) -> Result<()> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(scratch)?;
    // Removed at the end, with what is in it.
    let own = tempfile::tempdir_in(scratch)?;
    let work = match &run.data {
        Some(directory) => std::path::absolute(directory)?,
        None => own.path().to_owned(),
    };
    std::fs::create_dir_all(&work)?;
    ensure!(!machine::is_memory(&work), "{}: an fsync costs nothing in memory", work.display());
    eprintln!("{}", machine::described(&work));
    let rounds = run.rounds.unwrap_or(if run.quick { 2 } else { 5 });
    let bench = Bench { work, rounds, quick: run.quick, seed: run.seed };
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for group in Rows::value_variants() {
        if run.only.is_empty() || run.only.contains(group) {
            // What the others have measured is shown all the same.
            match measure(*group, &bench) {
                Ok(measured) => rows.extend(measured),
                Err(error) => failed.push(format!("{group:?}: {error:#}")),
            }
        }
    }
    let rows = report::in_order(rows);
    if run.json {
        println!("{}", serde_json::to_string_pretty(&report::json(&rows))?);
    } else {
        println!("{}", report::text(&rows));
    }
    ensure!(failed.is_empty(), "not everything could be measured:\n{}", failed.join("\n"));
    Ok(())
}

fn measure(group: Rows, bench: &Bench) -> Result<Vec<Row>> {
    match group {
        Rows::Throughput => throughput::measure(bench),
        Rows::Latency => latency::measure(bench),
        Rows::Drive => drive::measure(bench),
        Rows::Core => core::measure(bench),
        Rows::Scale => scale::measure(bench),
        Rows::Storm => storm::measure(bench),
        Rows::Feed => feed::measure(bench),
        Rows::Disk => disk::measure(bench),
    }
}
