//! On what it ran: one line for whoever quotes a figure. Knows no measurement.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread::available_parallelism;

/// Processors, system, file system of the stores, and the day.
pub(crate) fn described(work: &Path) -> String {
    let cores = available_parallelism().map_or(0, std::num::NonZero::get);
    let model = first_line_with("/proc/cpuinfo", "model name")
        .and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let day = jiff::Zoned::now().date();
    let (system, files) = (system.trim(), file_system(work));
    format!("{cores} × {model}, Linux {system}, stores on {files}, {day}")
}

/// A disk.
pub(crate) struct Device {
    statistics: String,
}

impl Device {
    /// The disk that holds a file; none: the system does not tell.
    pub(crate) fn of(file: &Path) -> Option<Self> {
        let number = fs::metadata(file).ok()?.dev();
        let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
        Some(Self { statistics: format!("/sys/dev/block/{major}:{minor}/stat") })
    }

    /// Bytes that it has written so far.
    pub(crate) fn written_bytes(&self) -> Option<u64> {
        const SECTOR_BYTES: u64 = 512;
        let words = fs::read_to_string(&self.statistics).ok()?;
        let sectors: u64 = words.split_whitespace().nth(6)?.parse().ok()?;
        Some(sectors * SECTOR_BYTES)
    }
}

/// Whether stores there would be on a disk at all.
pub(crate) fn is_memory(work: &Path) -> bool {
    ["tmpfs", "ramfs"].contains(&file_system(work).as_str())
}

/// The kind of file system that holds a directory: that of the longest mount point above it.
fn file_system(directory: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let words = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let above = words.filter(|(point, _)| directory.starts_with(point));
    let longest = above.max_by_key(|(point, _)| point.len());
    longest.map_or_else(|| "an unknown file system".to_owned(), |(_, kind)| kind.to_owned())
}

fn first_line_with(path: &str, word: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find(|line| line.starts_with(word)).map(str::to_owned)
}
