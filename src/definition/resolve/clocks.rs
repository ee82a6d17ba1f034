//! Time limits: of instances, stages, tasks and suspensions.

use crate::definition::authored::shapes::{Many, Named, Scalar, Words};
use crate::definition::authored::workflow::{Clock, Limit, Suspension};
use crate::definition::code::Code;
use crate::definition::compiled::{
    ActivityKind, ClockRule, ClockSpec, Field, FieldKind, LimitChoice, Step, StepInstant,
    SuspensionRule,
};
use crate::definition::span::KeyPath;
use crate::model::id::{ActivityId, ClockId, FieldId, PolicyId};
use crate::script::{Condition, TaskWords, Use};

use super::desk::Desk;
use super::scene::Scene;
use super::work::Customs;

/// Names of clocks that have their own places.
pub(super) const RESERVED: [&str; 5] = ["stage", "task", "suspension", "objection", "supplement"];
/// Why none else may have them.
pub(super) const TAKEN: &str = "a clock of its own has this name, such as the one under `sla`";

/// What clocks of a workflow can refer to, beside the rules.
pub(super) struct Clocks<'a> {
    pub scene: &'a Scene<'a>,
    pub fields: &'a [Field],
    pub activities: &'a [ActivityKind],
    /// The task to which the clock belongs.
    pub task: Option<&'a TaskWords>,
}

impl Clocks<'_> {
    /// The clocks under `clocks:`.
    pub(super) fn named(
        &self,
        desk: &mut Desk<'_>,
        top: &KeyPath,
        clocks: &Named<Clock>,
    ) -> Vec<ClockSpec> {
        let mut built = Vec::new();
        for (name, clock) in clocks.iter() {
            let path = top.key(name);
            if RESERVED.contains(&name) {
                let message = format!("`{name}` cannot be a clock here");
                let diagnostic = desk.key(Code::ReservedName, &path, message);
                desk.push(diagnostic.label(TAKEN));
            }
            let Some(id) = desk.name(&path, name, ClockId::parse) else { continue };
            built.extend(self.clock(desk, &path, id, clock));
        }
        built
    }

    /// One clock.
    pub(super) fn clock(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        id: ClockId,
        clock: &Clock,
    ) -> Option<ClockSpec> {
        let policy = self.policy(desk, path, clock.escalation.as_ref());
        let excluded = path.key("excluded_while");
        let excluded_while = self.condition(desk, &excluded, clock.excluded_while.as_ref());
        let kind = self.rule(desk, path, &id, clock)?;
        self.ladder_fits(desk, path, &kind, policy.as_ref());
        if matches!(kind, ClockRule::By(_)) {
            desk.misplaced(path, "excluded_while", "a `by` clock ends on its day, come what may");
            self.no_shares(desk, path, policy.as_ref());
        }
        Some(ClockSpec { id, kind, excluded_while, policy, always_on: clock.always_on })
    }

    /// The clock of a suspension and who approves one.
    pub(super) fn suspension(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        suspension: &Suspension,
        outer: &Customs,
    ) -> Option<SuspensionRule> {
        let approver = path.key("approver");
        let approver = self.scene.roles.optional(desk, &approver, suspension.approver.as_ref());
        let policy = self.policy(desk, path, suspension.escalation.as_ref());
        let Some(within) = &suspension.within else {
            let message = "a suspension without a limit".to_owned();
            let diagnostic = desk.key(Code::NoSuspensionLimit, path, message);
            desk.lose(
                diagnostic
                    .label("a suspended instance would be forgotten")
                    .hint("say how long it may last, such as `within: 20wd`"),
            );
            return None;
        };
        let limits = self.limits(desk, &path.key("within"), within);
        let clock = ClockSpec {
            id: ClockId::trusted("suspension"),
            kind: ClockRule::Within(limits),
            excluded_while: None,
            policy,
            always_on: suspension.always_on,
        };
        let extensions = outer.within(desk, self, path, suspension).extensions();
        Some(SuspensionRule { approver, clock, extensions })
    }

    fn rule(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        id: &ClockId,
        clock: &Clock,
    ) -> Option<ClockRule> {
        let kinds = [
            ("within", clock.within.is_some()),
            ("by", clock.by.is_some()),
            ("every", clock.every.is_some()),
            ("check", clock.check.is_some()),
        ];
        let mut given = kinds.iter().filter(|(_, given)| *given).map(|(key, _)| *key);
        let first = given.next();
        if let (Some(first), Some(second)) = (first, given.next()) {
            let message = format!("`{first}` and `{second}` exclude each other");
            let diagnostic = desk.key(Code::ExclusiveKeys, &path.key(second), message);
            let other = desk.at.key(&path.key(first));
            desk.push(diagnostic.label("a limit is one of them").also(other, "the other"));
        }
        if first != Some("check") {
            desk.misplaced(path, "on", "only a `check` runs on certain days");
        }
        if first != Some("every") {
            desk.misplaced(path, "reset_by", "only an `every` clock is reset by activities");
        }
        if let Some(within) = &clock.within {
            return Some(ClockRule::Within(self.limits(desk, &path.key("within"), within)));
        }
        if let Some(field) = &clock.by {
            return self.date_field(desk, &path.key("by"), field).map(ClockRule::By);
        }
        if let Some(every) = &clock.every {
            let limits = self.limits(desk, &path.key("every"), every);
            let reset_by = self.resets(desk, &path.key("reset_by"), &clock.reset_by);
            return Some(ClockRule::Every { limits, reset_by });
        }
        if let Some(function) = &clock.check {
            if RESERVED.contains(&id.as_str()) {
                let why =
                    "a check has no limit: it stands under `clocks` of a stage or the workflow";
                desk.misplaced(path, "check", why);
            }
            let function = self.scene.function(desk, &path.key("check"), function, Use::Check);
            let runs = super::runs::runs(desk, path, clock.on.as_ref());
            return Some(ClockRule::Check { function: function?, runs: runs? });
        }
        desk.missing(path, "within", "a limit is one of `within`, `by` and `every`");
        None
    }

    /// A check climbs by values, everything else by instants.
    fn ladder_fits(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        kind: &ClockRule,
        policy: Option<&PolicyId>,
    ) {
        let is_check = matches!(kind, ClockRule::Check { .. });
        let policies = &self.scene.rules.policies;
        let ladder = policy.and_then(|id| policies.iter().find(|known| known.id == *id));
        let Some(ladder) = ladder else {
            if is_check && policy.is_none() {
                desk.missing(path, "escalation", "a check without a ladder tells nobody");
            }
            return;
        };
        let of_values = |step: &Step| matches!(step.at, StepInstant::Value(_));
        if ladder.steps.iter().any(of_values) == is_check {
            return;
        }
        let (is, needs) = if is_check {
            ("instants", "a check climbs by `value`")
        } else {
            ("values", "only a `check` has values to climb by")
        };
        let message = format!("the ladder `{}` is one of {is}", ladder.id);
        let diagnostic = desk.value(Code::WrongLadder, &path.key("escalation"), message);
        desk.push(diagnostic.label(needs));
    }

    /// A list of limits, of which the last always holds.
    pub(super) fn limits(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        limits: &Many<Limit>,
    ) -> Vec<LimitChoice> {
        let mut built = Vec::new();
        let mut unconditional = None;
        for (at, limit) in limits.iter() {
            let path = path.index(at);
            if let Some(first) = &unconditional {
                let message = "this limit is never reached".to_owned();
                let diagnostic = desk.value(Code::UnreachableLimit, &path, message);
                let first = desk.at.value(first);
                desk.push(diagnostic.label("the one before always holds").also(first, "this one"));
            }
            let (when, take) = match limit {
                Limit::Always(take) => (None, Some((path.clone(), take))),
                Limit::Choice(choice) => {
                    let take = choice.take.as_ref().map(|take| (path.key("take"), take));
                    (choice.when.as_ref(), take)
                }
            };
            if when.is_none() {
                unconditional.get_or_insert(path.clone());
            }
            let when = self.condition(desk, &path.key("when"), when);
            match take {
                Some((path, take)) => {
                    let take = desk.amount(&path, take);
                    built.extend(take.map(|take| LimitChoice { when, take }));
                }
                None => desk.missing(&path, "take", "say how long, such as `take: 5wd`"),
            }
        }
        if unconditional.is_none() {
            let message = "no limit where none of the conditions holds".to_owned();
            let last = path.index(limits.0.len().saturating_sub(1));
            let diagnostic = desk
                .key(Code::NoUnconditionalLimit, &last.key("when"), message)
                .label("the last entry must always hold")
                .hint("end the list with an entry without `when`, such as `{ take: 5wd }`");
            desk.lose(diagnostic);
        }
        built
    }

    fn condition(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        source: Option<&Scalar>,
    ) -> Option<Condition> {
        match self.task {
            Some(task) => self.scene.condition_of_task(desk, path, source, task),
            None => self.scene.condition(desk, path, source),
        }
    }

    /// The ladder under `escalation`.
    pub(super) fn policy(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        policy: Option<&Scalar>,
    ) -> Option<PolicyId> {
        let name = policy?.as_str();
        let policies = &self.scene.rules.policies;
        if let Some(known) = policies.iter().find(|known| known.id.as_str() == name) {
            return Some(known.id.clone());
        }
        let known = policies.iter().map(|known| known.id.as_str());
        let path = path.key("escalation");
        desk.unknown(Code::UnknownPolicy, &path, "escalation policy", name, known);
        None
    }

    /// A day has no length: a ladder of shares does not fit.
    fn no_shares(&self, desk: &mut Desk<'_>, path: &KeyPath, policy: Option<&PolicyId>) {
        let Some(policy) = policy else { return };
        let policies = &self.scene.rules.policies;
        let Some(ladder) = policies.iter().find(|known| known.id == *policy) else { return };
        let Some(step) = ladder.steps.iter().find(|step| has_share(&step.at)) else { return };
        let path = path.key("escalation");
        let message = format!("the ladder `{policy}` takes shares of a limit that has no length");
        let diagnostic = desk
            .value(Code::ShareOfDate, &path, message)
            .label(format!("its step `{}` stands at a share", step.id))
            .hint("use a ladder with steps at `due` and at offsets such as `-5wd`");
        desk.push(diagnostic);
    }

    fn date_field(&self, desk: &mut Desk<'_>, path: &KeyPath, field: &Scalar) -> Option<FieldId> {
        let name = field.as_str();
        let Some(field) = self.fields.iter().find(|field| field.id.as_str() == name) else {
            let known = self.fields.iter().map(|field| field.id.as_str());
            if !self.scene.fields_unsure {
                desk.unknown(Code::UnknownField, path, "field", name, known);
            }
            return None;
        };
        if field.kind != FieldKind::Date {
            let declared = desk.at.value(&KeyPath::root().key("fields").key(name).key("type"));
            let diagnostic = desk
                .value(Code::NotADate, path, format!("the field `{name}` is no date"))
                .label("a limit ends on the day in this field")
                .also(declared, "it is declared here");
            desk.push(diagnostic);
        }
        Some(field.id.clone())
    }

    fn resets(&self, desk: &mut Desk<'_>, path: &KeyPath, activities: &Words) -> Vec<ActivityId> {
        let mut known = Vec::new();
        for (at, name) in activities.iter() {
            let written = name.as_str();
            let found = self.activities.iter().find(|activity| activity.id.as_str() == written);
            if found.is_none() {
                let names = self.activities.iter().map(|activity| activity.id.as_str());
                let path = path.index(at);
                desk.unknown(Code::UnknownActivity, &path, "activity", written, names);
            }
            known.extend(found.map(|activity| activity.id.clone()));
        }
        known
    }
}

fn has_share(instant: &StepInstant) -> bool {
    match instant {
        StepInstant::Share(_) => true,
        StepInstant::Due | StepInstant::Offset(_) | StepInstant::Value(_) => false,
        StepInstant::LaterOf(list) | StepInstant::EarlierOf(list) => list.iter().any(has_share),
    }
}
