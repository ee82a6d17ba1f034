//! The data file, and what of it sled uses again. While it tidies up, sled moves what is left of a
//! segment to others and overwrites it, and syncs twice a second: a disk may have kept the later of
//! these writes and lost the earlier. So whatever was moved is synced as soon as sled says that it
//! begins a segment anew, or cuts off the last ones, which it does before it touches the file. What
//! fails in between is told by the next sync of ours.
//!
//! Knows nothing of what is stored.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use log::{Level, Record};

use super::hearing::SEGMENTS;
use super::log_file::Doubt;

/// How sled says where in its file it begins a segment, and where it cuts the file off; the number
/// of bytes follows.
const BEGINS_AT: &str = "segment accountant returning offset: ";
const CUTS_AT: &str = "truncating file to length ";
/// The part of sled that tidies up by itself; nobody else tells of its failures.
const FLUSHER: &str = "sled::flusher";

/// Those that are open, in this process.
static OPEN: Mutex<Vec<Weak<DataFile>>> = Mutex::new(Vec::new());

/// The data file of a sled. sled's own `flush` is no sync: this is what is synced.
pub(super) struct DataFile {
    path: PathBuf,
    doubt: Doubt,
    /// Once it is there: sled makes it.
    file: OnceLock<File>,
    /// Whether a write or a sync has failed of which our own syncs may not hear: the system tells
    /// of it once. Held while one syncs.
    has_failed: Mutex<bool>,
}

impl DataFile {
    /// The file of this name, of a sled that is not open yet.
    pub(super) fn new(path: PathBuf, doubt: Doubt) -> Arc<Self> {
        let (file, has_failed) = (OnceLock::new(), Mutex::new(false));
        let data = Arc::new(Self { path, doubt, file, has_failed });
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| other.strong_count() > 0);
        open.push(Arc::downgrade(&data));
        data
    }

    /// Makes durable what was written. An error is that of this sync, or of an earlier one that
    /// sled made, or that was made for it.
    pub(super) fn sync(&self) -> io::Result<()> {
        let mut has_failed = self.failure();
        let synced = self.file().and_then(File::sync_data);
        if synced.is_err() {
            *has_failed = true;
            self.distrust();
        } else if *has_failed {
            return Err(io::Error::other("an earlier write or sync of the data file has failed"));
        }
        synced
    }

    /// Leaves a note that what is shown of the file may not be on the disk.
    pub(super) fn distrust(&self) {
        self.doubt.leave();
    }

    fn file(&self) -> io::Result<&File> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = OpenOptions::new().write(true).open(&self.path)?;
        Ok(self.file.get_or_init(|| file))
    }

    /// sled is about to write there, or to cut the file off there.
    fn gives_up(&self, offset: u64) {
        match self.file().and_then(File::metadata) {
            Ok(metadata) if offset < metadata.len() => {
                // Told by the next sync.
                let _ = self.sync();
            }
            Ok(_) => {}
            // It is that of another store.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => self.fails(),
        }
    }

    fn fails(&self) {
        *self.failure() = true;
        self.distrust();
    }

    fn failure(&self) -> MutexGuard<'_, bool> {
        self.has_failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// sled writes and syncs once more as it closes, and tells nobody what comes of it.
impl Drop for DataFile {
    fn drop(&mut self) {
        if self.file.get().is_some()
            && let Err(error) = self.sync()
        {
            tracing::error!(%error, "store.not_synced");
        }
    }
}

/// Somebody in sled spoke. It does not say of which store: it is done for all.
pub(super) fn hear(record: &Record<'_>) {
    if record.target() == SEGMENTS
        && let Some(offset) = Beginning::of(record.args())
    {
        for data in open() {
            data.gives_up(offset);
        }
    }
    if record.target() == FLUSHER && record.level() == Level::Error {
        for data in open() {
            data.fails();
        }
    }
}

fn open() -> Vec<Arc<DataFile>> {
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.iter().filter_map(Weak::upgrade).collect()
}

/// The beginning of a message, as far as it is of use: what follows may be long.
struct Beginning {
    text: String,
}

impl Beginning {
    /// What is given up from there on; none: it tells of something else.
    fn of(message: &fmt::Arguments<'_>) -> Option<u64> {
        let mut beginning = Self { text: String::with_capacity(2 * Self::BYTES) };
        // An error only says that it is enough.
        let _ = beginning.write_fmt(*message);
        let text = &beginning.text;
        let rest = text.strip_prefix(BEGINS_AT).or_else(|| text.strip_prefix(CUTS_AT))?;
        let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        // Whatever else sled may say there some day: better to sync once too often.
        Some(rest[..end].parse().unwrap_or(0))
    }

    /// Enough for the words and a number.
    const BYTES: usize = BEGINS_AT.len() + 21;
}

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        if self.text.len() < Self::BYTES { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_heard_from_where_on_the_file_is_given_up() {
        let (offset, free) = (3_u64 << 20, [5, 7]);
        let begins = format_args!(
            "segment accountant returning offset: {offset} for lsn {} on deck: {free:?}",
            9_u64 << 20
        );
        assert_eq!(Beginning::of(&begins), Some(offset));
        let cuts = format_args!("truncating file to length {offset}");
        assert_eq!(Beginning::of(&cuts), Some(offset));
        assert_eq!(Beginning::of(&format_args!("freeing segment {offset}")), None);
        let unknown = format_args!("segment accountant returning offset: at the end");
        assert_eq!(Beginning::of(&unknown), Some(0), "better once too often");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "sled makes the file, and there is none here")]
    fn a_failure_that_only_sled_met_is_answered_by_every_sync_after_it() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let doubt = Doubt::of(place.path());
        let data = DataFile::new(place.path().join("db"), doubt.clone());
        data.gives_up(0);
        assert!(!doubt.is_there(), "a file that is not there is that of another store");
        std::fs::write(&data.path, "all of it").expect("writable");
        data.gives_up(0);
        assert!(data.sync().is_ok() && !doubt.is_there());
        data.fails();
        assert!(data.sync().is_err() && data.sync().is_err() && doubt.is_there());
    }
}
