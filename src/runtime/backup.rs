//! A backup of a running service: one thread reads the store and fills a short queue, so that a
//! slow receiver makes it wait and costs no memory. Knows nothing of the wire.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::model::limits;
use crate::store::backup::{self, BackupError, Head};
use crate::store::{Error, Progress};

use super::answer::ReadError;
use super::clock::Clock;
use super::shared::Shared;

/// Bytes of one piece of a backup.
const PIECE_BYTES: usize = 256 * 1024;

/// Why no backup is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupRefusal {
    /// Another one is under way.
    Running,
    /// The server is shutting down.
    Draining,
}

impl BackupRefusal {
    /// After how long trying again may help.
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Running => Duration::from_secs(10),
            Self::Draining => Duration::from_secs(1),
        }
    }
}

impl fmt::Display for BackupRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Running => "another backup is being taken",
            Self::Draining => "the server is shutting down",
        })
    }
}

impl std::error::Error for BackupRefusal {}

/// A part of a backup, in order.
#[derive(Debug)]
pub struct Piece {
    /// Its bytes.
    pub content: Vec<u8>,
    /// How far the backup is, if that is known by now.
    pub progress: Option<Progress>,
}

/// Begins a backup. The pieces end with an error or with the end of the file.
pub(super) fn begin(
    shared: &Arc<Shared>,
    program: &str,
) -> Result<mpsc::Receiver<Result<Piece, ReadError>>, BackupRefusal> {
    if shared.draining.load(Ordering::Relaxed) {
        return Err(BackupRefusal::Draining);
    }
    let turn = Turn::take(Arc::clone(shared)).ok_or(BackupRefusal::Running)?;
    let (queue, pieces) = mpsc::channel(limits::STREAM_MESSAGES_MAX);
    let head = Head {
        store: shared.store.identity().clone(),
        begun_at: Clock::real().now(),
        program: program.to_owned(),
    };
    // It waits for the receiver: not a thread that others would wait for.
    tokio::task::spawn_blocking(move || write(&turn.0, &head, queue));
    Ok(pieces)
}

fn write(shared: &Shared, head: &Head, queue: mpsc::Sender<Result<Piece, ReadError>>) {
    let progress = Cell::new(None);
    let mut pieces = Pieces { shared, queue, filling: Vec::new(), progress: &progress };
    let told = &mut |now| progress.set(Some(now));
    let written = backup::write(shared.store.as_ref(), head, &mut pieces, told);
    let error = match written {
        Ok(contents) => {
            tracing::info!(?contents, "backup.written");
            return;
        }
        Err(BackupError::Store(error)) => {
            tracing::error!(%error, "the store could not be read for a backup");
            if let Error::Corrupt(what) = &error {
                (shared.fatal)(what);
            }
            ReadError::Unavailable
        }
        Err(_) if shared.draining.load(Ordering::Relaxed) => ReadError::Draining,
        Err(error) => {
            tracing::warn!(%error, "backup.given_up");
            return;
        }
    };
    // Whoever has left is not told.
    let _ = pieces.queue.blocking_send(Err(error));
}

/// One backup at a time: each reads everything.
struct Turn(Arc<Shared>);

impl Turn {
    fn take(shared: Arc<Shared>) -> Option<Self> {
        let running: &AtomicBool = &shared.backing_up;
        (!running.swap(true, Ordering::AcqRel)).then_some(Self(shared))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.backing_up.store(false, Ordering::Release);
    }
}

/// What is written, cut into pieces.
struct Pieces<'a> {
    shared: &'a Shared,
    queue: mpsc::Sender<Result<Piece, ReadError>>,
    filling: Vec<u8>,
    progress: &'a Cell<Option<Progress>>,
}

impl Pieces<'_> {
    fn send(&mut self) -> io::Result<()> {
        if self.shared.draining.load(Ordering::Relaxed) {
            return Err(io::Error::other("the server is shutting down"));
        }
        let content = std::mem::take(&mut self.filling);
        let piece = Piece { content, progress: self.progress.get() };
        let sent = self.queue.blocking_send(Ok(piece));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the receiver has left"))
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE_BYTES - self.filling.len();
        let taken = room.min(bytes.len());
        self.filling.extend_from_slice(&bytes[..taken]);
        if self.filling.len() == PIECE_BYTES {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.filling.is_empty() { Ok(()) } else { self.send() }
    }
}
