//! Backups: everything that a store holds, as one file that carries its own checksum.
//!
//! Events are the truth, so a backup is right when its records are: bodies are taken first, while
//! the store is in use, then its point is noted, then the documents of that instant and every
//! record up to it are written. No body is newer than the point, because only what is durable is
//! ever loaded. Headers are not kept: whoever restores makes them anew from body and records. The
//! form of the file is told in `proto/sanbang/storage/v1/backup.proto`. Knows no sled.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::{Error, Identity, Progress};
use crate::model::time::Timestamp;

mod file;
mod reading;
mod writing;

pub use file::Unfinished;
pub use reading::{Backup, Entries, Entry};
pub use writing::write;

/// The first line of a backup, before the number of its format.
const TITLE: &str = "sanbang backup, format ";
/// The format in which this program writes; a reader refuses a higher one.
const FORMAT: u32 = 1;
/// The length of an entry is believed up to this: a damaged one would ask for any memory.
const ENTRY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of the checksum at the end.
const CHECKSUM_BYTES: usize = 32;

/// What was backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The store.
    pub store: Identity,
    /// When the backup was begun, by the machine's clock.
    pub begun_at: Timestamp,
    /// The version of the program that wrote it.
    pub program: String,
}

/// How much a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// Bodies of instances. An instance without one begins with its first record.
    pub bodies: u64,
    /// Documents.
    pub documents: u64,
    /// Records.
    pub records: u64,
    /// Events in them.
    pub events: u64,
}

/// Why there is no backup, or none that can be used.
#[derive(Debug)]
pub enum BackupError {
    /// The operating system refused something.
    Inaccessible {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Its answer.
        source: io::Error,
    },
    /// The file is there already.
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another process writes the same backup.
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is a file of something else.
    NotABackup {
        /// The file.
        path: PathBuf,
    },
    /// A newer program wrote it.
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// It ends before its end.
    Cut {
        /// The file.
        path: PathBuf,
        /// How long it is.
        bytes: u64,
    },
    /// It does not hold what was written into it.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The store that is backed up failed.
    Store(Error),
    /// What is written is not taken any more.
    Refused(io::Error),
}

impl fmt::Display for BackupError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inaccessible { path, doing, source } => {
                write!(out, "cannot {doing} {}: {source}; {}", path.display(), advice(source))
            }
            Self::Exists { path } => write!(
                out,
                "{} is there already and is not overwritten: name another file",
                path.display()
            ),
            Self::InUse { path } => write!(
                out,
                "another process is writing {}: wait for its end, or name another file",
                path.display()
            ),
            Self::NotABackup { path } => write!(
                out,
                "{} is no backup of Sanbang: name a file that `sanbang backup` wrote",
                path.display()
            ),
            Self::Newer { path, format } => write!(
                out,
                "the backup {} has format {format}, and this program knows up to {FORMAT}: \
                 restore it with the newer sanbang that wrote it",
                path.display()
            ),
            Self::Cut { path, bytes } => write!(
                out,
                "the backup {} is not whole: it ends after {bytes} bytes, before its end. Copy it \
                 once more from where it was written, or use an older one",
                path.display()
            ),
            Self::Damaged { path, what } => write!(
                out,
                "the backup {} is damaged: {what}. Copy it once more from where it was written, \
                 or use an older one",
                path.display()
            ),
            Self::Store(error) => write!(out, "{error}"),
            Self::Refused(error) => write!(out, "the backup is not taken any more: {error}"),
        }
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "name a file, in a directory that is there",
        io::ErrorKind::PermissionDenied => {
            "the user that runs sanbang must be allowed to read and write there"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on that file system and try again"
        }
        _ => "mend this and try again",
    }
}

impl std::error::Error for BackupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Inaccessible { source, .. } => Some(source),
            Self::Store(error) => Some(error),
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for BackupError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_what_to_do() {
        let path = PathBuf::from("/backups/day.sanbang");
        let inaccessible = |doing, kind: io::ErrorKind| BackupError::Inaccessible {
            path: path.clone(),
            doing,
            source: kind.into(),
        };
        let errors = [
            inaccessible("read", io::ErrorKind::NotFound),
            inaccessible("write", io::ErrorKind::PermissionDenied),
            inaccessible("write", io::ErrorKind::StorageFull),
            inaccessible("read", io::ErrorKind::IsADirectory),
            BackupError::Exists { path: path.clone() },
            BackupError::InUse { path: path.clone() },
            BackupError::NotABackup { path: path.clone() },
            BackupError::Newer { path: path.clone(), format: 2 },
            BackupError::Cut { path: path.clone(), bytes: 4711 },
            BackupError::Damaged { path, what: "something follows its end".to_owned() },
        ];
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(text.join("\n"), @"
        cannot read /backups/day.sanbang: entity not found; name a file, in a directory that is there
        cannot write /backups/day.sanbang: permission denied; the user that runs sanbang must be allowed to read and write there
        cannot write /backups/day.sanbang: no storage space; make room on that file system and try again
        cannot read /backups/day.sanbang: is a directory; mend this and try again
        /backups/day.sanbang is there already and is not overwritten: name another file
        another process is writing /backups/day.sanbang: wait for its end, or name another file
        /backups/day.sanbang is no backup of Sanbang: name a file that `sanbang backup` wrote
        the backup /backups/day.sanbang has format 2, and this program knows up to 1: restore it with the newer sanbang that wrote it
        the backup /backups/day.sanbang is not whole: it ends after 4711 bytes, before its end. Copy it once more from where it was written, or use an older one
        the backup /backups/day.sanbang is damaged: something follows its end. Copy it once more from where it was written, or use an older one
        ");
    }
}
