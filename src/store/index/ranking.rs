//! An order over slots: by a rank, and within equal ranks by id. Many short sorted lists in place
//! of a tree: 12 bytes per instance and hardly more, and a list is moved within a cache line's
//! reach. Knows no headers: what ids slots have is told with each call.

use std::cmp::Ordering;

/// A list that becomes longer is cut into two. With one more it takes 6 KiB, as allocators give it.
const LIST_MAX: usize = 511;
/// So long are lists that are made at once: with room to grow.
const LIST_FILLED: usize = 480;
/// A list that becomes shorter is joined with the next one, where that leaves room.
const LIST_MIN: usize = 128;

/// A slot with its rank.
pub(super) type Ranked = (i64, u32);

/// The same without the padding of a pair: three orders of a million instances are held.
#[derive(Debug, Clone, Copy)]
#[repr(C, packed(4))]
struct Kept {
    rank: i64,
    slot: u32,
}

impl From<Ranked> for Kept {
    fn from((rank, slot): Ranked) -> Self {
        Self { rank, slot }
    }
}

impl From<Kept> for Ranked {
    fn from(Kept { rank, slot }: Kept) -> Self {
        (rank, slot)
    }
}

/// Where something stands: its rank and its id.
pub(super) type Position<'a> = (i64, &'a [u8]);

/// Slots in order.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    /// None of them empty.
    lists: Vec<Vec<Kept>>,
}

impl Ranking {
    /// Slots whose numbers are in the order of their ids.
    pub(super) fn of(mut ranked: Vec<Ranked>) -> Self {
        ranked.sort_unstable();
        let room = |part: &[Ranked]| {
            let mut list = Vec::with_capacity(LIST_MAX + 1);
            list.extend(part.iter().copied().map(Kept::from));
            list
        };
        Self { lists: ranked.chunks(LIST_FILLED).map(room).collect() }
    }

    /// Puts a slot at its place.
    pub(super) fn insert<'a>(&mut self, ranked: Ranked, id_of: impl Fn(u32) -> &'a [u8]) {
        let position = (ranked.0, id_of(ranked.1));
        let at = self.list_of(position, &id_of);
        let Some(list) = self.lists.get_mut(at) else {
            let mut list = Vec::with_capacity(LIST_MAX + 1);
            list.push(ranked.into());
            self.lists.push(list);
            return;
        };
        let place = list.partition_point(|each| compare(*each, position, &id_of).is_lt());
        list.insert(place, ranked.into());
        if list.len() > LIST_MAX {
            let mut rest = Vec::with_capacity(LIST_MAX + 1);
            rest.extend(list.drain(LIST_MAX / 2..));
            self.lists.insert(at + 1, rest);
        }
    }

    /// Takes a slot out again.
    pub(super) fn remove<'a>(&mut self, ranked: Ranked, id_of: impl Fn(u32) -> &'a [u8]) {
        let position = (ranked.0, id_of(ranked.1));
        let at = self.list_of(position, &id_of);
        let Some(list) = self.lists.get_mut(at) else { return };
        let place = list.partition_point(|each| compare(*each, position, &id_of).is_lt());
        if list.get(place).is_some_and(|kept| Ranked::from(*kept) == ranked) {
            list.remove(place);
        }
        self.join(at);
    }

    /// Slots from the first one after a position on; none: from the beginning.
    pub(super) fn after<'a, 'b>(
        &'b self,
        position: Option<Position<'_>>,
        id_of: impl Fn(u32) -> &'a [u8],
    ) -> impl Iterator<Item = Ranked> + 'b {
        let (at, place) = match position {
            None => (0, 0),
            Some(position) => {
                let at = self.list_of(position, &id_of);
                let list = self.lists.get(at).map(Vec::as_slice).unwrap_or_default();
                (at, list.partition_point(|each| compare(*each, position, &id_of).is_le()))
            }
        };
        let lists = self.lists.get(at..).unwrap_or_default();
        lists.iter().flatten().copied().map(Ranked::from).skip(place)
    }

    /// The first of all.
    pub(super) fn first(&self) -> Option<Ranked> {
        self.lists.first().and_then(|list| list.first()).copied().map(Ranked::from)
    }

    /// The list in which a position lies: the last one that does not begin after it.
    fn list_of<'a>(&self, position: Position<'_>, id_of: impl Fn(u32) -> &'a [u8]) -> usize {
        let begins_before = |list: &Vec<Kept>| compare(list[0], position, &id_of).is_le();
        self.lists.partition_point(begins_before).saturating_sub(1)
    }

    fn join(&mut self, at: usize) {
        if self.lists[at].len() >= LIST_MIN {
            return;
        }
        let next = self.lists.get(at + 1).map_or(LIST_MAX, Vec::len);
        if self.lists[at].is_empty() {
            self.lists.remove(at);
        } else if self.lists[at].len() + next < LIST_FILLED {
            let rest = self.lists.remove(at + 1);
            self.lists[at].extend(rest);
        }
    }
}

fn compare<'a>(
    Kept { rank: own, slot }: Kept,
    (rank, id): Position<'_>,
    id_of: impl Fn(u32) -> &'a [u8],
) -> Ordering {
    own.cmp(&rank).then_with(|| id_of(slot).cmp(id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn ids(count: u32) -> Vec<Vec<u8>> {
        // Backwards, so that the order of ids is not that of slots.
        (0..count).map(|slot| format!("{:05}", count - slot).into_bytes()).collect()
    }

    /// Against a tree, through many cuts and joins.
    #[test]
    fn a_ranking_is_a_sorted_set() {
        let ids = ids(3000);
        let id_of = |slot: u32| ids[slot as usize].as_slice();
        let mut ranking = Ranking::default();
        let mut model = BTreeSet::new();
        let mut state = 17_u64;
        let mut below = |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888);
            (state >> 33) % limit
        };
        for step in 0..20_000_u64 {
            let slot = u32::try_from(below(3000)).expect("small");
            let rank = i64::try_from(below(5)).expect("small");
            let entry = (rank, id_of(slot).to_vec(), slot);
            // Grows, then shrinks.
            if below(10) < if step < 12_000 { 8 } else { 1 } {
                if model.insert(entry) {
                    ranking.insert((rank, slot), id_of);
                }
            } else {
                model.remove(&entry);
                ranking.remove((rank, slot), id_of);
            }
            if step % 997 == 0 {
                let from = (rank, id_of(slot));
                let expected: Vec<Ranked> = model
                    .iter()
                    .filter(|(rank, id, _)| (*rank, id.as_slice()) > from)
                    .map(|(rank, _, slot)| (*rank, *slot))
                    .collect();
                let found: Vec<Ranked> = ranking.after(Some(from), id_of).collect();
                assert_eq!(found, expected, "step {step}");
            }
        }
        let all: Vec<Ranked> = ranking.after(None, id_of).collect();
        assert_eq!(all, model.iter().map(|(rank, _, slot)| (*rank, *slot)).collect::<Vec<_>>());
        assert_eq!(ranking.first(), all.first().copied());
        assert!(ranking.lists.iter().all(|list| !list.is_empty() && list.len() <= LIST_MAX));
    }

    #[test]
    fn what_is_made_at_once_is_in_order() {
        let ids: Vec<Vec<u8>> = (0..2000).map(|slot| format!("{slot:05}").into_bytes()).collect();
        let id_of = |slot: u32| ids[slot as usize].as_slice();
        let ranked: Vec<Ranked> = (0..2000).map(|slot| (i64::from(slot % 7), slot)).collect();
        let at_once = Ranking::of(ranked.clone());
        let mut one_by_one = Ranking::default();
        for ranked in ranked {
            one_by_one.insert(ranked, id_of);
        }
        let listed = |ranking: &Ranking| ranking.after(None, id_of).collect::<Vec<_>>();
        assert_eq!(listed(&at_once), listed(&one_by_one));
        assert_eq!(Ranking::default().first(), None);
    }
}
