//! Completions at 256 in flight: their rate as a share of the echo's, and what each costs in
//! fsyncs, in bytes and in processor time.

use anyhow::{Context as _, Result, ensure};
use sanbang::api::pb;
use sanbang::api::pb::admin_service_client::AdminServiceClient;

use crate::Bench;
use crate::client::{BEGIN, END, Seen, connect};
use crate::dataset::DataSet;
use crate::echo::hexadecimal;
use crate::measure::{Middle, figure, microseconds};
use crate::plan::{Plan, Step};
use crate::process::{Client, Server, Usage};
use crate::report::{Row, higher, lower};

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
}

impl Round {
    /// Processor time of the server per completion.
    fn server_cpu_us(&self) -> f64 {
        figure(self.usage.cpu_us) / figure(self.seen.answered)
    }

    fn client_cpu_us(&self) -> f64 {
        figure(self.seen.cpu_us) / figure(self.seen.answered)
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
}

pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let data = DataSet::prepare(&bench.work, INSTANCES, bench.seed)?;
    let echo = Server::echo(&bench.work, &hexadecimal(&typical_answer(&data.plan)?))?;
    // A first pass over all instances: then the service has met each of them once.
    let sent = Sent {
        seed: bench.seed,
        skip: 0,
        warm_up: u64::from(INSTANCES),
        seconds: bench.shortened(SECONDS),
    };
    let (mut echoes, mut services) = (Vec::new(), Vec::new());
    for round in 0..bench.rounds {
        echoes.push(complete(&echo, &data, sent, false)?);
        let copy = data.copy("round")?;
        let server = Server::sanbang(&copy.store())?;
        services.push(complete(&server, &copy, sent, true)?);
        server.stop()?;
        copy.remove()?;
        let [echo, service] = [&echoes[round], &services[round]].map(|it| it.seen.rate());
        eprintln!("round {}: echo {echo:.0}/s, service {service:.0}/s", round + 1);
    }
    Ok(vec![rate(&echoes, &services), fsyncs(&services), bytes(&services)])
}

fn rate(echoes: &[Round], services: &[Round]) -> Row {
    let middle = |rounds: &[Round], of: fn(&Round) -> f64| {
        Middle::of(rounds.iter().map(of)).map(|it| it.median)
    };
    let shares = echoes.iter().zip(services).map(|(echo, it)| it.seen.rate() / echo.seen.rate());
    let refused: u64 = services.iter().map(|it| it.seen.refused).sum();
    let refusal = services.iter().find_map(|it| it.seen.refusal.clone());
    let note = match refusal {
        Some(first) => format!("{refused} were refused, the first: {first}"),
        None => format!("{INSTANCES} live instances, {CONNECTIONS} connections"),
    };
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
    .note(note)
}

fn fsyncs(services: &[Round]) -> Row {
    let per = services.iter().map(|it| it.per_completion(it.commits));
    let row = Row::new(
        "fsyncs_per_completion",
        "fsyncs per completion at 256 in flight",
        "",
        lower(1.0 / 30.0, 1.0 / 100.0),
    );
    let middle = Middle::of(per);
    row.measured(middle)
        .side("completions_per_fsync", middle.map(|it| 1.0 / it.median))
        .note("counted by the service: one fdatasync per durable write")
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
    row.measured(per(|it| it.disk_bytes))
        .side("given_to_write_calls_bytes", per(|it| it.written_bytes).map(|it| it.median))
        .note("write_bytes of /proc: whole pages sent to the disk; sockets do not count in it")
}

/// One client against one server, and what the server used while it was measured.
pub(crate) fn complete(
    server: &Server,
    data: &DataSet,
    sent: Sent,
    is_service: bool,
) -> Result<Round> {
    let plan = data.plan_path().to_string_lossy().into_owned();
    let Sent { seed, skip, warm_up, seconds } = sent;
    let mut client = Client::start(&[
        "complete",
        &format!("--url={}", server.url()),
        &format!("--plan={plan}"),
        &format!("--seed={seed}"),
        &format!("--in-flight={IN_FLIGHT}"),
        &format!("--connections={CONNECTIONS}"),
        &format!("--skip={skip}"),
        &format!("--warm-up={warm_up}"),
        &format!("--seconds={seconds}"),
    ])?;
    let commits = || -> Result<u64> {
        if is_service { Ok(statistics(server.url())?.commits) } else { Ok(0) }
    };
    client.wait_for(BEGIN)?;
    let (usage_before, commits_before) = (server.usage()?, commits()?);
    client.wait_for(END)?;
    let (usage, commits) = (server.usage()?.since(usage_before), commits()? - commits_before);
    let seen: Seen = client.report()?;
    ensure!(seen.answered > 0, "nothing was answered: {:?}", seen.refusal);
    Ok(Round { seen, usage, commits })
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
        }),
    };
    let mut answers: Vec<_> = plan.templates.iter().flatten().map(answer).collect();
    answers.sort_by_key(prost::Message::encoded_len);
    let middle = answers.len() / 2;
    answers.get(middle).cloned().context("a plan holds completions")
}
