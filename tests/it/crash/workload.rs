//! The load: clients that begin, change, finish and look at the same few instances at once, one
//! that moves the clock, one that reads the stream of events. They go on until they are told to
//! stop, or until nobody answers any more; everything goes into the journal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sanbang::api::pb;
use sanbang::api::pb::event_service_client::EventServiceClient;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use super::super::api_fixture::by;
use super::super::random::Random;
use super::journal::{Journal, Sent, Told, What};
use super::wire::{answered, clock, drive_command, is_lost, send};

/// Clients at once.
const CLIENTS: u64 = 6;
/// Instances that the clients of one load share.
const INSTANCES: u64 = 6;
/// Commands that a stream carries at a time.
const DRIVEN_MAX: u64 = 6;
const HOUR_MS: i64 = 60 * 60 * 1000;
/// Answers between two moves of the clock.
const ANSWERS_PER_MOVE: u64 = 8;
/// No answer takes so long: whoever waits in vain fails instead of hanging.
const ANSWER_MAX: Duration = Duration::from_mins(2);

/// A load on a server, while it runs.
pub(crate) struct Load {
    clients: JoinSet<()>,
    shared: Arc<Shared>,
}

struct Shared {
    channel: Channel,
    journal: Arc<Journal>,
    /// The instances of this load, and some of those before.
    names: Vec<String>,
    patience: Patience,
    answered: AtomicU64,
    stop: AtomicBool,
}

/// What clients do when a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// The server is gone: they end.
    UntilLost,
    /// The next request may be answered: they go on.
    ThroughFailures,
}

impl Load {
    /// Clients begin to send. `number` tells this load from others on the same store.
    pub(crate) fn begin(
        channel: &Channel,
        journal: &Arc<Journal>,
        patience: Patience,
        number: u64,
        random: &mut Random,
    ) -> Self {
        let before = number.saturating_sub(1 + random.below(3));
        let own = (0..INSTANCES).map(|at| format!("e-{number}-{at}"));
        let old = (0..INSTANCES / 3).map(|at| format!("e-{before}-{at}"));
        let shared = Arc::new(Shared {
            channel: channel.clone(),
            journal: Arc::clone(journal),
            names: own.chain(old).collect(),
            patience,
            answered: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(client(Arc::clone(&shared), random.split()));
        }
        clients.spawn(driver(Arc::clone(&shared), random.split()));
        clients.spawn(mover(Arc::clone(&shared), random.split()));
        clients.spawn(subscriber(Arc::clone(&shared)));
        Self { clients, shared }
    }

    /// Returns once so many have been answered, or the server is gone.
    pub(crate) async fn wait_for_answers(&self, count: u64) {
        let waiting = async {
            while self.shared.answered() < count && !self.shared.is_over() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(ANSWER_MAX, waiting).await;
        waited.unwrap_or_else(|_| panic!("{} of {count} were answered", self.shared.answered()));
    }

    /// The clients send nothing more; returns once each has its last answer, or knows that none
    /// will come.
    pub(crate) async fn end(mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let joining = async {
            while let Some(joined) = self.clients.join_next().await {
                joined.unwrap();
            }
        };
        tokio::time::timeout(ANSWER_MAX, joining).await.expect("every client ends");
    }
}

impl Shared {
    fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Sends and writes down; where that stands, and what was told.
    async fn call(&self, sent: &Sent) -> (usize, Told) {
        let at = self.journal.begin(sent.clone());
        (at, self.call_as(at, sent).await)
    }

    async fn call_as(&self, at: usize, sent: &Sent) -> Told {
        let told = send(&self.channel, sent).await;
        self.journal.end(at, told.clone());
        match (&told, self.patience) {
            (Told::Nothing, Patience::UntilLost) => self.stop.store(true, Ordering::SeqCst),
            (Told::Nothing, Patience::ThroughFailures) => {}
            _ => drop(self.answered.fetch_add(1, Ordering::SeqCst)),
        }
        told
    }
}

/// Whoever got no answer sends again, under the same request id; how many that were.
pub(crate) async fn repeat_unanswered(channel: &Channel, journal: &Journal) -> usize {
    let mut repeated = 0;
    for (at, sent) in journal.unanswered().into_iter().filter(|(_, sent)| !sent.id.is_empty()) {
        let told = send(channel, &sent).await;
        assert_ne!(told, Told::Nothing, "the server answers {sent:?}");
        journal.end(at, told);
        repeated += 1;
    }
    repeated
}

async fn client(shared: Arc<Shared>, mut random: Random) {
    // The revisions that this client was told.
    let mut known: BTreeMap<String, u64> = BTreeMap::new();
    while !shared.is_over() {
        let instance = random.pick(&shared.names).clone();
        let what = wish(&mut random, known.get(&instance).copied());
        let id = if what == What::Look { String::new() } else { shared.journal.new_id() };
        let sent = Sent { id, instance, what };
        let (at, told) = shared.call(&sent).await;
        let revision = match &told {
            Told::Accepted { revision, .. } => Some(*revision),
            Told::Refused { actual, .. } => *actual,
            Told::Shown(shown) => shown.as_ref().map(|shown| shown.revision),
            Told::Nothing | Told::Clock(_) => None,
        };
        if let Some(revision) = revision {
            known.insert(sent.instance.clone(), revision);
        }
        if matches!(told, Told::Accepted { .. }) && random.below(12) == 0 {
            // Some are not sure that they were answered.
            shared.call_as(at, &sent).await;
        }
    }
}

/// What a client wants of an instance that it knows to be at this revision.
fn wish(random: &mut Random, known: Option<u64>) -> What {
    match (known, random.below(20)) {
        (None, 0..14) | (Some(_), 0) => What::Create,
        (_, 0..6) => What::Comment,
        (_, 6..10) => What::SetTopic { expected: known },
        (_, 10) => What::SetTopic { expected: None },
        (_, 11..13) => What::Complete,
        (_, 13) => What::Advance,
        _ => What::Look,
    }
}

/// Sends by a stream, some commands at a time, and waits for the answers to all of them.
async fn driver(shared: Arc<Shared>, mut random: Random) {
    let (commands, requests) = tokio::sync::mpsc::channel(1);
    let mut client = InstanceServiceClient::new(shared.channel.clone());
    let opened = client.drive(by("anna", ReceiverStream::new(requests))).await;
    let mut answers = match opened {
        Ok(stream) => stream.into_inner(),
        Err(status) if is_lost(&status) => return,
        Err(status) => return shared.journal.contradict(format!("no stream: {status}")),
    };
    while !shared.is_over() {
        let sent: Vec<Sent> = (0..=random.below(DRIVEN_MAX))
            .map(|_| {
                let (id, instance) = (shared.journal.new_id(), random.pick(&shared.names).clone());
                let what = [What::Create, What::Comment, What::Comment, What::Complete];
                Sent { id, instance, what: random.pick(&what).clone() }
            })
            .collect();
        let (places, batch) = drive_commands(&shared.journal, &sent);
        let request = pb::InstanceServiceDriveRequest { commands: batch };
        if commands.send(request).await.is_err()
            || !hear(&shared.journal, &mut answers, &places).await
        {
            return;
        }
        shared.answered.fetch_add(places.len() as u64, Ordering::SeqCst);
    }
    drop(commands);
    // The stream ends after the last answer.
    while let Some(Ok(_)) = answers.next().await {}
}

/// Hears the answers to what stands at these places; whether all came.
async fn hear(
    journal: &Journal,
    answers: &mut Streaming<pb::InstanceServiceDriveResponse>,
    places: &[usize],
) -> bool {
    let mut left = places.len();
    while left > 0 {
        let Some(Ok(response)) = answers.next().await else { return false };
        for answer in response.answers {
            let at = usize::try_from(answer.correlation).expect("a place");
            assert!(places.contains(&at), "an answer to what was not asked: {at}");
            journal.end(at, answered(answer));
            left -= 1;
        }
    }
    journal.in_order(places);
    true
}

/// Begins many instances by one stream.
pub(crate) async fn begin_many(channel: &Channel, journal: &Journal, names: &[String]) {
    let sent = names.iter().map(|name| Sent {
        id: journal.new_id(),
        instance: name.clone(),
        what: What::Create,
    });
    let (places, commands) = drive_commands(journal, &sent.collect::<Vec<_>>());
    let request = tokio_stream::once(pb::InstanceServiceDriveRequest { commands });
    let mut client = InstanceServiceClient::new(channel.clone());
    let answers = client.drive(by("anna", request)).await.expect("the server runs");
    assert!(hear(journal, &mut answers.into_inner(), &places).await, "the server runs");
}

fn drive_commands(journal: &Journal, sent: &[Sent]) -> (Vec<usize>, Vec<pb::DriveCommand>) {
    let places: Vec<usize> = sent.iter().map(|sent| journal.begin(sent.clone())).collect();
    let numbered = sent.iter().zip(&places);
    let commands = numbered.map(|(sent, at)| drive_command(sent, *at as u64)).collect();
    (places, commands)
}

/// Moves the clock by some hours, now and then by days.
async fn mover(shared: Arc<Shared>, mut random: Random) {
    while let Some(now) = clock(&shared.channel).await {
        let enough = shared.answered() + ANSWERS_PER_MOVE;
        while shared.answered() < enough && !shared.is_over() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if shared.is_over() {
            return;
        }
        let hours = if random.below(10) == 0 { 60 } else { 1 + random.below(4) };
        let to = now + i64::try_from(hours).unwrap() * HOUR_MS;
        let (id, instance) = (String::new(), String::new());
        let sent = Sent { id, instance, what: What::MoveClock { to } };
        shared.call(&sent).await;
    }
}

/// Reads the events as they come, from where the subscriber before stopped.
async fn subscriber(shared: Arc<Shared>) {
    let request = pb::EventServiceSubscribeRequest {
        filter: String::new(),
        resume_token: shared.journal.token(),
        start_at: pb::StartAt::Beginning.into(),
    };
    let mut client =
        EventServiceClient::new(shared.channel.clone()).max_decoding_message_size(1 << 26);
    let mut stream = match client.subscribe(by("chief", request)).await {
        Ok(stream) => stream.into_inner(),
        Err(status) if is_lost(&status) => return,
        Err(status) => return shared.journal.contradict(format!("no stream: {status}")),
    };
    while !shared.is_over() {
        let next = tokio::time::timeout(Duration::from_millis(50), stream.message()).await;
        match next {
            Ok(Ok(Some(message))) => shared.journal.stream(message),
            Ok(Ok(None) | Err(_)) => return,
            // Nothing came: look whether the load is over.
            Err(_) => {}
        }
    }
}
