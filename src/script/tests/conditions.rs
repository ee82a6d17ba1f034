//! Conditions over facts: what holds, and how a failure is told.

use std::sync::Arc;

use super::{compiled, large, rules, vocabulary, with};
use crate::model::value::Value;
use crate::script::{Answer, Condition, Expression, Origin};

fn holds(source: &str) -> bool {
    compiled(source)
        .holds(&large().facts())
        .unwrap_or_else(|failure| panic!("{source}: {failure:?}"))
}

#[test]
fn every_fact_can_be_read() {
    for source in [
        r#"project.id == "p-1""#,
        r#"project.steward == "li_wei""#,
        r#"project.group == "sensors""#,
        r#"project.investor == "华为""#,
        r#"project["investor"] == "华为""#,
        "project.visits == 3",
        "project.investment == 12000.5",
        "project.listed",
        r#"project.signed_on == "2025-01-06""#,
        "project.signed_on.year == 2025",
        r#"project.tier in ["A", "B"]"#,
        r#"!(project.tier in ["B", "C"])"#,
        r#"stage.id == "contact" && stage.attempt == 2 && stage.returns == 1"#,
        r#"task.id == "review" && task.attempt == 1 && task.outcome == "pass""#,
        r#"task.each == """#,
        "tasks.opinion.open && !tasks.opinion.done && tasks.review.done",
        r#"tasks.opinion.total == 2 && tasks.opinion.count("agree") == 1"#,
        r#"tasks.opinion.outcome == "agree""#,
        r#"tasks.opinion["economy"].outcome == "agree""#,
        r#"tasks.opinion["ecology"].outcome == "" && tasks.opinion["ecology"].open"#,
        r#"tasks.review.outcome.starts_with("pass")"#,
        r#"tasks["review"].done"#,
    ] {
        assert!(holds(source), "{source}");
    }
}

#[test]
fn an_empty_field_is_nothing() {
    let empty = with(&[]);
    for (source, expected) in [
        ("project.investment == ()", true),
        ("project.investment >= 10000", false),
        ("project.investment < 10000", false),
        ("project.investment != 10000", true),
        (r#"project.tier == "A""#, false),
        (r#"project.tier != "A""#, true),
        (r#"project.signed_on > "2025-01-06""#, false),
        ("(project.investment ?? 0) < 10000", true),
    ] {
        assert_eq!(compiled(source).holds(&empty.facts()), Ok(expected), "{source}");
    }
    // A question about an empty field has no answer.
    assert!(compiled("project.listed").holds(&empty.facts()).is_err());
}

#[test]
fn a_condition_calls_functions_of_the_rules() {
    let (functions, findings) = rules(
        r#"
        fn is_major(project) { large(project) || project.hazard == "major" }
        fn large(project) { project.investment >= 10000 }
        "#,
    );
    assert_eq!(findings, []);
    let functions = Arc::new(functions);
    let condition = Condition::compile("is_major(project)", &vocabulary(), &functions).unwrap();
    assert_eq!(condition.holds(&large().facts()), Ok(true));
    let small = with(&[("investment", Value::Integer(5)), ("hazard", Value::Text("none".into()))]);
    assert_eq!(condition.holds(&small.facts()), Ok(false));
}

#[test]
fn a_failure_names_its_place() {
    let mut lines: Vec<String> = Vec::new();
    let (functions, _) = rules("fn add(project) {\n    project.visits - project.investor\n}");
    let functions = Arc::new(functions);
    let condition = Condition::compile("add(project)", &vocabulary(), &functions).unwrap();
    let failure = condition.holds(&large().facts()).unwrap_err();
    tell!(lines, format!("{} {}", failure.place, failure.message));

    let origin = Origin { file: "workflows/a.yaml".into(), line: 7, column: 12 };
    let condition = compiled("project.listed && project.visits / (project.visits - 3) > 1");
    let failure = condition.at(origin).holds(&large().facts()).unwrap_err();
    tell!(lines, format!("{} {}", failure.place, failure.message));

    let condition =
        Condition::compile("no(project)", &vocabulary(), &Arc::new(rules("fn no(project) { }").0));
    let failure = condition.unwrap().holds(&large().facts()).unwrap_err();
    tell!(lines, format!("{} {}", failure.place, failure.message));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn values_are_never_baked_in() {
    let condition = compiled("project.investment >= 10000 && project.visits == 3");
    assert_eq!(condition.holds(&large().facts()), Ok(true));
    let other = with(&[("investment", super::decimal("9999.99")), ("visits", Value::Integer(3))]);
    assert_eq!(condition.holds(&other.facts()), Ok(false));
    assert_eq!(condition.holds(&large().facts()), Ok(true));
}

#[test]
fn an_expression_answers_a_value_of_its_kind() {
    let value = |wanted: Answer, source: &str| {
        let compiled = Expression::compile(wanted, source, &vocabulary(), &Arc::default());
        let value = compiled.map(|compiled| compiled.value(&large().facts()));
        value.map_err(|findings| super::told(&findings))
    };
    // A number with a point in the expression makes a decimal of whole numbers.
    let half = Ok(Ok(Some(super::decimal("1.5"))));
    assert_eq!(value(Answer::Decimal, "project.visits * 0.5"), half);
    assert_eq!(value(Answer::Decimal, "project.visits"), Ok(Ok(Some(Value::Integer(3)))));
    let wrong = "1:1+20 TypeMismatch: the answer is a number, not a whole number (write `type: \
                 decimal`)";
    assert_eq!(value(Answer::Integer, "project.visits * 0.5"), Err(wrong.to_owned()));
    let rounded = value(Answer::Integer, "project.investment.floor()");
    assert!(rounded.is_ok(), "what is rounded is whole: {rounded:?}");
}
