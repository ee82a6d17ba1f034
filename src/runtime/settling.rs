//! Settlings: the timers ask the workers, in lots, to let happen what fell due. What came of a lot
//! is told at once, when the last of it is answered. Knows neither what is due nor what happens.

use std::mem::take;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::id::InstanceId;
use crate::model::time::Timestamp;

/// One instance of a lot.
///
/// Dropped without an answer, it has failed: whoever waits for it must not wait for ever, also when
/// its worker has ended.
pub(super) struct Settling {
    pub(super) instance: InstanceId,
    /// When it fell due; none: it is settled for another reason.
    pub(super) due: Option<Timestamp>,
    progress: Progress,
    lot: Arc<Lot>,
}

/// What came of a lot so far.
struct Lot {
    settled: Mutex<Vec<Settled>>,
    done: SyncSender<Vec<Settled>>,
}

/// What became of a settling.
pub(super) struct Settled {
    pub(super) instance: InstanceId,
    pub(super) progress: Progress,
}

/// Whether a settling got anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Something happened.
    Made,
    /// There was nothing to do; somebody else may have been quicker.
    Nothing,
    /// It is due, and nothing happens to it: a defect.
    Stuck,
    /// It failed and may be tried again later.
    Failed,
}

impl Settling {
    /// A lot: instances, and when each fell due. The channel has room for as many lots as are under
    /// way: answering never waits.
    pub(super) fn lot(
        instances: impl IntoIterator<Item = (InstanceId, Option<Timestamp>)>,
        done: &SyncSender<Vec<Settled>>,
    ) -> Vec<Self> {
        let lot = Arc::new(Lot { settled: Mutex::default(), done: done.clone() });
        let settling = |(instance, due)| {
            let (progress, lot) = (Progress::Failed, Arc::clone(&lot));
            Self { instance, due, progress, lot }
        };
        instances.into_iter().map(settling).collect()
    }

    pub(super) fn answer(mut self, progress: Progress) {
        self.progress = progress;
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        let settled = Settled { instance: self.instance.clone(), progress: self.progress };
        self.lot.settled.lock().unwrap_or_else(PoisonError::into_inner).push(settled);
    }
}

impl Drop for Lot {
    fn drop(&mut self) {
        let settled = take(self.settled.get_mut().unwrap_or_else(PoisonError::into_inner));
        // Timers that have ended wait for nothing.
        let _ = self.done.try_send(settled);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{TryRecvError, sync_channel};

    use super::*;

    #[test]
    fn a_lot_is_told_once_its_last_is_answered_or_dropped() {
        let (done, results) = sync_channel(1);
        let names = ["a", "b", "c"].map(|name| (InstanceId::trusted(name), None));
        let mut lot = Settling::lot(names, &done).into_iter();
        lot.next().unwrap().answer(Progress::Made);
        drop(lot.next());
        assert!(matches!(results.try_recv(), Err(TryRecvError::Empty)), "one is not answered");
        lot.next().unwrap().answer(Progress::Nothing);
        let told = results.try_recv().unwrap();
        let told: Vec<_> = told.iter().map(|it| (it.instance.as_str(), it.progress)).collect();
        let expected = [("a", Progress::Made), ("b", Progress::Failed), ("c", Progress::Nothing)];
        assert_eq!(told, expected);
    }
}
