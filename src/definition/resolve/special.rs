//! Special tasks: what a step of a ladder opens, such as a meeting at the top level.

use std::sync::Arc;

use crate::definition::authored;
use crate::definition::authored::rules::{SpecialLimit, SpecialTask};
use crate::definition::authored::shapes::Scalar;
use crate::definition::code::Code;
use crate::definition::compiled::{AssignMode, ClockRule, ClockSpec, Join, LimitChoice, Policy};
use crate::definition::compiled::{ExtensionRules, StepInstant, TaskSpec};
use crate::definition::span::KeyPath;
use crate::model::id::{ClockId, Outcome, PolicyId, RoleId, TaskId};
use crate::model::task::TaskKind;

use super::desk::Desk;
use super::roles::Roles;

/// The special tasks under `tasks` of the escalation file.
pub(super) fn special_tasks(
    desk: &mut Desk<'_>,
    roles: Roles<'_>,
    authored: &authored::Escalation,
    policies: &[Policy],
) -> Vec<Arc<TaskSpec>> {
    let top = KeyPath::root().key("tasks");
    let mut built = Vec::new();
    for (name, task) in authored.tasks.iter() {
        let path = top.key(name);
        let Some(id) = desk.name(&path, name, TaskId::parse) else { continue };
        let role = roles.optional(desk, &path.key("role"), task.role.as_ref());
        let clock = task.sla.as_ref();
        let clock = clock.and_then(|it| self::clock(desk, &path.key("sla"), it, policies));
        built.push(Arc::new(TaskSpec {
            title: Desk::title(task.title.as_ref(), name),
            guide: task.guide.as_ref().map(|it| Desk::title(Some(it), "")).unwrap_or_default(),
            kind: TaskKind::Human,
            for_each: Vec::new(),
            roles: vec![role.unwrap_or_else(|| RoleId::trusted("steward"))],
            candidates: None,
            assign: if task.offer { AssignMode::Offer } else { AssignMode::Default },
            when: None,
            after: Vec::new(),
            optional: true,
            outcomes: outcomes(desk, &path, task),
            join: Join::All,
            four_eyes: false,
            form: Vec::new(),
            checklist: super::tasks::checklist(desk, &path.key("checklist"), &task.checklist),
            clock,
            extensions: ExtensionRules::default(),
            objections: None,
            supplements: None,
            silence: None,
            delegate: Vec::new(),
            call: None,
            id,
        }));
    }
    built
}

fn outcomes(desk: &mut Desk<'_>, path: &KeyPath, task: &SpecialTask) -> Vec<Outcome> {
    let path = path.key("outcomes");
    let words = super::words(desk, &path, &task.outcomes, "outcome");
    words.iter().filter_map(|word| desk.own_text(&path, word, Outcome::parse)).collect()
}

fn clock(
    desk: &mut Desk<'_>,
    path: &KeyPath,
    limit: &SpecialLimit,
    policies: &[Policy],
) -> Option<ClockSpec> {
    let Some(within) = &limit.within else {
        desk.missing(path, "within", "say how long, such as `within: 3wd`");
        return None;
    };
    let take = desk.amount(&path.key("within"), within)?;
    let policy = limit.escalation.as_ref().and_then(|name| policy(desk, path, name, policies));
    Some(ClockSpec {
        id: ClockId::trusted("task"),
        kind: ClockRule::Within(vec![LimitChoice { when: None, take }]),
        excluded_while: None,
        policy,
        always_on: false,
    })
}

fn policy(
    desk: &mut Desk<'_>,
    path: &KeyPath,
    name: &Scalar,
    policies: &[Policy],
) -> Option<PolicyId> {
    let path = path.key("escalation");
    let Some(known) = policies.iter().find(|known| known.id.as_str() == name.as_str()) else {
        let known = policies.iter().map(|known| known.id.as_str());
        desk.unknown(Code::UnknownPolicy, &path, "escalation policy", name.as_str(), known);
        return None;
    };
    if known.steps.iter().any(|step| matches!(step.at, StepInstant::Value(_))) {
        let message = format!("the ladder `{}` is one of values", known.id);
        let diagnostic = desk.value(Code::WrongLadder, &path, message);
        desk.push(diagnostic.label("only a `check` has values to climb by"));
    }
    Some(known.id.clone())
}
