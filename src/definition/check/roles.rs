//! Roles that nobody fills: neither a member of their own nor one of a role above.

use std::collections::BTreeSet;

use crate::definition::authored::shapes::Scalar;
use crate::definition::authored::work::{Approver, Extensions, Objections};
use crate::definition::authored::workflow::{Return, Stage, Task, Termination};
use crate::definition::code::Code;
use crate::definition::diagnostic::{Diagnostic, Findings, Span};
use crate::definition::span::KeyPath;
use crate::model::organization::{Organization, RoleScope};

use super::{Checked, actions};

/// Words that stand for whoever it is at the time.
const ALWAYS_THERE: [&str; 3] = ["steward", "holder", "on_duty"];

/// Reports each role once, at its first place.
pub(super) fn check(checked: &Checked<'_>, findings: &mut Findings) {
    let Some(organization) = checked.organization else { return };
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (name, span) in named(checked) {
        if is_filled(organization, &name) || !told.insert(name.clone()) {
            continue;
        }
        let message = format!("nobody fills the role `{name}`");
        let diagnostic = Diagnostic::new(Code::EmptyRole, span, message)
            .label("neither it nor a role above it has a member")
            .hint("give it to a member in `rules/organization.yaml`");
        findings.push(diagnostic);
    }
}

/// Whether somebody receives what is given to a role or group.
fn is_filled(organization: &Organization, name: &str) -> bool {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next.take() {
        let held = organization.members.iter().any(|member| {
            member.roles.iter().any(|role| role.as_str() == name)
                || member.group.as_ref().is_some_and(|group| group.as_str() == name)
        });
        let role = organization.role(&name);
        let by_instance = role.is_some_and(|role| role.scope == RoleScope::Steward);
        if held || by_instance || ALWAYS_THERE.contains(&name.as_str()) {
            return true;
        }
        let above = match role {
            Some(role) => role.above.as_ref(),
            None => organization.group(&name).and_then(|group| group.above.as_ref()),
        };
        if seen.insert(name) {
            next = above.map(ToString::to_string).filter(|above| !seen.contains(above));
        }
    }
    false
}

/// Every role that the workflow and its ladders name, in the order of the files.
fn named(checked: &Checked<'_>) -> Vec<(String, Span)> {
    let mut named = Vec::new();
    let authored = checked.authored;
    let root = KeyPath::root();
    let mut take = |path: &KeyPath, role: Option<&Scalar>| {
        named.extend(role.map(|role| (role.as_str().to_owned(), checked.at.value(path))));
    };
    if let Some(suspension) = &authored.suspension {
        let path = root.key("suspension");
        take(&path.key("approver"), suspension.approver.as_ref());
        of_turns(&path, suspension.extensions.as_ref(), None, &mut take);
    }
    let (extensions, objections) = (&authored.extensions, &authored.objections);
    of_turns(&root, extensions.as_ref(), objections.as_ref(), &mut take);
    let common = root.key("may_terminate");
    for (at, rule) in authored.may_terminate.iter() {
        if let Termination::Approved(rule) = rule {
            take(&common.index(at).key("approver"), rule.approver.as_ref());
        }
    }
    for (index, stage) in authored.stages.iter().enumerate() {
        of_stage(&root.key("stages").index(index), stage, &mut take);
    }
    for placed in actions::steps(checked) {
        let path = placed.path.key("notify");
        for (place, role) in placed.step.notify.iter() {
            named.push((role.as_str().to_owned(), placed.at.value(&path.index(place))));
        }
        let given = placed.step.reassign.as_ref();
        named.extend(given.map(|role| (role.as_str().to_owned(), placed.span("reassign"))));
    }
    if let Some((escalation, at)) = checked.policies {
        let used = |name: &str| checked.workflow.special_task(name).is_some();
        for (name, task) in escalation.tasks.iter().filter(|(name, _)| used(name)) {
            let path = root.key("tasks").key(name).key("role");
            named.extend(task.role.iter().map(|role| (role.as_str().to_owned(), at.value(&path))));
        }
    }
    named
}

fn of_stage(path: &KeyPath, stage: &Stage, take: &mut dyn FnMut(&KeyPath, Option<&Scalar>)) {
    take(&path.key("role"), stage.role.as_ref());
    of_turns(path, stage.extensions.as_ref(), stage.objections.as_ref(), take);
    for (at, rule) in stage.return_to.iter() {
        if let Return::Approved(rule) = rule {
            let path = path.key("return_to").index(at).key("approver");
            take(&path, rule.approver.as_ref());
        }
    }
    for (at, rule) in stage.may_terminate.iter() {
        if let Termination::Approved(rule) = rule {
            let path = path.key("may_terminate").index(at).key("approver");
            take(&path, rule.approver.as_ref());
        }
    }
    for (at, task) in stage.tasks.iter().enumerate() {
        of_task(&path.key("tasks").index(at), task, take);
    }
}

fn of_task(path: &KeyPath, task: &Task, take: &mut dyn FnMut(&KeyPath, Option<&Scalar>)) {
    if let Some(role) = &task.role {
        let words = task.for_each.iter().map(|(_, word)| word.as_str());
        let words: Vec<&str> =
            if role.as_str().contains("{each}") { words.collect() } else { vec![""] };
        for word in words {
            let role = Scalar(role.as_str().replace("{each}", word));
            take(&path.key("role"), Some(&role));
        }
    }
    take(&path.key("extension_approver"), task.extension_approver.as_ref());
    of_turns(path, task.extensions.as_ref(), task.objections.as_ref(), take);
    for (at, role) in task.delegate.iter() {
        take(&path.key("delegate").index(at), Some(role));
    }
}

fn of_turns(
    path: &KeyPath,
    extensions: Option<&Extensions>,
    objections: Option<&Objections>,
    take: &mut dyn FnMut(&KeyPath, Option<&Scalar>),
) {
    let approvers = path.key("extensions").key("approvers");
    for (at, approver) in extensions.iter().flat_map(|rules| rules.approvers.iter()) {
        let path = approvers.index(at);
        match approver {
            Approver::Role(role) => take(&path, Some(role)),
            Approver::Capped(rule) => take(&path.key("role"), rule.role.as_ref()),
        }
    }
    if let Some(rules) = objections {
        take(&path.key("objections").key("by"), rules.by.as_ref());
    }
}
