//! Relations between instances, and effects, as messages.

use crate::api::{pb, values};
use crate::model::instance::Status;
use crate::model::link::{Direction, Effect, Ending, Link, Note, Relation, Start, Wish};
use crate::model::task::TaskNumber;

use super::{instant, optional_instant, text};

/// What is known of a relation.
pub(in crate::api) fn link(link: &Link) -> pb::Link {
    pb::Link {
        relation: relation(link.relation).into(),
        direction: direction(link.direction).into(),
        other: link.other.to_string(),
        task: text(link.task.as_ref()),
        task_number: number(link.task_number),
        since: Some(instant(link.since)),
        end: link.end.as_ref().map(ending),
    }
}

/// Something that another instance has to do.
pub(in crate::api) fn effect(effect: &Effect) -> pb::Effect {
    pb::Effect {
        number: effect.number.0,
        target: effect.target.to_string(),
        wish: Some(wish(&effect.wish)),
        tries: effect.tries,
        next_try: optional_instant(effect.next_try),
        refused: text(effect.refused.as_ref()),
    }
}

/// How an instance ended.
pub(in crate::api) fn ending(end: &Ending) -> pb::Ending {
    pb::Ending {
        completed: end.status == Status::Completed,
        outcome: text(end.outcome.as_ref()),
        at: Some(instant(end.at)),
    }
}

/// A relation.
pub(in crate::api) fn relation(relation: Relation) -> pb::Relation {
    match relation {
        Relation::SpawnedFrom => pb::Relation::SpawnedFrom,
        Relation::Blocks => pb::Relation::Blocks,
        Relation::Supports => pb::Relation::Supports,
        Relation::Duplicates => pb::Relation::Duplicates,
        Relation::Continues => pb::Relation::Continues,
        Relation::Supplies => pb::Relation::Supplies,
    }
}

/// Of whom a relation is said.
pub(in crate::api) fn direction(direction: Direction) -> pb::Direction {
    match direction {
        Direction::Outward => pb::Direction::Outward,
        Direction::Inward => pb::Direction::Inward,
    }
}

fn wish(wish: &Wish) -> pb::effect::Wish {
    use pb::effect::Wish as Told;
    match wish {
        Wish::Start(wanted) => Told::Start(start(wanted)),
        Wish::Note(Note::Linked { relation, task }) => {
            Told::Linked(pb::RelationNote { task: text(task.as_ref()), ..note(*relation) })
        }
        Wish::Note(Note::Unlinked { relation, task, reason }) => {
            let (task, reason) = (text(task.as_ref()), reason.clone());
            Told::Unlinked(pb::RelationNote { task, reason, ..note(*relation) })
        }
        Wish::Note(Note::Ended { relation, task, task_number, end }) => {
            Told::Ended(pb::RelationNote {
                task: text(task.as_ref()),
                task_number: number(*task_number),
                end: Some(ending(end)),
                ..note(*relation)
            })
        }
    }
}

fn note(said: Relation) -> pb::RelationNote {
    pb::RelationNote { relation: relation(said).into(), ..pb::RelationNote::default() }
}

fn start(start: &Start) -> pb::Start {
    pb::Start {
        workflow: start.workflow.to_string(),
        fields: Some(values::to_struct(&start.fields)),
        steward: text(start.steward.as_ref()),
        relation: relation(start.relation).into(),
        task: text(start.task.as_ref()),
        task_number: number(start.task_number),
    }
}

fn number(task: Option<TaskNumber>) -> u32 {
    task.map_or(0, |number| number.0)
}
