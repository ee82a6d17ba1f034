//! The instances that a worker holds in memory: durable ones only, the least recently used dropped.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::id::InstanceId;
use crate::model::instance::Instance;

/// Of a full cache, this part is dropped at once: one in eight.
const DROPPED_SHARE: usize = 8;

pub(super) struct Cache {
    held: HashMap<InstanceId, Held>,
    uses: u64,
    held_max: usize,
}

struct Held {
    instance: Arc<Instance>,
    used: u64,
}

impl Cache {
    pub(super) fn new(held_max: usize) -> Self {
        Self { held: HashMap::new(), uses: 0, held_max: held_max.max(DROPPED_SHARE) }
    }

    pub(super) fn get(&mut self, id: &InstanceId) -> Option<Arc<Instance>> {
        let held = self.held.get_mut(id)?;
        self.uses += 1;
        held.used = self.uses;
        Some(Arc::clone(&held.instance))
    }

    /// Holds what has become durable.
    pub(super) fn keep(&mut self, instances: HashMap<InstanceId, Arc<Instance>>) {
        for instance in instances.into_values() {
            self.keep_one(instance);
        }
    }

    pub(super) fn keep_one(&mut self, instance: Arc<Instance>) {
        self.uses += 1;
        self.held.insert(instance.id.clone(), Held { instance, used: self.uses });
        if self.held.len() > self.held_max {
            self.drop_oldest();
        }
    }

    pub(super) fn forget<'a>(&mut self, ids: impl Iterator<Item = &'a InstanceId>) {
        for id in ids {
            self.held.remove(id);
        }
    }

    fn drop_oldest(&mut self) {
        let mut uses: Vec<u64> = self.held.values().map(|held| held.used).collect();
        let dropped = (self.held_max / DROPPED_SHARE).min(uses.len() - 1);
        let (_, border, _) = uses.select_nth_unstable(dropped);
        let border = *border;
        self.held.retain(|_, held| held.used > border);
    }
}
