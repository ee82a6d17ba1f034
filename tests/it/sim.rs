//! A seeded simulation of the whole runtime: people command, the clock moves and jumps, calendars
//! change, the store fails, is slow, does not acknowledge what it wrote; the process crashes
//! before a write and between a write and its publication, stops and starts. Whatever happens,
//! nothing is lost and nothing is done twice.
//!
//! The seed decides who wants what and which write fails how; threads still run as they like. On a
//! failure the seed is printed; `SANBANG_SIM_SEED=… cargo test --test it sim` runs it again, and
//! `SANBANG_SIM_SEEDS=200` is the long form.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sanbang::engine::{self, Rejection};
use sanbang::model::actor::Actor;
use sanbang::model::command::{Action, Command, Complete, UpdateFields};
use sanbang::model::id::MemberId;
use sanbang::model::limits;
use sanbang::model::task::TaskNumber;
use sanbang::model::value::{Changes, Values};
use sanbang::runtime::{AdvanceClockError, FeedEvent, Filter, Handle, Options, Start, SubmitError};
use sanbang::runtime::{PublishError, ReadError, SourceFile, Subscription};
use sanbang::store::Store;

use super::random::{Random, Seed, number_from_environment};
use super::runtime_fixture::*;

const SEEDS: u64 = 5;
const ROUNDS: usize = 80;
const COMMANDS_PER_ROUND: u64 = 12;
const INSTANCES: u64 = 8;
/// Calendars that are published in turn differ in one of these.
const DAYS_OFF: &[&str] = &["2025-01-01", "2025-01-02", "2025-01-07", "2025-01-09"];
/// Nothing is measured: a simulation in which somebody waits in vain fails instead of hanging.
const LIFE_MAX: Duration = Duration::from_mins(5);
const DAY_MS: i64 = 24 * HOUR_MS;

/// What the simulation knows must be true.
#[derive(Default)]
struct Model {
    next_request: u64,
    /// Commands by request, and the revision that each was told to have made.
    accepted: BTreeMap<u64, (String, u64)>,
    /// The latest revision of which anybody was told, by an answer, a refusal or a view.
    told: BTreeMap<String, u64>,
    asked: Vec<(u64, String, Command)>,
    /// What the reader has seen, and its place.
    seen: Vec<FeedEvent>,
    token: Option<String>,
    /// The connection through which it reads, while it holds.
    reader: Option<Subscription>,
    /// Writes that failed, and lives that ended with a crash.
    struck: usize,
    crashes: usize,
}

#[test]
fn nothing_is_lost_and_nothing_is_done_twice() {
    let seeds = match number_from_environment("SANBANG_SIM_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number_from_environment("SANBANG_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut crashes = 0;
    for seed in seeds.clone() {
        for home in Home::all() {
            let _seed = Seed { variable: "SANBANG_SIM_SEED", seed };
            let simulating = async { tokio::time::timeout(LIFE_MAX, simulate(seed, &home)).await };
            crashes += runtime.block_on(simulating).expect("nobody waits for ever");
        }
    }
    assert!(crashes > 0 || seeds.count() == 1, "no process crashed");
}

/// One process: it runs on a store until it is stopped, or until it crashes.
struct Life {
    service: Service,
    faulty: Arc<FaultyStore>,
    inner: Arc<dyn Store>,
    crashed: Arc<AtomicBool>,
}

impl Life {
    fn begin(random: &mut Random, home: &Home) -> Self {
        let inner = home.open();
        let faulty = FaultyStore::over(&inner);
        let store: Arc<dyn Store> = faulty.clone();
        let crashed = Arc::new(AtomicBool::new(false));
        let fatal: sanbang::runtime::Fatal = {
            let crashed = Arc::clone(&crashed);
            Arc::new(move |_: &str| crashed.store(true, Ordering::SeqCst))
        };
        // The machine was off for days, or its clock was set back: the store knows better.
        let stored = inner.clock().unwrap();
        let last = stored.unwrap_or(START);
        let jump = i64::try_from(random.below(6)).unwrap() - 2;
        let service =
            start_with(&store, Options { fatal, ..options() }, last.plus_ms(jump * DAY_MS));
        assert!(stored.is_none_or(|stored| service.handle.now() >= stored), "the clock goes back");
        Self { service, faulty, inner, crashed }
    }

    fn has_crashed(&self) -> bool {
        self.crashed.load(Ordering::SeqCst)
    }
}

/// How many processes crashed.
async fn simulate(seed: u64, home: &Home) -> usize {
    let mut random = Random::new(seed);
    let mut model = Model::default();
    let mut left = ROUNDS;
    while left > 0 {
        // One life of the process: some rounds, then it stops.
        let rounds = usize::try_from(1 + random.below(15)).unwrap().min(left);
        let life = Life::begin(&mut random, home);
        for _ in 0..rounds {
            life.faulty.plan((0..10).map(|_| fault(&mut random)));
            round(&mut random, &mut model, &life.service.handle, &life.crashed).await;
            life.faulty.forget_plan();
            left -= 1;
            if life.has_crashed() {
                break;
            }
        }
        if !life.has_crashed() && settle_all(&life, &mut model).await {
            check(&life.service.handle, &life.inner, &model).await;
        } else {
            model.crashes += 1;
        }
        model.struck += life.faulty.struck();
        model.reader = None;
        life.service.stop();
    }
    let last = Life::begin(&mut random, home);
    assert!(settle_all(&last, &mut model).await, "no fault was planned");
    check(&last.service.handle, &last.inner, &model).await;
    model.reader = None;
    last.service.stop();
    // A simulation in which nothing happens would find nothing.
    assert!(model.accepted.len() >= 25, "{} commands were accepted", model.accepted.len());
    assert!(model.struck >= 5, "{} writes failed", model.struck);
    model.crashes
}

fn fault(random: &mut Random) -> Fault {
    match random.below(200) {
        0..16 => Fault::Unavailable,
        16..28 => Fault::LostAcknowledgement,
        28..48 => Fault::Conflict,
        48..60 => Fault::Slow,
        60..62 => Fault::Corrupt,
        62..65 => Fault::CorruptAfterwards,
        _ => Fault::None,
    }
}

/// Some commands at once, perhaps a move of the clock or another calendar beside them, and some
/// reading.
async fn round(random: &mut Random, model: &mut Model, handle: &Handle, crashed: &AtomicBool) {
    let mut waiting = Vec::new();
    for _ in 0..random.below(COMMANDS_PER_ROUND) {
        let (request, name, command) = wish(random, model);
        let handle = handle.clone();
        let (own, of) = (command.clone(), name.clone());
        let answer = tokio::spawn(async move { handle.submit(id(&of), own).await });
        waiting.push((request, name, answer));
    }
    let looked_at = format!("e-{}", random.below(INSTANCES));
    let looking = tokio::spawn({
        let (handle, name) = (handle.clone(), id(&looked_at));
        async move { handle.view(&name).await }
    });
    if random.below(3) == 0 {
        let hours = if random.below(8) == 0 { 24 * 9 } else { random.below(30) };
        let to = handle.now().plus_ms(i64::try_from(hours).unwrap() * HOUR_MS);
        match handle.advance_clock(to).await {
            Ok(_) | Err(AdvanceClockError::Unavailable { .. } | AdvanceClockError::Draining) => {}
            Err(error) => panic!("{error}"),
        }
    }
    if random.below(8) == 0 {
        let off: &&str = random.pick(DAYS_OFF);
        publish_calendar(handle, off).await;
    }
    for (request, name, answer) in waiting {
        hear(model, request, &name, answer.await.unwrap(), crashed);
    }
    match looking.await.unwrap() {
        Ok(Some(view)) => model.tell(&looked_at, view.instance.revision),
        Ok(None) => assert!(!model.told.contains_key(&looked_at), "{looked_at} is gone"),
        Err(ReadError::Unavailable | ReadError::Draining) => {}
        Err(error) => panic!("{error}"),
    }
    if random.below(2) == 0 && !crashed.load(Ordering::SeqCst) {
        read_some(model, handle).await;
    }
    if random.below(4) == 0 {
        model.reader = None;
    }
}

/// Another working day is off, and all due times are computed anew.
async fn publish_calendar(handle: &Handle, off: &str) {
    let text = CALENDAR.replace("2025-01-01", off);
    let file = SourceFile { path: "rules/calendars/plain.yaml".to_owned(), text };
    let actor = Actor::Member(MemberId::trusted("chief"));
    match handle.publish(actor, vec![file]).await {
        Ok(_) | Err(PublishError::Unavailable | PublishError::Draining) => {}
        Err(error) => panic!("{error}"),
    }
}

/// What a command was told.
fn hear(
    model: &mut Model,
    request: u64,
    name: &str,
    answer: Result<sanbang::runtime::Answer, SubmitError>,
    crashed: &AtomicBool,
) {
    match answer {
        Ok(answer) => {
            model.tell(name, answer.revision);
            let told = (name.to_owned(), answer.revision);
            let before = model.accepted.insert(request, told.clone());
            assert!(before.is_none_or(|before| before == told), "a repeat is told the same");
        }
        Err(SubmitError::Rejected(Rejection::StaleRevision { actual, .. })) => {
            model.tell(name, actual);
        }
        Err(SubmitError::Rejected(Rejection::InstanceExists)) => model.tell(name, 1),
        Err(SubmitError::Rejected(Rejection::InstanceNotFound)) => {
            assert!(!model.told.contains_key(name), "{name} is gone");
        }
        Err(SubmitError::Rejected(_) | SubmitError::Unavailable | SubmitError::Contended) => {}
        Err(SubmitError::Draining) if crashed.load(Ordering::SeqCst) => {}
        Err(error) => panic!("{error}"),
    }
}

impl Model {
    fn tell(&mut self, name: &str, revision: u64) {
        let told = self.told.entry(name.to_owned()).or_default();
        *told = (*told).max(revision);
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
    let command = match random.below(12) {
        0 | 1 => create(&name, Some(request)),
        2 => advance(Some(request)),
        3 | 4 => {
            let complete = Complete {
                task: TaskNumber(1),
                outcome: None,
                form: Values::new(),
                changes: Changes::new(),
                comment: String::new(),
            };
            by("anna", Some(request), Action::Complete(complete))
        }
        5..8 => Command {
            expected_revision: model.told.get(&name).copied(),
            ..by(
                "anna",
                Some(request),
                Action::UpdateFields(UpdateFields { changes: Changes::new() }),
            )
        },
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

/// Without faults: everything that is due is settled, and the reader catches up. Not so where a
/// write that was under way came to a crash.
async fn settle_all(life: &Life, model: &mut Model) -> bool {
    let handle = &life.service.handle;
    if let Err(error) = handle.advance_clock(handle.now().plus_ms(1)).await {
        assert!(life.has_crashed(), "{error}");
        return false;
    }
    read_some(model, handle).await;
    true
}

async fn check(handle: &Handle, store: &Arc<dyn Store>, model: &Model) {
    assert_dense(&model.seen, limits::PARTITIONS);
    let total: u64 = store.last_seqs().unwrap().iter().map(|seq| seq.0).sum();
    assert_eq!(model.seen.len() as u64, total, "the reader has seen everything, once");

    let mut requests = BTreeSet::new();
    for number in 0..INSTANCES {
        let name = format!("e-{number}");
        let told = model.told.get(&name).copied().unwrap_or(0);
        let Some(shown) = handle.view(&id(&name)).await.unwrap() else {
            assert_eq!(told, 0, "{name} is gone");
            continue;
        };
        let revision = shown.instance.revision;
        assert!(told <= revision, "{name}: revision {told} was told of, {revision} is durable");
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
        assert_eq!(replayed.as_ref(), Some(&shown.instance), "{name}");
        let stored = store.load(&id(&name)).unwrap().unwrap();
        let mut loaded = stored.body.map(std::sync::Arc::new);
        for record in &stored.tail {
            engine::apply_record(&mut loaded, record);
        }
        assert_eq!(loaded.as_ref(), Some(&shown.instance), "{name}");
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
