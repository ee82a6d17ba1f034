//! Open stage: a stage beside the path begins because somebody says so.

use crate::engine::rejection::{CannotOpen, Rejection};
use crate::engine::scene::Scene;
use crate::model::command::OpenStage;
use crate::model::event::OpenReason;

pub(in crate::engine) fn open_stage(
    scene: &mut Scene<'_>,
    open: &OpenStage,
) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::short_text(&open.comment, "comment")?;
    let Some((_, stage)) = scene.workflow().stage(open.stage.as_str()) else {
        return Err(Rejection::UnknownStage(open.stage.clone()));
    };
    let cannot = |because| Rejection::StageCannotOpen { stage: stage.id.clone(), because };
    let Some(beside) = &stage.beside else {
        return Err(cannot(CannotOpen::OnPath));
    };
    scene.must_hold(&stage.role, None, "open stage")?;
    if !scene.has_reached(beside.opens_from) {
        return Err(cannot(CannotOpen::TooEarly));
    }
    if scene.is_open(&stage.id) {
        return Err(cannot(CannotOpen::AlreadyOpen));
    }
    if !scene.may_open(stage, beside.opens_from, beside.recurring) {
        return Err(cannot(CannotOpen::OnlyOnce));
    }
    scene.open_beside(stage, OpenReason::Command, open.comment.clone());
    Ok(())
}
