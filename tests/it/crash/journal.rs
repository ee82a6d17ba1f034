//! The journal of a load: what was sent, when, and what was told. It outlives every server, and is
//! all that a checker believes. Knows neither how anything is sent nor what is right.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sanbang::api::pb;

/// Something that a client sends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sent {
    /// The request id, which is also written into what the command leaves behind; empty where
    /// nothing is changed.
    pub(crate) id: String,
    /// The instance; empty where it concerns none.
    pub(crate) instance: String,
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    Create,
    Comment,
    /// Sets the field `topic` to the request id, at this revision if one is named.
    SetTopic {
        expected: Option<u64>,
    },
    /// Completes the task number 1.
    Complete,
    /// Leaves the stage.
    Advance,
    /// Looks at the instance.
    Look,
    /// Moves the simulated clock, in milliseconds since 1970.
    MoveClock {
        to: i64,
    },
}

/// What a client was told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    /// Nothing, or that nobody knows: it may have happened, and may not.
    Nothing,
    /// It is done.
    Accepted { revision: u64, kinds: Vec<String> },
    /// It is not done, for this reason; the revision that the refusal told of.
    Refused { reason: String, actual: Option<u64> },
    /// What was looked at; none: there is no such instance.
    Shown(Option<Box<pb::Instance>>),
    /// Where the clock stands.
    Clock(i64),
}

/// One thing sent, from its first sending to its last answer.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) sent: Sent,
    /// When it was sent first, and when it was answered, by the journal's own count.
    pub(crate) began: u64,
    pub(crate) ended: u64,
    pub(crate) told: Told,
}

/// What was sent and what was told, by all clients of all servers.
#[derive(Default)]
pub(crate) struct Journal {
    count: AtomicU64,
    names: AtomicU64,
    entries: Mutex<Vec<Entry>>,
    streamed: Mutex<Streamed>,
    contradictions: Mutex<Vec<String>>,
}

/// What a subscriber was shown.
#[derive(Default)]
pub(crate) struct Streamed {
    /// The token of the last message: where the subscriber goes on after a crash.
    pub(crate) token: String,
    pub(crate) last: BTreeMap<u32, u64>,
    /// The events since somebody took them.
    pub(crate) events: Vec<pb::Event>,
}

impl Journal {
    /// A journal that holds this already.
    pub(crate) fn of(entries: Vec<Entry>) -> Self {
        Self { entries: Mutex::new(entries), ..Self::default() }
    }

    /// How far it has counted.
    pub(crate) fn now(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// What was sent so far, with what had been told at an earlier count.
    pub(crate) fn known_at(&self, count: u64) -> Vec<Entry> {
        let mut entries = self.entries.lock().unwrap().clone();
        for entry in entries.iter_mut().filter(|entry| entry.ended >= count) {
            (entry.ended, entry.told) = (u64::MAX, Told::Nothing);
        }
        entries
    }

    /// A request id that nobody else has.
    pub(crate) fn new_id(&self) -> String {
        format!("request-{}", self.names.fetch_add(1, Ordering::SeqCst))
    }

    /// Something is about to be sent; where its entry stands.
    pub(crate) fn begin(&self, sent: Sent) -> usize {
        let began = self.tick();
        let mut entries = self.entries.lock().unwrap();
        entries.push(Entry { sent, began, ended: u64::MAX, told: Told::Nothing });
        entries.len() - 1
    }

    /// It was answered. An answer that differs from an earlier one to the same is a contradiction.
    pub(crate) fn end(&self, at: usize, told: Told) {
        let ended = self.tick();
        let mut entries = self.entries.lock().unwrap();
        let entry = &mut entries[at];
        if entry.told == Told::Nothing {
            (entry.ended, entry.told) = (ended, told);
        } else if told != Told::Nothing && told != entry.told {
            let what = format!("{:?}: told {:?}, then {told:?}", entry.sent, entry.told);
            drop(entries);
            self.contradict(what);
        }
    }

    /// These were sent in this order by one stream: those of one instance were decided in it.
    pub(crate) fn in_order(&self, places: &[usize]) {
        let entries = self.entries.lock().unwrap();
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        let mut wrong = Vec::new();
        for entry in places.iter().map(|at| &entries[*at]) {
            let Told::Accepted { revision, .. } = entry.told else { continue };
            let before = last.insert(&entry.sent.instance, revision).unwrap_or(0);
            if before >= revision {
                wrong.push(format!("a stream was told {before} before {entry:?}"));
            }
        }
        drop(entries);
        self.contradictions.lock().unwrap().extend(wrong);
    }

    /// What is left without an answer, with its place.
    pub(crate) fn unanswered(&self) -> Vec<(usize, Sent)> {
        let entries = self.entries.lock().unwrap();
        let open = entries.iter().enumerate().filter(|(_, entry)| entry.told == Told::Nothing);
        open.map(|(at, entry)| (at, entry.sent.clone())).collect()
    }

    /// Looks at everything that was sent.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&[Entry]) -> T) -> T {
        read(&self.entries.lock().unwrap())
    }

    /// Something that cannot be right, whatever the server holds.
    pub(crate) fn contradict(&self, what: String) {
        self.contradictions.lock().unwrap().push(what);
    }

    pub(crate) fn contradictions(&self) -> Vec<String> {
        self.contradictions.lock().unwrap().clone()
    }

    /// The token where a subscriber goes on; empty: at the beginning.
    pub(crate) fn token(&self) -> String {
        self.streamed.lock().unwrap().token.clone()
    }

    /// A message of the event stream: its events are the next ones of their partitions.
    pub(crate) fn stream(&self, message: pb::EventServiceSubscribeResponse) {
        let mut streamed = self.streamed.lock().unwrap();
        let mut wrong = None;
        for event in &message.events {
            let last = streamed.last.insert(event.partition, event.seq).unwrap_or(0);
            if event.seq != last + 1 {
                let (partition, seq) = (event.partition, event.seq);
                wrong = Some(format!("the stream of {partition} went from {last} to {seq}"));
            }
        }
        streamed.events.extend(message.events);
        streamed.token = message.resume_token;
        drop(streamed);
        if let Some(wrong) = wrong {
            self.contradict(wrong);
        }
    }

    /// The events that came by the stream since the last time.
    pub(crate) fn take_streamed(&self) -> Vec<pb::Event> {
        std::mem::take(&mut self.streamed.lock().unwrap().events)
    }

    fn tick(&self) -> u64 {
        self.count.fetch_add(1, Ordering::SeqCst)
    }
}
