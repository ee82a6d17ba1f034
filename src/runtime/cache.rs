//! The instances that a worker holds in memory: durable ones only, the least recently used dropped.
//!
//! Once there was no room for one, an instance is held when it is read for the second time. Where
//! far more are in use than fit, holding each would drop another that nobody asks for either, and
//! all their memory would pass through the processor's caches: `docs/performance.md`.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

use crate::model::id::InstanceId;
use crate::model::instance::Instance;

/// Of a full cache, this part is dropped at once: one in eight.
const DROPPED_SHARE: usize = 8;

pub(super) struct Cache {
    held: HashMap<InstanceId, Held>,
    uses: u64,
    held_max: usize,
    /// Whether some were dropped.
    was_full: bool,
    read: ReadOnce,
}

/// Which instances were read and not held: hashes of the latest ones. Two that share a hash are
/// taken for one, which does no harm.
#[derive(Default)]
struct ReadOnce {
    hasher: DefaultHashBuilder,
    latest: HashSet<u64>,
    before: HashSet<u64>,
}

impl ReadOnce {
    /// Whether it was read lately; from now on it was.
    fn again(&mut self, id: &InstanceId, latest_max: usize) -> bool {
        let hash = self.hasher.hash_one(id);
        if self.latest.len() >= latest_max {
            self.before = std::mem::take(&mut self.latest);
        }
        self.before.contains(&hash) || !self.latest.insert(hash)
    }
}

struct Held {
    instance: Arc<Instance>,
    used: u64,
}

impl Cache {
    pub(super) fn new(held_max: usize) -> Self {
        Self {
            held: HashMap::new(),
            uses: 0,
            held_max: held_max.max(DROPPED_SHARE),
            was_full: false,
            read: ReadOnce::default(),
        }
    }

    pub(super) fn get(&mut self, id: &InstanceId) -> Option<Arc<Instance>> {
        let held = self.held.get_mut(id)?;
        self.uses += 1;
        held.used = self.uses;
        Some(Arc::clone(&held.instance))
    }

    /// Whether an instance that was just read is to be held.
    pub(super) fn admits(&mut self, id: &InstanceId) -> bool {
        !self.was_full || self.read.again(id, self.held_max)
    }

    /// Takes what a group made of an instance, now that it is durable. It replaces what is held:
    /// nothing held is older than the store. Of those that are not held, only one that has just
    /// begun is from now on.
    pub(super) fn renew(&mut self, instance: Arc<Instance>, began: bool) {
        match self.held.get_mut(&instance.id) {
            Some(held) => {
                self.uses += 1;
                *held = Held { instance, used: self.uses };
            }
            None if began => self.keep(instance),
            None => {}
        }
    }

    /// Holds one that is durable.
    pub(super) fn keep(&mut self, instance: Arc<Instance>) {
        self.uses += 1;
        self.held.insert(instance.id.clone(), Held { instance, used: self.uses });
        if self.held.len() > self.held_max {
            self.was_full = true;
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
            cache.keep(instance(number));
            assert!(cache.get(&kept.id).is_some(), "used again and again: after {number}");
            assert!(cache.held.len() <= 16);
        }
        assert!(cache.get(&InstanceId::trusted("e-1")).is_none());
        assert!(cache.get(&InstanceId::trusted("e-199")).is_some());
        cache.forget([&kept.id].into_iter());
        assert!(cache.get(&kept.id).is_none());
    }

    #[test]
    fn what_is_durable_replaces_what_is_held_and_drives_nothing_out() {
        let mut cache = Cache::new(16);
        let begun = instance(0);
        cache.renew(Arc::clone(&begun), true);
        let later = Arc::new(Instance { version: 2, ..Instance::clone(&begun) });
        cache.renew(later, false);
        assert_eq!(cache.get(&begun.id).map(|held| held.version), Some(2));
        cache.renew(instance(1), false);
        assert!(cache.get(&InstanceId::trusted("e-1")).is_none(), "nobody asked for it");
    }

    #[test]
    fn once_there_was_no_room_what_is_read_twice_is_held() {
        let mut cache = Cache::new(16);
        for number in 0..16 {
            let read = instance(number);
            assert!(cache.admits(&read.id), "there is room for {number}");
            cache.keep(read);
        }
        cache.keep(instance(16));
        let id = |number: usize| InstanceId::trusted(&format!("e-{number}"));
        assert!(!cache.admits(&id(100)), "read for the first time");
        assert!(cache.admits(&id(100)), "and for the second");
        for number in 200..220 {
            assert!(!cache.admits(&id(number)), "{number} is read for the first time");
        }
        assert!(cache.admits(&id(201)), "not long ago");
        for number in 300..340 {
            assert!(!cache.admits(&id(number)), "{number} is read for the first time");
        }
        assert!(!cache.admits(&id(201)), "that was long ago");
        let known = cache.read.latest.len() + cache.read.before.len();
        assert!(known <= 32, "there is a limit: {known}");
    }
}
