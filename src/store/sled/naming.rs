//! The name of a new snapshot, made durable before the old one goes. As it opens, sled renames a
//! snapshot, removes the one before and overwrites what only that one needs of the log; it never
//! syncs the directory, and a disk may take the later of this and lose the name. Between these
//! steps it only writes to its log: hearing that is the one moment to sync.
//!
//! Knows no file by name.

use std::cell::RefCell;
use std::fs::File;
use std::io;

use super::hearing::{self, SEGMENTS};

/// Who speaks after a rename, before the old snapshot or a torn segment goes. [`SEGMENTS`] do
/// before each segment goes that nothing needs any more.
const SNAPSHOTS: &str = "sled::pagecache::snapshot";

thread_local! {
    static OPENING: RefCell<Option<Opening>> = const { RefCell::new(None) };
}

/// An opening in this thread.
struct Opening {
    directory: File,
    synced: io::Result<()>,
    /// Segments go after all names: one sync is enough for them.
    is_named: bool,
}

impl Opening {
    fn hear(&mut self, who: &str) {
        let is_of_segments = who == SEGMENTS;
        if (is_of_segments || who == SNAPSHOTS) && !self.is_named && self.synced.is_ok() {
            self.synced = self.directory.sync_all();
            self.is_named = is_of_segments;
        }
    }
}

/// Opens a sled whose files are in this directory. An error is that of syncing the names.
pub(super) fn open<T>(directory: File, open: impl FnOnce() -> T) -> io::Result<T> {
    hearing::listen();
    let opening = Opening { directory, synced: Ok(()), is_named: false };
    OPENING.set(Some(opening));
    let opened = open();
    OPENING.take().map_or(Ok(()), |opening| opening.synced).map(|()| opened)
}

/// Somebody in sled spoke.
pub(super) fn hear(who: &str) {
    // A thread that ends may let go of a sled, and opens none.
    let _ = OPENING.try_with(|opening| {
        if let Some(opening) = opening.borrow_mut().as_mut() {
            opening.hear(who);
        }
    });
}
