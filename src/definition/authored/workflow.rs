//! A workflow file as it is written.
//!
//! Everything is optional here: what must not be missing is said by the resolver, together with
//! everything else that is wrong.

use serde::Deserialize;

use super::rules::Step;
use super::shapes::{Anything, Many, Named, Scalar, Words, scalar_or_map};
use super::work::{Extensions, Objections, Silence, Supplements};

/// `workflows/*.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workflow {
    /// Its name.
    pub workflow: Option<Scalar>,
    /// What people call it.
    pub title: Option<Text>,
    /// Its calendar.
    pub calendar: Option<Scalar>,
    /// Who becomes steward.
    pub steward: Option<Steward>,
    /// The fields of an instance.
    pub fields: Named<Field>,
    /// The fields of which there is one instance for each value.
    pub key: Words,
    /// The task whose outcome is that of the instance.
    pub outcome_of: Option<Scalar>,
    /// What can be logged.
    pub activities: Named<Activity>,
    /// The clocks of the whole instance.
    pub clocks: Named<Clock>,
    /// The rules of a suspension.
    pub suspension: Option<Suspension>,
    /// How more time is given.
    pub extensions: Option<Extensions>,
    /// How holders may object to being given a task.
    pub objections: Option<Objections>,
    /// How tasks may wait for something from outside.
    pub supplements: Option<Supplements>,
    /// Reason codes of every stage.
    pub may_terminate: Many<Termination>,
    /// The stages.
    pub stages: Vec<Stage>,
    /// What is raised in every stage.
    pub raise: Vec<Step>,
}

/// A text in one language for all, or one for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// The same for everybody.
    One(Scalar),
    /// By language.
    Languages(Languages),
}

/// A text by language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Languages {
    /// English.
    pub en: Option<Scalar>,
    /// Chinese.
    pub zh: Option<Scalar>,
}

scalar_or_map!(Text, One, Languages(Languages), "a text, or one for each language");

/// Who becomes steward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Steward {
    /// A function.
    Function(Scalar),
    /// Another rule.
    Rule(StewardRule),
}

/// A rule for the steward.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StewardRule {
    /// The role or group.
    pub least_loaded_of: Option<Scalar>,
}

scalar_or_map!(
    Steward,
    Function,
    Rule(StewardRule),
    "the name of a function, or `{ least_loaded_of: … }`"
);

/// A field of an instance, a form or an activity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Field {
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: Option<Scalar>,
    /// What people call it.
    pub title: Option<Text>,
    /// The words of a choice.
    pub of: Words,
    /// Whether it must be given.
    pub required: bool,
    /// When else it must be given.
    pub required_when: Option<Scalar>,
    /// Whether instances can be listed by it.
    pub indexed: bool,
    /// The unit of its numbers.
    pub unit: Option<Scalar>,
    /// The smallest number.
    pub at_least: Option<Scalar>,
    /// The largest number.
    pub at_most: Option<Scalar>,
    /// Of an activity: the field of the instance that takes its value.
    pub sets: Option<Scalar>,
}

/// A kind of activity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Activity {
    /// What people call it.
    pub title: Option<Text>,
    /// What is logged with it.
    pub fields: Named<Field>,
    /// The workflows that it may start.
    pub may_start: Words,
}

/// A time limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clock {
    /// So long from its start.
    pub within: Option<Many<Limit>>,
    /// At the end of the day in this field.
    pub by: Option<Scalar>,
    /// So long from its start or its last reset.
    pub every: Option<Many<Limit>>,
    /// What resets it.
    pub reset_by: Words,
    /// Its ladder.
    pub escalation: Option<Scalar>,
    /// While this holds, time does not count.
    pub excluded_while: Option<Scalar>,
    /// Whether every hour counts.
    pub always_on: bool,
    /// The function that measures.
    pub check: Option<Scalar>,
    /// On which days it does.
    pub on: Option<Runs>,
}

/// On which days a check runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Runs {
    /// On this day of every month.
    pub day_of_month: Option<Scalar>,
    /// On this day of every week.
    pub weekday: Option<Scalar>,
    /// So long after the run before.
    pub every: Option<Scalar>,
}

/// A length of time, or an entry of a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// Always so long.
    Always(Scalar),
    /// So long when something holds.
    Choice(LimitChoice),
}

/// An entry of a list of limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitChoice {
    /// When.
    pub when: Option<Scalar>,
    /// How long.
    pub take: Option<Scalar>,
}

scalar_or_map!(Limit, Always, Choice(LimitChoice), "a length of time, or `{ when: …, take: … }`");

/// The rules of a suspension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Suspension {
    /// How long it may last.
    pub within: Option<Many<Limit>>,
    /// Who approves it.
    pub approver: Option<Scalar>,
    /// Its ladder.
    pub escalation: Option<Scalar>,
    /// Whether every hour counts.
    pub always_on: bool,
    /// How more time is given.
    pub extensions: Option<Extensions>,
}

/// A reason code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Termination {
    /// Nobody has to approve.
    Code(Scalar),
    /// Somebody has to.
    Approved(ApprovedTermination),
}

/// A reason code with an approver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovedTermination {
    /// The code.
    pub code: Option<Scalar>,
    /// Who approves.
    pub approver: Option<Scalar>,
}

scalar_or_map!(
    Termination,
    Code,
    Approved(ApprovedTermination),
    "a reason code, or `{ code: …, approver: … }`"
);

/// One stage.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stage {
    /// Its name.
    pub id: Option<Scalar>,
    /// What people call it.
    pub title: Option<Text>,
    /// What to do and how.
    pub guide: Option<Text>,
    /// Who may move it.
    pub role: Option<Scalar>,
    /// Whether it runs beside the path.
    pub beside: bool,
    /// From which stage on it may open.
    pub opens_from: Option<Scalar>,
    /// When it opens by itself.
    pub when: Option<Scalar>,
    /// Whether it may be open several times.
    pub recurring: bool,
    /// When it has been open often enough.
    pub enough_when: Option<Scalar>,
    /// Whether a return to before `opens_from` closes it.
    pub close_on_return: bool,
    /// When it is passed over.
    pub skip_when: Option<Scalar>,
    /// The fields that must be filled to leave it.
    pub requires: Words,
    /// How it is left.
    pub advance: Option<Scalar>,
    /// Its limit.
    pub sla: Option<Clock>,
    /// Its other limits.
    pub clocks: Named<Clock>,
    /// How more time is given.
    pub extensions: Option<Extensions>,
    /// How holders may object to being given a task.
    pub objections: Option<Objections>,
    /// How tasks may wait for something from outside.
    pub supplements: Option<Supplements>,
    /// Its tasks.
    pub tasks: Vec<Task>,
    /// Where it leads.
    pub next: Many<Next>,
    /// Where it may be returned to.
    pub return_to: Many<Return>,
    /// Reason codes.
    pub may_terminate: Many<Termination>,
    /// What is raised while it is open.
    pub raise: Vec<Step>,
}

/// Where a stage leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Always there.
    Always(Scalar),
    /// When something holds.
    When(NextWhen),
}

/// Where a stage leads when something holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NextWhen {
    /// The stage.
    pub to: Option<Scalar>,
    /// When.
    pub when: Option<Scalar>,
}

scalar_or_map!(Next, Always, When(NextWhen), "a stage, or `{ to: …, when: … }`");

/// Where a stage may be returned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Return {
    /// Nobody has to approve.
    Stage(Scalar),
    /// Somebody has to.
    Approved(ApprovedReturn),
}

/// Where a stage may be returned to, with an approver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovedReturn {
    /// The stage.
    pub to: Option<Scalar>,
    /// Who approves.
    pub approver: Option<Scalar>,
}

scalar_or_map!(Return, Stage, Approved(ApprovedReturn), "a stage, or `{ to: …, approver: … }`");

/// One task.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Task {
    /// Its name.
    pub id: Option<Scalar>,
    /// What people call it.
    pub title: Option<Text>,
    /// What to do and how.
    pub guide: Option<Text>,
    /// What it is.
    pub kind: Option<Scalar>,
    /// Who may do it.
    pub role: Option<Scalar>,
    /// One task for each of these words.
    pub for_each: Words,
    /// A function that names the candidates.
    pub candidates: Option<Scalar>,
    /// A function that chooses one.
    pub assign: Option<Scalar>,
    /// Whether it waits to be claimed.
    pub offer: bool,
    /// When it is wanted.
    pub when: Option<Scalar>,
    /// What must be done before.
    pub after: Words,
    /// Whether the stage may be left without it.
    pub optional: bool,
    /// What it can end with.
    pub outcomes: Words,
    /// How many of a `for_each` are enough.
    pub join: Option<Join>,
    /// Whether somebody else must do it.
    pub four_eyes: bool,
    /// What is filled in with it.
    pub form: Named<Field>,
    /// What is checked before it is done.
    pub checklist: Vec<ChecklistItem>,
    /// Its limit.
    pub sla: Option<Clock>,
    /// How long a wait lasts.
    pub within: Option<Many<Limit>>,
    /// How more time is given.
    pub extensions: Option<Extensions>,
    /// Who decides about more time: the form of versions that were published before `extensions`.
    pub extension_approver: Option<Scalar>,
    /// How its holder may object to being given it.
    pub objections: Option<Objections>,
    /// How it may wait for something from outside.
    pub supplements: Option<Supplements>,
    /// What silence means.
    pub silence: Option<Silence>,
    /// To whom else its holder may give it.
    pub delegate: Words,
    /// Not yet supported.
    pub service: Option<Anything>,
    /// For a call: what it begins.
    pub workflow: Option<Scalar>,
    /// For a call: the first fields of what it begins.
    pub fields: Named<CallValue>,
}

/// A first field of a called instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallValue {
    /// Always this.
    Literal(Scalar),
    /// What a field of the calling instance holds.
    From(CallFrom),
}

/// What a field of the calling instance holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallFrom {
    /// The field.
    pub from: Option<Scalar>,
}

scalar_or_map!(CallValue, Literal, From(CallFrom), "a value, or `{ from: … }`");

/// How many of a `for_each` are enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Join {
    /// `all` or `any`.
    Word(Scalar),
    /// So many.
    Count(JoinCount),
}

/// So many of a `for_each` are enough.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JoinCount {
    /// How many.
    pub at_least: Option<u32>,
}

scalar_or_map!(Join, Word, Count(JoinCount), "`all`, `any` or `{ at_least: … }`");

/// An item of a checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChecklistItem {
    /// Its text alone.
    Text(Scalar),
    /// With a name.
    Named(NamedItem),
}

/// An item of a checklist with a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NamedItem {
    /// Its name.
    pub id: Option<Scalar>,
    /// What people read.
    pub title: Option<Text>,
    /// Whether the task can be done without it.
    pub optional: bool,
}

scalar_or_map!(ChecklistItem, Text, Named(NamedItem), "a text, or `{ id: …, title: … }`");
