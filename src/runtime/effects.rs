//! Effects carried out: what became durable as asked is put into the mailbox of the instance that
//! has to do it, and its answer is confirmed to the one that asked.
//!
//! Nothing here is kept: what gets lost on the way (a full mailbox, the end of the process) is
//! asked again by a settling of the one that asked. An effect enters its mailbox before the answer
//! to the command that asked for it leaves, so whoever then looks at the other instance sees it.

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
        let (source, number) = (source.clone(), effect.number);
        let heard = move |answer: Result<Answer, SubmitError>| {
            let refused = match answer {
                Ok(_) => None,
                Err(SubmitError::Rejected(rejection)) => Some(Refused {
                    code: rejection.code().into(),
                    reason: rejection.public_message(),
                }),
                // Nobody knows whether it was done: it is asked again.
                Err(error) => {
                    tracing::debug!(instance = %source, %error, "an effect was not carried out");
                    return;
                }
            };
            effects.confirm(source, number, refused, one);
        };
        self.offer(effect.target.clone(), command, Box::new(heard));
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
        let request = CommandRequest { instance, command, since, reply };
        let _ = self.inboxes[worker].offer(Request::Command(Box::new(request)));
    }
}
