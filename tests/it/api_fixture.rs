//! What the tests of the API share: a real server on a real socket with a store on disk, a small
//! workflow that has something of everything, and short ways to call as somebody.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prost_types::value::Kind;
use prost_types::{Struct, Value};
use sanbang::api::pb::admin_service_client::AdminServiceClient;
use sanbang::api::pb::calendar_service_client::CalendarServiceClient;
use sanbang::api::pb::escalation_service_client::EscalationServiceClient;
use sanbang::api::pb::event_service_client::EventServiceClient;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use sanbang::api::pb::ledger_service_client::LedgerServiceClient;
use sanbang::api::pb::organization_service_client::OrganizationServiceClient;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use sanbang::api::pb::workflow_service_client::WorkflowServiceClient;
use sanbang::api::{pb, server};
use sanbang::definition::sources::Sources;
use sanbang::model::time::Timestamp;
use sanbang::runtime::{Clock, Configuration, Handle, Options, Runtime};
use sanbang::store::Store;
use sanbang::store::sled;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use super::store_fixture::open_again;

/// 2025-01-06T01:00:00Z, a Monday.
pub(crate) const START: Timestamp = Timestamp(1_736_125_200_000);

pub(crate) const WORKFLOW: &str = "
workflow: permit
title: { en: Permit, zh: 许可 }
calendar: plain
fields:
  applicant: { type: text, required: true, indexed: true }
  area: { type: decimal, unit: m2, at_least: 0 }
  plots: { type: integer }
  tier: { type: choice, of: [gold, silver], indexed: true }
  urgent: { type: boolean }
activities:
  contact: { fields: { summary: { type: text, required: true } } }
suspension: { within: 20wd, escalation: plain }
may_terminate: [withdrawn]
stages:
  - id: intake
    title: { en: Intake, zh: 受理 }
    guide: Take the papers and look at them.
    requires: [area]
    tasks:
      - id: papers
        title: { en: Check the papers, zh: 核对材料 }
        role: office
        checklist: [{ id: seal, title: { en: Sealed, zh: 盖章 } }]
        outcomes: [complete, incomplete]
        form: { pages: { type: integer, required: true } }
        sla: { within: 3wd, escalation: plain }
  - id: review
    title: { en: Review, zh: 审查 }
    tasks:
      - { id: opinion, title: { en: Opinion, zh: 意见 }, role: office, offer: true }
    return_to: [intake]
  - id: grant
    title: { en: Grant, zh: 发证 }
    sla: { within: 48h, escalation: plain }
  - id: visit
    title: { en: Visit, zh: 踏勘 }
    beside: true
    opens_from: intake
";

const ORGANIZATION: &str = "
roles:
  steward: { title: { en: Steward, zh: 责任人 }, above: head }
  holder: { title: { en: Holder, zh: 承办人 }, above: steward }
  head: { title: { en: Head, zh: 负责人 }, may_force: true }
groups:
  office: { title: { en: Office, zh: 办公室 }, kind: coordination, above: head }
members:
  anna: { title: { en: Anna, zh: 安娜 }, group: office }
  bert: { title: { en: Bert, zh: 伯特 }, group: office }
  chief: { title: { en: Chief, zh: 主任 }, roles: [head] }
services:
  portal: {}
";

const ESCALATION: &str = "
levels: [L0, L1, L2]
policies:
  plain:
    - { at: 50%, level: L0, light: yellow, notify: [steward] }
    - { at: due, level: L1, light: red, notify: [steward, head], require: recovery_plan, ack_within: 1wd }
    - { at: +2wd, level: L2, light: red, notify: [head] }
";

const CALENDAR: &str = "
calendar: plain
title: { en: Plain, zh: 通用 }
zone: UTC
hours: ['09:00-12:00', '13:00-17:00']
rest_days: [saturday, sunday]
years:
  2025: { off: [2025-01-01], worked: [] }
  2026: { off: [2026-01-01], worked: [] }
";

/// The files of the small configuration.
pub(crate) fn sources() -> Sources {
    let files = [
        ("workflows/permit.yaml", WORKFLOW),
        ("rules/organization.yaml", ORGANIZATION),
        ("rules/escalation.yaml", ESCALATION),
        ("rules/reasons.yaml", "reasons:\n  withdrawn: { en: Withdrawn, zh: 撤回 }\n"),
        ("rules/calendars/plain.yaml", CALENDAR),
    ];
    Sources { files: files.into_iter().map(|(path, text)| (path.into(), text.into())).collect() }
}

/// The same, with Doris, who belongs to nobody's team.
pub(crate) fn with_doris_outside(mut sources: Sources) -> Sources {
    let path = "rules/organization.yaml";
    let doris = "members:\n  doris: { title: { en: Doris, zh: 多丽丝 }, group: annex }";
    let annex = "groups:\n  annex: { title: { en: Annex, zh: 外区 }, kind: external, above: head }";
    let people = sources.files[path].replace("members:", doris).replace("groups:", annex);
    sources.files.insert(path.into(), people.into());
    sources
}

/// A server, its runtime and a connection to it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) channel: Channel,
    handle: Handle,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), server::Error>>,
}

impl Server {
    /// A server with the small configuration.
    pub(crate) async fn start(directory: &Path) -> Self {
        Self::start_with(directory, sources()).await
    }

    /// A server with another configuration.
    pub(crate) async fn start_with(directory: &Path, sources: Sources) -> Self {
        let options = sled::Options {
            directory: directory.to_owned(),
            simulated_clock: true,
            recent_events: 16,
        };
        Self::start_on(Arc::new(open_again(&options).unwrap()), sources).await
    }

    /// A server on another store.
    pub(crate) async fn start_on(store: Arc<dyn Store>, sources: Sources) -> Self {
        let options =
            Options { workers: 2, heartbeat: Duration::from_millis(200), ..Options::default() };
        let configuration = Configuration::Files(sources);
        let started = Runtime::start(options, store, Clock::simulated(START), configuration);
        let (runtime, handle) = started.unwrap_or_else(|error| panic!("{error}: {error:?}"));

        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = server::bind(&server::Options { address }).await.unwrap();
        let address = bound.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let serving = tokio::spawn(bound.serve(handle.clone(), shutdown));
        let channel = connect(address).await;
        Self { address, channel, handle, runtime, stop, serving }
    }

    /// Stops as the command line does: first the server, then the runtime.
    pub(crate) async fn stop(self) {
        let Self { channel, handle, runtime, stop, serving, .. } = self;
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
        drop((channel, handle));
        tokio::task::spawn_blocking(|| runtime.shutdown()).await.unwrap();
    }

    /// Begins to stop and says when it is done.
    pub(crate) fn begin_to_stop(self) -> (impl Future<Output = ()>, Runtime) {
        let Self { runtime, stop, serving, .. } = self;
        stop.send(()).unwrap();
        (async move { serving.await.unwrap().unwrap() }, runtime)
    }

    pub(crate) fn instances(&self) -> InstanceServiceClient<Channel> {
        InstanceServiceClient::new(self.channel.clone())
    }

    pub(crate) fn tasks(&self) -> TaskServiceClient<Channel> {
        TaskServiceClient::new(self.channel.clone())
    }

    pub(crate) fn escalations(&self) -> EscalationServiceClient<Channel> {
        EscalationServiceClient::new(self.channel.clone())
    }

    pub(crate) fn events(&self) -> EventServiceClient<Channel> {
        EventServiceClient::new(self.channel.clone())
    }

    pub(crate) fn workflows(&self) -> WorkflowServiceClient<Channel> {
        WorkflowServiceClient::new(self.channel.clone())
    }

    pub(crate) fn calendars(&self) -> CalendarServiceClient<Channel> {
        CalendarServiceClient::new(self.channel.clone())
    }

    pub(crate) fn organization(&self) -> OrganizationServiceClient<Channel> {
        OrganizationServiceClient::new(self.channel.clone())
    }

    pub(crate) fn ledgers(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channel.clone()).max_decoding_message_size(64 << 20)
    }

    pub(crate) fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel.clone())
    }

    /// Begins a permit whose steward is Anna.
    pub(crate) async fn create(&self, instance: &str, applicant: &str) -> pb::Accepted {
        let request = pb::InstanceServiceCreateRequest {
            instance: instance.to_owned(),
            workflow: "permit".to_owned(),
            fields: Some(fields(&[("applicant", text(applicant))])),
            steward: "anna".to_owned(),
            ..Default::default()
        };
        let created = self.instances().create(by("anna", request)).await.unwrap();
        created.into_inner().accepted.unwrap()
    }

    /// An instance as it stands.
    pub(crate) async fn get(&self, instance: &str) -> pb::Instance {
        self.seen_by("anna", instance).await
    }

    /// An instance as it stands, for a configuration that has other people.
    pub(crate) async fn seen_by(&self, member: &str, instance: &str) -> pb::Instance {
        let request = pb::InstanceServiceGetRequest { instance: instance.to_owned() };
        let got = self.instances().get(by(member, request)).await.unwrap();
        got.into_inner().instance.unwrap()
    }

    /// The first open task of a name: its number, and who holds it.
    pub(crate) async fn open_task(
        &self,
        member: &str,
        (instance, task): (&str, &str),
    ) -> (u32, String) {
        let tasks = self.seen_by(member, instance).await.tasks;
        let is_meant = |it: &&pb::Task| {
            it.end.is_none() && it.reference.as_ref().is_some_and(|reference| reference.id == task)
        };
        let found = tasks.iter().find(is_meant).unwrap_or_else(|| panic!("no open `{task}`"));
        (found.reference.as_ref().unwrap().number, found.holder.as_ref().unwrap().member.clone())
    }

    /// Whoever holds a task completes it; `member` is anybody who may look for it.
    pub(crate) async fn complete(
        &self,
        member: &str,
        (instance, task): (&str, &str),
        outcome: &str,
        form: &[(&str, Value)],
    ) -> pb::Accepted {
        let (number, holder) = self.open_task(member, (instance, task)).await;
        let request = pb::TaskServiceCompleteRequest {
            instance: instance.to_owned(),
            task: number,
            outcome: outcome.to_owned(),
            form: (!form.is_empty()).then(|| fields(form)),
            ..Default::default()
        };
        let completed = self.tasks().complete(by(&holder, request)).await.unwrap();
        completed.into_inner().accepted.unwrap()
    }

    /// Says something about an instance: the smallest command.
    pub(crate) async fn comment(&self, instance: &str, words: &str) -> pb::Accepted {
        let request = comment(instance, "", words);
        let said = self.tasks().comment(by("anna", request)).await.unwrap();
        said.into_inner().accepted.unwrap()
    }

    /// Moves the clock to so many hours after the start.
    pub(crate) async fn advance_clock(&self, hours: i64) {
        self.advance_clock_to("chief", START.0 + hours * 3_600_000).await;
    }

    /// Moves the clock to an instant, in milliseconds.
    pub(crate) async fn advance_clock_to(&self, member: &str, to: i64) {
        let request = pb::AdminServiceAdvanceClockRequest { to: Some(instant(to)) };
        self.admin().advance_clock(by(member, request)).await.unwrap();
    }
}

pub(crate) async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

/// A request of a member.
pub(crate) fn by<T>(member: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("sanbang-actor", member.parse().unwrap());
    request
}

pub(crate) fn comment(
    instance: &str,
    request_id: &str,
    words: &str,
) -> pb::TaskServiceCommentRequest {
    pb::TaskServiceCommentRequest {
        instance: instance.to_owned(),
        request_id: request_id.to_owned(),
        text: words.to_owned(),
        ..Default::default()
    }
}

pub(crate) fn instant(milliseconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: milliseconds / 1000, nanos: 0 }
}

pub(crate) fn fields(pairs: &[(&str, Value)]) -> Struct {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Struct { fields: pairs.collect() }
}

pub(crate) fn text(text: &str) -> Value {
    Value { kind: Some(Kind::StringValue(text.to_owned())) }
}

pub(crate) fn number(number: f64) -> Value {
    Value { kind: Some(Kind::NumberValue(number)) }
}

pub(crate) fn boolean(boolean: bool) -> Value {
    Value { kind: Some(Kind::BoolValue(boolean)) }
}

/// What empties a field.
pub(crate) fn null() -> Value {
    Value { kind: Some(Kind::NullValue(0)) }
}

/// The code and the reason of a refusal.
pub(crate) fn refusal<T>(result: Result<Response<T>, Status>) -> String {
    let told = told(result);
    told.split(':').next().unwrap_or_default().to_owned()
}

/// What a refusal told: code, reason and every detail, one line each.
pub(crate) fn told<T>(result: Result<Response<T>, Status>) -> String {
    let Err(status) = result else { return "accepted".to_owned() };
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let mut lines = vec![format!("{:?} {reason}: {}", status.code(), status.message())];
    if let Some(info) = details.error_info() {
        let mut metadata: Vec<_> = info.metadata.iter().collect();
        metadata.sort();
        lines.extend(metadata.iter().map(|(key, value)| format!("  {key}={value}")));
    }
    for each in details.bad_request().map(|all| &all.field_violations[..]).unwrap_or_default() {
        lines.push(format!("  {}: {}", each.field, each.description));
    }
    let failed = details.precondition_failure();
    for each in failed.map(|all| &all.violations[..]).unwrap_or_default() {
        lines.push(format!("  {}: {}", each.subject, each.description));
    }
    lines.join("\n")
}
