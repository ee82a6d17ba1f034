//! A workflow as the engine reads it: resolved, checked, immutable, with dense indices.
//!
//! Knows no YAML and no positions: whatever could be wrong was a finding before it came here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Weekday;

use crate::model::escalation::{Light, Priority};
use crate::model::id::{ActivityId, CalendarId, ClockId, FieldId, LevelId, Outcome, PolicyId};
use crate::model::id::{ReasonCode, RoleId, StageId, StepId, TaskId, WorkflowId};
use crate::model::organization::Title;
use crate::model::task::{TaskKind, TaskRef};
use crate::model::time::{Amount, Offset};
use crate::model::value::{Decimal, Value};
use crate::script::facts::{TaskGroup, TaskGroups};
use crate::script::{Condition, Functions};

mod work;

pub use work::{AssignMode, ChecklistItem, ExtensionApprover, ExtensionRules, Join};
pub use work::{ObjectionRules, SupplementRules};

/// A stage's place in [`Workflow::stages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageIndex(pub usize);

/// A task's place in [`Stage::tasks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskIndex(pub usize);

/// One version of a workflow.
#[derive(Debug)]
pub struct Workflow {
    /// Its name.
    pub id: WorkflowId,
    /// Its version: 1, 2, 3, …; 0 while it is not published.
    pub version: u32,
    /// SHA-256 of everything that is pinned with it, in hexadecimal.
    pub digest: String,
    /// What people call it.
    pub title: Title,
    /// The calendar by which its time is counted (looked up live).
    pub calendar: CalendarId,
    /// Who becomes steward.
    pub steward: StewardRule,
    /// The fields of an instance, in the order of the file.
    pub fields: Vec<Field>,
    /// The fields of which there is one instance for each value; empty: there may be any number.
    pub key: Vec<FieldId>,
    /// The task whose outcome is that of the instance.
    pub outcome_of: Option<TaskId>,
    /// What can be logged.
    pub activities: Vec<ActivityKind>,
    /// The clocks of the whole instance, and what is under `raise`.
    pub clocks: Vec<ClockSpec>,
    /// The rules of a suspension; none: instances cannot be suspended.
    pub suspension: Option<SuspensionRule>,
    /// How more time is given for the clocks of the whole instance.
    pub extensions: ExtensionRules,
    /// Reason codes for `terminate` in every stage.
    pub may_terminate: Vec<TerminationRule>,
    /// What people call the reason codes.
    pub reasons: BTreeMap<ReasonCode, Title>,
    /// What people call the words of choices, outcomes and units, where it is said.
    pub words: Arc<BTreeMap<Arc<str>, Title>>,
    /// The stages in the order of the file.
    pub stages: Vec<Stage>,
    /// Its tasks as scripts see them.
    pub task_groups: Arc<TaskGroups>,
    /// The ladders that its clocks name, and one for each `raise`, with its name.
    pub policies: Vec<Policy>,
    /// The tasks that steps of these ladders open.
    pub special_tasks: Vec<Arc<TaskSpec>>,
    /// The levels of escalation, lowest first.
    pub levels: Vec<LevelId>,
    /// The functions that it names.
    pub functions: Arc<Functions>,
}

impl Workflow {
    /// The stage of this name and its index.
    pub fn stage(&self, id: &str) -> Option<(StageIndex, &Stage)> {
        let at = self.stages.iter().position(|stage| stage.id.as_str() == id)?;
        Some((StageIndex(at), &self.stages[at]))
    }

    /// The stages of the path, in order.
    pub fn path(&self) -> impl Iterator<Item = (StageIndex, &Stage)> {
        self.stages
            .iter()
            .enumerate()
            .filter(|(_, stage)| stage.beside.is_none())
            .map(|(at, stage)| (StageIndex(at), stage))
    }

    /// The stages beside the path, in order.
    pub fn beside(&self) -> impl Iterator<Item = (StageIndex, &Stage, &Beside)> {
        self.stages
            .iter()
            .enumerate()
            .filter_map(|(at, stage)| Some((StageIndex(at), stage, stage.beside.as_ref()?)))
    }

    /// The field of this name.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id.as_str() == id)
    }

    /// The kind of activity of this name.
    pub fn activity(&self, id: &str) -> Option<&ActivityKind> {
        self.activities.iter().find(|activity| activity.id.as_str() == id)
    }

    /// What is said of a task of an instance, one of its stage's own or a special one.
    pub fn task(&self, task: &TaskRef) -> Option<&TaskSpec> {
        let (_, stage) = self.stage(task.stage.as_str())?;
        let own = stage.task(task.id.as_str()).map(|(_, spec)| spec);
        own.or_else(|| self.special_task(task.id.as_str()))
    }

    /// The task of this name: names are unique in the whole workflow.
    pub fn task_named(&self, id: &str) -> Option<&TaskSpec> {
        let own = self.stages.iter().flat_map(|stage| &stage.tasks);
        let own = own.into_iter().find(|task| task.id.as_str() == id);
        own.or_else(|| self.special_task(id))
    }

    /// The special task of this name.
    pub fn special_task(&self, id: &str) -> Option<&TaskSpec> {
        self.special_tasks.iter().find(|spec| spec.id.as_str() == id).map(Arc::as_ref)
    }

    /// The ladder of this name.
    pub fn policy(&self, id: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.id.as_str() == id)
    }

    /// The indexed fields, in the order of the file.
    pub fn indexed_fields(&self) -> Vec<FieldId> {
        let indexed = self.fields.iter().filter(|field| field.indexed);
        indexed.map(|field| field.id.clone()).collect()
    }

    /// Its tasks as scripts see them.
    pub(super) fn groups_of_tasks(&self) -> TaskGroups {
        let all = self.stages.iter().flat_map(|stage| {
            stage.tasks.iter().map(|spec| TaskGroup {
                id: spec.id.clone(),
                stage: stage.id.clone(),
                words: spec.for_each.clone(),
                needed: spec.needed(),
            })
        });
        TaskGroups::new(all.collect())
    }
}

/// Who becomes steward of a new instance.
#[derive(Debug, Clone)]
pub enum StewardRule {
    /// Only a caller names one; without one the role `steward` is empty.
    ByCaller,
    /// A function of the rules; the caller may still name somebody.
    Function(FunctionName),
    /// The least loaded member of a role or group.
    LeastLoadedOf(RoleId),
}

/// A function of the rules, known to exist and to take only arguments that can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionName(pub Arc<str>);

/// One field of an instance, a form or an activity.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub id: FieldId,
    /// What people call it.
    pub title: Title,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it must be given when the instance, the form or the activity is made.
    pub required: bool,
    /// When else it must be given (forms only; sees the outcome about to be recorded).
    pub required_when: Option<Condition>,
    /// Whether instances can be listed by it.
    pub indexed: bool,
    /// The unit in which numbers are given, for people.
    pub unit: Option<Arc<str>>,
    /// The smallest number.
    pub at_least: Option<Decimal>,
    /// The largest number.
    pub at_most: Option<Decimal>,
    /// Of an activity: the field of the instance that takes its value, one of the same kind.
    pub sets: Option<FieldId>,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// An exact decimal.
    Decimal,
    /// Yes or no.
    Boolean,
    /// A day.
    Date,
    /// One of these words.
    Choice(Vec<Arc<str>>),
}

/// A kind of activity.
#[derive(Debug)]
pub struct ActivityKind {
    /// Its name.
    pub id: ActivityId,
    /// What people call it.
    pub title: Title,
    /// What is logged with it.
    pub fields: Vec<Field>,
    /// The workflows of which it may start a linked instance.
    pub may_start: Vec<WorkflowId>,
}

/// The rules of a suspension.
#[derive(Debug)]
pub struct SuspensionRule {
    /// Who approves it: then this role issues the command.
    pub approver: Option<RoleId>,
    /// How long it may last.
    pub clock: ClockSpec,
    /// How it is renewed; the workflow's rules where it has none of its own.
    pub extensions: ExtensionRules,
}

/// A reason code that may end an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminationRule {
    /// The code.
    pub code: ReasonCode,
    /// Who approves it: then this role issues the command.
    pub approver: Option<RoleId>,
}

/// One stage.
#[derive(Debug)]
pub struct Stage {
    /// Its name.
    pub id: StageId,
    /// What people call it.
    pub title: Title,
    /// What to do and how.
    pub guide: Title,
    /// Who may move it; default: the steward.
    pub role: RoleId,
    /// How it runs beside the path; none: it is a stage of the path.
    pub beside: Option<Beside>,
    /// When it is passed over (path stages).
    pub skip_when: Option<Condition>,
    /// The fields that must be filled to leave it.
    pub requires: Vec<FieldId>,
    /// How it is left.
    pub advance: AdvanceMode,
    /// Its limits, and what is under `raise`. The one under `sla:` has the id `stage`, others their
    /// own.
    pub clocks: Vec<ClockSpec>,
    /// How more time is given for them; the workflow's rules where it has none of its own.
    pub extensions: ExtensionRules,
    /// Its tasks, in the order of the file. `after` leads only to earlier ones in no particular
    /// order, never in a circle.
    pub tasks: Vec<TaskSpec>,
    /// Where it leads: the first that holds; empty: to the following path stage.
    pub next: Vec<NextRule>,
    /// Where it may be returned to.
    pub return_to: Vec<ReturnRule>,
    /// Reason codes for `terminate` in this stage, the common ones not repeated.
    pub may_terminate: Vec<TerminationRule>,
}

impl Stage {
    /// The task of this name and its index.
    pub fn task(&self, id: &str) -> Option<(TaskIndex, &TaskSpec)> {
        let at = self.tasks.iter().position(|task| task.id.as_str() == id)?;
        Some((TaskIndex(at), &self.tasks[at]))
    }
}

/// How a stage runs beside the path.
#[derive(Debug)]
pub struct Beside {
    /// From which path stage on it may open.
    pub opens_from: StageIndex,
    /// When it opens by itself. Without it: by command, or at the end of the path.
    pub when: Option<Condition>,
    /// Whether it may be open several times, one after the other.
    pub recurring: bool,
    /// When a recurring stage has been open often enough; none: always.
    pub enough_when: Option<Condition>,
    /// Whether a return to before `opens_from` closes it.
    pub close_on_return: bool,
}

/// How a stage is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdvanceMode {
    /// Somebody advances it.
    ByHand,
    /// It is left as soon as nothing is missing.
    Automatic,
}

/// Where a stage leads.
#[derive(Debug)]
pub struct NextRule {
    /// The stage; always later on the path.
    pub to: StageIndex,
    /// When; none: always.
    pub when: Option<Condition>,
}

/// Where a stage may be returned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnRule {
    /// The stage; always earlier on the path.
    pub to: StageIndex,
    /// Who approves it: then this role issues the command.
    pub approver: Option<RoleId>,
}

/// One task.
#[derive(Debug)]
pub struct TaskSpec {
    /// Its name.
    pub id: TaskId,
    /// What people call it.
    pub title: Title,
    /// What to do and how; the stage's guide where it has none of its own.
    pub guide: Title,
    /// What it is.
    pub kind: TaskKind,
    /// One task for each of these words; empty: a single task.
    pub for_each: Vec<Arc<str>>,
    /// The role or group whose members may do it: one per word of `for_each`, or a single one;
    /// empty for a wait.
    pub roles: Vec<RoleId>,
    /// A function that names the candidates within the role.
    pub candidates: Option<FunctionName>,
    /// How somebody is chosen.
    pub assign: AssignMode,
    /// When it is wanted; none: always.
    pub when: Option<Condition>,
    /// The tasks that must be done before, or not wanted.
    pub after: Vec<TaskIndex>,
    /// Whether the stage may be left without it.
    pub optional: bool,
    /// What it can end with; empty: it just ends.
    pub outcomes: Vec<Outcome>,
    /// How many of a `for_each` are enough.
    pub join: Join,
    /// Whether it must be done by somebody who did none of the tasks in `after`.
    pub four_eyes: bool,
    /// What is filled in with it.
    pub form: Vec<Field>,
    /// The items to check before it is done.
    pub checklist: Vec<ChecklistItem>,
    /// Its limit, with the id `task`; for a wait: how long.
    pub clock: Option<ClockSpec>,
    /// How more time is given for it; the stage's rules where it has none of its own.
    pub extensions: ExtensionRules,
    /// How its holder may object to being the one; none: not at all.
    pub objections: Option<ObjectionRules>,
    /// How it may wait for something from outside; none: not at all.
    pub supplements: Option<SupplementRules>,
    /// What it ends with when its limit runs out and nobody has said anything; none: silence says
    /// nothing, and the ladder goes on.
    pub silence: Option<Outcome>,
    /// Roles and groups whose members a holder may let do it, beside its candidates.
    pub delegate: Vec<RoleId>,
    /// What it begins; only for [`TaskKind::Call`].
    pub call: Option<CallSpec>,
}

/// The instance that a task begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSpec {
    /// Its workflow; the version that is active then.
    pub workflow: WorkflowId,
    /// Its first fields.
    pub fields: Vec<(FieldId, CallValue)>,
}

/// A first field of a called instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallValue {
    /// What this field of the calling instance holds.
    Field(FieldId),
    /// Always this.
    Literal(Value),
    /// The word of `for_each`.
    Each,
}

impl TaskSpec {
    /// Every limit that can run for it.
    pub fn clocks(&self) -> impl Iterator<Item = &ClockSpec> {
        let objection = self.objections.iter().map(|rules| &rules.clock);
        let supplement = self.supplements.iter().map(|rules| &rules.clock);
        self.clock.iter().chain(objection).chain(supplement)
    }

    /// How many of its tasks must be done.
    pub fn needed(&self) -> usize {
        let total = self.for_each.len().max(1);
        match (self.kind, self.join) {
            (TaskKind::Wait, _) | (_, Join::All) => total,
            (_, Join::Any) => 1,
            (_, Join::AtLeast(count)) => usize::try_from(count).unwrap_or(total).min(total),
        }
    }
}

/// A time limit.
#[derive(Debug)]
pub struct ClockSpec {
    /// Its name: `stage`, `task`, `objection`, `supplement`, `suspension`, or as under `clocks:`.
    pub id: ClockId,
    /// How the due time comes about.
    pub kind: ClockRule,
    /// While this holds, time does not count (`within` and `every` only).
    pub excluded_while: Option<Condition>,
    /// Its ladder.
    pub policy: Option<PolicyId>,
    /// Whether it counts every hour of every day, on the calendar's always-on variant.
    pub always_on: bool,
}

/// How a due time comes about.
#[derive(Debug)]
pub enum ClockRule {
    /// So long from its start: the first entry that holds; the last one always does.
    Within(Vec<LimitChoice>),
    /// At 24:00 of the day in this field; no clock while the field is empty.
    By(FieldId),
    /// So long from its start or its last reset.
    Every {
        /// The first entry that holds; the last one always does.
        limits: Vec<LimitChoice>,
        /// The activities that reset it.
        reset_by: Vec<ActivityId>,
    },
    /// A fixed period that nobody can breach.
    Wait(Vec<LimitChoice>),
    /// A function of the rules measures on certain days. Its ladder is one of values.
    Check {
        /// What measures.
        function: FunctionName,
        /// When.
        runs: Runs,
    },
    /// No limit: it runs while its condition holds, and the only step of its ladder fires when it
    /// begins.
    Raise {
        /// What must hold.
        when: Condition,
        /// Its ladder, with its own name; it stands among those of the workflow.
        ladder: Policy,
    },
}

/// On which days a check runs: at the opening of business, of the next working day if it is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// On this day of every month; on the last one of a month that is shorter.
    DayOfMonth(i8),
    /// On this day of every week.
    Weekday(Weekday),
    /// So long after the run before; in working days, calendar days or months.
    Every(Amount),
}

impl fmt::Display for Runs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DayOfMonth(day) => write!(out, "day_of_month {day}"),
            Self::Weekday(day) => write!(out, "weekday {}", word_of(*day)),
            Self::Every(amount) => write!(out, "every {amount}"),
        }
    }
}

fn word_of(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }
}

/// One entry of a limit list.
#[derive(Debug)]
pub struct LimitChoice {
    /// When; none: always.
    pub when: Option<Condition>,
    /// How long.
    pub take: Amount,
}

/// A ladder: what is done as a limit comes near and runs out.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name.
    pub id: PolicyId,
    /// Its steps, lowest first.
    pub steps: Vec<Step>,
}

/// One step of a ladder.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name within the ladder: the level's unless it has one of its own.
    pub id: StepId,
    /// Its level.
    pub level: LevelId,
    /// When it fires.
    pub at: StepInstant,
    /// The light that it sets.
    pub light: Light,
    /// Who is told.
    pub notify: Vec<RoleId>,
    /// How long an acknowledgement is awaited.
    pub ack_within: Option<Amount>,
    /// What an acknowledgement must hold.
    pub require: Vec<Requirement>,
    /// How it tells again.
    pub repeat: Option<Repeat>,
    /// The role to which the task, or else the stewardship, is given.
    pub reassign: Option<RoleId>,
    /// The priority that it gives to what its clock measures.
    pub priority: Priority,
    /// The stage beside the path that it opens.
    pub open: Option<StageId>,
    /// The special task that it opens.
    pub task: Option<TaskId>,
    /// When those who are told are to read it.
    pub delivery: Delivery,
}

/// When those who are told are to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// At once.
    AtOnce,
    /// With what is read at the next opening of business.
    Digest,
}

/// When a step fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepInstant {
    /// At a share of the limit, in percent.
    Share(u32),
    /// When the limit runs out; for a `raise`: when its condition comes to hold.
    Due,
    /// When a check measures so much or more.
    Value(Decimal),
    /// So long before or after that.
    Offset(Offset),
    /// At the latest of these.
    LaterOf(Vec<StepInstant>),
    /// At the earliest of these.
    EarlierOf(Vec<StepInstant>),
}

/// What an acknowledgement must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// How the delay will be made good.
    RecoveryPlan,
    /// The date that is promised.
    PromisedDate,
}

/// How a step tells again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Repeat {
    /// How long between two.
    pub every: Amount,
    /// How often; none: until a higher step fires or the work is done.
    pub times: Option<u32>,
}
