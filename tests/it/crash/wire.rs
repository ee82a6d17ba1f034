//! The wire: what a client sends as the calls of the API, and what comes back as what was told.
//! Knows neither who wants what nor what is right.

use prost::Message as _;
use prost_types::Timestamp;
use sanbang::api::pb;
use sanbang::api::pb::admin_service_client::AdminServiceClient;
use sanbang::api::pb::drive_answer::Outcome;
use sanbang::api::pb::drive_command::Command;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

use super::super::api_fixture::{by, fields, text};
use super::journal::{Sent, Told, What};

/// Sends one thing by its own call and tells what was answered.
pub(crate) async fn send(channel: &Channel, sent: &Sent) -> Told {
    let mut instances = InstanceServiceClient::new(channel.clone());
    let mut tasks = TaskServiceClient::new(channel.clone());
    match sent.what {
        What::Create => {
            let answer = instances.create(by("anna", create(sent))).await;
            command(answer, |response| response.accepted)
        }
        What::Comment => {
            let answer = tasks.comment(by("anna", comment(sent))).await;
            command(answer, |response| response.accepted)
        }
        What::SetTopic { expected } => {
            let answer = instances.update_fields(by("anna", set_topic(sent, expected))).await;
            command(answer, |response| response.accepted)
        }
        What::Complete => {
            let answer = tasks.complete(by("anna", complete(sent))).await;
            command(answer, |response| response.accepted)
        }
        What::Advance => {
            let answer = instances.advance(by("chief", advance(sent))).await;
            command(answer, |response| response.accepted)
        }
        What::Look => look(&mut instances, sent.instance.clone()).await,
        What::MoveClock { to } => move_clock(channel, to).await,
    }
}

/// The same command for a stream, with the number by which its answer is found.
pub(crate) fn drive_command(sent: &Sent, correlation: u64) -> pb::DriveCommand {
    let command = match sent.what {
        What::Create => Command::Create(create(sent)),
        What::Comment => Command::Comment(comment(sent)),
        What::SetTopic { expected } => Command::UpdateFields(set_topic(sent, expected)),
        What::Complete => Command::Complete(complete(sent)),
        What::Advance => Command::Advance(advance(sent)),
        What::Look | What::MoveClock { .. } => panic!("a stream does not carry {sent:?}"),
    };
    let on_behalf_of = String::new();
    pb::DriveCommand { correlation, on_behalf_of, command: Some(command) }
}

/// What a stream answered.
pub(crate) fn answered(answer: pb::DriveAnswer) -> Told {
    match answer.outcome.expect("an answer has an outcome") {
        Outcome::Accepted(accepted) => told(accepted),
        Outcome::Failure(failure) => {
            // Its form on the wire is that of a status.
            let details = failure.encode_to_vec().into();
            refused(&Status::with_details(Code::from(failure.code), failure.message, details))
        }
    }
}

fn create(sent: &Sent) -> pb::InstanceServiceCreateRequest {
    pb::InstanceServiceCreateRequest {
        with_similar: false,
        instance: sent.instance.clone(),
        request_id: sent.id.clone(),
        workflow: "errand".to_owned(),
        fields: Some(fields(&[("topic", text(&sent.id))])),
        steward: "anna".to_owned(),
    }
}

fn comment(sent: &Sent) -> pb::TaskServiceCommentRequest {
    pb::TaskServiceCommentRequest {
        instance: sent.instance.clone(),
        request_id: sent.id.clone(),
        text: sent.id.clone(),
        ..Default::default()
    }
}

fn set_topic(sent: &Sent, expected: Option<u64>) -> pb::InstanceServiceUpdateFieldsRequest {
    pb::InstanceServiceUpdateFieldsRequest {
        instance: sent.instance.clone(),
        request_id: sent.id.clone(),
        expected_revision: expected,
        changes: Some(fields(&[("topic", text(&sent.id))])),
        ..Default::default()
    }
}

fn complete(sent: &Sent) -> pb::TaskServiceCompleteRequest {
    pb::TaskServiceCompleteRequest {
        instance: sent.instance.clone(),
        request_id: sent.id.clone(),
        task: 1,
        comment: sent.id.clone(),
        ..Default::default()
    }
}

fn advance(sent: &Sent) -> pb::InstanceServiceAdvanceRequest {
    pb::InstanceServiceAdvanceRequest {
        instance: sent.instance.clone(),
        request_id: sent.id.clone(),
        comment: sent.id.clone(),
        ..Default::default()
    }
}

async fn look(instances: &mut InstanceServiceClient<Channel>, instance: String) -> Told {
    let request = pb::InstanceServiceGetRequest { instance };
    match instances.get(by("anna", request)).await {
        Ok(response) => Told::Shown(response.into_inner().instance.map(Box::new)),
        Err(status) if status.code() == Code::NotFound => Told::Shown(None),
        Err(status) => refused(&status),
    }
}

async fn move_clock(channel: &Channel, to: i64) -> Told {
    let nanos = i32::try_from(to.rem_euclid(1000) * 1_000_000).expect("less than a second");
    let to = Timestamp { seconds: to.div_euclid(1000), nanos };
    let request = pb::AdminServiceAdvanceClockRequest { to: Some(to) };
    match AdminServiceClient::new(channel.clone()).advance_clock(by("chief", request)).await {
        Ok(response) => Told::Clock(at(response.into_inner().now.as_ref())),
        Err(status) => refused(&status),
    }
}

/// Where the server's clock stands; none: the server is gone.
pub(crate) async fn clock(channel: &Channel) -> Option<i64> {
    let request = by("chief", pb::AdminServiceInfoRequest {});
    let info = AdminServiceClient::new(channel.clone()).info(request).await.ok()?.into_inner();
    Some(at(info.now.as_ref()))
}

fn command<T>(
    answer: Result<Response<T>, Status>,
    accepted: impl FnOnce(T) -> Option<pb::Accepted>,
) -> Told {
    match answer {
        Ok(response) => told(accepted(response.into_inner()).expect("an answer has an outcome")),
        Err(status) => refused(&status),
    }
}

fn told(accepted: pb::Accepted) -> Told {
    Told::Accepted { revision: accepted.revision, kinds: accepted.event_kinds }
}

fn refused(status: &Status) -> Told {
    let details = status.get_error_details();
    let info = details.error_info();
    let reason = info.map(|info| info.reason.clone()).unwrap_or_default();
    // Whoever says INTERNAL is there, and has a defect.
    if is_lost(status) && reason != "INTERNAL" {
        return Told::Nothing;
    }
    let actual = info.and_then(|info| info.metadata.get("actual")?.parse().ok());
    Told::Refused { reason, actual }
}

/// The server was gone before it answered, or does not know what came of it.
pub(crate) fn is_lost(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal)
}

/// An instant in milliseconds since 1970; what is absent is long ago.
pub(crate) fn at(instant: Option<&Timestamp>) -> i64 {
    instant.map_or(i64::MIN, |at| at.seconds * 1000 + i64::from(at.nanos) / 1_000_000)
}
