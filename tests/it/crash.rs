//! Kills: the real server under load, killed without warning again and again, also while it opens.
//! A checker outside knows every answer that was given.
//!
//! Nothing answered is lost, nothing is done twice, every number is there, and it always opens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prost_types::value::Kind;
use prost_types::{Struct, Value};
use sanbang::api::pb;
use sanbang::api::pb::event::Payload;
use sanbang::api::pb::event_service_client::EventServiceClient;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use tokio::task::JoinSet;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::program::{Place, Server};

const ROUNDS: usize = 30;
const CLIENTS: usize = 6;
const CLOCK: &str = "simulated@2025-01-06T09:00:00+08:00";

/// One command that a client sends: by its request id it is found again in the events.
#[derive(Debug, Clone)]
struct Sent {
    id: String,
    instance: String,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Create,
    Log,
    Complete,
}

/// What the checker knows.
#[derive(Default)]
struct Known {
    answered: BTreeMap<String, Sent>,
    unanswered: Vec<Sent>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_kills_under_load_lose_nothing_and_double_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let place = Place { data: &data, config: None, clock: CLOCK };
    let mut known = Known::default();
    for round in 0..ROUNDS {
        if round % 3 == 2 {
            kill_while_opening(place, round);
        }
        let mut server = Server::start(place);
        let channel = connect(&server).await;
        check(&channel, &known).await;
        // Whoever got no answer sends again, under the same request id.
        for sent in std::mem::take(&mut known.unanswered) {
            send(&channel, &sent).await.unwrap_or_else(|status| panic!("{sent:?}: {status}"));
            known.answered.insert(sent.id.clone(), sent);
        }
        load_and_kill(&mut server, &channel, round, &mut known).await;
    }
    let server = Server::start(place);
    let channel = connect(&server).await;
    check(&channel, &known).await;
    assert!(known.answered.len() > ROUNDS * 20, "only {} were answered", known.answered.len());
    assert_eq!(server.stop(), Some(0));
}

/// Sends from several clients until a number of answers has come that differs from round to round,
/// and kills the server then.
async fn load_and_kill(server: &mut Server, channel: &Channel, round: usize, known: &mut Known) {
    let enough = 20 + (round * 17) % 40;
    let answered = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (channel, answered) = (channel.clone(), Arc::clone(&answered));
        clients.spawn(async move {
            let (mut done, mut last) = (Vec::new(), None);
            for command in commands(round, client) {
                match send(&channel, &command).await {
                    Ok(()) => {
                        answered.fetch_add(1, Ordering::Relaxed);
                        done.push(command);
                    }
                    Err(status) if is_lost(&status) => {
                        last = Some(command);
                        break;
                    }
                    Err(status) => panic!("{command:?} was refused: {status}"),
                }
            }
            (done, last)
        });
    }
    while answered.load(Ordering::Relaxed) < enough && !clients.is_empty() {
        tokio::task::yield_now().await;
    }
    server.kill();
    while let Some(joined) = clients.join_next().await {
        let (done, last) = joined.unwrap();
        known.answered.extend(done.into_iter().map(|sent| (sent.id.clone(), sent)));
        known.unanswered.extend(last);
    }
}

/// What one client sends: it begins projects, logs contacts and completes a task in each.
fn commands(round: usize, client: usize) -> impl Iterator<Item = Sent> {
    (0..10_000).map(move |at| {
        let instance = format!("p-{round}-{client}-{}", at / 5);
        let what = match at % 5 {
            0 => What::Create,
            4 => What::Complete,
            _ => What::Log,
        };
        Sent { id: format!("request-{round}-{client}-{at}"), instance, what }
    })
}

/// Kills the server at a place of its opening that differs from round to round.
fn kill_while_opening(place: Place<'_>, round: usize) {
    let (mut server, announced) = Server::start_unawaited(place);
    let moment = Duration::from_millis((round as u64 * 7) % 90);
    // It may have opened before that: then it is killed while it listens.
    let _ = announced.recv_timeout(moment);
    server.kill();
}

/// Compares what the server has with what it has answered.
async fn check(channel: &Channel, known: &Known) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut last: BTreeMap<u32, u64> = BTreeMap::new();
    for event in all_events(channel).await {
        let before = last.insert(event.partition, event.seq).unwrap_or(0);
        assert_eq!(event.seq, before + 1, "partition {} has a hole", event.partition);
        if let Some(id) = request_of(&event) {
            *seen.entry(id).or_insert(0) += 1;
        }
    }
    let lost: Vec<&String> = known.answered.keys().filter(|id| !seen.contains_key(*id)).collect();
    assert!(lost.is_empty(), "{} answered commands are lost: {lost:?}", lost.len());
    let doubled: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(doubled.is_empty(), "done more than once: {doubled:?}");
    let sent: BTreeSet<&String> =
        known.answered.keys().chain(known.unanswered.iter().map(|sent| &sent.id)).collect();
    let unknown: Vec<&String> = seen.keys().filter(|id| !sent.contains(id)).collect();
    assert!(unknown.is_empty(), "nobody has sent these: {unknown:?}");
}

async fn all_events(channel: &Channel) -> Vec<pb::Event> {
    let mut client = EventServiceClient::new(channel.clone()).max_decoding_message_size(1 << 26);
    let (mut events, mut page_token) = (Vec::new(), String::new());
    loop {
        let request =
            pb::EventServiceListRequest { page_size: 1000, page_token, filter: String::new() };
        let page = client.list(acting("coordinator_1", request)).await.unwrap().into_inner();
        events.extend(page.events);
        page_token = page.next_page_token;
        if page.end {
            return events;
        }
    }
}

/// The request id that a client has written into what it sent.
fn request_of(event: &pb::Event) -> Option<String> {
    let text = |fields: &Option<Struct>, name: &str| match fields.as_ref()?.fields.get(name)?.kind {
        Some(Kind::StringValue(ref text)) => Some(text.clone()),
        _ => None,
    };
    match event.payload.as_ref()? {
        Payload::InstanceCreated(it) => text(&it.fields, "project_name"),
        Payload::ActivityLogged(it) => text(&it.fields, "summary"),
        Payload::TaskCompleted(it) => Some(it.comment.clone()),
        _ => None,
    }
}

async fn send(channel: &Channel, sent: &Sent) -> Result<(), Status> {
    let mut instances = InstanceServiceClient::new(channel.clone());
    let (instance, request_id) = (sent.instance.clone(), sent.id.clone());
    match sent.what {
        What::Create => {
            let request = pb::InstanceServiceCreateRequest {
                instance,
                request_id,
                workflow: "investment_project".to_owned(),
                fields: Some(texts(&[
                    ("project_name", &sent.id),
                    ("investor", "Huaguang"),
                    ("industry", "new_energy_materials"),
                ])),
                steward: "materials_officer_1".to_owned(),
            };
            instances.create(acting("coordinator_1", request)).await.map(drop)
        }
        What::Log => {
            let request = pb::InstanceServiceLogActivityRequest {
                instance,
                request_id,
                activity: "contact".to_owned(),
                fields: Some(texts(&[("summary", &sent.id)])),
                ..pb::InstanceServiceLogActivityRequest::default()
            };
            instances.log_activity(acting("materials_officer_1", request)).await.map(drop)
        }
        What::Complete => {
            let request = pb::TaskServiceCompleteRequest {
                instance,
                request_id,
                task: 2,
                comment: sent.id.clone(),
                ..pb::TaskServiceCompleteRequest::default()
            };
            let mut tasks = TaskServiceClient::new(channel.clone());
            tasks.complete(acting("materials_leader", request)).await.map(drop)
        }
    }
}

/// The server was killed before it answered.
fn is_lost(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal)
}

fn texts(fields: &[(&str, &str)]) -> Struct {
    let value = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    Struct { fields: fields.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect() }
}

fn acting<T>(actor: &'static str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("sanbang-actor", MetadataValue::from_static(actor));
    request
}

async fn connect(server: &Server) -> Channel {
    Endpoint::from_shared(server.url()).unwrap().connect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_that_fell_due_while_the_server_was_down_fires_once() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut server = Server::start(Place { data: &data, config: None, clock: CLOCK });
    let created =
        Sent { id: "request-1".to_owned(), instance: "p-1".to_owned(), what: What::Create };
    send(&connect(&server).await, &created).await.unwrap();
    server.kill();

    // The limit of one working day runs out on the 7th at 17:30, with nobody there to see it.
    let late = Place { data: &data, config: None, clock: "simulated@2025-01-07T17:45:00+08:00" };
    for round in 0..3 {
        let mut server = Server::start(late);
        let channel = connect(&server).await;
        breach_is_recorded(&channel).await;
        let events = all_events(&channel).await;
        let of_task = |kind: &str| count(&events, kind);
        assert_eq!(of_task("clock.breached"), 2, "round {round}: one for each of two tasks");
        assert_eq!(of_task("escalation.raised"), 2, "round {round}: each ladder told once");
        assert_eq!(of_task("escalation.passed_over"), 4, "round {round}: blue and yellow did not");
        server.kill();
    }
    assert_directory_is_whole(&data);
}

fn count(events: &[pb::Event], kind: &str) -> usize {
    events.iter().filter(|event| event.kind == kind).count()
}

/// Waits until the server has caught up.
async fn breach_is_recorded(channel: &Channel) {
    let request = pb::EventServiceSubscribeRequest {
        filter: "kind = \"clock.breached\"".to_owned(),
        resume_token: String::new(),
        start_at: pb::StartAt::Beginning.into(),
    };
    let mut client = EventServiceClient::new(channel.clone());
    let stream = client.subscribe(acting("coordinator_1", request)).await.unwrap();
    let mut stream = stream.into_inner();
    let seen = async {
        let mut breaches = 0;
        while breaches < 2 {
            let message = stream.message().await.unwrap().expect("the server runs");
            breaches += message.events.len();
        }
    };
    tokio::time::timeout(Duration::from_mins(1), seen).await.expect("the timers fire");
}

fn assert_directory_is_whole(data: &Path) {
    let names = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().contains("generating")).collect();
    assert!(left.is_empty(), "left behind by a kill: {left:?}");
}
