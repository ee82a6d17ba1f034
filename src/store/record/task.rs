//! Tasks as they are stored.

use super::Corrupt;
use super::convert::{Storable, required};
use crate::model::task::{Assignment, AssignmentReason, CancelReason, ExtensionRequest, Holder};
use crate::model::task::{Objection, Supplement, Task, TaskEnd, TaskKind, TaskNumber, TaskRef};
use crate::store::pb;
use crate::store::words::{Draft, Words};

impl Storable<u32> for TaskNumber {
    fn to_message(&self, _: &mut Draft<'_>) -> u32 {
        self.0
    }

    fn from_message(message: u32, _: &Words) -> Result<Self, Corrupt> {
        Ok(Self(message))
    }
}

message! { TaskRef as TaskRef { number, stage, id, each } }

codes! { TaskKind as TaskKind { Human, Wait, Call } }

codes! {
    CancelReason as CancelReason { JoinReached, StageLeft, Returned, Redone, InstanceEnded }
}

message! {
    Task as Task {
        reference, kind, attempt, role, opened_at, holder, checked, extension_request,
        extensions_granted, end, objection, supplement, supplements_asked,
    }
}

message! { Holder as Holder { member, instead_of, since, delegated_by, object_until } }

message! { Objection as Objection { reason, by, at } }

message! { Supplement as Supplement { what, asked_by, asked_at, lapsed_at } }

message! { Assignment as Assignment { member, because, instead_of } }

message! { ExtensionRequest as ExtensionRequest { by, reason, asked_by, asked_at } }

impl Storable<pb::AssignmentReason> for AssignmentReason {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::AssignmentReason {
        use pb::assignment_reason::{Kind, PlainReason};
        let plain = |reason: PlainReason| Kind::Plain(reason.into());
        let kind = match self {
            Self::Steward => plain(PlainReason::Steward),
            Self::OnlyCandidate => plain(PlainReason::OnlyCandidate),
            Self::LeastLoaded => plain(PlainReason::LeastLoaded),
            Self::Function(name) => Kind::Function(name.to_message(words)),
            Self::Named => plain(PlainReason::Named),
            Self::Claimed => plain(PlainReason::Claimed),
            Self::Delegated => plain(PlainReason::Delegated),
            Self::GivenBack => plain(PlainReason::GivenBack),
            Self::RoleAbove(role) => Kind::RoleAbove(role.to_message(words)),
            Self::Escalated(level) => Kind::Escalated(level.to_message(words)),
        };
        pb::AssignmentReason { kind: Some(kind) }
    }

    fn from_message(message: pb::AssignmentReason, words: &Words) -> Result<Self, Corrupt> {
        use pb::assignment_reason::{Kind, PlainReason};
        Ok(match required(message.kind, "AssignmentReason.kind")? {
            Kind::Plain(plain) => match PlainReason::try_from(plain) {
                Ok(PlainReason::Steward) => Self::Steward,
                Ok(PlainReason::OnlyCandidate) => Self::OnlyCandidate,
                Ok(PlainReason::LeastLoaded) => Self::LeastLoaded,
                Ok(PlainReason::Named) => Self::Named,
                Ok(PlainReason::Claimed) => Self::Claimed,
                Ok(PlainReason::Delegated) => Self::Delegated,
                Ok(PlainReason::GivenBack) => Self::GivenBack,
                Ok(PlainReason::Unspecified) | Err(_) => {
                    return Err(Corrupt::new(format!("{plain} is no AssignmentReason")));
                }
            },
            Kind::Function(words) => Self::Function(words.into()),
            Kind::RoleAbove(role) => Self::RoleAbove(Storable::from_message(role, words)?),
            Kind::Escalated(level) => Self::Escalated(Storable::from_message(level, words)?),
        })
    }
}

required_message!(AssignmentReason as AssignmentReason);

impl Storable<pb::TaskEnd> for TaskEnd {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::TaskEnd {
        use pb::task_end::Kind;
        let kind = match self {
            Self::Done { outcome, by, instead_of, delegated_by, at } => Kind::Done(pb::TaskDone {
                outcome: outcome.to_message(words),
                by: by.to_message(words),
                instead_of: instead_of.to_message(words),
                delegated_by: delegated_by.to_message(words),
                at: at.to_message(words),
            }),
            Self::Cancelled { because, at } => Kind::Cancelled(pb::TaskDropped {
                because: because.to_message(words),
                at: at.to_message(words),
            }),
        };
        pb::TaskEnd { kind: Some(kind) }
    }

    fn from_message(message: pb::TaskEnd, words: &Words) -> Result<Self, Corrupt> {
        use pb::task_end::Kind;
        Ok(match required(message.kind, "TaskEnd.kind")? {
            Kind::Done(done) => Self::Done {
                outcome: Storable::from_message(done.outcome, words)?,
                by: Storable::from_message(done.by, words)?,
                instead_of: Storable::from_message(done.instead_of, words)?,
                delegated_by: Storable::from_message(done.delegated_by, words)?,
                at: Storable::from_message(done.at, words)?,
            },
            Kind::Cancelled(dropped) => Self::Cancelled {
                because: Storable::from_message(dropped.because, words)?,
                at: Storable::from_message(dropped.at, words)?,
            },
        })
    }
}
