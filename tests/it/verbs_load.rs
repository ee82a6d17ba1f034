//! What the tests of backup, restore, compact and verify work on: a real server, several clients
//! that begin projects and log contacts, and what was answered; and the verbs, run as their users
//! run them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use prost_types::value::Kind;
use prost_types::{Struct, Value};
use sanbang::api::pb;
use sanbang::api::pb::event::Payload;
use sanbang::api::pb::event_service_client::EventServiceClient;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use tokio::task::JoinSet;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::program::{Server, sanbang, told};

pub(crate) const CLOCK: &str = "simulated@2025-01-06T09:00:00+08:00";
/// Commands per project: a creation, and contacts.
const COMMANDS_PER_PROJECT: usize = 5;

/// Clients that send until they are stopped.
pub(crate) struct Load {
    clients: JoinSet<()>,
    enough: Arc<AtomicBool>,
    answered: Arc<Mutex<BTreeSet<String>>>,
}

impl Load {
    pub(crate) fn begin(channel: &Channel, name: &str, clients: usize) -> Self {
        Self::begin_limited(channel, name, clients, usize::MAX)
    }

    /// Each client sends exactly so many.
    pub(crate) async fn exactly(channel: &Channel, name: &str, clients: usize, each: usize) {
        let mut load = Self::begin_limited(channel, name, clients, each);
        while let Some(joined) = load.clients.join_next().await {
            joined.unwrap();
        }
    }

    fn begin_limited(channel: &Channel, name: &str, clients: usize, each: usize) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(Mutex::new(BTreeSet::new()));
        let mut load = Self { clients: JoinSet::new(), enough, answered };
        for client in 0..clients {
            let (enough, answered) = (Arc::clone(&load.enough), Arc::clone(&load.answered));
            let (channel, name) = (channel.clone(), name.to_owned());
            load.clients.spawn(async move {
                for at in 0..each {
                    let request = format!("{name}-{client}-{at}");
                    let project = format!("{name}-{client}-{}", at / COMMANDS_PER_PROJECT);
                    let creates = at % COMMANDS_PER_PROJECT == 0;
                    send(&channel, &project, &request, creates).await.unwrap();
                    answered.lock().unwrap().insert(request);
                    if enough.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
        }
        load
    }

    /// What was answered so far.
    pub(crate) fn answered(&self) -> BTreeSet<String> {
        self.answered.lock().unwrap().clone()
    }

    pub(crate) async fn until(&self, answers: usize) {
        while self.answered.lock().unwrap().len() < answers {
            tokio::task::yield_now().await;
        }
    }

    /// Lets every client end with an answer, and gives all that was answered.
    pub(crate) async fn end(mut self) -> BTreeSet<String> {
        self.enough.store(true, Ordering::SeqCst);
        while let Some(joined) = self.clients.join_next().await {
            joined.unwrap();
        }
        self.answered()
    }
}

/// Sends one command; by its request id it is found again in the events.
pub(crate) async fn send(
    channel: &Channel,
    project: &str,
    request: &str,
    creates: bool,
) -> Result<(), Status> {
    let mut instances = InstanceServiceClient::new(channel.clone());
    let (instance, request_id) = (project.to_owned(), request.to_owned());
    if creates {
        let fields = texts(&[
            ("project_name", request),
            ("investor", "Huaguang"),
            ("industry", "new_energy_materials"),
        ]);
        let request = pb::InstanceServiceCreateRequest {
            with_similar: false,
            instance,
            request_id,
            workflow: "investment_project".to_owned(),
            fields: Some(fields),
            steward: "materials_officer_1".to_owned(),
        };
        return instances.create(acting("coordinator_1", request)).await.map(drop);
    }
    let request = pb::InstanceServiceLogActivityRequest {
        instance,
        request_id,
        activity: "contact".to_owned(),
        fields: Some(texts(&[("summary", request)])),
        ..pb::InstanceServiceLogActivityRequest::default()
    };
    instances.log_activity(acting("materials_officer_1", request)).await.map(drop)
}

/// Everything that a server has, every number of which must be there.
pub(crate) async fn all_events(channel: &Channel) -> Vec<pb::Event> {
    let mut client = EventServiceClient::new(channel.clone()).max_decoding_message_size(1 << 26);
    let (mut events, mut page_token) = (Vec::new(), String::new());
    loop {
        let request =
            pb::EventServiceListRequest { page_size: 1000, page_token, filter: String::new() };
        let page = client.list(acting("coordinator_1", request)).await.unwrap().into_inner();
        events.extend(page.events);
        page_token = page.next_page_token;
        if page.end {
            break;
        }
    }
    let mut last = std::collections::BTreeMap::new();
    for event in &events {
        let before = last.insert(event.partition, event.seq).unwrap_or(0);
        assert_eq!(event.seq, before + 1, "partition {} has a hole", event.partition);
    }
    events
}

/// The request ids that clients have written into what they sent; each must be there once.
pub(crate) fn requests_in(events: &[pb::Event]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for request in events.iter().filter_map(request_of) {
        assert!(found.insert(request.clone()), "{request} was done twice");
    }
    found
}

fn request_of(event: &pb::Event) -> Option<String> {
    let text = |fields: &Option<Struct>, name: &str| match fields.as_ref()?.fields.get(name)?.kind {
        Some(Kind::StringValue(ref text)) => Some(text.clone()),
        _ => None,
    };
    match event.payload.as_ref()? {
        Payload::InstanceCreated(it) => text(&it.fields, "project_name"),
        Payload::ActivityLogged(it) => text(&it.fields, "summary"),
        _ => None,
    }
}

pub(crate) fn acting<T>(actor: &'static str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("sanbang-actor", MetadataValue::from_static(actor));
    request
}

pub(crate) async fn connect(server: &Server) -> Channel {
    Endpoint::from_shared(server.url()).unwrap().connect().await.unwrap()
}

fn texts(fields: &[(&str, &str)]) -> Struct {
    let value = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    Struct { fields: fields.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect() }
}

/// `sanbang backup --data … --to …`.
pub(crate) fn backup(data: &Path, to: &Path) -> Command {
    let mut command = sanbang();
    command.arg("backup").arg("--data").arg(data).arg("--to").arg(to);
    command
}

/// `sanbang restore … --data …`.
pub(crate) fn restore(file: &Path, data: &Path) -> Command {
    let mut command = sanbang();
    command.arg("restore").arg(file).arg("--data").arg(data);
    command
}

/// `sanbang VERB --data …`.
pub(crate) fn on_store(verb: &str, data: &Path) -> Command {
    let mut command = sanbang();
    command.arg(verb).arg("--data").arg(data);
    command
}

/// Runs a command that must succeed, and gives what it wrote on standard output.
pub(crate) fn done(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must end with this status.
pub(crate) fn ends(mut command: Command, status: i32) -> String {
    let output: Output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{command:?}\n{}", told(&output));
    told(&output)
}
