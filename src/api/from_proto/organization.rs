//! Wishes of `OrganizationService`. Knows form, never whether it makes sense now.

use crate::api::pb;
use crate::api::violations::{Named, Page, Violation, Violations};
use crate::model::id::{GroupId, MemberId, RoleId};
use crate::model::limits;
use crate::model::roster::{Absence, Duty, RosterAction};
use crate::model::time::Date;
use crate::runtime::{HandOverOrder, HandOverQuery};

/// Which members are asked for.
pub(in crate::api) struct MemberQuery {
    /// Of this group; none: of all.
    pub(in crate::api) group: Option<GroupId>,
    /// In this role; none: in any.
    pub(in crate::api) role: Option<RoleId>,
    /// Rows, and the member after which they begin.
    pub(in crate::api) page: Page,
}

/// A page of members.
pub(in crate::api) fn members(
    request: pb::OrganizationServiceListMembersRequest,
) -> Result<MemberQuery, Vec<Violation>> {
    let mut found = Violations::default();
    let query = MemberQuery {
        group: found.optional_name("group", &request.group),
        role: found.optional_name("role", &request.role),
        page: found.page(request.page_size, request.page_token),
    };
    found.finish(query)
}

/// Days, of somebody or of anybody.
pub(in crate::api) struct DayQuery {
    /// Of this member; none: of all.
    pub(in crate::api) member: Option<MemberId>,
    /// On or after this day; none: any.
    pub(in crate::api) from: Option<Date>,
    /// On or before this day; none: any.
    pub(in crate::api) to: Option<Date>,
    /// Rows of the page.
    pub(in crate::api) size: usize,
    /// Rows before the page.
    pub(in crate::api) skipped: usize,
}

impl DayQuery {
    /// Whether a stretch of days is asked for.
    pub(in crate::api) fn holds(&self, from: Date, to: Date) -> bool {
        self.from.is_none_or(|first| first <= to) && self.to.is_none_or(|last| from <= last)
    }
}

/// A page of absences.
pub(in crate::api) fn absences(
    request: pb::OrganizationServiceListAbsencesRequest,
) -> Result<DayQuery, Vec<Violation>> {
    let mut found = Violations::default();
    let member = found.optional_name("member", &request.member);
    let page = found.page(request.page_size, request.page_token);
    let days = (request.from.as_str(), request.to.as_str());
    let query = day_query(&mut found, member, days, &page);
    found.finish(query)
}

/// A page of duties.
pub(in crate::api) fn duties(
    request: pb::OrganizationServiceListDutyRequest,
) -> Result<DayQuery, Vec<Violation>> {
    let mut found = Violations::default();
    let page = found.page(request.page_size, request.page_token);
    let days = (request.from.as_str(), request.to.as_str());
    let query = day_query(&mut found, None, days, &page);
    found.finish(query)
}

fn day_query(
    found: &mut Violations,
    member: Option<MemberId>,
    (from, to): (&str, &str),
    page: &Page,
) -> DayQuery {
    let skipped = number_token(found, page);
    DayQuery {
        member,
        from: found.optional_date("from", from),
        to: found.optional_date("to", to),
        size: page.size,
        skipped,
    }
}

/// How many rows a token passes over.
fn number_token(found: &mut Violations, page: &Page) -> usize {
    let Some(token) = &page.token else { return 0 };
    token.parse().unwrap_or_else(|_| {
        found.foreign_token();
        0
    })
}

/// Puts an absence down.
pub(in crate::api) fn put_absence(
    request: pb::OrganizationServicePutAbsenceRequest,
) -> Result<Absence, Vec<Violation>> {
    let mut found = Violations::default();
    if request.absence.is_none() {
        found.add("absence", "it is needed");
    }
    let wire = request.absence.unwrap_or_default();
    let (from, to) = days(&mut found, "absence", (&wire.from, &wire.to));
    let absence = Absence {
        member: found.name("absence.member", &wire.member),
        from,
        to,
        substitute: found.optional_name("absence.substitute", &wire.substitute),
        reason: found.text("absence.reason", wire.reason),
    };
    if absence.substitute.as_ref() == Some(&absence.member) {
        found.add("absence.substitute", "nobody stands in for themselves");
    }
    found.finish(absence)
}

/// Cuts an absence short.
pub(in crate::api) fn end_absence(
    request: &pb::OrganizationServiceEndAbsenceRequest,
) -> Result<RosterAction, Vec<Violation>> {
    let mut found = Violations::default();
    let action = RosterAction::EndAbsence {
        member: found.name("member", &request.member),
        from: found.optional_date("from", &request.from),
        back_on: needed_day(&mut found, "back_on", &request.back_on),
    };
    found.finish(action)
}

/// Says who is on duty.
pub(in crate::api) fn put_duty(
    request: pb::OrganizationServicePutDutyRequest,
) -> Result<Duty, Vec<Violation>> {
    let mut found = Violations::default();
    if request.duty.is_none() {
        found.add("duty", "it is needed");
    }
    let wire = request.duty.unwrap_or_default();
    let (from, to) = days(&mut found, "duty", (&wire.from, &wire.to));
    if wire.members.len() > limits::ON_DUTY_MAX {
        found.add("duty.members", "there are more than 64");
    }
    let members = names(&mut found, "duty.members", &wire.members);
    let note = found.text("duty.note", wire.note);
    found.finish(Duty { from, to, members, note })
}

/// Whose workload is asked for.
pub(in crate::api) fn workload(
    request: &pb::OrganizationServiceWorkloadRequest,
) -> Result<(Vec<MemberId>, Option<GroupId>), Vec<Violation>> {
    let mut found = Violations::default();
    let members = names(&mut found, "members", &request.members);
    let group = found.optional_name("group", &request.group);
    found.finish((members, group))
}

fn names<N: Named>(found: &mut Violations, field: &str, names: &[String]) -> Vec<N> {
    let names = names.iter().enumerate();
    names.map(|(at, name)| found.name(&format!("{field}[{at}]"), name)).collect()
}

/// A first and a last day.
fn days(found: &mut Violations, path: &str, (from, to): (&str, &str)) -> (Date, Date) {
    let first = needed_day(found, &format!("{path}.from"), from);
    let last = needed_day(found, &format!("{path}.to"), to);
    if last < first {
        found.add(format!("{path}.to"), "it lies before the first day");
    }
    (first, last)
}

fn needed_day(found: &mut Violations, field: &str, text: &str) -> Date {
    if text.is_empty() {
        found.add(field, "it is needed: a day such as 2025-01-28");
    }
    found.optional_date(field, text).unwrap_or(Date::ZERO)
}

/// Hands over everything that a member carries.
pub(in crate::api) fn hand_over(
    request: pb::OrganizationServiceHandOverRequest,
) -> Result<HandOverOrder, Vec<Violation>> {
    let mut found = Violations::default();
    match request.request_id.len() {
        0 => found.add("request_id", "it is needed: by it the hand-over is found again"),
        long if long > limits::REQUEST_ID_BYTES_MAX => {
            found.add("request_id", "it is longer than 128 bytes");
        }
        _ => {}
    }
    let order = HandOverOrder {
        request_id: request.request_id,
        from: found.name("from", &request.from),
        to: found.optional_name("to", &request.to),
        reason: found.needed_text("reason", request.reason),
    };
    if order.to.as_ref() == Some(&order.from) {
        found.add("to", "nobody hands over to themselves");
    }
    found.finish(order)
}

/// A page of hand-overs.
pub(in crate::api) fn hand_overs(
    request: pb::OrganizationServiceListHandOversRequest,
) -> Result<HandOverQuery, Vec<Violation>> {
    let mut found = Violations::default();
    let page = found.page(request.page_size, request.page_token);
    let query = HandOverQuery {
        member: found.optional_name("member", &request.member),
        id: request.id,
        after: page.token.unwrap_or_default(),
        limit: page.size,
    };
    found.finish(query)
}
