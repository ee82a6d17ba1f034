//! Why a store is not opened, restored or compacted, each with what the operator does about it.
//! Knows nothing of how that was found out.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::told;
use crate::store::record::FORMAT;

/// Why a store was not opened, and what to do about it.
#[derive(Debug)]
pub enum OpenError {
    /// The path is that of a file.
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refused something.
    Inaccessible {
        /// Where.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Its answer.
        source: io::Error,
    },
    /// Something could not be written or synced while it was opened.
    Failed {
        /// The directory.
        path: PathBuf,
        /// What, and what to do about it.
        what: String,
    },
    /// Another process has it open.
    InUse {
        /// The directory.
        path: PathBuf,
        /// The number of that process, if it told.
        holder: String,
    },
    /// It holds something else.
    NotAStore {
        /// The directory.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// A newer program wrote it.
    Newer {
        /// The directory.
        path: PathBuf,
        /// The format of the store.
        format: u32,
    },
    /// It was made for the other kind of clock.
    OtherClock {
        /// The directory.
        path: PathBuf,
        /// Whether it was made with a simulated clock.
        simulated: bool,
    },
    /// sled keeps values in files that it does not sync.
    Blobs {
        /// The directory of those files.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// The file in which the store tells how far it was cannot be read.
    Mark {
        /// The file.
        path: PathBuf,
    },
    /// Something that was stored is missing or cannot be read.
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What.
        what: String,
        /// A copy of the directory as it was found; none: nothing was tried to mend it.
        backup: Option<PathBuf>,
    },
    /// It holds what a restore began and did not finish.
    Restoring {
        /// The directory.
        path: PathBuf,
    },
    /// It was not compacted.
    NotCompacted {
        /// The directory.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// There is no store.
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// A store is to be made where something is already.
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADirectory { path } => {
                write!(out, "{} is not a directory: name a directory for the store", path.display())
            }
            Self::Inaccessible { path, doing, source } => {
                write!(out, "cannot {doing} in {}: {}", path.display(), told(source))
            }
            Self::Failed { path, what } => write!(out, "in {}: {what}", path.display()),
            Self::InUse { path, holder } => write!(
                out,
                "the store in {} is open in another process (number {holder}): stop that one \
                 first, or name another directory",
                path.display()
            ),
            Self::NotAStore { path, found } => write!(
                out,
                "{} holds {found} and no store: name an empty directory for a new store, or the \
                 directory of an existing one",
                path.display()
            ),
            Self::Newer { path, format } => write!(
                out,
                "the store in {} has format {format}, and this program knows up to {FORMAT}: \
                 start the newer sanbang that wrote it, or restore the backup made before the \
                 upgrade",
                path.display()
            ),
            Self::OtherClock { path, simulated: true } => write!(
                out,
                "the store in {} was made with a simulated clock, and its times are not real: \
                 open it with a simulated clock, or name another directory",
                path.display()
            ),
            Self::OtherClock { path, simulated: false } => write!(
                out,
                "the store in {} was made with the real clock, and a simulated one would move \
                 its deadlines: open it with the real clock, or name another directory",
                path.display()
            ),
            Self::Blobs { path, count } => write!(
                out,
                "{} holds {count} files that this program never writes and that are not durable: \
                 the store was changed by something else; restore the latest backup",
                path.display()
            ),
            Self::Mark { path } => write!(
                out,
                "{} cannot be read, so it cannot be told whether the store is complete: restore \
                 the latest backup, or remove that file to open the store as it is",
                path.display()
            ),
            Self::Damaged { path, what, backup } => {
                write_damaged(out, path, what, backup.as_deref())
            }
            Self::Restoring { .. }
            | Self::NotCompacted { .. }
            | Self::Missing { .. }
            | Self::NotEmpty { .. } => self.write_of_a_verb(out),
        }
    }
}

impl OpenError {
    /// What only restore, compact and verify have to tell.
    fn write_of_a_verb(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restoring { path } => write!(
                out,
                "a restore into {} did not come to its end, and what it left is not used: begin \
                 it again with the same command, or remove the directory",
                path.display()
            ),
            Self::NotCompacted { path, what } => write!(
                out,
                "the store in {} was not compacted, and is as it was: {what}. Mend this and \
                 compact again",
                path.display()
            ),
            Self::Missing { path } => write!(
                out,
                "there is no store in {}: name the directory that `sanbang serve --data` uses",
                path.display()
            ),
            Self::NotEmpty { path, found } => write!(
                out,
                "{} holds {found}, and only an empty or missing directory is restored into: \
                 name another one, or move this one away",
                path.display()
            ),
            _ => Ok(()),
        }
    }
}

fn write_damaged(
    out: &mut fmt::Formatter<'_>,
    path: &Path,
    what: &str,
    backup: Option<&Path>,
) -> fmt::Result {
    let path = path.display();
    let Some(backup) = backup.map(Path::display) else {
        return write!(
            out,
            "the store in {path} is damaged: {what}. `sanbang serve` keeps a copy of it and \
             tries to mend it; where that fails, restore the latest backup"
        );
    };
    write!(
        out,
        "the store in {path} is damaged and is not served: {what}. Move {path} away and restore \
         the latest backup: `sanbang restore FILE --data {path}`. What is left of it is kept \
         in {backup}: to put it back, `rm -r {path} && cp -a {backup} {path}`"
    )
}

// The message holds what the system said: there is no further source to be told.
impl std::error::Error for OpenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_what_to_do() {
        let path = PathBuf::from("/data");
        let refused = |kind: io::ErrorKind| OpenError::Inaccessible {
            path: path.clone(),
            doing: "write",
            source: kind.into(),
        };
        let errors = [
            OpenError::NotADirectory { path: path.clone() },
            refused(io::ErrorKind::PermissionDenied),
            refused(io::ErrorKind::ReadOnlyFilesystem),
            refused(io::ErrorKind::StorageFull),
            refused(io::ErrorKind::Interrupted),
            OpenError::Failed { path: path.clone(), what: "syncing the store: no".to_owned() },
            OpenError::InUse { path: path.clone(), holder: "4711".to_owned() },
            OpenError::NotAStore { path: path.clone(), found: "`notes.txt`".to_owned() },
            OpenError::Newer { path: path.clone(), format: 2 },
            OpenError::OtherClock { path: path.clone(), simulated: true },
            OpenError::OtherClock { path: path.clone(), simulated: false },
            OpenError::Blobs { path: path.join("blobs"), count: 3 },
            OpenError::Mark { path: path.join("sanbang.mark") },
            OpenError::Damaged {
                path: path.clone(),
                what: "event 17 of partition 3 is missing".to_owned(),
                backup: Some(PathBuf::from("/data.damaged-1")),
            },
            OpenError::Damaged {
                path: path.clone(),
                what: "event 17 of partition 3 is missing".to_owned(),
                backup: None,
            },
            OpenError::Restoring { path: path.clone() },
            OpenError::NotCompacted { path: path.clone(), what: "no space left".to_owned() },
            OpenError::Missing { path: path.clone() },
            OpenError::NotEmpty { path: path.clone(), found: "a store".to_owned() },
        ];
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(text.join("\n"), @"
        /data is not a directory: name a directory for the store
        cannot write in /data: permission denied; the user that runs sanbang must own the directory and be allowed to write in it
        cannot write in /data: read-only filesystem or storage medium; the file system is read-only, which is also what becomes of one whose disk fails: look at the machine's log, mount it for writing, then start again
        cannot write in /data: no storage space; make room on that file system, then start again: nothing that was answered is lost
        cannot write in /data: operation interrupted; the disk may be failing: look at the machine's log, mend it, then start again
        in /data: syncing the store: no
        the store in /data is open in another process (number 4711): stop that one first, or name another directory
        /data holds `notes.txt` and no store: name an empty directory for a new store, or the directory of an existing one
        the store in /data has format 2, and this program knows up to 1: start the newer sanbang that wrote it, or restore the backup made before the upgrade
        the store in /data was made with a simulated clock, and its times are not real: open it with a simulated clock, or name another directory
        the store in /data was made with the real clock, and a simulated one would move its deadlines: open it with the real clock, or name another directory
        /data/blobs holds 3 files that this program never writes and that are not durable: the store was changed by something else; restore the latest backup
        /data/sanbang.mark cannot be read, so it cannot be told whether the store is complete: restore the latest backup, or remove that file to open the store as it is
        the store in /data is damaged and is not served: event 17 of partition 3 is missing. Move /data away and restore the latest backup: `sanbang restore FILE --data /data`. What is left of it is kept in /data.damaged-1: to put it back, `rm -r /data && cp -a /data.damaged-1 /data`
        the store in /data is damaged: event 17 of partition 3 is missing. `sanbang serve` keeps a copy of it and tries to mend it; where that fails, restore the latest backup
        a restore into /data did not come to its end, and what it left is not used: begin it again with the same command, or remove the directory
        the store in /data was not compacted, and is as it was: no space left. Mend this and compact again
        there is no store in /data: name the directory that `sanbang serve --data` uses
        /data holds a store, and only an empty or missing directory is restored into: name another one, or move this one away
        ");
    }
}
