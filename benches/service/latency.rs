//! One completion at a time: what durability adds to a bare fdatasync and a bare call.

use anyhow::Result;

use crate::Bench;
use crate::dataset::DataSet;
use crate::echo::hexadecimal;
use crate::measure::{Middle, figure, microseconds};
use crate::pairs::Compared;
use crate::process::{Client, Server};
use crate::report::{Row, lower};
use crate::throughput::{INSTANCES, typical_answer};

/// Pairs of a round.
const PAIRS: usize = 3_000;

pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let data = DataSet::prepare(&bench.work, INSTANCES, bench.seed)?;
    let copy = data.copy("pairs")?;
    let echo = Server::echo(&bench.work, &hexadecimal(&typical_answer(&copy.plan)?))?;
    let server = Server::sanbang(&copy.store())?;
    let pairs = if bench.quick { PAIRS / 4 } else { PAIRS };
    let file = bench.work.join("bare");
    let (mut compared, mut skip) = (Vec::<Compared>::new(), 0);
    for round in 0..bench.rounds {
        let client = Client::start(&[
            "pairs",
            &format!("--service={}", server.url()),
            &format!("--echo={}", echo.url()),
            &format!("--plan={}", copy.plan_path().display()),
            &format!("--seed={}", bench.seed),
            &format!("--skip={skip}"),
            &format!("--pairs={pairs}"),
            &format!("--file={}", file.display()),
        ])?;
        let seen: Compared = client.report()?;
        let [service, bare] = [seen.service_p99_ns, seen.bare_p99_ns].map(microseconds);
        eprintln!("round {}: p99 service {service:.0} µs, bare {bare:.0} µs", round + 1);
        skip += seen.taken;
        compared.push(seen);
    }
    server.stop()?;
    copy.remove()?;
    std::fs::remove_file(&file)?;
    Ok(vec![row(&compared)])
}

fn row(compared: &[Compared]) -> Row {
    let ratio = |it: &Compared| figure(it.service_p99_ns) / figure(it.bare_p99_ns);
    let middle =
        |of: fn(&Compared) -> u64| Middle::of(compared.iter().map(|it| microseconds(of(it))));
    let row = Row::new(
        "latency_p99_ratio",
        "p99 at 1 in flight, against fdatasync of 4 KiB + echo",
        "×",
        lower(3.0, 1.5),
    );
    row.measured(Middle::of(compared.iter().map(ratio)))
        .side("service_p99_us", middle(|it| it.service_p99_ns))
        .side("bare_p99_us", middle(|it| it.bare_p99_ns))
        .side("service_p50_us", middle(|it| it.service_p50_ns))
        .side("bare_p50_us", middle(|it| it.bare_p50_ns))
        .side("fdatasync_p99_us", middle(|it| it.sync_p99_ns))
        .side("echo_p99_us", middle(|it| it.echo_p99_ns))
        .note("the bare side overwrites 4 KiB of a file beside the store: no fdatasync is cheaper")
}
