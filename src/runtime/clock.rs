//! The clock: the only place that reads the machine's time.
//!
//! Real in production, simulated in tests, specs and demonstrations. Knows nothing of what the time
//! is used for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::time::Timestamp;

/// Where the time comes from. Clones share the same clock.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Real,
    Simulated(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self(Kind::Real)
    }

    /// A clock that stands still until somebody moves it.
    pub fn simulated(start: Timestamp) -> Self {
        Self(Kind::Simulated(Arc::new(AtomicI64::new(start.0))))
    }

    /// Whether somebody moves it.
    pub fn is_simulated(&self) -> bool {
        matches!(self.0, Kind::Simulated(_))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::Real => machine_time(),
            Kind::Simulated(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a simulated clock forward; never back. The real one goes by itself.
    pub fn move_to(&self, to: Timestamp) {
        if let Kind::Simulated(at) = &self.0 {
            at.fetch_max(to.0, Ordering::SeqCst);
        }
    }
}

/// Measures how long something of this program takes: for logs and statistics, never for decisions.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins to measure.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that measures")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago that was.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
fn machine_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_clock_never_goes_back() {
        let clock = Clock::simulated(Timestamp(1_000));
        let other = clock.clone();
        other.move_to(Timestamp(5_000));
        clock.move_to(Timestamp(2_000));
        assert_eq!(clock.now(), Timestamp(5_000));
        assert!(clock.is_simulated());
    }

    #[test]
    fn the_real_clock_cannot_be_moved() {
        let clock = Clock::real();
        clock.move_to(Timestamp(i64::MAX));
        assert!(clock.now() > Timestamp(1_700_000_000_000));
        assert!(clock.now() < Timestamp(i64::MAX));
    }
}
