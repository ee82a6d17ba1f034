//! A gate between the one writer and the few readers that need a moment without writes, such as
//! those of documents, whose chunks change. The writer lets waiting readers through before its next
//! turn, so that a busy writer cannot keep them out for ever.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The gate.
#[derive(Debug, Default)]
pub(super) struct Gate {
    turns: Mutex<Turns>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Turns {
    writing: bool,
    reading: usize,
    readers_waiting: usize,
}

/// Nothing is written while this lives.
pub(super) struct Reading<'a>(&'a Gate);

/// No reader is inside while this lives.
pub(super) struct Writing<'a>(&'a Gate);

impl Gate {
    /// Waits until nothing is being written.
    pub(super) fn read(&self) -> Reading<'_> {
        let mut turns = self.turns();
        turns.readers_waiting += 1;
        turns = self.wait_while(turns, |turns| turns.writing);
        turns.readers_waiting -= 1;
        turns.reading += 1;
        Reading(self)
    }

    /// Waits until no reader is inside or waiting.
    pub(super) fn write(&self) -> Writing<'_> {
        let turns = self.turns();
        let mut turns = self.wait_while(turns, |turns| {
            turns.writing || turns.reading > 0 || turns.readers_waiting > 0
        });
        turns.writing = true;
        Writing(self)
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        // Nothing in here can panic half-way.
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while<'a>(
        &self,
        turns: MutexGuard<'a, Turns>,
        busy: impl FnMut(&mut Turns) -> bool,
    ) -> MutexGuard<'a, Turns> {
        self.changed.wait_while(turns, busy).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.turns().reading -= 1;
        self.0.changed.notify_all();
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.turns().writing = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;

    #[test]
    fn readers_get_through_a_busy_writer_and_see_no_write() {
        let gate = Gate::default();
        let (halves, enough) = ([AtomicU64::new(0), AtomicU64::new(0)], AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !enough.load(Ordering::SeqCst) {
                    let _writing = gate.write();
                    halves[0].fetch_add(1, Ordering::SeqCst);
                    std::thread::yield_now();
                    halves[1].fetch_add(1, Ordering::SeqCst);
                }
            });
            for _ in 0..1000 {
                let _reading = gate.read();
                let first = halves[0].load(Ordering::SeqCst);
                assert_eq!(first, halves[1].load(Ordering::SeqCst));
            }
            enough.store(true, Ordering::SeqCst);
        });
        assert_eq!(gate.turns().reading, 0);
    }
}
