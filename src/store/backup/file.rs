//! The files of backups. One that is being written has a name of its own, so that half a backup is
//! never taken for a whole one; it gets its name when it is durable and was read back. Knows
//! nothing of what is in them.
#![expect(clippy::disallowed_methods, reason = "this is where the files of backups are handled")]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::reading::Backup;
use super::{BackupError, Progress};
use crate::store::folders;

/// The end of the name of a backup that is being written.
const UNFINISHED_END: &str = ".unfinished";
/// How often a backup is begun that others finish or give up meanwhile.
const ATTEMPTS_MAX: usize = 100;

/// A backup that is being written. Dropped without [`Unfinished::finish`] it is removed; what a
/// kill leaves behind is used by the next backup of the same name.
#[derive(Debug)]
pub struct Unfinished {
    path: PathBuf,
    written_as: PathBuf,
    /// Locked while it is being written.
    file: BufWriter<File>,
}

impl Unfinished {
    /// Begins a backup that will have this name.
    pub fn begin(path: &Path) -> Result<Self, BackupError> {
        for _ in 0..ATTEMPTS_MAX {
            refuse_existing(path)?;
            if let Some(begun) = Self::take(path, open_unfinished(path)?)? {
                return Ok(begun);
            }
        }
        Err(BackupError::InUse { path: path.to_owned() })
    }

    /// Takes a file that was just opened; none: before it was locked, somebody else has finished or
    /// removed it.
    fn take(path: &Path, file: File) -> Result<Option<Self>, BackupError> {
        let failed = |doing| move |source| inaccessible(path, doing, source);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(BackupError::InUse { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        let written_as = unfinished(path);
        if !is_named(&file, &written_as).map_err(failed("look for"))? {
            return Ok(None);
        }
        let begun = Self { path: path.to_owned(), written_as, file: BufWriter::new(file) };
        // The other one may have been finished before this file was made.
        refuse_existing(path)?;
        begun.file.get_ref().set_len(0).map_err(failed("write"))?;
        Ok(Some(begun))
    }

    /// Makes it durable, reads it back, and gives it its name.
    pub fn finish(mut self, progress: &mut dyn FnMut(Progress)) -> Result<Backup, BackupError> {
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|source| inaccessible(&self.path, "write", source))?;
        let mut backup = Backup::open(&self.written_as, progress)?;
        refuse_existing(&self.path)?;
        let named = fs::rename(&self.written_as, &self.path)
            .and_then(|()| folders::sync(&folders::above(&self.path)));
        named.map_err(|source| inaccessible(&self.path, "name", source))?;
        backup.moved_to(&self.path);
        Ok(backup)
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Where it was finished nothing has this name any more, or one that was begun since.
        if is_named(self.file.get_ref(), &self.written_as).unwrap_or(false) {
            let _ = fs::remove_file(&self.written_as);
        }
    }
}

/// Opens a backup for reading, and tells its length.
pub(super) fn open(path: &Path) -> Result<(File, u64), BackupError> {
    let opened = File::open(path).and_then(|file| {
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok((file, about.len()))
    });
    opened.map_err(|source| inaccessible(path, "read", source))
}

/// The name of a backup while it is being written.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED_END);
    PathBuf::from(name)
}

fn open_unfinished(path: &Path) -> Result<File, BackupError> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(unfinished(path));
    opened.map_err(|source| inaccessible(path, "write", source))
}

/// Whether a file is the one that has this name.
fn is_named(file: &File, name: &Path) -> io::Result<bool> {
    let identity = |about: fs::Metadata| (about.dev(), about.ino());
    match fs::metadata(name) {
        Ok(named) => Ok(identity(named) == identity(file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn refuse_existing(path: &Path) -> Result<(), BackupError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(BackupError::Exists { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(inaccessible(path, "look for", source)),
    }
}

pub(super) fn inaccessible(path: &Path, doing: &'static str, source: io::Error) -> BackupError {
    BackupError::Inaccessible { path: path.to_owned(), doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(place: &tempfile::TempDir) -> PathBuf {
        place.path().join("day.sanbang")
    }

    /// Two were begun at once: the one has opened the file when the other gives it its name.
    #[test]
    fn a_backup_that_was_just_finished_is_not_emptied() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let path = name(&place);
        let mut first = Unfinished::begin(&path).expect("nothing is there");
        first.write_all(b"whole").and_then(|()| first.flush()).expect("writable");
        let opened = open_unfinished(&path).expect("it is there");
        fs::rename(&first.written_as, &path).expect("it is there");
        drop(first);
        let taken = Unfinished::take(&path, opened).expect("nobody holds it");
        assert!(taken.is_none(), "it is finished");
        assert_eq!(fs::read(&path).expect("readable"), b"whole");
        let refused = Unfinished::begin(&path);
        assert!(matches!(refused, Err(BackupError::Exists { .. })), "{refused:?}");
    }

    /// The one opens the file right after the other one has got its name, and makes it anew.
    #[test]
    fn a_backup_beside_one_that_was_just_finished_is_refused() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let path = name(&place);
        let opened = open_unfinished(&path).expect("writable");
        fs::write(&path, "whole").expect("writable");
        let refused = Unfinished::take(&path, opened);
        assert!(matches!(refused, Err(BackupError::Exists { .. })), "{refused:?}");
        assert_eq!(fs::read(&path).expect("readable"), b"whole");
        assert!(!unfinished(&path).exists(), "nothing is left of it");
    }

    /// What one has given up is removed: the other would write what nobody finds.
    #[test]
    fn a_backup_that_was_given_up_is_begun_anew() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let path = name(&place);
        let first = Unfinished::begin(&path).expect("nothing is there");
        let opened = open_unfinished(&path).expect("it is there");
        drop(first);
        let taken = Unfinished::take(&path, opened).expect("nobody holds it");
        assert!(taken.is_none(), "it is gone");
        let again = Unfinished::begin(&path).expect("nothing is there");
        assert!(again.written_as.exists());
    }
}
