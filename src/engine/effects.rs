//! Effects: what other instances have to do because of this one.
//!
//! Here they are only asked for, as facts; nothing is carried out. Whoever carries them out takes
//! [`command_of`], has it decided by the other instance, and confirms. Doing it twice is doing it
//! once: ids and requests are derived from who asks and the number of the effect.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::definition::compiled::Workflow;
use crate::model::actor::Actor;
use crate::model::command::{Action, Command, Confirm, Create, Hear, Origin};
use crate::model::command::{Refused, Request};
use crate::model::event::Payload;
use crate::model::id::{InstanceId, Outcome};
use crate::model::instance::Status;
use crate::model::limits;
use crate::model::link::{Direction, Effect, EffectNumber, Ending, Link, Note, Start, Wish};
use crate::model::text;
use crate::model::value::Values;

use super::scene::Scene;

/// Bytes of a derived id.
const DERIVED_ID_BYTES: usize = 16;

/// The command by which the target of an effect does what is asked, and what it is recognised by
/// when it comes again.
pub fn command_of(source: &InstanceId, effect: &Effect) -> Command {
    let action = match &effect.wish {
        Wish::Start(start) => Action::Create(Create {
            id: effect.target.clone(),
            workflow: start.workflow.clone(),
            fields: start.fields.clone(),
            steward: start.steward.clone(),
            origin: Some(Origin {
                instance: source.clone(),
                relation: start.relation,
                task: start.task.clone(),
                task_number: start.task_number,
            }),
        }),
        Wish::Note(note) => Action::Hear(Hear { from: source.clone(), note: note.clone() }),
    };
    let named = hash(&["request", source.as_str(), &effect.number.0.to_string()]);
    Command {
        actor: Actor::Instance(source.clone()),
        request: Some(Request { key: number(&named, 0), digest: number(&named, 1) }),
        expected_revision: None,
        force: None,
        action,
    }
}

/// The command by which the source of an effect takes note of what became of it.
pub fn confirmation(confirm: Confirm) -> Command {
    Command { action: Action::Confirm(confirm), ..Command::settle() }
}

/// The id of the one instance that a workflow with a `key` has for these fields; none: it has no
/// key, or a field of it is empty. How a value was typed makes no difference.
pub fn keyed_id(workflow: &Workflow, fields: &Values) -> Option<InstanceId> {
    if workflow.key.is_empty() {
        return None;
    }
    let mut parts = vec!["key".to_owned(), workflow.id.to_string()];
    for field in &workflow.key {
        parts.push(text::identifying(&fields.get(field)?.to_string()));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    Some(named_by(&hash(&parts)))
}

/// The id of an instance that an effect starts.
fn started_id(source: &InstanceId, number: EffectNumber) -> InstanceId {
    named_by(&hash(&["instance", source.as_str(), &number.0.to_string()]))
}

/// Whether those that come after it for the same instance wait for it. What is told of a relation
/// counts in its order; a beginning that is refused for now, perhaps until somebody mends a
/// workflow, may come after what was asked later.
fn keeps_its_place(effect: &Effect) -> bool {
    effect.refused.is_none() || matches!(effect.wish, Wish::Note(_))
}

fn hash(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn named_by(hash: &[u8; 32]) -> InstanceId {
    let mut id = String::with_capacity(2 * DERIVED_ID_BYTES);
    for byte in &hash[..DERIVED_ID_BYTES] {
        write!(id, "{byte:02x}").expect("a string takes everything");
    }
    InstanceId::trusted(&id)
}

fn number(hash: &[u8; 32], at: usize) -> u64 {
    let bytes = hash.chunks_exact(8).nth(at).and_then(|bytes| bytes.try_into().ok());
    u64::from_be_bytes(bytes.unwrap_or_default())
}

impl Scene<'_> {
    /// Asks another instance to do something. Those for one instance are done in their order: the
    /// next is tried when the one before is done, or lets it pass.
    pub(super) fn ask(&mut self, target: InstanceId, wish: Wish) {
        let number = self.next_effect();
        let mut pending = self.instance.relations.effects.iter();
        let waits = pending.any(|known| known.target == target && keeps_its_place(known));
        let next_try = (!waits).then(|| self.at().plus_ms(limits::EFFECT_RETRY_MS_MIN));
        let tries = u32::from(!waits);
        let effect = Effect { number, target, wish, tries, next_try, refused: None };
        self.emit(Payload::EffectAsked { effect });
    }

    fn next_effect(&self) -> EffectNumber {
        EffectNumber(self.instance.relations.asked + 1)
    }

    /// Asks for an instance to begin. Its id is the given one, that of its key, or one of its own.
    pub(super) fn ask_to_start(
        &mut self,
        id: Option<InstanceId>,
        workflow: Option<&Workflow>,
        start: Start,
    ) {
        let keyed = || workflow.and_then(|workflow| keyed_id(workflow, &start.fields));
        let own = || started_id(&self.instance.id, self.next_effect());
        let target = id.or_else(keyed).unwrap_or_else(own);
        self.ask(target, Wish::Start(start));
    }

    /// Tries again what was not confirmed in time.
    pub(super) fn retry_effects(&mut self) {
        let now = self.now;
        let late = |effect: &&Effect| effect.next_try.is_some_and(|at| at < now);
        let late: Vec<Effect> =
            self.instance.relations.effects.iter().filter(late).cloned().collect();
        for effect in late {
            self.due_at = effect.next_try;
            self.try_again(effect);
            self.due_at = None;
        }
    }

    fn try_again(&mut self, effect: Effect) {
        let doubled = limits::EFFECT_RETRY_MS_MIN.checked_shl(effect.tries.min(30));
        let wait = doubled.unwrap_or(i64::MAX).min(limits::EFFECT_RETRY_MS_MAX);
        let next_try = Some(self.now.plus_ms(wait));
        let effect = Effect { tries: effect.tries.saturating_add(1), next_try, ..effect };
        self.emit(Payload::EffectRetried { effect });
    }

    /// Takes note of what became of an effect. One that is no longer pending was confirmed before.
    pub(super) fn confirm(&mut self, confirm: &Confirm) {
        let mut pending = self.instance.relations.effects.iter();
        let Some(effect) = pending.find(|known| known.number == confirm.effect).cloned() else {
            return;
        };
        let (number, target) = (effect.number, effect.target.clone());
        if let Some(refused) = &confirm.refused {
            if refused.for_good || effect.refused.as_ref() != Some(&refused.code) {
                let Refused { code, reason, for_good } = refused.clone();
                let target = target.clone();
                self.emit(Payload::EffectRefused { number, target, code, reason, for_good });
            }
            return self.try_next(&target);
        }
        self.emit(Payload::EffectDone { number, target: target.clone() });
        if let Wish::Start(start) = effect.wish {
            self.add_link(Link {
                relation: start.relation,
                direction: Direction::Inward,
                other: target.clone(),
                task: start.task,
                task_number: start.task_number,
                since: self.at(),
                end: None,
            });
        }
        self.try_next(&target);
    }

    /// The next effect for an instance has its turn, unless it had it.
    fn try_next(&mut self, target: &InstanceId) {
        let mut pending = self.instance.relations.effects.iter();
        let next = pending.find(|known| known.target == *target && keeps_its_place(known));
        if let Some(next) = next.filter(|next| next.next_try.is_none()).cloned() {
            self.try_again(next);
        }
    }

    /// One that was asked to begin has begun, and stands in its relation no longer, before it was
    /// known here that it began: what confirms that later must not write the relation down.
    pub(super) fn began_and_left(&mut self, left: &Link) {
        let is_start = |effect: &&Effect| match &effect.wish {
            Wish::Start(start) => {
                effect.target == left.other
                    && start.relation == left.relation
                    && start.task == left.task
                    && start.task_number == left.task_number
            }
            Wish::Note(_) => false,
        };
        let begun = self.instance.relations.effects.iter().find(is_start);
        if let Some(Effect { number, target, .. }) = begun.cloned() {
            self.emit(Payload::EffectDone { number, target: target.clone() });
            self.try_next(&target);
        }
    }

    /// Writes a relation down, unless it is known. Whether it was not.
    pub(super) fn add_link(&mut self, link: Link) -> bool {
        let is_new = !self.instance.relations.links.iter().any(|known| known.is_same(&link));
        if is_new {
            self.emit(Payload::LinkAdded { link });
        }
        is_new
    }

    /// Tells those who wait for the end of the instance how it has ended.
    pub(super) fn tell_of_end(&mut self, status: Status, outcome: Option<Outcome>) {
        let waited_for =
            |link: &&Link| link.direction == Direction::Outward && link.relation.tells_its_end();
        let links: Vec<Link> =
            self.instance.relations.links.iter().filter(waited_for).cloned().collect();
        let end = Ending { status, outcome, at: self.at() };
        for link in links {
            self.tell_end_to(&link, end.clone());
        }
    }

    /// Tells one who waits for it how the instance has ended.
    pub(super) fn tell_end_to(&mut self, link: &Link, end: Ending) {
        let Link { relation, task, task_number, .. } = link.clone();
        let note = Note::Ended { relation, task, task_number, end };
        self.ask(link.other.clone(), Wish::Note(note));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::link::Relation;

    fn effect(number: u32) -> Effect {
        let note = Note::Linked { relation: Relation::Blocks, task: None };
        let target = InstanceId::trusted("b");
        let number = EffectNumber(number);
        Effect { number, target, wish: Wish::Note(note), tries: 1, next_try: None, refused: None }
    }

    #[test]
    fn the_same_effect_is_recognised_and_another_is_not() {
        let a = InstanceId::trusted("a");
        let first = command_of(&a, &effect(1)).request;
        assert_eq!(first, command_of(&a, &Effect { tries: 7, ..effect(1) }).request);
        assert_ne!(first, command_of(&a, &effect(2)).request);
        assert_ne!(first, command_of(&InstanceId::trusted("a2"), &effect(1)).request);
    }

    /// They are stored: another build must find them again.
    #[test]
    fn derived_ids_are_the_same_in_every_build() {
        let id = started_id(&InstanceId::trusted("p-1"), EffectNumber(1));
        assert_eq!(id.as_str().len(), 2 * DERIVED_ID_BYTES);
        assert_eq!(id.as_str(), "2bf89040b8c7810caaed3b6f8309a191");
    }
}
