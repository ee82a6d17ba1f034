//! The organization: who holds which role, who belongs to which group, who stands above whom.

use crate::model::id::{GroupId, MemberId, RoleId, ServiceId};
use crate::model::organization::{
    AtMost, Group, GroupKind, Member, Organization, Role, RoleScope, Secondment, Service, Title,
};

use crate::definition::authored;
use crate::definition::authored::shapes::Scalar;
use crate::definition::code::Code;
use crate::definition::span::KeyPath;

use super::calendar;
use super::desk::Desk;

/// The role of whoever carries an instance.
const STEWARD: &str = "steward";
/// The role of whoever holds the task at hand.
const HOLDER: &str = "holder";
/// The role of whoever is on duty on the day.
const ON_DUTY: &str = "on_duty";

/// Roles that are given to nobody in the file: who is in them says something else.
fn is_given_elsewhere(name: &str) -> bool {
    [STEWARD, HOLDER, ON_DUTY].contains(&name)
}

/// Builds the organization as far as it is right.
pub(super) fn organization(desk: &mut Desk<'_>, authored: &authored::Organization) -> Organization {
    let known = Known { authored };
    let mut built = Organization {
        roles: roles(desk, &known),
        groups: groups(desk, &known),
        members: members(desk, &known),
        services: services(desk, &known),
        absences: Vec::new(),
        duties: Vec::new(),
    };
    for (name, scope, title) in predefined() {
        if built.role(name).is_none() {
            let id = RoleId::trusted(name);
            built.roles.push(Role { id, title, above: None, scope, may_force: false });
        }
    }
    circles(desk, &built);
    built
}

/// The roles that exist even where nobody writes them down.
fn predefined() -> [(&'static str, RoleScope, Title); 3] {
    let title = |en: &str, zh: &str| Title { en: en.to_owned(), zh: zh.to_owned() };
    [
        (STEWARD, RoleScope::Steward, title("Steward", "包保责任人")),
        (HOLDER, RoleScope::Holder, title("Holder of the task", "事项承办人")),
        (ON_DUTY, RoleScope::Duty, title("On duty", "值班人员")),
    ]
}

/// The names that the file declares.
struct Known<'a> {
    authored: &'a authored::Organization,
}

impl<'a> Known<'a> {
    fn roles_and_groups(&self) -> impl Iterator<Item = &'a str> {
        let roles = self.authored.roles.names().chain([STEWARD, HOLDER, ON_DUTY]);
        roles.chain(self.authored.groups.names())
    }

    /// The role or group that stands above, if it exists.
    fn above(&self, desk: &mut Desk<'_>, path: &KeyPath, above: Option<&Scalar>) -> Option<RoleId> {
        let above = above?.as_str();
        if self.roles_and_groups().any(|name| name == above) {
            return Some(RoleId::trusted(above));
        }
        let path = path.key("above");
        desk.unknown(Code::UnknownRole, &path, "role or group", above, self.roles_and_groups());
        None
    }

    /// A role that can be given to somebody.
    fn role(&self, desk: &mut Desk<'_>, path: &KeyPath, role: &Scalar) -> Option<RoleId> {
        let name = role.as_str();
        if is_given_elsewhere(name) {
            let message = format!("the role `{name}` cannot be given to anybody here");
            let diagnostic = desk.value(Code::InvalidValue, path, message);
            desk.lose(diagnostic.label(if name == ON_DUTY {
                "the roster says who that is"
            } else {
                "instances and tasks say who that is"
            }));
            return None;
        }
        if self.authored.roles.has(name) {
            return Some(RoleId::trusted(name));
        }
        desk.unknown(Code::UnknownRole, path, "role", name, self.authored.roles.names());
        None
    }
}

fn roles(desk: &mut Desk<'_>, known: &Known<'_>) -> Vec<Role> {
    let top = KeyPath::root().key("roles");
    let mut roles = Vec::new();
    for (name, role) in known.authored.roles.iter() {
        let path = top.key(name);
        let Some(id) = desk.name(&path, name, RoleId::parse) else { continue };
        let words = [("everywhere", RoleScope::Everywhere), ("group", RoleScope::Group)];
        let written = role.scope.as_ref();
        let scope = written.and_then(|text| desk.word(&path.key("scope"), text, &words));
        let scope = match name {
            STEWARD => RoleScope::Steward,
            HOLDER => RoleScope::Holder,
            ON_DUTY => RoleScope::Duty,
            _ => scope.unwrap_or(RoleScope::Everywhere),
        };
        let above = known.above(desk, &path, role.above.as_ref());
        let title = Desk::title(role.title.as_ref(), name);
        roles.push(Role { id, title, above, scope, may_force: role.may_force });
    }
    roles
}

fn groups(desk: &mut Desk<'_>, known: &Known<'_>) -> Vec<Group> {
    let top = KeyPath::root().key("groups");
    let words = [
        ("industry", GroupKind::Industry),
        ("coordination", GroupKind::Coordination),
        ("external", GroupKind::External),
    ];
    let mut groups = Vec::new();
    for (name, group) in known.authored.groups.iter() {
        let path = top.key(name);
        if known.authored.roles.has(name) || is_given_elsewhere(name) {
            let message = format!("`{name}` is the name of a role");
            let diagnostic = desk.key(Code::DuplicateName, &path, message);
            let diagnostic = diagnostic.label("a group needs a name of its own");
            let first = KeyPath::root().key("roles").key(name);
            let diagnostic = if desk.at.has(&first) {
                diagnostic.also(desk.at.key(&first), "the role")
            } else {
                diagnostic
            };
            desk.lose(diagnostic);
        }
        let Some(id) = desk.name(&path, name, GroupId::parse) else { continue };
        let above = known.above(desk, &path, group.above.as_ref());
        let hint = "it is `industry`, `coordination` or `external`";
        let kind = desk.needed_word(&path, "kind", group.kind.as_ref(), (&words, hint));
        let kind = kind.unwrap_or(GroupKind::External);
        groups.push(Group { id, title: Desk::title(group.title.as_ref(), name), kind, above });
    }
    groups
}

fn members(desk: &mut Desk<'_>, known: &Known<'_>) -> Vec<Member> {
    let top = KeyPath::root().key("members");
    let mut members = Vec::new();
    for (name, member) in known.authored.members.iter() {
        let path = top.key(name);
        let Some(id) = desk.name(&path, name, MemberId::parse) else { continue };
        let group = member.group.as_ref().and_then(|group| {
            let group = group.as_str();
            if known.authored.groups.has(group) {
                return Some(GroupId::trusted(group));
            }
            let groups = known.authored.groups.names();
            desk.unknown(Code::UnknownGroup, &path.key("group"), "group", group, groups);
            None
        });
        let list = path.key("roles");
        let roles = member.roles.iter();
        let roles = roles.filter_map(|(at, role)| known.role(desk, &list.index(at), role));
        let roles = roles.collect();
        members.push(Member {
            id,
            title: Desk::title(member.title.as_ref(), name),
            group,
            roles,
            home_unit: member.home_unit.as_ref().map(|unit| Desk::title(Some(unit), name)),
            seconded: member.seconded.as_ref().and_then(|it| secondment(desk, &path, it)),
            contact: member.contact.as_ref().map(|it| it.as_str().to_owned()).unwrap_or_default(),
            at_most: member.at_most.as_ref().map(at_most).unwrap_or_default(),
        });
    }
    members
}

fn secondment(
    desk: &mut Desk<'_>,
    path: &KeyPath,
    written: &authored::Secondment,
) -> Option<Secondment> {
    let path = path.key("seconded");
    let Some(from) = &written.from else {
        desk.missing(&path, "from", "the first day, such as `from: 2021-12-31`");
        return None;
    };
    let from = calendar::date(desk, &path.key("from"), from);
    let until = match &written.until {
        Some(until) => Some(calendar::date(desk, &path.key("until"), until)?),
        None => None,
    };
    let from = from?;
    if let Some(until) = until.filter(|until| *until < from) {
        let message = format!("the secondment ends on {until}, before it begins");
        let diagnostic = desk.value(Code::InvalidValue, &path.key("until"), message);
        desk.lose(diagnostic.label(format!("it begins on {from}")));
        return None;
    }
    Some(Secondment { from, until })
}

fn at_most(written: &authored::AtMost) -> AtMost {
    AtMost { instances: written.instances, tasks: written.tasks }
}

fn services(desk: &mut Desk<'_>, known: &Known<'_>) -> Vec<Service> {
    let top = KeyPath::root().key("services");
    let mut services = Vec::new();
    for (name, service) in known.authored.services.iter() {
        let path = top.key(name);
        let taken = KeyPath::root().key("members").key(name);
        if known.authored.members.has(name) {
            desk.taken(&path, &taken, "member", name);
        }
        let Some(id) = desk.name(&path, name, ServiceId::parse) else { continue };
        let written = service.role.as_ref();
        let role = written.and_then(|role| known.role(desk, &path.key("role"), role));
        services.push(Service { id, role });
    }
    services
}

/// Reports each circle of roles and groups once, at its first member in the file.
fn circles(desk: &mut Desk<'_>, organization: &Organization) {
    let above = |name: &str| -> Option<&RoleId> {
        match organization.role(name) {
            Some(role) => role.above.as_ref(),
            None => organization.group(name)?.above.as_ref(),
        }
    };
    let roles = organization.roles.iter().map(|role| ("roles", role.id.as_str()));
    let groups = organization.groups.iter().map(|group| ("groups", group.id.as_str()));
    let mut reported: Vec<&str> = Vec::new();
    for (section, start) in roles.chain(groups) {
        let mut way = vec![start];
        let mut next = above(start);
        while let Some(name) = next.map(RoleId::as_str).filter(|name| !way.contains(name)) {
            way.push(name);
            next = above(name);
        }
        let closes = next.is_some_and(|name| name.as_str() == start);
        if !closes || reported.contains(&start) {
            continue;
        }
        let path = KeyPath::root().key(section).key(start).key("above");
        let message = format!("`{start}` stands above itself: {} → {start}", way.join(" → "));
        let diagnostic = desk.value(Code::RoleCircle, &path, message);
        desk.lose(diagnostic.label("an escalation would never arrive"));
        reported.extend(way);
    }
}
