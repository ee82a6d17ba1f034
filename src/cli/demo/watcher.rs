//! The subscriber of the demo: it prints events as they come, and verifies the promises of the
//! stream: numbers without gap, none twice, also across a kill of the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::pb;
use crate::api::pb::{Event, StartAt};

use super::super::client::Client;
use super::super::events::event_line;
use super::super::exit::Failure;
use super::narrator::Narrator;

/// Who subscribes.
const SUBSCRIBER: &str = "coordinator_1";

/// How long something that must come may take, in real time.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A subscription with everything that it has seen.
pub(super) struct Watcher {
    seen: Arc<Mutex<Seen>>,
    changed: watch::Receiver<u64>,
    reading: JoinHandle<()>,
}

/// What a subscription has seen.
#[derive(Default)]
struct Seen {
    events: Vec<Event>,
    /// The last number of each partition.
    last: BTreeMap<u32, u64>,
    /// What was not as promised.
    broken: Vec<String>,
    token: String,
    shown: Shown,
}

/// Which events are printed.
#[derive(Clone, Default)]
pub(super) struct Shown {
    /// Kinds, or families that end with a dot.
    pub(super) kinds: Vec<&'static str>,
    /// Of these instances; empty: of all.
    pub(super) instances: Vec<String>,
}

impl Shown {
    fn includes(&self, event: &Event) -> bool {
        let kind = |kind: &&'static str| match kind.strip_suffix('.') {
            Some(_) => event.kind.starts_with(*kind),
            None => event.kind == **kind,
        };
        self.kinds.iter().any(kind)
            && (self.instances.is_empty() || self.instances.contains(&event.instance))
    }
}

impl Watcher {
    /// Subscribes: from the beginning of the store, or behind a token.
    pub(super) async fn start(
        client: Client,
        narrator: Narrator,
        token: String,
    ) -> Result<Self, Failure> {
        let seen = Arc::new(Mutex::new(Seen { token: token.clone(), ..Seen::default() }));
        Self::follow(client, narrator, seen).await
    }

    /// Subscribes anew where the connection was lost, with everything seen before.
    pub(super) async fn go_on(
        &mut self,
        client: Client,
        narrator: Narrator,
    ) -> Result<(), Failure> {
        self.reading.abort();
        *self = Self::follow(client, narrator, Arc::clone(&self.seen)).await?;
        Ok(())
    }

    async fn follow(
        client: Client,
        narrator: Narrator,
        seen: Arc<Mutex<Seen>>,
    ) -> Result<Self, Failure> {
        let resume_token = lock(&seen).token.clone();
        let request = pb::EventServiceSubscribeRequest {
            filter: String::new(),
            resume_token,
            start_at: StartAt::Beginning.into(),
        };
        let mut events = client.acting(SUBSCRIBER, "")?.events();
        let mut stream = events.subscribe(request).await?.into_inner();
        let (change, changed) = watch::channel(0_u64);
        let kept = Arc::clone(&seen);
        let reading = tokio::spawn(async move {
            while let Ok(Some(message)) = stream.message().await {
                take(&kept, message, &narrator);
                change.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { seen, changed, reading })
    }

    /// From now on these are printed.
    pub(super) fn show(&self, shown: Shown) {
        lock(&self.seen).shown = shown;
    }

    /// How many events came so far.
    pub(super) fn count(&self) -> usize {
        lock(&self.seen).events.len()
    }

    /// The events that came after the first so many, and that fit.
    pub(super) fn since(&self, count: usize, fits: impl Fn(&Event) -> bool) -> Vec<Event> {
        let seen = lock(&self.seen);
        seen.events.iter().skip(count).filter(|event| fits(event)).cloned().collect()
    }

    /// What was not as promised.
    pub(super) fn broken(&self) -> Vec<String> {
        lock(&self.seen).broken.clone()
    }

    /// Waits until an event has come that fits, among those after the first so many.
    pub(super) async fn wait_for(
        &mut self,
        count: usize,
        what: &str,
        fits: impl Fn(&Event) -> bool,
    ) -> Result<Event, Failure> {
        let arrival = async {
            loop {
                if let Some(event) = self.since(count, &fits).into_iter().next() {
                    return Some(event);
                }
                self.changed.changed().await.ok()?;
            }
        };
        let arrived = tokio::time::timeout(WAIT_MAX, arrival).await.ok().flatten();
        arrived.ok_or_else(|| Failure::not_tried(format!("no event told that {what}")))
    }

    /// Waits until everything that the server has recorded so far has come.
    pub(super) async fn catch_up(&mut self, client: &Client) -> Result<(), Failure> {
        let mut events = client.acting(SUBSCRIBER, "")?.events();
        let mut target: BTreeMap<u32, u64> = BTreeMap::new();
        let mut token = lock(&self.seen).token.clone();
        loop {
            let request = pb::EventServiceListRequest {
                page_size: 1000,
                page_token: token,
                filter: String::new(),
            };
            let page = events.list(request).await?.into_inner();
            for event in page.events {
                target.insert(event.partition, event.seq);
            }
            token = page.next_page_token;
            if page.end {
                break;
            }
        }
        let arrival = async {
            loop {
                let reached = {
                    let seen = lock(&self.seen);
                    target.iter().all(|(partition, seq)| seen.last.get(partition) >= Some(seq))
                };
                if reached {
                    return Some(());
                }
                self.changed.changed().await.ok()?;
            }
        };
        let arrived = tokio::time::timeout(WAIT_MAX, arrival).await.ok().flatten();
        arrived.ok_or_else(|| Failure::not_tried("the stream fell behind what is recorded"))
    }
}

fn take(seen: &Mutex<Seen>, message: pb::EventServiceSubscribeResponse, narrator: &Narrator) {
    let mut seen = lock(seen);
    for event in message.events {
        let last = seen.last.insert(event.partition, event.seq).unwrap_or(0);
        if event.seq != last + 1 {
            let (partition, seq) = (event.partition, event.seq);
            seen.broken.push(format!("partition {partition}: {seq} came after {last}"));
        }
        if seen.shown.includes(&event) {
            // When nobody listens any more, the story ends by itself.
            let _ = narrator.quote(&event_line(&event, narrator.output()));
        }
        seen.events.push(event);
    }
    seen.token = message.resume_token;
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
