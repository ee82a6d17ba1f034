//! Attention: what an operator should look at is told, and nothing else.

use std::sync::Arc;

use sanbang::definition::sources::Sources;
use sanbang::runtime::{Clock, Configuration, Runtime};

use super::runtime_fixture::*;

const DAY_MS: i64 = 24 * HOUR_MS;

#[tokio::test]
async fn a_calendar_that_ends_soon_is_told() {
    let service = start(&memory());
    assert_eq!(service.handle.info().await.unwrap().warnings, Vec::<String>::new());
    service.handle.advance_clock(START.plus_ms(690 * DAY_MS)).await.unwrap();
    let told = service.handle.info().await.unwrap().warnings;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("calendar `plain` is published until 2026-12-31:"), "{told:?}");
    service.stop();
}

#[tokio::test]
async fn an_escalation_that_reaches_nobody_is_told() {
    let store = memory();
    let files = files().into_iter().map(|(path, text)| {
        // Nobody is head any more: the higher step finds nobody, and there is no role above.
        (path.to_owned(), text.replace("zh: 主任 }, roles: [head]", "zh: 主任 }").into())
    });
    let configuration = Configuration::Files(Sources { files: files.collect() });
    let clock = Clock::simulated(START);
    let (runtime, handle) =
        Runtime::start(options(), Arc::clone(&store), clock, configuration).unwrap();
    handle.submit(id("e"), create("e", None)).await.unwrap();
    handle.advance_clock(START.plus_ms(60 * HOUR_MS)).await.unwrap();
    assert_eq!(handle.info().await.unwrap().warnings, Vec::<String>::new());
    handle.advance_clock(START.plus_ms(200 * HOUR_MS)).await.unwrap();
    assert_eq!(handle.stats().escalations_unheard, 1);
    assert_eq!(
        handle.info().await.unwrap().warnings,
        ["since the start 1 escalations had nobody to tell in a role nor above it"]
    );
    runtime.shutdown();
}
