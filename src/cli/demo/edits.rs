//! The chapters about files: an edit while projects run, and one that is broken.

use std::path::Path;

use anyhow::Context as _;

use crate::api::pb;
use crate::api::pb::event::Payload;
use crate::definition::sources::Sources;

use super::super::exit::Failure;
use super::crew::{COORDINATOR, WORKFLOW};
use super::watcher::Shown;
use super::{Stage, projects};

/// The file that is edited.
const FILE: &str = "workflows/investment_project.yaml";

const LIMIT: (&str, &str) = (
    "    sla: { within: 10wd, escalation: project_dwell }\n",
    "    sla: { within: 8wd, escalation: project_dwell }\n",
);

const TASK: (&str, &str) = (
    "    tasks:\n      - id: dedupe_check\n",
    "    tasks:
      - id: register_with_city
        title: { en: Register with the city, zh: 报市级备案 }
        role: coordination_group
        assign: coordinator_on_duty
        sla: { within: 2wd, escalation: short_task }
      - id: dedupe_check
",
);

const MISTAKES: [(&str, &str); 2] = [
    ("after: [dedupe_check]", "after: [dedupe_chek]"),
    (
        "    sla: { within: 8wd, escalation: project_dwell }\n",
        "    sla: { within: 8d, escalation: project_dwell }\n",
    ),
];

/// Writes the files that come with the program into the directory of the story.
#[expect(
    clippy::disallowed_methods,
    reason = "the demo lays out and edits an administrator's files"
)]
pub(super) fn lay_out_files(directory: &Path) -> Result<(), Failure> {
    for (path, text) in &Sources::embedded().files {
        let path = directory.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).context("making the directory of the files")?;
        }
        std::fs::write(&path, text.as_bytes()).context("laying out the files")?;
    }
    Ok(())
}

/// Replaces the file in one step, as an editor does.
#[expect(
    clippy::disallowed_methods,
    reason = "the demo lays out and edits an administrator's files"
)]
fn save(directory: &Path, text: &str) -> Result<(), Failure> {
    let path = directory.join(FILE);
    let beside = path.with_extension("yaml.new");
    std::fs::write(&beside, text).context("editing the workflow")?;
    Ok(std::fs::rename(&beside, &path).context("editing the workflow")?)
}

/// The text with one place changed; the place must be there.
fn changed(text: &str, (before, after): (&str, &str)) -> Result<String, Failure> {
    if !text.contains(before) {
        return Err(Failure::not_tried(format!("{FILE} does not hold `{}`", before.trim())));
    }
    Ok(text.replacen(before, after, 1))
}

fn edited() -> Result<String, Failure> {
    let sources = Sources::embedded();
    let text = sources.files.get(FILE).map(AsRef::as_ref).unwrap_or_default();
    changed(&changed(text, LIMIT)?, TASK)
}

pub(super) async fn a_workflow_is_edited(stage: &mut Stage) -> Result<(), Failure> {
    stage.narrator.chapter("The workflow is edited while projects run")?;
    stage.narrator.say(
        "An administrator opens the file: lead tracking is to take 8 working days instead of 10, \
         and every lead is to be registered with the city. The file is saved, nothing else:",
    )?;
    for (before, after) in [LIMIT, TASK] {
        let removed = before.lines().filter(|line| !after.contains(line));
        let added = after.lines().filter(|line| !before.contains(line));
        let removed = removed.map(|line| format!("- {line}\n"));
        let added = added.map(|line| format!("+ {line}\n"));
        stage.narrator.quote(&removed.chain(added).collect::<String>())?;
    }
    let kinds = vec!["workflow."];
    stage.watcher.show(Shown { kinds, instances: Vec::new() });
    let count = stage.watcher.count();
    save(stage.server.directory(), &edited()?)?;
    let activated = stage
        .watcher
        .wait_for(count, "the new version is active", |event| event.kind == "workflow.activated")
        .await?;
    let is_second = matches!(activated.payload,
        Some(Payload::WorkflowActivated(it)) if it.version == Some(2));
    stage.narrator.check(is_second, "the server has taken it as version 2, without a restart")?;

    let project = projects::after_the_edit();
    stage.crew.create(&project).await?;
    stage.projects.push(project);
    let new = stage.crew.get("new-rules").await?;
    let old = stage.crew.get("sensor-line").await?;
    let stage_limit = new
        .clocks
        .iter()
        .find(|clock| clock.reference.as_ref().is_some_and(|reference| reference.id == "stage"));
    let limit = super::super::walk::limit_text(stage_limit.and_then(|clock| clock.limit.as_ref()));
    let has_task = new.tasks.iter().any(|task| {
        task.reference.as_ref().is_some_and(|reference| reference.id == "register_with_city")
    });
    let narrator = &stage.narrator;
    narrator.check(
        new.workflow_version == 2 && limit == "8wd" && has_task,
        "a new project has 8 working days and the new task",
    )?;
    narrator.check(old.workflow_version == 1, "running projects keep version 1")
}

pub(super) async fn an_edit_is_broken(stage: &mut Stage) -> Result<(), Failure> {
    stage.narrator.chapter("An edit goes wrong")?;
    stage.narrator.say("A typing mistake and a unit that does not exist; the file is saved:")?;
    let good = edited()?;
    let mut broken = good.clone();
    for mistake in MISTAKES {
        broken = changed(&broken, mistake)?;
    }
    let count = stage.watcher.count();
    save(stage.server.directory(), &broken)?;
    stage
        .watcher
        .wait_for(count, "the edit was refused", |event| event.kind == "workflow.rejected")
        .await?;
    stage.narrator.say("\nWhat the administrator is told, here and by `sanbang check`:")?;
    let request = pb::WorkflowServiceValidateRequest {
        files: vec![pb::SourceFile { path: FILE.to_owned(), content: broken }],
    };
    let mut workflows = stage.crew.acting(COORDINATOR)?.workflows();
    let findings = workflows.validate(request).await?.into_inner();
    for diagnostic in &findings.diagnostics {
        stage.narrator.quote(&format!("\n{}", diagnostic.rendered))?;
    }
    let messages: Vec<&str> = findings.diagnostics.iter().map(|it| it.rendered.as_str()).collect();
    let told = messages.concat();
    let narrator = &stage.narrator;
    narrator.check(
        told.contains("dedupe_chek") && told.contains("8d") && !findings.publishable,
        "both mistakes are told at once, with their places",
    )?;
    let request = pb::WorkflowServiceListRequest { page_size: 100, ..<_>::default() };
    let listed = workflows.list(request).await?.into_inner().workflows;
    let active = listed.iter().find(|it| it.id == WORKFLOW).and_then(|it| it.active_version);
    narrator.check(active == Some(2), "version 2 stays active: a broken edit changes nothing")?;
    save(stage.server.directory(), &good)
}
