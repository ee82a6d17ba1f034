//! A gate between the one writer and the few readers that need a moment without writes: documents,
//! and bodies of several chunks that are just being written. The writer lets waiting readers
//! through before its next turn, so that a busy writer cannot keep them out for ever.
//!
//! A write takes as long as a disk needs. So a reader of a body that is not being written does not
//! wait: it takes a glimpse, reads, and asks whether anything was begun or ended meanwhile.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::model::id::InstanceId;

/// The gate.
#[derive(Debug, Default)]
pub(super) struct Gate {
    turns: Mutex<Turns>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Turns {
    writing: bool,
    /// Changes whenever a write begins or ends.
    number: u64,
    /// The instances whose bodies are being written.
    bodies: HashSet<InstanceId>,
    reading: usize,
    readers_waiting: usize,
}

/// A moment at which a body was not being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glimpse(u64);

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

    /// A moment before a body is read; none: it is being written.
    pub(super) fn glimpse(&self, instance: &InstanceId) -> Option<Glimpse> {
        let turns = self.turns();
        (!turns.bodies.contains(instance)).then_some(Glimpse(turns.number))
    }

    /// Whether no write has begun or ended since: then what was read belongs together.
    pub(super) fn is_still(&self, glimpse: Glimpse) -> bool {
        self.turns().number == glimpse.0
    }

    /// Waits until no reader is inside or waiting. These bodies are being written from now on.
    pub(super) fn write(&self, bodies: HashSet<InstanceId>) -> Writing<'_> {
        let turns = self.turns();
        let mut turns = self.wait_while(turns, |turns| {
            turns.writing || turns.reading > 0 || turns.readers_waiting > 0
        });
        turns.writing = true;
        turns.number += 1;
        turns.bodies = bodies;
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
        let mut turns = self.0.turns();
        turns.writing = false;
        turns.number += 1;
        turns.bodies = HashSet::new();
        drop(turns);
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
                    let _writing = gate.write(HashSet::new());
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

    #[test]
    fn a_glimpse_tells_what_is_being_written_and_what_was() {
        let gate = Gate::default();
        let (one, other) = (InstanceId::trusted("p-1"), InstanceId::trusted("p-2"));
        let before = gate.glimpse(&one).expect("nothing is being written");
        assert!(gate.is_still(before));
        let writing = gate.write([one.clone()].into());
        assert_eq!(gate.glimpse(&one), None);
        assert!(!gate.is_still(before));
        let meanwhile = gate.glimpse(&other).expect("this one is not being written");
        assert!(gate.is_still(meanwhile));
        drop(writing);
        assert!(!gate.is_still(meanwhile));
        assert!(gate.glimpse(&one).is_some_and(|glimpse| gate.is_still(glimpse)));
    }
}
