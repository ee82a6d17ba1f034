//! The checker: reads what a server holds, compares it with everything that was ever read of the
//! same store, and has it judged against the journal. Runs outside of every server.

use std::collections::BTreeMap;
use std::sync::Arc;

use sanbang::api::pb;
use sanbang::api::pb::event_service_client::EventServiceClient;
use tonic::transport::Channel;

use super::super::api_fixture::by;
use super::journal::Journal;
use super::verdict;
use super::wire::clock;

/// Problems that one failure tells.
const TOLD_MAX: usize = 20;

/// Everything that is durable, by instance, in the order of its numbers.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) instances: BTreeMap<String, Vec<pb::Event>>,
    /// The number of the last event of each partition.
    pub(crate) last: BTreeMap<u32, u64>,
}

impl Log {
    /// Takes the next event of its partition; otherwise what is wrong with it.
    pub(crate) fn take(&mut self, event: pb::Event) -> Result<(), String> {
        let last = self.last.insert(event.partition, event.seq).unwrap_or(0);
        if event.seq != last + 1 {
            let (partition, seq) = (event.partition, event.seq);
            return Err(format!("partition {partition}: event {seq} comes after {last}"));
        }
        self.instances.entry(event.instance.clone()).or_default().push(event);
        Ok(())
    }

    pub(crate) fn count(&self) -> usize {
        self.instances.values().map(Vec::len).sum()
    }

    fn find(&self, event: &pb::Event) -> Option<&pb::Event> {
        let events = self.instances.get(&event.instance)?;
        let at = events.binary_search_by_key(&event.seq, |known| known.seq).ok()?;
        events.get(at)
    }
}

/// One per store, for as long as the store is watched.
#[derive(Default)]
pub(crate) struct Checker {
    pub(crate) journal: Arc<Journal>,
    log: Log,
    page_token: String,
}

impl Checker {
    /// Judges by a journal that is there already.
    pub(crate) fn by(journal: Journal) -> Self {
        Self { journal: Arc::new(journal), ..Self::default() }
    }

    /// Reads what is new on the server and judges everything. Panics with what is wrong.
    pub(crate) async fn check(&mut self, channel: &Channel) {
        let mut problems = Vec::new();
        self.page_token =
            read(channel, &mut self.log, self.page_token.clone(), &mut problems).await;
        for event in self.journal.take_streamed() {
            if self.log.find(&event) != Some(&event) {
                problems.push(format!("shown by the stream, and not there: {event:?}"));
            }
        }
        let now = clock(channel).await.expect("the server runs");
        problems.extend(self.journal.read(|entries| verdict::judge(entries, &self.log, now)));
        problems.extend(self.journal.contradictions());
        report(&problems);
    }

    /// Reads everything once more from the beginning: what was read before has not changed.
    pub(crate) async fn check_from_the_beginning(&mut self, channel: &Channel) {
        let (mut anew, mut problems) = (Log::default(), Vec::new());
        read(channel, &mut anew, String::new(), &mut problems).await;
        for (instance, events) in &self.log.instances {
            let now = anew.instances.get(instance).map(Vec::as_slice).unwrap_or_default();
            if now.get(..events.len()) != Some(events.as_slice()) {
                problems.push(format!("`{instance}` is told in another way than before"));
            }
        }
        report(&problems);
        self.check(channel).await;
    }

    /// How many events are known to be durable.
    pub(crate) fn events(&self) -> usize {
        self.log.count()
    }

    /// How many of them are of this kind.
    pub(crate) fn events_of(&self, kind: &str) -> usize {
        let events = self.log.instances.values().flatten();
        events.filter(|event| event.kind == kind).count()
    }

    /// What is known to be durable of each instance.
    pub(crate) fn stories(&self) -> impl Iterator<Item = &[pb::Event]> {
        let instances = self.log.instances.iter().filter(|(instance, _)| !instance.is_empty());
        instances.map(|(_, events)| events.as_slice())
    }
}

/// Reads all pages from a token on; the token behind them.
async fn read(
    channel: &Channel,
    log: &mut Log,
    mut page_token: String,
    problems: &mut Vec<String>,
) -> String {
    let mut client = EventServiceClient::new(channel.clone()).max_decoding_message_size(1 << 26);
    loop {
        let filter = String::new();
        let request = pb::EventServiceListRequest { page_size: 1000, page_token, filter };
        let page = client.list(by("chief", request)).await.unwrap().into_inner();
        problems.extend(page.events.into_iter().filter_map(|event| log.take(event).err()));
        page_token = page.next_page_token;
        if page.end {
            return page_token;
        }
    }
}

fn report(problems: &[String]) {
    let told: Vec<&str> = problems.iter().take(TOLD_MAX).map(String::as_str).collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), told.join("\n"));
}
