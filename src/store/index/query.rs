//! Answering a query: filters become sets of slots, what has no set is looked at one by one, and
//! pages are cut from an order. Changes nothing.

use roaring::RoaringBitmap;

use super::postings::{Key, Meaning};
use super::ranking::Ranked;
use super::{Index, Order, Query, creation_rank, due_rank};
use crate::model::id::{FieldId, InstanceId};
use crate::model::instance::Header;
use crate::model::value::Value;
use crate::store::pb;
use crate::store::record::{Corrupt, stored_field, stored_light, stored_status};
use crate::store::words::Words;

/// Where a set is smaller than this part of all, it is sorted; else the order is walked.
const SORTED_SHARE: u64 = 16;

impl Index {
    /// The headers that a query asks for.
    pub(in crate::store) fn query(
        &self,
        query: &Query,
        words: &Words,
    ) -> Result<Vec<Header>, Corrupt> {
        let after = match &query.after {
            None => None,
            Some(after) => match self.rank_of(query.order, after) {
                Some(rank) => Some((rank, after.as_str().as_bytes())),
                None => return Ok(Vec::new()),
            },
        };
        let wanted = self.wanted(query, words);
        let has_fields =
            |(_, slot): &Ranked| query.fields.is_empty() || self.has_fields(*slot, query, words);
        let header = |(_, slot): Ranked| self.packed(slot).header(words);
        match wanted {
            Some(wanted) if wanted.len() * SORTED_SHARE < self.len() as u64 => {
                let mut found: Vec<Ranked> = wanted
                    .iter()
                    .map(|slot| (self.rank(query.order, slot), slot))
                    .filter(|(rank, slot)| after.is_none_or(|it| it < (*rank, self.id(*slot))))
                    .filter(has_fields)
                    .collect();
                found.sort_unstable_by(|left, right| {
                    (left.0, self.id(left.1)).cmp(&(right.0, self.id(right.1)))
                });
                found.into_iter().take(query.limit).map(header).collect()
            }
            wanted => {
                let order = match query.order {
                    Order::Id => &self.ids,
                    Order::CreatedDescending => &self.by_creation,
                    Order::NextDue => &self.by_next_due,
                };
                order
                    .after(after, self.id_of())
                    .filter(|(_, slot)| wanted.as_ref().is_none_or(|it| it.contains(*slot)))
                    .filter(has_fields)
                    .take(query.limit)
                    .map(header)
                    .collect()
            }
        }
    }

    /// The slots that pass every filter but that of fields; none: all of them.
    fn wanted(&self, query: &Query, words: &Words) -> Option<RoaringBitmap> {
        use Meaning::{Backup, Delegator, Group, Holder, Light, Offered};
        use Meaning::{Stage, Status, Steward, Workflow};
        let statuses = query.statuses.iter().map(|it| (Status, stored_status(*it))).collect();
        let lights = query.lights.iter().map(|it| (Light, stored_light(*it))).collect();
        let filters: [Vec<Key>; 10] = [
            keys(Workflow, &query.workflows, words),
            statuses,
            lights,
            keys(Stage, &query.stages, words),
            keys(Steward, &query.stewards, words),
            keys(Group, &query.groups, words),
            keys(Backup, &query.backups, words),
            keys(Holder, &query.holders, words),
            keys(Delegator, &query.delegators, words),
            keys(Offered, &query.offered_to, words),
        ];
        let asked = filters.into_iter().filter(|filter| !filter.is_empty());
        asked
            .map(|filter| self.postings.any_of(filter.into_iter()))
            .reduce(|left, right| left & right)
    }

    /// For each field that is asked for, one of the values that are asked for. Values are compared
    /// as what they mean, not as they are stored: 1.50 is 1.5.
    fn has_fields(&self, slot: u32, query: &Query, words: &Words) -> bool {
        let holds = |(field, value): &(FieldId, Value)| {
            let held = words
                .number(field.as_str())
                .and_then(|number| stored_field(self.packed(slot).stored(), number).ok().flatten());
            held.as_ref() == Some(value)
        };
        query
            .fields
            .iter()
            .all(|(field, _)| query.fields.iter().any(|wanted| wanted.0 == *field && holds(wanted)))
    }

    /// Where an instance stands in an order. One that does not exist has a place only by its id.
    fn rank_of(&self, order: Order, id: &InstanceId) -> Option<i64> {
        match self.slot_of(id.as_str()) {
            Some(slot) => Some(self.rank(order, slot)),
            None if order == Order::Id => Some(0),
            None => None,
        }
    }

    fn rank(&self, order: Order, slot: u32) -> i64 {
        let message = || self.packed(slot).message();
        let rank_of: fn(&pb::StoredHeader) -> i64 = match order {
            Order::Id => return 0,
            Order::CreatedDescending => creation_rank,
            Order::NextDue => due_rank,
        };
        rank_of(&message())
    }

    fn id(&self, slot: u32) -> &[u8] {
        self.packed(slot).id()
    }
}

/// The keys of names; one that no header holds has none, and word 0 stands for it.
fn keys(meaning: Meaning, names: &[impl AsRef<str>], words: &Words) -> Vec<Key> {
    names.iter().map(|name| (meaning, words.number(name.as_ref()).unwrap_or(0))).collect()
}
