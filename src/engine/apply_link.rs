//! Apply, for effects and relations.

use std::sync::Arc;

use crate::model::event::Payload;
use crate::model::instance::Instance;
use crate::model::limits;
use crate::model::link::{Effect, Link, Relations};

/// Applies an event about an effect or a relation.
pub(super) fn apply_link(instance: &mut Instance, payload: &Payload) {
    let relations = Arc::make_mut(&mut instance.relations);
    match payload {
        Payload::EffectAsked { effect } => {
            relations.asked = relations.asked.max(effect.number.0);
            relations.effects.push(effect.clone());
        }
        Payload::EffectRetried { effect } => {
            change(relations, effect.number, |known| known.clone_from(effect));
        }
        Payload::EffectRefused { number, for_good: true, .. } => {
            relations.effects.retain(|known| known.number != *number);
        }
        Payload::EffectRefused { number, code, .. } => {
            change(relations, *number, |known| known.refused = Some(Arc::clone(code)));
        }
        Payload::EffectDone { number, .. } => {
            relations.effects.retain(|known| known.number != *number);
        }
        Payload::LinkAdded { link } => add(&mut relations.links, link),
        Payload::LinkRemoved { link, .. } => {
            relations.links.retain(|known| !known.is_same(link));
        }
        Payload::LinkEnded { relation, direction, other, end } => {
            for link in &mut relations.links {
                if link.relation == *relation
                    && link.direction == *direction
                    && link.other == *other
                    && link.end.is_none()
                {
                    link.end = Some(end.clone());
                }
            }
        }
        // The other events are not about relations.
        _ => {}
    }
}

fn change(
    relations: &mut Relations,
    number: crate::model::link::EffectNumber,
    change: impl FnOnce(&mut Effect),
) {
    let found = relations.effects.iter_mut().find(|known| known.number == number);
    if let Some(effect) = found {
        change(effect);
    }
}

/// Where there are very many, those that have ended make room: the records keep them.
fn add(links: &mut Vec<Link>, link: &Link) {
    if links.len() >= limits::LINKS_MAX
        && let Some(ended) = links.iter().position(|known| known.end.is_some())
    {
        links.remove(ended);
    }
    links.push(link.clone());
}
