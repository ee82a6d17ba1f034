//! The machine's clock under the real server: it is set back, it jumps ahead, the machine boots ten
//! years later. No answer's time goes back, no timer fires early or twice, nothing that is due is
//! left out, and after a long jump an operator is asked first.

mod machine;

use std::sync::Arc;
use std::time::Duration;

use sanbang::api::pb;
use sanbang::api::pb::admin_service_client::AdminServiceClient;
use tokio::task::JoinSet;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::api_fixture::by;
use super::crash::checker::Checker;
use super::crash::connect;
use super::crash::journal::{Journal, Sent, Told, What};
use super::crash::wire::{at, send};
use super::program::Server;
use machine::{Machine, milliseconds};

const START: &str = "2026-03-02T09:00:00Z";
const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Nothing is measured: a test that waits in vain fails instead of hanging.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// Sends one thing, written down in the journal; what was told.
async fn ask(channel: &Channel, journal: &Journal, instance: &str, what: What) -> Told {
    let id = if what == What::Look { String::new() } else { journal.new_id() };
    let sent = Sent { id, instance: instance.to_owned(), what };
    let at = journal.begin(sent.clone());
    let told = send(channel, &sent).await;
    journal.end(at, told.clone());
    told
}

/// Sends one command that must be accepted.
async fn command(channel: &Channel, journal: &Journal, instance: &str, what: What) {
    let told = ask(channel, journal, instance, what).await;
    assert!(matches!(told, Told::Accepted { .. }), "{told:?}");
}

async fn info(channel: &Channel) -> pb::AdminServiceInfoResponse {
    let request = by("chief", pb::AdminServiceInfoRequest {});
    AdminServiceClient::new(channel.clone()).info(request).await.unwrap().into_inner()
}

async fn wait_until(channel: &Channel, holds: impl Fn(&pb::AdminServiceInfoResponse) -> bool) {
    let waiting = async {
        while !holds(&info(channel).await) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WAIT_MAX, waiting).await.expect("the timers get there");
}

/// Waits until nothing is due any more by the server's clock.
async fn wait_for_timers(channel: &Channel) {
    let is_settled = |info: &pb::AdminServiceInfoResponse| {
        info.next_due.is_none() || at(info.next_due.as_ref()) >= at(info.now.as_ref())
    };
    wait_until(channel, is_settled).await;
}

/// Tells the checker that everything due until now has happened, and has everything judged.
async fn check_settled(channel: &Channel, checker: &mut Checker) {
    let now = at(info(channel).await.now.as_ref());
    wait_for_timers(channel).await;
    let sent =
        Sent { id: String::new(), instance: String::new(), what: What::MoveClock { to: now } };
    let at = checker.journal.begin(sent);
    checker.journal.end(at, Told::Clock(now));
    checker.check(channel).await;
}

async fn health(channel: &Channel) -> ServingStatus {
    let request = HealthCheckRequest { service: String::new() };
    let response = HealthClient::new(channel.clone()).check(request).await.unwrap();
    response.into_inner().status()
}

fn due(info: &pb::AdminServiceInfoResponse) -> i64 {
    at(info.next_due.as_ref())
}

/// When something happens to an instance next.
async fn due_of(channel: &Channel, journal: &Journal, instance: &str) -> i64 {
    match ask(channel, journal, instance, What::Look).await {
        Told::Shown(Some(shown)) => at(shown.next_due.as_ref()),
        told => panic!("{told:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_back_neither_turns_back_an_instance_nor_fires_early_or_twice() {
    let start = milliseconds(START);
    let machine = Machine::at(START);
    let server = machine.start(&[]);
    let channel = connect(&server).await;
    let mut checker = Checker::default();
    let journal = Arc::clone(&checker.journal);
    command(&channel, &journal, "e-1", What::Create).await;
    machine.set(start + 29 * HOUR_MS);
    command(&channel, &journal, "e-1", What::Comment).await;
    let first_due = due_of(&channel, &journal, "e-1").await;

    // Back by a day: the instance keeps its time, its limit its instant.
    machine.set(start + 5 * HOUR_MS);
    command(&channel, &journal, "e-1", What::Comment).await;
    command(&channel, &journal, "e-2", What::Create).await;
    assert_eq!(due_of(&channel, &journal, "e-1").await, first_due);
    checker.check(&channel).await;
    assert_eq!(checker.events_of("clock.breached"), 0);

    // Up to the limit of the first task, and back again: it has fired, once and for all.
    machine.set(first_due + MINUTE_MS);
    wait_until(&channel, |info| due(info) > first_due).await;
    machine.set(start + 7 * HOUR_MS);
    command(&channel, &journal, "e-1", What::Comment).await;
    command(&channel, &journal, "e-2", What::SetTopic { expected: None }).await;
    checker.check(&channel).await;
    assert_eq!(checker.events_of("clock.breached"), 1);

    // Over all limits, twice.
    machine.set(start + 4 * DAY_MS);
    wait_for_timers(&channel).await;
    machine.set(start + 3 * DAY_MS);
    command(&channel, &journal, "e-1", What::Comment).await;
    machine.set(start + 5 * DAY_MS);
    command(&channel, &journal, "e-2", What::Comment).await;
    check_settled(&channel, &mut checker).await;
    assert_eq!(checker.events_of("clock.breached"), 4);
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_days_ahead_fires_everything_once_in_due_order_beside_requests() {
    const BATCHES: i64 = 12;
    const BATCH: usize = 50;
    let start = milliseconds(START);
    let machine = Machine::at(START);
    let server = machine.start(&[]);
    let channel = connect(&server).await;
    let mut checker = Checker::default();
    for batch in 0..BATCHES {
        machine.set(start + batch * 10 * MINUTE_MS);
        let mut creations = JoinSet::new();
        for at in 0..BATCH {
            let (channel, journal) = (channel.clone(), Arc::clone(&checker.journal));
            let name = format!("e-{batch}-{at}");
            creations.spawn(async move { command(&channel, &journal, &name, What::Create).await });
        }
        while let Some(created) = creations.join_next().await {
            created.unwrap();
        }
    }
    machine.set(start + 5 * DAY_MS);
    let journal = Arc::clone(&checker.journal);
    command(&channel, &journal, "late", What::Create).await;
    let mut comments = 0;
    while due(&info(&channel).await) < start + 5 * DAY_MS || comments == 0 {
        command(&channel, &journal, "late", What::Comment).await;
        comments += 1;
    }
    check_settled(&channel, &mut checker).await;
    let all = usize::try_from(BATCHES).unwrap() * BATCH;
    assert_eq!(checker.events_of("clock.breached"), 2 * all);
    first_firings_are_in_due_order(&checker);
    assert_eq!(server.stop(), Some(0));
}

/// In each partition, instances fired in the order in which they had fallen due.
fn first_firings_are_in_due_order(checker: &Checker) {
    let mut firsts: Vec<(u32, u64, i64)> = checker
        .stories()
        .filter_map(|events| events.iter().find(|event| event.due_time.is_some()))
        .map(|event| (event.partition, event.seq, at(event.due_time.as_ref())))
        .collect();
    firsts.sort_unstable();
    for pair in firsts.windows(2) {
        let [(partition, _, due), (next_partition, next_seq, next_due)] = pair else { continue };
        let in_order = partition != next_partition || due <= next_due;
        assert!(in_order, "partition {partition}: event {next_seq} was due before the one before");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_boots_in_2036_is_asked_about_before_anything_happens() {
    let machine = Machine::at(START);
    let mut server = machine.start(&[]);
    let channel = connect(&server).await;
    let mut checker = Checker::default();
    let journal = Arc::clone(&checker.journal);
    for name in ["e-1", "e-2", "e-3"] {
        command(&channel, &journal, name, What::Create).await;
    }
    let first_due = due_of(&channel, &journal, "e-1").await;
    server.kill();

    // Ten years later: reads are answered, nothing else, however often it is started.
    let later = milliseconds("2036-03-03T09:00:00Z");
    machine.set(later);
    for _ in 0..2 {
        let server = machine.start(&[]);
        let channel = connect(&server).await;
        let told = info(&channel).await;
        assert!(!told.accepts_commands);
        assert!(told.warnings[0].contains("--catch-up"), "{:?}", told.warnings);
        assert_eq!(health(&channel).await, ServingStatus::NotServing);
        assert_eq!(due_of(&channel, &journal, "e-1").await, first_due);
        let refused = send(&channel, &sent("e-1", What::Comment)).await;
        assert!(is_refused(&refused, "CLOCK_JUMPED"), "{refused:?}");
        checker.check(&channel).await;
        assert_eq!(checker.events_of("clock.breached"), 0);
        assert!(server.log().contains("the clock jumped"), "{}", server.log());
        assert_eq!(server.stop(), Some(0));
    }

    // An operator says that the clock is right: what fell due happens, once.
    let mut server = machine.start(&["--catch-up"]);
    let channel = connect(&server).await;
    wait_for_timers(&channel).await;
    assert_eq!(health(&channel).await, ServingStatus::Serving);
    command(&channel, &journal, "e-1", What::Comment).await;
    command(&channel, &journal, "e-4", What::Create).await;
    checker.check(&channel).await;
    assert_eq!(checker.events_of("clock.breached"), 6);
    let warnings = info(&channel).await.warnings;
    let ended = "calendar `plain` is published until 2027-12-31";
    assert!(warnings.iter().any(|warning| warning.starts_with(ended)), "{warnings:?}");
    server.kill();

    // From then on it goes on by itself.
    machine.set(later + 10 * DAY_MS);
    let server = machine.start(&[]);
    let channel = connect(&server).await;
    command(&channel, &journal, "e-2", What::Comment).await;
    check_settled(&channel, &mut checker).await;
    assert_eq!(checker.events_of("clock.breached"), 8);
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_idles_for_weeks_remembers_what_time_it_is() {
    let start = milliseconds(START);
    let machine = Machine::at(START);
    let mut server = machine.start(&[]);
    let channel = connect(&server).await;
    let commits = |info: &pb::AdminServiceInfoResponse| {
        info.statistics.as_ref().map_or(0, |statistics| statistics.commits)
    };
    let before = commits(&info(&channel).await);
    machine.set(start + 20 * DAY_MS);
    wait_until(&channel, |info| commits(info) > before).await;
    server.kill();

    // Forty days after the last command, and twenty after the last reading.
    machine.set(start + 40 * DAY_MS);
    let server = machine.start(&[]);
    let channel = connect(&server).await;
    assert!(info(&channel).await.accepts_commands);
    command(&channel, &Journal::default(), "e-1", What::Create).await;
    assert_eq!(server.stop(), Some(0));
}

fn sent(instance: &str, what: What) -> Sent {
    Sent { id: "refused".to_owned(), instance: instance.to_owned(), what }
}

fn is_refused(told: &Told, code: &str) -> bool {
    matches!(told, Told::Refused { reason, .. } if reason == code)
}

/// What listens without `--catch-up` is the server of a machine that was off for less than a month.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_was_off_for_less_than_thirty_days_goes_on() {
    let start = milliseconds(START);
    let machine = Machine::at(START);
    let mut server: Server = machine.start(&[]);
    let mut checker = Checker::default();
    let journal = Arc::clone(&checker.journal);
    command(&connect(&server).await, &journal, "e-1", What::Create).await;
    server.kill();
    machine.set(start + 30 * DAY_MS - HOUR_MS);
    let server = machine.start(&[]);
    let channel = connect(&server).await;
    command(&channel, &journal, "e-1", What::Comment).await;
    check_settled(&channel, &mut checker).await;
    assert_eq!(checker.events_of("clock.breached"), 2);
    assert_eq!(server.stop(), Some(0));
}
