//! Many commands of one caller under way at once: offered in bulk, answered into one outbox.
//!
//! A channel and a waiting task per command would cost more than the command itself; here it is one
//! lock per worker and flush, and one wake-up for all that a group of commands answers. Decides
//! nothing and knows no wire.

use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::model::id::InstanceId;

use super::answer::{Answer, ReadError, SubmitError};
use super::clock::Stopwatch;
use super::mailbox::Full;
use super::shared::{ClockJump, Shared};
use super::stats::count;
use super::wished::Wished;
use super::worker::{CommandRequest, Request};

/// What became of a command.
pub type Outcome = Result<Answer, SubmitError>;

/// Asks for much and waits for it all together. What is asked for of one instance is done in the
/// order in which it was put here. Dropping it takes nothing back.
pub struct Pipeline {
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
    /// What was put and not flushed, by worker.
    put: Vec<Vec<Request>>,
}

impl Pipeline {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let put = shared.inboxes.iter().map(|_| Vec::new()).collect();
        Self { shared, outbox: Arc::default(), put }
    }

    /// Asks for a command to be decided, once it is flushed; `number` comes back with its answer.
    pub fn command(&mut self, number: u64, instance: InstanceId, wished: Wished) {
        if let Some(ClockJump { last, now }) = self.shared.clock_jump {
            let refused = Err(SubmitError::ClockJumped { last, now });
            self.outbox.put(number, refused).into_iter().for_each(Waker::wake);
            return;
        }
        let worker = self.shared.worker_of(&instance);
        let place = Place { number, outbox: Some(Arc::clone(&self.outbox)) };
        let (since, reply) = (Stopwatch::start(), Reply::Collected(place));
        let request = CommandRequest { instance, wished, since, reply };
        self.put[worker].push(Request::Command(Box::new(request)));
    }

    /// Hands over what was put. What finds a full mailbox is answered so.
    pub fn flush(&mut self) {
        for (worker, requests) in self.put.iter_mut().enumerate() {
            if requests.is_empty() {
                continue;
            }
            let Err(full) = self.shared.inboxes[worker].offer_many(requests) else { continue };
            for request in requests.drain(..) {
                if full == Full::Overloaded {
                    count(&self.shared.counters.overloaded);
                }
                if let Request::Command(request) = request {
                    let waiting = request.reply.send(Err(full.into()));
                    waiting.into_iter().for_each(Waker::wake);
                }
            }
        }
    }

    /// Takes what has come; pending: nothing has.
    pub fn poll_outcomes(&mut self, cx: &mut Context<'_>) -> Poll<Vec<(u64, Outcome)>> {
        let mut ready = self.outbox.lock();
        if ready.outcomes.is_empty() {
            match &mut ready.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        Poll::Ready(take(&mut ready.outcomes))
    }
}

impl From<Full> for SubmitError {
    fn from(full: Full) -> Self {
        match full {
            Full::Overloaded => Self::Overloaded,
            Full::Closed => Self::Draining,
        }
    }
}

impl From<Full> for ReadError {
    fn from(full: Full) -> Self {
        match full {
            Full::Overloaded => Self::Overloaded,
            Full::Closed => Self::Draining,
        }
    }
}

/// Where an answer goes.
pub(super) enum Reply {
    /// To somebody who waits for it alone.
    Awaited(oneshot::Sender<Outcome>),
    /// Among all that a pipeline asked for.
    Collected(Place),
    /// To the runtime itself, which goes on with it at once.
    Taken(Box<dyn FnOnce(Outcome) + Send>),
}

impl Reply {
    /// Gives the answer. Who is to be woken for it is given back, so that many answers wake once.
    pub(super) fn send(self, answer: Outcome) -> Option<Waker> {
        match self {
            Self::Awaited(sender) => {
                // Whoever asked may have gone: what was decided stays decided.
                let _ = sender.send(answer);
                None
            }
            Self::Collected(mut place) => {
                place.outbox.take().and_then(|outbox| outbox.put(place.number, answer))
            }
            Self::Taken(take) => {
                take(answer);
                None
            }
        }
    }
}

/// The place of one answer. It is always filled: dropped, it says that nobody could answer.
pub(super) struct Place {
    number: u64,
    outbox: Option<Arc<Outbox>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(outbox) = self.outbox.take() else { return };
        let lost = Err(SubmitError::Unavailable);
        outbox.put(self.number, lost).into_iter().for_each(Waker::wake);
    }
}

#[derive(Default)]
struct Outbox(Mutex<Ready>);

#[derive(Default)]
struct Ready {
    outcomes: Vec<(u64, Outcome)>,
    /// Who waits, and has not been told yet.
    waker: Option<Waker>,
}

impl Outbox {
    fn put(&self, number: u64, outcome: Outcome) -> Option<Waker> {
        let mut ready = self.lock();
        ready.outcomes.push((number, outcome));
        ready.waker.take()
    }

    fn lock(&self) -> MutexGuard<'_, Ready> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
