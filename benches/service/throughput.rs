//! Completions at 256 in flight: their rate as a share of the echo's, and what each costs in
//! fsyncs, in bytes and in processor time.

use anyhow::{Context as _, Result, ensure};
use sanbang::api::pb;
use sanbang::api::pb::admin_service_client::AdminServiceClient;

use crate::Bench;
use crate::client::{BEGIN, END, Seen, connect};
use crate::dataset::DataSet;
use crate::echo::hexadecimal;
use crate::machine::Device;
use crate::measure::{Middle, figure, microseconds};
use crate::plan::{Plan, Step};
use crate::process::{Client, Server, Usage};
use crate::report::{Row, higher, lower};
use crate::traced::syncs_during;

/// Completions that are under way at any time, and the connections over which they are spread.
pub(crate) const IN_FLIGHT: usize = 256;
pub(crate) const CONNECTIONS: usize = 4;
/// Live instances: so many that the service's cache, as shipped, holds them all.
pub(crate) const INSTANCES: u32 = 10_000;
/// How long a round is measured.
const SECONDS: f64 = 5.0;

/// What one round gave.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) seen: Seen,
    /// What the server used while it was measured.
    pub(crate) usage: Usage,
    /// Durable writes meanwhile; of the echo none.
    pub(crate) commits: u64,
    /// What the disk of the store wrote meanwhile, whoever asked for it; none: nobody counts it.
    pub(crate) device_bytes: Option<u64>,
}

impl Round {
    /// Processor time of the server per completion.
    pub(crate) fn server_cpu_us(&self) -> f64 {
        figure(self.usage.cpu_us) / figure(self.seen.answered)
    }

    pub(crate) fn client_cpu_us(&self) -> f64 {
        figure(self.seen.cpu_us) / figure(self.seen.answered)
    }

    /// Bytes sent to the disk per completion.
    pub(crate) fn disk_bytes(&self) -> f64 {
        self.per_completion(self.usage.disk_bytes)
    }

    fn per_completion(&self, count: u64) -> f64 {
        figure(count) / figure(self.seen.answered)
    }
}

/// What is sent in a round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) seed: u64,
    pub(crate) skip: usize,
    pub(crate) warm_up: u64,
    pub(crate) seconds: f64,
    pub(crate) in_flight: usize,
}

/// Over which call, to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Echo,
    Service,
    Drive,
}

impl Sent {
    /// From the beginning of the plan. A first pass over all instances is not measured: after it
    /// the service has met each of them once.
    pub(crate) fn first(bench: &Bench) -> Self {
        Self {
            seed: bench.seed,
            skip: 0,
            warm_up: u64::from(INSTANCES),
            seconds: bench.shortened(SECONDS),
            in_flight: IN_FLIGHT,
        }
    }
}

pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let data = DataSet::prepare(&bench.work, INSTANCES, bench.seed)?;
    let echo = Server::echo(&bench.work, &hexadecimal(&typical_answer(&data.plan)?))?;
    let sent = Sent::first(bench);
    let (mut echoes, mut services) = (Vec::new(), Vec::new());
    for round in 0..bench.rounds {
        echoes.push(complete(&echo, &data, sent, Way::Echo)?);
        let copy = data.copy("round")?;
        let server = Server::sanbang(&copy.store())?;
        services.push(complete(&server, &copy, sent, Way::Service)?);
        server.stop()?;
        copy.remove()?;
        let [echo, service] = [&echoes[round], &services[round]].map(|it| it.seen.rate());
        eprintln!("round {}: echo {echo:.0}/s, service {service:.0}/s", round + 1);
    }
    let syncs = syncs_per_commit(bench, &data)?;
    Ok(vec![rate(&echoes, &services), fsyncs(&services, syncs), bytes(&services)])
}

/// How many fsyncs a durable write takes, seen from outside.
fn syncs_per_commit(bench: &Bench, data: &DataSet) -> Result<Option<f64>> {
    let copy = data.copy("traced")?;
    let server = Server::sanbang(&copy.store())?;
    let commits_before = statistics(server.url())?.commits;
    let sent = Sent { warm_up: 1, seconds: 1.0, ..Sent::first(bench) };
    let load = || complete(&server, &copy, sent, Way::Service).map(|_| ());
    let syncs = syncs_during(&server, &bench.work, load)?;
    let commits = statistics(server.url())?.commits - commits_before;
    server.stop()?;
    copy.remove()?;
    Ok(syncs.map(|syncs| figure(syncs) / figure(commits)))
}

fn rate(echoes: &[Round], services: &[Round]) -> Row {
    let middle = |rounds: &[Round], of: fn(&Round) -> f64| Middle::of(rounds.iter().map(of));
    let shares = echoes.iter().zip(services).map(|(echo, it)| it.seen.rate() / echo.seen.rate());
    let note = format!("{INSTANCES} live instances, {CONNECTIONS} connections");
    Row::new(
        "throughput_share",
        "durable completions at 256 in flight, share of the echo",
        "",
        higher(0.5, 0.7),
    )
    .measured(Middle::of(shares))
    .side("service_per_second", middle(services, |it| it.seen.rate()))
    .side("echo_per_second", middle(echoes, |it| it.seen.rate()))
    .side("service_p50_us", middle(services, |it| microseconds(it.seen.p50_ns)))
    .side("service_p99_us", middle(services, |it| microseconds(it.seen.p99_ns)))
    .side("echo_p99_us", middle(echoes, |it| microseconds(it.seen.p99_ns)))
    .side("service_cpu_us", middle(services, Round::server_cpu_us))
    .side("echo_cpu_us", middle(echoes, Round::server_cpu_us))
    .side("client_cpu_us_with_service", middle(services, Round::client_cpu_us))
    .side("client_cpu_us_with_echo", middle(echoes, Round::client_cpu_us))
    .note(refusals(services.iter(), &note))
}

/// The note of rounds: whether anything was refused, which nothing should be.
pub(crate) fn refusals<'a>(rounds: impl Iterator<Item = &'a Round>, otherwise: &str) -> String {
    let mut refused = rounds.filter_map(|it| Some((it.seen.refused, it.seen.refusal.as_ref()?)));
    match refused.next() {
        Some((count, first)) => format!("{count} were refused in one round, the first: {first}"),
        None => otherwise.to_owned(),
    }
}

fn fsyncs(services: &[Round], syncs_per_commit: Option<f64>) -> Row {
    let each = syncs_per_commit.unwrap_or(1.0);
    let per = services.iter().map(|it| each * it.per_completion(it.commits));
    let row = Row::new(
        "fsyncs_per_completion",
        "fsyncs per completion at 256 in flight",
        "",
        lower(1.0 / 30.0, 1.0 / 100.0),
    );
    let middle = Middle::of(per.clone());
    let row = row
        .measured(middle)
        .side("completions_per_fsync", Middle::of(per.map(|it| 1.0 / it)))
        .value_side("fsyncs_per_durable_write", each);
    row.note(match syncs_per_commit {
        Some(_) => "durable writes as the service counts them, times fsyncs of each seen by strace",
        None => "durable writes as the service counts them, one fdatasync each: there is no strace",
    })
}

fn bytes(services: &[Round]) -> Row {
    let per = |of: fn(&Usage) -> u64| {
        Middle::of(services.iter().map(|it| it.per_completion(of(&it.usage))))
    };
    let row = Row::new(
        "bytes_written_per_completion",
        "bytes written by the process per completion",
        "B",
        lower(6000.0, 2500.0),
    );
    let device: Vec<f64> = services
        .iter()
        .filter_map(|it| it.device_bytes.map(|bytes| it.per_completion(bytes)))
        .collect();
    let row = row.measured(per(|it| it.written_bytes));
    // Not every disk is counted where this runs.
    let row = if device.is_empty() { row } else { row.side("device_bytes", Middle::of(device)) };
    row.side("pages_accounted_bytes", per(|it| it.disk_bytes))
        .note("given to write calls, answers over sockets included; the whole disk beside it")
}

/// Starts a client that completes what the plan says.
pub(crate) fn start(server: &Server, data: &DataSet, sent: Sent, way: Way) -> Result<Client> {
    let Sent { seed, skip, warm_up, seconds, in_flight } = sent;
    let mut arguments = vec![
        "complete".to_owned(),
        format!("--url={}", server.url()),
        format!("--plan={}", data.plan_path().display()),
        format!("--seed={seed}"),
        format!("--in-flight={in_flight}"),
        format!("--connections={CONNECTIONS}"),
        format!("--skip={skip}"),
        format!("--warm-up={warm_up}"),
        format!("--seconds={seconds}"),
    ];
    if way == Way::Drive {
        arguments.push("--drive".to_owned());
    }
    Client::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// One client against one server, and what the server used while it was measured.
pub(crate) fn complete(server: &Server, data: &DataSet, sent: Sent, way: Way) -> Result<Round> {
    let mut client = start(server, data, sent, way)?;
    let commits = || -> Result<u64> {
        if way == Way::Echo { Ok(0) } else { Ok(statistics(server.url())?.commits) }
    };
    client.wait_for(BEGIN)?;
    let (usage_before, commits_before) = (server.usage()?, commits()?);
    let device = Device::of(data.plan_path().as_path());
    let device_before = device.as_ref().and_then(Device::written_bytes);
    client.wait_for(END)?;
    let (usage, commits) = (server.usage()?.since(usage_before), commits()? - commits_before);
    let device_bytes = device.as_ref().and_then(Device::written_bytes);
    let device_bytes = device_bytes.zip(device_before).map(|(after, before)| after - before);
    let seen: Seen = client.report()?;
    ensure!(seen.answered > 0, "nothing was answered: {:?}", seen.refusal);
    Ok(Round { seen, usage, commits, device_bytes })
}

/// What the service has counted about itself.
pub(crate) fn statistics(url: &str) -> Result<pb::Statistics> {
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    threads.block_on(async {
        let mut admin = AdminServiceClient::new(connect(url).await?);
        let mut request = tonic::Request::new(pb::AdminServiceInfoRequest {});
        request.metadata_mut().insert("sanbang-actor", "director".parse()?);
        let info = admin.info(request).await?.into_inner();
        info.statistics.context("an answer holds statistics")
    })
}

/// The answer of middling size among those that the plan will get.
pub(crate) fn typical_answer(plan: &Plan) -> Result<pb::TaskServiceCompleteResponse> {
    let answer = |step: &Step| pb::TaskServiceCompleteResponse {
        accepted: Some(pb::Accepted {
            instance: Plan::instance(0),
            revision: 50,
            event_kinds: step.kinds.clone(),
            started: Vec::new(),
        }),
    };
    let mut answers: Vec<_> = plan.templates.iter().flatten().map(answer).collect();
    answers.sort_by_key(prost::Message::encoded_len);
    let middle = answers.len() / 2;
    answers.get(middle).cloned().context("a plan holds completions")
}
