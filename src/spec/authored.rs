//! A spec as written. Values are free here; the workflow says what they must be.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One spec: a story with expectations.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// What it shows, by language.
    pub spec: Title,
    /// The workflow.
    pub workflow: String,
    /// When it begins: civil time in the calendar's zone, such as `2025-01-06 09:00`.
    pub start: String,
    /// What holds from the start.
    #[serde(default)]
    pub given: Given,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// A title by language.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// English.
    pub en: String,
    /// Chinese.
    #[serde(default)]
    pub zh: String,
}

/// What holds from the start.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Who is away.
    #[serde(default)]
    pub absences: Vec<Absence>,
    /// Who is on duty when.
    #[serde(default)]
    pub duties: Vec<Duty>,
    /// How many open tasks a member has elsewhere.
    #[serde(default)]
    pub loads: BTreeMap<String, u32>,
}

/// Days on which a member is away.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// Who.
    pub member: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// Who stands in.
    pub substitute: Option<String>,
}

/// Days with those who are on duty.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// Who.
    pub members: Vec<String>,
}

/// One step: when, who, what, and what is expected then.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// When: civil time.
    pub at: Option<String>,
    /// When: so long after the step before.
    pub after: Option<String>,
    /// Who: a member, a service, or a role held for this instance.
    pub by: Option<String>,
    /// Why a rule is to be overruled.
    pub force: Option<String>,
    /// Nothing happens: time passes.
    pub wait: Option<Value>,
    /// `{ steward, fields }`.
    pub create: Option<Create>,
    /// A stage, or `{ stage, target }`, or `{}`.
    pub advance: Option<Value>,
    /// `{ to, reason, proposed_by }`.
    #[serde(rename = "return")]
    pub return_to: Option<Value>,
    /// `{ task, reason }`.
    pub redo: Option<Value>,
    /// `{ reason, expected_resume }`.
    pub suspend: Option<Value>,
    /// `{}`.
    pub resume: Option<Value>,
    /// `{ reason, comment }`.
    pub terminate: Option<Value>,
    /// A stage beside the path.
    pub open: Option<String>,
    /// Fields; null empties.
    pub update: Option<BTreeMap<String, Value>>,
    /// `{ activity, occurred_at, fields }`.
    pub log: Option<Value>,
    /// `{ task, to, reason }`; without a task: the stewardship; without `to`: whom the rules name.
    pub reassign: Option<Value>,
    /// Backups A and B, or `{ to, reason }`.
    pub set_backups: Option<Value>,
    /// A task.
    pub claim: Option<Value>,
    /// `{ task, reason }`.
    pub release: Option<Value>,
    /// A task, or `{ task, each, outcome, form, fields, comment }`.
    pub complete: Option<Value>,
    /// Every open human task is done by its holder, until none is open.
    pub complete_all: Option<CompleteAll>,
    /// `{ task, item, checked }`.
    pub check: Option<Value>,
    /// A text, or `{ task, text }`.
    pub comment: Option<Value>,
    /// `{ task, to, reason }`.
    pub delegate: Option<Value>,
    /// `{ task, reason }`.
    pub object: Option<Value>,
    /// A task, or `{ task, to, comment }`.
    pub uphold_objection: Option<Value>,
    /// A task, or `{ task, comment }`.
    pub refuse_objection: Option<Value>,
    /// `{ task, what }`.
    pub request_supplement: Option<Value>,
    /// `{ task, what }`.
    pub supply: Option<Value>,
    /// `{ task, by, reason }`; with `clock` instead of `task`: of whatever it measures.
    pub request_extension: Option<Value>,
    /// A task, or `{ clock }`.
    pub grant_extension: Option<Value>,
    /// A task, or `{ clock }`.
    pub refuse_extension: Option<Value>,
    /// `{ clock, comment, recovery_plan, promised }`.
    pub acknowledge: Option<Value>,
    /// `{ relation, to, task }`: this instance comes to stand in a relation to another.
    pub link: Option<Value>,
    /// `{ relation, to, task, reason }`.
    pub unlink: Option<Value>,
    /// `{ reason, fields, steward }`.
    pub revive: Option<Value>,
    /// What another instance tells: `{ instance, relation, task, ends_with }`, or
    /// `{ called_by: task, each, ends_with }` for one that a task of this one called. Without
    /// `ends_with` it stands in the relation from now on, with `unlinked: true` no longer.
    pub other: Option<Value>,
    /// The refusal that is expected: a code, or `{ code, missing }`.
    pub refused: Option<Value>,
    /// What is expected 1 ms after the step.
    pub then: Option<Then>,
}

/// The beginning of an instance.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Create {
    /// Who is to be steward.
    pub steward: Option<String>,
    /// Its first fields.
    pub fields: BTreeMap<String, Value>,
    /// The instance because of which it begins.
    pub spawned_from: Option<String>,
}

/// How every open task is done.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompleteAll {
    /// Tasks that are left alone.
    pub except: Vec<String>,
    /// What tasks end with; others end with their first outcome.
    pub outcomes: BTreeMap<String, String>,
    /// What is filled in, by task.
    pub forms: BTreeMap<String, BTreeMap<String, Value>>,
    /// Fields that are filled before.
    pub fields: BTreeMap<String, Value>,
}

/// What is expected.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Then {
    /// Where the instance stands.
    pub status: Option<String>,
    /// The path stage; `none` after the end of the path.
    pub stage: Option<String>,
    /// Exactly these stages are open, in any order.
    pub open: Option<Vec<String>>,
    /// These stages were passed over.
    pub skipped: Option<Vec<String>>,
    /// The steward; `none` if there is none.
    pub steward: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// Backups A and B.
    pub backups: Option<Vec<String>>,
    /// The brightest light.
    pub light: Option<String>,
    /// Tasks: `open`, `done`, `cancelled`, `none`, or what is to hold of them.
    pub tasks: BTreeMap<String, Value>,
    /// Clocks: `none`, or what is to hold of them.
    pub clocks: BTreeMap<String, Value>,
    /// Fields; null: empty.
    pub fields: BTreeMap<String, Value>,
    /// What was asked of other instances since the step before, in this order, others between:
    /// `{ start: workflow, id, fields, steward, task }` or `{ tell: instance, relation, task,
    /// ends_with }`. In a spec others do at once what they are asked.
    pub effects: Vec<Value>,
    /// Relations, in any order, exactly: `{ relation, to | from, task, ends_with }`.
    pub links: Option<Vec<Value>>,
    /// These happened since the step before, in this order, others between them.
    pub events: Vec<Value>,
    /// None of these happened since the step before.
    pub no_events: Vec<Value>,
}
