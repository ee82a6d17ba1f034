//! The roster: who may change it, and what a change makes of it. Pure like every decision; knows no
//! instance.
//!
//! An absence is put down by the member or by somebody above the member. Duties and hand-overs are
//! for the keepers: the coordination groups, those above them, and whoever may force. What the
//! service goes by (workflows, calendars, rules, the organization) is for them too.

use crate::model::actor::Actor;
use crate::model::id::{GroupId, MemberId, RoleId};
use crate::model::limits;
use crate::model::organization::{GroupKind, Member, Organization, RoleScope};
use crate::model::roster::{Absence, Duty, OrganizationChange, OrganizationChangeKind};
use crate::model::roster::{Roster, RosterAction};
use crate::model::time::Date;

use super::people::STEWARD;
use super::rejection::Rejection;

/// What becomes of the roster, and what is told of it; nothing: it was so already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterDecision {
    /// The roster after it.
    pub roster: Roster,
    /// What changed.
    pub changes: Vec<OrganizationChange>,
}

/// Decides what somebody wants of the roster. `today` is the day on which it is decided.
pub fn decide_roster(
    organization: &Organization,
    actor: &Actor,
    action: &RosterAction,
    today: Date,
) -> Result<RosterDecision, Rejection> {
    let asked = Asked { organization, actor, today };
    match action {
        RosterAction::PutAbsence(absence) => asked.put_absence(absence),
        RosterAction::EndAbsence { member, from, back_on } => {
            asked.end_absence(member, *from, *back_on)
        }
        RosterAction::PutDuty(duty) => asked.put_duty(duty),
        RosterAction::HandOver { from, to, reason } => asked.hand_over(from, to.as_ref(), reason),
    }
}

/// Refuses who may not publish or activate what the service goes by. `today` is the day on which
/// it is wished.
pub fn must_keep_rules(
    organization: &Organization,
    actor: &Actor,
    today: Date,
) -> Result<(), Rejection> {
    Asked { organization, actor, today }.must_be_keeper("change what the service goes by")
}

struct Asked<'a> {
    organization: &'a Organization,
    actor: &'a Actor,
    today: Date,
}

impl Asked<'_> {
    fn put_absence(&self, absence: &Absence) -> Result<RosterDecision, Rejection> {
        let member = self.known(&absence.member)?;
        if let Some(substitute) = &absence.substitute {
            self.known(substitute)?;
        }
        self.must_answer_for(member, "put down the absence of another")?;
        let mut roster = self.roster();
        let same = |known: &Absence| known.member == absence.member && known.from == absence.from;
        if roster.absences.contains(absence) {
            return Ok(unchanged(roster));
        }
        roster.absences.retain(|known| !same(known));
        let overlapping = roster.absences.iter().find(|known| {
            known.member == absence.member && known.from <= absence.to && absence.from <= known.to
        });
        if let Some(Absence { from, to, .. }) = overlapping {
            return Err(Rejection::AbsenceOverlaps { from: *from, to: *to });
        }
        roster.absences.push(absence.clone());
        roster
            .absences
            .sort_by(|left, right| (&left.member, left.from).cmp(&(&right.member, right.from)));
        self.decided(&roster, absence_change(OrganizationChangeKind::AbsencePut, absence))
    }

    fn end_absence(
        &self,
        member: &MemberId,
        from: Option<Date>,
        back_on: Date,
    ) -> Result<RosterDecision, Rejection> {
        self.must_answer_for(self.known(member)?, "end the absence of another")?;
        let mut roster = self.roster();
        let found = roster.absences.iter().position(|known| {
            known.member == *member
                && back_on <= known.to
                && from.is_none_or(|from| from == known.from)
        });
        let Some(at) = found else { return Err(Rejection::AbsenceNotFound(member.clone())) };
        let known = roster.absences.remove(at);
        let last = back_on.yesterday().ok().filter(|last| known.from <= *last);
        let cut = Absence { to: last.unwrap_or(known.to), ..known };
        if last.is_some() {
            roster.absences.insert(at, cut.clone());
        }
        // Taken back as a whole: the days are those on which the member would have been away.
        self.decided(&roster, absence_change(OrganizationChangeKind::AbsenceEnded, &cut))
    }

    fn put_duty(&self, duty: &Duty) -> Result<RosterDecision, Rejection> {
        for member in &duty.members {
            self.known(member)?;
        }
        self.must_be_keeper("say who is on duty")?;
        let before = self.roster();
        let roster = before.with_duty(duty.clone());
        if roster == before {
            return Ok(unchanged(roster));
        }
        let change = OrganizationChange {
            what: OrganizationChangeKind::DutyPut,
            member: None,
            others: duty.members.clone(),
            from: Some(duty.from),
            to: Some(duty.to),
            words: duty.note.clone(),
        };
        self.decided(&roster, change)
    }

    fn hand_over(
        &self,
        from: &MemberId,
        to: Option<&MemberId>,
        reason: &str,
    ) -> Result<RosterDecision, Rejection> {
        // Who has left the file may still carry something; who takes over must be there.
        if let Some(to) = to {
            self.known(to)?;
        }
        self.must_be_keeper("hand over what a member carries")?;
        let change = OrganizationChange {
            what: OrganizationChangeKind::HandOverBegun,
            member: Some(from.clone()),
            others: to.into_iter().cloned().collect(),
            from: None,
            to: None,
            words: reason.to_owned(),
        };
        Ok(RosterDecision { roster: self.roster(), changes: vec![change] })
    }

    fn roster(&self) -> Roster {
        let Organization { absences, duties, .. } = self.organization;
        Roster { absences: absences.clone(), duties: duties.clone() }
    }

    /// What was over a year ago is forgotten with the next change; the events keep it.
    fn decided(
        &self,
        roster: &Roster,
        change: OrganizationChange,
    ) -> Result<RosterDecision, Rejection> {
        let a_year_ago = self.today.saturating_sub(jiff::Span::new().years(1));
        let roster = roster.since(a_year_ago);
        if roster.absences.len().max(roster.duties.len()) > limits::ROSTER_ENTRIES_MAX {
            return Err(Rejection::LimitReached("absences or duties of the roster"));
        }
        Ok(RosterDecision { roster, changes: vec![change] })
    }

    fn known(&self, member: &MemberId) -> Result<&Member, Rejection> {
        let known = self.organization.member(member.as_str());
        known.ok_or_else(|| Rejection::UnknownMember(member.clone()))
    }

    fn must_answer_for(&self, member: &Member, doing: &'static str) -> Result<(), Rejection> {
        if self.actor.member() == Some(&member.id) {
            return Ok(());
        }
        self.must_be_in(over(self.organization, member), member.group.as_ref(), doing)
    }

    fn must_be_keeper(&self, doing: &'static str) -> Result<(), Rejection> {
        self.must_be_in(keepers(self.organization), None, doing)
    }

    fn must_be_in(
        &self,
        roles: Vec<RoleId>,
        group: Option<&GroupId>,
        doing: &'static str,
    ) -> Result<(), Rejection> {
        let allowed = match self.actor {
            Actor::System => true,
            Actor::Instance(_) => false,
            Actor::Member(member) | Actor::Service { on_behalf_of: Some(member), .. } => {
                roles.iter().any(|role| self.is_in(member, role.as_str(), group))
            }
            Actor::Service { service, on_behalf_of: None } => {
                let service = self.organization.service(service.as_str());
                let held = service.and_then(|service| service.role.as_ref());
                held.is_some_and(|held| roles.contains(held))
            }
        };
        if allowed { Ok(()) } else { Err(Rejection::NotPermitted { doing, allowed: roles }) }
    }

    /// Whether somebody is in a role or group today, or stands in for one who is. A role that is
    /// held within a group counts where that is the group of the one whom it concerns.
    fn is_in(&self, who: &MemberId, role: &str, group: Option<&GroupId>) -> bool {
        let scope = self.organization.role(role).map(|role| role.scope);
        let holds = |member: &&Member| match scope {
            Some(RoleScope::Duty) => self.organization.on_duty(self.today).contains(&member.id),
            Some(scope) => {
                let near = scope != RoleScope::Group || member.group.as_ref() == group;
                near && member.roles.iter().any(|held| held.as_str() == role)
            }
            None => member.group.as_ref().is_some_and(|group| group.as_str() == role),
        };
        self.organization.members.iter().filter(holds).any(|member| {
            let present = self.organization.present_on(&member.id, self.today);
            member.id == *who || present.is_some_and(|present| present.member == *who)
        })
    }
}

fn unchanged(roster: Roster) -> RosterDecision {
    RosterDecision { roster, changes: Vec::new() }
}

fn absence_change(what: OrganizationChangeKind, absence: &Absence) -> OrganizationChange {
    OrganizationChange {
        what,
        member: Some(absence.member.clone()),
        others: absence.substitute.iter().cloned().collect(),
        from: Some(absence.from),
        to: Some(absence.to),
        words: absence.reason.clone(),
    }
}

/// The roles and groups above a member: above each role and the group of the member, and, for those
/// who stand in no place above the steward themselves, above the steward.
fn over(organization: &Organization, member: &Member) -> Vec<RoleId> {
    let own = member.roles.iter().map(RoleId::as_str);
    let own: Vec<&str> = own.chain(member.group.as_ref().map(GroupId::as_str)).collect();
    let mut over: Vec<RoleId> = Vec::new();
    let above_steward = organization.roles_above(STEWARD);
    if !above_steward.iter().any(|role| own.contains(&role.as_str())) {
        over.extend(above_steward);
    }
    for place in &own {
        over.extend(organization.roles_above(place));
    }
    let mut known: Vec<RoleId> = Vec::new();
    for role in over {
        if !known.contains(&role) && !own.contains(&role.as_str()) {
            known.push(role);
        }
    }
    known
}

/// Who keeps the roster and the rules.
fn keepers(organization: &Organization) -> Vec<RoleId> {
    let coordinating =
        organization.groups.iter().filter(|group| group.kind == GroupKind::Coordination);
    let mut keepers: Vec<RoleId> = Vec::new();
    for group in coordinating {
        keepers.push(RoleId::trusted(group.id.as_str()));
        keepers.extend(organization.roles_above(group.id.as_str()));
    }
    let forcing = organization.roles.iter().filter(|role| role.may_force);
    keepers.extend(forcing.map(|role| role.id.clone()));
    let mut known: Vec<RoleId> = Vec::new();
    keepers.retain(|role| {
        let is_new = !known.contains(role);
        known.push(role.clone());
        is_new
    });
    keepers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::ServiceId;
    use crate::model::organization::{Group, Role, Service, Title};
    use jiff::civil::date;

    fn named(id: &str) -> MemberId {
        MemberId::trusted(id)
    }

    fn day(day: i8) -> Date {
        date(2025, 3, day)
    }

    fn role(id: &str, above: Option<&str>, may_force: bool) -> Role {
        let (id, above) = (RoleId::trusted(id), above.map(RoleId::trusted));
        Role { id, title: Title::default(), scope: RoleScope::Everywhere, above, may_force }
    }

    fn member(id: &str, group: &str, roles: &[&str]) -> Member {
        let roles = roles.iter().map(|role| RoleId::trusted(role)).collect();
        Member { group: Some(GroupId::trusted(group)), roles, ..Member::named(id) }
    }

    /// `an` and `bo` work under the leader `le` of their group, `wu` leads the other; `co`
    /// coordinates, `di` may force.
    fn organization() -> Organization {
        let leader = Role { scope: RoleScope::Group, ..role("leader", Some("director"), false) };
        let group = |id: &str, kind| Group {
            id: GroupId::trusted(id),
            title: Title::default(),
            kind,
            above: Some(RoleId::trusted("director")),
        };
        Organization {
            roles: vec![
                role("steward", Some("leader"), false),
                role("officer", Some("leader"), false),
                leader,
                role("director", None, true),
            ],
            groups: vec![
                group("east", GroupKind::Industry),
                group("west", GroupKind::Industry),
                group("hub", GroupKind::Coordination),
            ],
            members: vec![
                member("an", "east", &["officer"]),
                member("bo", "east", &["officer"]),
                member("le", "east", &["leader"]),
                member("wu", "west", &["leader"]),
                member("co", "hub", &[]),
                member("di", "hub", &["director"]),
            ],
            ..Organization::default()
        }
    }

    fn away(who: &str, days: (i8, i8), substitute: Option<&str>) -> Absence {
        let (member, substitute) = (named(who), substitute.map(named));
        Absence { member, from: day(days.0), to: day(days.1), substitute, reason: String::new() }
    }

    fn decided(
        organization: &Organization,
        actor: &str,
        action: &RosterAction,
    ) -> Result<Organization, &'static str> {
        let actor = Actor::Member(named(actor));
        decide_roster(organization, &actor, action, day(3))
            .map(|decision| organization.with_roster(&decision.roster))
            .map_err(|rejection| rejection.code())
    }

    fn put(
        organization: &Organization,
        actor: &str,
        absence: Absence,
    ) -> Result<Organization, &'static str> {
        decided(organization, actor, &RosterAction::PutAbsence(absence))
    }

    #[test]
    fn an_absence_is_put_down_by_oneself_or_from_above_and_never_twice_for_a_day() {
        let organization = organization();
        let absence = away("an", (10, 12), Some("bo"));
        for (actor, expected) in [
            ("an", Ok(1)),
            ("le", Ok(1)),
            ("di", Ok(1)),
            ("bo", Err("NOT_PERMITTED")),
            ("wu", Err("NOT_PERMITTED")),
        ] {
            let put = put(&organization, actor, absence.clone());
            assert_eq!(put.map(|after| after.absences.len()), expected, "{actor}");
        }
        let unknown = put(&organization, "an", away("an", (10, 12), Some("nobody")));
        assert_eq!(unknown.err(), Some("UNKNOWN_MEMBER"));
        let with = put(&organization, "an", absence).unwrap();
        let overlaps = put(&with, "an", away("an", (12, 14), None));
        assert_eq!(overlaps.err(), Some("ABSENCE_OVERLAPS"));
        let replaced = put(&with, "an", away("an", (10, 20), None)).unwrap();
        assert_eq!(replaced.absences, [away("an", (10, 20), None)]);
        let beside = put(&with, "bo", away("bo", (12, 14), None)).unwrap();
        assert_eq!(beside.absences.len(), 2);
    }

    #[test]
    fn an_absence_ends_earlier_or_is_taken_back_as_a_whole() {
        let organization = put(&organization(), "an", away("an", (10, 12), None)).unwrap();
        let end = |from: Option<i8>, back_on: i8| {
            let (member, from, back_on) = (named("an"), from.map(day), day(back_on));
            let action = RosterAction::EndAbsence { member, from, back_on };
            decided(&organization, "an", &action).map(|after| after.absences)
        };
        assert_eq!(end(None, 11), Ok(vec![away("an", (10, 10), None)]));
        assert_eq!(end(None, 10), Ok(Vec::new()));
        assert_eq!(end(None, 3), Ok(Vec::new()), "the next one, before it begins");
        assert_eq!(end(None, 13), Err("ABSENCE_NOT_FOUND"));
        assert_eq!(end(Some(9), 11), Err("ABSENCE_NOT_FOUND"));
    }

    #[test]
    fn who_stands_in_acts_for_the_one_above_on_those_days_only() {
        let organization = put(&organization(), "le", away("le", (3, 4), Some("wu"))).unwrap();
        let by = |organization: &Organization| {
            put(organization, "wu", away("an", (10, 12), None)).map(|after| after.absences.len())
        };
        assert_eq!(by(&organization), Ok(2));
        let later = put(&self::organization(), "le", away("le", (4, 5), Some("wu"))).unwrap();
        assert_eq!(by(&later), Err("NOT_PERMITTED"), "today is the third");
    }

    #[test]
    fn substitutes_are_followed_three_times_and_never_in_a_circle() {
        let mut organization = organization();
        let present = |organization: &Organization, on: i8| {
            let present = organization.present_on(&named("an"), day(on));
            present.map(|present| (present.member.to_string(), present.instead_of.is_some()))
        };
        assert_eq!(present(&organization, 5), Some(("an".to_owned(), false)));
        let chain = ["an", "bo", "le", "wu", "co"];
        for (at, pair) in chain.windows(2).enumerate() {
            organization.absences.push(away(pair[0], (3, 9), Some(pair[1])));
            let expected = (at < 3).then(|| (pair[1].to_owned(), true));
            assert_eq!(present(&organization, 5), expected, "{pair:?}");
        }
        assert_eq!(present(&organization, 10), Some(("an".to_owned(), false)));
        organization.absences =
            vec![away("an", (3, 9), Some("bo")), away("bo", (5, 5), Some("an"))];
        assert_eq!(present(&organization, 4), Some(("bo".to_owned(), true)));
        assert_eq!(present(&organization, 5), None, "each stands in for the other");
    }

    #[test]
    fn the_coordinators_and_those_who_may_force_keep_the_roster() {
        let organization = organization();
        let members = vec![named("an")];
        let duty = Duty { from: day(3), to: day(4), members, note: String::new() };
        let duty = RosterAction::PutDuty(duty);
        let reason = "leaves".to_owned();
        let hand_over =
            RosterAction::HandOver { from: named("gone"), to: Some(named("bo")), reason };
        for (actor, may) in [("co", true), ("di", true), ("le", false), ("an", false)] {
            for action in [&duty, &hand_over] {
                let refused = decided(&organization, actor, action).err();
                assert_eq!(refused, (!may).then_some("NOT_PERMITTED"), "{actor}");
            }
        }
        let on_duty = decided(&organization, "co", &duty).unwrap();
        assert_eq!(on_duty.on_duty(day(4)), [named("an")]);
        assert_eq!(on_duty.on_duty(day(5)), []);
    }

    #[test]
    fn the_same_keep_the_rules_and_a_service_by_its_role_or_for_one_of_them() {
        let mut organization = organization();
        for (id, role) in [("desk", Some("director")), ("portal", None)] {
            let (id, role) = (ServiceId::trusted(id), role.map(RoleId::trusted));
            organization.services.push(Service { id, role });
        }
        let by = |service: &str, on_behalf_of: Option<&str>| Actor::Service {
            service: ServiceId::trusted(service),
            on_behalf_of: on_behalf_of.map(named),
        };
        for (actor, may) in [
            (Actor::System, true),
            (Actor::Member(named("co")), true),
            (Actor::Member(named("di")), true),
            (Actor::Member(named("le")), false),
            (Actor::Member(named("an")), false),
            (by("desk", None), true),
            (by("portal", None), false),
            (by("portal", Some("co")), true),
            (by("desk", Some("an")), false),
        ] {
            let refused = must_keep_rules(&organization, &actor, day(3)).err();
            let refused = refused.map(|rejection| rejection.code());
            assert_eq!(refused, (!may).then_some("NOT_PERMITTED"), "{actor}");
        }
    }

    #[test]
    fn what_was_over_a_year_ago_makes_room_and_more_than_the_limit_is_refused() {
        let mut organization = organization();
        let long_ago =
            Absence { from: date(2023, 1, 1), to: date(2024, 3, 2), ..away("an", (1, 1), None) };
        organization.absences = vec![long_ago; limits::ROSTER_ENTRIES_MAX];
        let after = put(&organization, "bo", away("bo", (10, 12), None)).unwrap();
        assert_eq!(after.absences.len(), 1);
        let recent = Absence { to: date(2024, 3, 3), ..organization.absences[0].clone() };
        organization.absences = vec![recent; limits::ROSTER_ENTRIES_MAX];
        let full = put(&organization, "bo", away("bo", (10, 12), None));
        assert_eq!(full.err(), Some("LIMIT_REACHED"));
    }
}
