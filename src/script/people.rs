//! What the functions of the rules may ask about people: `load`, `members`, `is_absent` and so on.
//!
//! A call carries a snapshot of the organization in its tag. A condition carries none, so there
//! these functions fail; the type check says so before.

#![expect(clippy::needless_pass_by_value, reason = "scripts hand their arguments over by value")]

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};

use crate::calendar::Calendar;
use crate::model::id::{GroupId, MemberId, RoleId};
use crate::model::organization::{AtMost, Load};
use crate::model::time::{Date, Timestamp};

use super::failure::raised;
use super::functions::People;
use super::numbers::date_of_text;

type Answer<T> = Result<T, Box<EvalAltResult>>;
type Text = ImmutableString;

/// The functions that read people, which no condition may call.
pub(super) const NAMES: [&str; 12] = [
    "load",
    "stewarded",
    "members",
    "group",
    "has_role",
    "is_absent",
    "is_full",
    "substitute_of",
    "last_assigned_before",
    "least_loaded",
    "least_stewarded",
    "working_days_between",
];

/// The part of an organization that functions can ask for, as of one call.
#[derive(Debug)]
pub(super) struct Snapshot {
    members: Vec<MemberEntry>,
    /// The roles of all members, each entry's in a row.
    held: Vec<RoleId>,
    roles: Vec<RoleId>,
    groups: Vec<GroupId>,
    /// Who is away on the day of the call.
    absent: Vec<(MemberId, Option<MemberId>)>,
    loads: BTreeMap<MemberId, Load>,
    calendar: Calendar,
}

#[derive(Debug)]
struct MemberEntry {
    id: MemberId,
    group: Option<GroupId>,
    roles: Range<usize>,
    at_most: AtMost,
}

/// What a call carries.
pub(super) type Tag = Arc<Snapshot>;

impl Snapshot {
    /// Copies names, never titles: a few microseconds for a hundred members.
    pub(super) fn of(people: People<'_>) -> Self {
        let organization = people.organization;
        let today = people.calendar.date_of(people.now);
        let mut held = Vec::new();
        let mut members = Vec::with_capacity(organization.members.len());
        for member in &organization.members {
            let from = held.len();
            held.extend(member.roles.iter().cloned());
            let roles = from..held.len();
            let (id, group) = (member.id.clone(), member.group.clone());
            members.push(MemberEntry { id, group, roles, at_most: member.at_most });
        }
        let absent = organization.absences.iter().filter(|absence| absence.covers(today));
        let mut away: Vec<_> =
            absent.map(|absence| (absence.member.clone(), absence.substitute.clone())).collect();
        let lent = organization.members.iter().filter(|member| member.seconded.is_some());
        let outside =
            lent.filter(|member| organization.away_on(member.id.as_str(), today).is_some());
        away.extend(outside.map(|member| (member.id.clone(), None)));
        Self {
            members,
            held,
            roles: organization.roles.iter().map(|role| role.id.clone()).collect(),
            groups: organization.groups.iter().map(|group| group.id.clone()).collect(),
            absent: away,
            loads: people.loads.members.clone(),
            calendar: people.calendar.clone(),
        }
    }

    fn member(&self, id: &str) -> Answer<&MemberEntry> {
        self.members
            .iter()
            .find(|member| member.id.as_str() == id)
            .ok_or_else(|| raised(format!("there is no member `{id}`")))
    }

    fn roles_of(&self, member: &MemberEntry) -> &[RoleId] {
        &self.held[member.roles.clone()]
    }

    fn load(&self, id: &str) -> Answer<Load> {
        self.member(id)?;
        Ok(self.loads.get(id).copied().unwrap_or_default())
    }

    fn members_of(&self, name: &str) -> Answer<Array> {
        let is_group = self.groups.iter().any(|group| group.as_str() == name);
        if !is_group && !self.roles.iter().any(|role| role.as_str() == name) {
            return Err(raised(format!("`{name}` is neither a group nor a role")));
        }
        let belongs = |member: &&MemberEntry| {
            if is_group {
                member.group.as_ref().is_some_and(|group| group.as_str() == name)
            } else {
                self.roles_of(member).iter().any(|role| role.as_str() == name)
            }
        };
        Ok(self.members.iter().filter(belongs).map(|member| text(member.id.as_str())).collect())
    }

    /// The candidate for whom `key` is smallest; `()` of none. Who is full comes after all others.
    fn smallest<K: Ord>(
        &self,
        candidates: &[Dynamic],
        key: impl Fn(Load, AtMost) -> K,
    ) -> Answer<Dynamic> {
        let mut best: Option<(K, Option<Timestamp>, Text)> = None;
        for candidate in candidates {
            let id = candidate
                .clone()
                .into_immutable_string()
                .map_err(|other| raised(format!("a candidate is a name, not a {other}")))?;
            let load = self.load(&id)?;
            // Never assigned comes before any instant, and the name decides in the end.
            let entry = (key(load, self.member(&id)?.at_most), load.assigned_at, id);
            if best.as_ref().is_none_or(|known| entry < *known) {
                best = Some(entry);
            }
        }
        Ok(best.map_or(Dynamic::UNIT, |(_, _, id)| id.into()))
    }

    fn noon(&self, date: Date) -> Answer<Timestamp> {
        date.at(12, 0, 0, 0)
            .to_zoned(self.calendar.zone().clone())
            .map(|noon| Timestamp(noon.timestamp().as_millisecond()))
            .map_err(|_| raised(format!("`{date}` is out of range")))
    }
}

/// Registers the functions.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_fn("load", |context: NativeCallContext<'_>, member: Text| -> Answer<i64> {
            Ok(i64::from(snapshot(&context)?.load(&member)?.open_tasks))
        })
        .register_fn("stewarded", |context: NativeCallContext<'_>, member: Text| -> Answer<i64> {
            Ok(i64::from(snapshot(&context)?.load(&member)?.stewarded))
        })
        .register_fn("members", |context: NativeCallContext<'_>, name: Text| -> Answer<Array> {
            snapshot(&context)?.members_of(&name)
        })
        .register_fn("group", |context: NativeCallContext<'_>, member: Text| -> Answer<Text> {
            let people = snapshot(&context)?;
            let group = people.member(&member)?.group.as_ref();
            Ok(group.map_or("", |group| group.as_str()).into())
        })
        .register_fn("has_role", has_role)
        .register_fn("is_absent", |context: NativeCallContext<'_>, member: Text| -> Answer<bool> {
            let people = snapshot(&context)?;
            people.member(&member)?;
            Ok(people.absent.iter().any(|(absent, _)| absent.as_str() == member))
        })
        .register_fn("is_full", is_full)
        .register_fn("substitute_of", substitute_of);
    engine
        .register_fn("last_assigned_before", last_assigned_before)
        .register_fn("least_loaded", |context: NativeCallContext<'_>, from: Array| {
            let key = |load: Load, most: AtMost| {
                (most.is_full_of_tasks(load.open_tasks), load.open_tasks)
            };
            snapshot(&context)?.smallest(&from, key)
        })
        .register_fn("least_stewarded", |context: NativeCallContext<'_>, from: Array| {
            let key = |load: Load, most: AtMost| {
                (most.is_full_of_instances(load.stewarded), load.stewarded, load.open_tasks)
            };
            snapshot(&context)?.smallest(&from, key)
        })
        .register_fn("working_days_between", working_days_between);
}

fn has_role(context: NativeCallContext<'_>, member: Text, role: Text) -> Answer<bool> {
    let people = snapshot(&context)?;
    if !people.roles.iter().any(|known| known.as_str() == role) {
        return Err(raised(format!("there is no role `{role}`")));
    }
    let member = people.member(&member)?;
    Ok(people.roles_of(member).iter().any(|held| held.as_str() == role))
}

/// Whether the member has as many instances, or as many open tasks, as the member can carry.
fn is_full(context: NativeCallContext<'_>, member: Text) -> Answer<bool> {
    let people = snapshot(&context)?;
    let (load, most) = (people.load(&member)?, people.member(&member)?.at_most);
    Ok(most.is_full_of_instances(load.stewarded) || most.is_full_of_tasks(load.open_tasks))
}

/// Who stands in today, `""` if the member is here or nobody does.
fn substitute_of(context: NativeCallContext<'_>, member: Text) -> Answer<Text> {
    let people = snapshot(&context)?;
    people.member(&member)?;
    let absence = people.absent.iter().find(|(absent, _)| absent.as_str() == member);
    let substitute = absence.and_then(|(_, substitute)| substitute.as_ref());
    Ok(substitute.map_or("", |member| member.as_str()).into())
}

/// Whether the first of two members has been without a new assignment for longer.
fn last_assigned_before(context: NativeCallContext<'_>, first: Text, second: Text) -> Answer<bool> {
    let people = snapshot(&context)?;
    Ok(Reverse(people.load(&first)?.assigned_at) > Reverse(people.load(&second)?.assigned_at))
}

fn working_days_between(context: NativeCallContext<'_>, from: Dynamic, to: Dynamic) -> Answer<i64> {
    let people = snapshot(&context)?;
    Ok(people.calendar.working_days_between(people.noon(day(from)?)?, people.noon(day(to)?)?))
}

fn snapshot(context: &NativeCallContext<'_>) -> Answer<Tag> {
    let tag = context.tag().and_then(|tag| tag.clone().try_cast::<Tag>());
    tag.ok_or_else(|| raised(format!("`{}` cannot be asked here", context.fn_name())))
}

/// A day, or the text of one.
fn day(value: Dynamic) -> Answer<Date> {
    let text = match value.try_cast_result::<Date>() {
        Ok(date) => return Ok(date),
        Err(text) => text.to_string(),
    };
    date_of_text(&text).ok_or_else(|| raised(format!("`{text}` is no date such as `2025-01-06`")))
}

fn text(text: &str) -> Dynamic {
    ImmutableString::from(text).into()
}
