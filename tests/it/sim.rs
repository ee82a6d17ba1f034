//! A seeded simulation of the whole runtime: people command, the clock moves, the store fails, the
//! process stops and starts. Whatever happens, nothing is lost and nothing is done twice.
//!
//! The seed decides who wants what and which write fails how; threads still run as they like. On a
//! failure the seed is printed; `SEED=… cargo test --test it sim` runs it again.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sanbang::engine;
use sanbang::model::command::Command;
use sanbang::model::limits;
use sanbang::runtime::Subscription;
use sanbang::runtime::{AdvanceClockError, FeedEvent, Filter, Handle, Start, SubmitError};
use sanbang::store::Store;

use super::runtime_fixture::*;

const SEEDS: u64 = 6;
const ROUNDS: usize = 60;
const COMMANDS_PER_ROUND: u64 = 12;
const INSTANCES: u64 = 8;

/// A small generator: the same numbers for the same seed, for ever.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Prints the seed when the test fails.
struct Seed(u64);

impl Drop for Seed {
    #[expect(clippy::print_stdout, reason = "this is how the seed is told")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("SEED={}", self.0);
        }
    }
}

/// What the simulation knows must be true.
#[derive(Default)]
struct Model {
    next_request: u64,
    /// Commands by request, and the revision that each was told to have made.
    accepted: BTreeMap<u64, (String, u64)>,
    asked: Vec<(u64, String, Command)>,
    /// What the reader has seen, and its place.
    seen: Vec<FeedEvent>,
    token: Option<String>,
    /// The connection through which it reads, while it holds.
    reader: Option<Subscription>,
    /// Writes that failed.
    struck: usize,
}

#[test]
fn nothing_is_lost_and_nothing_is_done_twice() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().expect("SEED is a number")],
        Err(_) => (1..=SEEDS).collect(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for seed in seeds {
        for home in Home::all() {
            let _seed = Seed(seed);
            runtime.block_on(simulate(seed, &home));
        }
    }
}

async fn simulate(seed: u64, home: &Home) {
    let mut random = Random(seed);
    let mut model = Model::default();
    let mut left = ROUNDS;
    while left > 0 {
        // One life of the process: some rounds, then it stops.
        let rounds = usize::try_from(1 + random.below(15)).unwrap().min(left);
        left -= rounds;
        let inner = home.open();
        let faulty = FaultyStore::over(&inner);
        let store: Arc<dyn Store> = faulty.clone();
        let service = start(&store);
        for _ in 0..rounds {
            faulty.plan((0..10).map(|_| fault(&mut random)));
            round(&mut random, &mut model, &service.handle).await;
            faulty.forget_plan();
        }
        settle_all(&service.handle, &mut model).await;
        check(&service.handle, &inner, &model).await;
        model.struck += faulty.struck();
        model.reader = None;
        service.stop();
    }
    // A simulation in which nothing happens would find nothing.
    assert!(model.accepted.len() >= 50, "{} commands were accepted", model.accepted.len());
    assert!(model.struck >= 10, "{} writes failed", model.struck);
}

fn fault(random: &mut Random) -> Fault {
    match random.below(20) {
        0 | 1 => Fault::Unavailable,
        2 => Fault::LostAcknowledgement,
        3 | 4 => Fault::Conflict,
        _ => Fault::None,
    }
}

/// Some commands at once, perhaps a move of the clock beside them, and some reading.
async fn round(random: &mut Random, model: &mut Model, handle: &Handle) {
    let mut waiting = Vec::new();
    for _ in 0..random.below(COMMANDS_PER_ROUND) {
        let (request, name, command) = wish(random, model);
        let handle = handle.clone();
        let (own, of) = (command.clone(), name.clone());
        let answer = tokio::spawn(async move { handle.submit(id(&of), own).await });
        waiting.push((request, name, answer));
    }
    if random.below(3) == 0 {
        let hours = i64::try_from(random.below(30)).unwrap();
        let moved = handle.advance_clock(handle.now().plus_ms(hours * HOUR_MS)).await;
        let expected = matches!(moved, Ok(_) | Err(AdvanceClockError::Unavailable { .. }));
        assert!(expected, "{moved:?}");
    }
    for (request, name, answer) in waiting {
        match answer.await.unwrap() {
            Ok(answer) => {
                let told = (name, answer.revision);
                let before = model.accepted.insert(request, told.clone());
                assert!(before.is_none_or(|before| before == told), "a repeat is told the same");
            }
            Err(SubmitError::Rejected(_) | SubmitError::Unavailable | SubmitError::Contended) => {}
            Err(error) => panic!("{error}"),
        }
    }
    if random.below(2) == 0 {
        read_some(model, handle).await;
    }
    if random.below(4) == 0 {
        model.reader = None;
    }
}

/// A new wish, or an earlier one once more.
fn wish(random: &mut Random, model: &mut Model) -> (u64, String, Command) {
    if !model.asked.is_empty() && random.below(3) == 0 {
        let recent = model.asked.len().min(20) as u64;
        let back = usize::try_from(1 + random.below(recent)).unwrap();
        return model.asked[model.asked.len() - back].clone();
    }
    model.next_request += 1;
    let request = model.next_request;
    let name = format!("e-{}", random.below(INSTANCES));
    let command = match random.below(8) {
        0 | 1 => create(&name, Some(request)),
        2 => advance(Some(request)),
        _ => comment(&format!("wish {request}"), Some(request)),
    };
    model.asked.push((request, name.clone(), command.clone()));
    (request, name, command)
}

/// Reads everything that there is to read, from where the reader was.
async fn read_some(model: &mut Model, handle: &Handle) {
    let start = model.token.clone().map_or(Start::Beginning, Start::Token);
    let reader = model.reader.take();
    let mut reader = reader.unwrap_or_else(|| handle.subscribe(&start, Filter::default()).unwrap());
    let target = handle.events(start, Filter::default(), usize::MAX).await.unwrap();
    let mut events = Vec::new();
    while events.len() < target.events.len() {
        let delivery = next(&mut reader).await;
        model.token = Some(delivery.token);
        events.extend(delivery.events);
    }
    model.seen.extend(events);
    model.reader = Some(reader);
}

/// Without faults: everything that is due is settled, and the reader catches up.
async fn settle_all(handle: &Handle, model: &mut Model) {
    handle.advance_clock(handle.now().plus_ms(1)).await.unwrap();
    read_some(model, handle).await;
}

async fn check(handle: &Handle, store: &Arc<dyn Store>, model: &Model) {
    assert_dense(&model.seen, limits::PARTITIONS);
    let total: u64 = store.last_seqs().unwrap().iter().map(|seq| seq.0).sum();
    assert_eq!(model.seen.len() as u64, total, "the reader has seen everything, once");

    let mut requests = BTreeSet::new();
    for number in 0..INSTANCES {
        let name = format!("e-{number}");
        let Some(shown) = handle.view(&id(&name)).await.unwrap() else { continue };
        let mut history = store.history(&id(&name), None, usize::MAX).unwrap();
        history.reverse();
        let mut replayed = None;
        for numbered in &history {
            engine::apply_record(&mut replayed, &numbered.record);
            let stamp = numbered.record.stamp.as_ref().unwrap();
            let Some(request) = numbered.record.request else { continue };
            assert!(requests.insert(request.key), "request {} was done twice", request.key);
            if let Some(told) = model.accepted.get(&request.key) {
                assert_eq!(told, &(name.clone(), stamp.revision));
            }
        }
        assert_eq!(replayed.as_ref(), Some(shown.instance.as_ref()), "{name}");
        let stored = store.load(&id(&name)).unwrap().unwrap();
        let mut loaded = stored.body;
        for record in &stored.tail {
            engine::apply_record(&mut loaded, record);
        }
        assert_eq!(loaded.as_ref(), Some(shown.instance.as_ref()), "{name}");
        assert!(shown.instance.next_due().is_none_or(|due| due >= handle.now()), "{name}");
        each_alarm_once(&history, &name);
    }
    for request in model.accepted.keys() {
        assert!(requests.contains(request), "request {request} was accepted and is gone");
    }
}

/// No limit of a clock runs out twice, and no step of its ladder tells twice.
fn each_alarm_once(history: &[sanbang::store::Numbered], name: &str) {
    use sanbang::model::event::Payload;

    let mut alarms = BTreeSet::new();
    for event in history.iter().flat_map(|numbered| &numbered.record.events) {
        let alarm = match &event.payload {
            Payload::ClockBreached { clock, .. } => (clock.number, "breached".to_owned()),
            Payload::EscalationRaised { clock, fired, .. } => {
                (clock.number, fired.step.to_string())
            }
            _ => continue,
        };
        assert!(alarms.insert(alarm.clone()), "{name}: {alarm:?} fired twice");
    }
}
