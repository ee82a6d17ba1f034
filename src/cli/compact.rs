//! `sanbang compact`: gives back the room that a store no longer needs.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::store::sled::{OpenError, SledStore};

use super::backup::unavailable;
use super::exit::Failure;
use super::print::{Format, Output, note};
use super::progress::{Telling, thousands};

/// Give back the room that a store no longer needs
#[derive(Debug, Args)]
#[command(after_help = "The store must not be in use. What it holds is copied into a new file, \
read back and
compared, and the new file takes the place of the old one at one instant: there must be room for
both. Nothing of history is dropped. Interrupted, the store is as it was; begin again.

Examples:
  $ sanbang compact --data data

Exit status: 0 compacted, 1 the store does not hold together, 2 it could not be tried.")]
pub(super) struct Compact {
    /// The directory of the store
    #[arg(long, default_value = "data", value_name = "DIR")]
    data: PathBuf,
}

impl Compact {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let mut telling = Telling::begin("compacting");
        let compacted = SledStore::compact(&self.data, &mut |progress| telling.tell(progress));
        drop(telling);
        let compacted = match compacted {
            Ok(compacted) => compacted,
            Err(error @ OpenError::Damaged { .. }) => {
                note(&format!("error: {error}"));
                return Err(Failure::No);
            }
            Err(error) => return Err(unavailable(error)),
        };
        let (before, after) = (compacted.bytes_before, compacted.bytes_after);
        let copied = compacted.copied;
        if output.format == Format::Json {
            let told = json!({
                "directory": self.data.display().to_string(),
                "bytes_before": before,
                "bytes_after": after,
                "instances": copied.instances,
                "records": copied.records,
            });
            return output.line(&format!("{told:#}"));
        }
        output.line(&format!(
            "compacted {}: {} bytes before, {} after; {} instances, {} records, all kept",
            self.data.display(),
            thousands(before),
            thousands(after),
            thousands(copied.instances),
            thousands(copied.records),
        ))
    }
}
