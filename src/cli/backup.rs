//! `sanbang backup`: a copy of everything, from a running server or from the directory of a stopped
//! one.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::api::pb;
use crate::runtime::Clock;
use crate::store::Progress;
use crate::store::Store as _;
use crate::store::backup::{self as file, BackupError, Head, Unfinished};
use crate::store::sled::SledStore;

use super::exit::Failure;
use super::print::{Format, Output};
use super::progress::{Telling, thousands};
use super::{Global, on_runtime};

/// A copy of everything, as one file
#[derive(Debug, Args)]
#[command(after_help = "A running server is asked for it and goes on working; what it answered \
before is in the
backup. It is written beside the file, read back and compared with its checksum, and only then
gets its name: there is never half a backup of that name. Interrupted, begin it again.

Examples:
  $ sanbang backup --to 2025-01-06.sanbang --actor coordinator_1
  $ sanbang backup --to stopped.sanbang --data data

Exit status: 0 the backup is there, 1 the server refuses, 2 it could not be taken.")]
pub(super) struct Backup {
    /// The file, which must not be there yet
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The directory of a stopped server's store, instead of asking a running one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Backup {
    pub(super) fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let mut telling = Telling::begin("backing up");
        let mut to = Unfinished::begin(&self.to).map_err(unavailable)?;
        if let Some(directory) = &self.data {
            let store = SledStore::open_existing(directory).map_err(unavailable)?;
            let head = Head {
                store: store.identity().clone(),
                begun_at: Clock::real().now(),
                program: env!("CARGO_PKG_VERSION").to_owned(),
            };
            let progress = &mut |progress| telling.tell(progress);
            file::write(&store, &head, &mut to, progress).map_err(unavailable)?;
        } else {
            on_runtime(receive(global, &mut to, &mut telling))?;
        }
        telling.step("reading it back");
        let written = to.finish(&mut |progress| telling.tell(progress));
        drop(telling);
        describe(&written.map_err(unavailable)?, output)
    }
}

async fn receive(
    global: &Global,
    to: &mut Unfinished,
    telling: &mut Telling,
) -> Result<(), Failure> {
    let client = global.connect().await?;
    let request = pb::AdminServiceBackupRequest {};
    let mut pieces = client.admin().backup(request).await?.into_inner();
    while let Some(piece) = pieces.message().await? {
        to.write_all(&piece.content).map_err(BackupError::Refused).map_err(unavailable)?;
        let Some(progress) = piece.progress else { continue };
        let of = if progress.of == "events" { "events" } else { "instances" };
        telling.tell(Progress { of, done: progress.done, total: progress.total });
    }
    Ok(())
}

/// What is in a backup.
pub(super) fn describe(backup: &file::Backup, output: &Output) -> Result<(), Failure> {
    let (head, contents) = (backup.head(), backup.contents());
    let begun_at = prost_types::Timestamp { seconds: head.begun_at.0.div_euclid(1000), nanos: 0 };
    let path = backup.path().display();
    if output.format == Format::Json {
        let told = json!({
            "file": path.to_string(),
            "bytes": backup.bytes(),
            "incarnation": head.store.incarnation,
            "simulated_clock": head.store.simulated_clock,
            "begun_at_ms": head.begun_at.0,
            "program": head.program,
            "bodies": contents.bodies,
            "documents": contents.documents,
            "records": contents.records,
            "events": contents.events,
        });
        return output.line(&format!("{told:#}"));
    }
    let rows = [
        ("backup", format!("{path}, {} bytes, whole", thousands(backup.bytes()))),
        ("store", format!("{}, {}", head.store.incarnation, clock_of(head))),
        ("begun", format!("{} by sanbang {}", output.instant(Some(begun_at)), head.program)),
        ("bodies", thousands(contents.bodies)),
        (
            "records",
            format!("{} with {} events", thousands(contents.records), thousands(contents.events)),
        ),
        ("documents", thousands(contents.documents)),
    ];
    let lines: Vec<String> =
        rows.iter().map(|(name, value)| format!("{name:<12} {value}")).collect();
    output.line(&lines.join("\n"))
}

fn clock_of(head: &Head) -> &'static str {
    if head.store.simulated_clock { "simulated clock" } else { "real clock" }
}

/// It could not be tried, and the error says what to do.
pub(super) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    // The texts of these errors end with what to do, and name what lies behind them already.
    Failure::not_tried(error.to_string())
}
