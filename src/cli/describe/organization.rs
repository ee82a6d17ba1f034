//! What changed of the organization, in a line.

use crate::api::pb::{OrganizationChange, OrganizationChangeKind, OrganizationChanged};

use super::remark;

/// Everything that changed; a file of which no member differs is told by its digest.
pub(super) fn changes(changed: &OrganizationChanged) -> String {
    if changed.changes.is_empty() {
        return format!("digest {}", changed.digest);
    }
    let told: Vec<String> = changed.changes.iter().map(change).collect();
    told.join("; ")
}

fn change(it: &OrganizationChange) -> String {
    let (member, others) = (&it.member, it.others.join(", "));
    let days = if it.from == it.to {
        format!("on {}", it.from)
    } else {
        format!("from {} to {}", it.from, it.to)
    };
    let or = |text: &str, none: &str| {
        if text.is_empty() { none.to_owned() } else { text.to_owned() }
    };
    let what = match it.what() {
        OrganizationChangeKind::Unspecified => "?".to_owned(),
        OrganizationChangeKind::MemberJoined => format!("{member} joined"),
        OrganizationChangeKind::MemberLeft => format!("{member} left"),
        OrganizationChangeKind::MemberChanged => format!("{member} is different"),
        OrganizationChangeKind::AbsencePut => {
            format!("{member} is away {days}, {} stands in", or(&others, "nobody"))
        }
        OrganizationChangeKind::AbsenceEnded => format!("{member} was to be away only {days}"),
        OrganizationChangeKind::DutyPut => {
            format!("{} on duty {days}", or(&others, "nobody"))
        }
        OrganizationChangeKind::HandOverBegun => {
            format!("{member} hands over to {}", or(&others, "whom the rules name"))
        }
        OrganizationChangeKind::HandOverEnded => {
            format!("{member} has handed over to {}", or(&others, "whom the rules name"))
        }
    };
    format!("{what}{}", remark(&it.words))
}
