//! The name of a new snapshot, made durable before the old one goes. As it opens, sled renames a
//! snapshot, removes the one before and overwrites what only that one needs of the log; it never
//! syncs the directory, and a disk may take the later of this and lose the name. Between these
//! steps it only writes to its log: hearing that is the one moment to sync. Other words of sled's
//! log go on to ours.
//!
//! Knows no file by name.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};

/// Who speaks after a rename: before the old snapshot or a torn segment goes,
const SNAPSHOTS: &str = "sled::pagecache::snapshot";
/// and before each segment goes that nothing needs any more.
const SEGMENTS: &str = "sled::pagecache::segment";

// What a build leaves out is never heard.
const _: () = assert!(matches!(log::STATIC_MAX_LEVEL, LevelFilter::Debug | LevelFilter::Trace));

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
    listen();
    let opening = Opening { directory, synced: Ok(()), is_named: false };
    OPENING.set(Some(opening));
    let opened = open();
    OPENING.take().map_or(Ok(()), |opening| opening.synced).map(|()| opened)
}

fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| match log::set_logger(&Listener) {
        Ok(()) => log::set_max_level(LevelFilter::Debug),
        Err(error) => tracing::error!(%error, "sled is not heard while it opens"),
    });
}

struct Listener;

impl Log for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // A thread that ends may let go of a sled, and opens none.
        let _ = OPENING.try_with(|opening| {
            if let Some(opening) = opening.borrow_mut().as_mut() {
                opening.hear(record.target());
            }
        });
        let _never_fails = tracing_log::format_trace(record);
    }

    fn flush(&self) {}
}
