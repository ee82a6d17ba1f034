//! The clients that listen: a hundred subscribers who count, and one who looks at how late events
//! are. Full messages are decoded, as a subscriber would.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use sanbang::api::pb;
use sanbang::api::pb::event_service_client::EventServiceClient;
use serde::{Deserialize, Serialize};
use tonic::transport::Channel;
use tonic::{Request, Streaming};

use crate::client::{BEGIN, END, connect, tell};
use crate::measure::percentile;
use crate::process::Usage;

/// What counting subscribers are to do.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CountOrders {
    /// The server's address.
    #[arg(long)]
    url: String,
    /// How many they are, in this one process.
    #[arg(long)]
    subscribers: usize,
    /// Connections over which they are spread.
    #[arg(long)]
    connections: usize,
    /// So long they listen before they count, and so long they count.
    #[arg(long)]
    warm_up: f64,
    #[arg(long)]
    seconds: f64,
}

/// What they saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) events: u64,
    pub(crate) messages: u64,
    /// Messages that were served from the store, because their reader was behind.
    pub(crate) behind: u64,
    pub(crate) seconds: f64,
    pub(crate) cpu_us: u64,
}

#[derive(Default)]
struct Counters {
    counts: AtomicBool,
    events: AtomicU64,
    messages: AtomicU64,
    behind: AtomicU64,
}

/// Counts, and reports on standard output.
pub(crate) fn count(orders: &CountOrders) -> Result<()> {
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let counted = threads.block_on(count_all(orders))?;
    tell(&serde_json::to_string(&counted)?)
}

async fn count_all(orders: &CountOrders) -> Result<Counted> {
    let mut channels = Vec::new();
    for _ in 0..orders.connections {
        channels.push(connect(&orders.url).await?);
    }
    let counters = Arc::new(Counters::default());
    for number in 0..orders.subscribers {
        let stream = subscribe(channels[number % channels.len()].clone(), "").await?;
        tokio::spawn(Arc::clone(&counters).listen(stream));
    }
    tell(BEGIN)?;
    tokio::time::sleep(Duration::from_secs_f64(orders.warm_up)).await;
    let (begun, cpu_before) = (Instant::now(), Usage::of("self")?.cpu_us);
    counters.counts.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs_f64(orders.seconds)).await;
    counters.counts.store(false, Ordering::Relaxed);
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_us = Usage::of("self")?.cpu_us - cpu_before;
    tell(END)?;
    Ok(Counted {
        events: counters.events.load(Ordering::Relaxed),
        messages: counters.messages.load(Ordering::Relaxed),
        behind: counters.behind.load(Ordering::Relaxed),
        seconds,
        cpu_us,
    })
}

impl Counters {
    async fn listen(
        self: Arc<Self>,
        mut stream: Streaming<pb::EventServiceSubscribeResponse>,
    ) -> Result<()> {
        while let Some(message) = stream.message().await? {
            if self.counts.load(Ordering::Relaxed) {
                self.events.fetch_add(message.events.len() as u64, Ordering::Relaxed);
                self.messages.fetch_add(1, Ordering::Relaxed);
                self.behind.fetch_add(u64::from(message.behind), Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// What the one who looks at lateness is to do.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LagOrders {
    /// The server's address.
    #[arg(long)]
    url: String,
    /// So many limits run out.
    #[arg(long)]
    limits: usize,
}

/// How long after their due time events arrived, in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Late {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) longest: f64,
}

/// Waits for so many limits to run out, and reports on standard output.
pub(crate) fn lag(orders: &LagOrders) -> Result<()> {
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let late = threads.block_on(look(orders))?;
    tell(&serde_json::to_string(&late)?)
}

async fn look(orders: &LagOrders) -> Result<Late> {
    let channel = connect(&orders.url).await?;
    let mut stream = subscribe(channel, "kind = \"clock.breached\"").await?;
    tell(BEGIN)?;
    let mut late_ns = Vec::new();
    while late_ns.len() < orders.limits {
        let message = stream.message().await?.context("the stream goes on")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        for event in message.events {
            let due = event.due_time.context("a limit has a due time")?;
            let due = Duration::new(u64::try_from(due.seconds)?, u32::try_from(due.nanos)?);
            late_ns.push(u64::try_from(now.saturating_sub(due).as_nanos())?);
        }
    }
    late_ns.sort_unstable();
    let milliseconds = |it: u64| crate::measure::microseconds(it) / 1000.0;
    Ok(Late {
        p50: milliseconds(percentile(&late_ns, 500)),
        p99: milliseconds(percentile(&late_ns, 990)),
        longest: milliseconds(late_ns.last().copied().unwrap_or(0)),
    })
}

async fn subscribe(
    channel: Channel,
    filter: &str,
) -> Result<Streaming<pb::EventServiceSubscribeResponse>> {
    let mut request = Request::new(pb::EventServiceSubscribeRequest {
        filter: filter.to_owned(),
        resume_token: String::new(),
        start_at: pb::StartAt::Now.into(),
    });
    request.metadata_mut().insert("sanbang-actor", "director".parse()?);
    Ok(EventServiceClient::new(channel).subscribe(request).await?.into_inner())
}
