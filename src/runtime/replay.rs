//! Reading the event feed back from the store, up to a known point, in order of time.
//!
//! Blocking: an asynchronous reader runs it on a thread of its own. Order is exact within a
//! partition, and by time between them.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::model::event::{Event, Record};
use crate::model::id::{InstanceId, MemberId, WorkflowId};
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::store::{Error, Numbered, Partition, Seq, Store};

use super::concerns::concerns;

/// Records read ahead per partition: what is not delivered with one message is read again.
const PAGE_RECORDS: usize = 4;
/// Records looked at before a reader gets a word, whatever its filter hides.
const SCAN_RECORDS_MAX: usize = 4096;

/// Which events a reader wants; empty lists do not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Kinds, such as `clock.breached`, or groups of them, such as `clock` or `clock.*`.
    pub kinds: Vec<String>,
    /// Of these workflows.
    pub workflows: Vec<WorkflowId>,
    /// Of these instances.
    pub instances: Vec<InstanceId>,
    /// That one of these people caused, or that name one of them: chosen, told, holding before.
    pub members: Vec<MemberId>,
}

impl Filter {
    /// Whether an event of this record passes.
    pub fn passes(&self, record: &Record, event: &Event) -> bool {
        let stamp = record.stamp.as_ref();
        let workflow_passes = self.workflows.is_empty()
            || stamp.is_some_and(|stamp| self.workflows.contains(&stamp.workflow));
        let instance_passes = self.instances.is_empty()
            || stamp.is_some_and(|stamp| self.instances.contains(&stamp.instance));
        let kind = event.payload.kind();
        let kind_passes =
            self.kinds.is_empty() || self.kinds.iter().any(|wanted| kind_matches(wanted, kind));
        let about = |member: &MemberId| {
            record.actor.member() == Some(member) || concerns(&event.payload, member)
        };
        let member_passes = self.members.is_empty() || self.members.iter().any(about);
        workflow_passes && instance_passes && kind_passes && member_passes
    }
}

/// Whether a kind is the wanted one, or one of the wanted family (`task.*`, or `task`).
pub fn kind_matches(wanted: &str, kind: &str) -> bool {
    let wanted = wanted.strip_suffix(".*").unwrap_or(wanted);
    kind == wanted || kind.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

/// A record as an edge has encoded it, a part per event. Whoever reads the record shares it: to
/// encode it for each of many readers is most of what telling them would cost.
pub(super) type Encoded = Arc<OnceLock<Vec<Bytes>>>;

/// One event with its place.
#[derive(Debug, Clone)]
pub struct FeedEvent {
    /// The partition.
    pub partition: Partition,
    /// Its number there.
    pub seq: Seq,
    /// The record that it belongs to.
    pub record: Arc<Record>,
    /// Its place in the record.
    pub index: usize,
    pub(super) encoded: Encoded,
}

impl FeedEvent {
    /// The event itself.
    pub fn event(&self) -> &Event {
        &self.record.events[self.index]
    }

    /// The event as the edge encodes it. `encode` is asked once for all events of the record, with
    /// the number of the first of them.
    pub fn encoded(&self, encode: impl FnOnce(Partition, Seq, &Record) -> Vec<Bytes>) -> Bytes {
        let first = || Seq(self.seq.0 - self.index as u64);
        let parts = self.encoded.get_or_init(|| encode(self.partition, first(), &self.record));
        parts[self.index].clone()
    }
}

/// How many bytes an event takes where it is sent.
pub type Weigh = fn(&FeedEvent) -> usize;

/// How much a reader takes at once.
pub(super) struct Room {
    events: usize,
    bytes: usize,
    weigh: Weigh,
    taken: bool,
}

impl Room {
    /// For so many events, whatever they weigh.
    pub(super) fn of_events(events: usize) -> Self {
        Self { events, bytes: usize::MAX, weigh: |_| 0, taken: false }
    }

    /// For one message of a stream.
    pub(super) fn of_message(weigh: Weigh) -> Self {
        let (events, bytes) = (limits::STREAM_EVENTS_MAX, limits::STREAM_MESSAGE_BYTES_MAX);
        Self { events, bytes, weigh, taken: false }
    }

    /// Takes the event in if it fits. The first one always does: a message holds at least one.
    fn takes(&mut self, event: &FeedEvent) -> bool {
        let weight = (self.weigh)(event);
        if self.is_full() || (self.taken && weight > self.bytes) {
            return false;
        }
        self.events -= 1;
        self.bytes = self.bytes.saturating_sub(weight);
        self.taken = true;
        true
    }

    fn is_full(&self) -> bool {
        self.events == 0 || self.bytes == 0
    }
}

/// The events of a record that lie after `position`, up to `target`, as long as `room` lasts.
/// Moves `position` over all that were looked at. True: the record holds nothing more.
pub(super) fn take_from_record(
    numbered: &Taken<'_>,
    target: u64,
    position: &mut u64,
    filter: &Filter,
    room: &mut Room,
    events: &mut Vec<FeedEvent>,
) -> bool {
    let first = numbered.first_seq.0;
    for (index, event) in numbered.record.events.iter().enumerate() {
        let seq = first + index as u64;
        if seq <= *position {
            continue;
        }
        if seq > target {
            return true;
        }
        if filter.passes(numbered.record, event) {
            let event = FeedEvent {
                partition: numbered.partition,
                seq: Seq(seq),
                record: Arc::clone(numbered.record),
                index,
                encoded: Arc::clone(numbered.encoded),
            };
            if !room.takes(&event) {
                return false;
            }
            events.push(event);
        }
        *position = seq;
    }
    true
}

/// A record that events are taken from.
pub(super) struct Taken<'a> {
    pub(super) partition: Partition,
    pub(super) first_seq: Seq,
    pub(super) record: &'a Arc<Record>,
    pub(super) encoded: &'a Encoded,
}

/// A reading of the store from where `positions` stand up to `targets`. Between two reads it holds
/// no records: of many readers most wait for their clients.
pub(super) struct Replay {
    targets: Vec<u64>,
    heads: Vec<Head>,
}

/// The next record of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// Not looked at yet, if there is one.
    Unknown,
    /// It was decided then.
    At(Timestamp),
}

/// Records of one partition, read ahead.
type Page = VecDeque<(Seq, Arc<Record>, Encoded)>;

impl Replay {
    pub(super) fn up_to(targets: Vec<u64>) -> Self {
        let heads = vec![Head::Unknown; targets.len()];
        Self { targets, heads }
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&self, positions: &[u64]) -> bool {
        positions.iter().zip(&self.targets).all(|(position, target)| position >= target)
    }

    /// The next events that pass the filter: as many as `room` takes, fewer where a long stretch is
    /// hidden.
    pub(super) fn read(
        &mut self,
        store: &dyn Store,
        positions: &mut [u64],
        filter: &Filter,
        mut room: Room,
    ) -> Result<Vec<FeedEvent>, Error> {
        let mut pages: Vec<Page> = self.targets.iter().map(|_| Page::new()).collect();
        let mut events = Vec::new();
        for _ in 0..SCAN_RECORDS_MAX {
            let Some(at) = self.earliest(store, positions, &mut pages)? else { break };
            if pages[at].is_empty() {
                pages[at] = self.page(store, at, positions[at])?;
            }
            let (first_seq, record, encoded) = pages[at].front().expect("it was just read");
            let taken = Taken { partition: partition(at), first_seq: *first_seq, record, encoded };
            let (target, position) = (self.targets[at], &mut positions[at]);
            if !take_from_record(&taken, target, position, filter, &mut room, &mut events) {
                break;
            }
            pages[at].pop_front();
            self.heads[at] = head(&pages[at]);
            if room.is_full() {
                break;
            }
        }
        Ok(events)
    }

    /// The partition of which the next record was decided first; none: nothing is left.
    fn earliest(
        &mut self,
        store: &dyn Store,
        positions: &[u64],
        pages: &mut [Page],
    ) -> Result<Option<usize>, Error> {
        let mut earliest = None;
        for (at, position) in positions.iter().enumerate() {
            if *position >= self.targets[at] {
                continue;
            }
            if self.heads[at] == Head::Unknown {
                pages[at] = self.page(store, at, *position)?;
                self.heads[at] = head(&pages[at]);
            }
            if let Head::At(time) = self.heads[at] {
                let this = (time, at);
                earliest = Some(earliest.map_or(this, |before: (_, _)| before.min(this)));
            }
        }
        Ok(earliest.map(|(_, at)| at))
    }

    fn page(&self, store: &dyn Store, at: usize, position: u64) -> Result<Page, Error> {
        let records = store.events_after(partition(at), Seq(position), PAGE_RECORDS)?;
        if records.is_empty() {
            // Numbers are dense, and durable before they become a target: nothing is missing.
            let target = self.targets[at];
            return Err(Error::Corrupt(format!(
                "partition {at} holds nothing after event {position} of {target}"
            )));
        }
        let shared =
            |Numbered { first_seq, record, .. }| (first_seq, Arc::new(record), Encoded::default());
        Ok(records.into_iter().map(shared).collect())
    }
}

fn head(page: &Page) -> Head {
    page.front().map_or(Head::Unknown, |(_, record, _)| Head::At(record.time))
}

fn partition(at: usize) -> Partition {
    Partition(u16::try_from(at).expect("partitions are counted in u16"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_wanted_by_its_name_or_by_its_group() {
        for (wanted, kind, expected) in [
            ("clock.breached", "clock.breached", true),
            ("clock", "clock.breached", true),
            ("clock.*", "clock.breached", true),
            ("clock.b", "clock.breached", false),
            ("cl", "clock.breached", false),
            ("task", "clock.breached", false),
        ] {
            assert_eq!(kind_matches(wanted, kind), expected, "{wanted} {kind}");
        }
    }
}
