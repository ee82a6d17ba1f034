//! What an operator sees of the API: one span per command in the log, and a server that reads but
//! does not write after its clock has jumped.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use sanbang::api::{pb, server};
use sanbang::model::time::Timestamp;
use sanbang::runtime::{Clock, Configuration, Options, Runtime};
use sanbang::store::memory::MemoryStore;
use sanbang::store::{Batch, DocumentWrite, Store};
use serde_json::Value;
use tokio::sync::oneshot;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tracing_subscriber::fmt::MakeWriter;

use super::api_fixture::*;

/// A log that is kept for the test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The lines about commands.
    fn commands(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        let lines = std::str::from_utf8(&bytes).unwrap().lines();
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["span"]["name"] == "command").collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A span as a reader of the log sees it, without what differs from run to run.
fn shown(line: &Value) -> String {
    let span = &line["span"];
    let text = |name: &str| span[name].as_str().unwrap_or("-").to_owned();
    let names = ["call", "request_id", "actor", "instance", "workflow", "outcome"];
    let fields: Vec<String> = names.iter().map(|name| format!("{name}={}", text(name))).collect();
    let measured = ["group_size", "durable_after_us"].iter().filter(|name| span[**name].is_u64());
    let measured: Vec<&str> = measured.copied().collect();
    format!("{} ({})", fields.join(" "), measured.join(", "))
}

/// Whether this process runs this test alone. Otherwise it has been run in one that does: what is
/// logged is decided once for a process, and other tests that log would decide it too.
fn is_alone(test: &str) -> bool {
    if std::env::var_os("SANBANG_TEST_ALONE").is_some() {
        return true;
    }
    let name = format!("api_operations::{test}");
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", &name, "--nocapture"]).env("SANBANG_TEST_ALONE", "yes");
    let output = alone.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{failed}");
    false
}

#[tokio::test]
async fn every_command_leaves_one_span_that_says_who_what_and_how_it_ended() {
    if !is_alone("every_command_leaves_one_span_that_says_who_what_and_how_it_ended") {
        return;
    }
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let say = || by("anna", comment("p-1", "r-1", "hello"));
    for _ in 0..2 {
        server.tasks().comment(say()).await.unwrap();
    }
    let advance = |instance: &str| {
        let instance = instance.to_owned();
        by("anna", pb::InstanceServiceAdvanceRequest { instance, ..Default::default() })
    };
    server.instances().advance(advance("p-1")).await.unwrap_err();
    server.instances().advance(advance("no id")).await.unwrap_err();
    server.stop().await;

    let commands = log.commands();
    let lines: Vec<String> = commands.iter().map(shown).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    call=create request_id= actor=anna instance=p-1 workflow=permit outcome=accepted (group_size, durable_after_us)
    call=comment request_id=r-1 actor=anna instance=p-1 workflow=permit outcome=accepted (group_size, durable_after_us)
    call=comment request_id=r-1 actor=anna instance=p-1 workflow=permit outcome=repeated (group_size, durable_after_us)
    call=advance request_id= actor=anna instance=p-1 workflow=- outcome=NOT_READY ()
    call=advance request_id= actor=anna instance=- workflow=- outcome=INVALID_REQUEST ()
    ");
}

#[tokio::test]
async fn after_its_clock_has_jumped_a_server_reads_and_refuses_to_write() {
    let start = |store: &Arc<dyn Store>| {
        let configuration = Configuration::Files(sources());
        let started =
            Runtime::start(Options::default(), Arc::clone(store), Clock::real(), configuration);
        started.unwrap_or_else(|error| panic!("{error}: {error:?}"))
    };
    // What a server of 1970 has left behind: everything of today's, and the clock's reading.
    let today: Arc<dyn Store> = Arc::new(MemoryStore::new(false));
    start(&today).0.shutdown();
    let documents = today.documents("").unwrap().into_iter();
    let documents = documents.map(|(key, content)| DocumentWrite { key, content: Some(content) });
    let (documents, clock) = (documents.collect(), Some(Timestamp(0)));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(false));
    store.commit(Batch { documents, clock, ..Batch::default() }).unwrap();

    let (runtime, handle) = start(&store);
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let bound = server::bind(&server::Options { address }).await.unwrap();
    let channel = connect(bound.address()).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve(handle, async move { drop(stopped.await) }));

    let check = HealthCheckRequest { service: String::new() };
    let health = HealthClient::new(channel.clone()).check(check).await.unwrap().into_inner();
    assert_eq!(health.status().as_str_name(), "NOT_SERVING");
    let mut tasks = TaskServiceClient::new(channel.clone());
    let said = tasks.comment(by("anna", comment("p-1", "", "hello"))).await;
    assert_eq!(refusal(said), "FailedPrecondition CLOCK_JUMPED");
    let list = pb::InstanceServiceListRequest::default();
    let list = InstanceServiceClient::new(channel).list(by("anna", list)).await.unwrap();
    assert_eq!(list.into_inner().instances.len(), 0);

    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    tokio::task::spawn_blocking(|| runtime.shutdown()).await.unwrap();
}
