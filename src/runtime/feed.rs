//! The event feed: replay from the store, then live, without a gap and without a double.
//!
//! Only durable events come here, in commit order. One bounded window of recent records serves all
//! readers; a reader that falls out of it is served from the store again, so that none is ever
//! cut off and none can make the others or the committer wait. Knows nothing of the wire.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::model::event::Record;
use crate::model::limits;
use crate::store::{Partition, Seq, Store};

use super::committer::Fatal;
use super::replay::{Encoded, FeedEvent, Filter, Replay, Room, Taken, Weigh, take_from_record};
use super::token::Tokens;

/// Stretches of the store that one page looks through: a page may be short, never slow.
const PAGE_READS_MAX: usize = 16;

/// From where a reader starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With what happens from now on.
    Now,
    /// With the first event that the store holds.
    Beginning,
    /// After what a token stands for.
    Token(String),
}

/// What a reader gets: some events and where it stands after them.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The events; none: the delivery only shows that the stream is alive and moves the token
    /// past what the filter hid.
    pub events: Vec<FeedEvent>,
    /// Where the reader stands.
    pub token: String,
    /// Whether the reader is so far behind that it is served from the store.
    pub behind: bool,
}

/// A page of past events.
#[derive(Debug, Clone)]
pub struct EventPage {
    /// The events; fewer than asked for, or none, where the filter hides a long stretch.
    pub events: Vec<FeedEvent>,
    /// Where the page ends.
    pub token: String,
    /// Whether there are more that were durable when the page was read.
    pub more: bool,
}

/// Why a reader is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedError {
    /// The token is not of this store, is ahead of it, or was mangled.
    TokenUnknown,
    /// The store cannot be read at the moment; the last token holds.
    Unavailable,
    /// The server is shutting down; the last token holds.
    Draining,
}

impl fmt::Display for FeedError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::TokenUnknown => {
                "the token is not of this store: it was restored or moved since, or the token is \
                 damaged; read the instances anew and subscribe from now or from the beginning"
            }
            Self::Unavailable => "the store is unavailable",
            Self::Draining => "the server is shutting down",
        })
    }
}

impl std::error::Error for FeedError {}

/// A durable record, shared by all readers.
#[derive(Debug, Clone)]
pub(super) struct Published {
    pub(super) partition: Partition,
    pub(super) first_seq: Seq,
    pub(super) record: Arc<Record>,
}

/// The feed. One per runtime.
pub(super) struct Feed {
    store: Arc<dyn Store>,
    tokens: Tokens,
    window: Mutex<Window>,
    moved: watch::Sender<u64>,
    window_events_max: usize,
    heartbeat: Duration,
    fatal: Fatal,
}

struct Window {
    recent: VecDeque<(Published, Encoded)>,
    events: usize,
    /// The index of the first recent record, counted since the start of the process.
    first_index: u64,
    /// The number of the last published event of each partition.
    last: Vec<u64>,
    open: bool,
}

impl Window {
    fn end_index(&self) -> u64 {
        self.first_index + self.recent.len() as u64
    }
}

impl Feed {
    pub(super) fn new(
        store: Arc<dyn Store>,
        last: Vec<u64>,
        window_events_max: usize,
        heartbeat: Duration,
        fatal: Fatal,
    ) -> Self {
        let window =
            Window { recent: VecDeque::new(), events: 0, first_index: 0, last, open: true };
        let window_events_max = window_events_max.min(limits::STREAM_LAG_EVENTS_MAX);
        let (moved, _) = watch::channel(0);
        let tokens = Tokens::of(store.identity());
        let window = Mutex::new(window);
        Self { store, tokens, window, moved, window_events_max, heartbeat, fatal }
    }

    /// Shows durable records to the readers, in commit order. Never waits for any of them.
    pub(super) fn publish(&self, records: Vec<Published>) {
        let mut window = self.lock();
        for published in records {
            let events = published.record.events.len();
            let last = published.first_seq.0 + events as u64 - 1;
            window.last[usize::from(published.partition.0)] = last;
            window.events += events;
            window.recent.push_back((published, Encoded::default()));
        }
        while window.events > self.window_events_max {
            let Some((oldest, _)) = window.recent.pop_front() else { break };
            window.events -= oldest.record.events.len();
            window.first_index += 1;
        }
        self.moved.send_replace(window.end_index());
    }

    /// Ends all readers once they have what was published.
    pub(super) fn close(&self) {
        let mut window = self.lock();
        window.open = false;
        self.moved.send_replace(window.end_index());
    }

    /// The number of the last event of each partition that was published.
    pub(super) fn last_seqs(&self) -> Vec<u64> {
        self.lock().last.clone()
    }

    pub(super) fn readers(&self) -> usize {
        self.moved.receiver_count()
    }

    pub(super) fn subscribe(
        self: &Arc<Self>,
        start: &Start,
        filter: Filter,
    ) -> Result<Subscription, FeedError> {
        let moved = self.moved.subscribe();
        let (positions, source) = {
            let window = self.lock();
            if !window.open {
                return Err(FeedError::Draining);
            }
            let positions = self.positions(start, &window)?;
            let source = if positions == window.last {
                Source::Live { index: window.end_index() }
            } else {
                Source::Store(None)
            };
            (positions, source)
        };
        let feed = Arc::clone(self);
        let behind = matches!(source, Source::Store(_));
        let weigh = |_: &FeedEvent| 0;
        Ok(Subscription { feed, moved, filter, weigh, positions, source, behind })
    }

    /// One page of what is durable now.
    pub(super) fn page(
        &self,
        start: &Start,
        filter: &Filter,
        limit: usize,
    ) -> Result<EventPage, FeedError> {
        let (mut positions, targets) = {
            let window = self.lock();
            (self.positions(start, &window)?, window.last.clone())
        };
        let mut replay = Replay::up_to(targets);
        let mut events = Vec::new();
        for _ in 0..PAGE_READS_MAX {
            if events.len() >= limit || replay.is_done(&positions) {
                break;
            }
            let room = Room::of_events(limit - events.len());
            let read = replay.read(self.store.as_ref(), &mut positions, filter, room);
            events.extend(read.map_err(|error| self.failed(&error))?);
        }
        let more = !replay.is_done(&positions);
        Ok(EventPage { events, token: self.tokens.write(&positions), more })
    }

    fn positions(&self, start: &Start, window: &Window) -> Result<Vec<u64>, FeedError> {
        match start {
            Start::Now => Ok(window.last.clone()),
            Start::Beginning => Ok(vec![0; window.last.len()]),
            Start::Token(text) => {
                let positions = self.tokens.read(text).ok_or(FeedError::TokenUnknown)?;
                let ahead = positions.iter().zip(&window.last).any(|(at, last)| at > last);
                if ahead { Err(FeedError::TokenUnknown) } else { Ok(positions) }
            }
        }
    }

    fn failed(&self, error: &crate::store::Error) -> FeedError {
        if let crate::store::Error::Corrupt(what) = error {
            (self.fatal)(what);
        }
        tracing::error!(error = %error, "events could not be read");
        FeedError::Unavailable
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader of the feed.
pub struct Subscription {
    feed: Arc<Feed>,
    moved: watch::Receiver<u64>,
    filter: Filter,
    weigh: Weigh,
    /// The number of the last event of each partition that was delivered or hidden.
    positions: Vec<u64>,
    source: Source,
    behind: bool,
}

/// Where the next events come from.
enum Source {
    /// The window, from this record on.
    Live { index: u64 },
    /// The store; none: the reading is to begin anew from the positions.
    Store(Option<Box<Catching>>),
}

/// A reading of the store, and where the window goes on after it.
struct Catching {
    replay: Replay,
    index: u64,
}

enum Taking {
    Events(Vec<FeedEvent>),
    Hidden,
    Nothing,
    FellBehind,
    Closed,
}

impl Subscription {
    /// Keeps a delivery to what a message may weigh, by what each event does.
    #[must_use]
    pub fn weighed_by(self, weigh: Weigh) -> Self {
        Self { weigh, ..self }
    }

    /// The next events, or a heartbeat. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Delivery, FeedError> {
        let heartbeat_at = Instant::now() + self.feed.heartbeat;
        loop {
            let events = match &mut self.source {
                Source::Live { .. } => match self.take_live() {
                    Taking::Events(events) => events,
                    Taking::Hidden => Vec::new(),
                    Taking::Closed => return Err(FeedError::Draining),
                    Taking::FellBehind => {
                        self.behind = true;
                        self.source = Source::Store(None);
                        continue;
                    }
                    Taking::Nothing => {
                        if timeout_at(heartbeat_at, self.moved.changed()).await.is_err() {
                            return Ok(self.deliver(Vec::new()));
                        }
                        continue;
                    }
                },
                Source::Store(_) => self.take_stored().await?,
            };
            if !events.is_empty() || Instant::now() >= heartbeat_at {
                return Ok(self.deliver(events));
            }
        }
    }

    /// Where the reader stands.
    pub fn token(&self) -> String {
        self.feed.tokens.write(&self.positions)
    }

    fn deliver(&self, events: Vec<FeedEvent>) -> Delivery {
        Delivery { events, token: self.token(), behind: self.behind }
    }

    fn take_live(&mut self) -> Taking {
        let Source::Live { index } = &mut self.source else { return Taking::FellBehind };
        self.moved.mark_unchanged();
        // The records are taken out first: the committer and other readers wait for this lock.
        let (records, open): (Vec<_>, bool) = {
            let window = self.feed.lock();
            if *index < window.first_index {
                return Taking::FellBehind;
            }
            let skip = usize::try_from(*index - window.first_index).unwrap_or(usize::MAX);
            let records = window.recent.range(skip..).take(limits::STREAM_EVENTS_MAX);
            (records.cloned().collect(), window.open)
        };
        let all = records.len() < limits::STREAM_EVENTS_MAX;
        let mut events = Vec::new();
        let mut room = Room::of_message(self.weigh);
        for (published, encoded) in &records {
            let position = &mut self.positions[usize::from(published.partition.0)];
            if published.first_seq.0 > *position + 1 {
                // A commit whose acknowledgement was lost: its events are only in the store.
                return if events.is_empty() { Taking::FellBehind } else { Taking::Events(events) };
            }
            let taken = Taken {
                partition: published.partition,
                first_seq: published.first_seq,
                record: &published.record,
                encoded,
            };
            if !take_from_record(&taken, u64::MAX, position, &self.filter, &mut room, &mut events) {
                return Taking::Events(events);
            }
            *index += 1;
        }
        self.behind = false;
        match (events.is_empty(), all, open) {
            (false, _, _) => Taking::Events(events),
            // The filter hid all of these; there are more.
            (true, false, _) => Taking::Hidden,
            (true, true, true) => Taking::Nothing,
            (true, true, false) => Taking::Closed,
        }
    }

    async fn take_stored(&mut self) -> Result<Vec<FeedEvent>, FeedError> {
        let Source::Store(catching) = &mut self.source else { return Ok(Vec::new()) };
        let begun = catching.take();
        let mut catching = {
            let window = self.feed.lock();
            if !window.open {
                return Err(FeedError::Draining);
            }
            begun.unwrap_or_else(|| {
                let replay = Replay::up_to(window.last.clone());
                Box::new(Catching { replay, index: window.end_index() })
            })
        };
        let store = Arc::clone(&self.feed.store);
        let mut positions = self.positions.clone();
        let filter = self.filter.clone();
        let weigh = self.weigh;
        let reading = tokio::task::spawn_blocking(move || {
            let room = Room::of_message(weigh);
            let events = catching.replay.read(store.as_ref(), &mut positions, &filter, room);
            (events, positions, catching)
        });
        let (events, positions, catching) = reading.await.map_err(|_| FeedError::Unavailable)?;
        let events = events.map_err(|error| self.feed.failed(&error))?;
        self.positions = positions;
        self.source = if catching.replay.is_done(&self.positions) {
            Source::Live { index: catching.index }
        } else {
            Source::Store(Some(catching))
        };
        Ok(events)
    }
}
