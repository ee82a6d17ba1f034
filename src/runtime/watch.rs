//! Watching a configuration's directory: an edit is taken as a whole, or not at all.
//!
//! The folders are watched, not the files: editors and orchestrators replace files by renaming.
//! Decides nothing about what an edit means.

use std::path::Path;
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
    debouncer: Option<Debouncer<notify::RecommendedWatcher, RecommendedCache>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(directory: &Path, shared: Arc<Shared>) -> Result<Self, notify::Error> {
        let (edited, edits) = sync_channel(1);
        let handler = move |result: DebounceEventResult| note(&edited, result);
        let mut debouncer = new_debouncer(QUIET, None, handler)?;
        debouncer.watch(directory, RecursiveMode::NonRecursive)?;
        for folder in FOLDERS {
            let folder = directory.join(folder);
            if folder.is_dir() {
                debouncer.watch(&folder, RecursiveMode::Recursive)?;
            }
        }
        let directory = directory.to_owned();
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || take_edits(&directory, &shared, &edits))
            .map_err(notify::Error::io)?;
        Ok(Self { debouncer: Some(debouncer), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The thread ends when nothing can be noted any more.
        if let Some(debouncer) = self.debouncer.take() {
            debouncer.stop();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn note(edited: &SyncSender<()>, result: DebounceEventResult) {
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
        let _ = edited.try_send(());
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

fn take_edits(directory: &Path, shared: &Shared, edits: &Receiver<()>) {
    let mut again = false;
    loop {
        let noted = if again {
            match edits.recv_timeout(RETRY_AFTER) {
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(()) | Err(RecvTimeoutError::Timeout) => Ok(()),
            }
        } else {
            edits.recv()
        };
        if noted.is_err() {
            return;
        }
        again = take_edit(directory, shared);
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
            | PublishError::UnknownVersion
            | PublishError::Unavailable
            | PublishError::Internal),
        ) => {
            tracing::warn!(error = %error, "an edit was not taken, it will be tried again");
            true
        }
    }
}
