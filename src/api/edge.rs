//! What the handlers of all services share: who acts, one command, one look at an instance.
//!
//! Opens one span per command. Decides nothing.

use std::sync::Arc;

use tokio::sync::watch;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::engine::Rejection;
use crate::model::actor::Actor;
use crate::model::id::InstanceId;
use crate::runtime::{Answer, Catalog, Handle, SubmitError, View};

use super::from_proto::envelope::{self, Asked, CommandRequest};
use super::questions::Questions;
use super::violations::Violations;
use super::{auth, pb, status};

/// The way from the wire to the runtime.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) handle: Handle,
    /// Those about ledgers that are being answered.
    pub(super) questions: Questions,
    /// Turns true when the server stops: streams end then.
    pub(super) stopping: watch::Receiver<bool>,
}

impl Edge {
    /// What administrators wrote, for a caller who may look.
    pub(super) fn catalog(&self, metadata: &MetadataMap) -> Result<Arc<Catalog>, Status> {
        let catalog = self.handle.catalog();
        auth::reader(metadata, catalog.organization())?;
        Ok(catalog)
    }

    /// Who looks.
    pub(super) fn reader(&self, metadata: &MetadataMap) -> Result<Actor, Status> {
        auth::reader(metadata, self.handle.catalog().organization())
    }

    /// Who wants something done.
    pub(super) fn commander(&self, metadata: &MetadataMap) -> Result<Actor, Status> {
        auth::commander(metadata, self.handle.catalog().organization())
    }

    /// Has the command of a request decided.
    pub(super) async fn command<R: CommandRequest>(
        &self,
        request: Request<R>,
    ) -> Result<Option<pb::Accepted>, Status> {
        let actor = self.commander(request.metadata())?;
        let request = request.into_inner();
        let span = span_of(&request, &actor);
        self.decide(actor, request).instrument(span).await.map(Some)
    }

    /// An instance, for a caller who may look.
    pub(super) async fn view(
        &self,
        metadata: &MetadataMap,
        instance: &str,
    ) -> Result<View, Status> {
        self.reader(metadata)?;
        let instance = named("instance", instance)?;
        let view = self.handle.view(&instance).await.map_err(|error| status::read(&error))?;
        view.ok_or_else(|| status::instance_not_found(&instance))
    }

    async fn decide<R: CommandRequest>(
        &self,
        actor: Actor,
        request: R,
    ) -> Result<pb::Accepted, Status> {
        let asked = asked(&self.handle.catalog(), actor, request)?;
        let Asked { instance, expected_revision: expected, wished } = asked;
        let answer = self.handle.submit(instance.clone(), wished).await;
        log(&Span::current(), &instance, &answer);
        match answer {
            Ok(answer) => Ok(accepted(&answer)),
            Err(SubmitError::Rejected(rejection)) => {
                Err(self.refusal(&rejection, &instance, expected).await)
            }
            Err(error) => Err(status::not_served(&error, &instance)),
        }
    }

    /// A stale revision is told with what has happened since; without it where it cannot be read.
    pub(super) async fn refusal(
        &self,
        rejection: &Rejection,
        instance: &InstanceId,
        expected: Option<u64>,
    ) -> Status {
        let since = match (rejection, expected) {
            (Rejection::StaleRevision { .. }, Some(expected)) => {
                self.handle.kinds_since(instance, expected).await.unwrap_or_default()
            }
            _ => Vec::new(),
        };
        status::rejected(rejection, instance.as_str(), &since)
    }
}

/// A name of a request that holds nothing else to be checked.
pub(super) fn named<N: super::violations::Named>(field: &str, text: &str) -> Result<N, Status> {
    let mut found = Violations::default();
    let name = found.name(field, text);
    found.finish(name).map_err(|told| status::invalid(&told))
}

/// What a request asks for, if it is well formed as far as can be seen without its instance. Runs
/// within the span of the command.
pub(super) fn asked<R: CommandRequest>(
    catalog: &Catalog,
    actor: Actor,
    request: R,
) -> Result<Asked, Status> {
    envelope::asked(actor, request, catalog).map_err(|told| {
        Span::current().record("outcome", status::reason::INVALID_REQUEST);
        tracing::debug!("command malformed");
        status::invalid(&told)
    })
}

/// An accepted command.
pub(super) fn accepted(answer: &Answer) -> pb::Accepted {
    pb::Accepted {
        instance: answer.instance.to_string(),
        revision: answer.revision,
        event_kinds: answer.kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        started: answer.started.iter().map(ToString::to_string).collect(),
    }
}

/// The span of a command. It costs nothing unless commands are logged.
pub(super) fn span_of<R: CommandRequest>(request: &R, actor: &Actor) -> Span {
    tracing::debug_span!(
        "command",
        call = R::CALL,
        request_id = request.request_id(),
        actor = %actor,
        instance = Empty,
        workflow = Empty,
        outcome = Empty,
        group_size = Empty,
        durable_after_us = Empty,
    )
}

/// Notes what became of a command.
pub(super) fn log(span: &Span, instance: &InstanceId, answer: &Result<Answer, SubmitError>) {
    if span.is_disabled() {
        return;
    }
    span.record("instance", instance.as_str());
    let message = match answer {
        Ok(answer) => {
            span.record("workflow", answer.workflow.as_str());
            span.record("outcome", if answer.repeated { "repeated" } else { "accepted" });
            span.record("group_size", answer.group_size);
            let durable_after = u64::try_from(answer.durable_after.as_micros()).unwrap_or(u64::MAX);
            span.record("durable_after_us", durable_after);
            "command accepted"
        }
        Err(error) => {
            span.record("outcome", status::reason_of(error));
            match error {
                SubmitError::Rejected(_) => "command refused",
                SubmitError::Malformed(_) => "command malformed",
                _ => "command not served",
            }
        }
    };
    span.in_scope(|| tracing::debug!(message));
}
