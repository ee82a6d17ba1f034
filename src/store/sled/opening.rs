//! Opening a store: every precaution, in order. Nothing is served from a store that does not hold
//! together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, RwLock};

use prost::Message as _;
use sled::{Config, Mode};

use super::directory::{Directory, Mark};
use super::disk::{Disk, Staged};
use super::gate::Gate;
use super::log_file::Doubt;
use super::open_error::OpenError;
use super::recent::Recent;
use super::survey::{Surveyed, survey};
use super::{Options, RECENT_EVENTS, SEGMENT_BYTES, SledStore, Writer, checking, keys};
use crate::store::ledger::Ledger;
use crate::store::record::{FORMAT, format_of};
use crate::store::{Error, Identity, pb};

/// Pages that sled keeps. Instances are kept by the workers, headers by the ledger: what is left is
/// the way to a page, and what is read again at once.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Commits flush themselves; this only writes out what is left when nothing happens.
const FLUSH_EVERY_MS: u64 = 500;

/// Why one attempt failed: mended by another attempt, or for the operator.
enum Failure {
    Refused(OpenError),
    Damage(String),
}

impl Failure {
    /// For the operator: nobody tries to mend it.
    fn told(self, path: &Path) -> OpenError {
        match self {
            Self::Refused(error) => error,
            Self::Damage(what) => OpenError::Damaged { path: path.to_owned(), what, backup: None },
        }
    }
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

/// What is expected of the store.
#[derive(Clone, Copy)]
enum Expected {
    /// One for this kind of clock; it is made where there is none.
    Clock { simulated: bool, recent_events: u64 },
    /// One that is there, for whatever clock.
    Existing,
}

struct Attempt {
    disk: Disk,
    identity: Identity,
    ledger: Ledger,
    recent: Recent,
    batches: u64,
}

/// Opens or makes a store.
pub(super) fn open(options: &Options) -> Result<SledStore, OpenError> {
    let directory = Directory::take(&options.directory)?;
    prepare(&directory)?;
    let Options { simulated_clock: simulated, recent_events, .. } = *options;
    let expected = Expected::Clock { simulated, recent_events };
    let attempt = match attempt(&directory, expected, Care::Usual) {
        Ok(attempt) => attempt,
        Err(Failure::Refused(error)) => return Err(error),
        Err(Failure::Damage(what)) => repair(&directory, expected, &what)?,
    };
    finish(directory, attempt)
}

/// Opens a store that is there, whatever its clock. What is damaged is told and left as it is.
pub(super) fn open_existing(path: &Path) -> Result<SledStore, OpenError> {
    open_taken(take_existing(path)?)
}

/// What an open store is made of.
pub(super) struct Parts {
    pub(super) disk: Disk,
    pub(super) identity: Identity,
    pub(super) ledger: Ledger,
    /// Last: its lock is given up after sled has closed its files.
    pub(super) directory: Directory,
}

/// The same, for those who do more than a store does.
pub(super) fn open_parts(path: &Path) -> Result<Parts, OpenError> {
    let directory = take_existing(path)?;
    match attempt(&directory, Expected::Existing, Care::Usual) {
        Ok(Attempt { disk, identity, ledger, .. }) => {
            directory.forget_copy()?;
            Ok(Parts { disk, identity, ledger, directory })
        }
        Err(failure) => Err(failure.told(path)),
    }
}

fn take_existing(path: &Path) -> Result<Directory, OpenError> {
    let directory = Directory::take_existing(path)?;
    prepare(&directory)?;
    Ok(directory)
}

/// Every precaution before sled opens.
fn prepare(directory: &Directory) -> Result<(), OpenError> {
    directory.settle_compaction()?;
    directory.settle_repair()?;
    directory.remove_unfinished_snapshots()?;
    directory.remove_torn_parameters()?;
    directory.make_sure_of_data()?;
    directory.refuse_blobs()
}

/// Opens what is in a directory that was taken already.
pub(super) fn open_taken(directory: Directory) -> Result<SledStore, OpenError> {
    match attempt(&directory, Expected::Existing, Care::Usual) {
        Ok(attempt) => finish(directory, attempt),
        Err(failure) => Err(failure.told(directory.path())),
    }
}

/// sled alone, without a look at what it holds.
pub(super) fn open_disk(directory: &Directory) -> Result<Disk, OpenError> {
    let started = catch_unwind(AssertUnwindSafe(|| start(directory)));
    let started = started.unwrap_or_else(|_| Err(Failure::Damage("sled panicked".to_owned())));
    started.map_err(|failure: Failure| failure.told(directory.path()))
}

fn finish(directory: Directory, attempt: Attempt) -> Result<SledStore, OpenError> {
    // The mark tells whose copy it is: the note goes before it.
    directory.forget_copy()?;
    let incarnation = attempt.identity.incarnation.clone();
    directory.leave(&Mark { incarnation, batches: attempt.batches })?;
    Ok(SledStore {
        identity: attempt.identity,
        ledger: RwLock::new(attempt.ledger),
        writer: Mutex::new(Writer {
            recent: attempt.recent,
            broken: false,
            batches: attempt.batches,
        }),
        gate: Gate::default(),
        disk: attempt.disk,
        directory,
    })
}

/// The damage may lie in a snapshot alone: without it, sled reads its log from the beginning. Then
/// everything is checked before anything is served.
fn repair(directory: &Directory, expected: Expected, what: &str) -> Result<Attempt, OpenError> {
    let backup = directory.back_up()?;
    tracing::warn!(damage = what, backup = %backup.display(), "store.damaged");
    let reach = directory.snapshot_reach()?;
    directory.remove_snapshots()?;
    let what = match attempt(directory, expected, Care::Full) {
        Ok(_) if directory.snapshot_reach()? < reach => {
            "the end of what was stored is gone".to_owned()
        }
        Ok(attempt) => {
            tracing::warn!(backup = %backup.display(), "store.repaired: everything was verified");
            return Ok(attempt);
        }
        Err(Failure::Refused(error)) => return Err(error),
        Err(Failure::Damage(what)) => what,
    };
    // sled has written since it opened. With that and the snapshot of the attempt, the next one
    // would take what is left for the whole.
    directory.put_back(&backup)?;
    let path = directory.path().to_owned();
    Err(OpenError::Damaged { path, what, backup: Some(backup) })
}

fn attempt(directory: &Directory, expected: Expected, care: Care) -> Result<Attempt, Failure> {
    // Damaged files can make sled panic instead of answering an error.
    let attempted = catch_unwind(AssertUnwindSafe(|| {
        let disk = start(directory)?;
        match read(directory, expected, care, &disk) {
            Ok((identity, Surveyed { ledger, recent, batches })) => {
                Ok(Attempt { disk, identity, ledger, recent, batches })
            }
            // What has failed is not tried again: neither by sled as it closes, nor by a repair.
            Err(Failure::Damage(what)) if Doubt::of(directory.path()).is_there() => {
                std::mem::forget(disk);
                let path = directory.path().to_owned();
                Err(Failure::Refused(OpenError::Failed { path, what }))
            }
            Err(failure) => Err(failure),
        }
    }));
    attempted.unwrap_or_else(|_| Err(Failure::Damage("sled panicked while reading it".to_owned())))
}

fn start(directory: &Directory) -> Result<Disk, Failure> {
    directory.wait_until_closed()?;
    // Before sled opens: from then on it may overwrite what it has moved.
    let data = directory.data();
    let config = Config::new()
        .path(directory.path())
        .cache_capacity(CACHE_BYTES)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(Some(FLUSH_EVERY_MS))
        .mode(Mode::HighThroughput)
        .use_compression(false);
    match directory.naming(|| config.open())? {
        Ok(db) => {
            directory.sync()?;
            Ok(Disk::new(db, data))
        }
        Err(sled::Error::Io(source)) => {
            Doubt::of(directory.path()).leave();
            let path = directory.path().to_owned();
            Err(Failure::Refused(OpenError::Inaccessible { path, doing: "open the data", source }))
        }
        Err(error) => Err(Failure::Damage(format!("sled: {error}"))),
    }
}

fn read(
    directory: &Directory,
    expected: Expected,
    care: Care,
    disk: &Disk,
) -> Result<(Identity, Surveyed), Failure> {
    let mark = directory.mark()?;
    let identity = match identify(directory, disk)? {
        Some(identity) => identity,
        None if mark.is_some() => {
            return Err(Failure::Damage("everything that was stored is gone".to_owned()));
        }
        None => match expected {
            Expected::Clock { simulated, .. } => create(directory, simulated, disk)?,
            Expected::Existing => {
                let path = directory.path().to_owned();
                return Err(Failure::Refused(OpenError::Missing { path }));
            }
        },
    };
    match (expected, identity.simulated_clock) {
        (Expected::Clock { simulated: wanted, .. }, simulated) if simulated != wanted => {
            let path = directory.path().to_owned();
            return Err(Failure::Refused(OpenError::OtherClock { path, simulated }));
        }
        (Expected::Clock { .. } | Expected::Existing, _) => {}
    }
    let recent_events = match expected {
        Expected::Clock { recent_events, .. } => recent_events,
        Expected::Existing => RECENT_EVENTS,
    };
    let surveyed = survey(disk, &identity, recent_events)?;
    if care == Care::Full {
        checking::verify(disk, &identity, &surveyed.ledger)?;
    }
    if let Some(mark) = mark {
        compare(&mark, &identity, surveyed.batches)?;
    }
    // What was just read may be in the page cache only, left there by a process that was killed.
    disk.sync()?;
    Ok((identity, surveyed))
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

fn create(directory: &Directory, simulated: bool, disk: &Disk) -> Result<Identity, Failure> {
    let identity = Identity::fresh(simulated);
    let mut staged = Staged::default();
    staged.set(keys::MARKER, &marker_of(&identity));
    disk.write(staged)?;
    tracing::info!(directory = %directory.path().display(), "store.made");
    Ok(identity)
}

/// What makes a directory of values a store: whoever makes one writes it last.
pub(super) fn marker_of(identity: &Identity) -> Vec<u8> {
    let marker = pb::StoreMarker {
        format: FORMAT,
        incarnation: identity.incarnation.clone(),
        partitions: u32::from(identity.partitions),
        simulated_clock: identity.simulated_clock,
    };
    marker.encode_to_vec()
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
