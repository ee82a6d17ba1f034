//! Times that do not count, as a sorted list without overlaps.
//!
//! Knows nothing of working hours: only of intervals.

use crate::model::clock::Exclusion;
use crate::model::time::Timestamp;

/// From the first instant that does not count to the first that counts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// The union of exclusions from an instant on: in order, adjacent ones merged, empty ones gone.
pub(super) fn union_from(start: Timestamp, excluded: &[Exclusion]) -> Vec<Pause> {
    let clip = |each: &Exclusion| Pause { from: each.from.max(start), to: each.to };
    let mut sorted: Vec<Pause> =
        excluded.iter().map(clip).filter(|each| each.from < each.to).collect();
    sorted.sort_by_key(|each| each.from);

    let mut union: Vec<Pause> = Vec::with_capacity(sorted.len());
    for next in sorted {
        match union.last_mut() {
            Some(last) if next.from <= last.to => last.to = last.to.max(next.to),
            Some(_) | None => union.push(next),
        }
    }
    union
}

/// The part of a list that lies at or after an instant.
pub(super) fn after(start: Timestamp, pauses: &[Pause]) -> Vec<Pause> {
    let clip = |each: &Pause| Pause { from: each.from.max(start), to: each.to };
    pauses.iter().map(clip).filter(|each| each.from < each.to).collect()
}

/// The part of a list that lies before an instant.
pub(super) fn until(end: Timestamp, pauses: &[Pause]) -> Vec<Pause> {
    let clip = |each: &Pause| Pause { from: each.from, to: each.to.min(end) };
    pauses.iter().map(clip).filter(|each| each.from < each.to).collect()
}

/// Wall time of all together.
pub(super) fn wall_ms(pauses: &[Pause]) -> i64 {
    pauses.iter().map(|each| each.to.ms_since(each.from)).fold(0, i64::saturating_add)
}
