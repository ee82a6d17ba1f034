//! `sanbang verify`: whether a store, or a backup, holds together.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::runtime::Meaning;
use crate::store::backup;
use crate::store::sled::{Checked, OpenError, SledStore};

use super::backup::{describe, unavailable};
use super::exit::Failure;
use super::print::{Format, Output, note};
use super::progress::{Telling, thousands};
use super::restore::refused;

/// Whether a store, or a backup, holds together
#[derive(Debug, Args)]
#[command(
    after_help = "Of a store that is not in use: event numbers are dense, the chain of every \
instance's
records is whole, headers and bodies are what the records make when they are replayed, documents
are readable and workflows compile. Of a backup: it is whole, and is what was written. Nothing
is changed.

Examples:
  $ sanbang verify --data data
  $ sanbang verify --backup 2025-01-06.sanbang

Exit status: 0 it holds together, 1 findings, 2 it could not be tried."
)]
pub(super) struct Verify {
    /// The directory of the store
    #[arg(long, default_value = "data", value_name = "DIR")]
    data: PathBuf,
    /// A backup, instead of a store
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    backup: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let mut telling = Telling::begin("verifying");
        if let Some(path) = &self.backup {
            let backup = backup::Backup::open(path, &mut |progress| telling.tell(progress));
            drop(telling);
            return describe(&backup.map_err(refused)?, output);
        }
        let found = match SledStore::open_existing(&self.data) {
            Ok(store) => findings_of(&store, &mut telling)?,
            Err(OpenError::Damaged { what, .. }) => {
                Checked { findings: vec![what], ..Checked::default() }
            }
            Err(error) => return Err(unavailable(error)),
        };
        drop(telling);
        self.tell(&found, output)
    }

    fn tell(&self, found: &Checked, output: &Output) -> Result<(), Failure> {
        let Checked { read, findings } = found;
        let directory = self.data.display();
        if output.format == Format::Json {
            let told = json!({
                "directory": directory.to_string(),
                "instances": read.instances,
                "records": read.records,
                "events": read.events,
                "documents": read.documents,
                "findings": findings,
            });
            output.line(&format!("{told:#}"))?;
        } else {
            tell_findings(findings, output)?;
        }
        if !findings.is_empty() {
            note(&format!(
                "error: the store in {directory} does not hold together ({} findings). Keep the \
                 directory as it is, restore the latest backup into another one (`sanbang restore \
                 FILE --data DIR`) and serve that",
                findings.len()
            ));
            return Err(Failure::No);
        }
        if output.format == Format::Json {
            return Ok(());
        }
        output.line(&format!(
            "{directory} holds together: {} instances, {} records with {} events, {} documents",
            thousands(read.instances),
            thousands(read.records),
            thousands(read.events),
            thousands(read.documents),
        ))
    }
}

/// Reads everything twice: as it is stored, and as what its records mean.
pub(super) fn findings_of(store: &SledStore, telling: &mut Telling) -> Result<Checked, Failure> {
    let mut checked = store.check(&mut |progress| telling.tell(progress)).map_err(unavailable)?;
    match Meaning::of_store(store) {
        Err(error) => checked.findings.push(format!("the workflows cannot be read: {error}")),
        Ok(meaning) => {
            let progress = &mut |progress| telling.tell(progress);
            let compared = meaning.compare(store, checked.read.instances, progress);
            checked.findings.extend(compared.map_err(unavailable)?);
        }
    }
    Ok(checked)
}

/// Findings, a line each.
pub(super) fn tell_findings(findings: &[String], output: &Output) -> Result<(), Failure> {
    findings.iter().try_for_each(|finding| output.line(&format!("finding: {finding}")))
}
