//! The API's streams over a real socket: nothing is left out and nothing comes twice, wherever a
//! reader breaks off; and a server that stops ends them.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::collections::BTreeMap;

use sanbang::api::pb;
use sanbang::api::pb::event_service_client::EventServiceClient;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use super::api_fixture::*;

fn from_the_beginning() -> pb::EventServiceSubscribeRequest {
    pb::EventServiceSubscribeRequest {
        start_at: pb::StartAt::Beginning.into(),
        ..Default::default()
    }
}

/// Every recorded event, by pages.
async fn recorded(server: &Server) -> Vec<pb::Event> {
    let mut events = Vec::new();
    let mut page_token = String::new();
    loop {
        let request =
            pb::EventServiceListRequest { page_size: 7, page_token, ..Default::default() };
        let page = server.events().list(by("bert", request)).await.unwrap().into_inner();
        events.extend(page.events);
        page_token = page.next_page_token;
        if page.end {
            return events;
        }
    }
}

fn places(events: &[pb::Event]) -> BTreeMap<(u32, u64), String> {
    let places = events.iter().map(|event| ((event.partition, event.seq), event.kind.clone()));
    let places: BTreeMap<_, _> = places.collect();
    assert_eq!(places.len(), events.len(), "an event came twice");
    places
}

#[tokio::test]
async fn a_reader_that_comes_back_with_its_token_misses_nothing_and_sees_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    for number in 0..5 {
        server.create(&format!("p-{number}"), "Ann Ltd").await;
    }
    let mut seen = Vec::new();
    let mut request = from_the_beginning();
    for round in 0..6 {
        // A connection of its own each time, broken off after one message with events.
        let channel = connect(server.address).await;
        let stream = EventServiceClient::new(channel).subscribe(by("bert", request)).await;
        let mut stream = stream.unwrap().into_inner();
        server.comment("p-1", &format!("round {round}")).await;
        let token = loop {
            let message = stream.next().await.unwrap().unwrap();
            seen.extend(message.events.iter().cloned());
            if !message.events.is_empty() {
                break message.resume_token;
            }
        };
        request = pb::EventServiceSubscribeRequest { resume_token: token, ..Default::default() };
    }
    let all = recorded(&server).await;
    let mut stream = server.events().subscribe(by("bert", request)).await.unwrap().into_inner();
    while seen.len() < all.len() {
        seen.extend(stream.next().await.unwrap().unwrap().events);
    }
    assert_eq!(places(&seen), places(&all));
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_token_holds_after_a_restart_and_not_for_another_store() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let stream = server.events().subscribe(by("bert", from_the_beginning())).await;
    let token = stream.unwrap().into_inner().next().await.unwrap().unwrap().resume_token;
    server.stop().await;

    let again =
        || pb::EventServiceSubscribeRequest { resume_token: token.clone(), ..Default::default() };
    let server = Server::start(directory.path()).await;
    let mut stream = server.events().subscribe(by("bert", again())).await.unwrap().into_inner();
    server.comment("p-1", "back").await;
    let kinds = loop {
        let message = stream.next().await.unwrap().unwrap();
        if !message.events.is_empty() {
            break message.events.into_iter().map(|event| event.kind).collect::<Vec<_>>();
        }
    };
    assert_eq!(kinds, ["comment.added"]);
    drop(stream);
    server.stop().await;

    let other = tempfile::tempdir().unwrap();
    let server = Server::start(other.path()).await;
    assert_eq!(
        refusal(server.events().subscribe(by("bert", again())).await),
        "OutOfRange TOKEN_UNKNOWN"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_filter_hides_what_is_not_asked_for_and_heartbeats_move_the_token() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let filter = "kind = \"task.*\" OR kind = comment.added AND instance = p-2".to_owned();
    let request = pb::EventServiceSubscribeRequest { filter, ..from_the_beginning() };
    let mut stream = server.events().subscribe(by("bert", request)).await.unwrap().into_inner();
    server.create("p-1", "Ann Ltd").await;
    server.create("p-2", "Bo Ltd").await;
    server.comment("p-2", "hello").await;
    let mut kinds = Vec::new();
    while kinds.last().map(String::as_str) != Some("comment.added") {
        let message = stream.next().await.unwrap().unwrap();
        assert!(message.events.iter().all(|event| event.instance == "p-2"));
        kinds.extend(message.events.into_iter().map(|event| event.kind));
    }
    assert!(kinds.iter().all(|kind| kind.starts_with("task.") || kind == "comment.added"));
    let heartbeat = stream.next().await.unwrap().unwrap();
    assert!(heartbeat.events.is_empty());
    server.comment("p-1", "hidden").await;
    let before = heartbeat.resume_token;
    loop {
        let next = stream.next().await.unwrap().unwrap();
        assert!(next.events.is_empty());
        if next.resume_token != before {
            break;
        }
    }
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_member_s_events_are_those_that_concern_the_member() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let filter = "member = anna AND kind = task.assigned".to_owned();
    let request = pb::EventServiceSubscribeRequest { filter, ..from_the_beginning() };
    let mut stream = server.events().subscribe(by("bert", request)).await.unwrap().into_inner();
    server.create("p-1", "Ann Ltd").await;
    let event = loop {
        if let Some(event) = stream.next().await.unwrap().unwrap().events.pop() {
            break event;
        }
    };
    let Some(pb::event::Payload::TaskAssigned(assigned)) = event.payload else {
        panic!("{event:?}");
    };
    let assignment = assigned.assignment.unwrap();
    assert_eq!(assignment.member, "anna");
    assert_eq!(assignment.because(), pb::AssignmentReason::Steward);
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_watched_instance_is_told_after_everything_that_happens_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let watch =
        |name: &str| by("bert", pb::InstanceServiceWatchRequest { instance: name.to_owned() });
    let unknown = server.instances().watch(watch("p-9")).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);

    server.create("p-1", "Ann Ltd").await;
    server.create("p-2", "Bo Ltd").await;
    let mut stream = server.instances().watch(watch("p-1")).await.unwrap().into_inner();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!((first.instance.unwrap().revision, first.events.len()), (1, 0));
    server.comment("p-2", "elsewhere").await;
    server.comment("p-1", "here").await;
    let next = stream.next().await.unwrap().unwrap();
    assert_eq!(next.instance.unwrap().revision, 2);
    assert_eq!(next.events[0].kind, "comment.added");
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams_and_answers_what_was_asked() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let mut events =
        server.events().subscribe(by("bert", from_the_beginning())).await.unwrap().into_inner();
    let watch = pb::InstanceServiceWatchRequest { instance: "p-1".to_owned() };
    let mut watched = server.instances().watch(by("bert", watch)).await.unwrap().into_inner();
    watched.next().await.unwrap().unwrap();
    let request = HealthCheckRequest { service: String::new() };
    let health = HealthClient::new(server.channel.clone()).watch(request).await;
    let mut health = health.unwrap().into_inner();
    assert_eq!(health.next().await.unwrap().unwrap().status().as_str_name(), "SERVING");
    let mut tasks = server.tasks();

    let said =
        tokio::spawn(async move { tasks.comment(by("anna", comment("p-1", "", "last"))).await });
    let said = said.await.unwrap();
    assert_eq!(said.unwrap().into_inner().accepted.unwrap().revision, 2);

    let (stopped, runtime) = server.begin_to_stop();
    assert_eq!(health.next().await.unwrap().unwrap().status().as_str_name(), "NOT_SERVING");
    drop(health);
    let end = loop {
        if let Err(end) = events.next().await.expect("a stream ends with a reason") {
            break end;
        }
    };
    let details = end.get_error_details();
    assert_eq!(
        (end.code(), details.error_info().unwrap().reason.as_str()),
        (Code::Unavailable, "DRAINING")
    );
    assert!(details.retry_info().is_some(), "a reader is told to come back");
    let end = loop {
        if let Err(end) = watched.next().await.expect("a stream ends with a reason") {
            break end;
        }
    };
    assert_eq!(end.code(), Code::Unavailable);
    stopped.await;
    tokio::task::spawn_blocking(|| runtime.shutdown()).await.unwrap();

    let server = Server::start(directory.path()).await;
    assert_eq!(server.get("p-1").await.revision, 2, "what was answered was durable");
    server.stop().await;
}
