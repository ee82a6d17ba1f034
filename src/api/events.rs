//! `EventService`, and watching one instance. A slow reader makes its own stream wait, and only
//! that.

use tokio::sync::{mpsc, watch};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::model::id::InstanceId;
use crate::model::limits;
use crate::runtime::{Delivery, FeedError, FeedEvent, Filter, Handle, Start, Subscription};

use super::delivery::{self, Deliveries};
use super::edge::Edge;
use super::pb::deliveries::event_service_server::EventService;
use super::{from_proto, pb, status, to_proto};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl EventService for Edge {
    type SubscribeStream = Deliveries;

    async fn subscribe(
        &self,
        request: Request<pb::EventServiceSubscribeRequest>,
    ) -> Answer<Self::SubscribeStream> {
        self.reader(request.metadata())?;
        let (start, filter) = from_proto::queries::subscription(request.into_inner())
            .map_err(|told| status::invalid(&told))?;
        let subscription = self.handle.subscribe(&start, filter);
        let subscription = subscription.map_err(|error| status::feed(&error))?;
        let stopping = self.stopping.clone();
        let handle = self.handle.clone();
        Ok(Response::new(Deliveries::new(subscription, stopping, handle)))
    }

    async fn list(
        &self,
        request: Request<pb::EventServiceListRequest>,
    ) -> Answer<pb::EventServiceListResponse> {
        self.reader(request.metadata())?;
        let (start, filter, size) = from_proto::queries::events(request.into_inner())
            .map_err(|told| status::invalid(&told))?;
        let page = self.handle.events(start, filter, size).await;
        let page = page.map_err(|error| status::feed(&error))?;
        Ok(Response::new(pb::EventServiceListResponse {
            events: page.events.iter().map(told).collect(),
            next_page_token: page.token,
            end: !page.more,
        }))
    }
}

/// An instance now, and after everything that happens to it.
pub(super) async fn watch(
    edge: &Edge,
    instance: InstanceId,
) -> Result<impl Stream<Item = Result<pb::InstanceServiceWatchResponse, Status>> + use<>, Status> {
    // Subscribed before the first look: what happens in between is told twice rather than never.
    let filter = Filter { instances: vec![instance.clone()], ..Filter::default() };
    let subscription = edge.handle.subscribe(&Start::Now, filter);
    let subscription = subscription.map_err(|error| status::feed(&error))?;
    let subscription = subscription.weighed_by(delivery::weigh);
    let first = look(&edge.handle, &instance, Vec::new()).await?;
    let (queue, stream) = mpsc::channel(limits::STREAM_MESSAGES_MAX);
    let watching = Watching { handle: edge.handle.clone(), instance, subscription };
    tokio::spawn(watching.run(first, queue, edge.stopping.clone()));
    Ok(ReceiverStream::new(stream))
}

struct Watching {
    handle: Handle,
    instance: InstanceId,
    subscription: Subscription,
}

impl Watching {
    async fn run(
        mut self,
        first: pb::InstanceServiceWatchResponse,
        queue: mpsc::Sender<Result<pb::InstanceServiceWatchResponse, Status>>,
        mut stopping: watch::Receiver<bool>,
    ) {
        let mut message = Ok(first);
        loop {
            let ended = message.is_err();
            if queue.send(message).await.is_err() || ended {
                return;
            }
            let events = loop {
                match next(&mut self.subscription, &queue, &mut stopping).await {
                    None => return,
                    Some(Ok(delivery)) if delivery.events.is_empty() => {}
                    Some(Ok(delivery)) => break Ok(delivery.events),
                    Some(Err(error)) => break Err(error),
                }
            };
            message = match events {
                Ok(events) => look(&self.handle, &self.instance, events).await,
                Err(error) => Err(status::feed(&error)),
            };
        }
    }
}

async fn look(
    handle: &Handle,
    instance: &InstanceId,
    events: Vec<FeedEvent>,
) -> Result<pb::InstanceServiceWatchResponse, Status> {
    let view = handle.view(instance).await.map_err(|error| status::read(&error))?;
    let view = view.ok_or_else(|| status::instance_not_found(instance))?;
    Ok(pb::InstanceServiceWatchResponse {
        instance: Some(to_proto::instance::instance(&view.instance)),
        events: events.iter().map(told).collect(),
    })
}

/// The next delivery; none once the reader has left.
async fn next<T>(
    subscription: &mut Subscription,
    queue: &mpsc::Sender<T>,
    stopping: &mut watch::Receiver<bool>,
) -> Option<Result<Delivery, FeedError>> {
    tokio::select! {
        delivery = subscription.next() => Some(delivery),
        _ = stopping.wait_for(|stopping| *stopping) => Some(Err(FeedError::Draining)),
        () = queue.closed() => None,
    }
}

fn told(event: &FeedEvent) -> pb::Event {
    to_proto::event::event(event.partition.0, event.seq.0, &event.record, event.event())
}
