//! Postings: for each word in each meaning, the slots whose headers hold it. Knows stored headers.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use crate::store::pb;

/// What a word, or another small number, means in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Meaning {
    Workflow,
    Status,
    Light,
    Stage,
    Steward,
    Group,
    /// Who stands in for the steward.
    Backup,
    /// Who holds an open task.
    Holder,
    /// Who lets somebody else do an open task.
    Delegator,
    /// A role or group that may take an open task that nobody holds.
    Offered,
}

/// A number in a meaning.
pub(super) type Key = (Meaning, u32);

/// The slots under each key.
#[derive(Debug, Default)]
pub(super) struct Postings(HashMap<Key, RoaringBitmap>);

impl Postings {
    /// Lists a slot under its keys.
    pub(super) fn list(&mut self, slot: u32, keys: &[Key]) {
        for key in keys {
            self.0.entry(*key).or_default().insert(slot);
        }
    }

    /// Changes under what a slot is listed. Both lists are as [`keys_of`] gives them.
    pub(super) fn change(&mut self, slot: u32, before: &[Key], after: &[Key]) {
        for key in before.iter().filter(|key| after.binary_search(key).is_err()) {
            if let Some(listed) = self.0.get_mut(key) {
                listed.remove(slot);
                if listed.is_empty() {
                    self.0.remove(key);
                }
            }
        }
        for key in after.iter().filter(|key| before.binary_search(key).is_err()) {
            self.0.entry(*key).or_default().insert(slot);
        }
    }

    /// The slots under any of the keys.
    pub(super) fn any_of(&self, keys: impl Iterator<Item = Key>) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        for listed in keys.filter_map(|key| self.0.get(&key)) {
            found |= listed;
        }
        found
    }
}

/// Under what a header is listed, sorted, each key once.
pub(super) fn keys_of(header: &pb::StoredHeader) -> Vec<Key> {
    let mut keys = Vec::with_capacity(8 + header.stages.len() + header.tasks.len());
    let number = |code: i32| u32::try_from(code).unwrap_or(0);
    keys.push((Meaning::Workflow, header.workflow));
    keys.push((Meaning::Status, number(header.status)));
    keys.push((Meaning::Light, number(header.light)));
    keys.push((Meaning::Steward, header.steward));
    keys.push((Meaning::Group, header.group));
    keys.extend(header.backups.iter().map(|backup| (Meaning::Backup, *backup)));
    keys.extend(header.stages.iter().map(|stage| (Meaning::Stage, *stage)));
    keys.extend(header.tasks.iter().map(|task| match task.holder {
        0 => (Meaning::Offered, task.role),
        holder => (Meaning::Holder, holder),
    }));
    keys.extend(header.tasks.iter().map(|task| (Meaning::Delegator, task.delegated_by)));
    keys.retain(|(_, number)| *number != 0);
    keys.sort_unstable();
    keys.dedup();
    keys
}
