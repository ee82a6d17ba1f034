//! Compaction: sled's file never shrinks, so what is in it is copied into a new one, which takes
//! the place of the old at one instant, after it was read back and compared. Nothing is dropped:
//! history is the truth. Killed at any time, either file is there, and both hold the same.

use std::path::Path;

use super::checking::check;
use super::disk::{Disk, Staged};
use super::opening::{Parts, open_disk, open_parts};
use super::{OpenError, SledStore, Verified};
use crate::store::{Error, Progress};

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
        drop(ledger);
        let copied = checked.read;
        let bytes_before = directory.bytes()?;
        let new = directory.begin_compaction()?;
        let total = pairs_of(copied);
        let written = copy(&disk, &open_disk(&new)?, total, progress).map_err(failed);
        let written = written.and_then(|()| {
            new.sync()?;
            // Opened anew, what is compared comes from the file; and sled leaves a snapshot.
            compare(&disk, &open_disk(&new)?, total, progress).map_err(failed)
        });
        if let Err(error) = written {
            // Half a copy is of no use, and may be what fills the disk.
            directory.remove_unfinished_compaction()?;
            return Err(error);
        }
        drop(disk);
        directory.finish_compaction()?;
        let bytes_after = directory.bytes()?;
        Ok(Compacted { bytes_before, bytes_after, copied })
    }
}

/// About how many pairs there are: most values have one chunk.
fn pairs_of(copied: Verified) -> u64 {
    copied.records + 2 * copied.instances + copied.documents
}

fn copy(
    from: &Disk,
    to: &Disk,
    total: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let (mut staged, mut bytes, mut done) = (Staged::default(), 0, 0_u64);
    for pair in from.pairs() {
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
    old: &Disk,
    new: &Disk,
    total: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let (mut copies, mut done) = (new.pairs(), 0_u64);
    for pair in old.pairs() {
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
