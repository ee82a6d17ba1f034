//! The same completions through `InstanceService.Drive`, against the unary echo.

use anyhow::Result;

use crate::Bench;
use crate::dataset::DataSet;
use crate::echo::hexadecimal;
use crate::measure::{Middle, microseconds};
use crate::process::Server;
use crate::report::{Row, higher};
use crate::throughput::{INSTANCES, Round, Sent, Way, complete, refusals, typical_answer};

pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let data = DataSet::prepare(&bench.work, INSTANCES, bench.seed)?;
    let echo = Server::echo(&bench.work, &hexadecimal(&typical_answer(&data.plan)?))?;
    let sent = Sent::first(bench);
    let mut rounds: Vec<(Round, Round)> = Vec::new();
    for round in 0..bench.rounds {
        let bare = complete(&echo, &data, sent, Way::Echo)?;
        let copy = data.copy("drive")?;
        let server = Server::sanbang(&copy.store())?;
        let driven = complete(&server, &copy, sent, Way::Drive)?;
        server.stop()?;
        copy.remove()?;
        let [bare_rate, driven_rate] = [&bare, &driven].map(|it| it.seen.rate());
        eprintln!("round {}: echo {bare_rate:.0}/s, drive {driven_rate:.0}/s", round + 1);
        rounds.push((bare, driven));
    }
    let shares = rounds.iter().map(|(bare, driven)| driven.seen.rate() / bare.seen.rate());
    let bare = |of: fn(&Round) -> f64| Middle::of(rounds.iter().map(|it| of(&it.0)));
    let driven = |of: fn(&Round) -> f64| Middle::of(rounds.iter().map(|it| of(&it.1)));
    let row = Row::new(
        "drive_share",
        "the same through Drive, against the unary echo",
        "",
        higher(1.0, 1.5),
    );
    let row = row
        .measured(Middle::of(shares))
        .side("drive_per_second", driven(|it| it.seen.rate()))
        .side("echo_per_second", bare(|it| it.seen.rate()))
        .side("drive_p50_us", driven(|it| microseconds(it.seen.p50_ns)))
        .side("drive_p99_us", driven(|it| microseconds(it.seen.p99_ns)))
        .side("service_cpu_us", driven(Round::server_cpu_us))
        .side("echo_cpu_us", bare(Round::server_cpu_us))
        .side("client_cpu_us_with_drive", driven(Round::client_cpu_us))
        .note(refusals(rounds.iter().map(|it| &it.1), "one stream per connection"));
    Ok(vec![row])
}
