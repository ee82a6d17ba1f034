//! Projects of the shipped workflow, driven in memory by the engine alone: from their beginning to
//! any of the twelve stages. Knows no store, no process and no wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use sanbang::calendar::Calendar;
use sanbang::definition::compile;
use sanbang::definition::compiled::{Field, FieldKind, TaskSpec, Workflow};
use sanbang::definition::sources::Sources;
use sanbang::engine::{self, Context, Outcome};
use sanbang::model::actor::Actor;
use sanbang::model::command::{
    Action, Advance, Check, Command, Complete, Create, OpenStage, UpdateFields,
};
use sanbang::model::event::Record;
use sanbang::model::id::{FieldId, InstanceId, MemberId, StageId};
use sanbang::model::instance::Instance;
use sanbang::model::organization::{Load, Loads, Organization};
use sanbang::model::task::{Task, TaskKind};
use sanbang::model::time::Timestamp;
use sanbang::model::value::{Decimal, Value, Values};

/// The name of the shipped workflow.
pub(crate) const WORKFLOW: &str = "investment_project";
/// The stage beside the path that the steward opens by hand.
const POLICY: &str = "policy_fulfilment";
/// Days that fields name lie here: far enough ahead that nothing falls due during a run.
const SOME_DAY: &str = "2027-12-01";

/// The shipped files, compiled: what the engine decides by.
pub(crate) struct World {
    pub(crate) workflow: Workflow,
    pub(crate) indexed: Vec<FieldId>,
    organization: Organization,
    calendar: Calendar,
    always_on: Calendar,
}

/// What makes one project different from another.
#[derive(Clone)]
pub(crate) struct Traits {
    /// The stage of the path at whose beginning it stands.
    pub(crate) stage: usize,
    /// Whether a claim is open beside the path.
    pub(crate) claim: bool,
    pub(crate) industry: &'static str,
    pub(crate) tier: &'static str,
    pub(crate) investment: i64,
    pub(crate) site_mode: &'static str,
    pub(crate) hazard: &'static str,
}

/// A project on its way.
#[derive(Clone)]
pub(crate) struct Project {
    pub(crate) instance: Arc<Instance>,
    pub(crate) records: Vec<Record>,
    pub(crate) loads: Loads,
    pub(crate) now: Timestamp,
    traits: Traits,
}

impl World {
    /// Compiles the files that come with the program, as its first start would publish them.
    pub(crate) fn shipped() -> Result<Self> {
        let compilation = compile(&Sources::embedded());
        let mut workflows = compilation.workflows.into_iter().map(|it| it.workflow);
        let workflow = workflows.find(|it| it.id.as_str() == WORKFLOW);
        let workflow = workflow.context("the shipped workflow compiles")?;
        let mut calendars = compilation.calendars.into_iter();
        let calendar = calendars.find(|it| *it.id() == workflow.calendar);
        let calendar = calendar.context("the workflow's calendar is shipped")?;
        Ok(Self {
            indexed: workflow.indexed_fields(),
            workflow: Workflow { version: 1, ..workflow },
            organization: compilation.organization,
            always_on: calendar.always_on(),
            calendar,
        })
    }

    /// The number of stages on the path.
    pub(crate) fn path_length(&self) -> usize {
        self.workflow.path().count()
    }

    /// What the engine may look at for this project.
    pub(crate) fn context<'a>(&'a self, loads: &'a Loads, now: Timestamp) -> Context<'a> {
        Context {
            workflow: &self.workflow,
            workflows: &self.workflow,
            organization: &self.organization,
            calendar: &self.calendar,
            always_on: &self.always_on,
            loads,
            now,
        }
    }

    /// Members with as much to do as chance will have it: so different people get what is assigned.
    pub(crate) fn some_loads(&self, random: &mut fastrand::Rng) -> Loads {
        let mut some = || Load {
            open_tasks: random.u32(0..50),
            stewarded: random.u32(0..50),
            assigned_at: None,
        };
        let members = self.organization.members.iter();
        Loads { members: members.map(|member| (member.id.clone(), some())).collect() }
    }

    /// A project that stands at the beginning of its stage, with every list of its open tasks
    /// checked, so that all that remains to be done with them is to complete them.
    pub(crate) fn project(&self, traits: Traits, loads: Loads, now: Timestamp) -> Result<Project> {
        let mut project = self.begin(traits, loads, now)?;
        let path: Vec<StageId> = self.workflow.path().map(|(_, it)| it.id.clone()).collect();
        for _ in 0..path.len() {
            let stage = project.instance.path_stage.clone().context("it is on the path")?;
            if path.iter().position(|it| *it == stage) == Some(project.traits.stage) {
                break;
            }
            // Some tasks are wanted only once a field says so.
            self.fill_fields(&mut project, &stage)?;
            self.work_off(&mut project, &stage)?;
            let advance = Advance { stage: Some(stage), ..Advance::default() };
            self.by_steward(&mut project, Action::Advance(advance))?;
        }
        if project.traits.claim {
            let open = OpenStage { stage: StageId::trusted(POLICY), comment: String::new() };
            self.by_steward(&mut project, Action::OpenStage(open))?;
        }
        let open: Vec<Task> = project.instance.open_tasks().cloned().collect();
        for task in open {
            self.check_list(&mut project, &task)?;
        }
        Ok(project)
    }

    /// Whose task it is: the holder, or a candidate where nobody holds it. And whether it would be
    /// that person whoever else has how much to do.
    pub(crate) fn worker(&self, project: &Project, task: &Task) -> Option<(MemberId, bool)> {
        let context = self.context(&project.loads, project.now);
        let candidates = engine::candidates(&context, &project.instance, task);
        match &task.holder {
            None => Some((candidates.first()?.clone(), true)),
            Some(holder) => {
                let is_steward = project.instance.steward.as_ref() == Some(&holder.member);
                Some((holder.member.clone(), is_steward || candidates.len() == 1))
            }
        }
    }

    /// The completion of a task, with its first outcome and a form filled in.
    pub(crate) fn completion(&self, project: &Project, task: &Task) -> Option<Complete> {
        let spec = self.spec(task)?;
        let needed = spec.form.iter().filter(|it| it.required || it.required_when.is_some());
        let form = needed.map(|field| (field.id.clone(), value(field, &project.traits)));
        Some(Complete {
            task: task.reference.number,
            outcome: spec.outcomes.first().cloned(),
            form: form.collect(),
            changes: BTreeMap::new(),
            comment: String::new(),
        })
    }

    /// Whether all items of a task's list are checked.
    pub(crate) fn is_checked(&self, task: &Task) -> bool {
        let items = self.spec(task).into_iter().flat_map(|spec| &spec.checklist);
        items.into_iter().all(|item| task.checked.contains(&item.id))
    }

    /// Has a command decided and applied; it must be accepted.
    pub(crate) fn command(
        &self,
        project: &mut Project,
        member: &MemberId,
        action: Action,
    ) -> Result<()> {
        project.now = project.now.plus_ms(1);
        let context = self.context(&project.loads, project.now);
        let command = command(Actor::Member(member.clone()), action);
        let decision = engine::decide(&context, Some(&project.instance), &command);
        project.records.extend(decision.records().cloned());
        match (decision.outcome, decision.after) {
            (Outcome::Accepted(_), Some(after)) => project.instance = after,
            (outcome, _) => bail!("{:?} was not accepted: {outcome:?}", command.action),
        }
        Ok(())
    }

    fn begin(&self, traits: Traits, loads: Loads, now: Timestamp) -> Result<Project> {
        let first = ["project_name", "investor", "industry", "total_investment"];
        let known = self.workflow.fields.iter().filter(|it| first.contains(&it.id.as_str()));
        let fields: Values = known.map(|it| (it.id.clone(), value(it, &traits))).collect();
        let create = Create {
            id: InstanceId::trusted("project"),
            workflow: self.workflow.id.clone(),
            fields,
            steward: None,
            origin: None,
        };
        let context = self.context(&loads, now);
        let portal = Actor::Member(MemberId::trusted("coordinator_1"));
        let command = command(portal, Action::Create(create));
        let decision = engine::decide(&context, None, &command);
        let records = decision.records().cloned().collect();
        let Some(instance) = decision.after else {
            bail!("a project could not be created: {:?}", decision.outcome);
        };
        Ok(Project { instance, records, loads, now, traits })
    }

    /// Completes every task of a stage.
    fn work_off(&self, project: &mut Project, stage: &StageId) -> Result<()> {
        loop {
            let wanted = |task: &&Task| task.reference.stage == *stage && is_human(task);
            let next = project.instance.open_tasks().find(wanted).cloned();
            let Some(task) = next else { return Ok(()) };
            self.check_list(project, &task)?;
            let (worker, _) = self.worker(project, &task).context("somebody may do it")?;
            let complete = self.completion(project, &task).context("the task is declared")?;
            self.command(project, &worker, Action::Complete(complete))?;
        }
    }

    fn check_list(&self, project: &mut Project, task: &Task) -> Result<()> {
        let Some(spec) = self.spec(task) else { return Ok(()) };
        for item in &spec.checklist {
            let (worker, _) = self.worker(project, task).context("somebody may do it")?;
            let (task, item) = (task.reference.number, item.id.clone());
            let check = Check { task, item, checked: true };
            self.command(project, &worker, Action::Check(check))?;
        }
        Ok(())
    }

    fn fill_fields(&self, project: &mut Project, stage: &StageId) -> Result<()> {
        let Some((_, spec)) = self.workflow.stage(stage.as_str()) else { return Ok(()) };
        let empty = spec.requires.iter().filter(|it| !project.instance.fields.contains_key(*it));
        let fields = empty.filter_map(|it| self.workflow.field(it.as_str()));
        let changes: BTreeMap<_, _> =
            fields.map(|it| (it.id.clone(), Some(value(it, &project.traits)))).collect();
        if changes.is_empty() {
            return Ok(());
        }
        self.by_steward(project, Action::UpdateFields(UpdateFields { changes }))
    }

    fn by_steward(&self, project: &mut Project, action: Action) -> Result<()> {
        let steward = project.instance.steward.clone().context("it has a steward")?;
        self.command(project, &steward, action)
    }

    fn spec(&self, task: &Task) -> Option<&TaskSpec> {
        let (_, stage) = self.workflow.stage(task.reference.stage.as_str())?;
        stage.task(task.reference.id.as_str()).map(|(_, spec)| spec)
    }
}

/// Whether a person does it: a fixed period is nobody's work.
pub(crate) fn is_human(task: &Task) -> bool {
    task.kind == TaskKind::Human
}

/// A command as the edge would make it, but without a request id.
pub(crate) fn command(actor: Actor, action: Action) -> Command {
    Command { actor, request: None, expected_revision: None, force: None, action }
}

/// What people would write into a field.
fn value(field: &Field, traits: &Traits) -> Value {
    let text = |text: &str| Value::Text(Arc::from(text));
    match (field.id.as_str(), &field.kind) {
        ("industry", _) => text(traits.industry),
        ("tier", _) => text(traits.tier),
        ("site_mode", _) => text(traits.site_mode),
        ("hazard", _) => text(traits.hazard),
        ("total_investment", _) => Value::Decimal(Decimal::from(traits.investment)),
        (_, FieldKind::Text) => text(&format!("{}: as agreed", field.title.en)),
        (_, FieldKind::Integer) => Value::Integer(3),
        (_, FieldKind::Decimal) => Value::Decimal(Decimal::from(100)),
        (_, FieldKind::Boolean) => Value::Boolean(false),
        (_, FieldKind::Date) => Value::Date(SOME_DAY.parse().expect("a day")),
        (_, FieldKind::Choice(words)) => Value::Text(Arc::clone(&words[0])),
    }
}
