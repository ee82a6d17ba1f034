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
        let mut all = Vec::new();
        // Where nobody reads on, the other specs still say how this ends.
        let mut heard = Ok(());
        for path in &self.paths {
            let Place { directory, file } = check::place(path)?;
            let configuration = Configuration::read(&directory, output)?;
            for (path, source) in specs(&directory, file.as_deref())? {
                if self.print {
                    match print(&path, &source, &configuration, output) {
                        Ok(texts) => all.push(texts),
                        Err(Failure::OutputClosed) => heard = Err(Failure::OutputClosed),
                        Err(failure) => return Err(failure),
                    }
                    continue;
                }
                let told = match spec::run(configuration.setting(), &path, &source) {
                    Ok(report) => {
                        let count = if report.passed() { &mut passed } else { &mut failed };
                        *count += 1;
                        let events = self.events.then(|| configuration.events(&report));
                        all.push(report_json(&report, events.as_deref()));
                        tell(&report, events.as_deref(), output)
                    }
                    Err(findings) => {
                        failed += 1;
                        all.push(json!({
                            "path": &*path,
                            "passed": false,
                            "failures": [{ "message": "it is no spec" }],
                        }));
                        tell_findings(&path, &source, &findings, output)
                    }
                };
                heard = heard.and(told);
            }
        }
        if output.format == Format::Json {
            heard = heard.and(output.line(&format!("{:#}", serde_json::Value::Array(all))));
        }
        if self.print {
            return heard;
        }
        note(&format!("{passed} specs pass, {failed} do not"));
        if failed > 0 { Err(Failure::no_after(heard)) } else { heard }
    }
}

/// Tells what became of a spec, and what happened in it where that is asked for.
fn tell(report: &Report, events: Option<&[String]>, output: &Output) -> Result<(), Failure> {
    let verdict = if report.passed() { "ok" } else { "FAILED" };
    let path = &report.path;
    let mut lines = Vec::new();
    match output.format {
        Format::Json => return Ok(()),
        Format::Line => {
            lines.push(format!("{path}\t{verdict}\t{}", report.title));
            lines.extend(events.into_iter().flatten().map(|it| format!("{path}\tevent\t{it}")));
        }
        Format::Human => {
            lines.push(format!("{verdict:<6}  {path}  {}", report.title));
            for spec::Failure { line, message } in &report.failures {
                lines.push(format!("        {path}:{line}: {message}"));
            }
            lines.extend(events.into_iter().flatten().cloned());
        }
    }
    output.line(&lines.join("\n"))
}

fn report_json(report: &Report, events: Option<&[String]>) -> serde_json::Value {
    let failures: Vec<_> = report
        .failures
        .iter()
        .map(|failure| json!({ "line": failure.line, "message": failure.message }))
        .collect();
    let mut told = json!({
        "path": &*report.path,
        "title": report.title,
        "passed": report.passed(),
        "failures": failures,
    });
    if let Some(events) = events {
        told["events"] = json!(events);
    }
    told
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
                let told = tell_findings(path, source, &findings, output);
                return Err(Failure::no_after(told));
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
) -> Result<(), Failure> {
    if output.format == Format::Json {
        return Ok(());
    }
    let sources = Sources { files: [(path.to_string(), Arc::clone(source))].into() };
    check::write(findings, &sources, output)
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
            return Err(Failure::no_after(check::write(&findings, &sources, output)));
        }
        let workflows = compilation.workflows.into_iter();
        Ok(Self {
            workflows: workflows.map(|compiled| Arc::new(compiled.workflow)).collect(),
            calendars: compilation.calendars,
            organization: compilation.organization,
        })
    }

    /// Everything that happened in a spec, a line each, with times in the zone of its calendar.
    fn events(&self, report: &Report) -> Vec<String> {
        let workflow = self.workflows.iter().find(|it| it.id.as_str() == report.workflow);
        let calendar = workflow.map(|workflow| &workflow.calendar);
        let calendar = self.calendars.iter().find(|known| Some(known.id()) == calendar);
        report.log(calendar).lines().map(str::to_owned).collect()
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
