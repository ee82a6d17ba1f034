//! The roster and hand-overs as they are stored, and what events tell of the organization.

use super::convert::{Storable, required};
use super::wire::Wire;
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

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        let state = read_choice!(content, HandOverItemState {
            waiting => |_| Ok(Self::Waiting),
            handed_to => |to| Storable::<String>::read(to, words).map(Self::HandedTo),
            gone => |_| Ok(Self::Gone),
            left => |left| {
                read_fields!(left, words, LeftBehind { code, why });
                Ok(Self::Left { code, why })
            },
        });
        required(state, "HandOverItemState.kind")
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
pub(super) fn read_roster(content: Wire<'_>, words: &Words) -> Result<Roster, Corrupt> {
    read_fields!(content, words, StoredRoster { absences, duties });
    Ok(Roster { absences, duties })
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
pub(super) fn read_hand_over(content: Wire<'_>, words: &Words) -> Result<HandOver, Corrupt> {
    read_fields!(
        content,
        words,
        StoredHandOver { id, from, to, reason, actor, begun_at, ended_at, items }
    );
    Ok(HandOver { id, from, to, reason, actor, begun_at, ended_at, items })
}
