//! Check: an item of a task's checklist is checked or unchecked.

use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::command::Check;
use crate::model::event::Payload;

pub(in crate::engine) fn check(scene: &mut Scene<'_>, check: &Check) -> Result<(), Rejection> {
    scene.must_be_active()?;
    let task = scene.open_task(check.task)?;
    let spec = scene.spec_of(&task.reference);
    let known = spec.is_some_and(|spec| spec.checklist.iter().any(|item| item.id == check.item));
    if !known {
        return Err(Rejection::UnknownChecklistItem(check.item.clone()));
    }
    scene.as_worker(&task, "check")?;
    let (task, item) = (task.reference, check.item.clone());
    scene.emit(Payload::TaskChecked { task, item, checked: check.checked });
    Ok(())
}
