//! Disks that are full, fail, or may not be written, and files that were damaged: the real server
//! refuses to start or stops, and says what to do; once the fault is gone, everything that was
//! answered is there. The faults come from the layer that power cuts use too.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tonic::transport::Channel;

use super::crash::checker::Checker;
use super::crash::workload::{Load, Patience, repeat_unanswered};
use super::crash::{connect, load_files};
use super::power::journal::Keep;
use super::power::layer::Layer;
use super::program::{Place, Server};
use super::random::Random;

const CLOCK: &str = "simulated@2025-01-06T09:00:00+08:00";
/// What a server ends with that could not start, and with that had to stop.
const NOT_TRIED: Option<i32> = Some(2);
const STOPPED: Option<i32> = Some(3);

/// A store on a disk that can fail, and what its clients know.
struct Bench {
    layer: Layer,
    files: PathBuf,
    random: Random,
    checker: Checker,
    lives: u64,
}

impl Bench {
    fn new() -> Self {
        let (random, checker) = (Random::new(7), Checker::default());
        Self { layer: Layer::new(), files: load_files(), random, checker, lives: 0 }
    }

    fn place(&self) -> Place<'_> {
        Place { data: self.layer.data(), config: Some(&self.files), clock: CLOCK }
    }

    fn start(&self) -> Server {
        Server::start_with(self.place(), &self.layer.environment())
    }

    /// A server that holds what was answered, and takes more.
    async fn answers_for_everything(&mut self) {
        let server = self.start();
        let channel = connect(&server).await;
        repeat_unanswered(&channel, &self.checker.journal).await;
        self.checker.check_from_the_beginning(&channel).await;
        self.load(&channel, 40).await;
        self.checker.check(&channel).await;
        assert_eq!(server.stop(), Some(0));
    }

    async fn load(&mut self, channel: &Channel, answers: u64) {
        let load = self.begin_load(channel);
        load.wait_for_answers(answers).await;
        load.end().await;
    }

    fn begin_load(&mut self, channel: &Channel) -> Load {
        self.lives += 1;
        let journal = &self.checker.journal;
        Load::begin(channel, journal, Patience::UntilLost, self.lives, &mut self.random)
    }

    /// The fault comes under load: the server stops. What it told on the way.
    async fn stops_for(&mut self, fault: &str, text: &str) -> String {
        let mut server = self.start();
        let channel = connect(&server).await;
        let load = self.begin_load(&channel);
        load.wait_for_answers(30).await;
        self.layer.break_down(fault, text);
        assert_eq!(server.wait(), STOPPED, "{fault}:\n{}", server.log());
        load.end().await;
        assert!(self.layer.has_struck(fault), "{fault}");
        self.layer.mend();
        failures(&server)
    }

    /// Whether the server tells everything as it was, or else ends before it tells anything else.
    async fn is_told_the_truth(&mut self, server: &Server) -> bool {
        let channel = connect(server).await;
        let mut checker = std::mem::take(&mut self.checker);
        self.checker.journal = Arc::clone(&checker.journal);
        let checking = async move {
            checker.check_from_the_beginning(&channel).await;
            checker
        };
        match tokio::spawn(checking).await {
            Ok(checker) => {
                self.checker = checker;
                true
            }
            Err(error) => {
                let what = error.into_panic();
                let what = what.downcast_ref::<String>().map_or("", String::as_str);
                assert!(!what.contains("problems:"), "{what}");
                false
            }
        }
    }

    /// The server does not start. What it told.
    fn does_not_start(&self) -> String {
        let mut server = Server::start_if_it_does(self.place(), &self.layer.environment());
        assert!(!server.listens(), "{}", server.log());
        assert_eq!(server.wait(), NOT_TRIED, "{}", server.log());
        let log = server.log();
        let (_, error) = log.split_once("error: ").unwrap_or_else(|| panic!("{log}"));
        in_lines(&error.trim_end().replace(&self.layer.disk().display().to_string(), "DISK"))
    }

    fn does_not_start_for(&self, fault: &str, text: &str) -> String {
        self.layer.break_down(fault, text);
        let told = self.does_not_start();
        assert!(self.layer.has_struck(fault), "{fault}: {told}");
        self.layer.mend();
        format!("{fault}: {told}")
    }
}

/// Why a server stopped, without the time.
fn failures(server: &Server) -> String {
    let log = server.log();
    let lines = log.lines().filter_map(|line| line.split_once(" ERROR sanbang::"));
    let told: Vec<&str> = lines.map(|(_, told)| told).collect();
    assert_eq!(told.len(), 1, "one clear line:\n{log}");
    in_lines(told[0])
}

/// As it can be read beside code.
fn in_lines(told: &str) -> String {
    let breaks = [
        (" error=", "\nerror="),
        ("; ", ";\n"),
        (". ", ".\n"),
        ("`DISK/data`: ", "`DISK/data`:\n"),
        (": to put", ":\nto put"),
        ("fails: look", "fails:\nlook"),
    ];
    breaks.iter().fold(told.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_the_server_and_costs_nothing() {
    for room in ["0", "20000"] {
        // The file of a store that was never closed grows with every write.
        let mut bench = Bench::new();
        let told = bench.stops_for("full", room).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(told, @r#"
    cli::serve: stopping at once: what was not answered yet never will be
    error="using the store: No space left on device;
    make room on that file system, then start again: nothing that was answered is lost"
    "#);
        }
        bench.answers_for_everything().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_is_never_tried_again() {
    let mut all = Vec::new();
    for fault in ["fail-fdatasync", "fail-fsync", "fail-sync_file_range"] {
        let mut bench = Bench::new();
        bench.answers_for_everything().await;
        let told = bench.stops_for(fault, "db").await;
        all.push(format!("{fault}: {told}"));
        // What the failed sync left in memory alone is what the next server sees, and then the
        // power goes.
        bench.answers_for_everything().await;
        bench.layer.lose_power(Keep::Nothing);
        bench.answers_for_everything().await;
    }
    insta::assert_snapshot!(all.join("\n"), @r#"
    fail-fdatasync: cli::serve: stopping at once: what was not answered yet never will be
    error="syncing the store: Input/output error (os error 5);
    the disk may be failing: look at the machine's log, mend it, then start again"
    fail-fsync: cli::serve: stopping at once: what was not answered yet never will be
    error="syncing the store: Input/output error (os error 5);
    the disk may be failing: look at the machine's log, mend it, then start again"
    fail-sync_file_range: cli::serve: stopping at once: what was not answered yet never will be
    error="using the store: Input/output error;
    the disk may be failing: look at the machine's log, mend it, then start again"
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_write_or_read_stops_the_server() {
    let mut bench = Bench::new();
    bench.answers_for_everything().await;
    let told = bench.stops_for("fail-write", "db").await;
    insta::assert_snapshot!(told, @r#"
    cli::serve: stopping at once: what was not answered yet never will be
    error="using the store: Input/output error;
    the disk may be failing: look at the machine's log, mend it, then start again"
    "#);
    bench.layer.lose_power(Keep::Nothing);
    bench.answers_for_everything().await;

    // What was not read since the start is read for those who ask for all events.
    let server = bench.start();
    bench.load(&connect(&server).await, 400).await;
    assert_eq!(server.stop(), Some(0));
    let mut server = bench.start();
    bench.layer.break_down("fail-read", "db");
    assert!(!bench.is_told_the_truth(&server).await, "something has to be read");
    assert_eq!(server.wait(), STOPPED, "{}", server.log());
    insta::assert_snapshot!(failures(&server), @r#"
    cli::serve: stopping at once: what was not answered yet never will be
    error="using the store: Input/output error (os error 5);
    the disk may be failing: look at the machine's log, mend it, then start again"
    "#);
    bench.layer.mend();
    bench.answers_for_everything().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_at_the_start_is_told_and_costs_nothing() {
    let mut bench = Bench::new();
    bench.answers_for_everything().await;
    let faults = [
        ("full", "0"),
        ("fail-read", "db"),
        ("fail-write", "db"),
        ("fail-fsync", "db"),
        ("fail-fdatasync", "db"),
        ("read-only", ""),
        ("no-permission", ""),
    ];
    let told: Vec<String> =
        faults.iter().map(|(fault, text)| bench.does_not_start_for(fault, text)).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    full: opening the store in `DISK/data`:
    cannot write in DISK/data: No space left on device (os error 28);
    make room on that file system, then start again: nothing that was answered is lost
    fail-read: opening the store in `DISK/data`:
    cannot read or sync the data in DISK/data: Input/output error (os error 5);
    the disk may be failing: look at the machine's log, mend it, then start again
    fail-write: opening the store in `DISK/data`:
    cannot open the data in DISK/data: Input/output error (os error 5);
    the disk may be failing: look at the machine's log, mend it, then start again
    fail-fsync: opening the store in `DISK/data`:
    cannot read or sync the data in DISK/data: Input/output error (os error 5);
    the disk may be failing: look at the machine's log, mend it, then start again
    fail-fdatasync: opening the store in `DISK/data`:
    in DISK/data: syncing the store: Input/output error (os error 5);
    the disk may be failing: look at the machine's log, mend it, then start again
    read-only: opening the store in `DISK/data`:
    cannot write in DISK/data: Read-only file system (os error 30);
    the file system is read-only, which is also what becomes of one whose disk fails:
    look at the machine's log, mount it for writing, then start again
    no-permission: opening the store in `DISK/data`:
    cannot write in DISK/data: Permission denied (os error 13);
    the user that runs sanbang must own the directory and be allowed to write in it
    ");
    bench.layer.lose_power(Keep::Nothing);
    bench.answers_for_everything().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_file_is_refused_until_it_is_back() {
    let mut bench = Bench::new();
    bench.answers_for_everything().await;
    let (data, file) = (bench.layer.data().to_owned(), bench.layer.data().join("db"));
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 3]).unwrap();
    let told = without_numbers(&bench.does_not_start());
    insta::assert_snapshot!(told, @"
    opening the store in `DISK/data`:
    the store in DISK/data is damaged and is not served: the last N of N writes are gone.
    Move DISK/data away and restore the latest backup: `sanbang restore FILE --data DISK/data`.
    What is left of it is kept in DISK/data.damaged-N:
    to put it back, `rm -r DISK/data && cp -a DISK/data.damaged-N DISK/data`
    ");
    put_back(&data);
    fs::write(&file, &whole).unwrap();
    bench.answers_for_everything().await;
}

/// Whatever the bit belongs to: it is refused, or the server stops when it reads it, or nobody
/// needs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_never_changes_what_is_told() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.answers_for_everything().await;
    }
    let place = bench.layer.data().to_owned();
    let whole = files_of(&place);
    let mut noticed = 0;
    // The rest of the last segment is filled with one byte.
    let rest = whole["db"].last();
    let used = whole["db"].iter().rposition(|byte| Some(byte) != rest).unwrap();
    for part in 1..16 {
        let mut flipped = whole["db"].clone();
        let at = used / 16 * part;
        flipped[at] ^= 1 << (part % 8);
        fs::write(place.join("db"), flipped).unwrap();
        let mut server = Server::start_if_it_does(bench.place(), &bench.layer.environment());
        if !server.listens() {
            assert_eq!(server.wait(), NOT_TRIED, "{at}: {}", server.log());
            assert!(server.log().contains("is damaged and is not served"), "{at}");
            noticed += 1;
        } else if !bench.is_told_the_truth(&server).await {
            assert_eq!(server.wait(), STOPPED, "{at}: {}", server.log());
            assert!(failures(&server).contains("stopping at once"), "{at}");
            noticed += 1;
        }
        drop(server);
        fs::remove_dir_all(&place).unwrap();
        fs::create_dir(&place).unwrap();
        for (name, content) in &whole {
            fs::write(place.join(name), content).unwrap();
        }
    }
    assert!(noticed > 0, "some of the bits are used");
    bench.answers_for_everything().await;
}

fn files_of(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let file = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    files.map(file).collect()
}

/// As the message says.
fn put_back(data: &Path) {
    let mut copy = data.as_os_str().to_owned();
    copy.push(".damaged-1");
    fs::remove_dir_all(data).unwrap();
    fs::rename(copy, data).unwrap();
}

fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '0'..='9' if out.ends_with('N') => {}
            '0'..='9' => out.push('N'),
            _ => out.push(letter),
        }
    }
    out
}
