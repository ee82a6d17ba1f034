//! Revive: what an instance that is over left off is taken up by a new one, linked to it.

use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::engine::values;
use crate::model::command::Revive;
use crate::model::event::Payload;
use crate::model::id::InstanceId;
use crate::model::link::{Direction, Link, Relation, Start, Wish};
use crate::model::value::Values;

pub(in crate::engine) fn revive(scene: &mut Scene<'_>, revive: &Revive) -> Result<(), Rejection> {
    super::needed_text(&revive.reason, "reason")?;
    if scene.instance.status.is_live() {
        return Err(Rejection::InstanceNotClosed(scene.instance.status));
    }
    scene.must_command("revive")?;
    if let Some(by) = revived_by(scene) {
        return Err(Rejection::AlreadyRevived(by));
    }
    let workflow = scene.instance.workflow.clone();
    let Some(active) = scene.context.workflows.active(workflow.as_str()) else {
        return Err(Rejection::WorkflowNotActive(workflow.as_str().into()));
    };
    revive.steward.as_ref().map_or(Ok(()), |it| super::possible_steward(scene, it))?;
    let mut problems = values::check_changes(&active.fields, &revive.changes);
    let mut fields: Values = scene.instance.fields.as_ref().clone();
    for (field, value) in &revive.changes {
        match value {
            Some(value) => fields.insert(field.clone(), value.clone()),
            None => fields.remove(field),
        };
    }
    // Fields that the workflow no longer declares stay behind.
    fields.retain(|field, _| active.field(field.as_str()).is_some());
    problems.extend(values::check_values(&active.fields, &fields));
    problems.extend(values::missing_required(&active.fields, &fields));
    if !problems.is_empty() {
        return Err(Rejection::InvalidValues(problems));
    }
    let (steward, relation) = (revive.steward.clone(), Relation::Continues);
    let (task, task_number) = (None, None);
    let start = Start { workflow, fields, steward, relation, task, task_number };
    // Without the workflow no id is derived from its key: the old instance has that one.
    scene.ask_to_start(None, None, start);
    if let Some(by) = revived_by(scene) {
        scene.emit(Payload::InstanceRevived { by, reason: revive.reason.clone() });
    }
    Ok(())
}

/// The instance that continues this one, or is about to.
fn revived_by(scene: &Scene<'_>) -> Option<InstanceId> {
    let relations = &scene.instance.relations;
    let continues =
        |link: &&Link| link.relation == Relation::Continues && link.direction == Direction::Inward;
    let linked = relations.links.iter().find(continues).map(|link| link.other.clone());
    let mut pending = relations.effects.iter();
    linked.or_else(|| {
        let begins = |wish: &Wish| {
            matches!(wish, Wish::Start(start) if start.relation == Relation::Continues)
        };
        pending.find(|effect| begins(&effect.wish)).map(|effect| effect.target.clone())
    })
}
