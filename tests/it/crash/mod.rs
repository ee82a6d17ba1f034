//! Kills: the real server under load, killed without warning again and again, also while it opens,
//! compacts and is backed up. A checker outside knows every answer that was given.
//!
//! Nothing answered is lost, nothing is done twice, every number is there, each timer fires once,
//! no answer told of what is not durable, and the store always opens. `SANBANG_CRASH_ROUNDS=300`
//! runs the long form, `SANBANG_CRASH_SEED=…` another one; threads and processes run as they like.

pub(crate) mod checker;
mod copies;
pub(crate) mod journal;
pub(crate) mod killer;
mod refused;
pub(crate) mod timers;
pub(crate) mod verdict;
pub(crate) mod wire;
pub(crate) mod workload;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tonic::transport::{Channel, Endpoint};

use super::linear;
use super::program::{Place, Server};
use super::random::{Random, Seed, number_from_environment};
use checker::Checker;
use copies::{Backup, Promise};
use journal::{Sent, What};
use wire::{clock, send};
use workload::{Load, Patience, repeat_unanswered};

const ROUNDS: u64 = 12;
const CLOCK: &str = "simulated@2025-01-06T09:00:00+08:00";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_under_load_lose_nothing_and_double_nothing() {
    let seed = Seed::from_environment("SANBANG_CRASH_SEED", 1);
    let rounds = number_from_environment("SANBANG_CRASH_ROUNDS").unwrap_or(ROUNDS);
    let directory = tempfile::tempdir().unwrap();
    let (data, config) = (directory.path().join("data"), load_files());
    let place = Place { data: &data, config: Some(&config), clock: CLOCK };
    let (mut random, mut checker) = (seed.random(), Checker::default());
    let (mut tally, mut last_backup) = (Tally::default(), None);
    for number in 0..rounds {
        let taken = round(place, number, &mut random, &mut checker, &mut tally).await;
        let before = taken.and_then(|backup: Promise| last_backup.replace(backup));
        if let Some(before) = before.filter(|_| random.below(8) == 0) {
            tally.restored += 1;
            before.check(place).await;
        }
        if rounds > ROUNDS {
            tell(number, &checker, &tally);
        }
    }
    let server = Server::start(place);
    let channel = connect(&server).await;
    repeat_unanswered(&channel, &checker.journal).await;
    checker.check_from_the_beginning(&channel).await;
    checker.journal.read(linear::check);
    assert!(checker.events() as u64 > rounds * 40, "only {} events", checker.events());
    assert!(checker.events_of("clock.breached") as u64 > rounds, "hardly a timer fired");
    assert_eq!(server.stop(), Some(0));
    assert_directory_is_whole(&data);
    last_backup.expect("a backup was taken").check(place).await;
}

/// What the rounds came to.
#[derive(Debug, Default)]
struct Tally {
    kills_opening: usize,
    kills_compacting: usize,
    kills_in_storms: usize,
    kills_under_load: usize,
    /// Without an answer at a kill, and sent again under the same request id.
    repeated: usize,
    backups: usize,
    restored: usize,
}

/// One life of the server: it opens, answers for what it had answered, is loaded and killed.
/// Perhaps somebody compacts the store before, or has taken a backup meanwhile.
async fn round(
    place: Place<'_>,
    number: u64,
    random: &mut Random,
    checker: &mut Checker,
    tally: &mut Tally,
) -> Option<Promise> {
    if number > 0 && random.below(4) == 0 {
        tally.kills_compacting += 1;
        copies::kill_while_compacting(place.data, random);
    }
    for _ in 0..random.below(3) {
        tally.kills_opening += 1;
        killer::kill_while_opening(place, random);
    }
    let mut server = Server::start(place);
    let channel = connect(&server).await;
    let journal = Arc::clone(&checker.journal);
    tally.repeated += repeat_unanswered(&channel, &journal).await;
    checker.check(&channel).await;
    if random.below(6) == 0 {
        tally.kills_in_storms += 1;
        killer::kill_in_storm(&mut server, &channel, &journal, number, random).await;
        return None;
    }
    let load = Load::begin(&channel, &journal, Patience::UntilLost, number, random);
    let mut backup = None;
    if random.below(3) == 0 {
        let file = place.data.with_extension(format!("backup-{number}"));
        let mut begun = Backup::begin(&server, file, &journal);
        if random.below(2) == 0 {
            assert!(begun.wait(), "a server under load is backed up");
        }
        backup = Some(begun);
    }
    tally.kills_under_load += 1;
    killer::kill_under_load(&mut server, load, random).await;
    let mut backup = backup?;
    let is_whole = backup.wait();
    tally.backups += usize::from(is_whole);
    is_whole.then(|| backup.promise(&journal))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fell_due_while_the_server_was_down_fires_once() {
    let directory = tempfile::tempdir().unwrap();
    let (data, config) = (directory.path().join("data"), load_files());
    let place = Place { data: &data, config: Some(&config), clock: CLOCK };
    let mut checker = Checker::default();
    let mut server = Server::start(place);
    let (id, instance) = (checker.journal.new_id(), "e-1".to_owned());
    ask(&server, &checker, Sent { id, instance, what: What::Create }).await;
    server.kill();

    // The task's limit of 30 hours and the stage's of 48 run out with nobody there to see it.
    let late = Place { clock: "simulated@2025-01-08T12:00:00+08:00", ..place };
    for _ in 0..3 {
        let mut server = Server::start(late);
        let now = clock(&connect(&server).await).await.expect("the server runs");
        let (id, instance) = (String::new(), String::new());
        // Moving the clock waits until everything that is due has happened.
        ask(&server, &checker, Sent { id, instance, what: What::MoveClock { to: now + 1 } }).await;
        checker.check(&connect(&server).await).await;
        assert_eq!(checker.events_of("clock.breached"), 2);
        server.kill();
    }
    assert_directory_is_whole(&data);
}

/// One thing sent and answered.
async fn ask(server: &Server, checker: &Checker, sent: Sent) {
    let at = checker.journal.begin(sent.clone());
    checker.journal.end(at, send(&connect(server).await, &sent).await);
}

#[expect(clippy::print_stdout, reason = "the long form tells how far it is")]
fn tell(number: u64, checker: &Checker, tally: &Tally) {
    let (answers, events) = (checker.journal.read(<[_]>::len), checker.events());
    let breached = checker.events_of("clock.breached");
    println!(
        "round {number}: {answers} sent, {events} events, {breached} limits ran out, {tally:?}"
    );
}

/// The small workflow of the load.
pub(crate) fn load_files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/load")
}

pub(crate) async fn connect(server: &Server) -> Channel {
    Endpoint::from_shared(server.url()).unwrap().connect().await.unwrap()
}

pub(crate) fn assert_directory_is_whole(data: &Path) {
    let names = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().contains("generating")).collect();
    assert!(left.is_empty(), "left behind by a kill: {left:?}");
}
