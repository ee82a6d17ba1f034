//! `sanbang verify`: whether a store, or a backup, holds together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::runtime::Meaning;
use crate::store::sled::{Checked, OpenError, SledStore};
use crate::store::{Progress, Store, backup};

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
        let told = if output.format == Format::Json {
            let told = json!({
                "directory": directory.to_string(),
                "instances": read.instances,
                "records": read.records,
                "events": read.events,
                "documents": read.documents,
                "findings": findings,
            });
            output.line(&format!("{told:#}"))
        } else {
            tell_findings(findings, output)
        };
        if !findings.is_empty() {
            note(&format!(
                "error: the store in {directory} does not hold together ({} findings). Keep the \
                 directory as it is, restore the latest backup into another one (`sanbang restore \
                 FILE --data DIR`) and serve that",
                findings.len()
            ));
            return Err(Failure::no_after(told));
        }
        if output.format == Format::Json {
            return told;
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
    find_by_meaning(store, &mut checked, &mut |progress| telling.tell(progress));
    Ok(checked)
}

/// What keeps this from its end is one more finding: those before it are told all the same.
fn find_by_meaning(store: &dyn Store, checked: &mut Checked, progress: &mut dyn FnMut(Progress)) {
    let Checked { read, findings } = checked;
    // Damaged files can make sled panic instead of answering an error.
    let finding = AssertUnwindSafe(|| match Meaning::of_store(store) {
        Err(error) => findings.push(format!("the workflows cannot be read: {error}")),
        Ok(meaning) => meaning.compare(store, read.instances, findings, progress),
    });
    if catch_unwind(finding).is_err() {
        findings.push("what the records mean could not be read to the end".to_owned());
    }
}

/// Findings, a line each.
pub(super) fn tell_findings(findings: &[String], output: &Output) -> Result<(), Failure> {
    findings.iter().try_for_each(|finding| output.line(&format!("finding: {finding}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;

    #[test]
    fn a_panic_is_told_beside_what_was_found() {
        let mut checked = Checked { findings: vec!["a hole".to_owned()], ..Checked::default() };
        find_by_meaning(&MemoryStore::new(true), &mut checked, &mut |_| panic!("a broken page"));
        let told = "what the records mean could not be read to the end";
        assert_eq!(checked.findings, ["a hole", told]);
    }
}
