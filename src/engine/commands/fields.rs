//! Update fields: conditions, limits and clocks that depend on them follow by themselves.

use crate::engine::rejection::Rejection;
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
    let problems = values::check_changes(&scene.workflow().fields, &update.changes);
    if !problems.is_empty() {
        return Err(Rejection::InvalidValues(problems));
    }
    // An accepted command leaves an event even when all is as it was: its record must be found
    // again when the request is repeated.
    let changes = differing(scene, &update.changes);
    scene.emit(Payload::FieldsUpdated { changes });
    Ok(())
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
