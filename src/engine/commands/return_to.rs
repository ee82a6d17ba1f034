//! Return: an instance goes back to an earlier stage of its path, with a reason.

use crate::definition::compiled::StageIndex;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::command::Return;
use crate::model::event::{Payload, SkipReason};
use crate::model::task::CancelReason;

pub(in crate::engine) fn return_to(scene: &mut Scene<'_>, back: &Return) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::needed_text(&back.reason, "reason")?;
    let Some((_, from)) = scene.path_stage() else {
        return Err(Rejection::ReturnNotAllowed { allowed: Vec::new() });
    };
    let Some((target, stage)) = scene.workflow().stage(back.target.as_str()) else {
        return Err(Rejection::UnknownStage(back.target.clone()));
    };
    let Some(rule) = from.return_to.iter().find(|rule| rule.to == target) else {
        let stages = &scene.workflow().stages;
        let allowed = from.return_to.iter().filter_map(|rule| stages.get(rule.to.0));
        let allowed = allowed.map(|stage| stage.id.clone()).collect();
        return Err(Rejection::ReturnNotAllowed { allowed });
    };
    let role = rule.approver.as_ref().unwrap_or(&from.role);
    scene.must_hold(role, None, "return")?;

    let comment = String::new();
    let (attempt, dwell_ms) = scene.end_activation(from, CancelReason::Returned);
    let to = Some(stage.id.clone());
    scene.emit(Payload::StageLeft { stage: from.id.clone(), attempt, to, dwell_ms, comment });
    let returns = scene.instance.stage(stage.id.as_str()).map_or(0, |state| state.returns) + 1;
    scene.emit(Payload::StageReturned {
        from: from.id.clone(),
        to: stage.id.clone(),
        returns,
        reason: back.reason.clone(),
        proposed_by: back.proposed_by.clone(),
    });
    close_beside(scene, target);
    scene.enter(stage);
    Ok(())
}

/// Stages beside the path that open only after the target, and say so, are closed. The way back
/// passes over them: what opens from there on is ahead again.
fn close_beside(scene: &mut Scene<'_>, target: StageIndex) {
    let closing: Vec<_> = scene
        .workflow()
        .beside()
        .filter(|(_, stage, beside)| {
            beside.close_on_return && target < beside.opens_from && scene.is_open(&stage.id)
        })
        .map(|(_, stage, _)| stage)
        .collect();
    for stage in closing {
        scene.close(stage, CancelReason::Returned, String::new());
        let (stage, because) = (stage.id.clone(), SkipReason::PassedOver);
        scene.emit(Payload::StageSkipped { stage, because });
    }
}
