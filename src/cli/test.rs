//! `sanbang test`: the specs of workflows, on a virtual clock, without a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use crate::calendar::render::Language;
use crate::definition;
use crate::definition::compiled::Workflow;
use crate::definition::diagnostic::Diagnostic;
use crate::definition::sources::Sources;
use crate::spec::{self, Report, Setting};

use super::check::{self, Place};
use super::exit::Failure;
use super::print::{Format, Output, note};

/// Where the specs of a configuration stand.
const SPECS: &str = "workflows/specs";

/// Run the specs of workflows: given, at, when, then
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang test
  $ sanbang test --format line
  $ sanbang test --print

Exit status: 0 all pass, 1 one does not, 2 the path cannot be read.")]
pub(super) struct Test {
    /// A directory that holds `workflows/` and `rules/`, or single specs
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Tell everything that happened, event by event
    #[arg(long)]
    events: bool,
    /// Tell each spec in plain Chinese and English instead of running it
    #[arg(long, conflicts_with = "events")]
    print: bool,
}

impl Test {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let (mut passed, mut failed) = (0, 0);
        let mut told = Vec::new();
        for path in &self.paths {
            let Place { directory, file } = check::place(path)?;
            let configuration = Configuration::read(&directory, output)?;
            for (path, source) in specs(&directory, file.as_deref())? {
                if self.print {
                    told.push(print(&path, &source, &configuration, output)?);
                    continue;
                }
                match spec::run(configuration.setting(), &path, &source) {
                    Ok(report) => {
                        let count = if report.passed() { &mut passed } else { &mut failed };
                        *count += 1;
                        told.push(self.tell(&report, &configuration, output)?);
                    }
                    Err(findings) => {
                        failed += 1;
                        told.push(tell_findings(&path, &source, &findings, output)?);
                    }
                }
            }
        }
        if output.format == Format::Json {
            output.line(&format!("{:#}", serde_json::Value::Array(told)))?;
        }
        if self.print {
            return Ok(());
        }
        note(&format!("{passed} specs pass, {failed} do not"));
        if failed > 0 { Err(Failure::No) } else { Ok(()) }
    }

    /// Tells what became of a spec, and gives it as JSON.
    fn tell(
        &self,
        report: &Report,
        configuration: &Configuration,
        output: &Output,
    ) -> Result<serde_json::Value, Failure> {
        let verdict = if report.passed() { "ok" } else { "FAILED" };
        match output.format {
            Format::Json => {}
            Format::Line => {
                output.line(&format!("{}\t{verdict}\t{}", report.path, report.title))?;
            }
            Format::Human => {
                output.line(&format!("{verdict:<6}  {}  {}", report.path, report.title))?;
                for failure in &report.failures {
                    let spec::Failure { line, message } = failure;
                    output.line(&format!("        {}:{line}: {message}", report.path))?;
                }
                if self.events {
                    output.line(&report.log(configuration.calendars.first()))?;
                }
            }
        }
        let failures: Vec<_> = report
            .failures
            .iter()
            .map(|failure| json!({ "line": failure.line, "message": failure.message }))
            .collect();
        Ok(json!({
            "path": &*report.path,
            "title": report.title,
            "passed": report.passed(),
            "failures": failures,
        }))
    }
}

/// Tells a spec in Chinese and in English; a file that is no spec ends the verb.
fn print(
    path: &Arc<str>,
    source: &Arc<str>,
    configuration: &Configuration,
    output: &Output,
) -> Result<serde_json::Value, Failure> {
    let mut texts = Vec::new();
    for language in [Language::Chinese, Language::English] {
        match spec::tell::tell(configuration.setting(), path, source, language) {
            Ok(told) => texts.push(told.text),
            Err(findings) => {
                tell_findings(path, source, &findings, output)?;
                return Err(Failure::No);
            }
        }
    }
    if output.format != Format::Json {
        output.line(&format!("{path}\n\n{}\n", texts.join("\n\n")))?;
    }
    let [chinese, english] = <[String; 2]>::try_from(texts).unwrap_or_default();
    Ok(json!({ "path": &**path, "zh": chinese, "en": english }))
}

fn tell_findings(
    path: &Arc<str>,
    source: &Arc<str>,
    findings: &[Diagnostic],
    output: &Output,
) -> Result<serde_json::Value, Failure> {
    if output.format != Format::Json {
        let sources = Sources { files: [(path.to_string(), Arc::clone(source))].into() };
        check::write(findings, &sources, output)?;
    }
    Ok(json!({ "path": &**path, "passed": false, "failures": [{ "message": "it is no spec" }] }))
}

/// What specs are run against.
struct Configuration {
    workflows: Vec<Arc<Workflow>>,
    calendars: Vec<crate::calendar::Calendar>,
    organization: crate::model::organization::Organization,
}

impl Configuration {
    /// Reads and compiles it; errors are told, and end the verb.
    fn read(directory: &Path, output: &Output) -> Result<Self, Failure> {
        let (sources, mut findings) = check::read(directory)?;
        let compilation = definition::compile(&sources);
        let has_errors = compilation.has_errors() || !findings.is_empty();
        findings.extend(compilation.diagnostics);
        if has_errors {
            check::write(&findings, &sources, output)?;
            return Err(Failure::No);
        }
        let workflows = compilation.workflows.into_iter();
        Ok(Self {
            workflows: workflows.map(|compiled| Arc::new(compiled.workflow)).collect(),
            calendars: compilation.calendars,
            organization: compilation.organization,
        })
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            workflows: &self.workflows,
            calendars: &self.calendars,
            organization: &self.organization,
        }
    }
}

/// A spec: its path and its text.
type Spec = (Arc<str>, Arc<str>);

/// The specs of a configuration, or the one that is meant, in the order of their paths.
#[expect(clippy::disallowed_methods, reason = "specs are no part of what the compiler reads")]
fn specs(directory: &Path, only: Option<&str>) -> Result<Vec<Spec>, Failure> {
    let mut paths: Vec<String> = Vec::new();
    if let Some(only) = only.filter(|only| only.starts_with(SPECS)) {
        paths.push(only.to_owned());
    } else {
        let folder = directory.join(SPECS);
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("`{}` cannot be read", folder.display()))?;
        for entry in entries {
            let name = entry.context("listing the specs")?.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".yaml") {
                paths.push(format!("{SPECS}/{name}"));
            }
        }
    }
    paths.sort();
    let mut specs = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(directory.join(&path))
            .with_context(|| format!("`{path}` cannot be read"))?;
        specs.push((path.into(), text.into()));
    }
    Ok(specs)
}
