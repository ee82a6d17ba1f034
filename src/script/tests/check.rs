//! The type check: what is told about an expression before it ever runs.

use std::sync::Arc;

use super::{refused, rules, vocabulary};
use crate::script::{Condition, Vocabulary};

#[test]
fn right_expressions_are_not_told_anything() {
    for source in [
        r#"project.hazard == "major""#,
        r#"project.hazard != "none" || project.investment >= 10000"#,
        "project.investment > 0.5 && project.visits * 2 >= 6",
        r#"project.tier == "A" && !(stage.returns >= 2)"#,
        r#"tasks.review.outcome.starts_with("pass")"#,
        r#"tasks.review.outcome == """#,
        r#"tasks.opinion.count("object") >= 2 || tasks.opinion["ecology"].outcome == "object""#,
        r#"project.investor.len > 3 && project.investor.contains("集团")"#,
        r#"project.signed_on < "2025-12-31""#,
        r#"stage.id == "signing""#,
        "tasks.opinion.open",
        "tasks.review.attempt >= 3 || tasks.review.attempts >= 3",
        "true",
        "project.steward != ()",
        "(project.visits ?? 0) > 3",
        "min(project.investment, 5) == 5",
    ] {
        assert_eq!(refused(source), "(nothing)", "{source}");
    }
}

#[test]
fn names_that_do_not_exist() {
    let sources = [
        "projct.tier == 1",
        r#"hazard == "major""#,
        "project.hazard == major",
        "review.done",
        "project.investmnt > 3",
        "stage.retuns > 3",
        "task.outcom == \"pass\"",
        "tasks.opinon.done",
        r#"tasks["opinon"].done"#,
        "tasks.opinion.finished",
        r#"tasks.opinion["economic"].done"#,
        r#"stage.id == "siging""#,
        "project.investor.length > 3",
        r#"project.investor.startswith("a")"#,
        "tasks.review.cuont(\"pass\") == 1",
        "is_large(project)",
        "lenght(project.investor) > 1",
    ];
    insta::assert_snapshot!(all(&sources));
}

#[test]
fn words_that_are_never_said() {
    let sources = [
        r#"project.hazard == "mayor""#,
        r#""mayor" != project.hazard"#,
        r#"project.tier in ["A", "D"]"#,
        r#"project.tier == """#,
        r#"tasks.review.outcome == "passed""#,
        r#"tasks.review.outcome.starts_with("ok")"#,
        r#"tasks.opinion.count("objects") > 1"#,
        r#"task.outcome == "agree""#,
        r#"task.each == "economy""#,
    ];
    insta::assert_snapshot!(all(&sources));
}

#[test]
fn types_that_do_not_fit() {
    let sources = [
        r#"project.investment >= "5000""#,
        "project.tier == 1",
        "project.investor > 5",
        "project.listed == \"true\"",
        "project.listed > false",
        "project.tier > \"A\"",
        "project.signed_on > 2025",
        r#"project.signed_on > "2025-02-30""#,
        "project == 1",
        "tasks.review == \"pass\"",
        "!project.visits",
        "project.visits && project.listed",
        "project.investor - 1 > 2",
        "project.investor.starts_with(1)",
        "project.visits",
        "project.investor",
        "tasks.review.outcome",
        "1 + 1",
        r#"1 > "2""#,
        "project.visits in 5",
        "project.visits in [1, \"2\"]",
    ];
    insta::assert_snapshot!(all(&sources));
}

#[test]
fn what_conditions_may_not_do() {
    let mut lines: Vec<String> = Vec::new();
    let sources = [
        "now > 5",
        r#"load("li_wei") > 5"#,
        r#"members("sensors").len > 5"#,
        "candidates.len > 1",
        r#"working_days_between("2025-01-06", "2025-01-08") > 1"#,
        "project.tier = \"A\"",
        "project.listed and project.visits > 1",
        "project.tier == 'AB'",
        "project.tier == \"A",
        "project.visits >",
        "project.visits + (1",
        "1 << 2 == 4",
        "type_of(project) == \"x\"",
        "[1, 2].push(3)",
    ];
    tell!(lines, all(&sources));

    let (functions, _) = rules(
        "fn busy(project) { deep(project) }\n\
         fn deep(project) { [1].some(|x| load(project.steward) > 3) }",
    );
    let found = Condition::compile("busy(project)", &vocabulary(), &Arc::new(functions));
    insta::assert_snapshot!(super::told(&found.unwrap_err()));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn without_a_task_there_is_no_task() {
    let mut lines: Vec<String> = Vec::new();
    let vocabulary = Vocabulary { task: None, ..vocabulary() };
    let found = Condition::compile("task.attempt > 1", &vocabulary, &Arc::default());
    tell!(lines, super::told(&found.unwrap_err()));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn positions_count_characters() {
    let mut lines: Vec<String> = Vec::new();
    tell!(lines, refused(r#"project.investor == "华为技术" && project.teir == "A""#));
    tell!(lines, refused("project.investor == \"东莞\" // 备注\n  && project.tier == \"Ａ级\""));
    tell!(lines, refused("project.investor == \"华为\" &&"));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_mistake_of_an_expression_is_told_at_once() {
    let mut lines: Vec<String> = Vec::new();
    tell!(
        lines,
        refused(r#"project.teir == "A" && project.hazard == "mayor" && tasks.rewiev.done"#)
    );
    insta::assert_snapshot!(lines.join("\n"));
}

fn all(sources: &[&str]) -> String {
    let told: Vec<String> = sources
        .iter()
        .map(|source| format!("{source}\n    {}", refused(source).replace('\n', "\n    ")))
        .collect();
    told.join("\n")
}
