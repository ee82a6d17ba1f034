//! The client that feels a storm: one completion at a time, all the while, and how long each took
//! before an instant and after it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use serde::{Deserialize, Serialize};

use crate::client::{BEGIN, calls, connect, tell};
use crate::measure::percentile;
use crate::plan::Plan;

/// Completions before anything counts.
const WARM_UP: usize = 50;

/// What a client is to do.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Orders {
    /// The server's address.
    #[arg(long)]
    url: String,
    /// The plan.
    #[arg(long)]
    plan: PathBuf,
    /// Of which chance the order of instances is.
    #[arg(long)]
    seed: u64,
    /// When the storm begins, in milliseconds since 1970.
    #[arg(long)]
    storm_ms: u128,
}

/// What a client saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Felt {
    pub(crate) calm: usize,
    pub(crate) calm_p50_ns: u64,
    pub(crate) calm_p99_ns: u64,
    pub(crate) storm: usize,
    pub(crate) storm_p50_ns: u64,
    pub(crate) storm_p99_ns: u64,
    pub(crate) storm_longest_ns: u64,
}

/// Completes one after the other until a line comes on standard input, and reports.
pub(crate) fn run(orders: &Orders) -> Result<()> {
    let over = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&over);
    std::thread::spawn(move || {
        // An end of the input ends it as well as a line.
        let _ = std::io::stdin().read_line(&mut String::new());
        heard.store(true, Ordering::Relaxed);
    });
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let felt = threads.block_on(feel(orders, &over))?;
    tell(&serde_json::to_string(&felt)?)
}

async fn feel(orders: &Orders, over: &AtomicBool) -> Result<Felt> {
    let plan = Plan::read(&orders.plan)?;
    let calls = calls(&plan)?;
    let mut service = TaskServiceClient::new(connect(&orders.url).await?);
    let (mut calm, mut storm) = (Vec::new(), Vec::new());
    for (number, (instance, step)) in plan.order(orders.seed).enumerate() {
        if number == WARM_UP {
            tell(BEGIN)?;
        }
        let in_storm = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() > orders.storm_ms;
        let call = &calls[instance as usize % calls.len()][step];
        let begun = Instant::now();
        service.complete(call.for_instance(instance, step)).await?;
        // What began before the end was sent while the storm was on.
        let took = u64::try_from(begun.elapsed().as_nanos())?;
        match in_storm {
            true => storm.push(took),
            false if number >= WARM_UP => calm.push(took),
            false => {}
        }
        if over.load(Ordering::Relaxed) {
            break;
        }
    }
    calm.sort_unstable();
    storm.sort_unstable();
    Ok(Felt {
        calm: calm.len(),
        calm_p50_ns: percentile(&calm, 500),
        calm_p99_ns: percentile(&calm, 990),
        storm: storm.len(),
        storm_p50_ns: percentile(&storm, 500),
        storm_p99_ns: percentile(&storm, 990),
        storm_longest_ns: storm.last().copied().unwrap_or(0),
    })
}
