//! Update fields: conditions, limits and clocks that depend on them follow by themselves.

use crate::engine::rejection::{FieldProblem, Rejection};
use crate::engine::scene::Scene;
use crate::engine::values;
use crate::model::command::UpdateFields;
use crate::model::event::Payload;
use crate::model::value::Changes;

pub(in crate::engine) fn update_fields(
    scene: &mut Scene<'_>,
    update: &UpdateFields,
) -> Result<(), Rejection> {
    scene.must_command("update fields")?;
    let problems = wrong_changes(scene, &update.changes);
    if !problems.is_empty() {
        return Err(Rejection::InvalidValues(problems));
    }
    // An accepted command leaves an event even when all is as it was: its record must be found
    // again when the request is repeated.
    let changes = differing(scene, &update.changes);
    scene.emit(Payload::FieldsUpdated { changes });
    Ok(())
}

/// Everything that is wrong with a change of the instance's fields. The key is for ever: it says
/// which instance this is.
pub(super) fn wrong_changes(scene: &Scene<'_>, changes: &Changes) -> Vec<FieldProblem> {
    let mut problems = values::check_changes(&scene.workflow().fields, changes);
    let key = &scene.workflow().key;
    let changed = differing(scene, changes).into_keys().filter(|field| key.contains(field));
    problems.extend(changed.map(|field| {
        values::problem(field.as_str(), "it is the key of the instance and stays".to_owned())
    }));
    problems
}

/// Writes down what really changes with another command; nothing if all is as it was.
pub(super) fn change(scene: &mut Scene<'_>, changes: &Changes) {
    let changes = differing(scene, changes);
    if !changes.is_empty() {
        scene.emit(Payload::FieldsUpdated { changes });
    }
}

fn differing(scene: &Scene<'_>, changes: &Changes) -> Changes {
    let fields = &scene.instance.fields;
    let differs = changes.iter().filter(|(field, value)| fields.get(*field) != value.as_ref());
    differs.map(|(field, value)| (field.clone(), value.clone())).collect()
}
