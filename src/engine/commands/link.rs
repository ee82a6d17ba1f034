//! Link and unlink: an instance comes to stand in a relation to another, or no longer does.

use crate::engine::rejection::{FieldProblem, Rejection};
use crate::engine::scene::Scene;
use crate::model::command;
use crate::model::event::Payload;
use crate::model::id::{InstanceId, TaskId};
use crate::model::limits;
use crate::model::link::{Direction, Link, Note, Relation, Wish};

pub(in crate::engine) fn link(
    scene: &mut Scene<'_>,
    link: &command::Link,
) -> Result<(), Rejection> {
    scene.must_command("link")?;
    let command::Link { relation, to, task } = link.clone();
    if task.is_some() && relation != Relation::Blocks {
        let problem = "only what is blocked can be a single task".to_owned();
        let field = "task".into();
        return Err(Rejection::InvalidValues(vec![FieldProblem { field, problem }]));
    }
    relate(scene, relation, to, task)
}

/// Comes to stand in a relation to another instance, which is told.
pub(super) fn relate(
    scene: &mut Scene<'_>,
    relation: Relation,
    to: InstanceId,
    task: Option<TaskId>,
) -> Result<(), Rejection> {
    if to == scene.instance.id {
        let problem = "an instance stands in no relation to itself".to_owned();
        let field = "to".into();
        return Err(Rejection::InvalidValues(vec![FieldProblem { field, problem }]));
    }
    must_have_room(scene, 1)?;
    let link = outward(scene, relation, to.clone(), task.clone());
    if !scene.add_link(link) {
        return Err(Rejection::LinkExists(to));
    }
    scene.ask(to, Wish::Note(Note::Linked { relation, task }));
    Ok(())
}

pub(in crate::engine) fn unlink(
    scene: &mut Scene<'_>,
    unlink: &command::Unlink,
) -> Result<(), Rejection> {
    scene.must_command("unlink")?;
    super::short_text(&unlink.reason, "reason")?;
    let command::Unlink { relation, to, task, reason } = unlink.clone();
    let wanted = outward(scene, relation, to.clone(), task.clone());
    let mut links = scene.instance.relations.links.iter();
    let Some(link) = links.find(|known| known.is_same(&wanted)).cloned() else {
        return Err(Rejection::LinkNotFound(to));
    };
    scene.emit(Payload::LinkRemoved { link, reason: reason.clone() });
    scene.ask(to, Wish::Note(Note::Unlinked { relation, task, reason }));
    Ok(())
}

fn outward(scene: &Scene<'_>, relation: Relation, other: InstanceId, task: Option<TaskId>) -> Link {
    let (direction, since) = (Direction::Outward, scene.at());
    Link { relation, direction, other, task, task_number: None, since, end: None }
}

/// Refuses more relations than an instance can hold. Those that have ended make room.
pub(super) fn must_have_room(scene: &Scene<'_>, more: usize) -> Result<(), Rejection> {
    let open = scene.instance.relations.links.iter().filter(|link| link.end.is_none()).count();
    let coming = scene.instance.relations.effects.len();
    if open + coming + more > limits::LINKS_MAX {
        return Err(Rejection::LimitReached("links of one instance"));
    }
    Ok(())
}
