//! Stages: the path, what runs beside it, and where each leads.

use crate::definition::authored;
use crate::definition::authored::shapes::Scalar;
use crate::definition::authored::workflow::{Next, Return, Stage as AuthoredStage};
use crate::definition::code::Code;
use crate::definition::compiled::{
    AdvanceMode, Beside, NextRule, ReturnRule, Stage, StageIndex, TerminationRule,
};
use crate::definition::span::KeyPath;
use crate::model::id::{ClockId, FieldId, RoleId, StageId};
use crate::model::limits;

use super::clocks::Clocks;
use super::desk::Desk;
use super::tasks::tasks;
use super::work::Customs;
use super::workflow::terminations;

/// Who moves a stage that names nobody.
const STEWARD: &str = "steward";

/// The stages that have names of their own, in the order of the file.
pub(super) struct Order {
    stages: Vec<Placed>,
}

struct Placed {
    id: StageId,
    /// Its place in the file.
    at: usize,
    beside: bool,
}

impl Order {
    /// The names of the stages.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().map(|stage| stage.id.as_str())
    }

    /// A stage of the path, looked up by name.
    fn on_path(&self, desk: &mut Desk<'_>, path: &KeyPath, name: &Scalar) -> Option<StageIndex> {
        let written = name.as_str();
        let Some(index) = self.stages.iter().position(|stage| stage.id.as_str() == written) else {
            let known: Vec<&str> = self.names().collect();
            desk.unknown(Code::UnknownStage, path, "stage", written, known);
            return None;
        };
        let path_exists = self.stages.iter().any(|stage| !stage.beside);
        if self.stages[index].beside && path_exists {
            let message = format!("the stage `{written}` runs beside the path");
            let diagnostic = desk.value(Code::NotOnPath, path, message);
            let place = KeyPath::root().key("stages").index(self.stages[index].at).key("beside");
            let place = desk.at.key(&place);
            desk.lose(
                diagnostic
                    .label("a stage of the path is needed here")
                    .also(place, "it has a place of its own"),
            );
            return None;
        }
        Some(StageIndex(index))
    }
}

/// Which stages there are. Those without a name, or with the name of another, are left out.
pub(super) fn order(desk: &mut Desk<'_>, authored: &authored::Workflow) -> Order {
    let top = KeyPath::root().key("stages");
    let mut order = Order { stages: Vec::new() };
    for (at, stage) in authored.stages.iter().enumerate() {
        let path = top.index(at);
        let Some(id) = desk.own_name(&path, "id", stage.id.as_ref(), StageId::parse) else {
            continue;
        };
        if let Some(first) = order.stages.iter().find(|known| known.id == id) {
            let first = top.index(first.at).key("id");
            desk.taken(&path.key("id"), &first, "stage", id.as_str());
        } else {
            order.stages.push(Placed { id, at, beside: stage.beside });
        }
    }
    if authored.stages.len() > limits::STAGES_MAX {
        let message = format!("{} stages", authored.stages.len());
        let diagnostic = desk.key(Code::TooMany, &top, message);
        desk.push(diagnostic.label(format!("at most {} are allowed", limits::STAGES_MAX)));
    }
    if authored.stages.is_empty() {
        desk.missing(&KeyPath::root(), "stages", "list at least one stage");
    } else if authored.stages.iter().all(|stage| stage.beside) {
        let message = "every stage runs beside the path, so there is none".to_owned();
        let diagnostic = desk.key(Code::EmptyPath, &top, message);
        desk.lose(diagnostic.label("one stage at least stands without `beside: true`"));
    }
    order
}

/// Builds the stages.
pub(super) fn stages(
    desk: &mut Desk<'_>,
    clocks: &Clocks<'_>,
    authored: &authored::Workflow,
    order: &Order,
    (common, outer): (&[TerminationRule], &Customs),
) -> Vec<Stage> {
    let top = KeyPath::root().key("stages");
    super::tasks::unique_names(desk, authored);
    let each = order.stages.iter().enumerate();
    each.map(|(index, placed)| {
        let path = top.index(placed.at);
        let builder = Builder { clocks, order, index, path: &path, common, outer };
        builder.stage(desk, &placed.id, &authored.stages[placed.at])
    })
    .collect()
}

/// One stage under construction.
struct Builder<'a> {
    clocks: &'a Clocks<'a>,
    order: &'a Order,
    index: usize,
    path: &'a KeyPath,
    common: &'a [TerminationRule],
    outer: &'a Customs,
}

impl Builder<'_> {
    fn stage(&self, desk: &mut Desk<'_>, id: &StageId, authored: &AuthoredStage) -> Stage {
        let (path, scene) = (self.path, self.clocks.scene);
        let role = scene.roles.optional(desk, &path.key("role"), authored.role.as_ref());
        let role = role.unwrap_or_else(|| RoleId::trusted(STEWARD));
        let guide = authored.guide.as_ref();
        let guide = guide.map(|guide| Desk::title(Some(guide), "")).unwrap_or_default();
        let skip_when = scene.condition(desk, &path.key("skip_when"), authored.skip_when.as_ref());
        let advance = authored.advance.as_ref().and_then(|word| {
            let words = [("by_hand", AdvanceMode::ByHand), ("automatic", AdvanceMode::Automatic)];
            desk.word(&path.key("advance"), word, &words)
        });
        let customs = self.outer.within(desk, self.clocks, path, authored);
        let top = path.key("may_terminate");
        let may_terminate = terminations(desk, scene, &top, &authored.may_terminate);
        let is_common =
            |rule: &TerminationRule| self.common.iter().any(|common| common.code == rule.code);
        Stage {
            id: id.clone(),
            title: Desk::title(authored.title.as_ref(), id.as_str()),
            beside: self.beside(desk, authored),
            skip_when,
            requires: self.requires(desk, authored),
            advance: advance.unwrap_or(AdvanceMode::ByHand),
            clocks: self.stage_clocks(desk, authored),
            extensions: customs.extensions(),
            tasks: tasks(desk, self.clocks, path, authored, (&role, &guide, &customs)),
            next: self.next(desk, authored),
            return_to: self.return_to(desk, authored),
            may_terminate: may_terminate.into_iter().filter(|rule| !is_common(rule)).collect(),
            guide,
            role,
        }
    }

    fn stage_clocks(
        &self,
        desk: &mut Desk<'_>,
        authored: &AuthoredStage,
    ) -> Vec<crate::definition::compiled::ClockSpec> {
        let own = authored.sla.as_ref().and_then(|clock| {
            self.clocks.clock(desk, &self.path.key("sla"), ClockId::trusted("stage"), clock)
        });
        let named = self.clocks.named(desk, &self.path.key("clocks"), &authored.clocks);
        let top = self.path.key("raise");
        let raised = super::raises::raises(desk, self.clocks, &top, &authored.raise);
        own.into_iter().chain(named).chain(raised).collect()
    }

    fn requires(&self, desk: &mut Desk<'_>, authored: &AuthoredStage) -> Vec<FieldId> {
        let top = self.path.key("requires");
        let mut required = Vec::new();
        for (at, name) in authored.requires.iter() {
            let fields = self.clocks.fields;
            match fields.iter().find(|field| field.id.as_str() == name.as_str()) {
                Some(field) => required.push(field.id.clone()),
                None if self.clocks.scene.fields_unsure => desk.lost = true,
                None => {
                    let known = fields.iter().map(|field| field.id.as_str());
                    let path = top.index(at);
                    desk.unknown(Code::UnknownField, &path, "field", name.as_str(), known);
                }
            }
        }
        required
    }

    /// How it runs beside the path; keys that mean nothing for the other kind are reported.
    fn beside(&self, desk: &mut Desk<'_>, authored: &AuthoredStage) -> Option<Beside> {
        let (path, scene) = (self.path, self.clocks.scene);
        let when = scene.condition(desk, &path.key("when"), authored.when.as_ref());
        let enough = path.key("enough_when");
        let enough_when = scene.condition(desk, &enough, authored.enough_when.as_ref());
        let opens_from = path.key("opens_from");
        let from = authored.opens_from.as_ref();
        let from = from.and_then(|name| self.order.on_path(desk, &opens_from, name));
        if !authored.beside {
            let why = "only a stage with `beside: true` opens and closes by itself";
            for key in ["opens_from", "when", "recurring", "enough_when", "close_on_return"] {
                desk.misplaced(path, key, why);
            }
            return None;
        }
        desk.misplaced(path, "skip_when", "a stage beside the path is opened, never passed over");
        desk.misplaced(path, "next", "a stage beside the path just closes");
        desk.misplaced(path, "return_to", "only a stage of the path is returned from");
        if !authored.recurring {
            desk.misplaced(path, "enough_when", "only a stage with `recurring: true` opens again");
        }
        if authored.opens_from.is_none() {
            let hint = "name the stage of the path from which on it may open";
            desk.missing(path, "opens_from", hint);
        }
        Some(Beside {
            opens_from: from.unwrap_or(StageIndex(0)),
            when,
            recurring: authored.recurring,
            enough_when,
            close_on_return: authored.close_on_return,
        })
    }

    fn next(&self, desk: &mut Desk<'_>, authored: &AuthoredStage) -> Vec<NextRule> {
        let top = self.path.key("next");
        let mut rules = Vec::new();
        for (at, next) in authored.next.iter() {
            let path = top.index(at);
            let (to, place, when) = match next {
                Next::Always(to) => (Some(to), path.clone(), None),
                Next::When(rule) => (rule.to.as_ref(), path.key("to"), rule.when.as_ref()),
            };
            let when = self.clocks.scene.condition(desk, &path.key("when"), when);
            let Some(to) = to else {
                desk.missing(&path, "to", "name a later stage of the path");
                continue;
            };
            let Some(index) = self.order.on_path(desk, &place, to) else { continue };
            if index.0 <= self.index && !authored.beside {
                let message = format!("`{}` does not come later", to.as_str());
                let diagnostic = desk
                    .value(Code::NotLater, &place, message)
                    .label("`next` leads only to later stages of the path")
                    .hint("to go back, list the stage in `return_to`");
                desk.push(diagnostic);
            }
            rules.push(NextRule { to: index, when });
        }
        rules
    }

    fn return_to(&self, desk: &mut Desk<'_>, authored: &AuthoredStage) -> Vec<ReturnRule> {
        let top = self.path.key("return_to");
        let mut rules: Vec<(KeyPath, ReturnRule)> = Vec::new();
        for (at, rule) in authored.return_to.iter() {
            let path = top.index(at);
            let (to, place, approver) = match rule {
                Return::Stage(to) => (Some(to), path.clone(), None),
                Return::Approved(rule) => {
                    (rule.to.as_ref(), path.key("to"), rule.approver.as_ref())
                }
            };
            let roles = self.clocks.scene.roles;
            let approver = roles.optional(desk, &path.key("approver"), approver);
            let Some(to) = to else {
                desk.missing(&path, "to", "name an earlier stage of the path");
                continue;
            };
            let Some(index) = self.order.on_path(desk, &place, to) else { continue };
            if index.0 >= self.index && !authored.beside {
                let message = format!("`{}` does not come earlier", to.as_str());
                let diagnostic = desk.value(Code::NotEarlier, &place, message);
                desk.push(diagnostic.label("only an earlier stage of the path can be returned to"));
            }
            match rules.iter().find(|(_, known)| known.to == index) {
                Some((first, _)) => desk.taken(&place, first, "return to", to.as_str()),
                None => rules.push((place, ReturnRule { to: index, approver })),
            }
        }
        rules.into_iter().map(|(_, rule)| rule).collect()
    }
}
