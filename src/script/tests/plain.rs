//! Plain conditions answer what the script engine answers, and nothing where it fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use rhai::Stmt;

use super::{Case, compiled, date, decimal, done, group, instance, large, task, vocabulary};
use crate::model::id::{FieldId, GroupId, MemberId, Outcome, StageId, TaskId};
use crate::model::instance::{ClosedTask, Instance, StagePlace, StageState};
use crate::model::task::{CancelReason, Task, TaskEnd};
use crate::model::time::Timestamp;
use crate::model::value::{Value, Values};
use crate::script::facts::TaskGroups;
use crate::script::plain::Plain;
use crate::script::{Condition, Functions, sandbox};

const SIGNS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

const FACTS: [&str; 32] = [
    "project.id",
    "project.steward",
    "project.group",
    "project.investor",
    "project[\"visits\"]",
    "project.visits",
    "project.investment",
    "project.listed",
    "project.signed_on",
    "project.tier",
    "stage.id",
    "stage.attempt",
    "stage.returns",
    "task.id",
    "task.each",
    "task.attempt",
    "task.outcome",
    "tasks.review.open",
    "tasks[\"review\"].done",
    "tasks.review.outcome",
    "tasks.review.attempt",
    "tasks.opinion.open",
    "tasks.opinion.done",
    "tasks.opinion.outcome",
    "tasks.opinion.total",
    "tasks.opinion.count(\"agree\")",
    "tasks.opinion[\"economy\"].each",
    "tasks.opinion[\"economy\"].open",
    "tasks.opinion[\"ecology\"].done",
    "tasks.opinion[\"ecology\"].outcome",
    "tasks[\"opinion\"][\"ecology\"].attempt",
    "tasks.review.count(\"pass\")",
];

const LITERALS: [&str; 14] = [
    "()",
    "true",
    "false",
    "0",
    "1",
    "-2",
    "12000",
    "\"\"",
    "\"A\"",
    "\"agree\"",
    "\"pass\"",
    "\"p-1\"",
    "\"contact\"",
    "\"2025-01-06\"",
];

/// Every comparison of two facts or of a fact with a literal that the type check lets pass, and
/// every fact that can be a condition of its own.
static COMPARISONS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let functions = Arc::new(Functions::default());
    let terms = || FACTS.into_iter().chain(LITERALS);
    let pairs = terms().flat_map(|left| terms().map(move |right| (left, right)));
    let compared = pairs.flat_map(|(left, right)| {
        SIGNS.into_iter().map(move |sign| format!("{left} {sign} {right}"))
    });
    terms()
        .map(str::to_owned)
        .chain(compared)
        .filter(|source| Condition::compile(source, &vocabulary(), &functions).is_ok())
        .collect()
});

fn any_condition() -> impl Strategy<Value = String> {
    let comparison = prop::sample::select(COMPARISONS.as_slice());
    comparison.prop_recursive(4, 12, 3, |part| {
        prop_oneof![
            prop::collection::vec(part.clone(), 2..4).prop_map(|parts| parts.join(" && ")),
            prop::collection::vec(part.clone(), 2..4)
                .prop_map(|parts| format!("({})", parts.join(" || "))),
            part.prop_map(|part| format!("!({part})")),
        ]
    })
}

/// Each field with values that fit it.
fn values() -> [(&'static str, Vec<Value>); 6] {
    let text = |text: &str| Value::Text(text.into());
    [
        ("investor", vec![text(""), text("A"), text("p-1"), text("2025-01-06")]),
        ("visits", vec![Value::Integer(0), Value::Integer(1), Value::Integer(12000)]),
        ("investment", vec![decimal("1.0"), decimal("12000"), decimal("12000.50")]),
        ("listed", vec![Value::Boolean(true), Value::Boolean(false)]),
        ("signed_on", vec![date("2025-01-06"), date("2025-02-01")]),
        ("tier", vec![text("A"), text("B")]),
    ]
}

/// Fields, filled or not; where nothing need fit, with values of any type.
fn any_fields(fitting: bool) -> impl Strategy<Value = Values> {
    let all: Vec<Value> = values().into_iter().flat_map(|(_, fitting)| fitting).collect();
    let field = |(name, own): (&'static str, Vec<Value>)| {
        let values = if fitting { own } else { all.clone() };
        prop::option::of(prop::sample::select(values))
            .prop_map(move |value| Some((FieldId::trusted(name), value?)))
    };
    let fields: Vec<_> = values().into_iter().map(field).collect();
    fields.prop_map(|fields| fields.into_iter().flatten().collect())
}

fn any_end() -> impl Strategy<Value = Option<TaskEnd>> {
    let without = TaskEnd::Done {
        outcome: None,
        by: None,
        instead_of: None,
        delegated_by: None,
        at: Timestamp(0),
    };
    let cancelled = TaskEnd::Cancelled { because: CancelReason::StageLeft, at: Timestamp(0) };
    prop::sample::select(vec![
        None,
        Some(done("agree")),
        Some(done("pass")),
        Some(without),
        Some(cancelled),
    ])
}

fn any_tasks() -> impl Strategy<Value = Vec<Task>> {
    let name = prop::sample::select(vec![
        ("review", None),
        ("opinion", Some("economy")),
        ("opinion", Some("ecology")),
    ]);
    prop::collection::vec((name, any_end(), 1_u32..4), 0..6).prop_map(|tasks| {
        let of = |((id, each), end, attempt)| Task { attempt, ..task(id, each, end) };
        tasks.into_iter().map(of).collect()
    })
}

fn any_stage() -> impl Strategy<Value = Option<StageState>> {
    let closed = any::<bool>().prop_map(|done| ClosedTask {
        task: TaskId::trusted("opinion"),
        each: Some("ecology".into()),
        outcome: done.then(|| Outcome::trusted("agree")),
        done,
        attempt: 2,
    });
    let state = (0_u32..3, 0_u32..3, prop::collection::vec(closed, 0..2)).prop_map(
        |(attempt, returns, outcomes)| StageState {
            stage: StageId::trusted("contact"),
            attempt,
            returns,
            dwell_ms: 0,
            place: StagePlace::Open(Timestamp(0)),
            outcomes,
            tried: Vec::new(),
        },
    );
    prop::option::of(state)
}

/// The tasks of a workflow; of an older one that knows fewer names or words.
fn any_groups() -> impl Strategy<Value = Vec<&'static [&'static str]>> {
    const REVIEW: &[&str] = &["review"];
    prop::sample::select(vec![
        vec![REVIEW, &["opinion", "economy", "ecology"]],
        vec![REVIEW, &["opinion", "economy"]],
        vec![REVIEW],
        vec![],
    ])
}

fn any_case(fitting: bool) -> impl Strategy<Value = Case> {
    let people = (any::<bool>(), any::<bool>());
    let own = prop::option::of(any_end());
    let parts = (any_fields(fitting), people, any_stage(), any_tasks(), any_groups(), own);
    parts.prop_map(|(fields, (steward, team), stage, tasks, groups, own)| Case {
        instance: Arc::new(Instance {
            steward: steward.then(|| MemberId::trusted("A")),
            group: team.then(|| GroupId::trusted("p-1")),
            fields: Arc::new(fields),
            stages: stage.into_iter().map(Arc::new).collect(),
            tasks: tasks.into_iter().map(Arc::new).collect(),
            ..instance()
        }),
        stage: Some(StageId::trusted("contact")),
        task: own.map(|end| task("review", None, end)),
        tasks: Arc::new(TaskGroups::new(
            groups.into_iter().map(|names| group(names[0], &names[1..])).collect(),
        )),
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    })]

    #[test]
    fn what_the_engine_answers_is_answered_without_it(
        sources in prop::collection::vec(any_condition(), 8),
        case in any_case(true),
    ) {
        for source in sources {
            let condition = compiled(&source);
            let plain = condition.plain_answer(&case.facts());
            prop_assert_eq!(plain, condition.engine_answer(&case.facts()).ok(), "{}", source);
        }
    }

    #[test]
    fn values_that_do_not_fit_are_left_to_the_engine_or_answered_alike(
        sources in prop::collection::vec(any_condition(), 8),
        case in any_case(false),
    ) {
        for source in sources {
            let condition = compiled(&source);
            if let Some(plain) = condition.plain_answer(&case.facts()) {
                let engine = condition.engine_answer(&case.facts());
                prop_assert_eq!(Ok(plain), engine, "{}", source);
            }
        }
    }
}

#[test]
fn what_is_not_plain_is_asked_of_the_engine() {
    for source in [
        "project.investment >= 1.5",
        "project.visits + 1 == 4",
        "(project.visits ?? 0) == 3",
        "project?.listed == true",
        "project.tier == 'A'",
        "project.tier in [\"A\", \"B\"]",
        "project.signed_on.year == 2025",
        "tasks.review.outcome.starts_with(\"pass\")",
        "project.listed == (project.visits == 3)",
    ] {
        let condition = compiled(source);
        let case = large();
        assert_eq!(condition.plain_answer(&case.facts()), None, "{source}");
        assert_eq!(condition.holds(&case.facts()), Ok(true), "{source}");
    }
}

/// The conditions of the shipped workflows, as they are written.
#[expect(clippy::disallowed_methods, reason = "the texts of conditions are all that is wanted")]
fn shipped() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let texts = files.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
    let conditions = |text: String| -> Vec<String> {
        let after = text.split("when: '").skip(1).chain(text.split("_while: '").skip(1));
        after.filter_map(|rest| Some(rest.split_once('\'')?.0.to_owned())).collect()
    };
    texts.flat_map(conditions).collect()
}

/// The functions of the shipped rules.
#[expect(clippy::disallowed_methods, reason = "the texts of the files are all that is wanted")]
fn shipped_functions() -> Arc<Functions> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let rules = files.filter(|path| path.extension().is_some_and(|kind| kind == "rhai"));
    let file = |path: PathBuf| -> (Arc<str>, Arc<str>) {
        let text = fs::read_to_string(&path).unwrap();
        (path.to_string_lossy().into(), text.into())
    };
    let (functions, findings) = Functions::compile(&rules.map(file).collect::<Vec<_>>());
    assert_eq!(findings, []);
    Arc::new(functions)
}

#[test]
fn shipped_conditions_are_plain_but_for_a_few() {
    let functions = shipped_functions();
    let is_plain = |source: &str| {
        let scope = sandbox::declarations();
        let ast = sandbox::engine().compile_expression_with_scope(&scope, source).unwrap();
        let plain = |expression| Plain::of(expression, &functions).is_some();
        matches!(ast.statements(), [Stmt::Expr(expression)] if plain(expression))
    };
    let conditions = shipped();
    assert!(conditions.len() > 100, "{}", conditions.len());
    let others: BTreeSet<&str> =
        conditions.iter().map(String::as_str).filter(|source| !is_plain(source)).collect();
    insta::assert_debug_snapshot!(others, @r#"
    {
        "has_addressee(project)",
        "is_confirmed_lead(tasks) && names_referrer(project)",
        "is_entitled(project) && names_window(project) && tasks.notify.outcome == \"willing\"",
        "tasks.composite_opinion.outcome.starts_with(\"pass\")",
        "tasks.submit.outcome == \"submitted\" && claims_what_is_due(project)",
    }
    "#);
}

#[test]
fn a_function_that_is_one_expression_is_read_in_place_of_its_call() {
    let rules = r#"
        fn large(project) { project.investment >= 10000 }
        fn sized(p, s) { large(p) && p.visits != () && s.attempt >= 1 }
        fn agreed(all) { all.opinion.count("agree") == 2 || !all.review.done }
        fn doubled(project) { project.visits * 2 > 5 }
        fn stepwise(project) { let enough = project.visits > 2; enough }
        fn listed(project) { if project.listed { true } else { false } }
        fn endless(project) { endless(project) }
        fn either(yes) { yes || true }
    "#;
    let files = [("rules/a.rhai".into(), rules.into())];
    let (functions, findings) = Functions::compile(&files);
    assert_eq!(findings, []);
    let functions = Arc::new(functions);
    let (case, vocabulary) = (large(), vocabulary());
    let answers = |source: &str| {
        let condition = Condition::compile(source, &vocabulary, &functions).unwrap();
        (condition.plain_answer(&case.facts()), condition.engine_answer(&case.facts()).ok())
    };
    for source in [
        "large(project)",
        "!large(project)",
        "sized(project, stage)",
        "sized(project, stage) && project.tier == \"A\"",
        "agreed(tasks)",
        "!agreed(tasks) || large(project)",
    ] {
        let (plain, engine) = answers(source);
        assert!(plain.is_some() && plain == engine, "{source}: {plain:?}, {engine:?}");
    }
    for source in [
        "doubled(project)",
        "stepwise(project)",
        "listed(project)",
        "endless(project)",
        "either(project.listed)",
        // What does not fit is for the engine to tell.
        "large(stage)",
        "sized(stage, project)",
    ] {
        assert_eq!(answers(source).0, None, "{source}");
    }
}
