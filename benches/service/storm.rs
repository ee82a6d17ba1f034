//! Opening of business: a hundred thousand limits run out at the same instant. How fast they are
//! worked off, what requests feel of it, and how late a single limit is when nothing else happens.
//!
//! The real clock, so the store is made for an instant that lies ahead: some instances whose limits
//! run out one after the other, then the storm, and others that are completed meanwhile.

use std::sync::Arc;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail, ensure};
use sanbang::model::time::Timestamp;

use crate::Bench;
use crate::dataset::{DataSet, Template, templates};
use crate::measure::{Middle, figure, microseconds};
use crate::probe::Felt;
use crate::process::{Client, Server};
use crate::report::{Row, higher, lower};
use crate::subscribers::Late;
use crate::throughput::statistics;
use crate::world::World;

/// Instances that are completed before the storm and during it.
const PROBED: u32 = 10_000;
/// Limits that run out alone, so far apart.
const ALONE: u32 = 1_000;
const APART_MS: i64 = 10;
/// Limits that run out together.
const TOGETHER: u32 = 100_000;
const TOGETHER_QUICK: u32 = 20_000;
/// Storms at most: each needs a store of its own.
const STORMS: usize = 3;
/// Between the last limit that runs out alone and the storm: time to feel the calm.
const CALM_MS: i64 = 5_000;
/// So long before the first limit runs out the server has to be there.
const READY_MS: i64 = 1_500;
/// The limit that every project has.
const CADENCE: &str = "steward_contact";

/// What one storm gave.
struct Storm {
    fired_per_second: f64,
    felt: Felt,
    late: Late,
}

/// When what happens.
#[derive(Clone, Copy)]
struct Times {
    alone: Timestamp,
    together: Timestamp,
}

pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let together = if bench.quick { TOGETHER_QUICK } else { TOGETHER };
    let mut storms = Vec::new();
    // So long before its first limit a store is begun to be made; longer where that was too short.
    let mut lead_ms = 20_000;
    while storms.len() < bench.rounds.min(STORMS) {
        let alone = Timestamp(now_ms()? + lead_ms);
        let calm = i64::from(ALONE) * APART_MS + CALM_MS;
        let times = Times { alone, together: alone.plus_ms(calm) };
        let data = make(bench, times, together)?;
        let server = Server::sanbang(&data.store())?;
        let left_ms = alone.0 - now_ms()?;
        if left_ms >= READY_MS {
            let storm = weather(bench, &server, &data, times, together)?;
            eprintln!("storm {}: {:.0}/s", storms.len() + 1, storm.fired_per_second);
            storms.push(storm);
        } else {
            lead_ms += 2 * (READY_MS - left_ms);
            ensure!(lead_ms < 3_600_000, "the store cannot be made in time");
        }
        server.stop()?;
        data.remove()?;
    }
    Ok(rows(&storms, together))
}

/// Instances 0 and on are probed, those after them run out alone, the rest together.
fn make(bench: &Bench, times: Times, together: u32) -> Result<DataSet> {
    let world = World::shipped()?;
    let (templates, plan) = templates(&world, PROBED, bench.seed)?;
    let of = |number: usize| &templates[number % templates.len()];
    let alone: Vec<Template> = (0..ALONE)
        .map(|number| {
            let due = times.alone.plus_ms(i64::from(number) * APART_MS);
            due_at(of(number as usize), due)
        })
        .collect();
    let storm: Vec<Template> = templates.iter().map(|it| due_at(it, times.together)).collect();
    let (probed, alone_end) = (PROBED as usize, (PROBED + ALONE) as usize);
    let template = |number: usize| match number {
        number if number < probed => of(number),
        number if number < alone_end => &alone[number - probed],
        number => &storm[number % storm.len()],
    };
    let directory = bench.work.join("storm");
    DataSet::make(directory, &world, plan, PROBED + ALONE + together, template)
}

/// The same with its cadence running out at an instant: as if the steward was last in touch so long
/// before.
fn due_at(template: &Template, due: Timestamp) -> Template {
    let mut template = template.clone();
    let mut clocks = template.instance.clocks.iter_mut();
    if let Some(clock) = clocks.find(|it| it.id.as_str() == CADENCE) {
        let clock = Arc::make_mut(clock);
        let limit = clock.plan.due;
        for scheduled in clock.plan.schedule.iter_mut().filter(|it| it.at <= limit) {
            scheduled.at = due;
        }
        clock.plan.due = due;
        clock.due_originally = due;
    }
    template
}

fn weather(
    bench: &Bench,
    server: &Server,
    data: &DataSet,
    times: Times,
    together: u32,
) -> Result<Storm> {
    let mut looking =
        Client::start(&["lag", &format!("--url={}", server.url()), &format!("--limits={ALONE}")])?;
    looking.wait_for(crate::client::BEGIN)?;
    let late: Late = looking.report()?;
    let fired_before = statistics(server.url())?.settled;
    let mut probe = probe(bench, server, &data.plan_path(), times.together)?;
    probe.wait_for(crate::client::BEGIN)?;
    let over_ms = until_fired(server, fired_before + u64::from(together), times.together)?;
    probe.go_on()?;
    let felt: Felt = probe.report()?;
    let seconds = f64::from(u32::try_from(over_ms - times.together.0)?) / 1000.0;
    Ok(Storm { fired_per_second: f64::from(together) / seconds, felt, late })
}

fn probe(bench: &Bench, server: &Server, plan: &Path, storm: Timestamp) -> Result<Client> {
    Client::start(&[
        "probe",
        &format!("--url={}", server.url()),
        &format!("--plan={}", plan.display()),
        &format!("--seed={}", bench.seed),
        &format!("--storm-ms={}", storm.0),
    ])
}

/// Waits until the service has counted so many settlings, each counted once it is durable.
fn until_fired(server: &Server, wanted: u64, since: Timestamp) -> Result<i64> {
    const PATIENCE_MS: i64 = 600_000;
    loop {
        let fired = statistics(server.url())?.settled;
        let now = now_ms()?;
        if fired >= wanted {
            return Ok(now);
        }
        if now - since.0 > PATIENCE_MS {
            bail!("{} limits have not fired", wanted - fired);
        }
        // Asking costs the service something too.
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn now_ms() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}

fn rows(storms: &[Storm], together: u32) -> Vec<Row> {
    let middle = |of: fn(&Storm) -> f64| Middle::of(storms.iter().map(of));
    let fired = Row::new(
        "storm_clocks_per_second",
        "100,000 clocks due at the same instant, fired and durable",
        "/s",
        higher(20_000.0, 50_000.0),
    );
    let fired = fired.measured(middle(|it| it.fired_per_second)).note(format!(
        "{together} clocks of as many instances, with one client completing meanwhile"
    ));
    let ratio = |it: &Storm| figure(it.felt.storm_p99_ns) / figure(it.felt.calm_p99_ns);
    let felt = Row::new(
        "storm_p99_ratio",
        "p99 of a request during the storm, against the same without",
        "×",
        lower(5.0, 2.0),
    );
    let felt = felt
        .measured(middle(ratio))
        .side("storm_p99_us", middle(|it| microseconds(it.felt.storm_p99_ns)))
        .side("calm_p99_us", middle(|it| microseconds(it.felt.calm_p99_ns)))
        .side("storm_p50_us", middle(|it| microseconds(it.felt.storm_p50_ns)))
        .side("calm_p50_us", middle(|it| microseconds(it.felt.calm_p50_ns)))
        .side("storm_longest_us", middle(|it| microseconds(it.felt.storm_longest_ns)))
        .side("storm_requests", middle(|it| figure(it.felt.storm as u64)))
        .side("calm_requests", middle(|it| figure(it.felt.calm as u64)))
        .note("one completion at a time");
    let late =
        Row::new("lag_p99_ms", "lag from due to event, unloaded, p99", "ms", lower(50.0, 10.0));
    let late = late
        .measured(middle(|it| it.late.p99))
        .side("lag_p50_ms", middle(|it| it.late.p50))
        .side("lag_longest_ms", middle(|it| it.late.longest))
        .note(format!("{ALONE} limits, {APART_MS} ms apart, until the event was at a subscriber"));
    vec![fired, felt, late]
}
