//! The organization as messages.

use crate::api::pb;
use crate::model::hand_over::{Charge, HandOver, HandOverItem, HandOverItemState};
use crate::model::id::MemberId;
use crate::model::organization::{Group, GroupKind, Member, Organization, Role, RoleScope};
use crate::model::roster::{Absence, Duty, OrganizationChange, OrganizationChangeKind};
use crate::model::time::Date;
use crate::runtime::Workload;

use super::{actor, instant, optional_instant, text, texts, title};

/// A member as of today.
pub(in crate::api) fn member(
    organization: &Organization,
    member: &Member,
    today: Date,
) -> pb::Member {
    let away = organization.away_on(member.id.as_str(), today);
    let present = organization.present_on(&member.id, today);
    let stands_in = present.filter(|present| present.instead_of.is_some());
    pb::Member {
        id: member.id.to_string(),
        title: Some(title(&member.title)),
        group: text(member.group.as_ref()),
        roles: texts(&member.roles),
        home_unit: member.home_unit.as_ref().map(title),
        seconded_from: text(member.seconded.map(|it| it.from).as_ref()),
        seconded_until: text(member.seconded.and_then(|it| it.until).as_ref()),
        contact: member.contact.clone(),
        instances_at_most: member.at_most.instances,
        tasks_at_most: member.at_most.tasks,
        away: away.is_some(),
        away_until: text(away.and_then(|away| away.until).as_ref()),
        substitute: text(stands_in.map(|present| present.member).as_ref()),
    }
}

/// A group.
pub(in crate::api) fn group(organization: &Organization, group: &Group) -> pb::Group {
    let kind = match group.kind {
        GroupKind::Industry => pb::GroupKind::Industry,
        GroupKind::Coordination => pb::GroupKind::Coordination,
        GroupKind::External => pb::GroupKind::External,
    };
    let members = organization.members_of(group.id.as_str());
    pb::Group {
        id: group.id.to_string(),
        title: Some(title(&group.title)),
        kind: kind.into(),
        above: text(group.above.as_ref()),
        members: members.map(|member| member.id.to_string()).collect(),
    }
}

/// A role as of today.
pub(in crate::api) fn role(organization: &Organization, role: &Role, today: Date) -> pb::Role {
    let scope = match role.scope {
        RoleScope::Everywhere => pb::RoleScope::Everywhere,
        RoleScope::Group => pb::RoleScope::Group,
        RoleScope::Steward => pb::RoleScope::Steward,
        RoleScope::Holder => pb::RoleScope::Holder,
        RoleScope::Duty => pb::RoleScope::Duty,
    };
    let members: Vec<MemberId> = if role.scope == RoleScope::Duty {
        organization.on_duty(today).to_vec()
    } else {
        let holds = |member: &&Member| member.roles.contains(&role.id);
        organization.members.iter().filter(holds).map(|member| member.id.clone()).collect()
    };
    pb::Role {
        id: role.id.to_string(),
        title: Some(title(&role.title)),
        above: text(role.above.as_ref()),
        scope: scope.into(),
        may_force: role.may_force,
        members: texts(&members),
    }
}

/// An absence.
pub(in crate::api) fn absence(absence: &Absence) -> pb::Absence {
    pb::Absence {
        member: absence.member.to_string(),
        from: absence.from.to_string(),
        to: absence.to.to_string(),
        substitute: text(absence.substitute.as_ref()),
        reason: absence.reason.clone(),
    }
}

/// A duty.
pub(in crate::api) fn duty(duty: &Duty) -> pb::Duty {
    pb::Duty {
        from: duty.from.to_string(),
        to: duty.to.to_string(),
        members: texts(&duty.members),
        note: duty.note.clone(),
    }
}

/// What a member has to do.
pub(in crate::api) fn workload(workload: &Workload) -> pb::MemberWorkload {
    pb::MemberWorkload {
        member: workload.member.to_string(),
        group: text(workload.group.as_ref()),
        stewarded: workload.stewarded,
        red: workload.red,
        yellow: workload.yellow,
        backup_of: workload.backup_of,
        open_tasks: workload.open_tasks,
        overdue_tasks: workload.overdue_tasks,
        due_soon_tasks: workload.due_soon_tasks,
        full: workload.full,
        away: workload.away,
        away_until: text(workload.away_until.as_ref()),
    }
}

/// What changed.
pub(in crate::api) fn change(change: &OrganizationChange) -> pb::OrganizationChange {
    use OrganizationChangeKind as Kind;
    let what = match change.what {
        Kind::MemberJoined => pb::OrganizationChangeKind::MemberJoined,
        Kind::MemberLeft => pb::OrganizationChangeKind::MemberLeft,
        Kind::MemberChanged => pb::OrganizationChangeKind::MemberChanged,
        Kind::AbsencePut => pb::OrganizationChangeKind::AbsencePut,
        Kind::AbsenceEnded => pb::OrganizationChangeKind::AbsenceEnded,
        Kind::DutyPut => pb::OrganizationChangeKind::DutyPut,
        Kind::HandOverBegun => pb::OrganizationChangeKind::HandOverBegun,
        Kind::HandOverEnded => pb::OrganizationChangeKind::HandOverEnded,
    };
    pb::OrganizationChange {
        what: what.into(),
        member: text(change.member.as_ref()),
        others: texts(&change.others),
        from: text(change.from.as_ref()),
        to: text(change.to.as_ref()),
        words: change.words.clone(),
    }
}

/// A hand-over, with its checklist where that is wanted.
pub(in crate::api) fn hand_over(hand_over: &HandOver, with_checklist: bool) -> pb::HandOver {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let checklist = hand_over.items.iter().filter(|_| with_checklist);
    pb::HandOver {
        id: hand_over.id.clone(),
        from: hand_over.from.to_string(),
        to: text(hand_over.to.as_ref()),
        reason: hand_over.reason.clone(),
        actor: Some(actor(&hand_over.actor)),
        begun_at: Some(instant(hand_over.begun_at)),
        ended_at: optional_instant(hand_over.ended_at),
        total: number(hand_over.items.len()),
        handed_over: number(hand_over.handed_over()),
        left: number(hand_over.left()),
        waiting: number(hand_over.waiting()),
        checklist: checklist.map(item).collect(),
    }
}

fn item(item: &HandOverItem) -> pb::HandOverItem {
    let charge = match item.charge {
        Charge::Stewardship => pb::Charge::Stewardship,
        Charge::Task => pb::Charge::Task,
        Charge::Backup => pb::Charge::Backup,
        Charge::Duty => pb::Charge::Duty,
        Charge::Substitute => pb::Charge::Substitute,
        Charge::Role => pb::Charge::Role,
    };
    let (state, handed_to, code, why) = match &item.state {
        HandOverItemState::Waiting => (pb::HandOverState::Waiting, None, "", ""),
        HandOverItemState::HandedTo(to) => (pb::HandOverState::HandedOver, Some(to), "", ""),
        HandOverItemState::Gone => (pb::HandOverState::Gone, None, "", ""),
        HandOverItemState::Left { code, why } => {
            (pb::HandOverState::Left, None, code.as_str(), why.as_str())
        }
    };
    pb::HandOverItem {
        charge: charge.into(),
        instance: text(item.instance.as_ref()),
        task: item.task.map_or(0, |task| task.0),
        name: item.name.clone(),
        state: state.into(),
        handed_to: text(handed_to),
        code: code.to_owned(),
        why: why.to_owned(),
    }
}
