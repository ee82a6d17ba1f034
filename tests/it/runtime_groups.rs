//! What one group of a worker decides together: what it leaves in memory, and what it answers.

use std::sync::Arc;
use std::time::Duration;

use sanbang::model::command::Command;
use sanbang::runtime::{Filter, Options, Start};
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
