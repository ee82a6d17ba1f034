//! What happened to an instance as a whole and to its stages.

use crate::api::pb::event::Payload;
use crate::api::pb::{OpenReason, SkipReason};

use super::super::fields::text as fields_text;
use super::tasks::assignment;
use super::{by, remark};

pub(super) fn describe(payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::InstanceCreated(it) => {
            format!("{} version {}", it.workflow, it.workflow_version)
        }
        Payload::StewardAssigned(it) => {
            format!("{}{}", assignment(it.assignment.as_ref()), remark(&it.reason))
        }
        Payload::BackupsSet(it) if it.backups.is_empty() => {
            format!("nobody{}", remark(&it.reason))
        }
        Payload::BackupsSet(it) => format!("{}{}", it.backups.join(", "), remark(&it.reason)),
        Payload::InstanceSuspended(it) => {
            format!("stands still{}{}", by(&it.expected_resume), remark(&it.reason))
        }
        Payload::InstanceResumed(_) => "goes on".to_owned(),
        Payload::InstanceTerminated(it) => {
            format!("given up: {}{}", it.reason_code, remark(&it.comment))
        }
        Payload::InstanceCompleted(it) if it.outcome.is_empty() => "all stages are done".to_owned(),
        Payload::InstanceCompleted(it) => format!("all stages are done: {}", it.outcome),
        Payload::ActivityLogged(it) => {
            format!("{} {}", it.activity, fields_text(it.fields.as_ref()))
        }
        Payload::FieldsUpdated(it) => fields_text(it.changes.as_ref()),
        other => return stage(other),
    })
}

fn stage(payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::StageEntered(it) => attempt(&it.stage, it.attempt),
        Payload::StageLeft(it) if it.to.is_empty() => format!("{}, the last", it.stage),
        Payload::StageLeft(it) => format!("{} for {}{}", it.stage, it.to, remark(&it.comment)),
        Payload::StageReturned(it) => {
            format!("from {} back to {}{}", it.from, it.to, remark(&it.reason))
        }
        Payload::StageSkipped(it) => {
            let because = match it.because() {
                SkipReason::Unspecified => "?",
                SkipReason::Condition => "its condition says so",
                SkipReason::PassedOver => "the way leads past it",
                SkipReason::NeverOpened => "it was never wanted",
            };
            format!("{}: {because}", it.stage)
        }
        Payload::StageOpened(it) => {
            let because = match it.because() {
                OpenReason::Unspecified => "?",
                OpenReason::Condition => "its condition holds",
                OpenReason::PathEnded => "the path has ended",
                OpenReason::Command => "by command",
                OpenReason::Escalation => "a ladder has come so far",
            };
            format!("{}: {because}{}", attempt(&it.stage, it.attempt), remark(&it.comment))
        }
        Payload::StageClosed(it) => format!("{}{}", it.stage, remark(&it.comment)),
        Payload::PathEnded(_) => "only stages beside the path are open now, if any".to_owned(),
        _ => return None,
    })
}

fn attempt(stage: &str, attempt: u32) -> String {
    if attempt > 1 { format!("{stage}, attempt {attempt}") } else { stage.to_owned() }
}
