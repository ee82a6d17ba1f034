//! What the runtime counts about itself.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::event::Payload;

/// Upper bounds of the buckets of [`Stats::lag`], in milliseconds; the last bucket has none.
pub const LAG_BOUNDS_MS: [i64; 10] =
    [10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 21_600_000, 86_400_000, 604_800_000];

/// A reading of the counters. All count since the start of the process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Commands that were accepted.
    pub accepted: u64,
    /// Commands that the rules refused.
    pub refused: u64,
    /// Commands that repeated an earlier one.
    pub repeated: u64,
    /// Commands and reads that were not taken because too many waited.
    pub overloaded: u64,
    /// Times that an instance was decided again because somebody wrote first.
    pub conflicts: u64,
    /// Durable writes.
    pub commits: u64,
    /// Records in them.
    pub records: u64,
    /// Writes that failed and may be tried again.
    pub commits_unavailable: u64,
    /// Instances that a timer settled.
    pub settled: u64,
    /// How long after their due time they were: counts by [`LAG_BOUNDS_MS`], the last one beyond.
    pub lag: [u64; LAG_BOUNDS_MS.len() + 1],
    /// Settlings that failed and were put off.
    pub settlings_failed: u64,
    /// Edits of workflows and rules that were taken.
    pub edits_taken: u64,
    /// Edits that had errors and changed nothing.
    pub edits_rejected: u64,
    /// Steps of ladders for whom somebody could not be found, not even in the roles above.
    pub escalations_unheard: u64,
    /// Ladders whose highest step nobody acknowledged in time.
    pub escalations_exhausted: u64,
    /// Scripts that failed where nothing may fail, and of which the last answer was kept.
    pub scripts_failed: u64,
    /// Effects that the other instance refused for good.
    pub effects_refused: u64,
    /// Readers of the event feed at the moment.
    pub readers: u64,
    /// Requests waiting at the moment.
    pub waiting: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) repeated: AtomicU64,
    pub(super) overloaded: AtomicU64,
    pub(super) conflicts: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) records: AtomicU64,
    pub(super) commits_unavailable: AtomicU64,
    pub(super) settled: AtomicU64,
    pub(super) lag: [AtomicU64; LAG_BOUNDS_MS.len() + 1],
    pub(super) settlings_failed: AtomicU64,
    pub(super) edits_taken: AtomicU64,
    pub(super) edits_rejected: AtomicU64,
    pub(super) escalations_unheard: AtomicU64,
    pub(super) escalations_exhausted: AtomicU64,
    pub(super) scripts_failed: AtomicU64,
    pub(super) effects_refused: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    pub(super) fn count_lag(&self, lag_ms: i64) {
        let bucket = LAG_BOUNDS_MS.partition_point(|bound| *bound < lag_ms);
        count(&self.settled);
        count(&self.lag[bucket]);
    }

    /// Counts what an operator must not miss.
    pub(super) fn count_event(&self, payload: &Payload) {
        match payload {
            Payload::EscalationRaised { nobody_in, .. } if !nobody_in.is_empty() => {
                count(&self.escalations_unheard);
            }
            Payload::EscalationExhausted { .. } => count(&self.escalations_exhausted),
            Payload::ScriptFailed { .. } => count(&self.scripts_failed),
            Payload::EffectRefused { for_good: true, .. } => count(&self.effects_refused),
            _ => {}
        }
    }

    pub(super) fn read(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            accepted: read(&self.accepted),
            refused: read(&self.refused),
            repeated: read(&self.repeated),
            overloaded: read(&self.overloaded),
            conflicts: read(&self.conflicts),
            commits: read(&self.commits),
            records: read(&self.records),
            commits_unavailable: read(&self.commits_unavailable),
            settled: read(&self.settled),
            lag: std::array::from_fn(|bucket| read(&self.lag[bucket])),
            settlings_failed: read(&self.settlings_failed),
            edits_taken: read(&self.edits_taken),
            edits_rejected: read(&self.edits_rejected),
            escalations_unheard: read(&self.escalations_unheard),
            escalations_exhausted: read(&self.escalations_exhausted),
            scripts_failed: read(&self.scripts_failed),
            effects_refused: read(&self.effects_refused),
            readers: 0,
            waiting: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_counted_in_the_first_bucket_that_holds_it() {
        let counters = Counters::default();
        for lag_ms in [0, 10, 11, 604_800_000, 604_800_001] {
            counters.count_lag(lag_ms);
        }
        assert_eq!(counters.read().lag, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(counters.read().settled, 5);
    }
}
