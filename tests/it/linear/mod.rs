//! Concurrent histories: real clients on real sockets ask for the same instances at once, while
//! writes fail, are not acknowledged, meet others first and take their time. Whatever they were
//! told must fit into one order per instance that never contradicts real time. A request that was
//! not answered may have happened, at any later time, or never.
//!
//! `SANBANG_LINEAR_ROUNDS=50` runs the long form, `SANBANG_LINEAR_SEED=…` another one; the seed
//! decides wishes and faults, threads run as they like.

mod errand;
mod search;

use std::collections::BTreeMap;
use std::sync::Arc;

use sanbang::api::pb;
use sanbang::definition::sources::Sources;
use sanbang::store::Store;

use super::api_fixture::{Server, fields, text};
use super::crash::journal::{Entry, Journal, Sent, Told, What};
use super::crash::load_files;
use super::crash::workload::{Load, Patience};
use super::random::{Random, Seed, number_from_environment};
use super::runtime_fixture::{Fault, FaultyStore, Home};
use errand::{Errand, operation};
use search::{Refused, linearize};

const ROUNDS: u64 = 3;
const ANSWERS_PER_ROUND: u64 = 250;
/// Writes whose faults are drawn ahead.
const WRITES: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_concurrent_clients_are_told_fits_into_one_order_per_instance() {
    let seed = Seed::from_environment("SANBANG_LINEAR_SEED", 1);
    let rounds = number_from_environment("SANBANG_LINEAR_ROUNDS").unwrap_or(ROUNDS);
    let mut random = seed.random();
    for home in Home::all() {
        let faulty = FaultyStore::over(&home.open());
        let store: Arc<dyn Store> = faulty.clone();
        let (sources, _) = Sources::read_dir(&load_files()).unwrap();
        let server = Server::start_on(store, sources).await;
        let journal = Arc::new(Journal::default());
        let plan: Vec<Fault> = (0..WRITES).map(|_| fault(&mut random)).collect();
        faulty.plan(plan);
        for number in 0..rounds {
            let patience = Patience::ThroughFailures;
            let load = Load::begin(&server.channel, &journal, patience, number, &mut random);
            load.wait_for_answers(ANSWERS_PER_ROUND).await;
            load.end().await;
        }
        let unanswered = journal.unanswered().len();
        assert!(faulty.struck() > 10, "only {} writes failed", faulty.struck());
        assert!(unanswered > 0, "everything was answered: nothing was uncertain");
        journal.read(check);
        assert_eq!(journal.contradictions(), [] as [String; 0]);
        faulty.forget_plan();
        server.stop().await;
    }
}

fn fault(random: &mut Random) -> Fault {
    match random.below(40) {
        0 | 1 => Fault::Unavailable,
        2 | 3 => Fault::LostAcknowledgement,
        4..8 => Fault::Conflict,
        8..16 => Fault::Slow,
        _ => Fault::None,
    }
}

/// Fails unless what was told of each instance fits into one order.
pub(crate) fn check(entries: &[Entry]) {
    let mut by_instance: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.sent.instance.is_empty()) {
        by_instance.entry(&entry.sent.instance).or_default().extend(operation(entry));
    }
    for (instance, history) in by_instance {
        if let Err(refused) = linearize(&Errand, &history) {
            panic!("what `{instance}` told: {refused}");
        }
    }
}

/// A history by hand: request id, what, first and last moment, what was told.
fn judge(history: Vec<(&str, What, u64, u64, Told)>) -> Result<Vec<usize>, Refused> {
    let operations = history.into_iter().filter_map(|(id, what, began, ended, told)| {
        let sent = Sent { id: id.to_owned(), instance: "e-1".to_owned(), what };
        operation(&Entry { sent, began, ended, told })
    });
    linearize(&Errand, &operations.collect::<Vec<_>>())
}

fn accepted(revision: u64) -> Told {
    Told::Accepted { revision, kinds: Vec::new() }
}

fn refused(reason: &str, actual: Option<u64>) -> Told {
    Told::Refused { reason: reason.to_owned(), actual }
}

fn shown(revision: u64, topic: &str) -> Told {
    let fields = Some(fields(&[("topic", text(topic))]));
    Told::Shown(Some(Box::new(pb::Instance { revision, fields, ..Default::default() })))
}

fn at(expected: u64) -> What {
    What::SetTopic { expected: Some(expected) }
}

#[test]
fn histories_with_an_order_are_accepted() {
    use What::{Comment, Complete, Create, Look};

    let overlapping = vec![
        ("a", Create, 0, 1, accepted(1)),
        ("b", at(1), 2, 9, accepted(2)),
        ("", Look, 3, 4, shown(2, "b")),
        ("", Look, 2, 8, shown(1, "a")),
        ("c", at(1), 3, 7, refused("STALE_REVISION", Some(2))),
        ("d", Complete, 10, 11, accepted(3)),
    ];
    assert_eq!(judge(overlapping).unwrap().len(), 6);
    let unknown_that_happened_late = vec![
        ("a", Create, 0, 1, accepted(1)),
        ("b", at(1), 2, 3, Told::Nothing),
        ("", Look, 4, 5, shown(1, "a")),
        ("", Look, 6, 7, shown(2, "b")),
    ];
    judge(unknown_that_happened_late).unwrap();
    let unknown_that_never_happened = vec![
        ("a", Create, 0, 1, accepted(1)),
        ("b", Comment, 2, 3, Told::Nothing),
        ("c", Comment, 4, 5, accepted(2)),
    ];
    judge(unknown_that_never_happened).unwrap();
}

#[test]
fn a_history_longer_than_a_stack_is_deep_is_judged() {
    let step = |at: u64| ("", What::Look, 2 * at, 2 * at + 1, shown(1, "a"));
    let history = std::iter::once(("a", What::Create, 0, 1, accepted(1)));
    assert_eq!(judge(history.chain((1..6_000).map(step)).collect()).unwrap().len(), 6_000);
}

#[test]
fn broken_histories_are_refused() {
    use What::{Comment, Complete, Create, Look};

    let begun = || ("a", Create, 0, 1, accepted(1));
    let broken = [
        (
            "a stale read",
            vec![begun(), ("b", at(1), 2, 3, accepted(2)), ("", Look, 4, 5, shown(1, "a"))],
        ),
        (
            "a lost write",
            vec![begun(), ("b", at(1), 2, 3, accepted(2)), ("c", at(1), 4, 5, accepted(2))],
        ),
        (
            "two winners",
            vec![begun(), ("b", at(1), 2, 9, accepted(2)), ("c", at(1), 2, 9, accepted(2))],
        ),
        (
            "done twice",
            vec![begun(), ("b", Comment, 2, 3, accepted(2)), ("", Look, 4, 5, shown(3, "a"))],
        ),
        (
            "a refusal that told of what was lost",
            vec![
                begun(),
                ("b", at(7), 2, 3, refused("STALE_REVISION", Some(2))),
                ("", Look, 4, 5, shown(1, "a")),
            ],
        ),
        (
            "a task that nobody has done",
            vec![
                begun(),
                ("b", Complete, 2, 3, refused("TASK_CLOSED", None)),
                ("c", Complete, 4, 5, accepted(2)),
            ],
        ),
        (
            "seen, and then not",
            vec![
                begun(),
                ("b", at(1), 2, 9, Told::Nothing),
                ("", Look, 3, 4, shown(2, "b")),
                ("", Look, 5, 6, shown(1, "a")),
            ],
        ),
        ("gone", vec![begun(), ("", Look, 2, 3, Told::Shown(None))]),
    ];
    for (name, history) in broken {
        let verdict = judge(history);
        assert!(matches!(verdict, Err(Refused::NoOrder { .. })), "{name}: {verdict:?}");
    }
}
