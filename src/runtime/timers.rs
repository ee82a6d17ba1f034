//! The timers: one thread that lets happen what fell due.
//!
//! There is one ordered entry per live instance, in the store. The thread wakes one millisecond
//! after the earliest, or when a simulated clock is moved, and asks the workers to settle what is
//! due, in due order, a bounded number at a time. It decides nothing and writes nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::model::id::InstanceId;
use crate::model::instance::Status;
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::store::{Error, Place, Query};

use super::answer::AdvanceClockError;
use super::bell::Bell;
use super::clock::Stopwatch;
use super::committer::{Group, Job, Verdict};
use super::lanes::Lanes;
use super::mailbox::SETTLINGS_MAX;
use super::settling::{Progress, Settled, Settling};
use super::shared::Shared;
use super::stats::count;

/// Instances of another calendar that are settled as one lot; the next one waits until all of it
/// is durable.
const LOT_INSTANCES_MAX: usize = limits::GROUP_COMMANDS_MAX;
/// Workers that have due instances under way at once: while the groups of two are decided that of
/// another is written. More would fire more a second, and whoever asks for something meanwhile
/// would wait longer: `docs/performance.md`.
const LANES_MAX: usize = 3;
/// So many due instances are looked for at once.
const FOUND_MAX: usize = 512;
/// After so many due instances the thread looks at whatever else was asked of it.
const SETTLED_PER_ROUND: usize = 4096;
/// A real clock is looked at at least so often: it may have been set.
const NAP_MAX: Duration = Duration::from_secs(1);
/// So long a settling that failed is put off at first; each failure doubles it.
const PUT_OFF_MIN: Duration = Duration::from_millis(500);
const PUT_OFF_MAX: Duration = Duration::from_mins(1);
/// So often, by the clock itself, its reading is stored while nothing else is.
const CLOCK_STORED_EVERY_MS: i64 = 60 * 60 * 1000;
/// No instance has this name: settling it shows that a worker has seen the newest catalog.
const NOBODY: &str = "-";

pub(super) struct Timers {
    shared: Arc<Shared>,
    put_off: HashMap<InstanceId, PutOff>,
    /// Where the search for instances with another calendar goes on; none: there is nothing to do.
    search: Option<Search>,
    clock_stored: Timestamp,
}

struct PutOff {
    since: Stopwatch,
    so_long: Duration,
}

#[derive(Default)]
struct Search {
    after: Option<InstanceId>,
    /// Some with another calendar were left as they are: they failed, now or not long ago.
    left: bool,
}

/// The timers end: the workers or the committer take nothing more.
struct Ended;

impl Timers {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let put_off = HashMap::new();
        let search = Some(Search::default());
        let clock_stored = shared.clock.now();
        Self { shared, put_off, search, clock_stored }
    }

    pub(super) fn run(mut self) {
        loop {
            let calls = self.bell().answer();
            if calls.stop {
                return;
            }
            if calls.calendars_changed {
                self.search = Some(Search::default());
            }
            for wanted in calls.moves {
                let moved = self.move_clock(wanted.to);
                let _ = wanted.reply.send(moved);
            }
            match self.round() {
                Ok(true) => {}
                Ok(false) => self.rest(),
                Err(Ended) => {
                    // Whoever waits for a move of the clock must not wait for ever.
                    self.bell().stop();
                    return;
                }
            }
        }
    }

    /// Some of what is due and one lot of what has another calendar. True: something was done.
    fn round(&mut self) -> Result<bool, Ended> {
        let settled = self.settle_due()?;
        let found = self.settle_outdated()?;
        self.store_clock()?;
        Ok(settled > 0 || found)
    }

    fn rest(&mut self) {
        let next = match self.shared.store.next_due() {
            Ok(next) => next,
            Err(error) => {
                self.failed_to_read(&error);
                None
            }
        };
        let awaited = next.unwrap_or(Timestamp(i64::MAX));
        let busy = !self.put_off.is_empty() || self.search.is_some();
        let at_most = if busy {
            Some(PUT_OFF_MIN)
        } else if self.shared.clock.is_simulated() {
            None
        } else {
            let left_ms = awaited.plus_ms(1).ms_since(self.shared.clock.now());
            Some(Duration::from_millis(left_ms.max(0).unsigned_abs()).min(NAP_MAX))
        };
        self.bell().wait(awaited, at_most);
    }

    /// Settles what is due, in due order, always some of it under way; how many that were.
    fn settle_due(&mut self) -> Result<usize, Ended> {
        self.put_off.retain(|_, put_off| put_off.since.elapsed() < put_off.so_long * 2);
        let mut lanes = Lanes::new(self.shared.inboxes.len());
        let (done, results) = sync_channel(LANES_MAX);
        let mut offered = 0;
        loop {
            while offered < SETTLED_PER_ROUND && lanes.under_way() < LANES_MAX {
                if lanes.waiting() < LANES_MAX * SETTLINGS_MAX {
                    self.find_due(&mut lanes);
                }
                let Some((worker, lot)) = lanes.next_lot(SETTLINGS_MAX) else { break };
                offered += lot.len();
                let lot = lot.into_iter().map(|due| (due.instance, Some(due.next_due)));
                let lot = Settling::lot(lot, &done);
                self.shared.inboxes[worker].offer_settlings(lot).map_err(|_| Ended)?;
            }
            if lanes.under_way() == 0 {
                return Ok(offered);
            }
            for settled in results.recv().map_err(|_| Ended)? {
                lanes.settled(self.shared.worker_of(&settled.instance), &settled.instance);
                self.note(settled);
            }
        }
    }

    /// Looks for what is due next.
    fn find_due(&mut self, lanes: &mut Lanes) {
        let put_off = self.put_off.values().filter(|put_off| put_off.is_waiting()).count();
        let now = self.shared.clock.now();
        let due = match self.shared.store.due(now, lanes.known() + put_off + FOUND_MAX) {
            Ok(due) => due,
            Err(error) => return self.failed_to_read(&error),
        };
        for due in due {
            if !self.is_put_off(&due.instance) {
                lanes.add(self.shared.worker_of(&due.instance), due);
            }
        }
    }

    /// Has a lot with another calendar settled and waits for all of it.
    fn settle(&mut self, lot: &[InstanceId]) -> Result<(), Ended> {
        let (done, results) = sync_channel(1);
        for settling in Settling::lot(lot.iter().map(|instance| (instance.clone(), None)), &done) {
            let inbox = self.shared.inbox_of(&settling.instance);
            inbox.offer_settlings(vec![settling]).map_err(|_| Ended)?;
        }
        for settled in results.recv().map_err(|_| Ended)? {
            let failed = matches!(settled.progress, Progress::Stuck | Progress::Failed);
            if let Some(search) = self.search.as_mut().filter(|_| failed) {
                search.left = true;
            }
            self.note(settled);
        }
        Ok(())
    }

    fn note(&mut self, settled: Settled) {
        let Settled { instance, progress } = settled;
        match progress {
            Progress::Made | Progress::Nothing => {
                self.put_off.remove(&instance);
            }
            // What is due and does not get anywhere would be asked again at once, for ever.
            Progress::Stuck | Progress::Failed => {
                count(&self.shared.counters.settlings_failed);
                if progress == Progress::Stuck {
                    tracing::error!(instance = %instance, "nothing happened to a due instance");
                }
                let before = self.put_off.get(&instance).map(|put_off| put_off.so_long);
                let so_long = before.map_or(PUT_OFF_MIN, |before| (before * 2).min(PUT_OFF_MAX));
                let put_off = PutOff { since: Stopwatch::start(), so_long };
                self.put_off.insert(instance, put_off);
            }
        }
    }

    /// Settles the next lot of live instances whose instants were computed with another calendar
    /// than the one that is live. True: there may be more.
    fn settle_outdated(&mut self) -> Result<bool, Ended> {
        let Some(search) = &mut self.search else { return Ok(false) };
        let after = search.after.take();
        if after.is_none() {
            search.left = false;
            self.wait_for_newest_catalog()?;
        }
        let query = Query {
            statuses: vec![Status::Active, Status::Suspended],
            after: after.map(Place::from),
            limit: limits::PAGE_SIZE_MAX,
            ..Query::default()
        };
        let page = match self.shared.store.query(&query) {
            Ok(page) => page,
            Err(error) => {
                self.failed_to_read(&error);
                return Ok(false);
            }
        };
        let last = page.last().map(|header| header.id.clone());
        let full = page.len() >= limits::PAGE_SIZE_MAX;
        let catalog = self.shared.catalog.snapshot();
        let outdated = page.into_iter().filter(|header| catalog.is_outdated(header));
        let (left, lot): (Vec<_>, Vec<_>) =
            outdated.map(|header| header.id).partition(|instance| self.is_put_off(instance));
        if let Some(search) = self.search.as_mut().filter(|_| !left.is_empty()) {
            search.left = true;
        }
        for part in lot.chunks(LOT_INSTANCES_MAX) {
            self.settle(part)?;
        }
        let Some(search) = &mut self.search else { return Ok(false) };
        if full {
            search.after = last;
            return Ok(true);
        }
        if !search.left {
            self.search = None;
        }
        Ok(false)
    }

    /// A worker in the middle of a group still decides by the catalog that it began with. Once a
    /// settling has come back from each, all of them have seen the newest one.
    fn wait_for_newest_catalog(&self) -> Result<(), Ended> {
        let (done, results) = sync_channel(1);
        let nobody = self.shared.inboxes.iter().map(|_| (InstanceId::trusted(NOBODY), None));
        for (inbox, settling) in self.shared.inboxes.iter().zip(Settling::lot(nobody, &done)) {
            inbox.offer_settlings(vec![settling]).map_err(|_| Ended)?;
        }
        results.recv().map_err(|_| Ended)?;
        Ok(())
    }

    fn move_clock(&mut self, to: Timestamp) -> Result<Timestamp, AdvanceClockError> {
        let clock = self.shared.clock.clone();
        if !clock.is_simulated() {
            return Err(AdvanceClockError::NotSimulated);
        }
        if to < clock.now() {
            return Err(AdvanceClockError::Backwards { now: clock.now() });
        }
        loop {
            self.settle_all()?;
            let next = self.shared.store.next_due();
            let next = next.map_err(|_| AdvanceClockError::Unavailable { now: clock.now() })?;
            match next.map(|next| next.plus_ms(1)) {
                Some(wake) if wake <= to => clock.move_to(wake),
                Some(_) | None => break,
            }
        }
        clock.move_to(to);
        match self.commit_clock() {
            Ok(Verdict::Durable { .. }) => Ok(to),
            Ok(Verdict::Conflict(_) | Verdict::Unavailable) => {
                Err(AdvanceClockError::Unavailable { now: clock.now() })
            }
            Err(Ended) => Err(AdvanceClockError::Draining),
        }
    }

    /// Settles until nothing is due any more.
    fn settle_all(&mut self) -> Result<(), AdvanceClockError> {
        self.put_off.clear();
        loop {
            if self.bell().is_stopped() {
                return Err(AdvanceClockError::Draining);
            }
            let settled = self.settle_due().map_err(|Ended| AdvanceClockError::Draining)?;
            let found = self.settle_outdated().map_err(|Ended| AdvanceClockError::Draining)?;
            if !self.put_off.is_empty() {
                return Err(AdvanceClockError::Unavailable { now: self.shared.clock.now() });
            }
            // What others have to do is done at its time, before the clock moves on.
            let effects = self.shared.effects.under_way.wait();
            if settled == 0 && !found && !effects {
                return Ok(());
            }
        }
    }

    fn store_clock(&mut self) -> Result<(), Ended> {
        let since_ms = self.shared.clock.now().ms_since(self.clock_stored);
        if self.shared.clock.is_simulated() || since_ms < CLOCK_STORED_EVERY_MS {
            return Ok(());
        }
        self.commit_clock().map(|_| ())
    }

    fn commit_clock(&mut self) -> Result<Verdict, Ended> {
        self.clock_stored = self.shared.clock.now();
        loop {
            let (done, verdict) = sync_channel(1);
            let group =
                Group { writes: Vec::new(), documents: Vec::new(), before_shown: None, done };
            self.shared.committer.send(Job::Group(group)).map_err(|_| Ended)?;
            match verdict.recv() {
                // Another group's instances, in the same batch.
                Ok(Verdict::Conflict(_)) => {}
                Ok(verdict @ (Verdict::Durable { .. } | Verdict::Unavailable)) => {
                    return Ok(verdict);
                }
                Err(_) => return Err(Ended),
            }
        }
    }

    fn is_put_off(&self, instance: &InstanceId) -> bool {
        self.put_off.get(instance).is_some_and(PutOff::is_waiting)
    }

    fn failed_to_read(&self, error: &Error) {
        match error {
            Error::Corrupt(what) => (self.shared.fatal)(what),
            Error::Conflict(_) | Error::Unavailable(_) => {
                tracing::warn!(error = %error, "the timers could not read the store");
            }
        }
    }

    fn bell(&self) -> &Bell {
        &self.shared.bell
    }
}

impl PutOff {
    fn is_waiting(&self) -> bool {
        self.since.elapsed() < self.so_long
    }
}
