//! `sanbang restore`: a store from a backup.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::runtime::Meaning;
use crate::store::backup::{Backup, BackupError, Entry};
use crate::store::sled::{Filling, Restored};
use crate::store::{Progress, Store as _};

use super::backup::unavailable;
use super::exit::Failure;
use super::print::{Format, Output, note};
use super::progress::{Telling, thousands};
use super::verify::{findings_of, tell_findings};

/// A store from a backup
#[derive(Debug, Args)]
#[command(after_help = "The backup is read as a whole first: nothing of a damaged one is used. \
What was restored is
verified as `sanbang verify` does it, and can be opened only after that. Interrupted, begin it
again: what a restore left unfinished is removed.

The restored store is a new one: resume tokens of the old are refused with TOKEN_UNKNOWN.

Examples:
  $ sanbang restore 2025-01-06.sanbang --data restored

Exit status: 0 restored, 1 the backup is damaged, 2 it could not be tried.")]
pub(super) struct Restore {
    /// A file that `sanbang backup` wrote
    file: PathBuf,
    /// The directory of the new store: empty or missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Restore {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let mut telling = Telling::begin("reading the backup");
        let backup = Backup::open(&self.file, &mut |progress| telling.tell(progress));
        let backup = backup.map_err(refused)?;
        telling.step("restoring");
        let restored = self.fill(&backup, &mut telling)?;
        telling.step("verifying");
        let store = restored.store();
        let found = findings_of(store, &mut telling)?;
        drop(telling);
        if !found.findings.is_empty() {
            let told = tell_findings(&found.findings, output);
            note("error: what was restored does not hold together: use an older backup");
            return Err(Failure::no_after(told));
        }
        let incarnation = store.identity().incarnation.clone();
        restored.keep().map_err(unavailable)?;
        let read = found.read;
        if output.format == Format::Json {
            let told = json!({
                "directory": self.data.display().to_string(),
                "incarnation": incarnation,
                "instances": read.instances,
                "records": read.records,
                "events": read.events,
                "documents": read.documents,
            });
            return output.line(&format!("{told:#}"));
        }
        output.line(&format!(
            "restored into {}: {} instances, {} records with {} events, verified\n\
             the store is a new one, {incarnation}: subscribers begin anew (TOKEN_UNKNOWN)\n\
             start it: sanbang serve --data {}",
            self.data.display(),
            thousands(read.instances),
            thousands(read.records),
            thousands(read.events),
            self.data.display(),
        ))
    }

    fn fill(&self, backup: &Backup, telling: &mut Telling) -> Result<Restored, Failure> {
        let mut filling = Filling::begin(&self.data, backup.head()).map_err(unavailable)?;
        let total = Some(backup.contents().records);
        let mut records = 0;
        for entry in backup.entries().map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let is_record = matches!(entry, Entry::Record(_));
            filling.add(entry).map_err(|error| self.not_restored(&error))?;
            records += u64::from(is_record);
            if is_record {
                telling.tell(Progress { of: "records", done: records, total });
            }
        }
        let meaning = Meaning::of_documents(filling.documents());
        let meaning = meaning.map_err(|error| self.not_restored(&error))?;
        let rebuild = &mut |stored| meaning.instance(stored);
        let made = filling.instances(rebuild, &mut |progress| telling.tell(progress));
        made.map_err(|error| self.not_restored(&error))?;
        filling.finish().map_err(|error| self.not_restored(&error))
    }

    fn not_restored(&self, error: &dyn std::error::Error) -> Failure {
        Failure::not_tried(format!(
            "nothing was restored into {}: {error}. Mend this and begin again with the same \
             command, or remove the directory",
            self.data.display()
        ))
    }
}

/// A damaged backup is an answer; anything else kept it from being read.
pub(super) fn refused(error: BackupError) -> Failure {
    match error {
        BackupError::Cut { .. } | BackupError::Damaged { .. } => {
            note(&format!("error: {error}"));
            Failure::No
        }
        other => unavailable(other),
    }
}
