//! sled tidies up: it moves what is left of old parts of its log to new ones, and uses the old ones
//! again. Commits may be far away then, and sled itself syncs but twice a second; here it never
//! does, so that the order shows without a power cut at the right millisecond.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sanbang::store::sled::{SEGMENT_BYTES, SledStore};
use sanbang::store::{Batch, DocumentWrite, Store as _};

use super::super::store_fixture::document;
use super::super::store_sled::open;
use super::layer::Layer;

/// Tells a test that it is the child, and where the store is.
const CHILD: &str = "SANBANG_TEST_TIDYING";
/// What the child says before it leaves the rest to sled.
const WRITTEN: &str = "everything is written";
/// Documents of two kinds that lie side by side: those that stay, and those that get a new version.
const DOCUMENTS: u64 = 600;
const KEPT_BYTES: usize = 12_000;
const PASSING_BYTES: usize = 24_000;
const PER_BATCH: usize = 8;
/// So many parts of the log are used again before it is enough.
const OVERWRITTEN: usize = 3;
const LOOK_EVERY: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_mins(2);
/// A sync covers what was written by then: parts may wait in memory for their turn.
const UNSYNCED_MAX: u64 = 2 * SEGMENT_BYTES as u64;

#[test]
fn nothing_is_overwritten_before_what_replaces_it_is_durable() {
    let layer = Layer::new();
    fill(layer.data());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["power::relocation::child_that_tidies_up", "--exact", "--nocapture"])
        .env(CHILD, layer.data())
        .envs(layer.environment())
        .env("FORGETFUL_WITHOUT", "fsync")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(WRITTEN)), "it ended too early");
    let since = layer.written();
    let mut looks = PATIENCE.as_millis() / LOOK_EVERY.as_millis();
    let unsynced = loop {
        std::thread::sleep(LOOK_EVERY);
        let unsynced = layer.unsynced_at_overwrites(since, "db", SEGMENT_BYTES as u64);
        looks -= 1;
        if unsynced.len() >= OVERWRITTEN || looks == 0 || child.try_wait().unwrap().is_some() {
            break unsynced;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(unsynced.len() >= OVERWRITTEN, "too little was used again: {unsynced:?}");
    assert!(unsynced.iter().all(|bytes| *bytes <= UNSYNCED_MAX), "not synced: {unsynced:?}");
}

/// Without a parent there is nothing to tidy up.
#[test]
fn child_that_tidies_up() {
    let Some(directory) = std::env::var_os(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "it runs for another test");
        return;
    };
    let store = open(Path::new(&directory));
    write(&store, |number| vec![passing(number, 2)]);
    print(WRITTEN);
    std::thread::sleep(PATIENCE);
}

#[expect(clippy::print_stdout, reason = "the parent waits for it")]
fn print(line: &str) {
    println!("{line}");
}

fn fill(directory: &Path) {
    write(&open(directory), |number| vec![kept(number), passing(number, 1)]);
}

/// A few documents at a time: one large write would wait in memory for long.
fn write(store: &SledStore, documents: impl Fn(u64) -> Vec<DocumentWrite>) {
    for first in (0..DOCUMENTS).step_by(PER_BATCH) {
        let documents = (first..first + PER_BATCH as u64).flat_map(&documents).collect();
        store.commit(Batch { documents, ..Batch::default() }).unwrap();
    }
}

fn kept(number: u64) -> DocumentWrite {
    document(&format!("kept-{number}"), Some(&bytes(number, KEPT_BYTES)))
}

fn passing(number: u64, version: u64) -> DocumentWrite {
    document(&format!("passing-{number}"), Some(&bytes(number + version, PASSING_BYTES)))
}

fn bytes(from: u64, count: usize) -> Vec<u8> {
    (0..count as u64).map(|at| u8::try_from((from * 7 + at * 31) % 251).unwrap()).collect()
}
