//! A remedy for a wake-up that sled loses: when a write fails behind its back, whoever waits in
//! `flush` may wait for ever, and the process that has to stop would not. The next call of `flush`
//! finds the error and wakes everybody. Knows nothing else of sled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sled::Db;

/// A flush that takes longer than this is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Flushes, and looks after flushes that do not end.
pub(super) struct Rouser {
    db: Db,
    shared: Arc<Shared>,
    /// Until the end.
    watcher: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// Flushes that began and that ended: odd while one runs.
    turns: AtomicU64,
    is_over: AtomicBool,
}

impl Rouser {
    /// For flushes of this sled, one at a time.
    pub(super) fn new(db: Db) -> Self {
        let shared = Arc::<Shared>::default();
        let watched = (db.clone(), Arc::clone(&shared));
        let watcher = Some(thread::spawn(move || watch(&watched.0, &watched.1)));
        Self { db, shared, watcher }
    }

    /// Writes everything out. Ends with an error when a write has failed.
    pub(super) fn flush(&self) -> sled::Result<usize> {
        self.shared.turns.fetch_add(1, Ordering::Relaxed);
        let flushed = self.db.flush();
        self.shared.turns.fetch_add(1, Ordering::Relaxed);
        flushed
    }
}

fn watch(db: &Db, shared: &Shared) {
    let mut seen = 0;
    let mut rousing: Vec<JoinHandle<()>> = Vec::new();
    while !shared.is_over.load(Ordering::Acquire) {
        thread::park_timeout(LOOK_EVERY);
        let turns = shared.turns.load(Ordering::Relaxed);
        if turns % 2 == 1 && turns == seen {
            let db = db.clone();
            // This one may come too early, and wait too: then the next one wakes both.
            rousing.push(thread::spawn(move || drop(db.flush())));
        }
        rousing.retain(|one| !one.is_finished());
        seen = turns;
    }
    if !rousing.is_empty() {
        drop(db.flush());
    }
    for one in rousing {
        let _ = one.join();
    }
}

impl Drop for Rouser {
    /// The watcher lets go of sled before the store lets go of the directory.
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            let _ = watcher.join();
        }
    }
}
