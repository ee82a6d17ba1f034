//! Opening a store: every precaution, in order, and an error that tells the operator what to do.
//! Nothing is served from a store that does not hold together.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, RwLock};

use prost::Message as _;
use sled::{Config, Db, Mode};

use super::directory::{Directory, Mark};
use super::disk::{Disk, Staged, told};
use super::gate::Gate;
use super::{Options, SledStore, Writer, keys, survey};
use crate::store::ledger::Ledger;
use crate::store::record::{FORMAT, format_of};
use crate::store::{Error, Identity, pb};

const CACHE_BYTES: u64 = 128 * 1024 * 1024;
/// Commits flush themselves; this only writes out what is left when nothing happens.
const FLUSH_EVERY_MS: u64 = 500;

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
        /// A copy of the directory as it was found.
        backup: PathBuf,
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
            Self::Damaged { path, what, backup } => write_damaged(out, path, what, backup),
        }
    }
}

fn write_damaged(
    out: &mut fmt::Formatter<'_>,
    path: &Path,
    what: &str,
    backup: &Path,
) -> fmt::Result {
    let (path, backup) = (path.display(), backup.display());
    write!(
        out,
        "the store in {path} is damaged and is not served: {what}. Restore the latest backup into \
         {path}. As it was found, the store is kept in {backup}: to put it back, \
         `rm -r {path} && cp -a {backup} {path}`"
    )
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Inaccessible { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Why one attempt failed: mended by another attempt, or for the operator.
enum Failure {
    Refused(OpenError),
    Damage(String),
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Refused(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Damage(match error {
            Error::Corrupt(what) => what,
            other => other.to_string(),
        })
    }
}

/// How much is read before anything is served.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Numbers and headers.
    Usual,
    /// Everything.
    Full,
}

struct Attempt {
    disk: Disk,
    identity: Identity,
    ledger: Ledger,
    batches: u64,
}

/// Opens or makes a store.
pub(super) fn open(options: &Options) -> Result<SledStore, OpenError> {
    let directory = Directory::take(&options.directory)?;
    directory.remove_unfinished_snapshots()?;
    directory.remove_torn_parameters()?;
    directory.sync_data()?;
    directory.refuse_blobs()?;
    let attempt = match attempt(&directory, options, Care::Usual) {
        Ok(attempt) => attempt,
        Err(Failure::Refused(error)) => return Err(error),
        Err(Failure::Damage(what)) => repair(&directory, options, &what)?,
    };
    directory.sync()?;
    let incarnation = attempt.identity.incarnation.clone();
    directory.leave(&Mark { incarnation, batches: attempt.batches })?;
    Ok(SledStore {
        identity: attempt.identity,
        ledger: RwLock::new(attempt.ledger),
        writer: Mutex::new(Writer { broken: false, batches: attempt.batches }),
        gate: Gate::default(),
        disk: attempt.disk,
        directory,
    })
}

/// The damage may lie in a snapshot alone: without it, sled reads its log from the beginning. Then
/// everything is checked before anything is served.
fn repair(directory: &Directory, options: &Options, what: &str) -> Result<Attempt, OpenError> {
    let backup = directory.back_up()?;
    tracing::warn!(damage = what, backup = %backup.display(), "store.damaged");
    directory.remove_snapshots()?;
    match attempt(directory, options, Care::Full) {
        Ok(attempt) => {
            tracing::warn!(backup = %backup.display(), "store.repaired: everything was verified");
            Ok(attempt)
        }
        Err(Failure::Refused(error)) => Err(error),
        Err(Failure::Damage(what)) => {
            Err(OpenError::Damaged { path: directory.path().to_owned(), what, backup })
        }
    }
}

fn attempt(directory: &Directory, options: &Options, care: Care) -> Result<Attempt, Failure> {
    // Damaged files can make sled panic instead of answering an error.
    let attempted = catch_unwind(AssertUnwindSafe(|| {
        let db = start(directory)?;
        let disk = Disk::new(db, directory.data_file()?);
        read(directory, options, care, disk)
    }));
    attempted.unwrap_or_else(|_| Err(Failure::Damage("sled panicked while reading it".to_owned())))
}

fn start(directory: &Directory) -> Result<Db, Failure> {
    let config = Config::new()
        .path(directory.path())
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(Some(FLUSH_EVERY_MS))
        .mode(Mode::HighThroughput)
        .use_compression(false);
    match config.open() {
        Ok(db) => Ok(db),
        Err(sled::Error::Io(source)) => {
            let path = directory.path().to_owned();
            Err(Failure::Refused(OpenError::Inaccessible { path, doing: "open the data", source }))
        }
        Err(error) => Err(Failure::Damage(format!("sled: {error}"))),
    }
}

fn read(
    directory: &Directory,
    options: &Options,
    care: Care,
    disk: Disk,
) -> Result<Attempt, Failure> {
    let mark = directory.mark()?;
    let identity = match identify(directory, &disk)? {
        Some(identity) => identity,
        None if mark.is_some() => {
            return Err(Failure::Damage("everything that was stored is gone".to_owned()));
        }
        None => create(directory, options, &disk)?,
    };
    if identity.simulated_clock != options.simulated_clock {
        let path = directory.path().to_owned();
        let simulated = identity.simulated_clock;
        return Err(Failure::Refused(OpenError::OtherClock { path, simulated }));
    }
    let (ledger, batches) = survey::survey(&disk, &identity)?;
    if care == Care::Full {
        survey::verify(&disk, &identity, &ledger)?;
    }
    if let Some(mark) = mark {
        compare(&mark, &identity, batches)?;
    }
    // What was just read may be in the page cache only, left there by a process that was killed.
    disk.sync()?;
    Ok(Attempt { disk, identity, ledger, batches })
}

/// What the store says that it is; none: nothing was ever written.
fn identify(directory: &Directory, disk: &Disk) -> Result<Option<Identity>, Failure> {
    let path = directory.path();
    let Some(bytes) = disk.get(keys::MARKER)? else {
        if disk.is_empty()? {
            return Ok(None);
        }
        let found = "the data of another program".to_owned();
        return Err(Failure::Refused(OpenError::NotAStore { path: path.to_owned(), found }));
    };
    let format = format_of(&bytes);
    if format > FORMAT {
        return Err(Failure::Refused(OpenError::Newer { path: path.to_owned(), format }));
    }
    let unreadable = |_| Failure::Damage("the marker of the store cannot be read".to_owned());
    let marker = pb::StoreMarker::decode(bytes.as_ref()).map_err(unreadable)?;
    match u16::try_from(marker.partitions) {
        Ok(partitions) if partitions > 0 && format > 0 => Ok(Some(Identity {
            incarnation: marker.incarnation,
            partitions,
            simulated_clock: marker.simulated_clock,
        })),
        _ => Err(Failure::Damage("the marker of the store makes no sense".to_owned())),
    }
}

fn create(directory: &Directory, options: &Options, disk: &Disk) -> Result<Identity, Failure> {
    let identity = Identity::fresh(options.simulated_clock);
    let marker = pb::StoreMarker {
        format: FORMAT,
        incarnation: identity.incarnation.clone(),
        partitions: u32::from(identity.partitions),
        simulated_clock: identity.simulated_clock,
    };
    let mut staged = Staged::default();
    staged.set(keys::MARKER, &marker.encode_to_vec());
    disk.write(staged)?;
    directory.sync()?;
    tracing::info!(directory = %directory.path().display(), "store.made");
    Ok(identity)
}

/// A store never goes back behind its mark.
fn compare(mark: &Mark, identity: &Identity, batches: u64) -> Result<(), Failure> {
    if mark.incarnation != identity.incarnation {
        let what = "its mark is that of another store: two directories were mixed".to_owned();
        return Err(Failure::Damage(what));
    }
    if batches < mark.batches {
        let (was, lost) = (mark.batches, mark.batches - batches);
        return Err(Failure::Damage(format!("the last {lost} of {was} writes are gone")));
    }
    Ok(())
}

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
                backup: PathBuf::from("/data.damaged-1"),
            },
        ];
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(text.join("\n"), @"
        /data is not a directory: name a directory for the store
        cannot write in /data: permission denied; the user that runs sanbang must own the directory and be allowed to write in it
        cannot write in /data: read-only filesystem or storage medium; the file system is read-only, which is also what becomes of one whose disk fails: look at the machine's log, mount it for writing, then start again
        cannot write in /data: no storage space; make room on that file system, then start again: nothing that was answered is lost
        cannot write in /data: operation interrupted; the disk may be failing: look at the machine's log, mend it, then start again; nothing that was answered is lost
        the store in /data is open in another process (number 4711): stop that one first, or name another directory
        /data holds `notes.txt` and no store: name an empty directory for a new store, or the directory of an existing one
        the store in /data has format 2, and this program knows up to 1: start the newer sanbang that wrote it, or restore the backup made before the upgrade
        the store in /data was made with a simulated clock, and its times are not real: open it with a simulated clock, or name another directory
        the store in /data was made with the real clock, and a simulated one would move its deadlines: open it with the real clock, or name another directory
        /data/blobs holds 3 files that this program never writes and that are not durable: the store was changed by something else; restore the latest backup
        /data/sanbang.mark cannot be read, so it cannot be told whether the store is complete: restore the latest backup, or remove that file to open the store as it is
        the store in /data is damaged and is not served: event 17 of partition 3 is missing. Restore the latest backup into /data. As it was found, the store is kept in /data.damaged-1: to put it back, `rm -r /data && cp -a /data.damaged-1 /data`
        ");
    }
}
