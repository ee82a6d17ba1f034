//! Power cuts under load, while the server opens and while it makes its store. The checker of the
//! crashes judges what is left.
//!
//! `SANBANG_POWER_ROUNDS=100` runs the long form, `SANBANG_POWER_SEED=…` another one; threads and
//! processes run as they like.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::super::crash::checker::Checker;
use super::super::crash::workload::{Load, Patience, repeat_unanswered};
use super::super::crash::{connect, killer, load_files};
use super::super::program::{Place, Server, sanbang, told};
use super::super::random::{Random, Seed, number_from_environment};
use super::super::store_sled::open;
use super::journal::Keep;
use super::layer::Layer;

/// Tells a test that it is the child, and where it makes a store.
const CHILD: &str = "SANBANG_TEST_NEW_STORE";
const ROUNDS: u64 = 6;
const CLOCK: &str = "simulated@2025-01-06T09:00:00+08:00";
/// Changes and syncs of an opening, and some more: then it listens.
const MOMENTS_MAX: u64 = 70;
/// No opening takes so long.
const OPENING_MAX: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_lose_nothing_that_was_answered() {
    let seed = Seed::from_environment("SANBANG_POWER_SEED", 1);
    let rounds = number_from_environment("SANBANG_POWER_ROUNDS").unwrap_or(ROUNDS);
    let (layer, files) = (Layer::new(), load_files());
    let (mut random, mut checker) = (seed.random(), Checker::default());
    for number in 0..rounds {
        for _ in 0..random.below(3) {
            cut_while_opening(&layer, &files, &mut random);
        }
        let mut server = Server::start_with(place(&layer, &files), &layer.environment());
        let channel = connect(&server).await;
        repeat_unanswered(&channel, &checker.journal).await;
        checker.check(&channel).await;
        let load =
            Load::begin(&channel, &checker.journal, Patience::UntilLost, number, &mut random);
        killer::kill_under_load(&mut server, load, &mut random).await;
        let cut = cut(&layer, &mut random);
        if rounds > ROUNDS {
            tell(number, &checker, &cut);
        }
    }
    let server = Server::start_with(place(&layer, &files), &layer.environment());
    let channel = connect(&server).await;
    repeat_unanswered(&channel, &checker.journal).await;
    checker.check_from_the_beginning(&channel).await;
    assert!(checker.events() as u64 > rounds * 20, "only {} events", checker.events());
    assert_eq!(server.stop(), Some(0));
}

/// A store that was never finished holds nothing: it is finished, or made anew.
#[test]
fn a_power_cut_while_the_store_is_made_leaves_a_place_for_one() {
    let seed = Seed::from_environment("SANBANG_POWER_SEED", 1);
    let rounds = number_from_environment("SANBANG_POWER_ROUNDS").unwrap_or(ROUNDS);
    let (mut random, files) = (seed.random(), load_files());
    for _ in 0..rounds {
        let layer = Layer::new();
        cut_while_opening(&layer, &files, &mut random);
        let server = Server::start_with(place(&layer, &files), &layer.environment());
        assert_eq!(server.stop(), Some(0));
    }
}

/// A store is found after a power cut by the names of all directories above it.
#[test]
fn every_directory_that_was_made_for_a_store_is_kept() {
    let layer = Layer::new();
    let at = |name: &str| layer.disk().join(name);
    let (made, backup, restored) = (at("a/b/data"), at("day.sanbang"), at("c/d/restored"));
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["power::cuts::child_that_makes_a_store", "--exact", "--test-threads=1"])
        .env(CHILD, &made)
        .envs(layer.environment())
        .output()
        .unwrap();
    assert!(child.status.code().is_none(), "it ends without warning: {}", told(&child));
    layer.lose_power(Keep::Nothing);
    run(sanbang().args(["verify", "--data"]).arg(&made));

    run(sanbang().args(["backup", "--to"]).arg(&backup).arg("--data").arg(&made));
    let mut restore = sanbang();
    restore.envs(layer.environment()).arg("restore").arg(&backup).arg("--data").arg(&restored);
    run(&mut restore);
    layer.lose_power(Keep::Nothing);
    run(sanbang().args(["verify", "--data"]).arg(&restored));
}

/// Without a parent there is nothing to make.
#[test]
fn child_that_makes_a_store() {
    let Some(directory) = std::env::var_os(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "it runs for another test");
        return;
    };
    let store = open(Path::new(&directory));
    std::mem::forget(store);
    std::process::abort();
}

/// The store is the old or the compacted one, and a restore that was cut off begins again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_while_a_store_is_compacted_or_restored_cost_nothing() {
    let seed = Seed::from_environment("SANBANG_POWER_SEED", 1);
    let rounds = number_from_environment("SANBANG_POWER_ROUNDS").unwrap_or(ROUNDS) / 2;
    let (layer, files) = (Layer::new(), load_files());
    let (mut random, mut checker) = (seed.random(), Checker::default());
    let restored = layer.disk().join("restored");
    for number in 0..rounds {
        let server = Server::start_with(place(&layer, &files), &layer.environment());
        let channel = connect(&server).await;
        checker.check_from_the_beginning(&channel).await;
        let load =
            Load::begin(&channel, &checker.journal, Patience::UntilLost, number, &mut random);
        load.wait_for_answers(20).await;
        load.end().await;
        assert_eq!(server.stop(), Some(0));
        cut_during(&layer, &mut random, &["compact", "--data"], layer.data());

        let backup = layer.disk().join(format!("{number}.sanbang"));
        let backup = backup.to_str().expect("a name in letters");
        let data = layer.data().to_str().expect("a name in letters");
        run(sanbang().args(["backup", "--to", backup, "--data", data]));
        cut_during(&layer, &mut random, &["restore", backup, "--data"], &restored);
        // It was not begun, not finished, or is whole.
        if run_again(&restored) {
            run(sanbang().args(["restore", backup, "--data"]).arg(&restored));
        }
        run(sanbang().args(["verify", "--data"]).arg(&restored));
        std::fs::remove_dir_all(&restored).unwrap();
    }
}

/// sled reuses parts of its log whose content a snapshot vouches for: one without the other may
/// read as nothing at all.
#[test]
fn a_power_cut_while_a_store_is_compacted_leaves_no_data_without_its_snapshot() {
    let seed = Seed::from_environment("SANBANG_POWER_SEED", 1);
    let rounds = number_from_environment("SANBANG_POWER_ROUNDS").unwrap_or(ROUNDS);
    let (mut random, files, layer) = (seed.random(), load_files(), Layer::new());
    let server = Server::start_with(place(&layer, &files), &layer.environment());
    assert_eq!(server.stop(), Some(0));
    run(sanbang().args(["verify", "--data"]).arg(layer.data()));
    let mut cut = 0;
    for _ in 0..5 * rounds {
        assert!(has_snapshot(layer.data()));
        cut += u64::from(cut_during(&layer, &mut random, &["compact", "--data"], layer.data()));
        let compacting = layer.data().join("sanbang.compacting");
        let is_decided = compacting.join("sanbang.compacted").exists();
        assert!(is_decided || has_snapshot(layer.data()));
        run(sanbang().args(["verify", "--data"]).arg(layer.data()));
        assert!(!compacting.exists(), "opening brings it to its end");
    }
    assert!(cut > rounds, "only {cut} of them were cut off");
}

fn has_snapshot(data: &Path) -> bool {
    let entries = std::fs::read_dir(data).unwrap().map(Result::unwrap);
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("snap."))
}

/// Whether a restore into the directory has to begin again.
fn run_again(restored: &Path) -> bool {
    restored.join("sanbang.restoring").exists() || !restored.join("db").exists()
}

fn run(verb: &mut Command) {
    let output = verb.output().unwrap();
    assert!(output.status.success(), "{verb:?}: {}", told(&output));
}

/// The power goes at one of the changes and syncs of a verb; says whether it came to that.
fn cut_during(layer: &Layer, random: &mut Random, verb: &[&str], data: &Path) -> bool {
    let moment = (1 + random.below(2 * MOMENTS_MAX)).to_string();
    let mut command = sanbang();
    command.envs(layer.environment()).env("FORGETFUL_DIE_AT", moment).args(verb).arg(data);
    let output = command.output().unwrap();
    let is_killed = output.status.code().is_none();
    assert!(is_killed || output.status.success(), "{}", told(&output));
    // Always: what follows is done without the layer, and its journal would be a wrong one.
    layer.lose_power(some_keep(random));
    is_killed
}

/// The test of the test: without its `fdatasync`, the same server loses what it answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_sync_is_caught() {
    let (layer, files) = (Layer::new(), load_files());
    let (mut random, mut checker) = (Random::new(1), Checker::default());
    let sound = Server::start_with(place(&layer, &files), &layer.environment());
    checker.check(&connect(&sound).await).await;
    assert_eq!(sound.stop(), Some(0));

    let mut environment = layer.environment();
    environment.push(("FORGETFUL_WITHOUT", "fdatasync".into()));
    let mut server = Server::start_with(place(&layer, &files), &environment);
    let channel = connect(&server).await;
    let load = Load::begin(&channel, &checker.journal, Patience::UntilLost, 1, &mut random);
    load.wait_for_answers(20).await;
    server.kill();
    load.end().await;
    assert_ne!(layer.lose_power(Keep::Names).writes, 0);

    let server = Server::start_with(place(&layer, &files), &layer.environment());
    let channel = connect(&server).await;
    let checked = tokio::spawn(async move { checker.check(&channel).await }).await;
    let caught = checked.expect_err("it was answered and is lost").into_panic();
    let told = caught.downcast_ref::<String>().expect("the checker's words");
    assert!(told.contains("problems:"), "{told}");
}

fn place<'a>(layer: &'a Layer, files: &'a Path) -> Place<'a> {
    Place { data: layer.data(), config: Some(files), clock: CLOCK }
}

/// The power goes at one of the changes and syncs with which the server opens.
fn cut_while_opening(layer: &Layer, files: &Path, random: &mut Random) {
    let mut environment = layer.environment();
    let moment = (1 + random.below(MOMENTS_MAX)).to_string();
    environment.push(("FORGETFUL_DIE_AT", OsString::from(moment)));
    let (mut server, announced) = Server::start_unawaited_with(place(layer, files), &environment);
    // It dies, or it has opened before that and is killed while it listens.
    let ended = announced.recv_timeout(OPENING_MAX);
    assert_ne!(ended, Err(std::sync::mpsc::RecvTimeoutError::Timeout), "{}", server.log());
    server.kill();
    cut(layer, random);
}

/// Loses power in one of several ways, or only goes on after the kill.
fn cut(layer: &Layer, random: &mut Random) -> String {
    if random.below(6) == 0 {
        layer.only_killed();
        return "only killed".to_owned();
    }
    let keep = some_keep(random);
    format!("{keep:?}, {:?}", layer.lose_power(keep))
}

fn some_keep(random: &mut Random) -> Keep {
    let kind = random.below(6);
    let (seed, percent) = (random.next(), 10 + random.below(80));
    match kind {
        0 => Keep::Nothing,
        1 => Keep::Names,
        2 => Keep::Contents,
        3 => Keep::Scattered { seed, percent },
        _ => Keep::Some { seed, percent },
    }
}

#[expect(clippy::print_stdout, reason = "the long form tells how far it is")]
fn tell(number: u64, checker: &Checker, cut: &str) {
    let (answers, events) = (checker.journal.read(<[_]>::len), checker.events());
    println!("round {number}: {answers} sent, {events} events, {cut}");
}
