//! A hundred subscribers in one process, all events to all of them, while tasks are completed.

use anyhow::Result;

use crate::Bench;
use crate::client::{BEGIN, END};
use crate::dataset::DataSet;
use crate::measure::{Middle, figure};
use crate::process::{Client, Server};
use crate::report::{Row, higher};
use crate::subscribers::Counted;
use crate::throughput::{CONNECTIONS, INSTANCES, Sent, Way, start};

const SUBSCRIBERS: usize = 100;
/// So long they listen under load before they count, and so long they count.
const WARM_UP_SECONDS: f64 = 1.0;
const SECONDS: f64 = 4.0;
/// Completions under way: enough that there are always events.
const IN_FLIGHT: usize = 64;

pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let data = DataSet::prepare(&bench.work, INSTANCES, bench.seed)?;
    let mut rounds = Vec::new();
    for round in 0..bench.rounds {
        let copy = data.copy("feed")?;
        let server = Server::sanbang(&copy.store())?;
        let mut subscribers = Client::start(&[
            "count",
            &format!("--url={}", server.url()),
            &format!("--subscribers={SUBSCRIBERS}"),
            &format!("--connections={CONNECTIONS}"),
            &format!("--warm-up={WARM_UP_SECONDS}"),
            &format!("--seconds={}", bench.shortened(SECONDS)),
        ])?;
        subscribers.wait_for(BEGIN)?;
        let sent = Sent { warm_up: 0, seconds: 60.0, in_flight: IN_FLIGHT, ..Sent::first(bench) };
        let load = start(&server, &copy, sent, Way::Service)?;
        let (records, usage) = (records(&server)?, server.usage()?);
        subscribers.wait_for(END)?;
        let usage = server.usage()?.since(usage);
        let records = records_since(&server, records)?;
        let counted: Counted = subscribers.report()?;
        drop(load);
        server.stop()?;
        copy.remove()?;
        let seen = Seen { counted, cpu_us: usage.cpu_us, records };
        eprintln!("round {}: {:.0} events/s", round + 1, seen.rate());
        rounds.push(seen);
    }
    Ok(vec![row(&rounds)])
}

/// What one round gave.
struct Seen {
    counted: Counted,
    /// Of the server, from the beginning of the load to the end of the count.
    cpu_us: u64,
    records: u64,
}

impl Seen {
    fn rate(&self) -> f64 {
        figure(self.counted.events) / self.counted.seconds
    }
}

fn records(server: &Server) -> Result<u64> {
    Ok(crate::throughput::statistics(server.url())?.records)
}

fn records_since(server: &Server, before: u64) -> Result<u64> {
    Ok(records(server)? - before)
}

fn row(rounds: &[Seen]) -> Row {
    let middle = |of: fn(&Seen) -> f64| Middle::of(rounds.iter().map(of));
    let row = Row::new(
        "feed_events_per_second",
        "events delivered to 100 subscribers in one client process",
        "/s",
        higher(200_000.0, 500_000.0),
    );
    row.measured(middle(Seen::rate))
        .side(
            "events_per_message",
            middle(|it| figure(it.counted.events) / figure(it.counted.messages.max(1))),
        )
        .side(
            "served_from_the_store",
            middle(|it| figure(it.counted.behind) / figure(it.counted.messages.max(1))),
        )
        .side("completions_meanwhile", middle(|it| figure(it.records)))
        .side("server_cpu_seconds", middle(|it| figure(it.cpu_us) / 1e6))
        .side("subscribers_cpu_seconds", middle(|it| figure(it.counted.cpu_us) / 1e6))
        .note(format!(
            "{CONNECTIONS} connections, messages decoded, {IN_FLIGHT} completions under way"
        ))
}
