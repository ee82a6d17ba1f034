//! The files of backups. One that is being written has a name of its own, so that half a backup is
//! never taken for a whole one; it gets its name when it is durable and was read back. Knows
//! nothing of what is in them.
#![expect(clippy::disallowed_methods, reason = "this is where the files of backups are handled")]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::reading::Backup;
use super::{BackupError, Progress};

/// The end of the name of a backup that is being written.
const UNFINISHED_END: &str = ".unfinished";

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
        refuse_existing(path)?;
        let mut name = path.as_os_str().to_owned();
        name.push(UNFINISHED_END);
        let unfinished = PathBuf::from(name);
        let failed = |doing| move |source| inaccessible(path, doing, source);
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&unfinished);
        let file = opened.map_err(failed("write"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(BackupError::InUse { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        file.set_len(0).map_err(failed("write"))?;
        Ok(Self { path: path.to_owned(), written_as: unfinished, file: BufWriter::new(file) })
    }

    /// Makes it durable, reads it back, and gives it its name.
    pub fn finish(mut self, progress: &mut dyn FnMut(Progress)) -> Result<Backup, BackupError> {
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|source| inaccessible(&self.path, "write", source))?;
        let mut backup = Backup::open(&self.written_as, progress)?;
        refuse_existing(&self.path)?;
        let named =
            fs::rename(&self.written_as, &self.path).and_then(|()| sync_directory_of(&self.path));
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
        // Where it was finished nothing has this name any more.
        let _ = fs::remove_file(&self.written_as);
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

fn refuse_existing(path: &Path) -> Result<(), BackupError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(BackupError::Exists { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(inaccessible(path, "look for", source)),
    }
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

pub(super) fn inaccessible(path: &Path, doing: &'static str, source: io::Error) -> BackupError {
    BackupError::Inaccessible { path: path.to_owned(), doing, source }
}
