//! The client that compares: one completion of the service, then one bare fdatasync and one call of
//! the echo, again and again. Interleaved, both meet the same machine.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use serde::{Deserialize, Serialize};

use crate::client::{calls, connect, tell};
use crate::measure::percentile;
use crate::plan::Plan;

/// What the disk has to take before the echo is asked.
const BLOCK: [u8; 4096] = [0x5a; 4096];
/// Blocks of the file: they lie on the disk already, so that a sync writes the block and no more.
const BLOCKS: u64 = 4096;
/// Pairs before it is measured.
const WARM_UP: usize = 200;

/// What a client is to do.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Orders {
    /// The service's address.
    #[arg(long)]
    service: String,
    /// The echo's address.
    #[arg(long)]
    echo: String,
    /// The plan.
    #[arg(long)]
    plan: PathBuf,
    /// Of which chance the order of instances is.
    #[arg(long)]
    seed: u64,
    /// Completions that were sent by earlier clients.
    #[arg(long)]
    skip: usize,
    /// So many pairs.
    #[arg(long)]
    pairs: usize,
    /// The file that is written and synced, on the disk of the store.
    #[arg(long)]
    file: PathBuf,
}

/// What a client saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Compared {
    pub(crate) service_p50_ns: u64,
    pub(crate) service_p99_ns: u64,
    /// One fdatasync of 4 KiB and one call of the echo, together.
    pub(crate) bare_p50_ns: u64,
    pub(crate) bare_p99_ns: u64,
    pub(crate) sync_p99_ns: u64,
    pub(crate) echo_p99_ns: u64,
    pub(crate) taken: usize,
}

/// Compares, and reports on standard output.
pub(crate) fn run(orders: &Orders) -> Result<()> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let compared = threads.block_on(compare(orders))?;
    tell(&serde_json::to_string(&compared)?)
}

async fn compare(orders: &Orders) -> Result<Compared> {
    let plan = Plan::read(&orders.plan)?;
    let calls = calls(&plan)?;
    let mut service = TaskServiceClient::new(connect(&orders.service).await?);
    let mut echo = TaskServiceClient::new(connect(&orders.echo).await?);
    let file = blocks(&orders.file)?;
    let (mut served, mut synced, mut echoed) = (Vec::new(), Vec::new(), Vec::new());
    let taken = WARM_UP + orders.pairs;
    let sent = plan.order(orders.seed).skip(orders.skip).take(taken);
    for (number, (instance, step)) in (0..).zip(sent) {
        let call = &calls[instance as usize % calls.len()][step];
        let begun = Instant::now();
        service.complete(call.for_instance(instance, step)).await?;
        served.push(nanoseconds(begun)?);
        let begun = Instant::now();
        file.write_all_at(&BLOCK, number % BLOCKS * BLOCK.len() as u64)?;
        file.sync_data()?;
        synced.push(nanoseconds(begun)?);
        let begun = Instant::now();
        echo.complete(call.for_instance(instance, step)).await?;
        echoed.push(nanoseconds(begun)?);
    }
    let bare: Vec<u64> = synced.iter().zip(&echoed).map(|(sync, echo)| sync + echo).collect();
    let [served, bare, synced, echoed] = [served, bare, synced, echoed].map(measured);
    Ok(Compared {
        service_p50_ns: percentile(&served, 500),
        service_p99_ns: percentile(&served, 990),
        bare_p50_ns: percentile(&bare, 500),
        bare_p99_ns: percentile(&bare, 990),
        sync_p99_ns: percentile(&synced, 990),
        echo_p99_ns: percentile(&echoed, 990),
        taken,
    })
}

/// A file that is on the disk in its whole length.
fn blocks(path: &Path) -> Result<File> {
    let file = File::create(path)?;
    for number in 0..BLOCKS {
        file.write_all_at(&BLOCK, number * BLOCK.len() as u64)?;
    }
    file.sync_all()?;
    Ok(file)
}

fn measured(readings: Vec<u64>) -> Vec<u64> {
    let mut sorted: Vec<u64> = readings.into_iter().skip(WARM_UP).collect();
    sorted.sort_unstable();
    sorted
}

fn nanoseconds(begun: Instant) -> Result<u64> {
    Ok(u64::try_from(begun.elapsed().as_nanos())?)
}
