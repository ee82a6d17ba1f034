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
    change(scene, &update.changes);
    Ok(())
}

/// Writes down what really changes; nothing if all is as it was.
pub(super) fn change(scene: &mut Scene<'_>, changes: &Changes) {
    let fields = &scene.instance.fields;
    let differs = changes.iter().filter(|(field, value)| fields.get(*field) != value.as_ref());
    let changes: Changes = differs.map(|(field, value)| (field.clone(), value.clone())).collect();
    if !changes.is_empty() {
        scene.emit(Payload::FieldsUpdated { changes });
    }
}
