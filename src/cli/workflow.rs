//! `sanbang workflow`: workflows as they run at a server.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::api::pb;

use super::Global;
use super::exit::Failure;
use super::print::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Workflow {
    List(List),
    Get(Get),
    Validate(Files),
    Publish(Publish),
    Activate(Activate),
}

/// Every workflow and its versions
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang workflow list --actor coordinator_1")]
pub(super) struct List {}

/// One version of a workflow: its stages, who moves them, their limits and tasks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang workflow get investment_project --actor coordinator_1")]
pub(super) struct Get {
    /// The workflow
    workflow: String,
    /// Its version; default: the active one
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "NUMBER")]
    version: u32,
}

/// Look at files as a publication would, beside what the server has
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang workflow validate workflows/investment_project.yaml --actor coordinator_1")]
pub(super) struct Files {
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The directory against which the server knows them
    #[arg(long, default_value = ".", value_name = "DIR")]
    config: PathBuf,
}

/// Have the server take files; with any error nothing is taken
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang workflow publish workflows/investment_project.yaml --actor coordinator_1")]
pub(super) struct Publish {
    #[command(flatten)]
    files: Files,
}

/// Have new instances take a version, or with 0 none at all
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang workflow activate investment_project 1 --actor coordinator_1")]
pub(super) struct Activate {
    /// The workflow
    workflow: String,
    /// The version; 0 retires the workflow
    version: u32,
}

impl Workflow {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let mut workflows = global.connect().await?.workflows();
        match self {
            Self::List(List {}) => {
                let request = pb::WorkflowServiceListRequest { page_size: 1000, ..<_>::default() };
                let response = workflows.list(request).await?.into_inner();
                output.message(&response, |output| list_text(&response.workflows, output))
            }
            Self::Get(get) => {
                let request =
                    pb::WorkflowServiceGetRequest { workflow: get.workflow, version: get.version };
                let response = workflows.get(request).await?.into_inner();
                output.message(&response, |output| {
                    response.workflow.as_ref().map(|it| text(it, output)).unwrap_or_default()
                })
            }
            Self::Validate(files) => {
                let request = pb::WorkflowServiceValidateRequest { files: files.read()? };
                let response = workflows.validate(request).await?.into_inner();
                let told = output.message(&response, |_| findings(&response.diagnostics));
                if response.publishable { told } else { Err(Failure::no_after(told)) }
            }
            Self::Publish(publish) => {
                let request = pb::WorkflowServicePublishRequest { files: publish.files.read()? };
                let response = workflows.publish(request).await?.into_inner();
                output.message(&response, |_| {
                    let text = [findings(&response.warnings), publication(&response)].join("\n");
                    text.trim_start().to_owned()
                })
            }
            Self::Activate(activate) => {
                let request = pb::WorkflowServiceActivateRequest {
                    workflow: activate.workflow,
                    version: activate.version,
                };
                let response = workflows.activate(request).await?.into_inner();
                output.message(&response, |output| list_text(response.workflow.as_slice(), output))
            }
        }
    }
}

impl Files {
    fn read(&self) -> Result<Vec<pb::SourceFile>, Failure> {
        let mut files = Vec::new();
        for file in &self.files {
            let path = file.strip_prefix(&self.config).unwrap_or(file);
            let path = path.strip_prefix(".").unwrap_or(path).to_string_lossy().replace('\\', "/");
            files.push(pb::SourceFile { path, content: read(file)? });
        }
        Ok(files)
    }
}

#[expect(clippy::disallowed_methods, reason = "the file goes to the server as it is")]
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let content = std::fs::read_to_string(file);
    Ok(content.with_context(|| format!("`{}` cannot be read", file.display()))?)
}

fn findings(diagnostics: &[pb::Diagnostic]) -> String {
    let texts: Vec<&str> = diagnostics.iter().map(|it| it.rendered.trim_end()).collect();
    texts.join("\n")
}

/// What a publication changed.
fn publication(response: &pb::WorkflowServicePublishResponse) -> String {
    let workflows = response.workflows.iter();
    let mut lines: Vec<String> =
        workflows.map(|it| format!("{} version {}", it.id, it.version)).collect();
    lines.extend(response.retired.iter().map(|id| format!("{id} is retired")));
    lines.extend(response.calendars.iter().map(|id| format!("calendar {id} is new")));
    if response.organization_changed {
        lines.push("the organization is new".to_owned());
    }
    if lines.is_empty() {
        lines.push("nothing is new".to_owned());
    }
    lines.join("\n")
}

fn list_text(workflows: &[pb::WorkflowSummary], output: &Output) -> String {
    let row = |it: &pb::WorkflowSummary| {
        let title = it.title.clone().unwrap_or_default();
        let active = it.active_version.map_or_else(|| "retired".to_owned(), |it| it.to_string());
        let versions: Vec<String> = it.versions.iter().map(|it| it.version.to_string()).collect();
        vec![it.id.clone(), title.en, title.zh, active, versions.join(", ")]
    };
    let rows: Vec<Vec<String>> = workflows.iter().map(row).collect();
    output.table(&["WORKFLOW", "TITLE", "", "ACTIVE", "VERSIONS"], &rows)
}

fn text(it: &pb::Workflow, output: &Output) -> String {
    let title = it.title.clone().unwrap_or_default();
    let rows: Vec<Vec<String>> = it.stages.iter().map(stage_row).collect();
    let header = ["STAGE", "", "WHERE", "ROLE", "LIMIT", "LADDER", "TASKS"];
    format!(
        "{} version {}  {} {}\ndigest {}, calendar {}\n\n{}",
        it.id,
        it.version,
        title.en,
        title.zh,
        it.digest,
        it.calendar,
        output.table(&header, &rows)
    )
}

fn stage_row(stage: &pb::StageDefinition) -> Vec<String> {
    let clock = stage.clocks.iter().find(|clock| clock.id == "stage");
    let limits = clock.map(|clock| clock.limits.as_slice()).unwrap_or_default();
    let limits: Vec<&str> = limits.iter().map(|choice| choice.take.as_str()).collect();
    let place = match &stage.beside {
        None => "path".to_owned(),
        Some(beside) => format!("beside, from {}", beside.opens_from),
    };
    vec![
        stage.id.clone(),
        stage.title.clone().unwrap_or_default().zh,
        place,
        stage.role.clone(),
        limits.join(" or "),
        clock.map(|clock| clock.policy.clone()).unwrap_or_default(),
        stage.tasks.len().to_string(),
    ]
}
