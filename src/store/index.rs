//! The index: every instance's header in memory, in the orders in which it is asked for. Derived
//! from what is stored, never stored itself. Knows no storage.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::{DueInstance, Order, Query, Seq};
use crate::model::id::{InstanceId, MemberId, RoleId};
use crate::model::instance::{Header, OpenTask};
use crate::model::time::Timestamp;

/// What is known of an instance without reading it.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its header.
    pub(super) header: Header,
    /// The first number of its last record.
    pub(super) last_record: Seq,
    /// How it lies in the storage.
    pub(super) kept: Kept,
}

/// Under how many keys an instance lies: needed to remove what a shorter one leaves behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// Chunks of the body; 0: none was written yet.
    pub(super) body_chunks: u16,
    /// Chunks of the header; 0: none was written yet.
    pub(super) header_chunks: u16,
}

/// Never due, as a rank: after everything that is.
const NEVER: i64 = i64::MAX;

/// All headers.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: BTreeMap<InstanceId, Entry>,
    by_creation: BTreeSet<(i64, InstanceId)>,
    /// The timer index as well: live instances by what falls due next, then all others.
    by_next_due: BTreeSet<(i64, InstanceId)>,
    /// Those of whom work lists ask, which must not cost a walk over everything.
    by_steward: Postings<MemberId>,
    by_holder: Postings<MemberId>,
    by_offered_role: Postings<RoleId>,
}

type Postings<K> = BTreeMap<K, BTreeSet<InstanceId>>;

impl Index {
    /// What is known of an instance.
    pub(super) fn get(&self, instance: &InstanceId) -> Option<&Entry> {
        self.entries.get(instance)
    }

    /// Every entry, by id.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// How many instances there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes an instance's new state.
    pub(super) fn put(&mut self, entry: Entry) {
        let id = entry.header.id.clone();
        if let Some(before) = self.entries.remove(&id) {
            self.unlist(&before.header);
        }
        self.list(&entry.header);
        self.entries.insert(id, entry);
    }

    fn list(&mut self, header: &Header) {
        let id = &header.id;
        self.by_creation.insert((rank(header, Order::CreatedDescending), id.clone()));
        self.by_next_due.insert((rank(header, Order::NextDue), id.clone()));
        post(&mut self.by_steward, header.steward.iter(), id);
        post(&mut self.by_holder, holders(header), id);
        post(&mut self.by_offered_role, offered_roles(header), id);
    }

    fn unlist(&mut self, header: &Header) {
        let id = &header.id;
        self.by_creation.remove(&(rank(header, Order::CreatedDescending), id.clone()));
        self.by_next_due.remove(&(rank(header, Order::NextDue), id.clone()));
        withdraw(&mut self.by_steward, header.steward.iter(), id);
        withdraw(&mut self.by_holder, holders(header), id);
        withdraw(&mut self.by_offered_role, offered_roles(header), id);
    }

    /// Live instances that fell due strictly before `now`, in that order.
    pub(super) fn due(&self, now: Timestamp, limit: usize) -> Vec<DueInstance> {
        self.by_next_due
            .iter()
            .take_while(|(due, _)| *due < now.0)
            .take(limit)
            .map(|(due, id)| DueInstance { next_due: Timestamp(*due), instance: id.clone() })
            .collect()
    }

    /// The earliest `next_due` of all.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let (due, _) = self.by_next_due.first()?;
        (*due != NEVER).then_some(Timestamp(*due))
    }

    /// The headers that a query asks for.
    pub(super) fn query(&self, query: &Query) -> Vec<Header> {
        match self.candidates(query) {
            Some(candidates) => self.query_among(query, candidates),
            None => self
                .in_order(query.order, query.after.as_ref())
                .filter(|header| matches(header, query))
                .take(query.limit)
                .cloned()
                .collect(),
        }
    }

    /// The instances of the narrowest filter for which there are postings.
    fn candidates(&self, query: &Query) -> Option<BTreeSet<&InstanceId>> {
        let narrowed = [
            union(&self.by_steward, &query.stewards),
            union(&self.by_holder, &query.holders),
            union(&self.by_offered_role, &query.offered_to),
        ];
        narrowed.into_iter().flatten().min_by_key(BTreeSet::len)
    }

    fn query_among(&self, query: &Query, candidates: BTreeSet<&InstanceId>) -> Vec<Header> {
        let after = match &query.after {
            None => None,
            Some(after) => match self.position(query.order, after) {
                Some(position) => Some(position),
                None => return Vec::new(),
            },
        };
        let mut found: Vec<(i64, &Header)> = candidates
            .into_iter()
            .map(|id| &self.entries[id].header)
            .filter(|header| matches(header, query))
            .map(|header| (rank(header, query.order), header))
            .filter(|(rank, header)| after.is_none_or(|after| after < (*rank, &header.id)))
            .collect();
        found.sort_unstable_by(|(left_rank, left), (right_rank, right)| {
            (left_rank, &left.id).cmp(&(right_rank, &right.id))
        });
        found.into_iter().take(query.limit).map(|(_, header)| header.clone()).collect()
    }

    /// Where an instance stands in an order. One that does not exist has a place only by its id.
    fn position<'a>(&self, order: Order, id: &'a InstanceId) -> Option<(i64, &'a InstanceId)> {
        match self.entries.get(id) {
            Some(entry) => Some((rank(&entry.header, order), id)),
            None if order == Order::Id => Some((0, id)),
            None => None,
        }
    }

    fn in_order<'a>(
        &'a self,
        order: Order,
        after: Option<&InstanceId>,
    ) -> Box<dyn Iterator<Item = &'a Header> + 'a> {
        let ranked = match order {
            Order::Id => {
                let start = after.map_or(Bound::Unbounded, Bound::Excluded);
                let rest = self.entries.range::<InstanceId, _>((start, Bound::Unbounded));
                return Box::new(rest.map(|(_, entry)| &entry.header));
            }
            Order::CreatedDescending => &self.by_creation,
            Order::NextDue => &self.by_next_due,
        };
        let start = match after {
            None => Bound::Unbounded,
            Some(after) => match self.position(order, after) {
                Some((rank, id)) => Bound::Excluded((rank, id.clone())),
                None => return Box::new(std::iter::empty()),
            },
        };
        let rest = ranked.range((start, Bound::Unbounded));
        Box::new(rest.map(|(_, id)| &self.entries[id].header))
    }
}

/// Where a header stands in an order; equal ranks go by id.
fn rank(header: &Header, order: Order) -> i64 {
    match order {
        Order::Id => 0,
        Order::CreatedDescending => header.created_at.0.saturating_neg(),
        Order::NextDue => match header.next_due {
            Some(due) if header.status.is_live() => due.0,
            Some(_) | None => NEVER,
        },
    }
}

/// Whether a query asks for this instance.
fn matches(header: &Header, query: &Query) -> bool {
    one_of(&query.workflows, &header.workflow)
        && one_of(&query.statuses, &header.status)
        && one_of(&query.lights, &header.light)
        && any_of(&query.stages, header.stages.iter())
        && any_of(&query.stewards, header.steward.iter())
        && any_of(&query.groups, header.group.iter())
        && any_of(&query.holders, holders(header))
        && any_of(&query.offered_to, offered_roles(header))
        && has_fields(header, query)
}

/// For each field that is asked for, one of the values that are asked for.
fn has_fields(header: &Header, query: &Query) -> bool {
    query.fields.iter().all(|(field, _)| {
        header.indexed.iter().any(|indexed| indexed.0 == *field && query.fields.contains(indexed))
    })
}

fn one_of<T: PartialEq>(wanted: &[T], value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}

fn any_of<'a, T: PartialEq + 'a>(wanted: &[T], mut values: impl Iterator<Item = &'a T>) -> bool {
    wanted.is_empty() || values.any(|value| wanted.contains(value))
}

fn holders(header: &Header) -> impl Iterator<Item = &MemberId> {
    header.tasks.iter().filter_map(|task| task.holder.as_ref())
}

fn offered_roles(header: &Header) -> impl Iterator<Item = &RoleId> {
    let nobody_holds = |task: &&OpenTask| task.holder.is_none();
    header.tasks.iter().filter(nobody_holds).filter_map(|task| task.role.as_ref())
}

fn post<'a, K: Ord + Clone + 'a>(
    postings: &mut Postings<K>,
    keys: impl Iterator<Item = &'a K>,
    id: &InstanceId,
) {
    for key in keys {
        postings.entry(key.clone()).or_default().insert(id.clone());
    }
}

fn withdraw<'a, K: Ord + 'a>(
    postings: &mut Postings<K>,
    keys: impl Iterator<Item = &'a K>,
    id: &InstanceId,
) {
    for key in keys {
        if let Some(listed) = postings.get_mut(key) {
            listed.remove(id);
            if listed.is_empty() {
                postings.remove(key);
            }
        }
    }
}

/// The instances under any of the keys; none when no key is asked for.
fn union<'a, K: Ord>(postings: &'a Postings<K>, keys: &[K]) -> Option<BTreeSet<&'a InstanceId>> {
    if keys.is_empty() {
        return None;
    }
    Some(keys.iter().filter_map(|key| postings.get(key)).flatten().collect())
}
