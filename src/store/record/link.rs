//! Relations between instances, and effects, as they are stored.

use super::Corrupt;
use super::convert::{Storable, required};
use crate::model::link::{Direction, Effect, EffectNumber, Ending, Link, Note, Relation};
use crate::model::link::{Start, Wish};
use crate::store::pb;
use crate::store::words::{Draft, Words};

impl Storable<u32> for EffectNumber {
    fn to_message(&self, _: &mut Draft<'_>) -> u32 {
        self.0
    }

    fn from_message(message: u32, _: &Words) -> Result<Self, Corrupt> {
        Ok(Self(message))
    }
}

codes! {
    Relation as Relation { SpawnedFrom, Blocks, Supports, Duplicates, Continues, Supplies }
}

codes! { Direction as Direction { Outward, Inward } }

message! { Ending as Ending { status, outcome, at } }

message! { Link as Link { relation, direction, other, task, task_number, since, end } }

message! { Start as Start { workflow, fields, steward, relation, task, task_number } }

message! { Effect as Effect { number, target, wish, tries, next_try, refused } }

impl Storable<Option<pb::effect::Wish>> for Wish {
    fn to_message(&self, words: &mut Draft<'_>) -> Option<pb::effect::Wish> {
        use pb::effect::Wish as Stored;
        Some(match self {
            Self::Start(start) => Stored::Start(start.to_message(words)),
            Self::Note(Note::Linked { relation, task }) => Stored::Linked(pb::LinkedNote {
                relation: relation.to_message(words),
                task: task.to_message(words),
            }),
            Self::Note(Note::Unlinked { relation, task, reason }) => {
                Stored::Unlinked(pb::UnlinkedNote {
                    relation: relation.to_message(words),
                    task: task.to_message(words),
                    reason: reason.to_message(words),
                })
            }
            Self::Note(Note::Ended { relation, task, task_number, end }) => {
                Stored::Ended(pb::EndedNote {
                    relation: relation.to_message(words),
                    task: task.to_message(words),
                    task_number: task_number.to_message(words),
                    end: end.to_message(words),
                })
            }
        })
    }

    fn from_message(message: Option<pb::effect::Wish>, words: &Words) -> Result<Self, Corrupt> {
        use pb::effect::Wish as Stored;
        Ok(match required(message, "Effect.wish")? {
            Stored::Start(start) => Self::Start(Storable::from_message(start, words)?),
            Stored::Linked(note) => Self::Note(Note::Linked {
                relation: Storable::from_message(note.relation, words)?,
                task: Storable::from_message(note.task, words)?,
            }),
            Stored::Unlinked(note) => Self::Note(Note::Unlinked {
                relation: Storable::from_message(note.relation, words)?,
                task: Storable::from_message(note.task, words)?,
                reason: note.reason,
            }),
            Stored::Ended(note) => Self::Note(Note::Ended {
                relation: Storable::from_message(note.relation, words)?,
                task: Storable::from_message(note.task, words)?,
                task_number: Storable::from_message(note.task_number, words)?,
                end: Storable::from_message(note.end, words)?,
            }),
        })
    }
}
