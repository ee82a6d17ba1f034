//! The instances that a worker holds in memory: durable ones only, the least recently used dropped.

use std::sync::Arc;

use hashbrown::HashMap;

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
    pub(super) fn keep(&mut self, instances: impl Iterator<Item = Arc<Instance>>) {
        instances.for_each(|instance| self.keep_one(instance));
    }

    fn keep_one(&mut self, instance: Arc<Instance>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::apply_record;
    use crate::model::actor::Actor;
    use crate::model::event::{Event, Payload, Record, Stamp};
    use crate::model::id::WorkflowId;
    use crate::model::time::Timestamp;
    use crate::model::value::Values;

    fn instance(number: usize) -> Arc<Instance> {
        let id = InstanceId::trusted(&format!("e-{number}"));
        let workflow = WorkflowId::trusted("errand");
        let (time, workflow_version) = (Timestamp(0), 1);
        let payload = Payload::InstanceCreated {
            id: id.clone(),
            workflow: workflow.clone(),
            workflow_version,
            calendar_digest: 0,
            fields: Values::new(),
        };
        let stamp = Stamp { instance: id, workflow, workflow_version, version: 1, revision: 1 };
        let events = vec![Event { time, due_at: None, payload }];
        let record =
            Record { stamp: Some(stamp), time, actor: Actor::System, request: None, events };
        let mut created = None;
        apply_record(&mut created, &record);
        created.expect("a creation makes an instance")
    }

    #[test]
    fn what_was_used_last_stays_and_there_is_a_limit() {
        let mut cache = Cache::new(16);
        let kept = instance(0);
        for number in 0..200 {
            cache.keep_one(instance(number));
            assert!(cache.get(&kept.id).is_some(), "used again and again: after {number}");
            assert!(cache.held.len() <= 16);
        }
        assert!(cache.get(&InstanceId::trusted("e-1")).is_none());
        assert!(cache.get(&InstanceId::trusted("e-199")).is_some());
        cache.forget([&kept.id].into_iter());
        assert!(cache.get(&kept.id).is_none());
    }
}
