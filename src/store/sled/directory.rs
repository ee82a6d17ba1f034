//! The directory of a store: its lock, its mark, and the precautions about sled's files. Beside
//! `folders` and `log_file` the only file here that touches files itself. Knows nothing of what is
//! stored.
#![expect(clippy::disallowed_methods, reason = "this is where the store's files are handled")]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::log_file::{self, DOUBT, Doubt};
use super::naming;
use super::open_error::OpenError;
use super::reuse::DataFile;
use crate::store::folders::{above, copy, missing, names_in, remove_if_there, sync};

const LOCK: &str = "sanbang.lock";
const MARK: &str = "sanbang.mark";
/// A file of this program that is being written, and will have its name once it is durable.
const UNFINISHED: &str = "sanbang.unfinished";
const DATA: &str = "db";
const PARAMETERS: &str = "conf";
/// What sled writes into that file for every store of this program: text, and a checksum.
const PARAMETERS_WHOLE: &[u8] =
    b"segment_size: 1048576\nuse_compression: false\nversion: 0.34\n\x6c\x96\x13\xf8";
const BLOBS: &str = "blobs";
const SNAPSHOT_BEGINNING: &str = "snap.";
/// In which the rest of its name is written.
const HEXADECIMAL: u32 = 16;
/// Says that what is here was not restored to its end: nothing of it is used.
const RESTORING: &str = "sanbang.restoring";
/// Names the copy of what was here before a repair that has not come to its end: what is here by
/// now is less than that.
const REPAIRING: &str = "sanbang.repairing";
/// Names the copy of what is here: it was put back, and has not opened since.
const REFUSED: &str = "sanbang.refused";
/// Where a compacted store is written before it takes the place of the other.
const COMPACTING: &str = "sanbang.compacting";
/// In there, says that the compacted store is whole and takes the place of the other.
const COMPACTED: &str = "sanbang.compacted";
/// How long, and how often, a sled that was dropped is waited for.
const CLOSED_LOOK_AFTER: Duration = Duration::from_millis(10);
const CLOSED_LOOKS_MAX: usize = 500;
/// What sled calls a snapshot that it has not finished.
const SNAPSHOT_UNFINISHED_END: &str = ".generating";
/// A process that did not tell its number.
const UNKNOWN: &str = "unknown";
/// What an empty file system may hold.
const NOT_OURS_BUT_HARMLESS: &str = "lost+found";

/// A directory that nobody else uses while this lives.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Locked; given up with the file.
    _lock: File,
}

/// What a store last knew of itself, in a file beside sled's: without it, a store whose files were
/// cut would look like an older or an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// Which store.
    pub(super) incarnation: String,
    /// How many batches had been written.
    pub(super) batches: u64,
}

impl Directory {
    /// Makes the directory where it does not exist, and locks it.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        if path.exists() && !path.is_dir() {
            return Err(OpenError::NotADirectory { path: path.to_owned() });
        }
        if !path.exists() {
            make_directory(path)?;
        }
        refuse_foreign(path)?;
        let directory = Self::lock(path)?;
        if path.join(RESTORING).exists() {
            return Err(OpenError::Restoring { path: path.to_owned() });
        }
        Ok(directory)
    }

    /// Locks a directory in which a store is.
    pub(super) fn take_existing(path: &Path) -> Result<Self, OpenError> {
        let is_there = path.join(DATA).exists() || path.join(RESTORING).exists();
        if is_there { Self::take(path) } else { Err(OpenError::Missing { path: path.to_owned() }) }
    }

    /// Locks a directory that is to be restored into: an empty or missing one, or one in which a
    /// restore did not come to its end, of which everything is removed. Until
    /// [`Directory::restored`] nobody can take it otherwise.
    pub(super) fn take_to_restore(path: &Path) -> Result<Self, OpenError> {
        if path.exists() && !path.is_dir() {
            return Err(OpenError::NotADirectory { path: path.to_owned() });
        }
        let failed = |doing| move |source| inaccessible(path, doing, source);
        make_directory(path)?;
        let names = names_in(path).map_err(failed("read"))?;
        let begun = names.iter().any(|name| name == RESTORING);
        let harmless = [LOCK, NOT_OURS_BUT_HARMLESS];
        let found = names.iter().find(|name| !harmless.contains(&name.as_str()));
        if let (Some(found), false) = (found, begun) {
            let is_store = names.iter().any(|name| name == DATA);
            let found = if is_store { "a store".to_owned() } else { format!("`{found}`") };
            return Err(OpenError::NotEmpty { path: path.to_owned(), found });
        }
        let directory = Self::lock(path)?;
        let prepared = File::create(path.join(RESTORING))
            .and_then(|file| file.sync_all())
            .and_then(|()| sync(path))
            .and_then(|()| remove_store(path))
            .and_then(|()| sync(&above(path)));
        prepared.map_err(failed("prepare the restore"))?;
        Ok(directory)
    }

    /// What was restored is whole: from now on it is a store like any other.
    pub(super) fn restored(&self) -> Result<(), OpenError> {
        let kept = sync(&self.path)
            .and_then(|()| fs::remove_file(self.path.join(RESTORING)))
            .and_then(|()| sync(&self.path));
        kept.map_err(|it| inaccessible(&self.path, "finish the restore", it))
    }

    /// A fresh directory for a compacted store, within this one: on the same file system, and
    /// under the same lock.
    pub(super) fn begin_compaction(&self) -> Result<Self, OpenError> {
        self.remove_unfinished_compaction()?;
        let path = self.path.join(COMPACTING);
        fs::create_dir(&path).map_err(|it| inaccessible(&path, "make the directory", it))?;
        Self::lock(&path)
    }

    /// Puts the compacted store in place of the old, at one instant: that of the note that it is
    /// whole. Both are the same store. Data and snapshots go together, always: sled reuses parts of
    /// its log whose content a snapshot vouches for, and such a log alone reads as cut off.
    pub(super) fn finish_compaction(&self, new: Self) -> Result<(), OpenError> {
        new.wait_until_closed()?;
        let note = || {
            // What a failed sync has left is shown as if it was written, and told nobody again.
            if Doubt::of(&new.path).is_there() {
                return Err(io::Error::other("not all of it could be written and synced"));
            }
            if fs::read(new.path.join(PARAMETERS))? != fs::read(self.path.join(PARAMETERS))? {
                let what = "the compacted store has other settings than the old one";
                return Err(io::Error::other(what));
            }
            File::open(new.path.join(DATA))?.sync_all()?;
            sync(&new.path)?;
            sync(&self.path)?;
            File::create(new.path.join(COMPACTED))?.sync_all()?;
            sync(&new.path)
        };
        note().map_err(|it| inaccessible(&self.path, "finish the compacted data", it))?;
        drop(new);
        self.settle_compaction()
    }

    /// Brings to its end a compaction that was cut off: forward if its store is whole, back if not.
    /// Cut off itself, it goes on the next time.
    pub(super) fn settle_compaction(&self) -> Result<(), OpenError> {
        let new = self.path.join(COMPACTING);
        if new.join(COMPACTED).exists() {
            self.replace_by(&new).map_err(|it| inaccessible(&self.path, "replace the data", it))?;
        }
        self.remove_unfinished_compaction()
    }

    fn replace_by(&self, new: &Path) -> io::Result<()> {
        if new.join(DATA).exists() {
            self.remove_snapshots_that(|_| true)?;
            fs::rename(new.join(DATA), self.path.join(DATA))?;
            sync(new)?;
            sync(&self.path)?;
        }
        for name in snapshots_in(new)? {
            fs::rename(new.join(&name), self.path.join(&name))?;
        }
        sync(new)?;
        sync(&self.path)
    }

    /// Waits until the last thread of a sled that this process has closed has let go of its file.
    pub(super) fn wait_until_closed(&self) -> Result<(), OpenError> {
        if !self.path.join(DATA).exists() {
            return Ok(());
        }
        let data = self.data_file()?;
        let failed = |it| inaccessible(&self.path, "lock", it);
        for _ in 0..CLOSED_LOOKS_MAX {
            match data.try_lock() {
                // Not left to the closing: a process that is just being started may share the file.
                Ok(()) => return data.unlock().map_err(failed),
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(CLOSED_LOOK_AFTER),
                Err(TryLockError::Error(it)) => return Err(failed(it)),
            }
        }
        // The directory is ours: this is none of our processes.
        Err(OpenError::InUse { path: self.path.clone(), holder: UNKNOWN.to_owned() })
    }

    /// What a compaction left behind that was killed, or that has ended.
    pub(super) fn remove_unfinished_compaction(&self) -> Result<(), OpenError> {
        remove_if_there(&self.path.join(COMPACTING))
            .and_then(|()| sync(&self.path))
            .map_err(|it| inaccessible(&self.path, "remove what a compaction left behind", it))
    }

    /// Bytes of the data and of the snapshots.
    pub(super) fn bytes(&self) -> Result<u64, OpenError> {
        let count = || {
            let mut bytes = 0;
            for name in names_in(&self.path)? {
                if name == DATA || is_snapshot(&name) {
                    bytes += fs::metadata(self.path.join(name))?.len();
                }
            }
            Ok(bytes)
        };
        count().map_err(|it| inaccessible(&self.path, "read", it))
    }

    fn lock(path: &Path) -> Result<Self, OpenError> {
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK))
            .map_err(|it| inaccessible(path, "write", it))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let told = lock.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder = if told { holder.trim().to_owned() } else { UNKNOWN.to_owned() };
                return Err(OpenError::InUse { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(it)) => return Err(inaccessible(path, "lock", it)),
        }
        let told = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
        told.map_err(|it| inaccessible(path, "write", it))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// sled's data file, opened once more.
    fn data_file(&self) -> Result<File, OpenError> {
        let opened = OpenOptions::new().read(true).write(true).open(self.path.join(DATA));
        opened.map_err(|it| inaccessible(&self.path, "open the data file", it))
    }

    /// The same as that which is synced, of a sled that is about to open.
    pub(super) fn data(&self) -> Arc<DataFile> {
        DataFile::new(self.path.join(DATA), Doubt::of(&self.path))
    }

    /// Opens a sled in here that keeps its old snapshot until the new one's name is durable.
    pub(super) fn naming<T>(&self, open: impl FnOnce() -> T) -> Result<T, OpenError> {
        let opened = File::open(&self.path).and_then(|directory| naming::open(directory, open));
        opened.map_err(|it| inaccessible(&self.path, "sync", it))
    }

    /// Makes durable what sled leaves to chance: its parameters, and the names of new files.
    pub(super) fn sync(&self) -> Result<(), OpenError> {
        let synced = self.sync_file(PARAMETERS).and_then(|()| sync(&self.path));
        synced.map_err(|it| inaccessible(&self.path, "sync", it))
    }

    /// Makes sure that sled's data can be read, and is on the disk as it reads.
    pub(super) fn make_sure_of_data(&self) -> Result<(), OpenError> {
        log_file::make_sure(&self.path)
            .map_err(|it| inaccessible(&self.path, "read or sync the data", it))
    }

    fn sync_file(&self, name: &str) -> io::Result<()> {
        match File::open(self.path.join(name)) {
            Ok(file) => file.sync_all(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The power may go before sled's parameters are durable, and sled never opens with torn ones.
    /// They are always the same: without the file, sled writes them again. Others are not ours.
    pub(super) fn remove_torn_parameters(&self) -> Result<(), OpenError> {
        let path = self.path.join(PARAMETERS);
        let found = match fs::read(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(inaccessible(&path, "read", error)),
        };
        let mut pairs = found.iter().zip(PARAMETERS_WHOLE);
        let is_torn = found != PARAMETERS_WHOLE
            && found.len() <= PARAMETERS_WHOLE.len()
            && pairs.all(|(found, whole)| found == whole || *found == 0);
        if is_torn {
            fs::remove_file(&path).map_err(|it| inaccessible(&path, "remove", it))?;
        } else if found != PARAMETERS_WHOLE && !self.path.join(MARK).exists() {
            let found = "the data of another program".to_owned();
            return Err(OpenError::NotAStore { path: self.path.clone(), found });
        }
        Ok(())
    }

    /// A process killed while sled opens leaves these behind, and sled never opens again.
    pub(super) fn remove_unfinished_snapshots(&self) -> Result<(), OpenError> {
        self.remove_snapshots_that(|name| name.ends_with(SNAPSHOT_UNFINISHED_END))
            .map_err(|it| inaccessible(&self.path, "remove an unfinished snapshot", it))
    }

    /// How far into its log sled once saw its data whole, as the name of its snapshot says; none:
    /// it has no snapshot.
    pub(super) fn snapshot_reach(&self) -> Result<Option<u64>, OpenError> {
        let names = names_in(&self.path).map_err(|it| inaccessible(&self.path, "read", it))?;
        let reach = |name: &String| {
            u64::from_str_radix(name.strip_prefix(SNAPSHOT_BEGINNING)?, HEXADECIMAL).ok()
        };
        Ok(names.iter().filter_map(reach).max())
    }

    /// Without them sled reads its whole log, which may end earlier where they are missing.
    pub(super) fn remove_snapshots(&self) -> Result<(), OpenError> {
        self.remove_snapshots_that(|_| true)
            .map_err(|it| inaccessible(&self.path, "remove the snapshots", it))
    }

    /// The data and the snapshots as they were copied, in place of those that are there: the repair
    /// has come to its end.
    pub(super) fn put_back(&self, backup: &Path) -> Result<(), OpenError> {
        let put = |name: &str| {
            let unfinished = self.path.join(UNFINISHED);
            fs::copy(backup.join(name), &unfinished)?;
            File::open(&unfinished)?.sync_all()?;
            fs::rename(&unfinished, self.path.join(name))
        };
        let all = || {
            // They reach further than those of the attempt, and are read in their place.
            let snapshots: Vec<String> = snapshots_in(backup)?.collect();
            snapshots.iter().try_for_each(|name| put(name))?;
            put(DATA)?;
            self.remove_snapshots_that(|name| !snapshots.iter().any(|put| put == name))?;
            self.rename_note(REPAIRING, REFUSED)
        };
        all().map_err(|it| inaccessible(&self.path, "put the data back", it))
    }

    /// Puts back what a repair began with that was cut off.
    pub(super) fn settle_repair(&self) -> Result<(), OpenError> {
        if !self.path.join(REPAIRING).exists() {
            return Ok(());
        }
        if let Some(copy) = self.copy_named_in(REPAIRING)? {
            return self.put_back(&copy);
        }
        let what = "a repair was cut off, and the copy of what was here before is gone";
        let (path, what) = (self.path.clone(), what.to_owned());
        Err(OpenError::Damaged { path, what, backup: None })
    }

    /// What is here has opened: from now on it may be more than its copy.
    pub(super) fn forget_copy(&self) -> Result<(), OpenError> {
        let notes = [REPAIRING, REFUSED].map(|note| self.path.join(note));
        let mut notes = notes.iter().filter(|note| note.exists()).peekable();
        if notes.peek().is_none() {
            return Ok(());
        }
        notes
            .try_for_each(fs::remove_file)
            .and_then(|()| sync(&self.path))
            .map_err(|it| inaccessible(&self.path, "remove the note of a copy", it))
    }

    /// The copy that a note names, if it is there, and of this store.
    fn copy_named_in(&self, note: &str) -> Result<Option<PathBuf>, OpenError> {
        let end = match fs::read_to_string(self.path.join(note)) {
            Ok(end) => end,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(inaccessible(&self.path, "read the note of a copy", error)),
        };
        let copy = self.beside(&end);
        let mark_in = |directory: &Path| fs::read(directory.join(MARK)).ok();
        let is_there = copy.exists() && mark_in(&copy) == mark_in(&self.path);
        Ok(is_there.then_some(copy))
    }

    fn rename_note(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        sync(&self.path)
    }

    fn remove_snapshots_that(&self, unwanted: impl Fn(&str) -> bool) -> io::Result<()> {
        for name in snapshots_in(&self.path)?.filter(|name| unwanted(name)) {
            tracing::info!(file = %name, "store.snapshot_removed");
            fs::remove_file(self.path.join(name))?;
        }
        sync(&self.path)
    }

    /// sled does not sync the files in which it keeps large values. This store never makes any.
    pub(super) fn refuse_blobs(&self) -> Result<(), OpenError> {
        let blobs = self.path.join(BLOBS);
        match names_in(&blobs) {
            Ok(names) if names.is_empty() => Ok(()),
            Ok(names) => Err(OpenError::Blobs { path: blobs, count: names.len() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(inaccessible(&blobs, "read", error)),
        }
    }

    /// Copies everything beside the directory before a repair begins. What was put back and has not
    /// opened since is copied already: a server that is started again and again must not fill the
    /// disk. No other copy will do: a store whose mark is that of an earlier copy may hold more.
    pub(super) fn back_up(&self) -> Result<PathBuf, OpenError> {
        let failed = |it| inaccessible(&self.path, "make a copy of the damaged store", it);
        if let Some(backup) = self.copy_named_in(REFUSED)? {
            self.rename_note(REFUSED, REPAIRING).map_err(failed)?;
            return Ok(backup);
        }
        // A note of a copy that is gone would be copied.
        self.forget_copy()?;
        let ends = (1..=u32::MAX).map(|number| format!(".damaged-{number}"));
        let mut free = ends.filter(|end| !self.beside(end).exists());
        let end = free.next().expect("some number is free");
        let (unfinished, backup) = (self.beside(".damaged.unfinished"), self.beside(&end));
        let copied = remove_if_there(&unfinished)
            .and_then(|()| copy(&self.path, &unfinished))
            .and_then(|()| fs::rename(&unfinished, &backup))
            .and_then(|()| sync(&above(&self.path)))
            .and_then(|()| self.write(REPAIRING, &end));
        copied.map(|()| backup).map_err(failed)
    }

    fn beside(&self, end: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    }

    /// What the store last knew of itself; none: it was never finished.
    pub(super) fn mark(&self) -> Result<Option<Mark>, OpenError> {
        let text = match fs::read_to_string(self.path.join(MARK)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(inaccessible(&self.path, "read the mark", error)),
        };
        match Mark::parse(&text) {
            Some(mark) => Ok(Some(mark)),
            None => Err(OpenError::Mark { path: self.path.join(MARK) }),
        }
    }

    /// Leaves a mark in place of the last one.
    pub(super) fn leave(&self, mark: &Mark) -> Result<(), OpenError> {
        let written = self.write(MARK, &mark.text());
        written.map_err(|it| inaccessible(&self.path, "write the mark", it))
    }

    /// Writes a small file as a whole or not at all.
    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let unfinished = self.path.join(UNFINISHED);
        let mut file = File::create(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, self.path.join(name))?;
        sync(&self.path)
    }
}

impl Mark {
    const TITLE: &str = "sanbang store, format 1";

    fn text(&self) -> String {
        let Self { incarnation, batches } = self;
        format!("{}\nincarnation {incarnation}\nbatches {batches}\n", Self::TITLE)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(Self::TITLE) {
            return None;
        }
        let incarnation = lines.next()?.strip_prefix("incarnation ")?.to_owned();
        let batches = lines.next()?.strip_prefix("batches ")?.parse().ok()?;
        Some(Self { incarnation, batches })
    }
}

/// Refuses a directory that is used for something else.
fn refuse_foreign(path: &Path) -> Result<(), OpenError> {
    let names = names_in(path).map_err(|it| inaccessible(path, "read", it))?;
    let foreign = names.iter().find(|name| !is_of_a_store(name) && *name != NOT_OURS_BUT_HARMLESS);
    match foreign {
        Some(found) if !names.iter().any(|name| name == DATA) => {
            let found = format!("`{found}`");
            Err(OpenError::NotAStore { path: path.to_owned(), found })
        }
        Some(_) | None => Ok(()),
    }
}

fn is_of_a_store(name: &str) -> bool {
    let sleds = [DATA, PARAMETERS, BLOBS];
    let ours = [LOCK, MARK, UNFINISHED, DOUBT, RESTORING, REPAIRING, REFUSED, COMPACTING];
    sleds.contains(&name) || ours.contains(&name) || is_snapshot(name)
}

fn is_snapshot(name: &str) -> bool {
    name.starts_with(SNAPSHOT_BEGINNING)
}

/// Removes everything of a store, but for what tells that it is being restored.
fn remove_store(path: &Path) -> io::Result<()> {
    for name in names_in(path)? {
        if !is_of_a_store(&name) || name == LOCK || name == RESTORING {
            continue;
        }
        let unwanted = path.join(&name);
        if unwanted.is_dir() {
            fs::remove_dir_all(unwanted)?;
        } else {
            fs::remove_file(unwanted)?;
        }
    }
    sync(path)
}

/// Makes a directory and those above it that are missing, and makes their names durable: a store is
/// found by all of them.
fn make_directory(path: &Path) -> Result<(), OpenError> {
    let made: Vec<&Path> = missing(path).collect();
    fs::create_dir_all(path).map_err(|it| inaccessible(path, "make the directory", it))?;
    made.into_iter().try_for_each(|made| {
        let synced = sync(&above(made));
        synced.map_err(|it| inaccessible(path, "sync the directory above", it))
    })
}

fn snapshots_in(directory: &Path) -> io::Result<impl Iterator<Item = String>> {
    Ok(names_in(directory)?.into_iter().filter(|name| is_snapshot(name)))
}

fn inaccessible(path: &Path, doing: &'static str, source: io::Error) -> OpenError {
    OpenError::Inaccessible { path: path.to_owned(), doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_and_damage_is_noticed() {
        let mark = Mark { incarnation: "ab12".to_owned(), batches: 17 };
        assert_eq!(Mark::parse(&mark.text()), Some(mark.clone()));
        for text in ["", "sanbang store, format 2\n", &mark.text().replace("17", "x")] {
            assert_eq!(Mark::parse(text), None, "{text}");
        }
    }
}
