//! Tasks: who does them, after what, with what outcome, within what time.

use std::sync::Arc;

use crate::definition::authored;
use crate::definition::authored::shapes::Scalar;
use crate::definition::authored::workflow::{
    ChecklistItem as AuthoredItem, Join as AuthoredJoin, Stage, Task,
};
use crate::definition::code::Code;
use crate::definition::compiled::{
    AssignMode, ChecklistItem, ClockRule, ClockSpec, ExtensionApprover, ExtensionRules,
    FunctionName, Join, TaskIndex, TaskSpec,
};
use crate::definition::span::KeyPath;
use crate::model::id::{ClockId, Outcome, RoleId, TaskId};
use crate::model::limits;
use crate::model::organization::Title;
use crate::model::task::TaskKind;
use crate::script::{TaskWords, Use, nearest};

use super::calls;
use super::clocks::Clocks;
use super::desk::Desk;
use super::fields::{Owner, fields};
use super::scene::Scene;
use super::work::Customs;

/// What stands for the word of `for_each` in a role.
const EACH: &str = "{each}";

const KINDS: [(&str, TaskKind); 3] =
    [("human", TaskKind::Human), ("wait", TaskKind::Wait), ("call", TaskKind::Call)];

/// Kinds for which there is a place in the language but no program yet.
const LATER: [&str; 1] = ["service"];

/// Keys that mean nothing for a period that nobody works on.
const HUMAN_KEYS: [&str; 17] = [
    "role",
    "for_each",
    "candidates",
    "assign",
    "offer",
    "outcomes",
    "join",
    "four_eyes",
    "form",
    "checklist",
    "sla",
    "extension_approver",
    "extensions",
    "objections",
    "supplements",
    "silence",
    "delegate",
];

/// Those of them that a call has too.
const CALL_KEYS: [&str; 4] = ["for_each", "outcomes", "join", "sla"];

/// Names of tasks are unique in the whole workflow, because expressions name no stage.
pub(super) fn unique_names(desk: &mut Desk<'_>, authored: &authored::Workflow) {
    let mut known: Vec<(&str, KeyPath)> = Vec::new();
    for (stage_at, stage) in authored.stages.iter().enumerate() {
        let top = KeyPath::root().key("stages").index(stage_at).key("tasks");
        for (task_at, task) in stage.tasks.iter().enumerate() {
            let Some(name) = task.id.as_ref().map(Scalar::as_str) else { continue };
            let path = top.index(task_at).key("id");
            match known.iter().find(|(other, _)| *other == name) {
                Some((_, first)) => desk.taken(&path, &first.clone(), "task", name),
                None => known.push((name, path)),
            }
        }
    }
}

/// Builds the tasks of a stage. What a task does not say it takes from its stage.
pub(super) fn tasks(
    desk: &mut Desk<'_>,
    clocks: &Clocks<'_>,
    stage_path: &KeyPath,
    stage: &Stage,
    defaults: (&RoleId, &Title, &Customs),
) -> Vec<TaskSpec> {
    let top = stage_path.key("tasks");
    let single = |task: &Task| task.for_each.0.len().max(1);
    let count: usize = stage.tasks.iter().map(single).sum();
    if count > limits::STAGE_TASKS_MAX {
        let diagnostic = desk.key(Code::TooMany, &top, format!("{count} tasks in one stage"));
        desk.push(diagnostic.label(format!("at most {} are allowed", limits::STAGE_TASKS_MAX)));
    }
    let mut built = Vec::new();
    for (at, task) in stage.tasks.iter().enumerate() {
        let path = top.index(at);
        let builder = Builder { scene: clocks.scene, clocks, path: &path, stage, at, defaults };
        built.extend(builder.task(desk, task));
    }
    if !desk.lost {
        report_circle(desk, &top, &built);
    }
    built
}

/// One task under construction.
struct Builder<'a> {
    scene: &'a Scene<'a>,
    clocks: &'a Clocks<'a>,
    path: &'a KeyPath,
    stage: &'a Stage,
    at: usize,
    defaults: (&'a RoleId, &'a Title, &'a Customs),
}

impl Builder<'_> {
    fn task(&self, desk: &mut Desk<'_>, task: &Task) -> Option<TaskSpec> {
        let path = self.path;
        let id = desk.own_name(path, "id", task.id.as_ref(), TaskId::parse);
        let kind = self.kind(desk, task)?;
        let id = id?;
        let words = self.words(desk, &id, task);
        let when = self.scene.condition(desk, &path.key("when"), task.when.as_ref());
        let form = path.key("form");
        let form = fields(desk, self.scene, &form, &task.form, Owner::Form(&words));
        let candidates = task.candidates.as_ref().and_then(|name| {
            self.scene.function(desk, &path.key("candidates"), name, Use::Candidates)
        });
        let customs = self.defaults.2.within(desk, self.clocks, path, task);
        let guide = task.guide.as_ref().map(|guide| Desk::title(Some(guide), ""));
        let human = kind == TaskKind::Human;
        let outcomes = self.outcomes(desk, task);
        Some(TaskSpec {
            title: Desk::title(task.title.as_ref(), id.as_str()),
            guide: guide.unwrap_or_else(|| self.defaults.1.clone()),
            kind,
            roles: if human { self.roles(desk, task) } else { Vec::new() },
            candidates,
            assign: self.assign(desk, task),
            when,
            after: self.after(desk, task),
            optional: task.optional,
            join: self.join(desk, task),
            four_eyes: self.four_eyes(desk, task),
            form,
            checklist: checklist(desk, &path.key("checklist"), &task.checklist),
            clock: self.clock(desk, task, kind, &words),
            extensions: self.extensions(desk, task, &customs),
            objections: customs.objections().filter(|_| human),
            supplements: customs.supplements().filter(|_| human),
            silence: self.silence(desk, task, &outcomes),
            delegate: self.delegate(desk, task),
            outcomes,
            call: calls::call(desk, self.scene, path, task),
            for_each: words.each,
            id,
        })
    }

    fn kind(&self, desk: &mut Desk<'_>, task: &Task) -> Option<TaskKind> {
        let later = [("service", task.service)];
        for (key, value) in later {
            desk.not_yet(self.path, key, value);
        }
        let Some(word) = &task.kind else { return Some(TaskKind::Human) };
        let path = self.path.key("kind");
        if LATER.contains(&word.as_str()) {
            let message = format!("tasks of kind `{}` are not supported yet", word.as_str());
            let diagnostic = desk.value(Code::NotYetSupported, &path, message);
            desk.lose(diagnostic.label("nothing would do it").hint("take the task out"));
            return None;
        }
        let kind = desk.word(&path, word, &KINDS)?;
        match kind {
            TaskKind::Human => {}
            TaskKind::Wait => {
                for key in HUMAN_KEYS {
                    desk.misplaced(self.path, key, "nobody works on a `wait`: it only passes");
                }
            }
            TaskKind::Call => {
                for key in HUMAN_KEYS.iter().filter(|key| !CALL_KEYS.contains(key)) {
                    desk.misplaced(self.path, key, "a `call` is done by the instance it begins");
                }
            }
        }
        if kind != TaskKind::Call {
            for key in ["workflow", "fields"] {
                desk.misplaced(self.path, key, "only a `call` begins another instance");
            }
        }
        Some(kind)
    }

    /// The words of `for_each` and the outcomes: what expressions can say of the task.
    fn words(&self, desk: &mut Desk<'_>, id: &TaskId, task: &Task) -> TaskWords {
        let each = super::words(desk, &self.path.key("for_each"), &task.for_each, "word");
        let outcomes = task.outcomes.iter().map(|(_, outcome)| outcome.as_str().into());
        TaskWords { id: id.as_str().into(), each, outcomes: outcomes.collect() }
    }

    fn outcomes(&self, desk: &mut Desk<'_>, task: &Task) -> Vec<Outcome> {
        let path = self.path.key("outcomes");
        let words = super::words(desk, &path, &task.outcomes, "outcome");
        let mut outcomes = Vec::new();
        for word in words {
            let at = task.outcomes.0.iter().position(|each| *each.as_str() == *word);
            let path = path.index(at.unwrap_or_default());
            outcomes.extend(desk.own_text(&path, &word, Outcome::parse));
        }
        outcomes
    }

    /// The role for all, or one for each word of `for_each`.
    fn roles(&self, desk: &mut Desk<'_>, task: &Task) -> Vec<RoleId> {
        let Some(role) = &task.role else { return vec![self.defaults.0.clone()] };
        let (path, roles) = (self.path.key("role"), self.scene.roles);
        let template = role.as_str();
        if !template.contains(EACH) {
            return roles.role(desk, &path, role).into_iter().collect();
        }
        if task.for_each.0.is_empty() {
            let message = format!("`{EACH}` stands for nothing");
            let diagnostic = desk.value(Code::InvalidValue, &path, message);
            desk.lose(diagnostic.label("only a task with `for_each` has words to put here"));
            return Vec::new();
        }
        let mut expanded = Vec::new();
        for (at, word) in task.for_each.iter() {
            let name = template.replace(EACH, word.as_str());
            if roles.exists(&name) {
                expanded.extend(desk.own_text(&path, &name, RoleId::parse));
                continue;
            }
            let word_span = desk.at.value(&self.path.key("for_each").index(at));
            let message = format!("unknown role or group `{name}`");
            let diagnostic = desk.value(Code::UnknownRole, &path, message);
            let diagnostic = diagnostic
                .label("no role or group has this name")
                .also(word_span, format!("for `{}`", word.as_str()))
                .did_you_mean(&name, roles.known());
            desk.lose(diagnostic);
        }
        expanded
    }

    fn assign(&self, desk: &mut Desk<'_>, task: &Task) -> AssignMode {
        let path = self.path.key("assign");
        let function: Option<FunctionName> = task
            .assign
            .as_ref()
            .and_then(|name| self.scene.function(desk, &path, name, Use::Assign));
        if task.offer && task.assign.is_some() {
            let offer = self.path.key("offer");
            let message = "`assign` and `offer` exclude each other".to_owned();
            let diagnostic = desk.key(Code::ExclusiveKeys, &offer, message);
            let assign = desk.at.key(&path);
            desk.push(
                diagnostic.label("it waits to be claimed").also(assign, "a function chooses"),
            );
        }
        match function {
            Some(function) => AssignMode::Function(function),
            None if task.offer => AssignMode::Offer,
            None => AssignMode::Default,
        }
    }

    fn after(&self, desk: &mut Desk<'_>, task: &Task) -> Vec<TaskIndex> {
        let top = self.path.key("after");
        let names = || self.stage.tasks.iter().filter_map(|each| each.id.as_ref());
        let mut after = Vec::new();
        for (at, name) in task.after.iter() {
            let path = top.index(at);
            let position = self.stage.tasks.iter().position(|each| each.id.as_ref() == Some(name));
            match position {
                Some(own) if own == self.at => {
                    let message = format!("`{}` waits for itself", name.as_str());
                    let diagnostic = desk.value(Code::TaskCircle, &path, message);
                    desk.lose(diagnostic.label("it could never begin"));
                }
                Some(index) => after.push(TaskIndex(index)),
                None => {
                    let written = name.as_str();
                    let message = format!("unknown task `{written}`");
                    let diagnostic = desk.value(Code::UnknownTask, &path, message);
                    let diagnostic = diagnostic.label("no task of this stage has this id");
                    let near = nearest(written, names().map(Scalar::as_str));
                    let elsewhere =
                        self.scene.vocabulary.tasks.iter().any(|known| &*known.id == written);
                    desk.lose(match near {
                        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                        None if elsewhere => diagnostic
                            .hint("it is a task of another stage, and those are over or to come"),
                        None => diagnostic,
                    });
                }
            }
        }
        after
    }

    fn join(&self, desk: &mut Desk<'_>, task: &Task) -> Join {
        let path = self.path.key("join");
        let count = task.for_each.0.len();
        if task.for_each.0.is_empty() {
            desk.misplaced(self.path, "join", "only a task with `for_each` has something to join");
        }
        match &task.join {
            None => Join::All,
            Some(AuthoredJoin::Word(word)) => {
                let words = [("all", Join::All), ("any", Join::Any)];
                desk.word(&path, word, &words).unwrap_or(Join::All)
            }
            Some(AuthoredJoin::Count(rule)) => match rule.at_least {
                Some(least) if (1..=count).contains(&(least as usize)) || count == 0 => {
                    Join::AtLeast(least)
                }
                Some(least) => {
                    let message = format!("`{least}` of {count} cannot be");
                    let path = path.key("at_least");
                    let diagnostic = desk.value(Code::InvalidValue, &path, message);
                    desk.lose(diagnostic.label(format!("from 1 to {count}")));
                    Join::All
                }
                None => {
                    desk.missing(&path, "at_least", "say how many are enough");
                    Join::All
                }
            },
        }
    }

    fn four_eyes(&self, desk: &mut Desk<'_>, task: &Task) -> bool {
        if task.four_eyes && task.after.0.is_empty() {
            let why = "it compares with those who did the tasks in `after`, and there are none";
            desk.misplaced(self.path, "four_eyes", why);
        }
        task.four_eyes
    }

    /// How more time is given, also in the form of versions that were published long ago.
    fn extensions(&self, desk: &mut Desk<'_>, task: &Task, customs: &Customs) -> ExtensionRules {
        let path = self.path.key("extension_approver");
        let named = self.scene.roles.optional(desk, &path, task.extension_approver.as_ref());
        let Some(role) = named else { return customs.extensions() };
        if task.extensions.is_some() {
            let message = "`extension_approver` and `extensions` exclude each other".to_owned();
            let diagnostic = desk.key(Code::ExclusiveKeys, &path, message);
            let other = desk.at.key(&self.path.key("extensions"));
            desk.push(diagnostic.label("write it under `extensions`").also(other, "here"));
        }
        let approvers = vec![ExtensionApprover { role, at_most: None }];
        ExtensionRules { approvers, ..customs.extensions() }
    }

    /// Silence needs a moment from which on it counts, and nothing that only a person can give.
    fn silence(&self, desk: &mut Desk<'_>, task: &Task, outcomes: &[Outcome]) -> Option<Outcome> {
        let silence = task.silence.as_ref()?;
        let path = self.path.key("silence");
        let ends = |clock: &authored::workflow::Clock| clock.every.is_none();
        if !task.sla.as_ref().is_some_and(ends) {
            let why = "there is no limit whose end would show that nobody has said anything";
            desk.misplaced(self.path, "silence", why);
        }
        let needed = |field: &authored::workflow::Field| field.required;
        if task.form.iter().any(|(_, field)| needed(field)) || !task.checklist.is_empty() {
            let why = "nobody would fill in the form and check the items";
            desk.misplaced(self.path, "silence", why);
        }
        let Some(outcome) = &silence.outcome else {
            desk.missing(&path, "outcome", "name one of the outcomes of the task");
            return None;
        };
        let known: Vec<(&str, &Outcome)> =
            outcomes.iter().map(|outcome| (outcome.as_str(), outcome)).collect();
        desk.word(&path.key("outcome"), outcome, &known).cloned()
    }

    fn delegate(&self, desk: &mut Desk<'_>, task: &Task) -> Vec<RoleId> {
        let top = self.path.key("delegate");
        let mut roles = Vec::new();
        for (at, role) in task.delegate.iter() {
            roles.extend(self.scene.roles.role(desk, &top.index(at), role));
        }
        roles
    }

    /// The limit of a task, or how long a wait lasts.
    fn clock(
        &self,
        desk: &mut Desk<'_>,
        task: &Task,
        kind: TaskKind,
        words: &TaskWords,
    ) -> Option<ClockSpec> {
        let clocks = Clocks { task: Some(words), ..*self.clocks };
        let id = ClockId::trusted("task");
        if kind != TaskKind::Wait {
            desk.misplaced(self.path, "within", "the limit of a task stands under `sla`");
            let clock = task.sla.as_ref()?;
            return clocks.clock(desk, &self.path.key("sla"), id, clock);
        }
        let Some(within) = &task.within else {
            desk.missing(self.path, "within", "say how long it lasts, such as `within: 20cd`");
            return None;
        };
        let limits = clocks.limits(desk, &self.path.key("within"), within);
        let kind = ClockRule::Wait(limits);
        Some(ClockSpec { id, kind, excluded_while: None, policy: None, always_on: false })
    }
}

/// The items of a checklist, each with a name of its own.
pub(super) fn checklist(
    desk: &mut Desk<'_>,
    top: &KeyPath,
    authored: &[AuthoredItem],
) -> Vec<ChecklistItem> {
    let mut items: Vec<ChecklistItem> = Vec::new();
    for (at, item) in authored.iter().enumerate() {
        let path = top.index(at);
        let (id, title, optional): (Arc<str>, Title, bool) = match item {
            AuthoredItem::Text(text) => {
                let own = TaskId::parse(text.as_str()).is_ok();
                let id = if own { text.as_str().to_owned() } else { format!("item_{}", at + 1) };
                let text = authored::workflow::Text::One(text.clone());
                (id.into(), Desk::title(Some(&text), ""), false)
            }
            AuthoredItem::Named(item) => {
                let id = desk.own_name(&path, "id", item.id.as_ref(), TaskId::parse);
                let Some(id) = id else { continue };
                let title = Desk::title(item.title.as_ref(), id.as_str());
                (id.as_str().into(), title, item.optional)
            }
        };
        match items.iter().position(|known| known.id == id) {
            Some(first) => {
                desk.taken(&path.key("id"), &top.index(first).key("id"), "item", &id);
            }
            None => items.push(ChecklistItem { id, title, optional }),
        }
    }
    items
}

/// Reports the first circle of tasks that wait for one another.
fn report_circle(desk: &mut Desk<'_>, top: &KeyPath, tasks: &[TaskSpec]) {
    for start in 0..tasks.len() {
        let mut open = vec![vec![start]];
        let mut seen = vec![false; tasks.len()];
        while let Some(way) = open.pop() {
            let last = way[way.len() - 1];
            for next in &tasks[last].after {
                if next.0 == start {
                    let names: Vec<&str> = way.iter().map(|at| tasks[*at].id.as_str()).collect();
                    let name = tasks[start].id.as_str();
                    let message = format!("tasks wait in a circle: {} → {name}", names.join(" → "));
                    let path = top.index(start).key("after");
                    let diagnostic = desk.value(Code::TaskCircle, &path, message);
                    desk.lose(diagnostic.label("none of them could ever begin"));
                    return;
                }
                if !std::mem::replace(&mut seen[next.0], true) {
                    open.push([&way[..], &[next.0]].concat());
                }
            }
        }
    }
}
