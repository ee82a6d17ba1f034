//! Tasks as they are stored.

use super::Corrupt;
use super::convert::{Storable, required};
use super::wire::Wire;
use crate::model::task::{Assignment, AssignmentReason, CancelReason, ExtensionRequest, Holder};
use crate::model::task::{ObjectUntil, Objection, Supplement, Task, TaskEnd, TaskKind, TaskRef};
use crate::store::pb;
use crate::store::words::{Draft, Words};

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

message! { ObjectUntil as ObjectUntil { task, until } }

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

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        let reason = read_choice!(content, AssignmentReason {
            plain => plain_reason,
            function => |name: Wire<'_>| name.text().map(|name| Self::Function(name.into())),
            role_above => |role| Storable::<u32>::read(role, words).map(Self::RoleAbove),
            escalated => |level| Storable::<u32>::read(level, words).map(Self::Escalated),
        });
        required(reason, "AssignmentReason.kind")
    }
}

/// A reason that needs no more words.
fn plain_reason(content: Wire<'_>) -> Result<AssignmentReason, Corrupt> {
    use pb::assignment_reason::PlainReason;
    let number = content.number()?;
    Ok(match i32::try_from(number).map(PlainReason::try_from) {
        Ok(Ok(PlainReason::Steward)) => AssignmentReason::Steward,
        Ok(Ok(PlainReason::OnlyCandidate)) => AssignmentReason::OnlyCandidate,
        Ok(Ok(PlainReason::LeastLoaded)) => AssignmentReason::LeastLoaded,
        Ok(Ok(PlainReason::Named)) => AssignmentReason::Named,
        Ok(Ok(PlainReason::Claimed)) => AssignmentReason::Claimed,
        Ok(Ok(PlainReason::Delegated)) => AssignmentReason::Delegated,
        Ok(Ok(PlainReason::GivenBack)) => AssignmentReason::GivenBack,
        Ok(Ok(PlainReason::Unspecified) | Err(_)) | Err(_) => {
            return Err(Corrupt::new(format!("{number} is no AssignmentReason")));
        }
    })
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

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        let end = read_choice!(content, TaskEnd {
            done => |done| {
                read_fields!(done, words, TaskDone { outcome, by, instead_of, delegated_by, at });
                Ok(Self::Done { outcome, by, instead_of, delegated_by, at })
            },
            cancelled => |dropped| {
                read_fields!(dropped, words, TaskDropped { because, at });
                Ok(Self::Cancelled { because, at })
            },
        });
        required(end, "TaskEnd.kind")
    }
}
