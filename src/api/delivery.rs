//! What a subscription sends: events that are encoded once, however many subscribers get them.
//!
//! With a hundred subscribers nearly all work would be telling each of them the same again. Here a
//! record is turned into bytes by whoever needs it first, and a message only strings such bytes
//! together. On the wire it is an `EventServiceSubscribeResponse` like any other; a test holds it
//! to that.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, message};
use tokio::sync::watch;
use tokio_stream::Stream;
use tonic::Status;

use crate::model::event::Record;
use crate::runtime::{Delivery, FeedError, FeedEvent, Handle, Partition, Seq, Subscription};

use super::{pb, status, to_proto};

/// The number of the field with the events.
const EVENTS_FIELD: u32 = 1;

/// An `EventServiceSubscribeResponse` of which the events are encoded already.
#[derive(Debug, Default)]
pub(super) struct SubscribeResponse {
    /// The events, each with the tag and the length of its field.
    events: Vec<Bytes>,
    /// Everything else.
    rest: pb::EventServiceSubscribeResponse,
}

impl prost::Message for SubscribeResponse {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        for event in &self.events {
            buffer.put_slice(event);
        }
        self.rest.encode_raw(buffer);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        self.rest.merge_field(tag, wire_type, buffer, context)
    }

    fn encoded_len(&self) -> usize {
        self.events.iter().map(Bytes::len).sum::<usize>() + self.rest.encoded_len()
    }

    fn clear(&mut self) {
        self.events.clear();
        self.rest.clear();
    }
}

type Next = Pin<Box<dyn Future<Output = (Reader, Result<Delivery, FeedError>)> + Send>>;

/// The messages of one subscription. Nothing is read from the feed before it can be sent.
pub(super) struct Deliveries {
    handle: Handle,
    /// None: the stream has ended.
    next: Option<Next>,
}

struct Reader {
    subscription: Subscription,
    stopping: watch::Receiver<bool>,
}

impl Reader {
    async fn next(mut self) -> (Self, Result<Delivery, FeedError>) {
        let delivery = tokio::select! {
            delivery = self.subscription.next() => delivery,
            _ = self.stopping.wait_for(|stopping| *stopping) => Err(FeedError::Draining),
        };
        (self, delivery)
    }
}

impl Deliveries {
    pub(super) fn new(
        subscription: Subscription,
        stopping: watch::Receiver<bool>,
        handle: Handle,
    ) -> Self {
        let reader = Reader { subscription: subscription.weighed_by(weigh), stopping };
        Self { handle, next: Some(Box::pin(reader.next())) }
    }
}

impl Stream for Deliveries {
    type Item = Result<SubscribeResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let (reader, delivery) = ready!(next.as_mut().poll(cx));
        match delivery {
            Ok(delivery) => {
                self.next = Some(Box::pin(reader.next()));
                Poll::Ready(Some(Ok(response(delivery, &self.handle))))
            }
            Err(error) => {
                self.next = None;
                Poll::Ready(Some(Err(status::feed(&error))))
            }
        }
    }
}

fn response(delivery: Delivery, handle: &Handle) -> SubscribeResponse {
    SubscribeResponse {
        events: delivery.events.iter().map(|event| event.encoded(encode)).collect(),
        rest: pb::EventServiceSubscribeResponse {
            events: Vec::new(),
            resume_token: delivery.token,
            time: Some(to_proto::instant(handle.now())),
            behind: delivery.behind,
        },
    }
}

/// How many bytes an event takes in a message.
pub(super) fn weigh(event: &FeedEvent) -> usize {
    event.encoded(encode).len()
}

/// The events of a record as they stand in a message.
fn encode(partition: Partition, first: Seq, record: &Record) -> Vec<Bytes> {
    let mut buffer = BytesMut::new();
    let events = (first.0..).zip(&record.events);
    let ends: Vec<usize> = events
        .map(|(seq, event)| {
            let event = to_proto::event::event(partition.0, seq, record, event);
            message::encode(EVENTS_FIELD, &event, &mut buffer);
            buffer.len()
        })
        .collect();
    let whole = buffer.freeze();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(&ends).map(|(start, end)| whole.slice(start..*end)).collect()
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::model::actor::Actor;
    use crate::model::event::{Event, Payload};
    use crate::model::time::Timestamp;

    #[test]
    fn it_reads_like_the_message_that_it_stands_for() {
        let event = |at: i64, message: &str| Event {
            time: Timestamp(at),
            due_at: None,
            payload: Payload::ScriptFailed { place: "here".into(), message: message.into() },
        };
        let record = Record {
            stamp: None,
            time: Timestamp(1),
            actor: Actor::System,
            request: None,
            events: vec![event(1, "one"), event(2, &"a long word ".repeat(30))],
        };
        let rest = pb::EventServiceSubscribeResponse {
            resume_token: "abc".to_owned(),
            time: Some(prost_types::Timestamp { seconds: 5, nanos: 6 }),
            behind: true,
            events: Vec::new(),
        };
        let events = encode(Partition(7), Seq(40), &record);
        let response = SubscribeResponse { events, rest: rest.clone() };
        let bytes = response.encode_to_vec();
        assert_eq!(bytes.len(), response.encoded_len());
        let told = [40, 41].into_iter().zip(&record.events);
        let told = told.map(|(seq, event)| to_proto::event::event(7, seq, &record, event));
        let expected = pb::EventServiceSubscribeResponse { events: told.collect(), ..rest };
        assert_eq!(pb::EventServiceSubscribeResponse::decode(&*bytes), Ok(expected));
    }
}
