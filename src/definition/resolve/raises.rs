//! What is raised when a condition comes to hold: a clock without a limit, with a ladder of one
//! step.

use crate::definition::authored;
use crate::definition::authored::rules::Step as Authored;
use crate::definition::authored::shapes::Named;
use crate::definition::authored::workflow::Clock;
use crate::definition::code::Code;
use crate::definition::compiled::{ClockRule, ClockSpec, Policy, StepInstant};
use crate::definition::span::KeyPath;
use crate::model::id::{ClockId, PolicyId};

use super::clocks::{Clocks, RESERVED, TAKEN};
use super::desk::Desk;
use super::policies::Steps;

/// Names under `raise` stand for ladders and clocks, so they are unique among all of them.
pub(super) fn unique_names(
    desk: &mut Desk<'_>,
    authored: &authored::Workflow,
    policies: &[Policy],
) {
    let root = KeyPath::root();
    let mut known: Vec<(String, KeyPath)> = Vec::new();
    let mut raised: Vec<(String, KeyPath)> = Vec::new();
    let mut take = |top: &KeyPath, clocks: &Named<Clock>, raises: &[Authored]| {
        let own = clocks.names().map(|name| (name.to_owned(), top.key("clocks").key(name)));
        known.extend(own);
        for (at, raise) in raises.iter().enumerate() {
            let path = top.key("raise").index(at).key("id");
            raised.extend(raise.id.as_ref().map(|id| (id.as_str().to_owned(), path)));
        }
    };
    take(&root, &authored.clocks, &authored.raise);
    for (at, stage) in authored.stages.iter().enumerate() {
        take(&root.key("stages").index(at), &stage.clocks, &stage.raise);
    }
    for (name, path) in raised {
        if policies.iter().any(|policy| policy.id.as_str() == name) {
            let message = format!("the escalation policy `{name}` exists already");
            let diagnostic = desk.value(Code::DuplicateName, &path, message);
            desk.lose(diagnostic.label("what is raised has a ladder of this name"));
        }
        match known.iter().find(|(other, _)| *other == name) {
            Some((_, first)) => desk.taken(&path, &first.clone(), "clock or raise", &name),
            None => known.push((name, path)),
        }
    }
}

/// The clocks under `raise`.
pub(super) fn raises(
    desk: &mut Desk<'_>,
    clocks: &Clocks<'_>,
    top: &KeyPath,
    authored: &[Authored],
) -> Vec<ClockSpec> {
    let each = authored.iter().enumerate();
    each.filter_map(|(at, raise)| self::raise(desk, clocks, &top.index(at), raise)).collect()
}

fn raise(
    desk: &mut Desk<'_>,
    clocks: &Clocks<'_>,
    path: &KeyPath,
    authored: &Authored,
) -> Option<ClockSpec> {
    let (scene, rules) = (clocks.scene, clocks.scene.rules);
    for key in ["at", "value"] {
        desk.misplaced(path, key, "what is raised fires when its condition comes to hold");
    }
    let id = desk.own_name(path, "id", authored.id.as_ref(), ClockId::parse);
    if let Some(name) = id.as_ref().filter(|id| RESERVED.contains(&id.as_str())) {
        // Beside that clock it would count as burning already, and never be raised.
        let message = format!("`{name}` cannot be raised");
        let diagnostic = desk.value(Code::ReservedName, &path.key("id"), message);
        desk.push(diagnostic.label(TAKEN));
    }
    if authored.when.is_none() {
        desk.missing(path, "when", "say what must hold, such as `when: 'stage.returns >= 2'`");
    }
    let when = scene.condition(desk, &path.key("when"), authored.when.as_ref());
    let special: Vec<String> = rules.special.iter().map(|spec| spec.id.to_string()).collect();
    let steps = Steps { roles: scene.roles, levels: &rules.levels, special: &special };
    let step = steps.step(desk, path, authored, (None, Some(StepInstant::Due)));
    let (id, when, step) = (id?, when?, step?);
    let policy = PolicyId::trusted(id.as_str());
    let ladder = Policy { id: policy.clone(), steps: vec![step] };
    Some(ClockSpec {
        id,
        kind: ClockRule::Raise { when, ladder },
        excluded_while: None,
        policy: Some(policy),
        always_on: false,
    })
}

/// Everything that a workflow raises, with its place.
pub(in crate::definition) fn raised(authored: &authored::Workflow) -> Vec<(&Authored, KeyPath)> {
    let root = KeyPath::root();
    let mut all = Vec::new();
    all.extend(placed(&root, &authored.raise));
    for (at, stage) in authored.stages.iter().enumerate() {
        all.extend(placed(&root.key("stages").index(at), &stage.raise));
    }
    all
}

fn placed<'a>(
    owner: &KeyPath,
    raises: &'a [Authored],
) -> impl Iterator<Item = (&'a Authored, KeyPath)> {
    let top = owner.key("raise");
    raises.iter().enumerate().map(move |(at, raise)| (raise, top.index(at)))
}
