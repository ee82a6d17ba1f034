//! The roster: who may change it, and what a change makes of it. Pure like every decision; knows no
//! instance.
//!
//! An absence is put down by the member or by somebody above the member. Duties and hand-overs are
//! for those who keep the roster: the coordination groups, those above them, and whoever may force.

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
        self.must_keep_the_roster("say who is on duty")?;
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
        self.must_keep_the_roster("hand over what a member carries")?;
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

    fn must_keep_the_roster(&self, doing: &'static str) -> Result<(), Rejection> {
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
    let own = member.roles.iter().map(super::super::model::id::RoleId::as_str);
    let own: Vec<&str> =
        own.chain(member.group.as_ref().map(super::super::model::id::GroupId::as_str)).collect();
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

/// Who keeps the roster.
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
