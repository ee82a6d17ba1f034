//! Compaction: sled's file never shrinks, so what is in it is copied into a new one, which takes
//! the place of the old at one instant, after it was read back and compared. Nothing is dropped but
//! bodies that later ones have replaced: history is the truth. Killed at any time, either file is
//! there, and both hold the same.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::checking::{PANICKED, check};
use super::disk::{Disk, Staged};
use super::keys::ValueKey;
use super::opening::{Parts, open_disk, open_parts};
use super::{OpenError, SledStore, Verified};
use crate::model::id::InstanceId;
use crate::store::index::Known;
use crate::store::ledger::Ledger;
use crate::store::{Error, Identity, Partition, Progress, Seq};

/// Bytes that are handed to sled at once.
const STAGED_BYTES_MAX: usize = 1024 * 1024;
/// Pairs after which progress is told.
const PROGRESS_PAIRS: u64 = 4096;

/// What a compaction gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes of the files before.
    pub bytes_before: u64,
    /// Bytes of the files after.
    pub bytes_after: u64,
    /// What was copied.
    pub copied: Verified,
}

impl SledStore {
    /// Compacts the store in this directory, which nobody else may have open, and which must hold
    /// together.
    pub fn compact(
        path: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Compacted, OpenError> {
        let failed = |error: Error| OpenError::NotCompacted {
            path: path.to_owned(),
            what: error.to_string(),
        };
        let Parts { directory, disk, identity, ledger } = open_parts(path)?;
        let checked = check(&disk, &identity, &ledger, progress);
        if let Some(what) = checked.findings.into_iter().next() {
            return Err(OpenError::Damaged { path: path.to_owned(), what, backup: None });
        }
        let copied = checked.read;
        let current = current_bodies(&identity, &ledger);
        drop(ledger);
        let bytes_before = directory.bytes()?;
        let new = directory.begin_compaction()?;
        let total = pairs_of(copied);
        let kept = || disk.pairs().filter(|pair| is_kept(&current, pair));
        let written = catch_unwind(AssertUnwindSafe(|| {
            copy(kept(), &open_disk(&new)?, total, progress).map_err(failed)?;
            // Opened anew, what is compared comes from the file; and sled leaves a snapshot.
            compare(kept(), &open_disk(&new)?, total, progress).map_err(failed)
        }));
        let written = written.unwrap_or_else(|_| Err(failed(Error::Corrupt(PANICKED.to_owned()))));
        if let Err(error) = written {
            // Half a copy is of no use, and may be what fills the disk.
            directory.remove_unfinished_compaction()?;
            return Err(error);
        }
        drop(disk);
        directory.finish_compaction(new)?;
        let bytes_after = directory.bytes()?;
        Ok(Compacted { bytes_before, bytes_after, copied })
    }
}

/// About how many pairs there are: most values have one chunk.
fn pairs_of(copied: Verified) -> u64 {
    copied.records + 2 * copied.instances + copied.documents
}

/// A key with what stands under it.
type Pair = Result<(sled::IVec, sled::IVec), Error>;

/// The places of the bodies that headers know.
fn current_bodies(identity: &Identity, ledger: &Ledger) -> HashSet<(Partition, Seq)> {
    let place = |(instance, known): (InstanceId, Known)| {
        Some((identity.partition_of(&instance), known.body?))
    };
    ledger.index.entries().filter_map(place).collect()
}

fn is_kept(current: &HashSet<(Partition, Seq)>, pair: &Pair) -> bool {
    let Ok((key, _)) = pair else { return true };
    let place = ValueKey::of_chunk(key).and_then(|(key, _)| key.as_body());
    place.is_none_or(|place| current.contains(&place))
}

fn copy(
    from: impl Iterator<Item = Pair>,
    to: &Disk,
    total: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let (mut staged, mut bytes, mut done) = (Staged::default(), 0, 0_u64);
    for pair in from {
        let (key, value) = pair?;
        staged.set(&key, &value);
        bytes += key.len() + value.len();
        if bytes >= STAGED_BYTES_MAX {
            to.write_unsynced(std::mem::take(&mut staged))?;
            bytes = 0;
        }
        tell(&mut done, "values copied", total, progress);
    }
    to.write(staged)?;
    progress(Progress { of: "values copied", done, total: Some(done) });
    Ok(())
}

fn compare(
    old: impl Iterator<Item = Pair>,
    new: &Disk,
    total: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let (mut copies, mut done) = (new.pairs(), 0_u64);
    for pair in old {
        if copies.next().transpose()? != Some(pair?) {
            return Err(different());
        }
        tell(&mut done, "values compared", total, progress);
    }
    progress(Progress { of: "values compared", done, total: Some(done) });
    if copies.next().is_some() { Err(different()) } else { Ok(()) }
}

fn tell(done: &mut u64, of: &'static str, total: u64, progress: &mut dyn FnMut(Progress)) {
    *done += 1;
    if done.is_multiple_of(PROGRESS_PAIRS) {
        progress(Progress { of, done: *done, total: Some(total.max(*done)) });
    }
}

fn different() -> Error {
    Error::Corrupt("the copy is not what was copied".to_owned())
}
