//! What makes a store that store: its incarnation, and how instances are spread over partitions.

use super::{Identity, Partition};
use crate::model::id::InstanceId;
use crate::model::limits;

impl Identity {
    /// The identity of a store that is being made.
    pub(super) fn fresh(simulated_clock: bool) -> Self {
        Self {
            incarnation: uuid::Uuid::new_v4().simple().to_string(),
            partitions: limits::PARTITIONS,
            simulated_clock,
        }
    }

    /// The partition of an instance. Stored numbers and resume tokens depend on it: it is FNV-1a
    /// over the bytes of the id, modulo the number of partitions, and never changes.
    pub fn partition_of(&self, instance: &InstanceId) -> Partition {
        let partition = fnv1a(instance.as_str().as_bytes()) % u64::from(self.partitions);
        Partition(u16::try_from(partition).expect("a remainder of a division by a u16 fits in one"))
    }
}

/// FNV-1a with 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published values of the function, and places of ids that stores out there rely on.
    #[test]
    fn the_hash_never_changes() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);

        let identity = Identity::fresh(false);
        let places: Vec<u16> = ["p-1", "p-2", "P-2025-0001", "demand:7.child", "x"]
            .into_iter()
            .map(|id| identity.partition_of(&InstanceId::trusted(id)).0)
            .collect();
        insta::assert_compact_debug_snapshot!(places, @"[5, 4, 3, 5, 7]");
    }

    #[test]
    fn every_partition_is_used() {
        let identity = Identity::fresh(false);
        let mut counts = vec![0_u32; usize::from(identity.partitions)];
        for number in 0..800 {
            let id = InstanceId::trusted(&format!("project-{number}"));
            counts[usize::from(identity.partition_of(&id).0)] += 1;
        }
        assert!(counts.iter().all(|count| (50..=200).contains(count)), "{counts:?}");
    }
}
