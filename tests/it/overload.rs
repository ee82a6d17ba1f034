//! More than the real server can take: commands, streams nobody reads, halves of requests, messages
//! without measure. It stays small, refuses the surplus with a time to try again, serves whoever is
//! in, and stops when asked.
//!
//! `SANBANG_OVERLOAD_SECONDS` makes the load of commands last longer than the moment that suits CI;
//! what the admitted waited is printed, never judged.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::io::Read as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use sanbang::api::pb;
use sanbang::api::pb::drive_command::Command;
use sanbang::api::pb::event_service_client::EventServiceClient;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use sanbang::model::limits;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt;

use super::api_fixture::{by, comment, fields, sources, text};
use super::program::{Place, Server};

/// Instances that the commands are for.
const INSTANCES: usize = 64;
/// Connections of the load of commands, and commands at once on each.
const CONNECTIONS: usize = 12;
const AT_ONCE: usize = 700;
/// A server that is asked to stop has ended by then.
const STOP_MAX: Duration = Duration::from_secs(10);
/// One overload at a time: the clients of another one would starve those of this one.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// What a server may need at most under any of this. Four thousand readers that do not read take
/// most of it: what one message of each holds until it can be sent, and the window of the
/// connection before it, some 260 KiB each. The allocator keeps as much again of what it had once.
const MEMORY_KIB_MAX: u64 = 2 * 1024 * 1024;

fn start(directory: &Path) -> Server {
    let config = directory.join("config");
    for (path, text) in &sources().files {
        let path = config.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.as_bytes()).unwrap();
    }
    let data = directory.join("data");
    Server::start(Place {
        data: &data,
        config: Some(&config),
        clock: "simulated@2025-01-06T09:00Z",
    })
}

/// A connection that takes as little as possible before somebody reads.
async fn connect(server: &Server) -> Channel {
    let endpoint = Endpoint::from_shared(server.url()).unwrap();
    let endpoint = endpoint.initial_connection_window_size(65_535);
    endpoint.initial_stream_window_size(65_535).connect().await.unwrap()
}

async fn create_all(channel: &Channel) {
    for at in 0..INSTANCES {
        let request = pb::InstanceServiceCreateRequest {
            instance: format!("p-{at}"),
            workflow: "permit".to_owned(),
            fields: Some(fields(&[("applicant", text("Ann Ltd"))])),
            steward: "anna".to_owned(),
            ..Default::default()
        };
        InstanceServiceClient::new(channel.clone()).create(by("anna", request)).await.unwrap();
    }
}

async fn say(channel: &Channel, instance: usize, words: &str) -> Result<u64, Status> {
    let request = by("anna", comment(&format!("p-{instance}"), "", words));
    let said = TaskServiceClient::new(channel.clone()).comment(request).await?;
    Ok(said.into_inner().accepted.unwrap().revision)
}

/// How many commands all instances have accepted beside their creation.
async fn accepted_in_all(channel: &Channel) -> u64 {
    let mut accepted = 0;
    for at in 0..INSTANCES {
        let request = pb::InstanceServiceGetRequest { instance: format!("p-{at}") };
        let got = InstanceServiceClient::new(channel.clone()).get(by("anna", request)).await;
        accepted += got.unwrap().into_inner().instance.unwrap().revision - 1;
    }
    accepted
}

/// A refusal of the surplus says so, and when to try again.
fn assert_surplus(status: &Status) {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.as_str());
    let retry = details.retry_info().and_then(|info| info.retry_delay);
    let told = (status.code(), reason, retry.is_some());
    assert_eq!(told, (Code::ResourceExhausted, Some("OVERLOADED"), true), "{status:?}");
}

#[derive(Default)]
struct Tally {
    waited: Vec<Duration>,
    refused: u64,
}

/// One of many who ask again and again without a pause.
async fn insist(channel: Channel, first: usize, until: Instant) -> Tally {
    let mut tally = Tally::default();
    let mut at = first;
    while Instant::now() < until {
        at += 1;
        let begun = Instant::now();
        match say(&channel, at % INSTANCES, "and again").await {
            Ok(_) => tally.waited.push(begun.elapsed()),
            Err(status) => {
                assert_surplus(&status);
                tally.refused += 1;
            }
        }
    }
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_beyond_what_it_can_take_are_refused_and_the_others_decided() {
    let _alone = ALONE.lock().await;
    let seconds = std::env::var("SANBANG_OVERLOAD_SECONDS").ok();
    let seconds: u64 = seconds.map_or(2, |text| text.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path());
    let honest = connect(&server).await;
    create_all(&honest).await;

    let until = Instant::now() + Duration::from_secs(seconds);
    let mut load = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let channel = Endpoint::from_shared(server.url()).unwrap().connect().await.unwrap();
        for at in 0..AT_ONCE {
            load.spawn(insist(channel.clone(), connection * AT_ONCE + at, until));
        }
    }
    let tallies = load.join_all().await;
    let refused: u64 = tallies.iter().map(|tally| tally.refused).sum();
    let mut waited: Vec<Duration> = tallies.into_iter().flat_map(|tally| tally.waited).collect();
    waited.sort();
    let memory = server.kernel_figure("VmHWM");
    println!(
        "{seconds} s, {} at once: {} admitted (p50 {:?}, p99 {:?}), \
         {refused} refused, {memory} KiB",
        CONNECTIONS * AT_ONCE,
        waited.len(),
        waited[waited.len() / 2],
        waited[waited.len() * 99 / 100],
    );
    assert!(refused > 0, "it could take all of it: this is no overload");
    assert!(memory < MEMORY_KIB_MAX, "{memory} KiB");

    let accepted = accepted_in_all(&honest).await;
    assert_eq!(accepted, waited.len() as u64, "what was accepted is what was answered so");
    say(&honest, 0, "quiet again").await.unwrap();
    assert_eq!(server.stop_within(STOP_MAX), Some(0), "{}", server.log());
}

/// Streams that are opened and never read, until one too many is refused.
async fn open_streams(server: &Server) -> Vec<Streaming<pb::EventServiceSubscribeResponse>> {
    let mut open = Vec::new();
    let mut refused = 0;
    while refused < 100 {
        let channel = connect(server).await;
        let mut opening = JoinSet::new();
        for at in 0..1000 {
            let mut client = EventServiceClient::new(channel.clone());
            // Half of them begin with much to be told.
            let from = if at % 2 == 0 { pb::StartAt::Beginning } else { pb::StartAt::Now };
            let request =
                pb::EventServiceSubscribeRequest { start_at: from.into(), ..Default::default() };
            opening.spawn(async move { client.subscribe(by("anna", request)).await });
        }
        for opened in opening.join_all().await {
            match opened {
                Ok(stream) => open.push(stream.into_inner()),
                Err(status) => {
                    assert_surplus(&status);
                    refused += 1;
                }
            }
        }
    }
    open
}

/// Commands that come without end on a stream whose answers nobody reads.
async fn drive_blindly(channel: Channel) -> Streaming<pb::InstanceServiceDriveResponse> {
    let (commands, sent) = mpsc::channel(1);
    let mut request = Request::new(ReceiverStream::new(sent));
    request.metadata_mut().insert("sanbang-actor", "anna".parse().unwrap());
    let answers = InstanceServiceClient::new(channel).drive(request).await.unwrap().into_inner();
    tokio::spawn(async move {
        for at in 0.. {
            let instance = format!("p-{}", at % INSTANCES);
            let command = Command::Comment(comment(&instance, "", "who listens?"));
            let command = pb::DriveCommand { command: Some(command), ..Default::default() };
            let message = pb::InstanceServiceDriveRequest { commands: vec![command; 10] };
            if commands.send(message).await.is_err() {
                return;
            }
        }
    });
    answers
}

/// The head of a request, of which the rest never comes.
async fn send_half(channel: Channel) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let path = http::uri::PathAndQuery::from_static("/sanbang.v1.TaskService/Comment");
    let codec = tonic_prost::ProstCodec::<_, pb::TaskServiceCommentResponse>::default();
    let nothing = tokio_stream::pending::<pb::TaskServiceCommentRequest>();
    client.client_streaming(by("anna", nothing), path, codec).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_every_bad_kind_neither_fill_it_nor_keep_it() {
    let _alone = ALONE.lock().await;
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path());
    let honest = connect(&server).await;
    create_all(&honest).await;
    let long = "long words ".repeat(700);
    let mut much = JoinSet::new();
    for at in 0..150 {
        let (channel, words) = (honest.clone(), long.clone());
        much.spawn(async move { say(&channel, at % INSTANCES, &words).await.unwrap() });
    }
    much.join_all().await;
    let address = server.url().trim_start_matches("http://").to_owned();
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(&address).unwrap()).collect();

    let mut blind = Vec::new();
    for _ in 0..4 {
        blind.push(drive_blindly(connect(&server).await).await);
    }
    let streams = open_streams(&server).await;
    assert_eq!(streams.len() + blind.len(), limits::STREAMS_MAX, "as many as there are places");
    let channel = connect(&server).await;
    let mut halves = JoinSet::new();
    for _ in 0..300 {
        halves.spawn(send_half(channel.clone()));
    }
    let boundless = "x".repeat(4 * limits::MESSAGE_BYTES_MAX);
    let mut oversized = JoinSet::new();
    for at in 0..40 {
        let (channel, words) = (channel.clone(), boundless.clone());
        oversized.spawn(async move { say(&channel, at % INSTANCES, &words).await });
    }
    for refused in oversized.join_all().await {
        assert_eq!(refused.unwrap_err().code(), Code::OutOfRange);
    }

    // Meanwhile whoever behaves is served; where the blind have filled a mailbox, after a retry.
    let mut said = 0;
    while said < 3 {
        match say(&honest, 1, &long).await {
            Ok(_) => said += 1,
            Err(status) => assert_surplus(&status),
        }
    }
    let memory = server.kernel_figure("VmHWM");
    println!("{} streams that nobody reads: {memory} KiB", streams.len());
    assert!(memory < MEMORY_KIB_MAX, "{memory} KiB");

    let told = tokio::task::spawn_blocking(move || {
        silent.into_iter().all(|mut silent| matches!(silent.read(&mut [0; 64]), Ok(_) | Err(_)))
    });
    assert!(told.await.unwrap(), "who says nothing is let go");
    let stopped = tokio::task::spawn_blocking(move || (server.stop_within(STOP_MAX), server.log()));
    let (status, log) = stopped.await.unwrap();
    assert_eq!(status, Some(0), "with all of them connected\n{log}");
    drop((blind, halves, streams));

    let server = start(directory.path());
    let channel = connect(&server).await;
    let request = pb::InstanceServiceGetRequest { instance: "p-1".to_owned() };
    let got = InstanceServiceClient::new(channel).get(by("anna", request)).await.unwrap();
    assert!(got.into_inner().instance.unwrap().revision > said, "what was answered is there");
}
