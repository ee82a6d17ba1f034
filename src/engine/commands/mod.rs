//! One file per command. Each is called on a settled scene: nothing here asks whether a timer is
//! late.

mod acknowledge;
mod activity;
mod advance;
mod assignment;
mod backups;
mod check;
mod comment;
mod complete;
mod create;
mod delegation;
mod extension;
mod fields;
mod hear;
mod link;
mod objection;
mod open_stage;
mod redo;
mod return_to;
mod revive;
mod supplement;
mod suspension;
mod terminate;

pub(super) use acknowledge::acknowledge;
pub(super) use activity::log_activity;
pub(super) use advance::advance;
pub(super) use assignment::{claim, reassign, release};
pub(super) use backups::set_backups;
pub(super) use check::check;
pub(super) use comment::comment;
pub(super) use complete::complete;
pub(super) use create::create;
pub(super) use delegation::delegate;
pub(super) use extension::{decide_extension, request_extension};
pub(super) use fields::update_fields;
pub(super) use hear::{adopt, hear};
pub(super) use link::{link, unlink};
pub(super) use objection::{decide_objection, object};
pub(super) use open_stage::open_stage;
pub(super) use redo::redo;
pub(super) use return_to::return_to;
pub(super) use revive::revive;
pub(super) use supplement::{request_supplement, supply};
pub(super) use suspension::{go_on, resume, suspend};
pub(super) use terminate::terminate;

use crate::model::event::Payload;
use crate::model::id::MemberId;
use crate::model::limits;
use crate::model::organization::GroupKind;

use super::rejection::{FieldProblem, Rejection};
use super::scene::Scene;

/// Refuses somebody whom the organization does not know.
fn known_member(scene: &Scene<'_>, member: &MemberId) -> Result<(), Rejection> {
    match scene.organization().member(member.as_str()) {
        Some(_) => Ok(()),
        None => Err(Rejection::UnknownMember(member.clone())),
    }
}

/// Refuses to name somebody steward whom the organization does not know, or who belongs to another
/// body: those above the steward would have no say there.
fn possible_steward(scene: &Scene<'_>, member: &MemberId) -> Result<(), Rejection> {
    known_member(scene, member)?;
    let organization = scene.organization();
    let group = scene.group_of(member);
    let group = group.as_ref().and_then(|group| organization.group(group.as_str()));
    if group.is_some_and(|group| group.kind == GroupKind::External) {
        return Err(Rejection::OutsideTeam(member.clone()));
    }
    Ok(())
}

/// Refuses a text that is needed and empty, or one that is too long.
fn needed_text(text: &str, name: &'static str) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(Rejection::TextMissing(name));
    }
    short_text(text, name)
}

/// Refuses a text that is too long.
fn short_text(text: &str, name: &'static str) -> Result<(), Rejection> {
    if text.len() > limits::TEXT_BYTES_MAX {
        let problem = format!("it is longer than {} bytes", limits::TEXT_BYTES_MAX);
        return Err(Rejection::InvalidValues(vec![FieldProblem { field: name.into(), problem }]));
    }
    Ok(())
}

/// Overrules what the rules refuse, where a role of the actor may do that, and says so.
pub(super) fn overrule(
    scene: &mut Scene<'_>,
    overruled: Vec<String>,
    reason: &str,
) -> Result<(), Rejection> {
    needed_text(reason, "force")?;
    if !scene.may_force() {
        let forcing = scene.organization().roles.iter().filter(|role| role.may_force);
        let allowed = forcing.map(|role| role.id.clone()).collect();
        return Err(Rejection::NotPermitted { doing: "force", allowed });
    }
    scene.emit(Payload::RuleForced { overruled, reason: reason.to_owned() });
    Ok(())
}
