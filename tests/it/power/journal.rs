//! The journal that the forgetful layer leaves, and how power is lost by it: everything that no
//! sync has covered is taken back, or a part of it that chance picks. Knows nothing of what is
//! stored.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::super::random::Random;

const MAGIC: u32 = 0x7e9e_7f17;
const HEADER_BYTES: usize = 56;
/// What a disk writes as a whole.
const SECTOR: u64 = 512;
/// What is written back as a whole: a later sync of a part of it covers all of it.
const PAGE: u64 = 4096;

/// What survives of that which was not synced.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    /// Nothing at all, names neither.
    Nothing,
    /// Nothing of the contents; names as on a file system that always writes them in time.
    Names,
    /// All of the contents and no names, as on a disk that takes what comes later before them.
    Contents,
    /// Sectors and sizes by chance, so that writes are torn and arrive out of order, and the
    /// earlier ones of the names.
    Some {
        /// Of chance.
        seed: u64,
        /// How likely it is, in hundredths, that one survives.
        percent: u64,
    },
    /// The same, and the names by chance too: a later one may be there and an earlier one not.
    Scattered {
        /// Of chance.
        seed: u64,
        /// How likely it is, in hundredths, that one survives.
        percent: u64,
    },
}

/// What was taken back.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Writes and cuts, as a whole or in parts.
    pub(crate) writes: usize,
    /// New, changed and removed names.
    pub(crate) names: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Content,
    Sync,
    Lost,
    Create,
    Remove,
    Rename,
    MakeDirectory,
    RemoveDirectory,
}

#[derive(Debug)]
struct Record<'a> {
    kind: Kind,
    at: u64,
    inode: u64,
    second: u64,
    offset: u64,
    length: u64,
    size_before: u64,
    data: &'a [u8],
}

/// Loses power: what is below `under` is as a disk would have it then. The journal ends with it.
pub(crate) fn lose_power(journal: &Path, under: &Path, keep: Keep) -> Lost {
    let bytes = read_if_there(journal);
    let (records, _) = parse(&bytes);
    let kept = kept_beside(journal);
    let mut chance = Chance::new(keep);
    let covered = covered(&records);
    let open = |record: &Record<'_>| !covered.contains(&record.at);
    let mut lost = Lost::default();
    let mut files: BTreeMap<u64, Rewinding> = BTreeMap::new();
    let paths = paths_by_inode(&[under, &kept]);
    for record in records.iter().rev().filter(|record| record.kind == Kind::Content) {
        let Some(path) = paths.get(&record.inode) else { continue };
        let file = files.entry(record.inode).or_insert_with(|| Rewinding::of(path));
        if open(record) {
            file.take_back(record, &mut chance);
            lost.writes += 1;
        } else {
            file.settle(record);
        }
    }
    for (_, file) in files {
        file.finish();
    }
    let names = records.iter().rev().filter(|record| record.kind.is_of_names());
    for record in names.filter(|record| open(record)) {
        if chance.keeps_names() {
            if matches!(keep, Keep::Scattered { .. }) {
                continue;
            }
            break;
        }
        take_name_back(record);
        lost.names += 1;
    }
    remove_if_there(fs::remove_file(journal));
    remove_if_there(fs::remove_dir_all(&kept));
    lost
}

/// A file is written in parts of so many bytes, from the beginning of each. Whenever a part that
/// was there is begun anew, from this place in the journal on: how many bytes no sync has covered.
pub(crate) fn unsynced_at_overwrites(
    journal: &Path,
    from: u64,
    file: &Path,
    part_bytes: u64,
) -> Vec<u64> {
    let bytes = read_if_there(journal);
    let inode = fs::metadata(file).unwrap().ino();
    let mut unsynced: Vec<(u64, u64)> = Vec::new();
    let mut found = Vec::new();
    let (records, _) = parse(&bytes);
    for record in records.iter().filter(|record| record.inode == inode) {
        match record.kind {
            Kind::Content => {
                let is_there = record.offset + part_bytes <= record.size_before;
                if record.at >= from && record.offset % part_bytes == 0 && is_there {
                    found.push(unsynced.iter().map(|(_, bytes)| bytes).sum());
                }
                unsynced.push((record.at, record.length));
            }
            Kind::Sync => unsynced.retain(|(at, _)| *at >= record.offset),
            _ => {}
        }
    }
    found
}

/// A process that was killed may leave half a record behind: the next one writes after the last
/// whole one.
pub(crate) fn trim(journal: &Path) {
    let bytes = read_if_there(journal);
    let (_, whole) = parse(&bytes);
    if whole < bytes.len() {
        let file = OpenOptions::new().write(true).open(journal).unwrap();
        file.set_len(whole as u64).unwrap();
    }
}

fn parse(bytes: &[u8]) -> (Vec<Record<'_>>, usize) {
    let (mut records, mut at) = (Vec::new(), 0);
    while let Some(header) = bytes.get(at..at + HEADER_BYTES) {
        let small = |from: usize| u32::from_ne_bytes(header[from..from + 4].try_into().unwrap());
        let large = |from: usize| u64::from_ne_bytes(header[from..from + 8].try_into().unwrap());
        assert_eq!(small(0), MAGIC, "the journal is broken at {at}");
        let data_bytes = usize::try_from(large(48)).unwrap();
        let Some(data) = bytes.get(at + HEADER_BYTES..at + HEADER_BYTES + data_bytes) else {
            break;
        };
        records.push(Record {
            kind: Kind::of(small(4)),
            at: at as u64,
            inode: large(8),
            second: large(16),
            offset: large(24),
            length: large(32),
            size_before: large(40),
            data,
        });
        at += HEADER_BYTES + data_bytes;
    }
    (records, at)
}

impl Kind {
    fn of(number: u32) -> Self {
        match number {
            1 => Self::Content,
            2 => Self::Sync,
            3 => Self::Lost,
            4 => Self::Create,
            5 => Self::Remove,
            6 => Self::Rename,
            7 => Self::MakeDirectory,
            8 => Self::RemoveDirectory,
            _ => panic!("the layer writes no record of kind {number}"),
        }
    }

    fn is_of_names(self) -> bool {
        !matches!(self, Self::Content | Self::Sync | Self::Lost)
    }
}

/// The places of the records that a sync has made durable.
fn covered(records: &[Record<'_>]) -> HashSet<u64> {
    let mut covered = HashSet::new();
    // What still waits for a sync, with the files or directories that have to be synced.
    let mut waiting: Vec<(u64, Vec<u64>)> = Vec::new();
    for record in records {
        match record.kind {
            Kind::Content => waiting.push((record.at, vec![record.inode])),
            Kind::Sync => waiting.retain_mut(|(at, inodes)| {
                if *at < record.offset {
                    inodes.retain(|inode| *inode != record.inode);
                }
                let is_covered = inodes.is_empty();
                if is_covered {
                    covered.insert(*at);
                }
                !is_covered
            }),
            // What a failed sync has given up is not written by the next one either.
            Kind::Lost => waiting.retain(|(_, inodes)| !inodes.contains(&record.inode)),
            _ => waiting.push((record.at, vec![record.inode, record.second])),
        }
    }
    covered
}

/// A file while its unsynced content is taken back, the latest first.
struct Rewinding {
    file: File,
    /// Sectors that are as they will be.
    settled: HashSet<u64>,
    size: u64,
    size_is_settled: bool,
}

impl Rewinding {
    fn of(path: &Path) -> Self {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let size = file.metadata().unwrap().len();
        Self { file, settled: HashSet::new(), size, size_is_settled: false }
    }

    fn take_back(&mut self, record: &Record<'_>, chance: &mut Chance) {
        // Where nothing was, a sector that did not arrive is empty.
        let mut before = record.data.to_vec();
        before.resize(before.len().max(usize::try_from(record.length).unwrap()), 0);
        let end = record.offset + before.len() as u64;
        for sector in record.offset / SECTOR..end.div_ceil(SECTOR) {
            if self.settled.contains(&sector) {
                continue;
            }
            if chance.keeps() {
                self.settled.insert(sector);
                continue;
            }
            let from = (sector * SECTOR).max(record.offset);
            let to = ((sector + 1) * SECTOR).min(end);
            let range = |place: u64| usize::try_from(place - record.offset).unwrap();
            self.file.write_all_at(&before[range(from)..range(to)], from).unwrap();
        }
        self.size_is_settled |= chance.keeps();
        if !self.size_is_settled {
            self.size = record.size_before;
        }
    }

    fn settle(&mut self, record: &Record<'_>) {
        let end = record.offset + record.length.max(record.data.len() as u64);
        let (first, last) = (record.offset / PAGE, end.div_ceil(PAGE));
        self.settled.extend(first * PAGE / SECTOR..last * PAGE / SECTOR);
        self.size_is_settled = true;
    }

    fn finish(self) {
        self.file.set_len(self.size).unwrap();
    }
}

/// What survives.
struct Chance {
    keep: Keep,
    random: Random,
}

impl Chance {
    fn new(keep: Keep) -> Self {
        let seed = match keep {
            Keep::Nothing | Keep::Names | Keep::Contents => 0,
            Keep::Some { seed, .. } | Keep::Scattered { seed, .. } => seed,
        };
        Self { keep, random: Random::new(seed) }
    }

    fn keeps(&mut self) -> bool {
        match self.keep {
            Keep::Nothing | Keep::Names => false,
            Keep::Contents => true,
            Keep::Some { percent, .. } | Keep::Scattered { percent, .. } => {
                self.random.below(100) < percent
            }
        }
    }

    fn keeps_names(&mut self) -> bool {
        match self.keep {
            Keep::Names => true,
            Keep::Contents => false,
            Keep::Nothing | Keep::Some { .. } | Keep::Scattered { .. } => self.keeps(),
        }
    }
}

fn take_name_back(record: &Record<'_>) {
    let mut parts = record.data.split(|byte| *byte == 0);
    let mut next = || Path::new(OsStr::from_bytes(parts.next().unwrap_or_default()));
    let (path, to, kept) = (next(), next(), next());
    let is_kept = !kept.as_os_str().is_empty();
    if !path.parent().is_some_and(Path::exists) {
        // Its directory was removed since, and that is durable.
        return;
    }
    match record.kind {
        Kind::Create => remove_if_there(fs::remove_file(path)),
        Kind::MakeDirectory => remove_if_there(fs::remove_dir_all(path)),
        Kind::RemoveDirectory if !path.exists() => fs::create_dir(path).unwrap(),
        Kind::Remove if !path.exists() && is_kept => fs::hard_link(kept, path).unwrap(),
        Kind::Rename if !path.exists() && to.exists() => {
            fs::rename(to, path).unwrap();
            if is_kept {
                fs::hard_link(kept, to).unwrap();
            }
        }
        // The process was killed after it had noted this and before it was done.
        _ => {}
    }
}

/// Files. A directory may have the number of a file that is gone, whose content nobody misses.
fn paths_by_inode(directories: &[&Path]) -> HashMap<u64, PathBuf> {
    let mut paths = HashMap::new();
    let mut open: Vec<PathBuf> = directories.iter().map(|path| path.to_path_buf()).collect();
    while let Some(directory) = open.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.map(Result::unwrap) {
            let status = entry.metadata().unwrap();
            if status.is_dir() {
                open.push(entry.path());
            } else {
                paths.insert(status.ino(), entry.path());
            }
        }
    }
    paths
}

/// Where removed files are kept.
fn kept_beside(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".kept");
    PathBuf::from(name)
}

fn read_if_there(path: &Path) -> Vec<u8> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        bytes => bytes.unwrap(),
    }
}

fn remove_if_there(removed: std::io::Result<()>) {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        removed => removed.unwrap(),
    }
}
