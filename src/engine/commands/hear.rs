//! What comes from another instance: a relation, its end, the wish that this one begin.
//!
//! What is known already changes nothing, so whatever is told twice is told once.

use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::command::{Create, Hear, Origin};
use crate::model::event::Payload;
use crate::model::id::InstanceId;
use crate::model::instance::Status;
use crate::model::link::{Direction, Ending, Link, Note, Relation};

pub(in crate::engine) fn hear(scene: &mut Scene<'_>, hear: &Hear) -> Result<(), Rejection> {
    let since = scene.at();
    let inward = |relation: Relation, task, task_number| Link {
        relation,
        direction: Direction::Inward,
        other: hear.from.clone(),
        task,
        task_number,
        since,
        end: None,
    };
    match hear.note.clone() {
        Note::Linked { relation, task } => {
            super::link::must_have_room(scene, 1)?;
            scene.add_link(inward(relation, task, None));
        }
        Note::Unlinked { relation, task, reason } => {
            let wanted = inward(relation, task, None);
            let mut links = scene.instance.relations.links.iter();
            match links.find(|known| known.is_same(&wanted)).cloned() {
                Some(link) => scene.emit(Payload::LinkRemoved { link, reason }),
                None => scene.began_and_left(&wanted),
            }
        }
        Note::Ended { relation, task, task_number, end } => {
            // It may have ended before it was known here that it began.
            scene.add_link(inward(relation, task, task_number));
            other_has_ended(scene, relation, &hear.from, end.clone());
            if let Some(number) = task_number {
                scene.called_has_ended(number, &end);
            }
        }
    }
    scene.react()
}

fn other_has_ended(scene: &mut Scene<'_>, relation: Relation, other: &InstanceId, end: Ending) {
    let direction = Direction::Inward;
    let links = &scene.instance.relations.links;
    let open = |link: &Link| {
        link.relation == relation
            && link.direction == direction
            && link.other == *other
            && link.end.is_none()
    };
    if links.iter().any(open) {
        scene.emit(Payload::LinkEnded { relation, direction, other: other.clone(), end });
    }
}

/// Another instance wants one to begin that exists: it stands in the same relation as a new one
/// would, and tells its end. Only where it is of the wanted workflow.
pub(in crate::engine) fn adopt(scene: &mut Scene<'_>, create: &Create) -> Result<(), Rejection> {
    let wanted = create.origin.as_ref().filter(|_| create.workflow == scene.instance.workflow);
    let Some(origin) = wanted else { return Err(Rejection::InstanceExists) };
    let link = link_to(origin, scene.at());
    if scene.instance.relations.links.iter().any(|known| known.is_same(&link)) {
        return Ok(());
    }
    super::link::must_have_room(scene, 1)?;
    scene.add_link(link.clone());
    let status = scene.instance.status;
    if matches!(status, Status::Completed | Status::Terminated) {
        let end = Ending { status, outcome: scene.instance.outcome.clone(), at: scene.at() };
        scene.tell_end_to(&link, end);
    }
    Ok(())
}

/// How an instance stands to the one that wanted it.
pub(super) fn link_to(origin: &Origin, since: crate::model::time::Timestamp) -> Link {
    Link {
        relation: origin.relation,
        direction: Direction::Outward,
        other: origin.instance.clone(),
        task: origin.task.clone(),
        task_number: origin.task_number,
        since,
        end: None,
    }
}
