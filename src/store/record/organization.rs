//! The roster and hand-overs as they are stored, and what events tell of the organization.

use super::convert::{Storable, required};
use super::{Corrupt, FORMAT};
use crate::model::hand_over::{Charge, HandOver, HandOverItem, HandOverItemState};
use crate::model::roster::{Absence, Duty, OrganizationChange, OrganizationChangeKind, Roster};
use crate::store::pb;
use crate::store::words::{Draft, Words};

message! { Absence as Absence { member, from, to, substitute, reason } }

message! { Duty as Duty { from, to, members, note } }

message! { OrganizationChange as OrganizationChange { what, member, others, from, to, words } }

message! { HandOverItem as HandOverItem { charge, instance, task, name, state } }

codes! {
    OrganizationChangeKind as OrganizationChangeKind {
        MemberJoined, MemberLeft, MemberChanged, AbsencePut, AbsenceEnded, DutyPut, HandOverBegun,
        HandOverEnded,
    }
}

codes! { Charge as Charge { Stewardship, Task, Backup, Duty, Substitute, Role } }

impl Storable<pb::HandOverItemState> for HandOverItemState {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::HandOverItemState {
        use pb::hand_over_item_state::Kind;
        let kind = match self {
            Self::Waiting => Kind::Waiting(true),
            Self::HandedTo(member) => Kind::HandedTo(member.to_message(words)),
            Self::Gone => Kind::Gone(true),
            Self::Left { code, why } => {
                Kind::Left(pb::LeftBehind { code: code.clone(), why: why.clone() })
            }
        };
        pb::HandOverItemState { kind: Some(kind) }
    }

    fn from_message(message: pb::HandOverItemState, words: &Words) -> Result<Self, Corrupt> {
        use pb::hand_over_item_state::Kind;
        Ok(match required(message.kind, "HandOverItemState.kind")? {
            Kind::Waiting(_) => Self::Waiting,
            Kind::HandedTo(member) => Self::HandedTo(Storable::from_message(member, words)?),
            Kind::Gone(_) => Self::Gone,
            Kind::Left(pb::LeftBehind { code, why }) => Self::Left { code, why },
        })
    }
}

required_message!(HandOverItemState as HandOverItemState);

/// The stored form of a roster.
pub(super) fn roster_to_message(roster: &Roster, words: &mut Draft<'_>) -> pb::StoredRoster {
    pb::StoredRoster {
        format: FORMAT,
        absences: roster.absences.to_message(words),
        duties: roster.duties.to_message(words),
    }
}

/// A roster from its stored form.
pub(super) fn roster_from_message(
    message: pb::StoredRoster,
    words: &Words,
) -> Result<Roster, Corrupt> {
    Ok(Roster {
        absences: Storable::from_message(message.absences, words)?,
        duties: Storable::from_message(message.duties, words)?,
    })
}

/// The stored form of a hand-over.
pub(super) fn hand_over_to_message(
    hand_over: &HandOver,
    words: &mut Draft<'_>,
) -> pb::StoredHandOver {
    pb::StoredHandOver {
        format: FORMAT,
        id: hand_over.id.clone(),
        from: hand_over.from.to_message(words),
        to: hand_over.to.to_message(words),
        reason: hand_over.reason.clone(),
        actor: hand_over.actor.to_message(words),
        begun_at: hand_over.begun_at.to_message(words),
        ended_at: hand_over.ended_at.to_message(words),
        items: hand_over.items.to_message(words),
    }
}

/// A hand-over from its stored form.
pub(super) fn hand_over_from_message(
    message: pb::StoredHandOver,
    words: &Words,
) -> Result<HandOver, Corrupt> {
    Ok(HandOver {
        id: message.id,
        from: Storable::from_message(message.from, words)?,
        to: Storable::from_message(message.to, words)?,
        reason: message.reason,
        actor: Storable::from_message(message.actor, words)?,
        begun_at: Storable::from_message(message.begun_at, words)?,
        ended_at: Storable::from_message(message.ended_at, words)?,
        items: Storable::from_message(message.items, words)?,
    })
}
