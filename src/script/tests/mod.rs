//! Tests of the sandbox: what scripts can do, what they cannot, and what is told about them.

use std::sync::Arc;

use crate::model::id::{FieldId, GroupId, InstanceId, MemberId, Outcome};
use crate::model::value::{Value, Values};

use super::facts::{
    Facts, ProjectFacts, StageFacts, TaskFacts, TaskGroupFacts, TaskMemberFacts, TasksFacts,
};
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

fn facts(fields: &[(&str, Value)]) -> Facts {
    let fields: Values =
        fields.iter().map(|(name, value)| (FieldId::trusted(name), value.clone())).collect();
    let member = |each: &str, done: bool, outcome: Option<&str>| TaskMemberFacts {
        each: each.into(),
        open: !done,
        done,
        outcome: outcome.map(Outcome::trusted),
    };
    let opinion = TaskGroupFacts {
        id: "opinion".into(),
        members: vec![member("economy", true, Some("agree")), member("ecology", false, None)],
        done: false,
    };
    let review = TaskGroupFacts {
        id: "review".into(),
        members: vec![member("", true, Some("pass_with_conditions"))],
        done: true,
    };
    Facts {
        project: Arc::new(ProjectFacts {
            id: InstanceId::trusted("p-1"),
            steward: Some(MemberId::trusted("li_wei")),
            group: Some(GroupId::trusted("sensors")),
            fields,
        }),
        stage: Arc::new(StageFacts { id: "contact".into(), attempt: 2, returns: 1 }),
        task: Some(Arc::new(TaskFacts {
            id: "review".into(),
            each: "".into(),
            attempt: 1,
            outcome: "pass".into(),
        })),
        tasks: Arc::new(TasksFacts { tasks: vec![opinion, review] }),
    }
}

/// A large project with every field filled.
fn large() -> Facts {
    facts(&[
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
