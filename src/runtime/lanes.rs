//! Lanes: what fell due and is not settled, one lane for each worker, in due order. Of a lane one
//! lot is under way at a time, which its worker decides as one group. Knows neither the store nor
//! what settling is.

use std::cmp::Reverse;
use std::collections::{HashSet, VecDeque};

use crate::model::id::InstanceId;
use crate::store::DueInstance;

/// All lanes.
pub(super) struct Lanes {
    by_worker: Vec<Lane>,
    /// Everything that waits or is under way.
    known: HashSet<InstanceId>,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<DueInstance>,
    under_way: usize,
}

impl Lanes {
    /// Empty lanes for so many workers.
    pub(super) fn new(workers: usize) -> Self {
        let by_worker = (0..workers).map(|_| Lane::default()).collect();
        Self { by_worker, known: HashSet::new() }
    }

    /// How many instances wait or are under way.
    pub(super) fn known(&self) -> usize {
        self.known.len()
    }

    /// How many instances wait.
    pub(super) fn waiting(&self) -> usize {
        self.by_worker.iter().map(|lane| lane.waiting.len()).sum()
    }

    /// How many lanes have a lot under way.
    pub(super) fn under_way(&self) -> usize {
        self.by_worker.iter().filter(|lane| lane.under_way > 0).count()
    }

    /// Takes an instance that fell due after all others of its lane, unless it is known.
    pub(super) fn add(&mut self, worker: usize, due: DueInstance) {
        if self.known.insert(due.instance.clone()) {
            self.by_worker[worker].waiting.push_back(due);
        }
    }

    /// The next lot, of at most so many, with its worker: from the lane without a lot under way in
    /// which something has been due for longest, or of those the longest one.
    pub(super) fn next_lot(&mut self, count: usize) -> Option<(usize, Vec<DueInstance>)> {
        let idle = self.by_worker.iter_mut().enumerate().filter(|(_, lane)| lane.under_way == 0);
        let first = |lane: &Lane| lane.waiting.front().map(|due| due.next_due);
        let waiting = idle.filter_map(|(worker, lane)| Some((first(lane)?, worker, lane)));
        let next = waiting.min_by_key(|(due, _, lane)| (*due, Reverse(lane.waiting.len())));
        let (_, worker, lane) = next?;
        let count = lane.waiting.len().min(count);
        lane.under_way = count;
        Some((worker, lane.waiting.drain(..count).collect()))
    }

    /// One of a worker's lot came back.
    pub(super) fn settled(&mut self, worker: usize, instance: &InstanceId) {
        if self.known.remove(instance) {
            self.by_worker[worker].under_way -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn due(name: &str, at: i64) -> DueInstance {
        DueInstance { next_due: Timestamp(at), instance: InstanceId::trusted(name) }
    }

    fn names(lot: Option<(usize, Vec<DueInstance>)>) -> Option<(usize, Vec<String>)> {
        let (worker, lot) = lot?;
        Some((worker, lot.into_iter().map(|due| due.instance.to_string()).collect()))
    }

    fn told(worker: usize, names: &[&str]) -> (usize, Vec<String>) {
        (worker, names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_lane_has_one_lot_under_way_and_keeps_its_order() {
        let mut lanes = Lanes::new(2);
        for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
            lanes.add(0, due(name, i64::try_from(at).unwrap()));
        }
        assert_eq!(names(lanes.next_lot(2)), Some(told(0, &["a", "b"])));
        assert_eq!(names(lanes.next_lot(2)), None, "the first lot is still under way");
        lanes.add(1, due("d", 9));
        assert_eq!(names(lanes.next_lot(2)), Some(told(1, &["d"])));
        assert_eq!((lanes.under_way(), lanes.waiting(), lanes.known()), (2, 1, 4));
        lanes.settled(0, &InstanceId::trusted("b"));
        assert_eq!(names(lanes.next_lot(2)), None, "one of the lot is still under way");
        lanes.settled(0, &InstanceId::trusted("a"));
        assert_eq!(names(lanes.next_lot(2)), Some(told(0, &["c"])));
        lanes.settled(0, &InstanceId::trusted("c"));
        lanes.settled(1, &InstanceId::trusted("d"));
        assert_eq!((lanes.under_way(), lanes.waiting(), lanes.known()), (0, 0, 0));
    }

    #[test]
    fn what_has_been_due_for_longest_comes_first_and_then_the_longest_lane() {
        let mut lanes = Lanes::new(3);
        lanes.add(0, due("late", 5));
        for name in ["one", "two"] {
            lanes.add(1, due(name, 3));
        }
        lanes.add(2, due("three", 3));
        let order: Vec<_> = std::iter::from_fn(|| names(lanes.next_lot(16))).collect();
        let order: Vec<usize> = order.into_iter().map(|(worker, _)| worker).collect();
        assert_eq!(order, [1, 2, 0]);
    }

    #[test]
    fn what_is_known_is_not_taken_twice() {
        let mut lanes = Lanes::new(1);
        lanes.add(0, due("a", 1));
        lanes.add(0, due("a", 1));
        assert_eq!(names(lanes.next_lot(16)), Some(told(0, &["a"])));
        lanes.add(0, due("a", 1));
        assert_eq!((lanes.waiting(), lanes.known()), (0, 1), "it is under way");
        lanes.settled(0, &InstanceId::trusted("a"));
        lanes.add(0, due("a", 2));
        assert_eq!(names(lanes.next_lot(16)), Some(told(0, &["a"])), "it fell due again");
    }
}
