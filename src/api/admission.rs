//! Admission: how many calls and streams the server has at once, and how long a request may take to
//! arrive. One too many is refused before anything is read of it.
//!
//! Knows which calls are streams, and nothing else of what is asked.

use std::collections::HashSet;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{Either, Map};
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use prost::{DecodeError, Message as _};
use prost_types::FileDescriptorSet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::model::limits;

use super::{connection, pb, status};

/// A single call whose request has not arrived by then is given up.
const REQUEST_MAX: Duration = Duration::from_secs(30);

/// The places for calls and streams.
#[derive(Clone)]
pub(super) struct Admission {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    /// The paths of the calls that are streams.
    streaming: Arc<HashSet<String>>,
}

impl Admission {
    /// As many places as the limits say.
    pub(super) fn new() -> Result<Self, DecodeError> {
        let mut streaming = HashSet::new();
        let health = tonic_health::pb::FILE_DESCRIPTOR_SET;
        let reflection = tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET;
        let reflection_alpha = tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET;
        for descriptors in [pb::DESCRIPTORS, health, reflection, reflection_alpha] {
            streaming.extend(streams_of(&FileDescriptorSet::decode(descriptors)?));
        }
        Ok(Self {
            calls: Arc::new(Semaphore::new(limits::CALLS_MAX)),
            streams: Arc::new(Semaphore::new(limits::STREAMS_MAX)),
            streaming: Arc::new(streaming),
        })
    }
}

fn streams_of(descriptors: &FileDescriptorSet) -> Vec<String> {
    let mut paths = Vec::new();
    for file in &descriptors.file {
        for service in &file.service {
            let streams = service.method.iter().filter(|method| method.server_streaming());
            let name = format!("/{}.{}", file.package(), service.name());
            paths.extend(streams.map(|method| format!("{name}/{}", method.name())));
        }
    }
    paths
}

impl<S> Layer<S> for Admission {
    type Service = Admitting<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Admitting { admission: self.clone(), inner }
    }
}

/// Services behind an admission.
#[derive(Clone)]
pub(super) struct Admitting<S> {
    admission: Admission,
    inner: S,
}

/// Puts the place of a call into its answer.
type Placing<E> = Box<dyn FnOnce(Result<Response<Body>, E>) -> Result<Response<Placed>, E> + Send>;

impl<S> Service<Request<Body>> for Admitting<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Placed>;
    type Error = S::Error;
    type Future =
        Either<Map<S::Future, Placing<S::Error>>, Ready<Result<Response<Placed>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let streams = self.admission.streaming.contains(request.uri().path());
        let places = if streams { &self.admission.streams } else { &self.admission.calls };
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            let refused = status::too_many(streams).into_http::<Placed>();
            return Either::Right(ready(Ok(refused)));
        };
        let request = if streams { request } else { request.map(Arriving::body) };
        let placing = move |answer: Result<Response<Body>, S::Error>| {
            answer.map(|answer| answer.map(|body| Placed { body, _place: Some(place) }))
        };
        Either::Left(self.inner.call(request).map(Box::new(placing)))
    }
}

/// A body that keeps its place until all of it has left.
#[derive(Default)]
pub(super) struct Placed {
    body: Body,
    _place: Option<OwnedSemaphorePermit>,
}

impl http_body::Body for Placed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The request of a single call, which must arrive in time: half of one would keep its place for
/// as long as its client lives.
struct Arriving {
    body: Body,
    /// Once it had to be waited for.
    until: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    fn body(body: Body) -> Body {
        Body::new(Self { body, until: None })
    }
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let until = self.until.get_or_insert_with(|| Box::pin(connection::pause(REQUEST_MAX)));
        until.as_mut().poll(cx).map(|()| Some(Err(status::request_too_slow())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_which_calls_are_streams() {
        let admission = Admission::new().unwrap();
        let mut streaming: Vec<_> = admission.streaming.iter().cloned().collect();
        streaming.sort();
        insta::assert_snapshot!(streaming.join("\n"), @r"
        /grpc.health.v1.Health/Watch
        /grpc.reflection.v1.ServerReflection/ServerReflectionInfo
        /grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo
        /sanbang.v1.AdminService/Backup
        /sanbang.v1.EventService/Subscribe
        /sanbang.v1.InstanceService/Drive
        /sanbang.v1.InstanceService/Watch
        /sanbang.v1.LedgerService/Export
        /sanbang.v1.OrganizationService/HandOver
        ");
    }
}
