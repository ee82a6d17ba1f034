//! Advance: a person moves an instance out of its current path stage, or closes one beside it.

use crate::definition::compiled::Stage;
use crate::engine::leave::Exit;
use crate::engine::rejection::{Missing, Rejection};
use crate::engine::scene::Scene;
use crate::model::command::Advance;
use crate::model::task::CancelReason;

pub(in crate::engine) fn advance(
    scene: &mut Scene<'_>,
    advance: &Advance,
    force: Option<&str>,
) -> Result<(), Rejection> {
    scene.must_be_active()?;
    super::short_text(&advance.comment, "comment")?;
    let stage = open_stage(scene, advance)?;
    scene.must_hold(&stage.role, None, "advance")?;
    let missing = scene.missing_to_leave(stage)?;
    if !missing.is_empty() {
        overrule(scene, stage, missing, force)?;
    }
    if stage.beside.is_some() {
        if advance.target.is_some() {
            return Err(Rejection::OtherTarget { leads_to: None });
        }
        scene.close(stage, CancelReason::StageLeft, advance.comment.clone());
        return Ok(());
    }
    must_lead_to(scene, stage, advance)?;
    scene.leave_path_stage(stage, advance.comment.clone())
}

/// The stage that is left: the path stage unless another open one is named.
fn open_stage<'a>(scene: &Scene<'a>, advance: &Advance) -> Result<&'a Stage, Rejection> {
    let Some(named) = &advance.stage else {
        let path = scene.path_stage().map(|(_, stage)| stage);
        let open = scene.open_stages();
        // After the end of the path the only open stage is meant, if there is just one.
        return match (path, open.as_slice()) {
            (Some(stage), _) => Ok(stage),
            (None, [(_, stage)]) => Ok(*stage),
            (None, _) => Err(Rejection::StageNameMissing {
                open: open.iter().map(|(_, stage)| stage.id.clone()).collect(),
            }),
        };
    };
    match scene.workflow().stage(named.as_str()) {
        None => Err(Rejection::UnknownStage(named.clone())),
        Some((_, stage)) if scene.is_open(&stage.id) => Ok(stage),
        Some(_) => Err(Rejection::StageNotOpen(named.clone())),
    }
}

/// What is missing may be overruled by a role that may force, except that the stage must lead
/// somewhere: no role can invent an exit.
fn overrule(
    scene: &mut Scene<'_>,
    stage: &Stage,
    missing: Vec<Missing>,
    force: Option<&str>,
) -> Result<(), Rejection> {
    let leads_nowhere = missing.iter().any(|missing| matches!(missing, Missing::Next(_)));
    let Some(reason) = force.filter(|_| !leads_nowhere) else {
        return Err(Rejection::NotReady { stage: stage.id.clone(), missing });
    };
    super::overrule(scene, missing.iter().map(ToString::to_string).collect(), reason)
}

/// A caller who expects another stage next is told where it leads.
fn must_lead_to<'a>(
    scene: &mut Scene<'a>,
    stage: &'a Stage,
    advance: &Advance,
) -> Result<(), Rejection> {
    let Some(expected) = &advance.target else { return Ok(()) };
    let target = match scene.exit_of(stage)? {
        Exit::To(target) => target,
        Exit::Closed(_) => None,
    };
    let from = scene.workflow().stage(stage.id.as_str()).map(|(index, _)| index);
    let leads_to = scene.way_to(from, target)?.to.map(|(_, stage)| stage.id.clone());
    if leads_to.as_ref() == Some(expected) {
        Ok(())
    } else {
        Err(Rejection::OtherTarget { leads_to })
    }
}
