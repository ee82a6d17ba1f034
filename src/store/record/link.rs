//! Relations between instances, and effects, as they are stored.

use super::Corrupt;
use super::convert::{Storable, required};
use super::wire::Wire;
use crate::model::link::{Direction, Effect, Ending, Link, Note, Relation};
use crate::model::link::{Start, Wish};
use crate::store::pb;
use crate::store::words::{Draft, Words};

codes! {
    Relation as Relation { SpawnedFrom, Blocks, Supports, Duplicates, Continues, Supplies }
}

codes! { Direction as Direction { Outward, Inward } }

message! { Ending as Ending { status, outcome, at } }

message! { Link as Link { relation, direction, other, task, task_number, since, end } }

message! { Start as Start { workflow, fields, steward, relation, task, task_number } }

/// A wish is a field of the effect's message.
impl Storable<pb::Effect> for Effect {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::Effect {
        pb::Effect {
            number: self.number.to_message(words),
            target: self.target.to_message(words),
            wish: Some(wish_to_message(&self.wish, words)),
            tries: self.tries,
            next_try: self.next_try.to_message(words),
            refused: self.refused.to_message(words),
        }
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        read_fields!(content, words, Effect { number, target, tries, next_try, refused });
        let wish = read_choice!(content, Effect {
            start => |start| Storable::<pb::Start>::read(start, words).map(Wish::Start),
            linked => |note| {
                read_fields!(note, words, LinkedNote { relation, task });
                Ok(Wish::Note(Note::Linked { relation, task }))
            },
            unlinked => |note| {
                read_fields!(note, words, UnlinkedNote { relation, task, reason });
                Ok(Wish::Note(Note::Unlinked { relation, task, reason }))
            },
            ended => |note| {
                read_fields!(note, words, EndedNote { relation, task, task_number, end });
                Ok(Wish::Note(Note::Ended { relation, task, task_number, end }))
            },
        });
        let wish = required(wish, "Effect.wish")?;
        Ok(Self { number, target, wish, tries, next_try, refused })
    }
}

required_message!(Effect as Effect);

fn wish_to_message(wish: &Wish, words: &mut Draft<'_>) -> pb::effect::Wish {
    use pb::effect::Wish as Stored;
    match wish {
        Wish::Start(start) => Stored::Start(start.to_message(words)),
        Wish::Note(Note::Linked { relation, task }) => Stored::Linked(pb::LinkedNote {
            relation: relation.to_message(words),
            task: task.to_message(words),
        }),
        Wish::Note(Note::Unlinked { relation, task, reason }) => {
            Stored::Unlinked(pb::UnlinkedNote {
                relation: relation.to_message(words),
                task: task.to_message(words),
                reason: reason.to_message(words),
            })
        }
        Wish::Note(Note::Ended { relation, task, task_number, end }) => {
            Stored::Ended(pb::EndedNote {
                relation: relation.to_message(words),
                task: task.to_message(words),
                task_number: task_number.to_message(words),
                end: end.to_message(words),
            })
        }
    }
}
