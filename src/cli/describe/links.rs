//! What happened between instances.

use crate::api::pb::effect::Wish;
use crate::api::pb::event::Payload;
use crate::api::pb::{Direction, Effect, EffectRefused, Ending, Link, Relation};

use super::remark;

pub(super) fn describe(payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::EffectAsked(it) => effect(it.effect.as_ref()),
        Payload::EffectRetried(it) => {
            let tries = it.effect.as_ref().map(|effect| effect.tries).unwrap_or_default();
            format!("{}, try {tries}", effect(it.effect.as_ref()))
        }
        Payload::EffectDone(it) => format!("#{} by {}", it.number, it.target),
        Payload::EffectRefused(it) => {
            let for_good = if it.for_good { ", for good" } else { "" };
            let EffectRefused { number, target, code, .. } = it;
            format!("#{number} by {target}{for_good}: {code}{}", remark(&it.reason))
        }
        Payload::LinkAdded(it) => link(it.link.as_ref()),
        Payload::LinkRemoved(it) => format!("{}{}", link(it.link.as_ref()), remark(&it.reason)),
        Payload::LinkEnded(it) => {
            let said = said(it.relation(), it.direction(), &it.other);
            format!("{said}{}", ending(it.end.as_ref()))
        }
        Payload::InstanceRevived(it) => format!("by {}{}", it.by, remark(&it.reason)),
        _ => return None,
    })
}

/// A relation, as it is said of the instance at hand.
pub(in crate::cli) fn link(link: Option<&Link>) -> String {
    let Some(link) = link else { return "-".to_owned() };
    let mut text = said(link.relation(), link.direction(), &link.other);
    if !link.task.is_empty() {
        text.push_str(", task ");
        text.push_str(&link.task);
    }
    text.push_str(&ending(link.end.as_ref()));
    text
}

/// What another instance has to do.
pub(in crate::cli) fn effect(effect: Option<&Effect>) -> String {
    let Some(effect) = effect else { return "-".to_owned() };
    let what = match &effect.wish {
        None => "?".to_owned(),
        Some(Wish::Start(start)) => format!("begins, a {}", start.workflow),
        Some(Wish::Linked(note)) => format!("notes {}", word(note.relation())),
        Some(Wish::Unlinked(note)) => format!("notes no longer {}", word(note.relation())),
        Some(Wish::Ended(note)) => format!("notes the end{}", ending(note.end.as_ref())),
    };
    format!("#{} {} {what}", effect.number, effect.target)
}

fn said(relation: Relation, direction: Direction, other: &str) -> String {
    match direction {
        Direction::Inward => format!("{other} {} this", word(relation)),
        Direction::Outward | Direction::Unspecified => format!("{} {other}", word(relation)),
    }
}

fn ending(end: Option<&Ending>) -> String {
    match end {
        None => String::new(),
        Some(end) if end.outcome.is_empty() && end.completed => ": completed".to_owned(),
        Some(end) => format!(": {}", end.outcome),
    }
}

fn word(relation: Relation) -> &'static str {
    match relation {
        Relation::Unspecified => "?",
        Relation::SpawnedFrom => "spawned_from",
        Relation::Blocks => "blocks",
        Relation::Supports => "supports",
        Relation::Duplicates => "duplicates",
        Relation::Continues => "continues",
        Relation::Supplies => "supplies",
    }
}
