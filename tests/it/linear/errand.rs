//! What one errand does with commands that come one after the other: the specification that
//! concurrent histories are held against. A model of its own, a few lines long, that shares nothing
//! with the engine.

use std::collections::BTreeMap;

use prost_types::value::Kind;
use sanbang::api::pb;

use super::super::crash::journal::{Entry, Sent, Told, What};
use super::search::{Operation, Specification};

/// One errand of the load's workflow.
pub(crate) struct Errand;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct State {
    /// 0: it has not begun.
    revision: u64,
    topic: String,
    is_task_done: bool,
    place: Place,
    /// The revisions that requests made.
    done: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Place {
    #[default]
    Prepare,
    Deliver,
    Completed,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted { revision: u64 },
    Refused { reason: String, actual: Option<u64> },
    Shown { revision: u64, topic: String, is_completed: bool },
    NotThere,
}

impl Specification for Errand {
    type State = State;
    type Input = Sent;
    type Output = Answer;

    fn start(&self) -> State {
        State::default()
    }

    fn step(&self, state: &State, sent: &Sent) -> (State, Answer) {
        if let Some(revision) = state.done.get(&sent.id) {
            return (state.clone(), Answer::Accepted { revision: *revision });
        }
        match state.after(sent) {
            Ok(mut after) => {
                after.revision += 1;
                after.done.insert(sent.id.clone(), after.revision);
                let revision = after.revision;
                (after, Answer::Accepted { revision })
            }
            Err(answer) => (state.clone(), answer),
        }
    }
}

impl State {
    /// The state after a command that is accepted, without its revision; otherwise the answer.
    fn after(&self, sent: &Sent) -> Result<Self, Answer> {
        let mut after = self.clone();
        match (&sent.what, self.revision) {
            (What::Look, 0) => return Err(Answer::NotThere),
            (What::Look, _) => return Err(self.shown()),
            (What::Create, 0) => {
                after.topic.clone_from(&sent.id);
                return Ok(after);
            }
            (_, 0) => return Err(refused("INSTANCE_NOT_FOUND")),
            (What::Create, _) => return Err(refused("INSTANCE_EXISTS")),
            (What::SetTopic { expected: Some(expected) }, actual) if *expected != actual => {
                let reason = "STALE_REVISION".to_owned();
                return Err(Answer::Refused { reason, actual: Some(actual) });
            }
            _ => {}
        }
        match (&sent.what, self.place) {
            (_, Place::Completed) => return Err(refused("INSTANCE_CLOSED")),
            (What::SetTopic { .. }, _) => after.topic.clone_from(&sent.id),
            (What::Complete, Place::Deliver) => return Err(refused("TASK_NOT_FOUND")),
            (What::Complete, Place::Prepare) if self.is_task_done => {
                return Err(refused("TASK_CLOSED"));
            }
            (What::Complete, Place::Prepare) => after.is_task_done = true,
            (What::Advance, Place::Prepare) if !self.is_task_done => {
                return Err(refused("NOT_READY"));
            }
            (What::Advance, Place::Prepare) => after.place = Place::Deliver,
            (What::Advance, Place::Deliver) => after.place = Place::Completed,
            (What::Comment | What::Create | What::Look | What::MoveClock { .. }, _) => {}
        }
        Ok(after)
    }

    fn shown(&self) -> Answer {
        Answer::Shown {
            revision: self.revision,
            topic: self.topic.clone(),
            is_completed: self.place == Place::Completed,
        }
    }
}

fn refused(reason: &str) -> Answer {
    Answer::Refused { reason: reason.to_owned(), actual: None }
}

/// An entry of the journal as an operation; none: it says nothing about the errand, because it was
/// never decided.
pub(crate) fn operation(entry: &Entry) -> Option<Operation<Sent, Answer>> {
    let output = match &entry.told {
        // Whoever only looked and was told nothing has changed nothing.
        Told::Nothing if entry.sent.what == What::Look => return None,
        Told::Nothing => None,
        Told::Accepted { revision, .. } => Some(Answer::Accepted { revision: *revision }),
        Told::Refused { reason, .. } if matches!(reason.as_str(), "OVERLOADED" | "CONTENDED") => {
            return None;
        }
        Told::Refused { reason, actual } => {
            Some(Answer::Refused { reason: reason.clone(), actual: *actual })
        }
        Told::Shown(None) => Some(Answer::NotThere),
        Told::Shown(Some(shown)) => Some(Answer::Shown {
            revision: shown.revision,
            topic: topic(shown),
            is_completed: shown.status() == pb::InstanceStatus::Completed,
        }),
        Told::Clock(_) => return None,
    };
    let (began, ended) = (entry.began, entry.ended);
    Some(Operation { input: entry.sent.clone(), output, began, ended })
}

fn topic(shown: &pb::Instance) -> String {
    let topic = shown.fields.as_ref().and_then(|fields| fields.fields.get("topic"));
    match topic.and_then(|topic| topic.kind.as_ref()) {
        Some(Kind::StringValue(text)) => text.clone(),
        _ => String::new(),
    }
}
