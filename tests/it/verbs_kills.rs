//! Verbs that are killed without warning, at instants drawn from how long they take: what they read
//! is as good as before, nothing half is taken for a whole, and the same command brings it to its
//! end.
//!
//! Five kills of each by default; `SANBANG_KILLS=200` takes more, `SANBANG_SEED` draws again what a
//! failure has printed.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::program::{Place, Server, sanbang};
use super::random::{Random, Seed, number_from_environment};
use super::verbs::written_store;
use super::verbs_load::{
    CLOCK, Load, all_events, backup, connect, done, ends, on_store, requests_in, restore,
};

/// How often each verb is killed.
fn kills() -> u64 {
    number_from_environment("SANBANG_KILLS").unwrap_or(5)
}

/// Draws instants.
struct Dice {
    random: Random,
    /// Told when the test fails.
    _seed: Seed,
}

impl Dice {
    fn new() -> Self {
        let seed = Seed::from_environment("SANBANG_SEED", u64::from(std::process::id()));
        Self { random: seed.random(), _seed: seed }
    }

    fn moment(&mut self, within: Duration) -> Duration {
        let thousandths = u32::try_from(self.random.below(1_000)).expect("below a thousand");
        within * thousandths / 1_000
    }
}

/// How long a command takes that is let to its end.
fn duration(command: Command) -> Duration {
    let begun = Instant::now();
    done(command);
    begun.elapsed()
}

/// Begins a command and kills it after so long; whether it had ended before.
fn kill_after(mut command: Command, moment: Duration) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program is built");
    let ended = ended_within(&mut child, moment);
    let _ = child.kill();
    child.wait().expect("it is this test's own child");
    ended
}

fn ended_within(child: &mut Child, moment: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < moment {
        if child.try_wait().expect("it is this test's own child").is_some() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// What a store holds, by what a backup of it tells.
fn content(data: &Path, file: &Path) -> (String, String) {
    done(on_store("verify", data));
    let mut verb = backup(data, file);
    verb.args(["--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&done(verb)).unwrap();
    std::fs::remove_file(file).unwrap();
    (told["events"].to_string(), told["records"].to_string())
}

#[test]
fn a_killed_backup_of_a_directory_leaves_no_file_of_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (data, file) = (path("data"), path("file"));
    written_store(&data, 60);
    let before = content(&data, &file);
    let whole = duration(backup(&data, &file));
    std::fs::remove_file(&file).unwrap();
    let mut dice = Dice::new();
    for _ in 0..kills() {
        kill_after(backup(&data, &file), dice.moment(whole));
        if file.exists() {
            assert!(is_whole(&file), "half a backup has the name of a whole one");
            std::fs::remove_file(&file).unwrap();
        }
    }
    done(backup(&data, &file));
    assert!(is_whole(&file));
    assert_eq!(content(&data, &path("again")), before);
}

fn is_whole(file: &Path) -> bool {
    let mut verify = sanbang();
    verify.args(["verify", "--backup"]).arg(file);
    verify.output().unwrap().status.success()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_backup_of_a_server_does_not_disturb_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (data, file) = (path("data"), path("file"));
    let server = Server::start(Place { data: &data, config: None, clock: CLOCK });
    let channel = connect(&server).await;
    let load = Load::begin(&channel, "p", 2);
    load.until(60).await;
    let verb = || {
        let mut verb = server.verb();
        verb.args(["backup", "--actor", "coordinator_1", "--to"]).arg(&file);
        verb
    };
    let whole = tokio::task::block_in_place(|| duration(verb()));
    std::fs::remove_file(&file).unwrap();
    let mut dice = Dice::new();
    for _ in 0..kills() {
        tokio::task::block_in_place(|| kill_after(verb(), dice.moment(whole)));
        if file.exists() {
            assert!(is_whole(&file), "half a backup has the name of a whole one");
            std::fs::remove_file(&file).unwrap();
        }
    }
    // The server notices at the next piece that nobody takes it any more.
    while !tokio::task::block_in_place(|| verb().output().unwrap().status.success()) {}
    assert!(is_whole(&file));
    let sent = load.end().await;
    assert!(requests_in(&all_events(&channel).await).is_superset(&sent));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_killed_restore_is_not_taken_for_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (data, file, restored) = (path("data"), path("file"), path("restored"));
    written_store(&data, 60);
    let before = content(&data, &file);
    done(backup(&data, &file));
    let whole = duration(restore(&file, &restored));
    std::fs::remove_dir_all(&restored).unwrap();
    let mut dice = Dice::new();
    for _ in 0..kills() {
        kill_after(restore(&file, &restored), dice.moment(whole));
        if restored.join("sanbang.restoring").exists() {
            let told = ends(on_store("verify", &restored), 2);
            assert!(told.contains("did not come to its end"), "{told}");
            let mut serve = on_store("serve", &restored);
            serve.args(["--listen", "127.0.0.1:0", "--clock", CLOCK]);
            assert!(ends(serve, 2).contains("did not come to its end"));
        } else if restored.join("db").exists() {
            assert_eq!(content(&restored, &path("again")), before);
            std::fs::remove_dir_all(&restored).unwrap();
        }
    }
    done(restore(&file, &restored));
    assert_eq!(content(&restored, &path("again")), before);
    assert!(is_whole(&file));
}

#[test]
fn a_killed_compaction_leaves_the_store_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let data = path("data");
    written_store(&data, 60);
    let before = content(&data, &path("file"));
    let whole = duration(on_store("compact", &data));
    let mut dice = Dice::new();
    for _ in 0..kills() {
        kill_after(on_store("compact", &data), dice.moment(whole));
        assert_eq!(content(&data, &path("file")), before);
        assert!(!data.join("sanbang.compacting").exists(), "opening cleans up");
    }
    done(on_store("compact", &data));
    assert_eq!(content(&data, &path("file")), before);
    let server = Server::start(Place { data: &data, config: None, clock: CLOCK });
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_killed_verification_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    written_store(&data, 60);
    let before = content(&data, &directory.path().join("file"));
    let whole = duration(on_store("verify", &data));
    let mut dice = Dice::new();
    for _ in 0..kills() {
        kill_after(on_store("verify", &data), dice.moment(whole));
    }
    assert_eq!(content(&data, &directory.path().join("file")), before);
}
