//! Judging: what is expected against what is.

use serde_json::Value as Json;

use crate::engine::Rejection;
use crate::model::clock::{Clock, ClockOwner};
use crate::model::event::Payload;
use crate::model::instance::{Instance, StagePlace};
use crate::model::task::{Task, TaskEnd};

use super::authored::Then;
use super::known;
use super::others;
use super::verbs::Args;
use super::view;
use super::world::World;

/// Everything that is not as expected. `since` is the first record of the step.
pub(super) fn judge(world: &World<'_>, since: usize, then: &Then) -> Vec<String> {
    let Some(instance) = &world.instance else { return vec!["there is no instance".to_owned()] };
    let mut wrong = known::unknown_in(world.workflow, then);
    judge_whole(instance, then, &mut wrong);
    for (name, expected) in &then.tasks {
        judge_task(world, instance, name, expected, &mut wrong);
    }
    for (name, expected) in &then.clocks {
        judge_clock(world, name, expected, &mut wrong);
    }
    for (name, expected) in &then.fields {
        judge_field(world, instance, name, expected, &mut wrong);
    }
    judge_events(world, since, then, &mut wrong);
    judge_others(world, instance, since, then, &mut wrong);
    wrong
}

/// What was asked of other instances, and how this one stands to them.
fn judge_others(
    world: &World<'_>,
    instance: &Instance,
    since: usize,
    then: &Then,
    wrong: &mut Vec<String>,
) {
    let happened = world.records[since..].iter().flat_map(|record| &record.events);
    let mut happened = happened.map(|event| &event.payload);
    for expected in &then.effects {
        if !happened.any(|payload| others::is_asked(payload, expected)) {
            wrong.push(format!("effect {expected}: it was not asked, or not in this order"));
            break;
        }
    }
    if let Some(links) = &then.links {
        let expected = links.iter().map(others::link_text).collect();
        let (expected, actual) = (sorted_by(expected), sorted_by(others::links_of(instance)));
        same("links", &expected, &actual, wrong);
    }
}

fn sorted_by(mut links: Vec<String>) -> String {
    links.sort();
    links.join("; ")
}

/// A refusal against the code, and what is missing, that are expected.
pub(super) fn refusal(expected: &Json, rejection: &Rejection) -> Vec<String> {
    judge_refusal(expected, rejection).unwrap_or_else(|message| vec![message])
}

fn judge_refusal(expected: &Json, rejection: &Rejection) -> Result<Vec<String>, String> {
    let expected = Args::of("refused", expected)?;
    let mut wrong = Vec::new();
    if expected.needed("code")? != rejection.code() {
        let message = rejection.public_message();
        wrong.push(format!("refused with {}: {message}", rejection.code()));
    }
    if let Some(mut missing) = expected.texts("missing")? {
        let mut actual: Vec<String> = match rejection {
            Rejection::NotReady { missing, .. } | Rejection::IncompleteTask { missing, .. } => {
                missing.iter().map(crate::engine::Missing::subject).collect()
            }
            _ => Vec::new(),
        };
        missing.sort_unstable();
        actual.sort();
        same("missing", &missing.join(", "), &actual.join(", "), &mut wrong);
    }
    Ok(wrong)
}

fn same(what: &str, expected: &str, actual: &str, wrong: &mut Vec<String>) {
    if expected != actual {
        wrong.push(format!("{what}: expected `{expected}`, but it is `{actual}`"));
    }
}

fn judge_whole(instance: &Instance, then: &Then, wrong: &mut Vec<String>) {
    let none = "none".to_owned();
    if let Some(status) = &then.status {
        same("status", status, instance.status.as_str(), wrong);
    }
    if let Some(stage) = &then.stage {
        let actual = instance.path_stage.as_ref().map_or(none.clone(), ToString::to_string);
        same("stage", stage, &actual, wrong);
    }
    if let Some(open) = &then.open {
        let actual = instance.open_stages().map(|state| state.stage.to_string());
        same("open", &sorted(open.clone()), &sorted(actual.collect()), wrong);
    }
    if let Some(skipped) = &then.skipped {
        let passed = instance.stages();
        let passed = passed.filter(|state| matches!(state.place, StagePlace::Skipped(_)));
        let actual = passed.map(|state| state.stage.to_string()).collect();
        same("skipped", &sorted(skipped.clone()), &sorted(actual), wrong);
    }
    if let Some(steward) = &then.steward {
        let actual = instance.steward.as_ref().map_or(none.clone(), ToString::to_string);
        same("steward", steward, &actual, wrong);
    }
    if let Some(group) = &then.group {
        let actual = instance.group.as_ref().map_or(none, ToString::to_string);
        same("group", group, &actual, wrong);
    }
    if let Some(backups) = &then.backups {
        let actual: Vec<&str> =
            instance.backups.iter().map(super::super::model::id::MemberId::as_str).collect();
        same("backups", &backups.join(", "), &actual.join(", "), wrong);
    }
    if let Some(light) = &then.light {
        same("light", light, instance.light().as_str(), wrong);
    }
}

fn sorted(mut names: Vec<String>) -> String {
    names.sort();
    names.join(", ")
}

/// `department_opinion[ecology]` is a name and a word.
pub(super) fn split_each<'a>(name: &'a str, each: Option<&'a str>) -> (&'a str, Option<&'a str>) {
    match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((name, word)) => (name, Some(word)),
        None => (name, each),
    }
}

fn judge_task(
    world: &World<'_>,
    instance: &Instance,
    name: &str,
    expected: &Json,
    wrong: &mut Vec<String>,
) {
    let (id, each) = split_each(name, None);
    let matching: Vec<&Task> = instance
        .tasks()
        .rev()
        .filter(|task| task.reference.id.as_str() == id)
        .filter(|task| each.is_none_or(|each| task.reference.each.as_deref() == Some(each)))
        .collect();
    let what = format!("task `{name}`");
    match expected {
        Json::String(state) => same(&what, state, state_of(&matching), wrong),
        Json::Object(map) => {
            let Some(task) = matching.first() else {
                wrong.push(format!("{what}: there is none in an open stage"));
                return;
            };
            for (key, value) in map {
                let expected = text(value);
                let actual = task_attribute(world, task, key);
                same(&format!("{what}, {key}"), &expected, &actual, wrong);
            }
        }
        other => wrong.push(format!("{what}: `{other}` cannot be expected")),
    }
}

/// Of a `for_each`: open while one is, then done if the latest ones are.
fn state_of(tasks: &[&Task]) -> &'static str {
    let is_done = |task: &&&Task| matches!(task.end, Some(TaskEnd::Done { .. }));
    if tasks.is_empty() {
        "none"
    } else if tasks.iter().any(|task| task.is_open()) {
        "open"
    } else if tasks.iter().any(|task| is_done(&task)) {
        "done"
    } else {
        "cancelled"
    }
}

fn task_attribute(world: &World<'_>, task: &Task, key: &str) -> String {
    let none = "none".to_owned();
    match key {
        "state" => state_of(&[task]).to_owned(),
        "holder" => task.holder.as_ref().map_or(none, |holder| holder.member.to_string()),
        "instead_of" => {
            let holder = task.holder.as_ref();
            let absent = holder.and_then(|holder| holder.instead_of.as_ref());
            absent.map_or(none, ToString::to_string)
        }
        "delegated_by" => {
            let holder = task.holder.as_ref();
            let delegator = holder.and_then(|holder| holder.delegated_by.as_ref());
            delegator.map_or(none, ToString::to_string)
        }
        "object_until" => {
            let until = task.holder.as_ref().and_then(|holder| holder.object_until);
            until.map_or(none, |until| view::instant(until, Some(world.calendar)))
        }
        "objection" => task.objection.as_ref().map_or(none, |objection| objection.by.to_string()),
        "supplement" => match &task.supplement {
            None => none,
            Some(supplement) if supplement.lapsed_at.is_some() => "lapsed".to_owned(),
            Some(_) => "awaited".to_owned(),
        },
        "attempt" => task.attempt.to_string(),
        "role" => task.role.as_ref().map_or(none, ToString::to_string),
        "outcome" => match &task.end {
            Some(TaskEnd::Done { outcome: Some(outcome), .. }) => outcome.to_string(),
            Some(TaskEnd::Done { outcome: None, .. } | TaskEnd::Cancelled { .. }) | None => none,
        },
        "due" | "light" | "paused" | "epoch" | "limit" | "provisional" => {
            let clocks = world.instance.iter().flat_map(|instance| instance.clocks());
            let mut clocks = clocks;
            let owner = ClockOwner::Task(task.reference.clone());
            let own = clocks.find(|clock| clock.owner == owner && clock.id.as_str() == "task");
            own.map_or(none, |clock| clock_attribute(world, clock, key))
        }
        other => format!("(a task has no `{other}`)"),
    }
}

/// A running clock by the name that specs use: `stage`, `stage/x`, `task/x`,
/// `objection/x`, `supplement/x`, `suspension`, or its own.
pub(super) fn clock<'a>(world: &'a World<'_>, name: &str) -> Option<&'a Clock> {
    let instance = world.instance.as_ref()?;
    let path_stage = instance.path_stage.as_ref();
    instance.clocks().find(|clock| match (&clock.owner, name.split_once('/')) {
        (ClockOwner::Stage(stage), Some(("stage", of))) => {
            stage.as_str() == of && clock.id.as_str() == "stage"
        }
        (ClockOwner::Stage(stage), Some((of, id))) => {
            stage.as_str() == of && clock.id.as_str() == id
        }
        (ClockOwner::Stage(stage), None) => {
            let meant = if name == "stage" { "stage" } else { name };
            clock.id.as_str() == meant && (name != "stage" || path_stage == Some(stage))
        }
        (ClockOwner::Task(task), Some((own, of))) => {
            let (id, each) = split_each(of, None);
            clock.id.as_str() == own
                && task.id.as_str() == id
                && each.is_none_or(|each| task.each.as_deref() == Some(each))
        }
        (ClockOwner::Instance | ClockOwner::Suspension, None) => clock.id.as_str() == name,
        (ClockOwner::Task(_) | ClockOwner::Instance | ClockOwner::Suspension, _) => false,
    })
}

fn judge_clock(world: &World<'_>, name: &str, expected: &Json, wrong: &mut Vec<String>) {
    let what = format!("clock `{name}`");
    match (clock(world, name), expected) {
        (None, Json::String(none)) if none == "none" => {}
        (None, _) => wrong.push(format!("{what}: it does not run")),
        (Some(clock), Json::Object(map)) => {
            for (key, value) in map {
                let actual = clock_attribute(world, clock, key);
                same(&format!("{what}, {key}"), &text(value), &actual, wrong);
            }
        }
        (Some(_), other) => wrong.push(format!("{what}: it runs, `{other}` was expected")),
    }
}

fn clock_attribute(world: &World<'_>, clock: &Clock, key: &str) -> String {
    match key {
        "due" => view::instant(clock.plan.due, Some(world.calendar)),
        "due_originally" => view::instant(clock.due_originally, Some(world.calendar)),
        "light" => clock.light().as_str().to_owned(),
        "paused" => clock.is_paused().to_string(),
        "epoch" => clock.epoch.to_string(),
        "provisional" => clock.plan.provisional.to_string(),
        "limit" => match clock.limit {
            crate::model::clock::Limit::Amount(amount) => amount.to_string(),
            crate::model::clock::Limit::Date(date) => date.to_string(),
        },
        other => format!("(a clock has no `{other}`)"),
    }
}

fn judge_field(
    world: &World<'_>,
    instance: &Instance,
    name: &str,
    expected: &Json,
    wrong: &mut Vec<String>,
) {
    let what = format!("field `{name}`");
    let actual = instance.fields.get(name);
    match (expected, actual) {
        (Json::Null, None) => {}
        (Json::Null, Some(actual)) => same(&what, "empty", &actual.to_string(), wrong),
        (_, None) => same(&what, &text(expected), "empty", wrong),
        (_, Some(actual)) => match super::command::typed(&world.workflow.fields, name, expected) {
            Ok(expected) => same(&what, &expected.to_string(), &actual.to_string(), wrong),
            Err(message) => wrong.push(message),
        },
    }
}

pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn judge_events(world: &World<'_>, since: usize, then: &Then, wrong: &mut Vec<String>) {
    let happened: Vec<&Payload> = world.records[since..]
        .iter()
        .flat_map(|record| &record.events)
        .map(|event| &event.payload)
        .collect();
    let mut rest = happened.iter();
    for expected in &then.events {
        if !rest.any(|payload| matches(world, payload, expected)) {
            let kinds: Vec<&str> = happened.iter().map(|payload| payload.kind()).collect();
            wrong.push(format!(
                "event {}: it did not happen, or not in this order; there were {}",
                text(expected),
                kinds.join(", ")
            ));
            break;
        }
    }
    for forbidden in &then.no_events {
        if happened.iter().any(|payload| matches(world, payload, forbidden)) {
            wrong.push(format!("event {}: it should not have happened", text(forbidden)));
        }
    }
}

/// A kind, or a kind with attributes that all must be as said.
fn matches(world: &World<'_>, payload: &Payload, expected: &Json) -> bool {
    match expected {
        Json::String(kind) => payload.kind() == kind,
        Json::Object(map) => map.iter().all(|(kind, attributes)| {
            payload.kind() == kind && has_all(world, payload, attributes)
        }),
        _ => false,
    }
}

fn has_all(world: &World<'_>, payload: &Payload, expected: &Json) -> bool {
    let actual = view::attributes(payload, Some(world.calendar));
    let Json::Object(expected) = expected else { return false };
    expected.iter().all(|(name, value)| {
        let told = actual.iter().find(|(known, _)| known == name);
        told.map_or("none", |(_, told)| told) == text(value)
    })
}
