//! `InstanceService.Drive`: commands and answers as two streams, many under way at once.
//!
//! One state machine per stream, polled by whoever sends its answers: no task and no channel per
//! command. It takes commands while there is room, offers them to the workers in bulk, and puts
//! what became ready meanwhile into one message. Decides nothing: each command goes the way of its
//! own call, from the same decoder to the same status.

use std::collections::VecDeque;
use std::future::Future;
use std::mem::replace;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use slab::Slab;
use tokio_stream::Stream;
use tonic::metadata::MetadataMap;
use tonic::{Status, Streaming};
use tracing::Span;

use crate::engine::Rejection;
use crate::model::actor::Actor;
use crate::model::id::InstanceId;
use crate::model::limits;
use crate::runtime::{Catalog, FeedError, Outcome, Pipeline, SubmitError};

use super::edge::{self, Edge};
use super::from_proto::envelope::Asked;
use super::pb::drive_answer::Outcome as Told;
use super::pb::drive_command::Command;
use super::{auth, pb, status};

type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The answers of one stream of commands.
pub(super) struct Driving {
    edge: Edge,
    acting: Acting,
    commands: Streaming<pb::InstanceServiceDriveRequest>,
    /// What is left of the last message.
    unread: IntoIter<pb::DriveCommand>,
    reading: Reading,
    stopping: Waiting<()>,
    pipeline: Pipeline,
    /// The commands under way, by the numbers under which they were asked.
    under_way: Slab<UnderWay>,
    outcomes: IntoIter<(u64, Outcome)>,
    telling: Option<(usize, Waiting<Status>)>,
    answers: VecDeque<pb::DriveAnswer>,
}

/// Whether more commands may come.
enum Reading {
    On,
    /// The client has said all.
    Ended,
    /// The stream ends with this once everything is answered.
    Failed(Status),
    /// It was told how the stream ended.
    Told,
}

/// A command under way.
struct UnderWay {
    correlation: u64,
    span: Span,
    instance: InstanceId,
    expected_revision: Option<u64>,
}

/// For whom the stream's commands are.
struct Acting {
    metadata: MetadataMap,
    catalog: Arc<Catalog>,
    /// Who the last command was for: mostly the next one's too.
    last: Option<(String, Actor)>,
}

impl Acting {
    /// Looks at what administrators wrote meanwhile: a member who is gone acts no more.
    fn refresh(&mut self, catalog: Arc<Catalog>) {
        if !Arc::ptr_eq(&self.catalog, &catalog) {
            self.catalog = catalog;
            self.last = None;
        }
    }

    fn actor(&mut self, on_behalf_of: &str) -> Result<Actor, Status> {
        if let Some((_, actor)) = self.last.as_ref().filter(|(name, _)| name == on_behalf_of) {
            return Ok(actor.clone());
        }
        let organization = self.catalog.organization();
        let actor = auth::commander_for(&self.metadata, on_behalf_of, organization)?;
        self.last = Some((on_behalf_of.to_owned(), actor.clone()));
        Ok(actor)
    }
}

/// Does the same with the request of whichever command it is.
macro_rules! with_request {
    ($command:expr, |$request:ident| $done:expr) => {
        match $command {
            Command::Create($request) => $done,
            Command::Advance($request) => $done,
            Command::Return($request) => $done,
            Command::Suspend($request) => $done,
            Command::Resume($request) => $done,
            Command::Terminate($request) => $done,
            Command::OpenStage($request) => $done,
            Command::UpdateFields($request) => $done,
            Command::LogActivity($request) => $done,
            Command::Reassign($request) => $done,
            Command::SetBackups($request) => $done,
            Command::Claim($request) => $done,
            Command::Release($request) => $done,
            Command::Complete($request) => $done,
            Command::Redo($request) => $done,
            Command::Check($request) => $done,
            Command::Comment($request) => $done,
            Command::Delegate($request) => $done,
            Command::Object($request) => $done,
            Command::DecideObjection($request) => $done,
            Command::RequestSupplement($request) => $done,
            Command::Supply($request) => $done,
            Command::RequestExtension($request) => $done,
            Command::DecideExtension($request) => $done,
            Command::Acknowledge($request) => $done,
            Command::Link($request) => $done,
            Command::Unlink($request) => $done,
            Command::Revive($request) => $done,
        }
    };
}

impl Driving {
    /// Begins to take commands of whoever the metadata name.
    pub(super) fn new(
        edge: Edge,
        metadata: MetadataMap,
        commands: Streaming<pb::InstanceServiceDriveRequest>,
    ) -> Self {
        let mut stopping = edge.stopping.clone();
        let stopping = Box::pin(async move {
            // An error: the server is gone already.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        });
        Self {
            acting: Acting { metadata, catalog: edge.handle.catalog(), last: None },
            commands,
            unread: Vec::new().into_iter(),
            reading: Reading::On,
            stopping,
            pipeline: edge.handle.pipeline(),
            under_way: Slab::new(),
            outcomes: Vec::new().into_iter(),
            telling: None,
            answers: VecDeque::new(),
            edge,
        }
    }

    /// Takes commands while there are any and there is room for them.
    fn read(&mut self, cx: &mut Context<'_>) {
        while let Reading::On = self.reading {
            if self.stopping.as_mut().poll(cx).is_ready() {
                self.reading = Reading::Failed(status::feed(&FeedError::Draining));
                return;
            }
            while self.under_way.len() + self.answers.len() < limits::DRIVE_COMMANDS_MAX {
                let Some(command) = self.unread.next() else { break };
                self.take(command);
            }
            if self.unread.len() > 0 {
                return;
            }
            match Pin::new(&mut self.commands).poll_next(cx) {
                Poll::Ready(Some(Ok(message))) => {
                    self.acting.refresh(self.edge.handle.catalog());
                    self.unread = message.commands.into_iter();
                }
                Poll::Ready(Some(Err(status))) => self.reading = Reading::Failed(status),
                Poll::Ready(None) => self.reading = Reading::Ended,
                Poll::Pending => return,
            }
        }
    }

    fn take(&mut self, command: pb::DriveCommand) {
        let pb::DriveCommand { correlation, on_behalf_of, command } = command;
        let Some(command) = command else {
            return self.tell_failure(correlation, &status::no_command());
        };
        let actor = match self.acting.actor(&on_behalf_of) {
            Ok(actor) => actor,
            Err(status) => return self.tell_failure(correlation, &status),
        };
        let span = with_request!(&command, |request| edge::span_of(request, &actor));
        let asked = span.in_scope(|| {
            with_request!(command, |request| edge::asked(&self.acting.catalog, actor, request))
        });
        match asked {
            Ok(Asked { instance, expected_revision, wished }) => {
                let named = instance.clone();
                let under_way = UnderWay { correlation, span, instance, expected_revision };
                let number = self.under_way.insert(under_way);
                self.pipeline.command(number as u64, named, wished);
            }
            Err(status) => self.tell_failure(correlation, &status),
        }
    }

    /// Works off what has come.
    fn hear(&mut self, cx: &mut Context<'_>) {
        loop {
            if let Some((number, telling)) = &mut self.telling {
                let Poll::Ready(status) = telling.as_mut().poll(cx) else { return };
                let number = *number;
                self.telling = None;
                let asked = self.under_way.remove(number);
                self.tell_failure(asked.correlation, &status);
            }
            match self.outcomes.next() {
                Some((number, outcome)) => self.answered(number, outcome),
                None => match self.pipeline.poll_outcomes(cx) {
                    Poll::Ready(outcomes) => self.outcomes = outcomes.into_iter(),
                    Poll::Pending => return,
                },
            }
        }
    }

    fn answered(&mut self, number: u64, answer: Outcome) {
        let number = usize::try_from(number).expect("it was made from such a number");
        let asked = &self.under_way[number];
        edge::log(&asked.span, &asked.instance, &answer);
        if let Err(SubmitError::Rejected(rejection @ Rejection::StaleRevision { .. })) = answer {
            // It is told with what happened since, which is read; those behind it wait for it.
            let (edge, instance) = (self.edge.clone(), asked.instance.clone());
            let expected = asked.expected_revision;
            let telling = async move { edge.refusal(&rejection, &instance, expected).await };
            self.telling = Some((number, Box::pin(telling)));
            return;
        }
        let UnderWay { correlation, instance, .. } = self.under_way.remove(number);
        match answer {
            Ok(answer) => self.tell(correlation, Told::Accepted(edge::accepted(&answer))),
            Err(error) => self.tell_failure(correlation, &status::not_served(&error, &instance)),
        }
    }

    fn tell(&mut self, correlation: u64, outcome: Told) {
        self.answers.push_back(pb::DriveAnswer { correlation, outcome: Some(outcome) });
    }

    fn tell_failure(&mut self, correlation: u64, status: &Status) {
        self.tell(correlation, Told::Failure(status::failure(status)));
    }
}

impl Stream for Driving {
    type Item = Result<pb::InstanceServiceDriveResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let driving = &mut *self;
        driving.read(cx);
        driving.pipeline.flush();
        driving.hear(cx);
        if !driving.answers.is_empty() {
            let count = driving.answers.len().min(limits::DRIVE_ANSWERS_MAX);
            let answers = driving.answers.drain(..count).collect();
            return Poll::Ready(Some(Ok(pb::InstanceServiceDriveResponse { answers })));
        }
        if !driving.under_way.is_empty() {
            return Poll::Pending;
        }
        match replace(&mut driving.reading, Reading::Told) {
            Reading::On => {
                driving.reading = Reading::On;
                Poll::Pending
            }
            Reading::Failed(status) => Poll::Ready(Some(Err(status))),
            Reading::Ended | Reading::Told => Poll::Ready(None),
        }
    }
}
