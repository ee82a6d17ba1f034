//! A worker's mailbox: bounded, with one queue for what people ask and one for what fell due.
//!
//! Neither can starve the other: a worker takes from both. Knows nothing of what the jobs mean.

use std::collections::VecDeque;
use std::mem::take;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Of each group, at least this share is kept for settlings while any wait: one in four.
const SETTLING_SHARE: usize = 4;
/// Settlings in one group. It is written as one, and who asks for something meanwhile waits for
/// that: `docs/performance.md`.
pub(super) const SETTLINGS_MAX: usize = 16;

/// Why a job was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Too many are waiting.
    Overloaded,
    /// Nothing is taken any more.
    Closed,
}

pub(super) struct Mailbox<Request, Settling> {
    queues: Mutex<Queues<Request, Settling>>,
    arrived: Condvar,
    requests_max: usize,
}

struct Queues<Request, Settling> {
    requests: VecDeque<Request>,
    settlings: VecDeque<Settling>,
    /// The worker waits and was not told yet that something came: to tell costs a system call,
    /// also where nobody waits.
    waits: bool,
    open: bool,
}

/// What a worker takes at once.
pub(super) struct Taken<Request, Settling> {
    pub(super) requests: Vec<Request>,
    pub(super) settlings: Vec<Settling>,
}

impl<Request, Settling> Mailbox<Request, Settling> {
    pub(super) fn new(requests_max: usize) -> Self {
        let (requests, settlings) = (VecDeque::new(), VecDeque::new());
        let queues = Queues { requests, settlings, waits: false, open: true };
        Self { queues: Mutex::new(queues), arrived: Condvar::new(), requests_max }
    }

    /// Puts a request in, unless too many wait.
    pub(super) fn offer(&self, request: Request) -> Result<(), Full> {
        let mut queues = self.lock();
        if !queues.open {
            return Err(Full::Closed);
        }
        if queues.requests.len() >= self.requests_max {
            return Err(Full::Overloaded);
        }
        queues.requests.push_back(request);
        self.tell(queues);
        Ok(())
    }

    /// Puts requests in, in order, until too many wait; what was not taken stays where it is.
    pub(super) fn offer_many(&self, requests: &mut Vec<Request>) -> Result<(), Full> {
        let mut queues = self.lock();
        if !queues.open {
            return Err(Full::Closed);
        }
        let room = self.requests_max.saturating_sub(queues.requests.len());
        queues.requests.extend(requests.drain(..requests.len().min(room)));
        self.tell(queues);
        if requests.is_empty() { Ok(()) } else { Err(Full::Overloaded) }
    }

    /// Puts settlings in, in order. The timers bound how many are under way.
    pub(super) fn offer_settlings(&self, settlings: Vec<Settling>) -> Result<(), Full> {
        let mut queues = self.lock();
        if !queues.open {
            return Err(Full::Closed);
        }
        queues.settlings.extend(settlings);
        self.tell(queues);
        Ok(())
    }

    /// Waits for jobs and takes at most `count`; none: closed and empty.
    pub(super) fn take(&self, count: usize) -> Option<Taken<Request, Settling>> {
        let mut queues = self.lock();
        while queues.requests.is_empty() && queues.settlings.is_empty() {
            if !queues.open {
                return None;
            }
            queues.waits = true;
            queues = self.arrived.wait(queues).unwrap_or_else(PoisonError::into_inner);
        }
        let settlings = queues.settlings.len().min(SETTLINGS_MAX);
        let kept = settlings.min(count.div_ceil(SETTLING_SHARE));
        let from_requests = queues.requests.len().min(count - kept);
        let from_settlings = settlings.min(count - from_requests);
        let requests = queues.requests.drain(..from_requests).collect();
        let settlings = queues.settlings.drain(..from_settlings).collect();
        Some(Taken { requests, settlings })
    }

    /// Exchanges settlings, which go back to the front, for the requests that wait, at most `count`
    /// of them. Nothing changes while none waits.
    pub(super) fn exchange(
        &self,
        count: usize,
        settlings: impl FnOnce() -> Vec<Settling>,
    ) -> Vec<Request> {
        let mut queues = self.lock();
        if !queues.requests.is_empty() {
            settlings().into_iter().rev().for_each(|it| queues.settlings.push_front(it));
        }
        let count = queues.requests.len().min(count);
        queues.requests.drain(..count).collect()
    }

    /// How many requests wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().requests.len()
    }

    /// Takes nothing more; what is in is still worked off.
    pub(super) fn close(&self) {
        self.lock().open = false;
        self.arrived.notify_all();
    }

    /// Takes nothing more and drops what is in: nobody will work it off.
    pub(super) fn abandon(&self) {
        let mut queues = self.lock();
        queues.open = false;
        let dropped = (take(&mut queues.requests), take(&mut queues.settlings));
        drop(queues);
        drop(dropped);
        self.arrived.notify_all();
    }

    /// Something came.
    fn tell(&self, mut queues: MutexGuard<'_, Queues<Request, Settling>>) {
        let waits = take(&mut queues.waits);
        drop(queues);
        if waits {
            self.arrived.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queues<Request, Settling>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bounded_and_settlings_get_their_share() {
        let mailbox = Mailbox::new(10);
        for request in 0..10 {
            assert_eq!(mailbox.offer(request), Ok(()));
        }
        assert_eq!(mailbox.offer(10), Err(Full::Overloaded));
        assert_eq!(mailbox.offer_settlings((0..100).collect()), Ok(()));
        let first = mailbox.take(8).unwrap();
        assert_eq!((first.requests.len(), first.settlings.len()), (6, 2));
        let second = mailbox.take(8).unwrap();
        assert_eq!((second.requests.len(), second.settlings.len()), (4, 4));
        assert_eq!(second.requests, [6, 7, 8, 9]);
    }

    #[test]
    fn settlings_are_exchanged_for_requests_and_keep_their_order() {
        let mailbox: Mailbox<u32, u32> = Mailbox::new(10);
        mailbox.offer_settlings(vec![3]).unwrap();
        assert!(mailbox.exchange(8, || panic!("no request waits")).is_empty());
        mailbox.offer_many(&mut vec![7, 8, 9]).unwrap();
        assert_eq!(mailbox.exchange(2, || vec![1, 2]), [7, 8]);
        let next = mailbox.take(8).unwrap();
        assert_eq!((next.requests, next.settlings), (vec![9], vec![1, 2, 3]));
    }

    #[test]
    fn of_many_requests_those_that_fit_are_taken_in_order() {
        let mailbox: Mailbox<u32, u32> = Mailbox::new(3);
        let mut many = vec![1, 2];
        assert_eq!((mailbox.offer_many(&mut many), many.len()), (Ok(()), 0));
        let mut many = vec![3, 4, 5];
        assert_eq!(mailbox.offer_many(&mut many), Err(Full::Overloaded));
        assert_eq!((many, mailbox.take(8).unwrap().requests), (vec![4, 5], vec![1, 2, 3]));
        mailbox.close();
        assert_eq!(mailbox.offer_many(&mut vec![6]), Err(Full::Closed));
    }

    #[test]
    fn a_closed_mailbox_is_worked_off() {
        let mailbox: Mailbox<u32, u32> = Mailbox::new(10);
        mailbox.offer(1).unwrap();
        mailbox.close();
        assert_eq!(mailbox.offer(2), Err(Full::Closed));
        assert_eq!(mailbox.offer_settlings(vec![2]), Err(Full::Closed));
        assert_eq!(mailbox.take(8).unwrap().requests, [1]);
        assert!(mailbox.take(8).is_none());
    }
}
