//! Whom an event concerns: the people that it names, as chosen, told, or acting.

use crate::model::event::Payload;
use crate::model::id::MemberId;
use crate::model::task::Assignment;

/// Whether an event names this person.
#[expect(clippy::too_many_lines, reason = "one table with a line for each kind of event")]
pub(super) fn concerns(payload: &Payload, member: &MemberId) -> bool {
    let is = |named: &MemberId| named == member;
    let is_some = |named: &Option<MemberId>| named.as_ref() == Some(member);
    let chosen = |chosen: &Assignment| is(&chosen.member) || is_some(&chosen.instead_of);
    match payload {
        Payload::StewardAssigned { assignment, before, .. } => {
            chosen(assignment) || is_some(before)
        }
        Payload::BackupsSet { backups, before, .. } => {
            backups.contains(member) || before.contains(member)
        }
        Payload::OrganizationChanged { changes, .. } => {
            changes.iter().any(|it| is_some(&it.member) || it.others.contains(member))
        }
        Payload::TaskAssigned { assignment, .. } | Payload::TaskClaimed { assignment, .. } => {
            chosen(assignment)
        }
        Payload::TaskReassigned { from, assignment, .. } => chosen(assignment) || is_some(from),
        Payload::TaskOffered { candidates, .. } => candidates.contains(member),
        Payload::TaskReleased { by, .. } | Payload::EscalationAcknowledged { by, .. } => is(by),
        Payload::TaskCompleted { by, instead_of, delegated_by, .. } => {
            is_some(by) || is_some(instead_of) || is_some(delegated_by)
        }
        Payload::TaskDelegated { from, assignment, .. } => chosen(assignment) || is(from),
        Payload::ObjectionRaised { objection, .. } => is(&objection.by),
        Payload::ObjectionUpheld { from, assignment, .. } => {
            is(from) || assignment.as_ref().is_some_and(chosen)
        }
        Payload::ObjectionRefused { from, .. } => is(from),
        Payload::SupplementRequested { supplement, .. } => is(&supplement.asked_by),
        Payload::ExtensionRequested { request, .. } => is(&request.asked_by),
        Payload::EscalationRaised { recipients, .. }
        | Payload::EscalationRepeated { recipients, .. } => {
            recipients.iter().any(|recipient| is(&recipient.member))
        }
        Payload::InstanceSuspended { proposed_by, .. }
        | Payload::InstanceTerminated { proposed_by, .. }
        | Payload::StageReturned { proposed_by, .. } => is_some(proposed_by),
        Payload::InstanceCreated { .. }
        | Payload::InstanceResumed { .. }
        | Payload::InstanceCompleted { .. }
        | Payload::StageEntered { .. }
        | Payload::StageLeft { .. }
        | Payload::StageSkipped { .. }
        | Payload::StageOpened { .. }
        | Payload::StageClosed { .. }
        | Payload::PathEnded { .. }
        | Payload::TaskOpened { .. }
        | Payload::TaskCancelled { .. }
        | Payload::TaskRedone { .. }
        | Payload::TaskChecked { .. }
        | Payload::CommentAdded { .. }
        | Payload::ExtensionRefused { .. }
        | Payload::SupplementSupplied { .. }
        | Payload::SupplementLapsed { .. }
        | Payload::ClockStarted { .. }
        | Payload::ClockAtRisk { .. }
        | Payload::ClockBreached { .. }
        | Payload::ClockPaused { .. }
        | Payload::ClockResumed { .. }
        | Payload::ClockExtended { .. }
        | Payload::ClockRecalculated { .. }
        | Payload::ClockStopped { .. }
        | Payload::ClockChecked { .. }
        | Payload::CalendarAdopted { .. }
        | Payload::EscalationPassedOver { .. }
        | Payload::EscalationExhausted { .. }
        | Payload::EscalationCleared { .. }
        | Payload::ActivityLogged { .. }
        | Payload::FieldsUpdated { .. }
        | Payload::RuleForced { .. }
        | Payload::ScriptFailed { .. }
        | Payload::WorkflowPublished { .. }
        | Payload::WorkflowActivated { .. }
        | Payload::WorkflowRejected { .. }
        | Payload::CalendarPublished { .. }
        | Payload::EffectAsked { .. }
        | Payload::EffectDone { .. }
        | Payload::EffectRetried { .. }
        | Payload::EffectRefused { .. }
        | Payload::LinkAdded { .. }
        | Payload::LinkRemoved { .. }
        | Payload::LinkEnded { .. }
        | Payload::InstanceRevived { .. } => false,
    }
}
