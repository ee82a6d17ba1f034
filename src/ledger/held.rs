//! Who had an instance in hand: every working minute of its life belongs to exactly one hand, or is
//! shared out equally between several.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::ledger::Naming;
use crate::definition::ledger::indicator::HeldPer;
use crate::model::id::MemberId;
use crate::model::task::TaskKind;
use crate::model::time::Timestamp;

use super::cell::{Language, Names};
use super::dossier::{Dossier, Held, Span, TaskStory};
use super::setting::Setting;

/// Whose hand it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hand {
    /// Somebody, by the name of the person, the role or the group.
    Name(String),
    /// Nobody had taken the task.
    Nobody,
    /// A fixed period had to pass.
    Period,
    /// Another instance that a task called.
    Called,
    /// The enterprise: the instance stood still, or its task waited for something from outside.
    Enterprise,
}

/// The working time between two instants, in milliseconds, by whose hand it was in.
pub(super) fn held(
    dossier: &Dossier,
    setting: &Setting<'_>,
    per: HeldPer,
    (from, to): (Timestamp, Timestamp),
) -> BTreeMap<Hand, i64> {
    let from = from.max(dossier.instance.created_at);
    let to = dossier.ended_at.map_or(to, |ended| ended.min(to));
    let mut held = BTreeMap::new();
    let turns = turns(dossier, from, to);
    for pair in turns.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let time = setting.calendar.working_ms(start, end);
        if time == 0 {
            continue;
        }
        let hands = hands(dossier, setting, per, start);
        let count = i64::try_from(hands.len().max(1)).unwrap_or(i64::MAX);
        for (at, hand) in (0_i64..).zip(hands) {
            // What does not divide goes to the first ones, so that nothing is lost.
            let own = time / count + i64::from(at < time % count);
            *held.entry(hand).or_insert(0) += own;
        }
    }
    held
}

/// Every instant at which the instance may have gone to another hand, the ends included.
fn turns(dossier: &Dossier, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let tasks = dossier.tasks.iter().map(TaskStory::span);
    let holders = dossier.tasks.iter().flat_map(|task| &task.holders);
    let held = holders.chain(&dossier.stewards).map(|held| held.span);
    let waits = dossier.tasks.iter().flat_map(|task| &task.waits).chain(&dossier.suspensions);
    let spans = tasks.chain(held).chain(waits.copied());
    let instants = spans.flat_map(|span| [Some(span.from), span.to]).flatten();
    let mut turns: BTreeSet<Timestamp> = instants.filter(|at| *at > from && *at < to).collect();
    if from < to {
        turns.extend([from, to]);
    }
    turns.into_iter().collect()
}

fn covers(span: Span, at: Timestamp) -> bool {
    span.from <= at && span.to.is_none_or(|to| at < to)
}

/// In whose hands it was at an instant.
fn hands(dossier: &Dossier, setting: &Setting<'_>, per: HeldPer, at: Timestamp) -> BTreeSet<Hand> {
    if dossier.suspensions.iter().any(|span| covers(*span, at)) {
        return BTreeSet::from([Hand::Enterprise]);
    }
    let open = || dossier.tasks.iter().filter(|story| covers(story.span(), at));
    let is_human = |story: &&TaskStory| story.task.kind == TaskKind::Human;
    let hands: BTreeSet<Hand> =
        open().filter(is_human).map(|story| hand_of_task(story, setting, per, at)).collect();
    if !hands.is_empty() {
        return hands;
    }
    if open().any(|story| story.task.kind == TaskKind::Call) {
        return BTreeSet::from([Hand::Called]);
    }
    if open().next().is_some() {
        return BTreeSet::from([Hand::Period]);
    }
    // Nothing is to be done but to move it on: that is the steward's.
    let steward = holder_at(&dossier.stewards, at);
    BTreeSet::from([match (per, steward) {
        (_, None) => Hand::Nobody,
        (HeldPer::Role, Some(_)) => Hand::Name("steward".to_owned()),
        (_, Some(member)) => hand_of_member(member, setting, per),
    }])
}

fn holder_at(holders: &[Held], at: Timestamp) -> Option<&MemberId> {
    holders.iter().find(|held| covers(held.span, at)).map(|held| &held.member)
}

fn hand_of_task(story: &TaskStory, setting: &Setting<'_>, per: HeldPer, at: Timestamp) -> Hand {
    if story.waits.iter().any(|span| covers(*span, at)) {
        return Hand::Enterprise;
    }
    if let (HeldPer::Role, Some(role)) = (per, &story.task.role) {
        return Hand::Name(role.as_str().to_owned());
    }
    match holder_at(&story.holders, at) {
        Some(member) => hand_of_member(member, setting, per),
        None => Hand::Nobody,
    }
}

fn hand_of_member(member: &MemberId, setting: &Setting<'_>, per: HeldPer) -> Hand {
    let name = match per {
        HeldPer::Holder | HeldPer::Role => member.as_str(),
        HeldPer::Group => {
            let known = setting.organization.member(member.as_str());
            let group = known.and_then(|member| member.group.as_ref());
            group.map_or(member.as_str(), |group| group.as_str())
        }
    };
    Hand::Name(name.to_owned())
}

/// What people call it.
pub(super) fn called(hand: &Hand, per: HeldPer, names: &Names<'_>) -> String {
    let pick = |en: &str, zh: &str| match names.language {
        Language::English => en.to_owned(),
        Language::Chinese => zh.to_owned(),
    };
    match hand {
        Hand::Name(name) => match per {
            HeldPer::Holder => names.name(Naming::Member, name),
            HeldPer::Role => names.name(Naming::Role, name),
            HeldPer::Group => {
                let group = names.name(Naming::Group, name);
                if group == *name { names.name(Naming::Member, name) } else { group }
            }
        },
        Hand::Nobody => pick("nobody yet", "待认领"),
        Hand::Called => pick("another workflow", "关联流程"),
        Hand::Period => pick("a fixed period", "法定期限"),
        Hand::Enterprise => pick("the enterprise", "企业"),
    }
}
