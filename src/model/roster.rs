//! The roster: who is away and who stands in, who is on duty. The part of the organization that
//! changes from day to day; it lives in the store, not in a file.
//!
//! Every day is inclusive and belongs to the zone of the calendar by which it is asked for.

use super::id::MemberId;
use super::limits;
use super::organization::Organization;
use super::time::Date;

/// Days on which a member is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// Who is away.
    pub member: MemberId,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// Who receives what the member would.
    pub substitute: Option<MemberId>,
    /// Why, in words; may be empty.
    pub reason: String,
}

impl Absence {
    /// Whether it holds on this day.
    pub fn covers(&self, day: Date) -> bool {
        self.from <= day && day <= self.to
    }
}

/// Days with those who are on duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// Who, in the order in which they are told.
    pub members: Vec<MemberId>,
    /// In words; may be empty.
    pub note: String,
}

/// Absences and duties.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// By member and first day; those of one member never overlap.
    pub absences: Vec<Absence>,
    /// By first day; they never overlap.
    pub duties: Vec<Duty>,
}

/// A member who is away on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away<'a> {
    /// Who receives what the member would.
    pub substitute: Option<&'a MemberId>,
    /// The last day of it; none: for good.
    pub until: Option<Date>,
}

/// A person, and for whom the person stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The person.
    pub member: MemberId,
    /// The absent member.
    pub instead_of: Option<MemberId>,
}

/// What somebody wants of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RosterAction {
    /// Put an absence down; one of the same member with the same first day is replaced.
    PutAbsence(Absence),
    /// Cut an absence short; one that has not begun by then is taken back.
    EndAbsence {
        /// Who is back.
        member: MemberId,
        /// The first day of the absence; none: the one under way on the day before, or the next.
        from: Option<Date>,
        /// The first day on which the member is back.
        back_on: Date,
    },
    /// Say who is on duty on these days, in place of whoever was; nobody: the days are free.
    PutDuty(Duty),
    /// Hand over everything that a member carries.
    HandOver {
        /// Who hands over.
        from: MemberId,
        /// Who takes over; none: whom the rules name.
        to: Option<MemberId>,
        /// Why.
        reason: String,
    },
}

/// What changed of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationChange {
    /// What.
    pub what: OrganizationChangeKind,
    /// Whom it concerns; none: nobody in particular.
    pub member: Option<MemberId>,
    /// The substitute, those on duty, who takes over.
    pub others: Vec<MemberId>,
    /// The first day of it.
    pub from: Option<Date>,
    /// The last day of it.
    pub to: Option<Date>,
    /// Why, in words.
    pub words: String,
}

/// Kinds of changes of the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrganizationChangeKind {
    /// A member is in the file who was not there before.
    MemberJoined,
    /// A member is not in the file any more.
    MemberLeft,
    /// What the file says of a member is different.
    MemberChanged,
    /// An absence was put down.
    AbsencePut,
    /// An absence was cut short or taken back.
    AbsenceEnded,
    /// Others are on duty.
    DutyPut,
    /// A portfolio is being handed over.
    HandOverBegun,
    /// It is handed over.
    HandOverEnded,
}

impl Organization {
    /// Whether and how a member is away on a day: absent, outside the days of a secondment, or for
    /// good where the file knows nobody of this name any more.
    pub fn away_on(&self, member: &str, day: Date) -> Option<Away<'_>> {
        let absence = self
            .absences
            .iter()
            .find(|absence| absence.member.as_str() == member && absence.covers(day));
        if let Some(absence) = absence {
            return Some(Away { substitute: absence.substitute.as_ref(), until: Some(absence.to) });
        }
        let Some(member) = self.member(member) else {
            return Some(Away { substitute: None, until: None });
        };
        let seconded = member.seconded.as_ref()?;
        if day < seconded.from {
            return Some(Away { substitute: None, until: seconded.from.yesterday().ok() });
        }
        let over = seconded.until.is_some_and(|until| until < day);
        over.then_some(Away { substitute: None, until: None })
    }

    /// The person on a day, or who stands in; none if that leads in a circle, too deep or to
    /// nobody.
    pub fn present_on(&self, member: &MemberId, day: Date) -> Option<Present> {
        let mut current = member;
        for _ in 0..=limits::SUBSTITUTES_DEPTH_MAX {
            let Some(away) = self.away_on(current.as_str(), day) else {
                let instead_of = (current != member).then(|| member.clone());
                return Some(Present { member: current.clone(), instead_of });
            };
            current = away.substitute?;
            if current == member {
                return None;
            }
        }
        None
    }

    /// Who is on duty on a day.
    pub fn on_duty(&self, day: Date) -> &[MemberId] {
        let duty = self.duties.iter().find(|duty| duty.from <= day && day <= duty.to);
        duty.map_or(&[], |duty| &duty.members)
    }

    /// The organization with another roster.
    #[must_use]
    pub fn with_roster(&self, roster: &Roster) -> Self {
        Self { absences: roster.absences.clone(), duties: roster.duties.clone(), ..self.clone() }
    }
}

impl Roster {
    /// The same with exactly these people on duty on these days; nobody: the days are free.
    #[must_use]
    pub fn with_duty(&self, duty: Duty) -> Self {
        let mut duties = Vec::with_capacity(self.duties.len() + 2);
        for known in &self.duties {
            if known.to < duty.from || duty.to < known.from {
                duties.push(known.clone());
                continue;
            }
            if let Ok(before) = duty.from.yesterday()
                && known.from <= before
            {
                duties.push(Duty { to: before, ..known.clone() });
            }
            if let Ok(after) = duty.to.tomorrow()
                && after <= known.to
            {
                duties.push(Duty { from: after, ..known.clone() });
            }
        }
        if !duty.members.is_empty() {
            duties.push(duty);
        }
        duties.sort_by_key(|duty| duty.from);
        Self { absences: self.absences.clone(), duties }
    }

    /// The same without what was over before this day.
    #[must_use]
    pub fn since(&self, day: Date) -> Self {
        let absences = self.absences.iter().filter(|absence| day <= absence.to);
        let duties = self.duties.iter().filter(|duty| day <= duty.to);
        Self { absences: absences.cloned().collect(), duties: duties.cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::organization::{Member, Secondment};
    use jiff::civil::date;

    fn member(id: &str) -> MemberId {
        MemberId::trusted(id)
    }

    fn day(day: i8) -> Date {
        date(2025, 3, day)
    }

    fn duty(from: i8, to: i8, members: &[&str]) -> Duty {
        let members = members.iter().map(|id| member(id)).collect();
        Duty { from: day(from), to: day(to), members, note: String::new() }
    }

    fn told(roster: &Roster) -> Vec<String> {
        let one = |duty: &Duty| {
            let members: Vec<&str> = duty.members.iter().map(MemberId::as_str).collect();
            format!("{}-{} {}", duty.from.day(), duty.to.day(), members.join("+"))
        };
        roster.duties.iter().map(one).collect()
    }

    #[test]
    fn a_duty_takes_the_place_of_what_stood_on_its_days() {
        let roster =
            Roster::default().with_duty(duty(1, 10, &["an"])).with_duty(duty(20, 21, &["bo"]));
        assert_eq!(told(&roster), ["1-10 an", "20-21 bo"]);
        let within = roster.with_duty(duty(4, 5, &["bo", "an"]));
        assert_eq!(told(&within), ["1-3 an", "4-5 bo+an", "6-10 an", "20-21 bo"]);
        assert_eq!(told(&within.with_duty(duty(1, 20, &[]))), ["21-21 bo"]);
        assert_eq!(told(&within.since(day(6))), ["6-10 an", "20-21 bo"]);
    }

    #[test]
    fn outside_a_secondment_a_member_is_away_and_nobody_stands_in() {
        let seconded = Some(Secondment { from: day(3), until: Some(day(20)) });
        let organization = Organization {
            members: vec![Member { seconded, ..Member::named("an") }, Member::named("bo")],
            absences: vec![Absence {
                member: member("an"),
                from: day(10),
                to: day(12),
                substitute: Some(member("bo")),
                reason: String::new(),
            }],
            duties: vec![duty(3, 4, &["an"])],
            ..Organization::default()
        };
        let present = |on: i8| {
            let present = organization.present_on(&member("an"), day(on));
            present.map(|present| present.member.to_string())
        };
        assert_eq!(present(2), None);
        assert_eq!(present(3).as_deref(), Some("an"));
        assert_eq!(present(11).as_deref(), Some("bo"));
        assert_eq!(present(20).as_deref(), Some("an"));
        assert_eq!(present(21), None);
        let until = |on: i8| organization.away_on("an", day(on)).map(|away| away.until);
        assert_eq!(until(2), Some(Some(day(2))));
        assert_eq!(until(21), Some(None), "for good");
        assert_eq!(until(11), Some(Some(day(12))));
        let gone = organization.away_on("cy", day(4)).map(|away| away.until);
        assert_eq!(gone, Some(None), "whom the file does not know is away for good");
        assert_eq!(organization.on_duty(day(4)), [member("an")]);
        assert_eq!(organization.on_duty(day(5)), []);
    }
}
