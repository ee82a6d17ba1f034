//! Escalation: levels and ladders.

use crate::definition::authored;
use crate::definition::authored::rules::{Instant, Step as AuthoredStep};
use crate::definition::authored::shapes::Scalar;
use crate::definition::code::Code;
use crate::definition::compiled::{Delivery, Policy, Repeat, Requirement, Step, StepInstant};
use crate::definition::diagnostic::Diagnostic;
use crate::definition::span::KeyPath;
use crate::model::escalation::{Light, Priority};
use crate::model::id::{LevelId, PolicyId, StageId, StepId, TaskId};
use crate::model::time::{Amount, Offset};
use crate::model::value::Decimal;

use super::desk::Desk;
use super::roles::Roles;

const LIGHTS: [(&str, Light); 4] =
    [("none", Light::None), ("blue", Light::Blue), ("yellow", Light::Yellow), ("red", Light::Red)];

const REQUIREMENTS: [(&str, Requirement); 2] =
    [("recovery_plan", Requirement::RecoveryPlan), ("promised_date", Requirement::PromisedDate)];

const PRIORITIES: [(&str, Priority); 3] =
    [("normal", Priority::Normal), ("high", Priority::High), ("urgent", Priority::Urgent)];

const DELIVERIES: [(&str, Delivery); 2] =
    [("at_once", Delivery::AtOnce), ("digest", Delivery::Digest)];

/// Shares above this are a slip of the pen.
const SHARE_MAX: u32 = 10_000;

/// The levels in their order and the ladders, as far as they are right.
pub(super) fn escalation(
    desk: &mut Desk<'_>,
    roles: Roles<'_>,
    authored: &authored::Escalation,
) -> (Vec<LevelId>, Vec<Policy>) {
    let levels = levels(desk, authored);
    let special: Vec<String> = authored.tasks.names().map(ToOwned::to_owned).collect();
    let steps_of = Steps { roles, levels: &levels, special: &special };
    let top = KeyPath::root().key("policies");
    let mut policies = Vec::new();
    for (name, steps) in authored.policies.iter() {
        let path = top.key(name);
        let Some(id) = desk.name(&path, name, PolicyId::parse) else { continue };
        let mut ladder = Ladder { steps_of, path: &path, steps: Vec::new() };
        for (at, step) in steps.iter().enumerate() {
            ladder.add(desk, at, step);
        }
        policies
            .push(Policy { id, steps: ladder.steps.into_iter().map(|(_, step)| step).collect() });
    }
    (levels, policies)
}

fn levels(desk: &mut Desk<'_>, authored: &authored::Escalation) -> Vec<LevelId> {
    let top = KeyPath::root().key("levels");
    if authored.levels.is_empty() && !authored.policies.0.is_empty() {
        let hint = "list the levels, lowest first, such as `levels: [L0, L1, L2]`";
        desk.missing(&KeyPath::root(), "levels", hint);
    }
    let mut levels: Vec<LevelId> = Vec::new();
    for (at, level) in authored.levels.iter().enumerate() {
        let path = top.index(at);
        if let Some(first) = levels.iter().position(|known| known.as_str() == level.as_str()) {
            desk.taken(&path, &top.index(first), "level", level.as_str());
        } else {
            levels.extend(desk.name(&path, level.as_str(), LevelId::parse));
        }
    }
    levels
}

/// What the words of a step can refer to, in a ladder and in a `raise`.
#[derive(Clone, Copy)]
pub(super) struct Steps<'a> {
    pub roles: Roles<'a>,
    pub levels: &'a [LevelId],
    /// The names of the special tasks.
    pub special: &'a [String],
}

impl Steps<'_> {
    /// A step, once it is known when it fires. `None` as its id: that of its level.
    pub(super) fn step(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        step: &AuthoredStep,
        (id, at): (Option<StepId>, Option<StepInstant>),
    ) -> Option<Step> {
        let level = self.level(desk, path, step);
        let hint = "a step sets a light: `blue`, `yellow` or `red`";
        let light = desk.needed_word(path, "light", step.light.as_ref(), (&LIGHTS, hint));
        let roles = self.roles;
        let notify_path = path.key("notify");
        let notify = step.notify.iter();
        let notify: Vec<_> = notify
            .filter_map(|(at, role)| roles.role(desk, &notify_path.index(at), role))
            .collect();
        let ack = step.ack_within.as_ref();
        let ack_within = ack.and_then(|amount| desk.amount(&path.key("ack_within"), amount));
        let list = path.key("require");
        let require = step.require.iter();
        let require = require
            .filter_map(|(at, word)| desk.word(&list.index(at), word, &REQUIREMENTS))
            .collect();
        let repeat = self::repeat(desk, path, step);
        let reassign = roles.optional(desk, &path.key("reassign"), step.reassign.as_ref());
        let priority = step.priority.as_ref();
        let priority = priority.and_then(|it| desk.word(&path.key("priority"), it, &PRIORITIES));
        let open = step.open.as_ref();
        let open =
            open.and_then(|it| desk.own_text(&path.key("open"), it.as_str(), StageId::parse));
        let task = self.special_task(desk, path, step);
        let delivery = step.delivery.as_ref();
        let delivery = delivery.and_then(|it| desk.word(&path.key("delivery"), it, &DELIVERIES));
        let (at, level, light) = (at?, level?, light?);
        Some(Step {
            id: id.unwrap_or_else(|| StepId::trusted(level.as_str())),
            level,
            at,
            light,
            notify,
            ack_within,
            require,
            repeat,
            reassign,
            priority: priority.unwrap_or_default(),
            open,
            task,
            delivery: delivery.unwrap_or_else(|| usual_delivery(light)),
        })
    }

    fn level(&self, desk: &mut Desk<'_>, path: &KeyPath, step: &AuthoredStep) -> Option<LevelId> {
        let Some(level) = &step.level else {
            desk.missing(path, "level", "say at which of the levels the step stands");
            return None;
        };
        let found = self.levels.iter().find(|known| known.as_str() == level.as_str());
        if found.is_none() {
            let known = self.levels.iter().map(LevelId::as_str);
            let path = path.key("level");
            desk.unknown(Code::UnknownLevel, &path, "level", level.as_str(), known);
        }
        found.cloned()
    }

    fn special_task(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        step: &AuthoredStep,
    ) -> Option<TaskId> {
        let name = step.task.as_ref()?;
        if self.special.iter().any(|known| known == name.as_str()) {
            return TaskId::parse(name.as_str()).ok();
        }
        let known = self.special.iter().map(String::as_str);
        let path = path.key("task");
        desk.unknown(Code::UnknownTask, &path, "special task", name.as_str(), known);
        None
    }
}

/// What burns is told at once; what only glows is read in the morning.
fn usual_delivery(light: Light) -> Delivery {
    match light {
        Light::Red => Delivery::AtOnce,
        Light::None | Light::Blue | Light::Yellow => Delivery::Digest,
    }
}

/// A ladder under construction.
struct Ladder<'a> {
    steps_of: Steps<'a>,
    path: &'a KeyPath,
    /// The steps with their places in the file.
    steps: Vec<(usize, Step)>,
}

impl Ladder<'_> {
    fn add(&mut self, desk: &mut Desk<'_>, at: usize, step: &AuthoredStep) {
        let path = self.path.index(at);
        desk.misplaced(&path, "when", "a step fires at an instant; a condition stands in `raise`");
        let instant = self.instant(desk, &path, step);
        let id = match &step.id {
            Some(written) => match self.own_id(desk, &path, written) {
                Some(id) => Some(id),
                None => return,
            },
            None => None,
        };
        let built = self.steps_of.step(desk, &path, step, (id, instant));
        if let Some(built) = built {
            self.order(desk, at, &built);
            self.steps.push((at, built));
        }
    }

    /// When it fires: at an instant, or at a value where the ladder is one of a check.
    fn instant(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        step: &AuthoredStep,
    ) -> Option<StepInstant> {
        let fires = match (&step.at, &step.value) {
            (Some(_), Some(_)) => {
                let message = "`at` and `value` exclude each other".to_owned();
                let diagnostic = desk.key(Code::ExclusiveKeys, &path.key("value"), message);
                let other = desk.at.key(&path.key("at"));
                desk.lose(diagnostic.label("a step has one of them").also(other, "the other"));
                return None;
            }
            (None, None) => {
                let hint = "say when the step fires, such as `at: 70%` or `at: due`";
                desk.missing(path, "at", hint);
                return None;
            }
            (Some(at), None) => self::instant(desk, &path.key("at"), at)?,
            (None, Some(value)) => StepInstant::Value(number(desk, &path.key("value"), value)?),
        };
        self.of_one_kind(desk, path, &fires);
        Some(fires)
    }

    /// All steps stand at instants, or all at values that rise.
    fn of_one_kind(&self, desk: &mut Desk<'_>, path: &KeyPath, fires: &StepInstant) {
        let Some((below, lower)) = self.steps.last() else { return };
        let below = self.path.index(*below);
        match (&lower.at, fires) {
            (StepInstant::Value(lower), StepInstant::Value(value)) if value <= lower => {
                let message = format!("`{value}` is not above `{lower}`");
                let diagnostic = desk.value(Code::InvalidValue, &path.key("value"), message);
                let below = desk.at.value(&below.key("value"));
                desk.push(diagnostic.label("values rise").also(below, "the step before"));
            }
            (StepInstant::Value(_), StepInstant::Value(_)) => {}
            (StepInstant::Value(_), _) | (_, StepInstant::Value(_)) => {
                let message = "a ladder is one of instants or one of values".to_owned();
                let diagnostic = desk.value(Code::WrongLadder, path, message);
                let below = desk.at.value(&below);
                desk.push(diagnostic.label("another kind").also(below, "than the step before"));
            }
            (_, _) => {}
        }
    }

    fn own_id(&self, desk: &mut Desk<'_>, path: &KeyPath, written: &Scalar) -> Option<StepId> {
        let id = desk.own_name(path, "id", Some(written), StepId::parse)?;
        if let Some((first, _)) = self.steps.iter().find(|(_, other)| other.id == id) {
            desk.taken(&path.key("id"), &self.path.index(*first).key("id"), "step", id.as_str());
        }
        Some(id)
    }

    /// Steps stand from the lowest level to the highest.
    fn order(&self, desk: &mut Desk<'_>, at: usize, step: &Step) {
        let levels = self.steps_of.levels;
        let rank = |level: &LevelId| levels.iter().position(|each| each == level);
        let Some((below, lower)) = self.steps.last() else { return };
        if rank(&lower.level) < rank(&step.level) {
            return;
        }
        let path = self.path.index(at).key("level");
        let message = format!("`{}` does not stand above `{}`", step.level, lower.level);
        let below = desk.at.value(&self.path.index(*below).key("level"));
        let diagnostic = desk
            .value(Code::LevelOrder, &path, message)
            .label("each step stands at a higher level than the one before")
            .also(below, "the step before");
        desk.push(diagnostic);
    }
}

fn repeat(desk: &mut Desk<'_>, path: &KeyPath, step: &AuthoredStep) -> Option<Repeat> {
    let path = path.key("repeat");
    let repeat = step.repeat.as_ref()?;
    if repeat.times == Some(0) {
        let diagnostic =
            desk.value(Code::InvalidValue, &path.key("times"), "`0` times is never".to_owned());
        desk.lose(
            diagnostic
                .label("at least 1")
                .hint("without `times` it tells again until the work is done"),
        );
    }
    let Some(every) = &repeat.every else {
        desk.missing(&path, "every", "say how long between two, such as `every: 1wd`");
        return None;
    };
    let every = desk.amount(&path.key("every"), every)?;
    Some(Repeat { every, times: repeat.times })
}

fn instant(desk: &mut Desk<'_>, path: &KeyPath, instant: &Instant) -> Option<StepInstant> {
    let chosen = match instant {
        Instant::Point(text) => return point(desk, path, text),
        Instant::Chosen(chosen) => chosen,
    };
    match (&chosen.later_of, &chosen.earlier_of) {
        (Some(list), None) => several(desk, &path.key("later_of"), list).map(StepInstant::LaterOf),
        (None, Some(list)) => {
            several(desk, &path.key("earlier_of"), list).map(StepInstant::EarlierOf)
        }
        (Some(_), Some(_)) => {
            let message = "`later_of` and `earlier_of` exclude each other".to_owned();
            let diagnostic = desk.key(Code::ExclusiveKeys, &path.key("earlier_of"), message);
            let first = desk.at.key(&path.key("later_of"));
            desk.lose(diagnostic.label("only one can stand here").also(first, "the other"));
            None
        }
        (None, None) => {
            desk.missing(path, "later_of", "write `{ later_of: [80%, -1wd] }`");
            None
        }
    }
}

fn several(desk: &mut Desk<'_>, path: &KeyPath, list: &[Instant]) -> Option<Vec<StepInstant>> {
    if list.is_empty() {
        let message = "the list of instants is empty".to_owned();
        let diagnostic = desk.value(Code::InvalidInstant, path, message);
        desk.lose(diagnostic.label("list two or more instants"));
        return None;
    }
    let each = list.iter().enumerate();
    let built: Vec<Option<StepInstant>> =
        each.map(|(at, each)| instant(desk, &path.index(at), each)).collect();
    built.into_iter().collect()
}

/// What a check must measure, with all the digits that were written.
fn number(desk: &mut Desk<'_>, path: &KeyPath, text: &Scalar) -> Option<Decimal> {
    let digits = desk.at.scalar(path).unwrap_or(text.as_str()).to_owned();
    let parsed = digits.parse::<Decimal>().ok();
    if parsed.is_none() {
        let diagnostic = desk.value(Code::InvalidValue, path, format!("`{digits}` is no number"));
        desk.lose(diagnostic.label("a number such as `10` or `2.5`"));
    }
    parsed
}

/// `due`, `70%`, `-1wd` or `+16wh`.
fn point(desk: &mut Desk<'_>, path: &KeyPath, text: &Scalar) -> Option<StepInstant> {
    let written = text.as_str();
    if written == "due" {
        return Some(StepInstant::Due);
    }
    if let Some(share) = written.strip_suffix('%') {
        let percent = share.parse::<u32>().ok().filter(|share| (1..=SHARE_MAX).contains(share));
        if percent.is_none() {
            let message = format!("`{written}` is no share of a limit");
            let diagnostic = desk.value(Code::InvalidInstant, path, message);
            desk.lose(diagnostic.label(format!("a whole percentage from 1 to {SHARE_MAX}")));
        }
        return percent.map(StepInstant::Share);
    }
    let before = written.strip_prefix('-');
    let Some(amount) = before.or_else(|| written.strip_prefix('+')) else {
        let diagnostic = not_an_instant(desk, path, written);
        desk.lose(diagnostic);
        return None;
    };
    match amount.parse::<Amount>() {
        Ok(amount) if before.is_some() => Some(StepInstant::Offset(Offset::Before(amount))),
        Ok(amount) => Some(StepInstant::Offset(Offset::After(amount))),
        Err(invalid) => {
            let diagnostic = desk.invalid_amount(path, amount, &invalid);
            desk.lose(diagnostic);
            None
        }
    }
}

fn not_an_instant(desk: &Desk<'_>, path: &KeyPath, written: &str) -> Diagnostic {
    let message = format!("`{written}` is no instant of a ladder");
    let diagnostic = desk
        .value(Code::InvalidInstant, path, message)
        .label("`due`, a share such as `70%`, or an offset such as `-1wd`");
    match written.parse::<Amount>() {
        Ok(_) => diagnostic.hint(format!(
            "write `-{written}` for before the due time or `+{written}` for after it"
        )),
        Err(_) if !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit()) => {
            diagnostic.hint(format!("did you mean `{written}%`?"))
        }
        Err(_) => diagnostic.did_you_mean(written, ["due"]),
    }
}
