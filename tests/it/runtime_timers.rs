//! Timers: whatever fell due fires, once, in order, however late and however many at once.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::collections::BTreeSet;
use std::sync::Arc;

use sanbang::definition::compile;
use sanbang::engine::{self, Context, Outcome};
use sanbang::model::organization::Loads;
use sanbang::model::time::Timestamp;
use sanbang::runtime::{AdvanceClockError, Clock, Configuration, Filter, Options, Runtime, Start};
use sanbang::store::memory::MemoryStore;
use sanbang::store::{Batch, Store, Write};

use super::runtime_fixture::*;

#[tokio::test]
async fn after_downtime_each_due_timer_fires_once() {
    for home in Home::all() {
        let service = start(&home.open());
        create_many(&service.handle, 30).await;
        service.stop();

        let service = start_at(&home.open(), START.plus_ms(10 * 24 * HOUR_MS));
        let filter = Filter { kinds: vec!["clock.breached".to_owned()], ..Filter::default() };
        let mut breaches = service.handle.subscribe(&Start::Beginning, filter).unwrap();
        assert_eq!(read(&mut breaches, 30).await.len(), 30);
        // Moving the clock settles whatever could still be due.
        service.handle.advance_clock(service.handle.now().plus_ms(1)).await.unwrap();
        let events = all_events(&service.handle).await;
        let breached = count_by_instance(&events, "clock.breached");
        assert_eq!(breached.len(), 30);
        assert!(breached.values().all(|count| *count == 1), "{breached:?}");
        let stats = service.handle.stats();
        assert_eq!((stats.settled, stats.lag.iter().sum::<u64>()), (30, 30));
        assert_eq!(stats.lag.last(), Some(&30), "all of them were more than a week late");
        drop(breaches);
        service.stop();

        let service = start(&home.open());
        service.handle.advance_clock(service.handle.now().plus_ms(1)).await.unwrap();
        assert_eq!(all_events(&service.handle).await.len(), events.len());
        service.stop();
    }
}

#[tokio::test]
async fn thousands_that_fall_due_at_once_all_fire_and_starve_nobody() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let service = start(&store);
    create_many(&service.handle, 5000).await;
    let due = service.handle.info().await.unwrap().next_due.unwrap();
    faulty.hold();
    let moving = tokio::spawn({
        let handle = service.handle.clone();
        async move { handle.advance_clock(due.plus_ms(1)).await }
    });
    let waiting = faulty.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for_write()).await.unwrap();
    // The first lot is being written; thousands are still to come.
    let said = tokio::spawn({
        let handle = service.handle.clone();
        async move { handle.submit(id("e-4321"), comment("hello", None)).await }
    });
    tokio::task::yield_now().await;
    faulty.release();
    said.await.unwrap().unwrap();
    assert_eq!(moving.await.unwrap(), Ok(due.plus_ms(1)));
    let stats = service.handle.stats();
    // The comment settled its own instance, if it came before the timer.
    assert!((4999..=5000).contains(&stats.settled), "{}", stats.settled);
    assert_eq!(stats.settlings_failed, 0);

    let events = all_events(&service.handle).await;
    let fired = events.iter().filter(|event| event.event().due_at == Some(due));
    let fired = fired.map(|event| event.record.stamp.as_ref().unwrap().instance.clone());
    assert_eq!(fired.collect::<BTreeSet<_>>().len(), 5000);
    let comments: Vec<_> =
        events.iter().filter(|event| event.event().payload.kind() == "comment.added").collect();
    let [comment] = comments[..] else { panic!("one comment was made") };
    let last = store.last_seqs().unwrap()[usize::from(comment.partition.0)];
    assert!(comment.seq < last, "the comment did not wait for all that was due");
    service.stop();
}

#[tokio::test]
async fn a_moved_clock_stops_at_everything_that_is_due_on_the_way() {
    for home in Home::all() {
        let service = start(&home.open());
        service.handle.submit(id("early"), create("early", None)).await.unwrap();
        service.handle.advance_clock(START.plus_ms(HOUR_MS)).await.unwrap();
        service.handle.submit(id("late"), create("late", None)).await.unwrap();
        let to = START.plus_ms(200 * HOUR_MS);
        assert_eq!(service.handle.advance_clock(to).await, Ok(to));
        let events = all_events(&service.handle).await;
        let fired = events.iter().filter_map(|event| {
            let event = event.event();
            Some((event.due_at?, event.time))
        });
        let fired: Vec<_> = fired.collect();
        assert!(fired.len() >= 6, "{fired:?}");
        for (due_at, time) in fired {
            assert_eq!(time, due_at.plus_ms(1));
        }
        assert_eq!(service.handle.now(), to);
        let back = service.handle.advance_clock(START).await;
        assert_eq!(back, Err(AdvanceClockError::Backwards { now: to }));
        service.stop();
        assert_eq!(home.open().clock().unwrap(), Some(to), "the clock's place is kept");
    }
}

#[tokio::test]
async fn a_store_that_is_away_delays_a_timer_and_loses_none() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let service = start(&store);
    create_many(&service.handle, 20).await;
    faulty.plan([Fault::None, Fault::Unavailable, Fault::LostAcknowledgement, Fault::Conflict]);
    let to = START.plus_ms(49 * HOUR_MS);
    let mut failures = 0;
    while let Err(error) = service.handle.advance_clock(to).await {
        assert!(matches!(error, AdvanceClockError::Unavailable { .. }), "{error}");
        failures += 1;
    }
    assert!(failures >= 1);
    let breached = count_by_instance(&all_events(&service.handle).await, "clock.breached");
    assert_eq!(breached.len(), 20);
    assert!(breached.values().all(|count| *count == 1), "{breached:?}");
    service.stop();
}

/// An instance of a version of the workflow, as if it had been created then.
fn write_created(store: &dyn Store, version: u32, now: Timestamp) {
    let compilation = compile(&sources());
    let workflow = compilation.workflows.into_iter().next().expect("the errand").workflow;
    let workflow = sanbang::definition::compiled::Workflow { version, ..workflow };
    let calendar = compilation.calendars.into_iter().next().expect("the plain calendar");
    let context = Context {
        workflow: &workflow,
        workflows: &workflow,
        organization: &compilation.organization,
        calendar: &calendar,
        always_on: &calendar.always_on(),
        loads: &Loads::default(),
        now,
    };
    let decision = engine::decide(&context, None, &create("e-1", None));
    let Outcome::Accepted(record) = decision.outcome else { panic!("{:?}", decision.outcome) };
    let instance = decision.after.expect("an instance");
    let write = Write {
        partition: store.partition_of(&instance.id),
        record: Arc::new(record),
        header: Some(instance.header(&[])),
        body: Some(instance),
    };
    store.commit(Batch { writes: vec![write], ..Batch::default() }).unwrap();
}

#[tokio::test]
async fn by_the_machines_clock_a_timer_wakes_by_itself() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(false));
    let configuration = || Configuration::Files(sources());
    let start = || {
        let options = Options { catch_up: false, ..options() };
        Runtime::start(options, Arc::clone(&store), Clock::real(), configuration()).unwrap()
    };
    let (runtime, _) = start();
    runtime.shutdown();
    // Shortly before its limit runs out.
    let created_at = Clock::real().now().plus_ms(-48 * HOUR_MS + 300);
    write_created(store.as_ref(), 1, created_at);
    let (runtime, handle) = start();
    let filter = Filter { kinds: vec!["clock.breached".to_owned()], ..Filter::default() };
    let mut breaches = handle.subscribe(&Start::Beginning, filter).unwrap();
    let breach = read(&mut breaches, 1).await.remove(0);
    let event = breach.event();
    assert!(event.time > event.due_at.unwrap());
    assert_eq!(handle.advance_clock(event.time).await, Err(AdvanceClockError::NotSimulated));
    runtime.shutdown();
}

/// Only what has another calendar is looked for among all instances.
#[tokio::test]
async fn what_is_due_and_always_fails_has_nobody_look_through_all_instances_again_and_again() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    // Nobody knows this version of its workflow, so nothing can happen to it.
    write_created(store.as_ref(), 7, START);
    let service = start_at(&store, START.plus_ms(10 * 24 * HOUR_MS));
    let mut queried = Vec::new();
    for _ in 0..3 {
        let moved = service.handle.advance_clock(service.handle.now()).await;
        assert!(matches!(moved, Err(AdvanceClockError::Unavailable { .. })), "{moved:?}");
        queried.push(faulty.queried());
    }
    assert_eq!(queried, [queried[0]; 3]);
    service.stop();
}
