//! How work may take another turn: more time, objections, supplements. What a task does not say it
//! takes from its stage, and that from the workflow, each key as a whole.

use crate::definition::authored::shapes::Scalar;
use crate::definition::authored::work::{Approver, Extensions, Objections, Supplements};
use crate::definition::authored::workflow::{Stage, Suspension, Task, Workflow};
use crate::definition::code::Code;
use crate::definition::compiled::{
    ClockRule, ClockSpec, ExtensionApprover, ExtensionRules, LimitChoice, ObjectionRules,
    SupplementRules,
};
use crate::definition::span::KeyPath;
use crate::model::id::{ClockId, PolicyId, RoleId};
use crate::model::time::Amount;

use super::clocks::Clocks;
use super::desk::Desk;

/// The largest share of a limit that an extension may have, in percent.
const PERCENT_MAX: u32 = 1000;

/// What a level says, or what the level above it says where it is silent.
#[derive(Clone, Default)]
pub(super) struct Customs {
    extensions: Option<ExtensionRules>,
    objections: Option<Objecting>,
    supplements: Option<Supplementing>,
}

/// What [`ObjectionRules`] are made from, for as many tasks as they hold for.
#[derive(Clone)]
struct Objecting {
    within: Amount,
    by: RoleId,
    decide_within: Amount,
    policy: Option<PolicyId>,
}

/// The same of [`SupplementRules`].
#[derive(Clone)]
struct Supplementing {
    times: u32,
    within: Amount,
    policy: Option<PolicyId>,
}

/// The keys of one level.
pub(super) struct Keys<'a> {
    extensions: Option<&'a Extensions>,
    objections: Option<&'a Objections>,
    supplements: Option<&'a Supplements>,
}

macro_rules! keys_of {
    ($($level:ident)*) => {$(
        impl<'a> From<&'a $level> for Keys<'a> {
            fn from(level: &'a $level) -> Self {
                Self {
                    extensions: level.extensions.as_ref(),
                    objections: level.objections.as_ref(),
                    supplements: level.supplements.as_ref(),
                }
            }
        }
    )*};
}

keys_of! { Workflow Stage Task }

impl<'a> From<&'a Suspension> for Keys<'a> {
    fn from(suspension: &'a Suspension) -> Self {
        Self { extensions: suspension.extensions.as_ref(), objections: None, supplements: None }
    }
}

impl Customs {
    /// What holds at a level within this one.
    pub(super) fn within<'a>(
        &self,
        desk: &mut Desk<'_>,
        clocks: &Clocks<'_>,
        path: &KeyPath,
        keys: impl Into<Keys<'a>>,
    ) -> Self {
        let keys = keys.into();
        let extensions =
            keys.extensions.map(|own| extension_rules(desk, clocks, &path.key("extensions"), own));
        let objections =
            keys.objections.and_then(|own| objecting(desk, clocks, &path.key("objections"), own));
        let supplements = keys
            .supplements
            .and_then(|own| supplementing(desk, clocks, &path.key("supplements"), own));
        Self {
            extensions: extensions.or_else(|| self.extensions.clone()),
            objections: objections.or_else(|| self.objections.clone()),
            supplements: supplements.or_else(|| self.supplements.clone()),
        }
    }

    /// How more time is given.
    pub(super) fn extensions(&self) -> ExtensionRules {
        self.extensions.clone().unwrap_or_default()
    }

    /// How the holder of a task may object.
    pub(super) fn objections(&self) -> Option<ObjectionRules> {
        let rules = self.objections.clone()?;
        let clock = clock("objection", rules.decide_within, rules.policy);
        Some(ObjectionRules { within: rules.within, by: rules.by, clock })
    }

    /// How a task may wait for something from outside.
    pub(super) fn supplements(&self) -> Option<SupplementRules> {
        let rules = self.supplements.clone()?;
        let clock = clock("supplement", rules.within, rules.policy);
        Some(SupplementRules { times: rules.times, clock })
    }
}

fn clock(name: &str, take: Amount, policy: Option<PolicyId>) -> ClockSpec {
    ClockSpec {
        id: ClockId::trusted(name),
        kind: ClockRule::Within(vec![LimitChoice { when: None, take }]),
        excluded_while: None,
        policy,
        always_on: false,
    }
}

fn extension_rules(
    desk: &mut Desk<'_>,
    clocks: &Clocks<'_>,
    path: &KeyPath,
    own: &Extensions,
) -> ExtensionRules {
    let ask_before = own.ask_before.as_ref();
    let ask_before = ask_before.and_then(|text| desk.amount(&path.key("ask_before"), text));
    let top = path.key("approvers");
    let mut approvers = Vec::new();
    for (at, approver) in own.approvers.iter() {
        let path = top.index(at);
        let (role, place, at_most) = match approver {
            Approver::Role(role) => (Some(role), path.clone(), None),
            Approver::Capped(rule) => (rule.role.as_ref(), path.key("role"), rule.at_most.as_ref()),
        };
        let at_most = at_most.and_then(|text| percent(desk, &path.key("at_most"), text));
        match role {
            Some(role) => {
                let role = clocks.scene.roles.role(desk, &place, role);
                approvers.extend(role.map(|role| ExtensionApprover { role, at_most }));
            }
            None => desk.missing(&path, "role", "name the role that decides"),
        }
    }
    ExtensionRules { ask_before, approvers }
}

/// A share of a limit, such as `50%`.
fn percent(desk: &mut Desk<'_>, path: &KeyPath, text: &Scalar) -> Option<u32> {
    let written = text.as_str();
    let number = written.strip_suffix('%').and_then(|number| number.trim().parse().ok());
    let number = number.filter(|number| (1..=PERCENT_MAX).contains(number));
    if number.is_none() {
        let diagnostic =
            desk.value(Code::InvalidValue, path, format!("`{written}` is no share of a limit"));
        desk.lose(diagnostic.label(format!("from `1%` to `{PERCENT_MAX}%`, such as `50%`")));
    }
    number
}

fn objecting(
    desk: &mut Desk<'_>,
    clocks: &Clocks<'_>,
    path: &KeyPath,
    own: &Objections,
) -> Option<Objecting> {
    let within = amount(desk, path, "within", own.within.as_ref());
    let decide_within = amount(desk, path, "decide_within", own.decide_within.as_ref());
    let by = clocks.scene.roles.optional(desk, &path.key("by"), own.by.as_ref());
    if own.by.is_none() {
        desk.missing(path, "by", "name the role that decides");
    }
    let policy = clocks.policy(desk, path, own.escalation.as_ref());
    Some(Objecting { within: within?, by: by?, decide_within: decide_within?, policy })
}

fn supplementing(
    desk: &mut Desk<'_>,
    clocks: &Clocks<'_>,
    path: &KeyPath,
    own: &Supplements,
) -> Option<Supplementing> {
    if own.times == Some(0) {
        let path = path.key("times");
        let diagnostic = desk.value(Code::InvalidValue, &path, "`0` times is never".to_owned());
        desk.lose(diagnostic.label("at least 1"));
    }
    let within = amount(desk, path, "within", own.within.as_ref());
    let policy = clocks.policy(desk, path, own.escalation.as_ref());
    Some(Supplementing { times: own.times.unwrap_or(1), within: within?, policy })
}

fn amount(desk: &mut Desk<'_>, path: &KeyPath, key: &str, text: Option<&Scalar>) -> Option<Amount> {
    if text.is_none() {
        desk.missing(path, key, &format!("say how long, such as `{key}: 1wd`"));
    }
    desk.amount(&path.key(key), text?)
}
