//! Wishes of `EscalationService`. Knows form, never whether it makes sense now.

use crate::api::pb;
use crate::api::violations::Violations;
use crate::model::clock::ClockNumber;
use crate::model::command::{Acknowledge, Action};

/// Takes notice of an escalation.
pub(in crate::api) fn acknowledge(
    found: &mut Violations,
    request: pb::EscalationServiceAcknowledgeRequest,
) -> Action {
    if request.clock == 0 {
        found.add("clock", "it is needed: clocks are numbered from 1");
    }
    Action::Acknowledge(Acknowledge {
        clock: ClockNumber(request.clock),
        comment: found.text("comment", request.comment),
        recovery_plan: found.optional_text("recovery_plan", request.recovery_plan),
        promised: found.optional_date("promised", &request.promised),
    })
}
