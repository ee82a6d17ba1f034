//! What an expectation may name: a name that is nowhere would never be found, and `none` would
//! always hold.

use serde_json::Value as Json;

use crate::definition::compiled::{ClockSpec, TaskSpec, Workflow};
use crate::model::event::Payload;

use super::authored::Then;
use super::expect::{split_each, text};
use super::others::LINK_KEYS;
use super::verbs::hint;
use super::view;

/// The limits that tasks have.
const TASK_CLOCKS: [&str; 3] = ["task", "objection", "supplement"];

/// Every name in an expectation that nothing has.
pub(super) fn unknown_in(workflow: &Workflow, then: &Then) -> Vec<String> {
    let tasks = then.tasks.keys().map(|name| task(workflow, name));
    let clocks = then.clocks.keys().map(|name| clock(workflow, name));
    let fields = then.fields.keys().map(|name| field(workflow, name));
    let events = then.events.iter().chain(&then.no_events).map(|it| event(workflow, it));
    let links = then.links.iter().flatten().map(link);
    let all = tasks.chain(clocks).chain(fields).chain(events).chain(links);
    all.filter_map(Result::err).collect()
}

/// A task of the workflow, or one of those that it is for each of several.
pub(super) fn task(workflow: &Workflow, name: &str) -> Result<(), String> {
    let (id, each) = split_each(name, None);
    let Some(spec) = workflow.task_named(id) else {
        let hint = hint(id, tasks(workflow).map(|spec| spec.id.as_str()));
        return Err(format!("there is no task `{id}`{hint}"));
    };
    match each {
        Some(each) if !spec.for_each.iter().any(|word| **word == *each) => {
            let hint = hint(each, spec.for_each.iter().map(AsRef::as_ref));
            Err(format!("task `{id}` is not for `{each}`{hint}"))
        }
        Some(_) | None => Ok(()),
    }
}

fn tasks(workflow: &Workflow) -> impl Iterator<Item = &TaskSpec> {
    let special = workflow.special_tasks.iter().map(AsRef::as_ref);
    workflow.stages.iter().flat_map(|stage| &stage.tasks).chain(special)
}

fn stage(workflow: &Workflow, name: &str) -> Result<(), String> {
    if workflow.stage(name).is_some() {
        return Ok(());
    }
    let hint = hint(name, workflow.stages.iter().map(|stage| stage.id.as_str()));
    Err(format!("there is no stage `{name}`{hint}"))
}

fn field(workflow: &Workflow, name: &str) -> Result<(), String> {
    if workflow.field(name).is_some() {
        return Ok(());
    }
    let hint = hint(name, workflow.fields.iter().map(|field| field.id.as_str()));
    Err(format!("there is no field `{name}`{hint}"))
}

/// A clock by the name that specs use: see [`super::expect::clock`].
fn clock(workflow: &Workflow, name: &str) -> Result<(), String> {
    let Some((own, of)) = name.split_once('/') else { return clock_id(workflow, name) };
    if own == "stage" {
        return stage(workflow, of);
    }
    if TASK_CLOCKS.contains(&own) {
        return task(workflow, of);
    }
    stage(workflow, own)?;
    clock_id(workflow, of)
}

fn clock_id(workflow: &Workflow, id: &str) -> Result<(), String> {
    let own = workflow.clocks.iter().chain(workflow.stages.iter().flat_map(|it| &it.clocks));
    let own = own.map(|spec: &ClockSpec| spec.id.as_str());
    let known: Vec<&str> = own.chain(["stage", "suspension"]).collect();
    if known.contains(&id) {
        return Ok(());
    }
    Err(format!("there is no clock `{id}`{}", hint(id, known)))
}

/// A kind of event, with attributes that events of that kind have.
fn event(workflow: &Workflow, expected: &Json) -> Result<(), String> {
    let no_event = || format!("`{expected}` is no event: write a kind, or one kind and what holds");
    let (kind, attributes) = match expected {
        Json::String(kind) => (kind, None),
        Json::Object(map) if map.len() == 1 => {
            let (kind, attributes) = map.iter().next().ok_or_else(no_event)?;
            (kind, Some(attributes.as_object().ok_or_else(no_event)?))
        }
        _ => return Err(no_event()),
    };
    if !Payload::KINDS.contains(&kind.as_str()) {
        let hint = hint(kind, Payload::KINDS.iter().copied());
        return Err(format!("there is no event `{kind}`{hint}"));
    }
    let names = view::names(kind);
    for (name, value) in attributes.into_iter().flatten() {
        if !names.contains(&name.as_str()) {
            let hint = hint(name, names);
            return Err(format!("event `{kind}` has no `{name}`{hint}"));
        }
        match (name.as_str(), text(value).as_str()) {
            (_, "none") => {}
            ("task", id) => task(workflow, id)?,
            ("stage", id) => stage(workflow, id)?,
            ("clock", id) if !TASK_CLOCKS.contains(&id) => clock_id(workflow, id)?,
            _ => {}
        }
    }
    Ok(())
}

fn link(expected: &Json) -> Result<(), String> {
    let map = expected.as_object().ok_or_else(|| format!("`{expected}` is no relation"))?;
    match map.keys().find(|key| !LINK_KEYS.contains(&key.as_str())) {
        Some(key) => Err(format!("a relation has no `{key}`{}", hint(key, LINK_KEYS))),
        None => Ok(()),
    }
}
