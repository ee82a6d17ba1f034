//! The runtime: what is answered is durable, nothing is done twice, a store that fails harms nobody
//! else.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use sanbang::engine::Rejection;
use sanbang::model::command::Command;
use sanbang::model::limits;
use sanbang::runtime::{Answer, Clock, Configuration, FeedError, Filter, Options, Runtime, Start};
use sanbang::runtime::{ReadError, StartError, SubmitError};
use sanbang::store::memory::MemoryStore;
use sanbang::store::{Batch, Store};

use super::runtime_fixture::*;

fn without_measurements(answer: Answer) -> Answer {
    Answer { repeated: false, group_size: 0, durable_after: std::time::Duration::ZERO, ..answer }
}

#[tokio::test]
async fn a_command_is_answered_with_its_revision_and_what_it_made_happen() {
    let service = start(&memory());
    let created = service.handle.submit(id("e-1"), create("e-1", None)).await.unwrap();
    assert_eq!((created.revision, created.workflow.as_str()), (1, "errand"));
    assert_eq!(created.kinds.first(), Some(&"instance.created"));
    assert!(created.kinds.contains(&"task.assigned"), "{:?}", created.kinds);
    let said = service.handle.submit(id("e-1"), comment("hello", None)).await.unwrap();
    assert_eq!((said.revision, said.kinds), (2, vec!["comment.added"]));
    assert_eq!(view(&service.handle, "e-1").await.revision, 2);
    service.stop();
}

#[tokio::test]
async fn refusals_say_what_is_wrong() {
    let service = start(&memory());
    let submit = |name: &str, command| service.handle.submit(id(name), command);
    let missing = submit("e-1", comment("hello", None)).await;
    assert_eq!(missing, Err(SubmitError::Rejected(Rejection::InstanceNotFound)));
    submit("e-1", create("e-1", None)).await.unwrap();
    let taken = submit("e-1", create("e-1", None)).await;
    assert_eq!(taken, Err(SubmitError::Rejected(Rejection::InstanceExists)));
    let stale = Command { expected_revision: Some(7), ..comment("hello", None) };
    let stale = submit("e-1", stale).await;
    let expected = Rejection::StaleRevision { expected: 7, actual: 1 };
    assert_eq!(stale, Err(SubmitError::Rejected(expected)));
    submit("e-1", comment("one", None)).await.unwrap();
    let since = service.handle.kinds_since(&id("e-1"), 1).await.unwrap();
    assert_eq!(since, ["comment.added"]);
    for _ in 0..2 * limits::KINDS_TOLD_MAX {
        submit("e-1", comment("again", None)).await.unwrap();
    }
    let e_1 = id("e-1");
    let since = |revision| service.handle.kinds_since(&e_1, revision);
    let told = since(0).await.unwrap();
    assert_eq!(told.len(), limits::KINDS_TOLD_MAX, "no more than a header holds");
    assert_eq!(told[0], "instance.created", "from the revision on");
    let revision = view(&service.handle, "e-1").await.revision;
    assert_eq!(since(revision - 1).await.unwrap(), ["comment.added"]);
    assert!(since(revision).await.unwrap().is_empty());
    service.stop();
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_answer_also_after_a_restart() {
    let store = memory();
    let service = start(&store);
    let submit = |handle: sanbang::runtime::Handle, command| async move {
        handle.submit(id("e-1"), command).await
    };
    let created = submit(service.handle.clone(), create("e-1", Some(1))).await.unwrap();
    let said = submit(service.handle.clone(), comment("hello", Some(2))).await.unwrap();
    for number in 0..40 {
        let text = format!("and {number}");
        submit(service.handle.clone(), comment(&text, None)).await.unwrap();
    }
    let again = submit(service.handle.clone(), comment("hello", Some(2))).await.unwrap();
    assert!(again.repeated && !said.repeated);
    assert_eq!(without_measurements(again), without_measurements(said.clone()));
    service.stop();

    let service = start(&store);
    let again = submit(service.handle.clone(), comment("hello", Some(2))).await.unwrap();
    assert_eq!(without_measurements(again), without_measurements(said));
    let again = submit(service.handle.clone(), create("e-1", Some(1))).await.unwrap();
    assert_eq!(without_measurements(again), without_measurements(created));
    let mut reused = comment("other", Some(2));
    reused.request.as_mut().unwrap().digest += 1;
    let reused = submit(service.handle.clone(), reused).await;
    assert_eq!(reused, Err(SubmitError::Rejected(Rejection::RequestIdReused)));
    assert_eq!(view(&service.handle, "e-1").await.revision, 42);
    service.stop();
}

#[tokio::test]
async fn no_answer_leaves_before_what_it_rests_on_is_durable() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let service = start(&store);
    faulty.hold();
    let mut created = Box::pin(service.handle.submit(id("e-1"), create("e-1", None)));
    assert!(!is_ready(&mut created).await);
    faulty.wait_for_write();
    let name = id("e-1");
    let mut viewed = Box::pin(service.handle.view(&name));
    let mut refused = Box::pin(service.handle.submit(id("e-1"), create("e-1", None)));
    assert!(!is_ready(&mut created).await);
    assert!(!is_ready(&mut viewed).await);
    assert!(!is_ready(&mut refused).await);
    assert!(store.load(&name).unwrap().is_none());
    faulty.release();
    assert_eq!(created.await.unwrap().revision, 1);
    assert_eq!(viewed.await.unwrap().unwrap().instance.revision, 1);
    assert_eq!(refused.await, Err(SubmitError::Rejected(Rejection::InstanceExists)));
    service.stop();
}

#[tokio::test]
async fn what_waits_is_written_together() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let service = start(&store);
    let before = service.handle.stats().commits;
    faulty.hold();
    let first = tokio::spawn({
        let handle = service.handle.clone();
        async move { handle.submit(id("first"), create("first", None)).await }
    });
    tokio::task::spawn_blocking({
        let faulty = faulty.clone();
        move || faulty.wait_for_write()
    })
    .await
    .unwrap();
    let names: Vec<String> = (0..100).map(|number| format!("e-{number}")).collect();
    let mut waiting: Vec<_> = names
        .iter()
        .map(|name| Box::pin(service.handle.submit(id(name), create(name, None))))
        .collect();
    for each in &mut waiting {
        assert!(!is_ready(each).await);
    }
    faulty.release();
    first.await.unwrap().unwrap();
    for each in waiting {
        each.await.unwrap();
    }
    // How they fall into groups depends on the threads; one write each would be a hundred.
    let commits = service.handle.stats().commits - before;
    assert!((2..=10).contains(&commits), "{commits} commits");
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_on_one_instance_are_decided_one_after_the_other() {
    let service = start(&memory());
    service.handle.submit(id("e-1"), create("e-1", None)).await.unwrap();
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let handle = service.handle.clone();
            let command = comment(&format!("{number}"), Some(100 + number));
            tokio::spawn(async move { handle.submit(id("e-1"), command).await })
        })
        .collect();
    let mut revisions = HashSet::new();
    for task in tasks {
        revisions.insert(task.await.unwrap().unwrap().revision);
    }
    assert_eq!(revisions, (2..=201).collect());
    let history = service.handle.history(&id("e-1"), None, 1000).await.unwrap();
    let versions = history.iter().map(|each| each.record.stamp.as_ref().unwrap().version);
    assert!(versions.eq((1..=201).rev()));
    service.stop();
}

#[tokio::test]
async fn many_creations_at_once_are_spread_over_the_people() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let options = Options { workers: 1, ..options() };
    let service = start_with(&store, options, START);
    let names: Vec<String> = (0..30).map(|number| format!("e-{number}")).collect();
    let creations: Vec<_> = names
        .iter()
        .map(|name| {
            let handle = service.handle.clone();
            let (name, mut command) = (id(name), create(name, None));
            // Without a steward among the candidates the least loaded is taken.
            if let sanbang::model::command::Action::Create(create) = &mut command.action {
                create.steward = Some(sanbang::model::id::MemberId::trusted("chief"));
            }
            tokio::spawn(async move { handle.submit(name, command).await })
        })
        .collect();
    for creation in creations {
        creation.await.unwrap().unwrap();
    }
    let headers =
        service.handle.headers(sanbang::runtime::Query { limit: 100, ..Default::default() });
    let mut held = std::collections::BTreeMap::new();
    for header in headers.await.unwrap() {
        for task in header.tasks {
            *held.entry(task.holder.unwrap().to_string()).or_insert(0) += 1;
        }
    }
    assert_eq!(held.into_values().collect::<Vec<_>>(), [10, 10, 10]);
    service.stop();
}

#[tokio::test]
async fn an_instance_that_somebody_wrote_first_is_decided_again() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let service = start(&store);
    faulty.plan([Fault::Conflict, Fault::Conflict]);
    service.handle.submit(id("e-1"), create("e-1", None)).await.unwrap();
    faulty.plan([Fault::Conflict, Fault::Conflict, Fault::Conflict]);
    let contended = service.handle.submit(id("e-1"), comment("hello", None)).await;
    assert_eq!(contended, Err(SubmitError::Contended));
    let said = service.handle.submit(id("e-1"), comment("hello", None)).await.unwrap();
    assert_eq!(said.revision, 2);
    assert_eq!(service.handle.stats().conflicts, 5);
    service.stop();
}

#[tokio::test]
async fn a_store_that_is_away_changes_nothing_and_is_told() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let service = start(&store);
    service.handle.submit(id("e-1"), create("e-1", None)).await.unwrap();
    faulty.plan([Fault::Unavailable]);
    let failed = service.handle.submit(id("e-1"), comment("hello", None)).await;
    assert_eq!(failed, Err(SubmitError::Unavailable));
    assert!(SubmitError::Unavailable.retry_after().is_some());
    assert_eq!(view(&service.handle, "e-1").await.revision, 1);
    let said = service.handle.submit(id("e-1"), comment("hello", None)).await.unwrap();
    assert_eq!(said.revision, 2);
    service.stop();
}

#[tokio::test]
async fn a_lost_acknowledgement_neither_doubles_a_command_nor_hides_an_event() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let service = start(&store);
    let mut live = service.handle.subscribe(&Start::Beginning, Filter::default()).unwrap();
    service.handle.submit(id("e-1"), create("e-1", None)).await.unwrap();
    faulty.plan([Fault::LostAcknowledgement]);
    let lost = service.handle.submit(id("e-1"), comment("hello", Some(1))).await;
    assert_eq!(lost, Err(SubmitError::Unavailable));
    let total: u64 = store.last_seqs().unwrap().iter().map(|seq| seq.0).sum();
    let events = read(&mut live, usize::try_from(total).unwrap()).await;
    assert_eq!(events.len() as u64, total);
    assert_dense(&events, limits::PARTITIONS);
    assert_eq!(events.last().unwrap().event().payload.kind(), "comment.added");
    let again = service.handle.submit(id("e-1"), comment("hello", Some(1))).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.revision, 2);
    service.stop();
}

#[tokio::test]
async fn a_store_that_cannot_be_trusted_stops_the_process_without_an_answer() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let told = Arc::new(Mutex::new(Vec::new()));
    let fatal: sanbang::runtime::Fatal = {
        let told = told.clone();
        Arc::new(move |what: &str| told.lock().unwrap().push(what.to_owned()))
    };
    let service = start_with(&store, Options { fatal, ..options() }, START);
    faulty.plan([Fault::Corrupt]);
    let answer = service.handle.submit(id("e-1"), create("e-1", None)).await;
    // A real process is gone by now; here the caller sees its connection end.
    assert_eq!(answer, Err(SubmitError::Unavailable));
    assert_eq!(*told.lock().unwrap(), ["as planned"]);
    service.stop();
}

#[tokio::test]
async fn a_full_mailbox_refuses_at_once() {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let small = Options { workers: 1, mailbox_commands_max: 4, ..options() };
    let service = start_with(&store, small, START);
    faulty.hold();
    let mut first = Box::pin(service.handle.submit(id("e-0"), create("e-0", None)));
    assert!(!is_ready(&mut first).await);
    faulty.wait_for_write();
    let names = ["e-1", "e-2", "e-3", "e-4"];
    let mut waiting: Vec<_> = names
        .iter()
        .map(|name| Box::pin(service.handle.submit(id(name), create(name, None))))
        .collect();
    for each in &mut waiting {
        assert!(!is_ready(each).await);
    }
    let refused = service.handle.submit(id("e-5"), create("e-5", None)).await;
    assert_eq!(refused, Err(SubmitError::Overloaded));
    assert_eq!(service.handle.view(&id("e-0")).await.unwrap_err(), ReadError::Overloaded);
    assert_eq!(service.handle.stats().overloaded, 2);
    faulty.release();
    for each in waiting {
        each.await.unwrap();
    }
    first.await.unwrap();
    service.stop();
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let store = memory();
    let service = start(&store);
    for number in 0..20 {
        let name = format!("e-{number}");
        service.handle.submit(id(&name), create(&name, None)).await.unwrap();
        service.handle.submit(id(&name), comment("hello", None)).await.unwrap();
    }
    let before = view(&service.handle, "e-7").await;
    service.stop();
    let service = start(&store);
    assert_eq!(view(&service.handle, "e-7").await, before);
    let versions = service.handle.catalog();
    assert_eq!(versions.versions("errand").unwrap().versions.len(), 1);
    let said = service.handle.submit(id("e-7"), comment("again", None)).await.unwrap();
    assert_eq!(said.revision, 3);
    service.stop();
}

#[tokio::test]
async fn a_shutdown_answers_what_waits_and_ends_the_readers() {
    let store = memory();
    let service = start(&store);
    let handle = service.handle.clone();
    let mut reader = handle.subscribe(&Start::Now, Filter::default()).unwrap();
    let waiting: Vec<_> = (0..50)
        .map(|number| {
            let handle = handle.clone();
            let name = format!("e-{number}");
            tokio::spawn(async move { handle.submit(id(&name), create(&name, None)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    tokio::task::spawn_blocking(move || service.stop()).await.unwrap();
    let mut accepted = 0;
    for each in waiting {
        match each.await.unwrap() {
            Ok(_) => accepted += 1,
            Err(error) => assert_eq!(error, SubmitError::Draining),
        }
    }
    let headers = store.query(&sanbang::store::Query { limit: 100, ..Default::default() });
    assert_eq!(headers.unwrap().len(), accepted);
    let ended = loop {
        if let Err(ended) = reader.next().await {
            break ended;
        }
    };
    assert_eq!(ended, FeedError::Draining);
    let late = handle.submit(id("late"), create("late", None)).await;
    assert_eq!(late, Err(SubmitError::Draining));
    assert_eq!(handle.subscribe(&Start::Now, Filter::default()).err(), Some(FeedError::Draining));
}

#[tokio::test]
async fn after_a_leap_of_the_clock_only_reads_are_served_until_somebody_says_so() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(false));
    let configuration = || Configuration::Files(sources());
    let start = |catch_up| {
        let options = Options { catch_up, ..options() };
        Runtime::start(options, Arc::clone(&store), Clock::real(), configuration()).unwrap()
    };
    let long_ago = Clock::real().now().plus_ms(-limits::CLOCK_JUMP_MS_MAX - HOUR_MS);
    store.commit(Batch { clock: Some(long_ago), ..Batch::default() }).unwrap();
    let (runtime, handle) = start(false);
    let refused = handle.submit(id("e-1"), create("e-1", None)).await;
    assert!(matches!(refused, Err(SubmitError::ClockJumped { last, .. }) if last == long_ago));
    assert!(handle.view(&id("e-1")).await.unwrap().is_none());
    assert!(handle.info().await.unwrap().clock_jump.is_some());
    runtime.shutdown();
    assert_eq!(store.clock().unwrap(), Some(long_ago), "a refusing server leaves no trace");
    let (runtime, handle) = start(true);
    handle.submit(id("e-1"), create("e-1", None)).await.unwrap();
    runtime.shutdown();
    let (runtime, handle) = start(false);
    assert!(handle.info().await.unwrap().clock_jump.is_none());
    runtime.shutdown();
}

#[test]
fn a_store_is_never_served_with_the_other_kind_of_clock() {
    let configuration = Configuration::Files(sources());
    let started = Runtime::start(options(), memory(), Clock::real(), configuration);
    let refused = started.err().expect("the store's clock is simulated");
    assert!(matches!(refused, StartError::OtherClock { store_is_simulated: true }));
}
