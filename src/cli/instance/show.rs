//! Instances, their stages, tasks and clocks as a person reads them.

use crate::api::pb;
use crate::api::pb::task_end::How;
use crate::api::pb::{InstanceStatus, StagePlace};

use super::super::arguments;
use super::super::describe;
use super::super::exit::Failure;
use super::super::fields;
use super::super::print::Output;
use super::super::walk::limit_text;

/// The columns of [`clock_rows`].
pub(in super::super) const CLOCK_HEADER: [&str; 7] =
    ["CLOCK", "WHAT", "LIMIT", "DUE", "LIGHT", "LEVEL", "STATE"];

/// The outcome of a command.
pub(in super::super) fn accepted(
    accepted: Option<pb::Accepted>,
    output: &Output,
) -> Result<(), Failure> {
    let accepted = arguments::accepted(accepted)?;
    output.message(&accepted, |_| {
        let kinds = accepted.event_kinds.join(", ");
        let language = output.language;
        let begin = match accepted.started.as_slice() {
            [] => String::new(),
            started => format!("\n{}: {}", language.pick("begins", "发起"), started.join(", ")),
        };
        let revision = language.pick("revision", "版次");
        format!("{}  {revision} {}: {kinds}{begin}", accepted.instance, accepted.revision)
    })
}

/// Instances as a list.
pub(super) fn summaries(instances: &[pb::InstanceSummary], output: &Output) -> String {
    let header = [
        "INSTANCE", "WORKFLOW", "STATUS", "STAGES", "STEWARD", "LIGHT", "NEXT", "TASKS", "REVISION",
    ];
    let rows: Vec<Vec<String>> = instances
        .iter()
        .map(|it| {
            vec![
                it.id.clone(),
                format!("{} v{}", it.workflow, it.workflow_version),
                status(it.status()).to_owned(),
                or_dash(&it.stages.join(", ")),
                or_dash(&it.steward),
                describe::light(it.light()).to_owned(),
                output.instant(it.next_due),
                it.open_tasks.to_string(),
                it.revision.to_string(),
            ]
        })
        .collect();
    output.table(&header, &rows)
}

/// One instance as a whole.
pub(super) fn instance(it: &pb::Instance, output: &Output) -> String {
    let facts = [
        ("workflow", format!("{} version {}", it.workflow, it.workflow_version)),
        ("status", format!("{}, revision {}", status(it.status()), it.revision)),
        ("steward", or_dash(&it.steward)),
        ("group", or_dash(&it.group)),
        ("backups", or_dash(&it.backups.join(", "))),
        ("light", describe::light(it.light()).to_owned()),
        ("created", output.instant(it.created_at)),
        ("updated", output.instant(it.updated_at)),
        ("next", output.instant(it.next_due)),
        ("fields", or_dash(&fields::text(it.fields.as_ref()))),
    ];
    let mut lines = vec![it.id.clone()];
    lines.extend(facts.iter().map(|(name, value)| format!("  {name:<9} {value}")));
    let sections = [
        output.table(&["STAGE", "ATTEMPT", "STATE", "SINCE"], &stage_rows(it, output)),
        output.table(&["TASK", "WHAT", "ROLE", "HOLDER", "STATE"], &task_rows(&it.tasks)),
        output.table(&CLOCK_HEADER, &clock_rows(&it.clocks, output)),
    ];
    for section in sections {
        lines.extend([String::new(), section]);
    }
    lines.extend(relation_lines(it, output));
    lines.join("\n")
}

/// Relations with other instances, and what is still asked of them; nothing where there is none.
fn relation_lines(it: &pb::Instance, output: &Output) -> Vec<String> {
    let mut lines = Vec::new();
    if !it.links.is_empty() {
        let row = |link: &pb::Link| vec![describe::link(Some(link)), output.instant(link.since)];
        let rows: Vec<Vec<String>> = it.links.iter().map(row).collect();
        lines.extend([String::new(), output.table(&["RELATION", "SINCE"], &rows)]);
    }
    if !it.effects.is_empty() {
        let row = |effect: &pb::Effect| {
            let tried = effect.tries.to_string();
            let next = output.instant(effect.next_try);
            vec![describe::effect(Some(effect)), tried, next, or_dash(&effect.refused)]
        };
        let rows: Vec<Vec<String>> = it.effects.iter().map(row).collect();
        let header = ["ASKED OF OTHERS", "TRIES", "NEXT", "REFUSED"];
        lines.extend([String::new(), output.table(&header, &rows)]);
    }
    lines
}

fn stage_rows(it: &pb::Instance, output: &Output) -> Vec<Vec<String>> {
    let row = |stage: &pb::StageState| {
        let place = match stage.place() {
            StagePlace::Unspecified => "?",
            StagePlace::Open => "open",
            StagePlace::Closed => "closed",
            StagePlace::Skipped => "skipped",
        };
        let attempt = stage.attempt.to_string();
        vec![stage.stage.clone(), attempt, place.to_owned(), output.instant(stage.since)]
    };
    it.stages.iter().map(row).collect()
}

fn task_rows(tasks: &[pb::Task]) -> Vec<Vec<String>> {
    tasks
        .iter()
        .map(|task| {
            let reference = task.reference.clone().unwrap_or_default();
            let name = match reference.each.as_str() {
                "" => reference.id,
                each => format!("{}[{each}]", reference.id),
            };
            let holder = task.holder.as_ref().map(|holder| holder.member.clone());
            vec![
                reference.number.to_string(),
                name,
                or_dash(&task.role),
                holder.unwrap_or_else(|| "-".to_owned()),
                task_state(task),
            ]
        })
        .collect()
}

fn awaits(task: &pb::Task) -> bool {
    task.supplement.as_ref().is_some_and(|supplement| supplement.lapsed_at.is_none())
}

fn task_state(task: &pb::Task) -> String {
    match task.end.as_ref().and_then(|end| end.how.as_ref()) {
        None if task.objection.is_some() => "open, objected to".to_owned(),
        None if task.extension_request.is_some() => "open, more time asked for".to_owned(),
        None if awaits(task) => "open, waits for something from outside".to_owned(),
        None => "open".to_owned(),
        Some(How::Done(done)) if done.outcome.is_empty() => "done".to_owned(),
        Some(How::Done(done)) => format!("done: {}", done.outcome),
        Some(How::Cancelled(_)) => "cancelled".to_owned(),
    }
}

/// Clocks as rows of a table.
pub(in super::super) fn clock_rows(clocks: &[pb::Clock], output: &Output) -> Vec<Vec<String>> {
    clocks
        .iter()
        .map(|clock| {
            let reference = clock.reference.as_ref();
            let due = clock.plan.as_ref().and_then(|plan| plan.due);
            let state = match (clock.paused.is_empty(), clock.breached_at.is_some()) {
                (false, _) => "stands still",
                (true, true) => "run out",
                (true, false) => "runs",
            };
            vec![
                reference.map(|it| it.number.to_string()).unwrap_or_default(),
                describe::clock(reference),
                limit_text(clock.limit.as_ref()),
                output.instant(due),
                describe::light(clock.light()).to_owned(),
                or_dash(clock.fired.last().map(|fired| fired.level.as_str()).unwrap_or_default()),
                state.to_owned(),
            ]
        })
        .collect()
}

fn status(status: InstanceStatus) -> &'static str {
    match status {
        InstanceStatus::Unspecified => "?",
        InstanceStatus::Active => "active",
        InstanceStatus::Suspended => "suspended",
        InstanceStatus::Completed => "completed",
        InstanceStatus::Terminated => "terminated",
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}
