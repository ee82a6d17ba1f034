//! Terminate: an instance is given up, with a reason code.

use crate::definition::compiled::TerminationRule;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::command::Terminate;
use crate::model::event::Payload;
use crate::model::id::Outcome;
use crate::model::instance::Status;
use crate::model::link::Relation;

pub(in crate::engine) fn terminate(
    scene: &mut Scene<'_>,
    terminate: &Terminate,
    force: Option<&str>,
) -> Result<(), Rejection> {
    super::short_text(&terminate.comment, "comment")?;
    let rules = rules_now(scene);
    let Some(rule) = rules.iter().find(|rule| rule.code == terminate.reason_code) else {
        let code = terminate.reason_code.clone();
        let allowed = rules.iter().map(|rule| rule.code.clone()).collect();
        return Err(Rejection::UnknownReason { code, allowed });
    };
    match &rule.approver {
        Some(approver) => scene.must_hold(approver, None, "terminate")?,
        None => scene.must_command("terminate")?,
    }
    scene.must_not_be_blocked(None, force)?;
    if let Some(first) = &terminate.duplicate_of {
        super::link::relate(scene, Relation::Duplicates, first.clone(), None)?;
    }
    scene.end_everything();
    scene.emit(Payload::InstanceTerminated {
        reason_code: terminate.reason_code.clone(),
        comment: terminate.comment.clone(),
        proposed_by: terminate.proposed_by.clone(),
    });
    let outcome = Outcome::trusted(terminate.reason_code.as_str());
    scene.tell_of_end(Status::Terminated, Some(outcome));
    Ok(())
}

/// The reason codes of the open stages, those of the path stage first, then the common ones.
fn rules_now<'a>(scene: &Scene<'a>) -> Vec<&'a TerminationRule> {
    let path = scene.path_stage().map(|(_, stage)| stage);
    let open = scene.open_stages().into_iter().map(|(_, stage)| stage);
    let stages = path.into_iter().chain(open.filter(|stage| stage.beside.is_some()));
    let mut rules: Vec<&TerminationRule> = Vec::new();
    let own = stages.flat_map(|stage| &stage.may_terminate);
    for rule in own.chain(&scene.workflow().may_terminate) {
        if rules.iter().all(|known| known.code != rule.code) {
            rules.push(rule);
        }
    }
    rules
}
