//! Answering a query: filters become sets of slots, what has no set is looked at one by one, and
//! pages are cut from an order. Changes nothing.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::postings::{Key, Meaning};
use super::ranking::{Position, Ranked, Ranking};
use super::{Index, Order, Query, RANK_OF_IDS, creation_rank, due_rank};
use crate::model::id::InstanceId;
use crate::model::instance::Header;
use crate::model::value::Value;
use crate::store::record::{Corrupt, stored_field, stored_light, stored_status};
use crate::store::words::Words;
use crate::store::{Place, pb};

/// Where a set is smaller than this part of all, it is sorted; else the order is walked.
const SORTED_SHARE: u64 = 16;
/// Slots that are looked at in one turn: whoever writes waits for as long.
const LOOKS_MAX: usize = 4096;

/// A query on its way, in turns between which the index may change. What does not change meanwhile
/// is found, once and in order.
#[derive(Debug)]
pub(in crate::store) struct Search<'a> {
    query: &'a Query,
    /// Where the last turn ended; none: there was none yet.
    at: Option<(i64, InstanceId)>,
    found: Vec<Header>,
    /// The slots of these: what moves ahead meanwhile is not found once more.
    slots: RoaringBitmap,
}

impl<'a> Search<'a> {
    /// One that has not begun.
    pub(in crate::store) fn of(query: &'a Query) -> Self {
        Self { query, at: None, found: Vec::new(), slots: RoaringBitmap::new() }
    }

    /// The headers that were found.
    pub(in crate::store) fn found(self) -> Vec<Header> {
        self.found
    }
}

impl Index {
    /// Goes on with a search for one turn; false: it has come to its end.
    pub(in crate::store) fn search(
        &self,
        search: &mut Search<'_>,
        words: &Words,
    ) -> Result<bool, Corrupt> {
        let query = search.query;
        let at = match (search.at.take(), &query.after) {
            (None, Some(Place { rank, instance })) => Some((*rank, instance.clone())),
            (at, _) => at,
        };
        let after = at.as_ref().map(|(rank, id)| (*rank, id.as_str().as_bytes()));
        let Some(fields) = fields(query, words) else { return Ok(false) };
        let wanted = self.wanted(query, words);
        let candidates: Box<dyn Iterator<Item = Ranked>> = match &wanted {
            Some(few) if self.are_few(few) => {
                Box::new(self.sorted(few, query.order, after).into_iter())
            }
            _ => Box::new(self.order(query.order).after(after, self.id_of())),
        };
        let is_wanted = |slot| wanted.as_ref().is_none_or(|wanted| wanted.contains(slot));
        for (looks, (rank, slot)) in (1..).zip(candidates) {
            if search.found.len() >= query.limit {
                break;
            }
            if is_wanted(slot) && self.has_fields(slot, &fields)? && search.slots.insert(slot) {
                search.found.push(self.packed(slot).header(words)?);
            }
            if looks == LOOKS_MAX {
                search.at = Some((rank, self.packed(slot).name()));
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn are_few(&self, wanted: &RoaringBitmap) -> bool {
        wanted.len() <= LOOKS_MAX as u64 && wanted.len() * SORTED_SHARE < self.len() as u64
    }

    /// Slots after a position, in order.
    fn sorted(
        &self,
        slots: &RoaringBitmap,
        order: Order,
        after: Option<Position<'_>>,
    ) -> Vec<Ranked> {
        let mut sorted: Vec<Ranked> = slots
            .iter()
            .map(|slot| (self.rank(order, slot), slot))
            .filter(|(rank, slot)| after.is_none_or(|it| it < (*rank, self.id(*slot))))
            .collect();
        sorted.sort_unstable_by(|left, right| {
            (left.0, self.id(left.1)).cmp(&(right.0, self.id(right.1)))
        });
        sorted
    }

    fn order(&self, order: Order) -> &Ranking {
        match order {
            Order::Id => &self.ids,
            Order::CreatedDescending => &self.by_creation,
            Order::NextDue => &self.by_next_due,
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
    fn has_fields(&self, slot: u32, fields: &Fields<'_>) -> Result<bool, Corrupt> {
        for (field, wanted) in fields {
            let held = stored_field(self.packed(slot).stored(), *field)?;
            if !held.is_some_and(|held| wanted.contains(&&held)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn rank(&self, order: Order, slot: u32) -> i64 {
        let message = || self.packed(slot).message();
        let rank_of: fn(&pb::StoredHeader) -> i64 = match order {
            Order::Id => return RANK_OF_IDS,
            Order::CreatedDescending => creation_rank,
            Order::NextDue => due_rank,
        };
        rank_of(&message())
    }

    fn id(&self, slot: u32) -> &[u8] {
        self.packed(slot).id()
    }
}

/// The values that are asked for, by the number of their field's name.
type Fields<'a> = BTreeMap<u32, Vec<&'a Value>>;

/// None: no header holds one of the fields.
fn fields<'a>(query: &'a Query, words: &Words) -> Option<Fields<'a>> {
    let mut fields = Fields::new();
    for (field, value) in &query.fields {
        fields.entry(words.number(field.as_str())?).or_default().push(value);
    }
    Some(fields)
}

/// The keys of names; one that no header holds has none, and word 0 stands for it.
fn keys(meaning: Meaning, names: &[impl AsRef<str>], words: &Words) -> Vec<Key> {
    names.iter().map(|name| (meaning, words.number(name.as_ref()).unwrap_or(0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::escalation::Light;
    use crate::model::id::{FieldId, WorkflowId};
    use crate::model::instance::Status;
    use crate::model::time::Timestamp;
    use crate::store::index::Entry;
    use crate::store::words::Draft;
    use crate::store::{Seq, Whereabouts};

    /// One header of so many has the value that is asked for.
    const RARE: usize = 1000;
    const INSTANCES: usize = 2 * LOOKS_MAX + RARE;

    fn id(number: usize) -> InstanceId {
        InstanceId::trusted(&format!("p-{number:05}"))
    }

    fn entry(number: usize, due: usize, words: &mut Draft<'_>) -> Entry {
        let value = if number.is_multiple_of(RARE) { "rare" } else { "common" };
        let header = Header {
            id: id(number),
            workflow: WorkflowId::trusted("investment"),
            workflow_version: 1,
            calendar_digest: 42,
            revision: 1,
            version: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            status: Status::Active,
            next_due: Some(Timestamp(i64::try_from(due).expect("small"))),
            steward: None,
            group: None,
            backups: Vec::new(),
            stages: Vec::new(),
            light: Light::None,
            indexed: vec![(FieldId::trusted("industry"), Value::Text(value.into()))],
            tasks: Vec::new(),
        };
        let rest = Whereabouts { last_record: Seq(1), body: None };
        Entry::of(&header, rest, words)
    }

    fn index() -> (Index, Words) {
        let (mut index, mut words) = (Index::default(), Words::default());
        for number in 0..INSTANCES {
            let mut draft = Draft::of(&words);
            index.put(&entry(number, number, &mut draft));
            let added = draft.added();
            words.add_all(added);
        }
        (index, words)
    }

    fn rare(order: Order, limit: usize) -> Query {
        let value = (FieldId::trusted("industry"), Value::Text("rare".into()));
        Query { order, limit, fields: vec![value], ..Query::default() }
    }

    /// Searches, and changes the index behind each turn. Gives what was found, and how many turns
    /// it took.
    fn search(
        index: &mut Index,
        words: &Words,
        query: &Query,
        mut between: impl FnMut(&mut Index),
    ) -> (Vec<InstanceId>, usize) {
        let (mut search, mut turns) = (Search::of(query), 1);
        while index.search(&mut search, words).expect("readable") {
            between(index);
            turns += 1;
        }
        (search.found().into_iter().map(|header| header.id).collect(), turns)
    }

    fn ids(numbers: impl Iterator<Item = usize>) -> Vec<InstanceId> {
        numbers.map(id).collect()
    }

    #[test]
    fn a_long_search_has_turns_and_finds_all_in_order() {
        let (mut index, words) = index();
        for order in [Order::Id, Order::CreatedDescending, Order::NextDue] {
            let (found, turns) = search(&mut index, &words, &rare(order, INSTANCES), |_| ());
            assert_eq!((found, turns), (ids((0..INSTANCES).step_by(RARE)), 3), "{order:?}");
            // A page that is full ends it, wherever the turns are.
            let mut draft = Draft::of(&words);
            let before = entry(3 * RARE, 3 * RARE, &mut draft);
            let rank = match order {
                Order::Id => RANK_OF_IDS,
                Order::CreatedDescending => creation_rank(&before.message),
                Order::NextDue => due_rank(&before.message),
            };
            let place = Place { rank, instance: before.id };
            let page = Query { after: Some(place), ..rare(order, 3) };
            let (found, _) = search(&mut index, &words, &page, |_| ());
            assert_eq!(found, ids([4, 5, 6].into_iter().map(|number| number * RARE)), "{order:?}");
        }
        let unknown = (FieldId::trusted("area"), Value::Integer(1));
        let query = Query { fields: vec![unknown], ..rare(Order::Id, 9) };
        assert_eq!(search(&mut index, &words, &query, |_| ()), (Vec::new(), 1));
    }

    /// One that was found falls due last from then on, and another one that is still ahead first.
    #[test]
    fn what_moves_between_turns_is_found_once_and_hides_nothing() {
        let (mut index, words) = index();
        let query = rare(Order::NextDue, INSTANCES);
        let (found, _) = search(&mut index, &words, &query, |index| {
            let mut draft = Draft::of(&words);
            index.put(&entry(RARE, INSTANCES, &mut draft));
            index.put(&entry(6 * RARE, 0, &mut draft));
        });
        let stayed = (0..INSTANCES).step_by(RARE).filter(|number| *number != 6 * RARE);
        assert_eq!(found, ids(stayed));
    }
}
