//! Effects carried out: what became durable as asked is put into the mailbox of the instance that
//! has to do it, and its answer is confirmed to the one that asked.
//!
//! Nothing here is kept: what gets lost on the way (a full mailbox, the end of the process) is
//! asked again by a settling of the one that asked. That comes two seconds later at first, and no
//! earlier when a mailbox is full: whoever is overloaded is not asked again at once. An effect
//! enters its mailbox before the answer to the command that asked for it leaves, so whoever then
//! looks at the other instance sees it. Only what is refused is remembered, for those who look
//! after the service; after a start it is known again once it was tried again, within a day.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::engine;
use crate::model::command::{Command, Confirm, Refused};
use crate::model::event::{Payload, Record};
use crate::model::id::InstanceId;
use crate::model::link::{Effect, EffectNumber};
use crate::store::Store;

use super::answer::{Answer, SubmitError};
use super::clock::Stopwatch;
use super::pipeline::Reply;
use super::worker::{CommandRequest, Inbox, Request};

/// Carries effects out.
pub(super) struct Effects {
    pub(super) store: Arc<dyn Store>,
    pub(super) inboxes: Vec<Arc<Inbox>>,
    pub(super) under_way: Arc<UnderWay>,
    pub(super) refusals: Mutex<Refusals>,
}

/// So many refused effects are remembered.
const REFUSALS_MAX: usize = 1000;
/// So many of them are told by name.
const REFUSALS_TOLD: usize = 5;

/// Effects that were refused when they were last tried.
#[derive(Default)]
pub(super) struct Refusals(BTreeMap<(InstanceId, EffectNumber), Refusal>);

struct Refusal {
    target: InstanceId,
    code: Arc<str>,
}

impl Refusals {
    fn note(&mut self, source: &InstanceId, effect: &Effect, refused: Option<&Refused>) {
        let key = (source.clone(), effect.number);
        match refused {
            // It is not tried again: whoever counts the events tells that.
            None | Some(Refused { for_good: true, .. }) => drop(self.0.remove(&key)),
            Some(refused) if self.0.len() < REFUSALS_MAX || self.0.contains_key(&key) => {
                let (target, code) = (effect.target.clone(), Arc::clone(&refused.code));
                self.0.insert(key, Refusal { target, code });
            }
            Some(_) => {}
        }
    }

    /// How many are refused, and some of them; none: none is.
    pub(super) fn told(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let named = self.0.iter().take(REFUSALS_TOLD);
        let named: Vec<String> = named
            .map(|((source, _), refusal)| {
                format!("`{source}` of `{}` ({})", refusal.target, refusal.code)
            })
            .collect();
        let count = self.0.len();
        let at_least = if count == REFUSALS_MAX { "at least " } else { "" };
        let rest = if count > REFUSALS_TOLD { ", and others" } else { "" };
        Some(format!(
            "{at_least}{count} refused and tried again, of what instances ask of one another: \
             {}{rest}",
            named.join(", ")
        ))
    }
}

/// Whether a record asks for anything to be carried out.
pub(super) fn asks(record: &Record) -> bool {
    asked_in(record).next().is_some()
}

/// One that was never tried waits for its turn.
fn asked_in(record: &Record) -> impl Iterator<Item = &Effect> {
    let asked = record.events.iter().filter_map(|event| match &event.payload {
        Payload::EffectAsked { effect } | Payload::EffectRetried { effect } => Some(effect),
        _ => None,
    });
    asked.filter(|effect| effect.tries > 0)
}

/// How many effects are being carried out, confirmations included.
#[derive(Default)]
pub(super) struct UnderWay {
    count: Mutex<usize>,
    none_left: Condvar,
}

impl UnderWay {
    fn one(self: &Arc<Self>) -> One {
        *self.lock() += 1;
        One(Arc::clone(self))
    }

    /// Waits until all that is under way has come to its end, one way or another. False: nothing
    /// was under way.
    pub(super) fn wait(&self) -> bool {
        let mut count = self.lock();
        let any = *count > 0;
        while *count > 0 {
            count = self.none_left.wait(count).unwrap_or_else(PoisonError::into_inner);
        }
        any
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One effect under way, for as long as this lives.
struct One(Arc<UnderWay>);

impl Drop for One {
    fn drop(&mut self) {
        let mut count = self.0.lock();
        *count -= 1;
        if *count == 0 {
            self.0.none_left.notify_all();
        }
    }
}

impl Effects {
    /// Begins to carry out what a durable record asks for.
    pub(super) fn begin(self: &Arc<Self>, record: &Record) {
        let Some(stamp) = &record.stamp else { return };
        for effect in asked_in(record) {
            self.carry_out(&stamp.instance, effect);
        }
    }

    fn carry_out(self: &Arc<Self>, source: &InstanceId, effect: &Effect) {
        let command = engine::command_of(source, effect);
        let (effects, one) = (Arc::clone(self), self.under_way.one());
        let (source, effect) = (source.clone(), effect.clone());
        let target = effect.target.clone();
        let heard = move |answer: Result<Answer, SubmitError>| {
            let refused = match answer {
                Ok(_) => None,
                Err(SubmitError::Rejected(rejection)) => Some(Refused {
                    code: rejection.code().into(),
                    reason: rejection.public_message(),
                    for_good: rejection.is_for_good(),
                }),
                // Nobody knows whether it was done: it is asked again.
                Err(error) => {
                    tracing::debug!(instance = %source, %error, "an effect was not carried out");
                    return;
                }
            };
            effects.refusals().note(&source, &effect, refused.as_ref());
            effects.confirm(source, effect.number, refused, one);
        };
        self.offer(target, command, Box::new(heard));
    }

    pub(super) fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn confirm(
        &self,
        source: InstanceId,
        effect: EffectNumber,
        refused: Option<Refused>,
        one: One,
    ) {
        let command = engine::confirmation(Confirm { effect, refused });
        self.offer(source, command, Box::new(move |_| drop(one)));
    }

    /// A full mailbox drops it, and what hangs on it.
    fn offer(
        &self,
        instance: InstanceId,
        command: Command,
        heard: Box<dyn FnOnce(Result<Answer, SubmitError>) + Send>,
    ) {
        let worker = usize::from(self.store.partition_of(&instance).0) % self.inboxes.len();
        let (since, reply) = (Stopwatch::start(), Reply::Taken(heard));
        let wished = command.into();
        let request = CommandRequest { instance, wished, since, reply };
        let _ = self.inboxes[worker].offer(Request::Command(Box::new(request)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::link::{Note, Relation, Wish};

    fn effect(number: u32) -> Effect {
        let wish = Wish::Note(Note::Linked { relation: Relation::Blocks, task: None });
        let (number, target) = (EffectNumber(number), InstanceId::trusted("b"));
        Effect { number, target, wish, tries: 1, next_try: None, refused: None }
    }

    #[test]
    fn what_is_refused_is_told_until_it_is_done_and_never_without_end() {
        let (source, mut refusals) = (InstanceId::trusted("a"), Refusals::default());
        let refused =
            Refused { code: "LIMIT_REACHED".into(), reason: "full".to_owned(), for_good: false };
        assert_eq!(refusals.told(), None);
        refusals.note(&source, &effect(1), Some(&refused));
        refusals.note(&source, &effect(1), Some(&refused));
        let one = "1 refused and tried again, of what instances ask of one another: \
                   `a` of `b` (LIMIT_REACHED)";
        assert_eq!(refusals.told().unwrap(), one);
        refusals.note(&source, &effect(1), None);
        assert_eq!(refusals.told(), None);
        for number in 0..2000 {
            refusals.note(&source, &effect(number), Some(&refused));
        }
        let told = refusals.told().unwrap();
        assert!(told.starts_with("at least 1000 refused"), "{told}");
        assert!(told.ends_with("(LIMIT_REACHED), and others") && told.len() < 400, "{told}");
    }
}
