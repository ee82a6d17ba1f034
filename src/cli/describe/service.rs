//! What happened to the service itself: workflows, calendars, the organization, rules, scripts.

use crate::api::pb::event::Payload;

pub(super) fn describe(payload: &Payload) -> Option<String> {
    Some(match payload {
        Payload::CalendarAdopted(it) => format!("digest {}", it.digest),
        Payload::RuleForced(it) => format!("{}: {}", it.overruled.join(", "), it.reason),
        Payload::ScriptFailed(it) => format!("{}: {}", it.place, it.message),
        Payload::WorkflowPublished(it) => format!("{} version {}", it.workflow, it.version),
        Payload::WorkflowActivated(it) => match it.version {
            Some(version) => format!("{} version {version} for new instances", it.workflow),
            None => format!("{} is retired", it.workflow),
        },
        Payload::WorkflowRejected(it) => {
            let first = it.findings.first().map(String::as_str).unwrap_or_default();
            format!("{}: {} errors, the first: {first}", it.paths.join(", "), it.errors)
        }
        Payload::CalendarPublished(it) => it.calendar.clone(),
        Payload::OrganizationChanged(it) => super::organization::changes(it),
        _ => return None,
    })
}
