//! A workflow as a whole: its head, what it declares, and its stages.

use std::sync::Arc;

use crate::definition::authored;
use crate::definition::authored::shapes::{Many, Scalar};
use crate::definition::authored::workflow::{Steward, Termination};
use crate::definition::code::Code;
use crate::definition::compiled::{ActivityKind, ClockRule, ClockSpec, Field, Policy};
use crate::definition::compiled::{StewardRule, TaskSpec, TerminationRule, Workflow};
use crate::definition::diagnostic::Findings;
use crate::definition::load::Located;
use crate::definition::span::KeyPath;
use crate::model::id::{ActivityId, CalendarId, PolicyId, WorkflowId};
use crate::model::organization::Organization;
use crate::script::{TaskWords, Use, Vocabulary};

use super::calls;
use super::clocks::Clocks;
use super::desk::Desk;
use super::fields::{self, Owner, fields};
use super::raises;
use super::roles::Roles;
use super::scene::{Rules, Scene};
use super::stages::{self, stages};
use super::work::Customs;

/// What changes under a running workflow and is looked up anew; absent for a published version.
#[derive(Clone, Copy)]
pub(in crate::definition) struct Live<'a> {
    /// The organization; absent where its file is.
    pub organization: Option<&'a Organization>,
    /// The names of all calendars.
    pub calendars: &'a [String],
    /// The names of all workflows.
    pub workflows: &'a [String],
}

/// Builds a workflow. `None`: something of it was lost. Findings say everything that is wrong.
pub(in crate::definition) fn workflow_of(
    file: &Located<authored::Workflow>,
    rules: &Rules,
    live: Option<Live<'_>>,
    findings: &mut Findings,
) -> Option<Workflow> {
    let mut desk = Desk::new(&file.at);
    let workflow = workflow(&mut desk, &file.value, rules, live);
    let lost = desk.lost;
    findings.append(desk.findings);
    workflow.filter(|_| !lost)
}

fn workflow(
    desk: &mut Desk<'_>,
    authored: &authored::Workflow,
    rules: &Rules,
    live: Option<Live<'_>>,
) -> Option<Workflow> {
    let root = KeyPath::root();
    raises::unique_names(desk, authored, &rules.policies);
    let id = desk.own_name(&root, "workflow", authored.workflow.as_ref(), WorkflowId::parse);
    let calendar = calendar(desk, authored.calendar.as_ref(), live);
    let order = stages::order(desk, authored);
    let organization = live.and_then(|live| live.organization);
    let vocabulary = vocabulary(authored, &order);
    let scene = Scene {
        rules,
        roles: Roles { organization },
        fields_unsure: vocabulary.fields.len() < authored.fields.0.len(),
        vocabulary,
    };
    let steward = steward(desk, &scene, authored.steward.as_ref());
    let own = fields(desk, &scene, &root.key("fields"), &authored.fields, Owner::Instance);
    let key = calls::key(desk, authored, &own);
    let activities = activities(desk, &scene, authored, (live, &own));
    let clocks = Clocks { scene: &scene, fields: &own, activities: &activities, task: None };
    let mut of_instance = clocks.named(desk, &root.key("clocks"), &authored.clocks);
    of_instance.extend(raises::raises(desk, &clocks, &root.key("raise"), &authored.raise));
    let customs = Customs::default().within(desk, &clocks, &root, authored);
    let suspended = authored.suspension.as_ref();
    let suspension =
        suspended.and_then(|each| clocks.suspension(desk, &root.key("suspension"), each, &customs));
    let may_terminate =
        terminations(desk, &scene, &root.key("may_terminate"), &authored.may_terminate);
    let stages = stages(desk, &clocks, authored, &order, (&may_terminate, &customs));
    let name = authored.workflow.as_ref().map_or("workflow", Scalar::as_str);
    let mut workflow = Workflow {
        id: id?,
        version: 0,
        digest: String::new(),
        title: Desk::title(authored.title.as_ref(), name),
        calendar: calendar?,
        steward,
        fields: own,
        key,
        outcome_of: calls::outcome_of(desk, authored, &stages),
        activities,
        clocks: of_instance,
        suspension,
        extensions: customs.extensions(),
        may_terminate,
        reasons: rules.reasons.clone(),
        words: Arc::clone(&rules.words),
        stages,
        task_groups: Arc::default(),
        policies: Vec::new(),
        special_tasks: Vec::new(),
        levels: rules.levels.clone(),
        functions: Arc::clone(&rules.functions),
    };
    (workflow.policies, workflow.special_tasks) = ladders(&workflow, rules);
    workflow.task_groups = Arc::new(workflow.groups_of_tasks());
    Some(workflow)
}

fn calendar(
    desk: &mut Desk<'_>,
    name: Option<&Scalar>,
    live: Option<Live<'_>>,
) -> Option<CalendarId> {
    let root = KeyPath::root();
    let Some(name) = name else {
        desk.missing(&root, "calendar", "name a calendar of `rules/calendars`, such as `cn`");
        return None;
    };
    let id = desk.own_text(&root.key("calendar"), name.as_str(), CalendarId::parse)?;
    if let Some(live) = live
        && !live.calendars.iter().any(|calendar| *calendar == *id.as_str())
    {
        let known = live.calendars.iter().map(String::as_str);
        let path = root.key("calendar");
        desk.unknown(Code::UnknownCalendar, &path, "calendar", id.as_str(), known);
    }
    Some(id)
}

/// What the expressions of this workflow may name.
fn vocabulary(authored: &authored::Workflow, order: &stages::Order) -> Vocabulary {
    let tasks = authored.stages.iter().flat_map(|stage| &stage.tasks);
    let words = |task: &authored::workflow::Task| {
        let id = task.id.as_ref()?.as_str().into();
        let text = |(_, word): (usize, &Scalar)| Arc::from(word.as_str());
        let each = task.for_each.iter().map(text).collect();
        Some(TaskWords { id, each, outcomes: task.outcomes.iter().map(text).collect() })
    };
    Vocabulary {
        fields: fields::types(&authored.fields),
        stages: order.names().map(Arc::from).collect(),
        tasks: tasks.filter_map(words).collect(),
        task: None,
    }
}

fn steward(desk: &mut Desk<'_>, scene: &Scene<'_>, steward: Option<&Steward>) -> StewardRule {
    let path = KeyPath::root().key("steward");
    let rule = match steward {
        None => return StewardRule::ByCaller,
        Some(Steward::Function(name)) => {
            scene.function(desk, &path, name, Use::Steward).map(StewardRule::Function)
        }
        Some(Steward::Rule(rule)) => {
            if rule.least_loaded_of.is_none() {
                desk.missing(&path, "least_loaded_of", "name a role or a group");
            }
            let path = path.key("least_loaded_of");
            let role = scene.roles.optional(desk, &path, rule.least_loaded_of.as_ref());
            role.map(StewardRule::LeastLoadedOf)
        }
    };
    rule.unwrap_or(StewardRule::ByCaller)
}

fn activities(
    desk: &mut Desk<'_>,
    scene: &Scene<'_>,
    authored: &authored::Workflow,
    (live, of_instance): (Option<Live<'_>>, &[Field]),
) -> Vec<ActivityKind> {
    let top = KeyPath::root().key("activities");
    let mut activities = Vec::new();
    for (name, activity) in authored.activities.iter() {
        let path = top.key(name);
        let place = path.key("fields");
        let mut own = fields(desk, scene, &place, &activity.fields, Owner::Activity);
        fields::targets(desk, scene, &place, (&activity.fields, &mut own), of_instance);
        let mut may_start = Vec::new();
        for (at, workflow) in activity.may_start.iter() {
            let path = path.key("may_start").index(at);
            if let Some(live) = live
                && !live.workflows.iter().any(|known| known == workflow.as_str())
            {
                let known = live.workflows.iter().map(String::as_str);
                let message = format!("unknown workflow `{}`", workflow.as_str());
                let diagnostic = desk
                    .value(Code::UnknownWorkflow, &path, message)
                    .label("no workflow has this name")
                    .did_you_mean(workflow.as_str(), known);
                desk.push(diagnostic);
            }
            may_start.extend(desk.name(&path, workflow.as_str(), WorkflowId::parse));
        }
        let Some(id) = desk.name(&path, name, ActivityId::parse) else { continue };
        let title = Desk::title(activity.title.as_ref(), name);
        activities.push(ActivityKind { id, title, fields: own, may_start });
    }
    activities
}

/// Reason codes, each once.
pub(super) fn terminations(
    desk: &mut Desk<'_>,
    scene: &Scene<'_>,
    top: &KeyPath,
    authored: &Many<Termination>,
) -> Vec<TerminationRule> {
    let mut rules: Vec<(KeyPath, TerminationRule)> = Vec::new();
    for (at, termination) in authored.iter() {
        let path = top.index(at);
        let (code, place, approver) = match termination {
            Termination::Code(code) => (code, path.clone(), None),
            Termination::Approved(rule) => {
                let Some(code) = &rule.code else {
                    desk.missing(&path, "code", "name a reason of `rules/reasons.yaml`");
                    continue;
                };
                (code, path.key("code"), rule.approver.as_ref())
            }
        };
        let approver = scene.roles.optional(desk, &path.key("approver"), approver);
        let reasons = &scene.rules.reasons;
        let Some((code, _)) = reasons.get_key_value(code.as_str()) else {
            let known = reasons.keys().map(crate::model::id::ReasonCode::as_str);
            desk.unknown(Code::UnknownReason, &place, "reason code", code.as_str(), known);
            continue;
        };
        match rules.iter().find(|(_, rule)| rule.code == *code) {
            Some((first, _)) => desk.taken(&place, first, "reason code", code.as_str()),
            None => rules.push((place, TerminationRule { code: code.clone(), approver })),
        }
    }
    rules.into_iter().map(|(_, rule)| rule).collect()
}

/// The ladders that the clocks of a workflow name, in the order of their file, then those of what
/// it raises; and the tasks that their steps open, with the ladders that these name in turn.
fn ladders(workflow: &Workflow, rules: &Rules) -> (Vec<Policy>, Vec<Arc<TaskSpec>>) {
    let of_stages = workflow.stages.iter().flat_map(|stage| {
        let of_tasks = stage.tasks.iter().flat_map(TaskSpec::clocks);
        stage.clocks.iter().chain(of_tasks)
    });
    let suspension = workflow.suspension.as_ref().map(|suspension| &suspension.clock);
    let clocks: Vec<&ClockSpec> =
        workflow.clocks.iter().chain(of_stages).chain(suspension).collect();
    let raised = |clock: &&ClockSpec| match &clock.kind {
        ClockRule::Raise { ladder, .. } => Some(ladder.clone()),
        _ => None,
    };
    let raised: Vec<Policy> = clocks.iter().filter_map(raised).collect();
    let mut named: Vec<&PolicyId> = clocks.iter().filter_map(|it| it.policy.as_ref()).collect();
    let mut special: Vec<&Arc<TaskSpec>> = Vec::new();
    loop {
        let used = rules.policies.iter().filter(|policy| named.contains(&&policy.id));
        let opened = used.chain(&raised).flat_map(|policy| &policy.steps);
        let opened: Vec<_> = opened.filter_map(|step| step.task.as_ref()).collect();
        let is_new = |spec: &&Arc<TaskSpec>| {
            opened.contains(&&spec.id) && special.iter().all(|known| known.id != spec.id)
        };
        let more: Vec<&Arc<TaskSpec>> = rules.special.iter().filter(is_new).collect();
        if more.is_empty() {
            break;
        }
        let clocks = more.iter().filter_map(|spec| spec.clock.as_ref());
        named.extend(clocks.filter_map(|clock| clock.policy.as_ref()));
        special.extend(more);
    }
    let policies = rules.policies.iter().filter(|policy| named.contains(&&policy.id)).cloned();
    (policies.chain(raised.clone()).collect(), special.into_iter().cloned().collect())
}
