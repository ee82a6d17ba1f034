//! The organization: roles, groups, members and services. Who is away and who is on duty is told by
//! [`super::roster`].

use super::id::{GroupId, MemberId, RoleId, ServiceId};
use super::instance::Instance;
use super::roster::{Absence, Duty};
use super::time::{Date, Timestamp};

/// The names that a person reads, by language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Title {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// Within what a role is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoleScope {
    /// Everywhere: every holder counts for every instance.
    Everywhere,
    /// Within a group: only holders in the group of the instance count.
    Group,
    /// By the instance itself: its steward.
    Steward,
    /// By the task at hand: the person who holds it.
    Holder,
    /// By the roster: whoever is on duty on the day.
    Duty,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub id: RoleId,
    /// What people call it.
    pub title: Title,
    /// The role to which it answers, and which takes over where nobody is in it.
    pub above: Option<RoleId>,
    /// Within what it is held.
    pub scope: RoleScope,
    /// Whether it may force what the rules refuse, with a reason.
    pub may_force: bool,
}

/// What a group is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// Works for the enterprises of an industry.
    Industry,
    /// Routes and follows up for all.
    Coordination,
    /// Outside the team: a department, a committee.
    External,
}

/// A group. Its name may stand wherever a role is asked for: then every member of it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub id: GroupId,
    /// What people call it.
    pub title: Title,
    /// What it is for.
    pub kind: GroupKind,
    /// The role that takes over where nobody of the group is there.
    pub above: Option<RoleId>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name by which files and events know the person.
    pub id: MemberId,
    /// What people call the person.
    pub title: Title,
    /// The group to which the person belongs.
    pub group: Option<GroupId>,
    /// The roles that the person holds.
    pub roles: Vec<RoleId>,
    /// The unit from which the person comes; none: from no other one.
    pub home_unit: Option<Title>,
    /// Since when and until when the person is lent by it; outside these days the person is away.
    pub seconded: Option<Secondment>,
    /// How the person is reached; may be empty.
    pub contact: String,
    /// How much the person can carry.
    pub at_most: AtMost,
}

impl Member {
    /// A member of whom nothing but the name is known.
    pub fn named(id: &str) -> Self {
        Self {
            id: MemberId::trusted(id),
            title: Title::default(),
            group: None,
            roles: Vec::new(),
            home_unit: None,
            seconded: None,
            contact: String::new(),
            at_most: AtMost::default(),
        }
    }
}

/// The days for which a member is lent by the home unit, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secondment {
    /// The first day.
    pub from: Date,
    /// The last day; none: it is open.
    pub until: Option<Date>,
}

/// How much a member can carry. Who is full is chosen only when everybody is; nothing is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AtMost {
    /// Live instances of which the member is steward; none: any number.
    pub instances: Option<u32>,
    /// Open tasks that the member holds; none: any number.
    pub tasks: Option<u32>,
}

impl AtMost {
    /// Whether a member with so many instances can take no further one.
    pub fn is_full_of_instances(self, stewarded: u32) -> bool {
        self.instances.is_some_and(|most| most <= stewarded)
    }

    /// Whether a member with so many open tasks can take no further one.
    pub fn is_full_of_tasks(self, open_tasks: u32) -> bool {
        self.tasks.is_some_and(|most| most <= open_tasks)
    }
}

/// Another program that calls the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub id: ServiceId,
    /// The role that it holds itself; without one it only acts on behalf of a member.
    pub role: Option<RoleId>,
}

/// The organization as it stands. Lists are in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Organization {
    /// Every role.
    pub roles: Vec<Role>,
    /// Every group.
    pub groups: Vec<Group>,
    /// Every member.
    pub members: Vec<Member>,
    /// Every service.
    pub services: Vec<Service>,
    /// Every absence.
    pub absences: Vec<Absence>,
    /// Who is on duty when.
    pub duties: Vec<Duty>,
}

impl Organization {
    /// The role of this name.
    pub fn role(&self, id: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.id.as_str() == id)
    }

    /// The group of this name.
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id.as_str() == id)
    }

    /// The member of this name.
    pub fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.id.as_str() == id)
    }

    /// The service of this name.
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.id.as_str() == id)
    }

    /// The members of a group, in the order of the file.
    pub fn members_of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Member> {
        self.members
            .iter()
            .filter(move |member| member.group.as_ref().is_some_and(|own| own.as_str() == group))
    }

    /// How much a member can carry.
    pub fn at_most(&self, member: &MemberId) -> AtMost {
        self.member(member.as_str()).map(|member| member.at_most).unwrap_or_default()
    }

    /// The roles and groups above a role or a group, nearest first; a circle ends where it closes.
    pub fn roles_above(&self, id: &str) -> Vec<RoleId> {
        let mut above: Vec<RoleId> = Vec::new();
        let mut next = self.directly_above(id);
        while let Some(name) = next {
            if name.as_str() == id || above.contains(name) {
                break;
            }
            above.push(name.clone());
            next = self.directly_above(name.as_str());
        }
        above
    }

    fn directly_above(&self, id: &str) -> Option<&RoleId> {
        match self.role(id) {
            Some(role) => role.above.as_ref(),
            None => self.group(id)?.above.as_ref(),
        }
    }
}

/// How much each member has to do, as far as is known when something is decided. It only chooses
/// between people: the choice is written into the event, so a replay never asks again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loads {
    /// Per member.
    pub members: std::collections::BTreeMap<MemberId, Load>,
}

/// What one member has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Open tasks assigned to the member.
    pub open_tasks: u32,
    /// Live instances of which the member is steward.
    pub stewarded: u32,
    /// The last time something was assigned to the member.
    pub assigned_at: Option<Timestamp>,
}

impl Loads {
    /// The load of a member; one who was never assigned anything has none.
    pub fn of(&self, member: &MemberId) -> Load {
        self.members.get(member).copied().unwrap_or_default()
    }

    /// Moves the loads from what an instance asked before to what it asks now.
    pub fn shift(&mut self, before: &Share, after: &Share) {
        if before == after {
            return;
        }
        for (member, _) in &before.holders {
            let load = self.member_mut(member);
            load.open_tasks = load.open_tasks.saturating_sub(1);
        }
        for (member, since) in &after.holders {
            let load = self.member_mut(member);
            load.open_tasks += 1;
            load.assigned_at = load.assigned_at.max(Some(*since));
        }
        if before.steward != after.steward {
            if let Some(member) = &before.steward {
                let load = self.member_mut(member);
                load.stewarded = load.stewarded.saturating_sub(1);
            }
            if let Some(member) = &after.steward {
                self.member_mut(member).stewarded += 1;
            }
        }
    }

    fn member_mut(&mut self, member: &MemberId) -> &mut Load {
        self.members.entry(member.clone()).or_default()
    }
}

/// What one instance asks of people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Share {
    /// The holders of its open tasks, each with the instant since when; several times where a
    /// member holds several.
    pub holders: Vec<(MemberId, Timestamp)>,
    /// Its steward, while it is live.
    pub steward: Option<MemberId>,
}

impl Share {
    /// What an instance asks.
    pub fn of_instance(instance: &Instance) -> Self {
        let holders = instance.open_tasks().filter_map(|task| task.holder.as_ref());
        Self {
            holders: holders.map(|holder| (holder.member.clone(), holder.since)).collect(),
            steward: instance.steward.clone().filter(|_| instance.status.is_live()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(holders: &[&str], steward: Option<&str>) -> Share {
        let held = holders.iter().map(|member| (MemberId::trusted(member), Timestamp(7)));
        Share { holders: held.collect(), steward: steward.map(MemberId::trusted) }
    }

    #[test]
    fn loads_follow_what_an_instance_asks() {
        let mut loads = Loads::default();
        let of = |loads: &Loads, member: &str| {
            let load = loads.of(&MemberId::trusted(member));
            (load.open_tasks, load.stewarded)
        };
        let (nothing, first) = (share(&[], None), share(&["anna", "anna", "bert"], Some("cora")));
        loads.shift(&nothing, &first);
        assert_eq!(of(&loads, "anna"), (2, 0));
        assert_eq!(of(&loads, "cora"), (0, 1));
        let second = share(&["bert"], Some("bert"));
        loads.shift(&first, &second);
        assert_eq!(of(&loads, "anna"), (0, 0));
        assert_eq!(of(&loads, "bert"), (1, 1));
        loads.shift(&second, &nothing);
        assert_eq!(of(&loads, "bert"), (0, 0));
        let last = loads.of(&MemberId::trusted("anna")).assigned_at;
        assert_eq!(last, Some(Timestamp(7)), "who was chosen last is remembered");
    }
}
