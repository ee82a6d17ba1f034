//! The compiler: an administrator's files become compiled workflows, calendars and an organization,
//! or a list of findings with file, line, column and a hint.
//!
//! files → authored → resolved → checked → compiled, and never a stop at the first mistake. Never
//! names tokio, a store or the engine. `serde_yaml` is named in `load` only.

use std::collections::BTreeMap;

use crate::calendar::Calendar;
use crate::model::id::CalendarId;
use crate::model::organization::Organization;

use compiled::Workflow;
use diagnostic::{Diagnostic, Findings, Severity, Span};
use ledger::Ledgers;
use load::{Located, load};
use resolve::{Book, Live, Rules};
use sources::{SourceKind, Sources};

pub mod compiled;
pub mod ledger;

pub mod sources;

pub mod authored;
pub mod span;

pub mod code;
pub mod diagnostic;
pub mod render;

mod calls;
mod check;
pub(crate) mod load;
mod resolve;
mod usage;

/// A workflow that is right, with the files that a published version of it keeps.
#[derive(Debug)]
pub struct CompiledWorkflow {
    /// The workflow; its version is 0 until it is published.
    pub workflow: Workflow,
    /// The files that it depends on.
    pub pinned: Sources,
}

/// Everything that came of a configuration.
#[derive(Debug)]
pub struct Compilation {
    /// The workflows without an error, in the order of their paths.
    pub workflows: Vec<CompiledWorkflow>,
    /// The calendars without an error, in the order of their paths.
    pub calendars: Vec<Calendar>,
    /// The path of each of them.
    pub calendar_paths: BTreeMap<CalendarId, String>,
    /// The organization as far as it is right.
    pub organization: Organization,
    /// SHA-256 of the organization's file, in hexadecimal; empty where there is none.
    pub organization_digest: String,
    /// The ledgers and indicators without an error.
    pub ledgers: Ledgers,
    /// Everything that is wrong, sorted by file and place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Compilation {
    /// Whether anything forbids publishing.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|each| each.severity == Severity::Error)
    }
}

/// Reads data that comes with the program and that no administrator edits: without positions.
pub fn read_data<T: serde::de::DeserializeOwned>(yaml: &str) -> Result<T, String> {
    serde_yaml::from_str(yaml).map_err(|error| error.to_string())
}

/// Compiles a configuration. It has no way to fail: whatever is wrong is a finding.
pub fn compile(sources: &Sources) -> Compilation {
    let mut findings = Findings::default();
    let organization = read_organization(sources, &mut findings);
    // Who fills a role can be judged only where every role and member could be read.
    let judged = organization.as_ref().filter(|_| !findings.has_errors());
    let Calendars { right: calendars, paths, names: calendar_names } =
        read_calendars(sources, &mut findings);
    let (rules, ladders) = resolve::rules_of(sources, organization.as_ref(), &mut findings);
    let files = read_workflows(sources, &mut findings);
    let names: Vec<String> = files.iter().filter_map(|file| file.name.clone()).collect();
    let live =
        Live { organization: organization.as_ref(), calendars: &calendar_names, workflows: &names };
    let mut workflows = Vec::new();
    for file in &files {
        let found = findings.len();
        let built = resolve::workflow_of(&file.located, &rules, Some(live), &mut findings);
        let Some(workflow) = built.filter(|_| file.whole && rules.whole) else { continue };
        let checked = check::Checked {
            workflow: &workflow,
            authored: &file.located.value,
            at: &file.located.at,
            policies: ladders.as_ref().map(|ladders| (&ladders.value, &ladders.at)),
            organization: judged,
            calendar: calendars.iter().find(|calendar| *calendar.id() == workflow.calendar),
        };
        if !findings.has_errors_since(found) {
            check::check(&checked, &mut findings);
        }
        if !findings.has_errors_since(found) {
            workflows.push(finish(workflow, &file.located, sources));
        }
    }
    check_calls(&files, &names, &workflows, &mut findings);
    // What is wrong elsewhere may be why a name is missing.
    if !workflows.is_empty() && !findings.has_errors() {
        rules.undeclared(&workflows, &mut findings);
    }
    if let Some(ladders) = ladders.as_ref().filter(|_| files.iter().all(|file| file.whole)) {
        let files = files.iter().map(|file| &file.located.value);
        usage::unused_policies(ladders, files, &mut findings);
    }
    let ledgers = read_ledgers(sources, &workflows, &names, (&rules, judged), &mut findings);
    Compilation {
        ledgers,
        workflows,
        calendars,
        calendar_paths: paths,
        organization: organization.unwrap_or_default(),
        organization_digest: organization_digest(sources),
        diagnostics: findings.into_sorted(),
    }
}

/// Compiles a published version from the files that it kept. Nothing that lives outside them is
/// looked at, and what is only reported never keeps it from being built.
pub fn compile_published(pinned: &Sources, version: u32) -> Result<Workflow, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let (rules, _) = resolve::rules_of(pinned, None, &mut findings);
    let file = pinned
        .of_kind(SourceKind::Workflow)
        .find_map(|(path, source)| load::<authored::Workflow>(&path, source, &mut findings));
    let built = file.and_then(|file| {
        let workflow = resolve::workflow_of(&file, &rules, None, &mut findings)?;
        Some(finish(workflow, &file, pinned).workflow)
    });
    match built {
        Some(workflow) => Ok(Workflow { version, ..workflow }),
        None => Err(findings.into_sorted()),
    }
}

/// What a workflow calls can be judged only once all are read.
fn check_calls(
    files: &[WorkflowFile],
    names: &[String],
    workflows: &[CompiledWorkflow],
    findings: &mut Findings,
) {
    let found = |name: &str| {
        let mut compiled = workflows.iter().map(|compiled| &compiled.workflow);
        compiled.find(|workflow| workflow.id.as_str() == name)
    };
    for workflow in workflows.iter().map(|compiled| &compiled.workflow) {
        let file = files.iter().find(|file| file.name.as_deref() == Some(workflow.id.as_str()));
        if let Some(file) = file {
            calls::wrong_calls(workflow, &file.located, names, found, findings);
        }
    }
}

fn finish(
    workflow: Workflow,
    file: &Located<authored::Workflow>,
    sources: &Sources,
) -> CompiledWorkflow {
    let pinned = sources.pinned_with(file.at.path());
    CompiledWorkflow { workflow: Workflow { digest: pinned.digest(), ..workflow }, pinned }
}

fn read_organization(sources: &Sources, findings: &mut Findings) -> Option<Organization> {
    let Some((path, source)) = sources.of_kind(SourceKind::Organization).next() else {
        let span = Span::start_of(&sources::ORGANIZATION.into());
        let message = format!("there is no file `{}`", sources::ORGANIZATION);
        let diagnostic = Diagnostic::new(code::Code::MissingFile, span, message);
        findings.push(diagnostic.hint("it says who is who; without it nobody can do anything"));
        return None;
    };
    resolve::organization_of(&path, source, findings)
}

/// The ledgers and indicators, judged by the workflows that are right.
fn read_ledgers(
    sources: &Sources,
    workflows: &[CompiledWorkflow],
    names: &[String],
    (rules, organization): (&Rules, Option<&Organization>),
    findings: &mut Findings,
) -> Ledgers {
    let workflows: Vec<&Workflow> = workflows.iter().map(|each| &each.workflow).collect();
    let book = Book { workflows: &workflows, names, organization, rules };
    let mut ledgers = Ledgers::default();
    for (path, source) in sources.of_kind(SourceKind::Ledgers) {
        ledgers.ledgers.extend(resolve::ledgers_of(&path, source, book, findings));
    }
    for (path, source) in sources.of_kind(SourceKind::Indicators) {
        ledgers.indicators.extend(resolve::indicators_of(&path, source, book, findings));
    }
    ledgers
}

fn organization_digest(sources: &Sources) -> String {
    let files = sources.of_kind(SourceKind::Organization);
    let files = files.map(|(path, text)| (path.to_string(), text.clone())).collect();
    let own = Sources { files };
    if own.files.is_empty() { String::new() } else { own.digest() }
}

/// The calendars that are right with their paths, and the names of those that are not as well: a
/// mistake in a calendar is no mistake of those who name it.
struct Calendars {
    right: Vec<Calendar>,
    paths: BTreeMap<CalendarId, String>,
    names: Vec<String>,
}

fn read_calendars(sources: &Sources, findings: &mut Findings) -> Calendars {
    let mut right = Vec::new();
    let mut paths = BTreeMap::new();
    let mut read: Vec<(String, Located<authored::Calendar>)> = Vec::new();
    for (path, source) in sources.of_kind(SourceKind::Calendar) {
        let (calendar, file) = resolve::calendar_of(&path, source, findings);
        let Some(file) = file else { continue };
        let Some(name) = &file.value.calendar else { continue };
        let name = name.as_str().to_owned();
        if let Some((_, first)) = read.iter().find(|(known, _)| *known == name) {
            usage::report_taken(&file.at, &first.at, "calendar", &name, findings);
            continue;
        }
        if let Some(calendar) = calendar {
            paths.insert(calendar.id().clone(), path.to_string());
            right.push(calendar);
        }
        read.push((name, file));
    }
    Calendars { right, paths, names: read.into_iter().map(|(name, _)| name).collect() }
}

/// A workflow file that could be read.
struct WorkflowFile {
    located: Located<authored::Workflow>,
    /// The name that it gives itself.
    name: Option<String>,
    /// Whether all of it could be read and its name is its own.
    whole: bool,
}

fn read_workflows(sources: &Sources, findings: &mut Findings) -> Vec<WorkflowFile> {
    let mut files: Vec<WorkflowFile> = Vec::new();
    for (path, source) in sources.of_kind(SourceKind::Workflow) {
        let found = findings.len();
        let Some(located) = load::<authored::Workflow>(&path, source, findings) else { continue };
        let name = located.value.workflow.as_ref().map(|name| name.as_str().to_owned());
        if let Some(name) = &name
            && let Some(first) = files.iter().find(|file| file.name.as_ref() == Some(name))
        {
            usage::report_taken(&located.at, &first.located.at, "workflow", name, findings);
        }
        let whole = !findings.has_errors_since(found);
        files.push(WorkflowFile { located, name, whole });
    }
    files
}
