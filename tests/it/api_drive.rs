//! Commands as a stream over a real socket: the same effects and the same refusals as single calls,
//! in order per instance, thousands under way, and nothing lost that was answered.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use sanbang::api::pb;
use sanbang::api::pb::drive_answer::Outcome;
use sanbang::api::pb::drive_command::Command;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Response, Status, Streaming};

use super::api_fixture::*;

/// The client's end of a stream of commands.
struct Drive {
    commands: mpsc::Sender<pb::InstanceServiceDriveRequest>,
    answers: Streaming<pb::InstanceServiceDriveResponse>,
}

impl Drive {
    async fn open(server: &Server, actor: &str) -> Self {
        let (commands, sent) = mpsc::channel(16);
        let mut request = Request::new(ReceiverStream::new(sent));
        request.metadata_mut().insert("sanbang-actor", actor.parse().unwrap());
        let answers = server.instances().drive(request).await.unwrap().into_inner();
        Self { commands, answers }
    }

    async fn send(&self, commands: Vec<pb::DriveCommand>) {
        self.commands.send(pb::InstanceServiceDriveRequest { commands }).await.unwrap();
    }

    /// So many answers, as they come.
    async fn hear(&mut self, count: usize) -> Vec<pb::DriveAnswer> {
        let mut heard = Vec::new();
        while heard.len() < count {
            let next = tokio::time::timeout(Duration::from_mins(1), self.answers.message()).await;
            let message = next.expect("nothing came for a minute").unwrap();
            heard.extend(message.expect("the stream goes on").answers);
        }
        heard
    }

    /// What comes after the client's last command, to the end of the stream.
    async fn end(self) -> (Vec<pb::DriveAnswer>, Result<(), Status>) {
        let Self { commands, mut answers } = self;
        drop(commands);
        let mut heard = Vec::new();
        loop {
            match answers.message().await {
                Ok(Some(message)) => heard.extend(message.answers),
                Ok(None) => return (heard, Ok(())),
                Err(status) => return (heard, Err(status)),
            }
        }
    }
}

fn numbered(correlation: u64, command: Command) -> pb::DriveCommand {
    pb::DriveCommand { correlation, command: Some(command), ..Default::default() }
}

fn saying(instance: &str, request_id: &str, words: &str) -> Command {
    Command::Comment(comment(instance, request_id, words))
}

/// An answer as the single call would have given it.
fn as_called(answer: pb::DriveAnswer) -> Result<pb::Accepted, Status> {
    match answer.outcome.expect("every answer has an outcome") {
        Outcome::Accepted(accepted) => Ok(accepted),
        Outcome::Failure(failure) => {
            let details = failure.encode_to_vec().into();
            Err(Status::with_details(Code::from(failure.code), failure.message, details))
        }
    }
}

fn revisions(answers: Vec<pb::DriveAnswer>) -> Vec<u64> {
    answers.into_iter().map(|answer| as_called(answer).unwrap().revision).collect()
}

/// What was said about an instance, in order.
async fn said(server: &Server, instance: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::InstanceServiceHistoryRequest {
            instance: instance.to_owned(),
            page_size: 1000,
            page_token,
        };
        let page = server.instances().history(by("anna", request)).await.unwrap().into_inner();
        words.extend(page.events.into_iter().filter_map(|event| match event.payload {
            Some(pb::event::Payload::CommentAdded(comment)) => Some(comment.text),
            _ => None,
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            words.reverse();
            return words;
        }
    }
}

#[tokio::test]
async fn a_whole_stage_is_driven_without_waiting_for_an_answer() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let mut drive = Drive::open(&server, "anna").await;
    let instance = || "p-1".to_owned();
    // Each rests on the one before: the values of the third are declared by what the first begins.
    let commands = vec![
        Command::Create(pb::InstanceServiceCreateRequest {
            instance: instance(),
            workflow: "permit".to_owned(),
            fields: Some(fields(&[("applicant", text("Ann Ltd"))])),
            steward: "anna".to_owned(),
            ..Default::default()
        }),
        Command::Check(pb::TaskServiceCheckRequest {
            instance: instance(),
            task: 1,
            item: "seal".to_owned(),
            checked: true,
            ..Default::default()
        }),
        Command::Complete(pb::TaskServiceCompleteRequest {
            instance: instance(),
            task: 1,
            outcome: "complete".to_owned(),
            form: Some(fields(&[("pages", number(12.0))])),
            changes: Some(fields(&[("area", number(80.5))])),
            ..Default::default()
        }),
        saying("p-1", "", "behind one that waits for a look"),
        Command::UpdateFields(pb::InstanceServiceUpdateFieldsRequest {
            instance: instance(),
            changes: Some(fields(&[("plots", number(3.0))])),
            ..Default::default()
        }),
        Command::Advance(pb::InstanceServiceAdvanceRequest {
            instance: instance(),
            ..Default::default()
        }),
    ];
    let commands: Vec<_> = (1..).zip(commands).map(|(at, each)| numbered(at, each)).collect();
    let count = commands.len();
    drive.send(commands).await;
    let lines: Vec<String> = drive
        .hear(count)
        .await
        .into_iter()
        .map(|answer| {
            let correlation = answer.correlation;
            let accepted = as_called(answer).unwrap();
            format!("{correlation} -> {}: {}", accepted.revision, accepted.event_kinds.join(" "))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    let (rest, end) = drive.end().await;
    assert!(rest.is_empty() && end.is_ok(), "{rest:?} {end:?}");
    server.stop().await;
}

#[tokio::test]
async fn thousands_under_way_are_decided_in_order() {
    const INSTANCES: u64 = 20;
    const EACH: u64 = 250;
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    for at in 0..INSTANCES {
        server.create(&format!("p-{at}"), "Ann Ltd").await;
    }
    let mut drive = Drive::open(&server, "anna").await;
    let all: Vec<_> = (0..INSTANCES * EACH)
        .map(|at| numbered(at, saying(&format!("p-{}", at % INSTANCES), "", &at.to_string())))
        .collect();
    // Of every size: single commands, and more in one message than may be under way.
    let (first, rest) = all.split_at(100);
    let sending = drive.commands.clone();
    let messages: Vec<_> = first.chunks(1).chain(rest.chunks(1500)).map(<[_]>::to_vec).collect();
    let sent = tokio::spawn(async move {
        for commands in messages {
            sending.send(pb::InstanceServiceDriveRequest { commands }).await.unwrap();
        }
    });
    let heard = drive.hear(all.len()).await;
    sent.await.unwrap();
    let mut last: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for answer in heard {
        let correlation = answer.correlation;
        let accepted = as_called(answer).unwrap();
        let before = last.insert(accepted.instance.clone(), (correlation, accepted.revision));
        let (number, revision) = before.unwrap_or((0, 1));
        assert!(accepted.revision == revision + 1 && correlation >= number, "{accepted:?}");
    }
    assert_eq!(last.len() as u64, INSTANCES);
    for at in 0..INSTANCES {
        let expected: Vec<String> =
            (0..EACH).map(|each| (each * INSTANCES + at).to_string()).collect();
        assert_eq!(said(&server, &format!("p-{at}")).await, expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_repeat_has_one_effect_whichever_way_it_comes() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let mut drive = Drive::open(&server, "anna").await;
    let commands = vec![
        numbered(1, saying("p-1", "r-1", "once")),
        numbered(2, saying("p-1", "r-1", "once")),
        numbered(3, saying("p-1", "r-1", "otherwise")),
    ];
    drive.send(commands).await;
    let mut heard = drive.hear(3).await;
    let reused = heard.pop().unwrap();
    assert_eq!(revisions(heard), [2, 2]);
    let called = server.tasks().comment(by("anna", comment("p-1", "r-1", "once"))).await.unwrap();
    assert_eq!(called.into_inner().accepted.unwrap().revision, 2);
    let refused = as_called(reused).map(Response::new);
    assert_eq!(refusal(refused), "InvalidArgument REQUEST_ID_REUSED");
    assert_eq!(said(&server, "p-1").await, ["once"]);
    drop(drive);
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_tells_what_its_own_call_would_tell() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    server.comment("p-1", "so that a revision is stale").await;
    let mut drive = Drive::open(&server, "anna").await;

    let advance =
        pb::InstanceServiceAdvanceRequest { instance: "p-1".to_owned(), ..Default::default() };
    let stale = pb::TaskServiceCommentRequest {
        expected_revision: Some(1),
        ..comment("p-1", "", "too late")
    };
    let malformed = pb::TaskServiceCommentRequest { task: 1, ..comment("no instance", "", " ") };
    let complete = pb::TaskServiceCompleteRequest {
        instance: "p-1".to_owned(),
        task: 1,
        outcome: "complete".to_owned(),
        form: Some(fields(&[("pages", text("many")), ("colour", text("blue"))])),
        ..Default::default()
    };
    let mut tasks = server.tasks();
    let called = [
        told(server.instances().advance(by("anna", advance.clone())).await),
        told(tasks.comment(by("anna", stale.clone())).await),
        told(tasks.comment(by("anna", malformed.clone())).await),
        told(tasks.complete(by("anna", complete.clone())).await),
        told(tasks.comment(by("anna", comment("p-2", "", "nobody here"))).await),
    ];
    let commands = [
        Command::Advance(advance),
        Command::Comment(stale),
        Command::Comment(malformed),
        Command::Complete(complete),
        saying("p-2", "", "nobody here"),
    ];
    drive.send((0..).zip(commands).map(|(at, each)| numbered(at, each)).collect()).await;
    let mut heard = drive.hear(called.len()).await;
    heard.sort_by_key(|answer| answer.correlation);
    let driven: Vec<String> =
        heard.into_iter().map(|answer| told(as_called(answer).map(Response::new))).collect();
    assert_eq!(driven, called);

    drive.send(vec![pb::DriveCommand { correlation: 9, ..Default::default() }]).await;
    let nothing = drive.hear(1).await.remove(0);
    insta::assert_snapshot!(told(as_called(nothing).map(Response::new)));
    drop(drive);
    server.stop().await;
}

#[tokio::test]
async fn a_service_acts_for_one_member_after_the_other() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let mut drive = Drive::open(&server, "portal").await;
    let acting = ["anna", "chief", "", "nobody"];
    let commands = (0..).zip(acting).map(|(at, member)| pb::DriveCommand {
        on_behalf_of: member.to_owned(),
        ..numbered(at, saying("p-1", "", member))
    });
    drive.send(commands.collect()).await;
    let mut heard = drive.hear(acting.len()).await;
    heard.sort_by_key(|answer| answer.correlation);
    let outcomes: Vec<String> =
        heard.into_iter().map(|answer| refusal(as_called(answer).map(Response::new))).collect();
    let expected =
        ["accepted", "accepted", "PermissionDenied MEMBER_NEEDED", "Unauthenticated ACTOR_UNKNOWN"];
    assert_eq!(outcomes, expected);
    assert_eq!(said(&server, "p-1").await, ["anna", "chief"]);

    let mut unknown = Request::new(tokio_stream::empty());
    let nobody = MetadataValue::from_static("nobody");
    unknown.metadata_mut().insert("sanbang-actor", nobody);
    let refused = server.instances().drive(unknown).await;
    assert_eq!(refusal(refused), "Unauthenticated ACTOR_UNKNOWN");
    drop(drive);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_breaks_off_loses_nothing_that_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    for round in 0..5_u64 {
        let mut drive = Drive::open(&server, "anna").await;
        let commands =
            (0..600).map(|at| numbered(at, saying("p-1", "", &format!("{round}/{at}")))).collect();
        drive.send(commands).await;
        let heard = drive.hear(50).await;
        drop(drive);
        let words = said(&server, "p-1").await;
        for answer in heard {
            let expected = format!("{round}/{}", answer.correlation);
            as_called(answer).unwrap();
            assert!(words.contains(&expected), "{expected} was accepted and is not recorded");
        }
    }
    // The next command of the same instance finds it in order.
    let before = server.get("p-1").await.revision;
    let after = server.comment("p-1", "and on").await.revision;
    assert!(after > before, "{before} {after}");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_answers_what_it_has_decided() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let mut drive = Drive::open(&server, "anna").await;
    let sending = drive.commands.clone();
    // Commands come without end, until the stream takes no more.
    let endless = tokio::spawn(async move {
        for at in 0.. {
            let commands = vec![numbered(at, saying("p-1", "", &at.to_string()))];
            if sending.send(pb::InstanceServiceDriveRequest { commands }).await.is_err() {
                return;
            }
        }
    });
    let mut heard = drive.hear(200).await;
    let (stopped, runtime) = server.begin_to_stop();
    let end = loop {
        match drive.answers.message().await {
            Ok(Some(message)) => heard.extend(message.answers),
            Ok(None) => panic!("the stream ended as if the client had ended it"),
            Err(status) => break status,
        }
    };
    assert_eq!(refusal::<()>(Err(end.clone())), "Unavailable DRAINING", "{end:?}");
    drop(drive);
    endless.await.unwrap();
    stopped.await;
    tokio::task::spawn_blocking(|| runtime.shutdown()).await.unwrap();

    let server = Server::start(directory.path()).await;
    let answered: Vec<String> = heard.iter().map(|answer| answer.correlation.to_string()).collect();
    assert_eq!(said(&server, "p-1").await, answered, "what was decided is what was answered");
    revisions(heard);
    server.stop().await;
}
