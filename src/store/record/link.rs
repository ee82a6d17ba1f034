//! Relations between instances, and effects, as they are stored.

use super::Corrupt;
use super::convert::{Storable, required};
use crate::model::link::{Direction, Effect, EffectNumber, Ending, Link, Note, Relation};
use crate::model::link::{Start, Wish};
use crate::store::pb;

impl Storable<u32> for EffectNumber {
    fn to_message(&self) -> u32 {
        self.0
    }

    fn from_message(message: u32) -> Result<Self, Corrupt> {
        Ok(Self(message))
    }
}

words! {
    Relation as Relation { SpawnedFrom, Blocks, Supports, Duplicates, Continues, Supplies }
}

words! { Direction as Direction { Outward, Inward } }

message! { Ending as Ending { status, outcome, at } }

message! { Link as Link { relation, direction, other, task, task_number, since, end } }

message! { Start as Start { workflow, fields, steward, relation, task, task_number } }

message! { Effect as Effect { number, target, wish, tries, next_try, refused } }

impl Storable<Option<pb::effect::Wish>> for Wish {
    fn to_message(&self) -> Option<pb::effect::Wish> {
        use pb::effect::Wish as Stored;
        Some(match self {
            Self::Start(start) => Stored::Start(start.to_message()),
            Self::Note(Note::Linked { relation, task }) => Stored::Linked(pb::LinkedNote {
                relation: relation.to_message(),
                task: task.to_message(),
            }),
            Self::Note(Note::Unlinked { relation, task, reason }) => {
                Stored::Unlinked(pb::UnlinkedNote {
                    relation: relation.to_message(),
                    task: task.to_message(),
                    reason: reason.to_message(),
                })
            }
            Self::Note(Note::Ended { relation, task, task_number, end }) => {
                Stored::Ended(pb::EndedNote {
                    relation: relation.to_message(),
                    task: task.to_message(),
                    task_number: task_number.to_message(),
                    end: end.to_message(),
                })
            }
        })
    }

    fn from_message(message: Option<pb::effect::Wish>) -> Result<Self, Corrupt> {
        use pb::effect::Wish as Stored;
        Ok(match required(message, "Effect.wish")? {
            Stored::Start(start) => Self::Start(Storable::from_message(start)?),
            Stored::Linked(note) => Self::Note(Note::Linked {
                relation: Storable::from_message(note.relation)?,
                task: Storable::from_message(note.task)?,
            }),
            Stored::Unlinked(note) => Self::Note(Note::Unlinked {
                relation: Storable::from_message(note.relation)?,
                task: Storable::from_message(note.task)?,
                reason: note.reason,
            }),
            Stored::Ended(note) => Self::Note(Note::Ended {
                relation: Storable::from_message(note.relation)?,
                task: Storable::from_message(note.task)?,
                task_number: Storable::from_message(note.task_number)?,
                end: Storable::from_message(note.end)?,
            }),
        })
    }
}
