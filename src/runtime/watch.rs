//! Watching a configuration's directory: an edit is taken as a whole, or not at all.
//!
//! The folders are watched, not the files: editors and orchestrators replace files by renaming.
//! Decides nothing about what an edit means.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use notify_debouncer_full::notify::event::{AccessKind, AccessMode};
use notify_debouncer_full::notify::{self, EventKind, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};

use crate::definition::sources::Sources;

use super::publish::PublishError;
use super::shared::Shared;

/// Edits that follow each other this closely are one.
const QUIET: Duration = Duration::from_millis(300);
/// After so long an edit is tried again that the store did not take.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The folders of a configuration.
const FOLDERS: [&str; 2] = ["workflows", "rules"];

/// Watches until dropped.
pub(super) struct Watch {
    notes: SyncSender<Note>,
    thread: Option<JoinHandle<()>>,
}

enum Note {
    Edited,
    Stop,
}

struct Watcher {
    directory: PathBuf,
    debouncer: Debouncer<notify::RecommendedWatcher, RecommendedCache>,
    shared: Arc<Shared>,
}

impl Watch {
    pub(super) fn start(directory: &Path, shared: Arc<Shared>) -> Result<Self, notify::Error> {
        let (notes, noted) = sync_channel(1);
        let edited = notes.clone();
        let handler = move |result: DebounceEventResult| note(&edited, result);
        let mut debouncer = new_debouncer(QUIET, None, handler)?;
        debouncer.watch(directory, RecursiveMode::NonRecursive)?;
        let mut watcher = Watcher { directory: directory.to_owned(), debouncer, shared };
        watcher.watch_folders();
        // What was edited since the directory was read for the start.
        let _ = notes.try_send(Note::Edited);
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || watcher.run(&noted))
            .map_err(notify::Error::io)?;
        Ok(Self { notes, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.notes.send(Note::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn note(edited: &SyncSender<Note>, result: DebounceEventResult) {
    let is_edit = match result {
        Ok(events) => events.iter().any(|event| changes_something(event.kind)),
        Err(errors) => {
            for error in errors {
                tracing::warn!(error = %error, "watching the configuration");
            }
            true
        }
    };
    if is_edit {
        // One note that waits is enough: the whole directory is read.
        let _ = edited.try_send(Note::Edited);
    }
}

/// Reading files makes events too, and would never end.
fn changes_something(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

impl Watcher {
    fn run(mut self, noted: &Receiver<Note>) {
        let mut again = false;
        loop {
            let note = if again {
                noted.recv_timeout(RETRY_AFTER)
            } else {
                noted.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match note {
                Ok(Note::Edited) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Note::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            // Before the files are read, so that no edit falls between.
            self.watch_folders();
            again = take_edit(&self.directory, &self.shared);
        }
    }

    /// A folder that was replaced is another one, and its watch gone with the old one.
    fn watch_folders(&mut self) {
        for folder in FOLDERS {
            let folder = self.directory.join(folder);
            // An error: it was not watched.
            let _ = self.debouncer.unwatch(&folder);
            if folder.is_dir()
                && let Err(error) = self.debouncer.watch(&folder, RecursiveMode::Recursive)
            {
                tracing::warn!(error = %error, folder = %folder.display(), "not watched");
            }
        }
    }
}

/// Takes the directory as it is now. True: it is to be tried again.
fn take_edit(directory: &Path, shared: &Shared) -> bool {
    let (sources, findings) = match Sources::read_dir(directory) {
        Ok(read) => read,
        Err(error) => {
            // In the middle of an edit a folder may be gone for a moment.
            tracing::warn!(error = %error, "the configuration could not be read");
            return true;
        }
    };
    match shared.catalog.take_configuration(shared, &sources, findings) {
        // A rejection was told where it was found.
        Ok(_) | Err(PublishError::Rejected(_)) => false,
        Err(PublishError::Draining | PublishError::ClockJumped) => false,
        Err(
            error @ (PublishError::UnknownPath(_)
            | PublishError::Refused(_)
            | PublishError::UnknownVersion
            | PublishError::Unavailable
            | PublishError::Internal),
        ) => {
            tracing::warn!(error = %error, "an edit was not taken, it will be tried again");
            true
        }
    }
}
