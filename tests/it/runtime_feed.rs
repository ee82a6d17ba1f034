//! The event feed: replay, then live, no gap, no double; tokens that outlive the process.

use std::sync::Arc;
use std::time::Duration;

use sanbang::model::id::MemberId;
use sanbang::model::limits;
use sanbang::runtime::{FeedError, Filter, Options, Start};
use sanbang::store::Store;

use super::runtime_fixture::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_joins_in_the_middle_misses_and_doubles_nothing() {
    let service = start(&memory());
    create_many(&service.handle, 100).await;
    let writing = tokio::spawn({
        let handle = service.handle.clone();
        async move {
            for number in 0..400 {
                let name = format!("e-{}", number % 100);
                handle.submit(id(&name), comment("hello", None)).await.unwrap();
            }
        }
    });
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let handle = service.handle.clone();
            tokio::spawn(async move {
                let start = Start::Beginning;
                let mut reader = handle.subscribe(&start, Filter::default()).unwrap();
                let mut events = Vec::new();
                let mut comments = 0;
                while comments < 400 {
                    let delivery = next(&mut reader).await;
                    assert!(delivery.events.len() <= limits::STREAM_EVENTS_MAX);
                    let kinds = delivery.events.iter().map(|event| event.event().payload.kind());
                    comments += kinds.filter(|kind| *kind == "comment.added").count();
                    events.extend(delivery.events);
                }
                events
            })
        })
        .collect();
    writing.await.unwrap();
    let total = all_events(&service.handle).await.len();
    for reader in readers {
        let events = reader.await.unwrap();
        assert_eq!(events.len(), total);
        assert_dense(&events, limits::PARTITIONS);
    }
    service.stop();
}

#[tokio::test]
async fn a_token_goes_on_where_it_was_given_also_after_a_restart() {
    for home in Home::all() {
        let service = start(&home.open());
        create_many(&service.handle, 50).await;
        let mut reader = service.handle.subscribe(&Start::Beginning, Filter::default()).unwrap();
        let first = next(&mut reader).await;
        let mut events = first.events;
        let token = first.token;
        drop(reader);
        service.stop();

        let service = start(&home.open());
        service.handle.submit(id("e-7"), comment("hello", None)).await.unwrap();
        let start = Start::Token(token);
        let mut reader = service.handle.subscribe(&start, Filter::default()).unwrap();
        let total = all_events(&service.handle).await.len();
        let rest = read(&mut reader, total - events.len()).await;
        events.extend(rest);
        assert_eq!(events.len(), total);
        assert_dense(&events, limits::PARTITIONS);
        drop(reader);
        service.stop();
    }
}

#[tokio::test]
async fn a_token_of_another_store_or_from_the_future_is_unknown() {
    let (here, there) = (memory(), memory());
    let service = start(&here);
    create_many(&service.handle, 5).await;
    let own = service.handle.subscribe(&Start::Now, Filter::default()).unwrap().token();
    let subscribe = |token: &str| {
        let start = Start::Token(token.to_owned());
        service.handle.subscribe(&start, Filter::default()).err()
    };
    assert_eq!(subscribe(&own), None);
    assert_eq!(subscribe("never given"), Some(FeedError::TokenUnknown));
    let other = start(&there);
    let foreign = other.handle.subscribe(&Start::Now, Filter::default()).unwrap().token();
    assert_eq!(subscribe(&foreign), Some(FeedError::TokenUnknown));
    other.stop();
    service.stop();

    // The same identity with less in it.
    let behind: Arc<dyn Store> = FaultyStore::posing_as(here.identity().clone(), &memory());
    let service = start(&behind);
    let ahead = service.handle.subscribe(&Start::Token(own), Filter::default()).err();
    assert_eq!(ahead, Some(FeedError::TokenUnknown));
    service.stop();
}

#[tokio::test]
async fn a_slow_reader_is_told_and_misses_nothing() {
    let options = Options { feed_events_max: 20, ..options() };
    let service = start_with(&memory(), options, START);
    service.handle.submit(id("e-1"), create("e-1", None)).await.unwrap();
    let mut slow = service.handle.subscribe(&Start::Now, Filter::default()).unwrap();
    for number in 0..500 {
        let text = format!("{number}");
        service.handle.submit(id("e-1"), comment(&text, None)).await.unwrap();
    }
    let first = next(&mut slow).await;
    assert!(first.behind);
    let mut seqs: Vec<u64> = first.events.iter().map(|event| event.seq.0).collect();
    while seqs.len() < 500 {
        let delivery = next(&mut slow).await;
        seqs.extend(delivery.events.iter().map(|event| event.seq.0));
    }
    let expected: Vec<u64> = (seqs[0]..seqs[0] + 500).collect();
    assert_eq!(seqs, expected);
    service.handle.submit(id("e-1"), comment("now", None)).await.unwrap();
    let live = next(&mut slow).await;
    assert_eq!((live.events.len(), live.behind), (1, false));
    service.stop();
}

#[tokio::test]
async fn a_heartbeat_moves_the_token_past_what_the_filter_hides() {
    let options = Options { heartbeat: Duration::ZERO, ..options() };
    let service = start_with(&memory(), options, START);
    let filter = Filter { kinds: vec!["instance".to_owned()], ..Filter::default() };
    let mut reader = service.handle.subscribe(&Start::Now, filter.clone()).unwrap();
    service.handle.submit(id("e-1"), create("e-1", None)).await.unwrap();
    let created = read(&mut reader, 1).await;
    assert_eq!(created[0].event().payload.kind(), "instance.created");
    let before = reader.token();
    service.handle.submit(id("e-1"), comment("hello", None)).await.unwrap();
    let heartbeat = next(&mut reader).await;
    assert!(heartbeat.events.is_empty());
    assert_ne!(heartbeat.token, before);
    let mut later = service.handle.subscribe(&Start::Token(heartbeat.token), filter).unwrap();
    assert!(next(&mut later).await.events.is_empty());
    service.stop();
}

#[tokio::test]
async fn events_are_filtered_and_paged() {
    let service = start(&memory());
    create_many(&service.handle, 10).await;
    let page = |filter: Filter| service.handle.events(Start::Beginning, filter, 1000);
    let kinds = Filter { kinds: vec!["task.assigned".to_owned()], ..Filter::default() };
    assert_eq!(page(kinds).await.unwrap().events.len(), 10);
    let instance = Filter { instances: vec![id("e-3")], ..Filter::default() };
    let of_instance = page(instance).await.unwrap().events;
    assert!(of_instance.len() > 3);
    let stamps = of_instance.iter().map(|event| event.record.stamp.as_ref().unwrap());
    assert!(stamps.clone().all(|stamp| stamp.instance == id("e-3")));
    let workflow = sanbang::model::id::WorkflowId::trusted("other");
    let other = Filter { workflows: vec![workflow], ..Filter::default() };
    assert!(page(other).await.unwrap().events.is_empty());
    let nobody = Filter { members: vec![MemberId::trusted("cora")], ..Filter::default() };
    assert!(page(nobody).await.unwrap().events.is_empty());
    let anna = Filter { members: vec![MemberId::trusted("anna")], ..Filter::default() };
    assert!(!page(anna).await.unwrap().events.is_empty());

    let all = all_events(&service.handle).await;
    let mut paged = Vec::new();
    let mut start = Start::Beginning;
    loop {
        let page = service.handle.events(start, Filter::default(), 7).await.unwrap();
        assert!(page.events.len() <= 7);
        paged.extend(page.events);
        if !page.more {
            break;
        }
        start = Start::Token(page.token);
    }
    let place = |event: &sanbang::runtime::FeedEvent| (event.partition, event.seq);
    assert_eq!(all.len(), paged.len());
    let all: std::collections::BTreeSet<_> = all.iter().map(place).collect();
    assert_eq!(all, paged.iter().map(place).collect());
    service.stop();
}
