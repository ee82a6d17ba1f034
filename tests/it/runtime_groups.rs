//! What one group of a worker decides together: what it leaves in memory, and what it answers.

use std::sync::Arc;
use std::time::Duration;

use sanbang::model::actor::Actor;
use sanbang::model::command::{Action, Command, Link};
use sanbang::model::id::{MemberId, TaskId};
use sanbang::model::link::Relation;
use sanbang::runtime::{Filter, Options, SourceFile, Start, SubmitError};
use sanbang::store::Store;

use super::runtime_fixture::*;

fn options_of_one_worker() -> Options {
    Options { workers: 1, ..options() }
}

/// Starts anew, with nothing in memory, and returns while the only worker reads `e-0`: it settles
/// `e-0` and `e-1` as one group, although neither is due any more. What is asked now is let into
/// that group once reads are released.
fn start_settling(faulty: &Arc<FaultyStore>) -> Service {
    let store: Arc<dyn Store> = faulty.clone();
    faulty.list_as_due(&["e-0", "e-1"]);
    faulty.hold_reads();
    let service = start_with(&store, options_of_one_worker(), START);
    faulty.wait_for_read();
    service
}

/// A store with `e-0` and `e-1`.
async fn with_two() -> Arc<FaultyStore> {
    let faulty = FaultyStore::over(&memory());
    let store: Arc<dyn Store> = faulty.clone();
    let service = start_with(&store, options_of_one_worker(), START);
    create_many(&service.handle, 2).await;
    service.stop();
    faulty
}

#[tokio::test]
async fn what_a_group_made_durable_is_what_is_seen_and_falls_due() {
    let faulty = with_two().await;
    let service = start_settling(&faulty);
    // The second stage has half the time of the first: the instance falls due earlier.
    let forced = Command { force: Some("done elsewhere".to_owned()), ..advance(None) };
    let mut advanced = Box::pin(service.handle.submit(id("e-0"), forced));
    assert!(!is_ready(&mut advanced).await);
    faulty.release_reads();
    let advanced = advanced.await.unwrap();
    assert_eq!(advanced.revision, 2);
    assert_eq!(view(&service.handle, "e-0").await.revision, 2);

    let filter = Filter { kinds: vec!["clock.breached".to_owned()], ..Filter::default() };
    let mut breaches = service.handle.subscribe(&Start::Beginning, filter).unwrap();
    let moving = service.handle.advance_clock(START.plus_ms(25 * HOUR_MS));
    let moved = tokio::time::timeout(Duration::from_mins(1), moving).await;
    moved.expect("the timers come to rest").unwrap();
    let breached = count_by_instance(&read(&mut breaches, 1).await, "clock.breached");
    assert_eq!(breached, [("e-0".to_owned(), 1)].into());
    service.stop();
}

#[tokio::test]
async fn a_refusal_that_rests_on_another_instance_waits_until_that_is_durable() {
    let faulty = with_two().await;
    let store: Arc<dyn Store> = faulty.clone();
    let service = start_with(&store, options_of_one_worker(), START);
    faulty.hold();
    let mut first = Box::pin(service.handle.submit(id("e-1"), comment("hello", None)));
    assert!(!is_ready(&mut first).await);
    faulty.wait_for_write();
    // These two wait together: the next group.
    faulty.plan([Fault::None, Fault::Unavailable]);
    let mut created = Box::pin(service.handle.submit(id("new"), create("new", None)));
    assert!(!is_ready(&mut created).await);
    let task = Some(TaskId::trusted("write_down"));
    let link = || Action::Link(Link { relation: Relation::Blocks, to: id("new"), task });
    let mut linked = Box::pin(service.handle.submit(id("e-0"), by("anna", None, link())));
    assert!(!is_ready(&mut linked).await);
    faulty.release();
    first.await.unwrap();
    assert_eq!(created.await, Err(SubmitError::Unavailable));
    assert_eq!(linked.await, Err(SubmitError::Unavailable), "there may be no `new`");
    assert_eq!(faulty.struck(), 1);
    service.stop();
}

#[tokio::test]
async fn what_was_published_before_a_request_decides_it_also_in_a_group_begun_before() {
    let faulty = with_two().await;
    let service = start_settling(&faulty);
    let text = WORKFLOW.replace("within: 48h", "within: 12h");
    let files = vec![SourceFile { path: "workflows/errand.yaml".to_owned(), text }];
    let chief = Actor::Member(MemberId::trusted("chief"));
    let published = service.handle.publish(chief, files).await.unwrap();
    assert_eq!(published.workflows[0].version, 2);
    let mut created = Box::pin(service.handle.submit(id("new"), create("new", None)));
    assert!(!is_ready(&mut created).await);
    faulty.release_reads();
    created.await.unwrap();
    assert_eq!(view(&service.handle, "new").await.workflow_version, 2);
    service.stop();
}
