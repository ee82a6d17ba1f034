//! What only the store on disk has to do: come back, survive kills, refuse what it cannot trust.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use sanbang::model::id::FieldId;
use sanbang::model::instance::Instance;
use sanbang::model::limits::PARTITIONS;
use sanbang::model::value::Value;
use sanbang::store::sled::{OpenError, Options, SEGMENT_BYTES, SledStore};
use sanbang::store::{Batch, Seq, Store};

use super::store_fixture::{
    FEW_RECENT_EVENTS, advance, advance_without_body, at, commit, document, due_at, id, open_again,
    picture, project, write_next,
};
use super::store_sample::Seeded;

/// Tells a test that it is the child, and where its store is.
const CHILD: &str = "SANBANG_TEST_STORE";

pub(crate) fn options(directory: &Path) -> Options {
    Options {
        directory: directory.to_owned(),
        simulated_clock: false,
        recent_events: FEW_RECENT_EVENTS,
    }
}

pub(crate) fn open(directory: &Path) -> SledStore {
    open_again(&options(directory)).expect("a store, or a place for one")
}

/// What is in it, without the store.
pub(crate) fn raw(directory: &Path) -> sled::Db {
    // The end of a sled that was just closed holds its lock for another moment, in its threads.
    let config = sled::Config::new().path(directory).segment_size(SEGMENT_BYTES);
    (0..100)
        .find_map(|_| {
            config.open().ok().or_else(|| {
                std::thread::sleep(std::time::Duration::from_millis(10));
                None
            })
        })
        .expect("a sled")
}

pub(crate) fn refusal(directory: &Path) -> String {
    let error = open_again(&options(directory)).expect_err("it must not open");
    error.to_string().replace(&directory.display().to_string(), "DIR")
}

/// A directory below a temporary one, so that what is left beside it goes away too.
pub(crate) fn place() -> (tempfile::TempDir, PathBuf) {
    let above = tempfile::tempdir().expect("a directory for the test");
    let directory = above.path().join("store");
    (above, directory)
}

/// Bodies and headers, small and large, with and without checkpoints, documents and a clock.
pub(crate) fn fill(store: &SledStore) {
    for number in 0..30 {
        let mut project = due_at(&format!("p-{number}"), at(number));
        let text = Value::Text("x".repeat(usize::try_from(number * 400).expect("small")).into());
        std::sync::Arc::make_mut(&mut project.fields).insert(FieldId::trusted("summary"), text);
        write_next(store, &mut project, 2);
        for _ in 0..number % 3 {
            let write = advance_without_body(store, &mut project, 1);
            commit(store, vec![write]).expect("nobody else writes");
        }
    }
    let documents = vec![document("a", Some(b"1")), document("b/1", Some(&[5; 50_000]))];
    let batch = Batch { documents, clock: Some(at(77)), ..Batch::default() };
    store.commit(batch).expect("nobody else writes");
}

#[test]
fn opening_again_keeps_everything() {
    let (_above, directory) = place();
    let store = open(&directory);
    fill(&store);
    let (identity, before) = (store.identity().clone(), picture(&store).expect("readable"));
    let verified = store.verify().expect("it holds together");
    assert_eq!((verified.instances, verified.records, verified.documents), (30, 60, 2));
    assert_eq!(verified.events, 90);
    drop(store);

    let store = open(&directory);
    assert_eq!(store.identity(), &identity);
    assert_eq!(picture(&store).expect("readable"), before);
    assert_eq!(store.verify().expect("it holds together"), verified);

    // And it goes on where it was.
    let mut project = project("p-new");
    write_next(&store, &mut project, 1);
    drop(store);
    assert!(open(&directory).load(&id("p-new")).expect("readable").is_some());
}

#[test]
fn no_value_is_larger_than_sled_keeps_in_its_log() {
    let (_above, directory) = place();
    let store = open(&directory);
    fill(&store);
    drop(store);
    let raw = raw(&directory);
    let largest = raw.iter().map(|entry| entry.expect("readable").1.len()).max();
    assert_eq!(largest, Some(4096));
    assert_eq!(fs::read_dir(directory.join("blobs")).expect("a directory").count(), 0);
}

#[test]
fn a_second_process_is_refused() {
    let (_above, directory) = place();
    let store = open(&directory);
    let refused = refusal(&directory).replace(&std::process::id().to_string(), "PID");
    insta::assert_snapshot!(refused.replace("): ", "):\n"), @"
    the store in DIR is open in another process (number PID):
    stop that one first, or name another directory
    ");

    let mut child = spawn("store_sled::child_that_opens", &directory);
    let told = lines(&mut child).find(|line| line.starts_with("refused "));
    assert!(told.is_some_and(|line| line.contains("is open in another process")));
    assert!(child.wait().expect("it ends").success());
    drop(store);
    assert!(open_again(&options(&directory)).is_ok());
}

/// The threads of a sled that was closed may let go of its file only after its store is gone.
#[test]
fn what_still_holds_the_data_is_waited_for_and_then_told() {
    let (_above, directory) = place();
    drop(open(&directory));
    let data = fs::File::open(directory.join("db")).expect("it is there");
    data.lock().expect("the store was closed");
    let refused = SledStore::open(&options(&directory)).expect_err("it waits for seconds only");
    assert!(refused.to_string().contains("is open in another process (number unknown)"));
    let closing = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        drop(data);
    });
    assert!(SledStore::open(&options(&directory)).is_ok());
    closing.join().expect("it ends");
}

#[test]
fn a_store_stays_with_its_clock() {
    let (_above, directory) = place();
    let simulated = Options { simulated_clock: true, ..options(&directory) };
    drop(SledStore::open(&simulated).expect("a fresh directory"));
    assert!(refusal(&directory).contains("was made with a simulated clock"));
    assert!(open_again(&simulated).is_ok(), "a refusal changes nothing");

    let (_above, directory) = place();
    drop(open(&directory));
    let simulated = Options { simulated_clock: true, ..options(&directory) };
    let error = open_again(&simulated).expect_err("it must not open");
    assert!(matches!(error, OpenError::OtherClock { simulated: false, .. }), "{error}");
}

#[test]
fn directories_of_others_are_refused_and_left_alone() {
    let (above, directory) = place();
    fs::create_dir(&directory).expect("writable");
    fs::write(directory.join("notes.txt"), "mine").expect("writable");
    assert!(refusal(&directory).starts_with("DIR holds `notes.txt` and no store"));
    assert_eq!(fs::read_dir(&directory).expect("readable").count(), 1);

    let file = above.path().join("file");
    fs::write(&file, "mine").expect("writable");
    assert_eq!(refusal(&file), "DIR is not a directory: name a directory for the store");

    let foreign = above.path().join("foreign");
    let raw = sled::open(&foreign).expect("a sled");
    raw.insert("theirs", "something").expect("writable");
    drop(raw);
    assert!(refusal(&foreign).starts_with("DIR holds the data of another program and no store"));
}

#[test]
fn an_unfinished_snapshot_is_survived() {
    let (_above, directory) = place();
    let store = open(&directory);
    fill(&store);
    let before = picture(&store).expect("readable");
    drop(store);
    let leftover = directory.join("snap.0000000000080000.generating");
    fs::write(&leftover, "half").expect("writable");
    assert_eq!(picture(&open(&directory)).expect("readable"), before);
    assert!(!leftover.exists());
}

#[test]
fn values_outside_the_log_are_refused() {
    let (_above, directory) = place();
    drop(open(&directory));
    fs::write(directory.join("blobs").join("17"), "large").expect("writable");
    assert!(refusal(&directory).starts_with("DIR/blobs holds 1 files"));
}

/// Readers meet a writer that makes values of several chunks longer and shorter.
#[test]
fn readers_never_see_half_a_write() {
    let (_above, directory) = place();
    let store = open(&directory);
    let mut written = project("p-1");
    let sized = |project: &mut Instance| {
        let length = usize::try_from(project.version % 5).expect("small") * 3_000;
        let text = Value::Text("x".repeat(length).into());
        std::sync::Arc::make_mut(&mut project.fields).insert(FieldId::trusted("summary"), text);
        std::sync::Arc::make_mut(&mut project.fields).insert(
            FieldId::trusted("length"),
            Value::Integer(i64::try_from(length).expect("small")),
        );
    };
    sized(&mut written);
    write_next(&store, &mut written, 1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::SeqCst) {
                    last = read_once(&store, last);
                }
            });
        }
        for _ in 0..150 {
            sized(&mut written);
            let write = advance(&store, &mut written, 1);
            let content = vec![1; 1 + usize::try_from(written.version % 7).expect("small") * 2_500];
            let documents = vec![document("d", Some(&content))];
            let batch = Batch { writes: vec![write], documents, clock: None };
            store.commit(batch).expect("nobody else writes");
        }
        done.store(true, Ordering::SeqCst);
    });
    assert_eq!(read_once(&store, 0), 151);
}

fn read_once(store: &SledStore, last: u64) -> u64 {
    let stored = store.load(&id("p-1")).expect("readable").expect("written");
    let body = stored.body.expect("every record has one");
    let (text, length) = (&body.fields["summary"], &body.fields["length"]);
    let (Value::Text(text), Value::Integer(length)) = (text, length) else { panic!("{body:?}") };
    assert_eq!(i64::try_from(text.len()), Ok(*length));
    assert!(body.version >= last, "time never runs back");
    if let Some(content) = store.document("d").expect("readable") {
        assert!(content.iter().all(|byte| *byte == 1));
    }
    let newest = store.history(&body.id, None, 1).expect("readable");
    assert!(newest[0].record.stamp.as_ref().is_some_and(|stamp| stamp.version >= body.version));
    body.version
}

/// Ten rounds: a process writes and tells what was answered, and is killed in the middle. What it
/// told is there, numbers are dense, chains are whole.
#[test]
fn what_was_answered_survives_a_kill() {
    let (_above, directory) = place();
    let mut seeded = Seeded::new(17);
    let mut answered = vec![0_u64; CHILD_PROJECTS];
    for round in 0..10 {
        let mut child = spawn("store_sled::child_that_writes", &directory);
        let enough = 1 + seeded.below(60);
        let told = |line: String| Some(line.strip_prefix("ack ")?.to_owned());
        for line in lines(&mut child).filter_map(told).take(enough) {
            let (number, version) = line.split_once(' ').expect("two numbers");
            let number: usize = number.parse().expect("a number");
            answered[number] = version.parse().expect("a number");
        }
        child.kill().expect("it is our child");
        child.wait().expect("it ends");

        let store = open(&directory);
        let verified = store.verify().unwrap_or_else(|error| panic!("round {round}: {error}"));
        for (number, version) in answered.iter().enumerate().filter(|(_, version)| **version > 0) {
            let stored = store.load(&id(&format!("p-{number}"))).expect("readable");
            let stored = stored.unwrap_or_else(|| panic!("round {round}: p-{number} is lost"));
            let body = stored.body.map_or(0, |body| body.version);
            let newest = body + stored.tail.len() as u64;
            assert!(newest >= *version, "round {round}: p-{number} is at {newest}, not {version}");
        }
        assert!(verified.records >= answered.iter().sum::<u64>(), "round {round}");
    }
    assert!(answered.iter().sum::<u64>() > 20, "{answered:?}");
}

/// The same while it opens, again and again.
#[test]
fn a_kill_while_opening_is_survived() {
    let (_above, directory) = place();
    let store = open(&directory);
    fill(&store);
    let before = picture(&store).expect("readable");
    drop(store);
    let mut seeded = Seeded::new(23);
    for round in 0..8 {
        let mut child = spawn("store_sled::child_that_opens", &directory);
        let enough = 1 + seeded.below(3);
        let openings = lines(&mut child).filter(|line| line.starts_with("opening")).take(enough);
        assert_eq!(openings.count(), enough, "round {round}");
        for _ in 0..seeded.below(2_000) {
            std::hint::spin_loop();
        }
        child.kill().expect("it is our child");
        child.wait().expect("it ends");
    }
    let store = open(&directory);
    store.verify().expect("it holds together");
    assert_eq!(picture(&store).expect("readable"), before);
}

const CHILD_PROJECTS: usize = 7;

/// Runs one test of this program in a process of its own, with a store to work on.
fn spawn(test: &str, directory: &Path) -> Child {
    let program = std::env::current_exe().expect("this program has a file");
    Command::new(program)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this program can be started once more")
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> {
    let output = child.stdout.as_mut().expect("it is piped");
    BufReader::new(output).lines().map_while(Result::ok)
}

/// The child of a test that kills it; without a parent there is nothing to write.
#[test]
fn child_that_writes() {
    let Some(directory) = std::env::var_os(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "it runs for another test");
        return;
    };
    let store = open(Path::new(&directory));
    let mut projects: Vec<Instance> = (0..CHILD_PROJECTS)
        .map(|number| {
            let name = format!("p-{number}");
            match store.header(&id(&name)).expect("readable") {
                Some(header) => Instance {
                    version: header.version,
                    revision: header.revision,
                    ..project(&name)
                },
                None => project(&name),
            }
        })
        .collect();
    println!();
    loop {
        for (number, project) in projects.iter_mut().enumerate() {
            let length = usize::try_from(project.version % 4).expect("small") * 2_000;
            let text = Value::Text("x".repeat(length).into());
            std::sync::Arc::make_mut(&mut project.fields).insert(FieldId::trusted("summary"), text);
            let mut writes = vec![advance(&store, project, 2)];
            if number % 2 == 0 {
                writes.push(advance_without_body(&store, project, 1));
            }
            let version = project.version;
            commit(&store, writes).expect("nobody else writes");
            println!("ack {number} {version}");
        }
    }
}

/// The child of a test that kills it, or that holds the store itself.
#[test]
fn child_that_opens() {
    let Some(directory) = std::env::var_os(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "it runs for another test");
        return;
    };
    println!();
    loop {
        println!("opening");
        match SledStore::open(&options(Path::new(&directory))) {
            Ok(store) => {
                let mut extra = project("extra");
                extra.version =
                    store.header(&extra.id).expect("readable").map_or(0, |it| it.version);
                assert_eq!(store.last_seqs().expect("readable").len(), usize::from(PARTITIONS));
                assert!(store.events_after(store.partition_of(&extra.id), Seq(0), 1).is_ok());
            }
            Err(error) => {
                println!("refused {error}");
                return;
            }
        }
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        if entry.file_type().expect("readable").is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("writable");
        }
    }
}
