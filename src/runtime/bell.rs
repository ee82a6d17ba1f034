//! The bell that wakes the timers: something falls due earlier, the clock is to be moved, or a
//! calendar has changed. Knows nothing of what they do about it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::model::time::Timestamp;

use super::answer::AdvanceClockError;

/// Somebody asks to move the simulated clock.
pub(super) struct Move {
    pub(super) to: Timestamp,
    pub(super) reply: oneshot::Sender<Result<Timestamp, AdvanceClockError>>,
}

#[derive(Default)]
pub(super) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Default)]
struct State {
    rung: bool,
    /// What the timers wait for; none: they are busy, and are to look again.
    awaited: Option<Timestamp>,
    moves: Vec<Move>,
    calendars_changed: bool,
    stop: bool,
}

/// Why the timers woke.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) moves: Vec<Move>,
    pub(super) calendars_changed: bool,
    pub(super) stop: bool,
}

impl Bell {
    /// Something that became durable falls due then.
    pub(super) fn due_at(&self, at: Timestamp) {
        let mut state = self.lock();
        if state.awaited.is_none_or(|awaited| at < awaited) {
            state.rung = true;
            self.rung.notify_one();
        }
    }

    pub(super) fn calendars_changed(&self) {
        self.ring(|state| state.calendars_changed = true);
    }

    pub(super) fn move_clock(&self, to: Move) {
        self.ring(|state| {
            if !state.stop {
                state.moves.push(to);
            }
        });
    }

    pub(super) fn stop(&self) {
        self.ring(|state| {
            state.stop = true;
            state.moves.clear();
        });
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stop
    }

    /// What was called for since the last time. From here on everything rings.
    pub(super) fn answer(&self) -> Calls {
        let mut state = self.lock();
        state.rung = false;
        state.awaited = None;
        Calls {
            moves: std::mem::take(&mut state.moves),
            calendars_changed: std::mem::take(&mut state.calendars_changed),
            stop: state.stop,
        }
    }

    /// Waits until the bell rings or the time has passed. While waiting, only what falls due
    /// before `awaited` rings.
    pub(super) fn wait(&self, awaited: Timestamp, at_most: Option<Duration>) {
        let mut state = self.lock();
        state.awaited = Some(awaited);
        while !state.rung {
            match at_most {
                None => state = self.rung.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(at_most) => {
                    let waited = self.rung.wait_timeout(state, at_most);
                    drop(waited.unwrap_or_else(PoisonError::into_inner));
                    return;
                }
            }
        }
    }

    fn ring(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        state.rung = true;
        self.rung.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
