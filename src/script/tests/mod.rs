//! Tests of the sandbox: what scripts can do, what they cannot, and what is told about them.

use std::sync::Arc;

use crate::model::id::{
    FieldId, GroupId, InstanceId, MemberId, Outcome, StageId, TaskId, WorkflowId,
};
use crate::model::instance::{Instance, StagePlace, StageState, Status};
use crate::model::task::{Task, TaskEnd, TaskKind, TaskNumber, TaskRef};
use crate::model::time::Timestamp;
use crate::model::value::{Value, Values};

use super::facts::{Facts, TaskGroup, TaskGroups};
use super::{Condition, FieldType, Finding, Functions, TaskWords, Vocabulary};

/// Adds an expression and what came of it to some lines.
macro_rules! tell {
    ($lines:ident, $told:expr) => {
        let told = $told.replace('\n', "\n    ");
        $lines.push(format!("{}\n    {told}", stringify!($told)));
    };
}

mod check;
mod comparisons;
mod conditions;
mod functions;
mod judge;
mod plain;
mod traps;

fn words(words: &[&str]) -> Vec<Arc<str>> {
    words.iter().map(|word| (*word).into()).collect()
}

/// The words of a small workflow.
fn vocabulary() -> Vocabulary {
    let review = TaskWords {
        id: "review".into(),
        each: Vec::new(),
        outcomes: words(&["pass", "pass_with_conditions", "reject"]),
    };
    let opinion = TaskWords {
        id: "opinion".into(),
        each: words(&["economy", "ecology"]),
        outcomes: words(&["agree", "object"]),
    };
    Vocabulary {
        fields: vec![
            ("investor".into(), FieldType::Text),
            ("visits".into(), FieldType::Integer),
            ("investment".into(), FieldType::Decimal),
            ("listed".into(), FieldType::Boolean),
            ("signed_on".into(), FieldType::Date),
            ("tier".into(), FieldType::Choice(words(&["A", "B", "C"]))),
            ("hazard".into(), FieldType::Choice(words(&["none", "major"]))),
        ],
        stages: words(&["contact", "signing"]),
        task: Some(review.clone()),
        tasks: vec![opinion, review],
    }
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn date(text: &str) -> Value {
    Value::Date(text.parse().unwrap())
}

/// What facts are views of.
#[derive(Debug)]
struct Case {
    instance: Arc<Instance>,
    stage: Option<StageId>,
    task: Option<Task>,
    tasks: Arc<TaskGroups>,
}

impl Case {
    fn facts(&self) -> Facts<'_> {
        let Self { instance, stage, task, tasks } = self;
        Facts { instance, stage: stage.as_ref(), task: task.as_ref(), tasks }
    }
}

/// A task of the first stage.
fn task(id: &str, each: Option<&str>, end: Option<TaskEnd>) -> Task {
    Task {
        reference: TaskRef {
            number: TaskNumber(1),
            stage: StageId::trusted("contact"),
            id: TaskId::trusted(id),
            each: each.map(Arc::from),
        },
        kind: TaskKind::Human,
        attempt: 1,
        role: None,
        opened_at: Timestamp(0),
        holder: None,
        checked: Vec::new(),
        extension_request: None,
        extensions_granted: 0,
        objection: None,
        supplement: None,
        supplements_asked: 0,
        end,
    }
}

/// The end of a task that is done.
fn done(outcome: &str) -> TaskEnd {
    TaskEnd::Done {
        outcome: Some(Outcome::trusted(outcome)),
        by: None,
        instead_of: None,
        delegated_by: None,
        at: Timestamp(0),
    }
}

/// A case in which the project has these fields.
fn with(fields: &[(&str, Value)]) -> Case {
    let fields: Values =
        fields.iter().map(|(name, value)| (FieldId::trusted(name), value.clone())).collect();
    let tasks = vec![
        task("opinion", Some("economy"), Some(done("agree"))),
        task("opinion", Some("ecology"), None),
        task("review", None, Some(done("pass_with_conditions"))),
    ];
    let contact = StageState {
        stage: StageId::trusted("contact"),
        attempt: 2,
        returns: 1,
        dwell_ms: 0,
        place: StagePlace::Open(Timestamp(0)),
        outcomes: Vec::new(),
        tried: Vec::new(),
    };
    let tasks = tasks.into_iter().map(Arc::new).collect();
    let (fields, stages) = (Arc::new(fields), vec![Arc::new(contact)]);
    Case {
        instance: Arc::new(Instance { fields, stages, tasks, ..instance() }),
        stage: Some(StageId::trusted("contact")),
        task: Some(task("review", None, Some(done("pass")))),
        tasks: Arc::new(TaskGroups::new(vec![
            group("review", &[]),
            group("opinion", &["economy", "ecology"]),
        ])),
    }
}

/// What the workflow says of the tasks of one name in the first stage.
fn group(id: &str, of: &[&str]) -> TaskGroup {
    TaskGroup {
        id: TaskId::trusted(id),
        stage: StageId::trusted("contact"),
        words: words(of),
        needed: of.len().max(1),
    }
}

/// An instance to which nothing has happened.
fn instance() -> Instance {
    Instance {
        id: InstanceId::trusted("p-1"),
        workflow: WorkflowId::trusted("projects"),
        workflow_version: 1,
        calendar_digest: 0,
        revision: 1,
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        status: Status::Active,
        steward: Some(MemberId::trusted("li_wei")),
        backups: Vec::new(),
        group: Some(GroupId::trusted("sensors")),
        fields: Arc::default(),
        path_stage: Some(StageId::trusted("contact")),
        stages: Vec::new(),
        tasks: Vec::new(),
        clocks: Vec::new(),
        activities: std::collections::BTreeMap::new(),
        suspension: None,
        requests: Vec::new(),
        relations: Arc::default(),
        outcome: None,
        next_task: 1,
        next_clock: 1,
        script_failed_in: None,
    }
}

/// A large project with every field filled.
fn large() -> Case {
    with(&[
        ("investor", Value::Text("华为".into())),
        ("visits", Value::Integer(3)),
        ("investment", decimal("12000.50")),
        ("listed", Value::Boolean(true)),
        ("signed_on", date("2025-01-06")),
        ("tier", Value::Text("A".into())),
        ("hazard", Value::Text("major".into())),
    ])
}

fn compiled(source: &str) -> Condition {
    let functions = Arc::new(Functions::default());
    match Condition::compile(source, &vocabulary(), &functions) {
        Ok(condition) => condition,
        Err(findings) => panic!("{source}: {}", told(&findings)),
    }
}

fn refused(source: &str) -> String {
    let functions = Arc::new(Functions::default());
    match Condition::compile(source, &vocabulary(), &functions) {
        Ok(_) => "(nothing)".to_owned(),
        Err(findings) => told(&findings),
    }
}

fn rules(source: &str) -> (Functions, Vec<Finding>) {
    Functions::compile(&[("rules/test.rhai".into(), source.into())])
}

/// One line per finding, as a person would list them.
fn told(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let Finding { file, line, column, length, kind, message, hint } = finding;
        let file = file.as_ref().map(|file| format!("{file}:")).unwrap_or_default();
        let hint = hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{file}{line}:{column}+{length} {kind:?}: {message}{hint}")
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}
