//! What a completion leaves on the disk for good: the store before and after, both compacted.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::Bench;
use crate::dataset::{DataSet, size_of};
use crate::measure::{Middle, figure};
use crate::process::Server;
use crate::report::{Row, lower};
use crate::throughput::{INSTANCES, Sent, Way, complete};

pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let row = Row::new(
        "disk_bytes_per_completion",
        "bytes on disk per completion after compaction",
        "B",
        lower(1_500.0, 700.0),
    );
    let data = DataSet::prepare(&bench.work, INSTANCES, bench.seed)?;
    let copy = data.copy("disk")?;
    if let Err(problem) = compact(&copy.store()) {
        copy.remove()?;
        return Ok(vec![row.note(format!("not measurable: {problem:#}"))]);
    }
    let before = size_of(&copy.store())?;
    let server = Server::sanbang(&copy.store())?;
    // All that the plan holds.
    let sent = Sent { warm_up: 1, seconds: 600.0, ..Sent::first(bench) };
    let round = complete(&server, &copy, sent, Way::Service)?;
    server.stop()?;
    let grown = size_of(&copy.store())?;
    compact(&copy.store())?;
    let after = size_of(&copy.store())?;
    copy.remove()?;
    let completions = figure(round.seen.answered);
    let row = row
        .measured(Middle::of([(figure(after) - figure(before)) / completions]))
        .value_side("completions", completions)
        .value_side("before_megabytes", figure(before) / 1e6)
        .value_side("after_megabytes", figure(after) / 1e6)
        .value_side("after_before_compaction_megabytes", figure(grown) / 1e6);
    Ok(vec![row.note("whole directory; bodies of the instances that have grown are in it")])
}

fn compact(store: &Path) -> Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbang"));
    let output = command.arg("compact").arg("--data").arg(store).output()?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let first = told.lines().next().unwrap_or_default().to_owned();
    Err(anyhow::anyhow!(first)).context("`sanbang compact` failed")
}
