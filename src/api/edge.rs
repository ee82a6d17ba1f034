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
use crate::model::command::Action;
use crate::model::id::InstanceId;
use crate::runtime::{Answer, Catalog, Handle, SubmitError, View};

use super::from_proto::envelope::{self, CommandRequest, Wish};
use super::violations::{Violation, Violations};
use super::{auth, pb, status};

use pb::InstanceServiceCreateRequest as Creation;

/// The way from the wire to the runtime.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) handle: Handle,
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
        action: impl FnOnce(&mut Violations, R) -> Action,
    ) -> Result<Option<pb::Accepted>, Status> {
        let actor = self.commander(request.metadata())?;
        let request = request.into_inner();
        let span = span_of(&request, &actor);
        let wish =
            envelope::wish(actor, request, action).map_err(|told| malformed(&span, &told))?;
        self.submit(wish).instrument(span).await
    }

    /// Has a creation decided.
    pub(super) async fn creation(
        &self,
        request: Request<pb::InstanceServiceCreateRequest>,
        action: impl FnOnce(&mut Violations, InstanceId, Creation) -> Action,
    ) -> Result<Option<pb::Accepted>, Status> {
        let actor = self.commander(request.metadata())?;
        let request = request.into_inner();
        let span = span_of(&request, &actor);
        let wish =
            envelope::creation(actor, request, action).map_err(|told| malformed(&span, &told))?;
        self.submit(wish).instrument(span).await
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

    /// What an instance's values are declared as; none where the request names no instance: that is
    /// told when the request is decoded, or by the engine.
    pub(super) async fn look(&self, instance: &str) -> Result<Option<View>, Status> {
        match InstanceId::parse(instance) {
            Ok(id) => self.handle.view(&id).await.map_err(|error| status::read(&error)),
            Err(_) => Ok(None),
        }
    }

    async fn submit(&self, wish: Wish) -> Result<Option<pb::Accepted>, Status> {
        let Wish { instance, command } = wish;
        let expected = command.expected_revision;
        let span = Span::current();
        span.record("instance", instance.as_str());
        match self.handle.submit(instance.clone(), command).await {
            Ok(answer) => {
                accepted_in(&span, &answer);
                Ok(Some(accepted(&answer)))
            }
            Err(SubmitError::Rejected(rejection)) => {
                span.record("outcome", rejection.code());
                tracing::debug!("command refused");
                Err(self.refusal(&rejection, &instance, expected).await)
            }
            Err(error) => {
                span.record("outcome", status::reason_of(&error));
                tracing::debug!("command not served");
                Err(status::not_served(&error, &instance))
            }
        }
    }

    /// A stale revision is told with what has happened since; without it where it cannot be read.
    async fn refusal(
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

fn accepted(answer: &Answer) -> pb::Accepted {
    pb::Accepted {
        instance: answer.instance.to_string(),
        revision: answer.revision,
        event_kinds: answer.kinds.iter().map(|kind| (*kind).to_owned()).collect(),
    }
}

fn span_of<R: CommandRequest>(request: &R, actor: &Actor) -> Span {
    tracing::info_span!(
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

fn accepted_in(span: &Span, answer: &Answer) {
    span.record("workflow", answer.workflow.as_str());
    span.record("outcome", if answer.repeated { "repeated" } else { "accepted" });
    span.record("group_size", answer.group_size);
    let durable_after = u64::try_from(answer.durable_after.as_micros()).unwrap_or(u64::MAX);
    span.record("durable_after_us", durable_after);
    tracing::debug!("command accepted");
}

fn malformed(span: &Span, told: &[Violation]) -> Status {
    span.record("outcome", status::reason::INVALID_REQUEST);
    span.in_scope(|| tracing::debug!("command malformed"));
    status::invalid(told)
}
