//! Events in one line each, for people who follow them.
//!
//! Says what the payload says; decides nothing and looks nothing up.

mod clocks;
mod instances;
mod links;
mod organization;
mod service;
mod tasks;

pub(super) use clocks::clock;
pub(super) use links::{effect, link};

use crate::api::pb::event::Payload;
use crate::api::pb::{Actor, Event, Light, TaskRef};

/// What happened, without time, instance and kind.
pub(super) fn event(event: &Event) -> String {
    let Some(payload) = &event.payload else { return String::new() };
    family(payload).unwrap_or_default()
}

fn family(payload: &Payload) -> Option<String> {
    instances::describe(payload)
        .or_else(|| tasks::describe(payload))
        .or_else(|| clocks::describe(payload))
        .or_else(|| links::describe(payload))
        .or_else(|| service::describe(payload))
}

/// Who made it happen.
pub(super) fn actor(actor: Option<&Actor>) -> String {
    match actor {
        None => "-".to_owned(),
        Some(actor) if !actor.instance.is_empty() => format!("instance {}", actor.instance),
        Some(actor) if actor.system => "system".to_owned(),
        Some(actor) if actor.service.is_empty() => actor.member.clone(),
        Some(actor) if actor.member.is_empty() => actor.service.clone(),
        Some(actor) => format!("{} for {}", actor.service, actor.member),
    }
}

/// A task by its number and name.
pub(super) fn task(task: Option<&TaskRef>) -> String {
    match task {
        None => "-".to_owned(),
        Some(task) if task.each.is_empty() => format!("{} #{}", task.id, task.number),
        Some(task) => format!("{}[{}] #{}", task.id, task.each, task.number),
    }
}

/// The word of a light.
pub(super) fn light(light: Light) -> &'static str {
    match light {
        Light::Unspecified | Light::None => "none",
        Light::Blue => "blue",
        Light::Yellow => "yellow",
        Light::Red => "red",
    }
}

/// A remark in words behind what happened; nothing where there is none.
fn remark(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// An instant, for a sentence, in UTC to the minute.
fn by(date: &str) -> String {
    if date.is_empty() { String::new() } else { format!(" until {date}") }
}
