//! Who has how much to do: kept in memory from the instances' headers, changed with every commit.
//!
//! Derived and only ever advice: the engine writes every choice into an event. Knows no store.

use std::collections::HashMap;

use crate::model::id::{InstanceId, MemberId};
use crate::model::instance::{Header, Instance};
use crate::model::organization::Loads;
use crate::model::time::Timestamp;

/// What one instance asks of people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Share {
    /// The holders of its open tasks, each with the instant since when; several times where a
    /// member holds several.
    holders: Vec<(MemberId, Timestamp)>,
    /// Its steward, while it is live.
    steward: Option<MemberId>,
}

impl Share {
    pub(super) fn of_header(header: &Header) -> Self {
        let held = header.tasks.iter();
        Self {
            holders: held.filter_map(|task| Some((task.holder.clone()?, task.since))).collect(),
            steward: header.steward.clone().filter(|_| header.status.is_live()),
        }
    }

    pub(super) fn of_instance(instance: &Instance) -> Self {
        let holders = instance.open_tasks().filter_map(|task| task.holder.as_ref());
        Self {
            holders: holders.map(|holder| (holder.member.clone(), holder.since)).collect(),
            steward: instance.steward.clone().filter(|_| instance.status.is_live()),
        }
    }

    fn is_nothing(&self) -> bool {
        self.holders.is_empty() && self.steward.is_none()
    }
}

/// Moves the loads from what an instance asked before to what it asks now.
pub(super) fn shift(loads: &mut Loads, before: &Share, after: &Share) {
    if before == after {
        return;
    }
    for (member, _) in &before.holders {
        let load = loads.members.entry(member.clone()).or_default();
        load.open_tasks = load.open_tasks.saturating_sub(1);
    }
    for (member, since) in &after.holders {
        let load = loads.members.entry(member.clone()).or_default();
        load.open_tasks += 1;
        load.assigned_at = load.assigned_at.max(Some(*since));
    }
    if before.steward != after.steward {
        if let Some(member) = &before.steward {
            let load = loads.members.entry(member.clone()).or_default();
            load.stewarded = load.stewarded.saturating_sub(1);
        }
        if let Some(member) = &after.steward {
            loads.members.entry(member.clone()).or_default().stewarded += 1;
        }
    }
}

/// The loads as they are durable. Setting an instance's share twice changes nothing, so a commit
/// whose acknowledgement was lost cannot make them drift for longer than until its next one.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    shares: HashMap<InstanceId, Share>,
    loads: Loads,
}

impl Ledger {
    pub(super) fn set(&mut self, header: &Header) {
        let after = Share::of_header(header);
        let before = self.shares.remove(&header.id).unwrap_or_default();
        shift(&mut self.loads, &before, &after);
        if !after.is_nothing() {
            self.shares.insert(header.id.clone(), after);
        }
    }

    pub(super) fn loads(&self) -> &Loads {
        &self.loads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(holders: &[&str], steward: Option<&str>) -> Share {
        let held = holders.iter().map(|member| (MemberId::trusted(member), Timestamp(7)));
        Share { holders: held.collect(), steward: steward.map(MemberId::trusted) }
    }

    #[test]
    fn loads_follow_what_an_instance_asks() {
        let mut loads = Loads::default();
        let of = |loads: &Loads, member: &str| {
            let load = loads.of(&MemberId::trusted(member));
            (load.open_tasks, load.stewarded)
        };
        let (nothing, first) = (share(&[], None), share(&["anna", "anna", "bert"], Some("cora")));
        shift(&mut loads, &nothing, &first);
        assert_eq!(of(&loads, "anna"), (2, 0));
        assert_eq!(of(&loads, "cora"), (0, 1));
        let second = share(&["bert"], Some("bert"));
        shift(&mut loads, &first, &second);
        assert_eq!(of(&loads, "anna"), (0, 0));
        assert_eq!(of(&loads, "bert"), (1, 1));
        shift(&mut loads, &second, &nothing);
        assert_eq!(of(&loads, "bert"), (0, 0));
        let last = loads.of(&MemberId::trusted("anna")).assigned_at;
        assert_eq!(last, Some(Timestamp(7)), "who was chosen last is remembered");
    }
}
