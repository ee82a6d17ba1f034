//! A million live instances: how fast a server opens them, how much memory they take, and what is
//! left of its throughput.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sanbang::api::pb;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;

use crate::Bench;
use crate::client::connect;
use crate::dataset::{DataSet, size_of};
use crate::measure::{Middle, figure};
use crate::plan::Plan;
use crate::process::{Server, forget_cached};
use crate::report::{Row, higher, lower};
use crate::throughput::{INSTANCES, Round, Sent, Way, complete, refusals};

/// Live instances of the large store.
const MANY: u32 = 1_000_000;
const MANY_QUICK: u32 = 100_000;
/// Live instances of a server that holds next to none: the rest of its memory is not theirs.
const FEW: u32 = 1_000;
/// Starts after a kill.
const STARTS: usize = 3;

pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let many = if bench.quick { MANY_QUICK } else { MANY };
    let (few, small) = (
        DataSet::prepare(&bench.work, FEW, bench.seed)?,
        DataSet::prepare(&bench.work, INSTANCES, bench.seed)?,
    );
    let large = DataSet::prepare(&bench.work, many, bench.seed)?;
    let (started, server, taken) = starts(bench, &few, &large)?;
    let rows = started.rows(many, size_of(&large.store())?);
    let throughput = throughput(bench, &small, &large, &server, taken)?;
    server.kill()?;
    // Completions have changed it: it is no data set any more.
    large.remove()?;
    Ok(std::iter::once(throughput).chain(rows).collect())
}

/// What starts gave.
struct Started {
    warm: Vec<Duration>,
    cold: Duration,
    resident_few: u64,
    resident_many: u64,
}

/// Starts on the large store, each after a kill under load; the last server stays, with how many
/// completions of the plan have been taken.
fn starts(bench: &Bench, few: &DataSet, large: &DataSet) -> Result<(Started, Server, usize)> {
    let server = Server::sanbang(&few.store())?;
    first_answer(&server)?;
    let resident_few = server.usage()?.resident_bytes;
    server.stop()?;

    let mut server = Server::sanbang(&large.store())?;
    first_answer(&server)?;
    let (mut warm, mut taken) = (Vec::new(), 0);
    let load = |server: &Server, skip: usize| {
        let sent = Sent { skip, warm_up: 1_000, seconds: 1.0, ..Sent::first(bench) };
        complete(server, large, sent, Way::Service).map(|round| round.seen.taken)
    };
    let mut resident_many = 0;
    for start in 0..if bench.quick { 1 } else { STARTS } {
        taken += load(&server, taken)?;
        server.kill()?;
        let begun = Instant::now();
        server = Server::sanbang(&large.store())?;
        first_answer(&server)?;
        warm.push(begun.elapsed());
        resident_many = server.usage()?.resident_bytes;
        eprintln!("start {}: {:.1} s", start + 1, begun.elapsed().as_secs_f64());
    }
    taken += load(&server, taken)?;
    server.kill()?;
    forget_cached(&large.store())?;
    let begun = Instant::now();
    let server = Server::sanbang(&large.store())?;
    first_answer(&server)?;
    let cold = begun.elapsed();
    Ok((Started { warm, cold, resident_few, resident_many }, server, taken))
}

impl Started {
    fn rows(&self, many: u32, bytes: u64) -> [Row; 2] {
        let start = Row::new(
            "startup_seconds",
            "start-up after kill -9 with 1,000,000 live instances, first answer",
            "s",
            lower(10.0, 3.0),
        );
        let start = start
            .measured(Middle::of(self.warm.iter().map(Duration::as_secs_f64)))
            .value_side("cold_seconds", self.cold.as_secs_f64())
            .value_side("store_gigabytes", figure(bytes) / 1e9)
            .note(format!("{many} instances; cold: the page cache was told to forget the store"));
        let more = figure(self.resident_many) - figure(self.resident_few);
        let each = more / f64::from(many - FEW);
        let memory = Row::new(
            "resident_bytes_per_instance",
            "resident memory per live instance held ready",
            "B",
            lower(600.0, 300.0),
        );
        let memory = memory
            .measured(Middle::of([each]))
            .value_side("resident_with_many_megabytes", figure(self.resident_many) / 1e6)
            .value_side("resident_with_few_megabytes", figure(self.resident_few) / 1e6)
            .note(format!(
                "whole process right after opening, {many} instances less {FEW}: sled's cache and \
                 what the allocator keeps are in it"
            ));
        [start, memory]
    }
}

/// Asks for one instance.
fn first_answer(server: &Server) -> Result<()> {
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    threads.block_on(async {
        let mut client = InstanceServiceClient::new(connect(server.url()).await?);
        let instance = Plan::instance(7);
        let mut request = tonic::Request::new(pb::InstanceServiceGetRequest { instance });
        request.metadata_mut().insert("sanbang-actor", "director".parse()?);
        let answer = client.get(request).await?.into_inner();
        answer.instance.context("the instance is there")?;
        Ok(())
    })
}

/// Rounds in turn: a fresh server with few instances, the one server with many.
fn throughput(
    bench: &Bench,
    small: &DataSet,
    large: &DataSet,
    server: &Server,
    mut taken: usize,
) -> Result<Row> {
    let mut rounds: Vec<(Round, Round)> = Vec::new();
    for round in 0..bench.rounds {
        let copy = small.copy("scale")?;
        let fresh = Server::sanbang(&copy.store())?;
        let few = complete(&fresh, &copy, Sent::first(bench), Way::Service)?;
        fresh.stop()?;
        copy.remove()?;
        let sent = Sent { skip: taken, ..Sent::first(bench) };
        let many = complete(server, large, sent, Way::Service)?;
        taken += many.seen.taken;
        let [few_rate, many_rate] = [&few, &many].map(|it| it.seen.rate());
        eprintln!("round {}: few {few_rate:.0}/s, many {many_rate:.0}/s", round + 1);
        rounds.push((few, many));
    }
    let shares = rounds.iter().map(|(few, many)| many.seen.rate() / few.seen.rate());
    let few = |of: fn(&Round) -> f64| Middle::of(rounds.iter().map(|it| of(&it.0)));
    let many = |of: fn(&Round) -> f64| Middle::of(rounds.iter().map(|it| of(&it.1)));
    let row = Row::new(
        "scale_share",
        "throughput with 1,000,000 live instances against 10,000",
        "",
        higher(0.6, 0.8),
    );
    let row = row
        .measured(Middle::of(shares))
        .side("many_per_second", many(|it| it.seen.rate()))
        .side("few_per_second", few(|it| it.seen.rate()))
        .side("many_cpu_us", many(Round::server_cpu_us))
        .side("few_cpu_us", few(Round::server_cpu_us))
        .side("many_bytes_written", many(Round::disk_bytes))
        .side("few_bytes_written", few(Round::disk_bytes));
    let count = format!("{} instances against {INSTANCES}", large.plan.instances);
    Ok(row.note(refusals(rounds.iter().map(|it| &it.1), &count)))
}
