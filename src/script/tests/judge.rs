//! What is said of conditions that can never hold, and nothing of those that can.

use std::sync::Arc;

use super::vocabulary;
use crate::script::{Judgement, judge};

fn judged(source: &str, unopened: &[&str]) -> Judgement {
    super::compiled(source);
    judge(source, &vocabulary(), &Arc::default(), &|task| unopened.contains(&task))
}

#[test]
fn comparisons_that_exclude_one_another_are_found() {
    let sources = [
        r#"project.tier == "A" && project.tier == "B""#,
        r#"project.listed && project.investor == "x" && project.investor != "x""#,
        "project.visits > 3 && project.visits < 4",
        "project.investment > 5 && project.investment < 4.5",
        "5 < project.visits && project.visits <= 5",
        "project.visits == 2.5",
        "project.listed && !project.listed",
        "project.listed == true && project.listed == ()",
        r#"project.tier in ["A", "B"] && project.tier == "C""#,
        r#"project.hazard != "none" && project.hazard != "major" && project.hazard != ()"#,
        r#"!(project.tier == "A" || project.tier != "A")"#,
        r#"project.signed_on < "2025-01-01" && project.signed_on > "2025-06-01""#,
        r#"tasks.review.outcome == "pass" && tasks.review.outcome == "reject""#,
        r#"tasks.review.outcome.starts_with("pass") && tasks.review.outcome == "reject""#,
        r#"tasks.opinion.count("object") >= 3"#,
        r#"tasks.opinion["ecology"].outcome == "agree" && tasks.opinion["ecology"].outcome == """#,
        "stage.attempt < 1",
        r#"project.listed || (project.tier == "A" && project.tier == "B")"#,
        r#"(project.tier == "A" || project.tier == "B") && project.tier == "C""#,
        r#"stage.id == "contact" && stage.id == "signing""#,
    ];
    let told: Vec<String> = sources
        .iter()
        .map(|source| {
            let judgement = judged(source, &[]);
            let found: Vec<String> = judgement
                .contradictions
                .iter()
                .map(|each| {
                    format!(
                        "{}:{}+{} {} ({})",
                        each.line, each.column, each.length, each.fact, each.comparisons
                    )
                })
                .collect();
            format!("{source}\n    {} never: {}", found.join(", "), judgement.never_holds)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn conditions_that_can_hold_are_let_alone() {
    for source in [
        "true",
        r#"project.tier == "A" || project.tier == "B""#,
        r#"project.tier in ["A", "B"] && (project.tier == "A" || project.tier == "C")"#,
        r#"project.tier != "A" && project.tier != "B" && project.tier != "C""#,
        "project.visits > 3 && project.visits < 5",
        "project.investment > 3 && project.investment < 4",
        "!(project.visits > 3) && !(project.visits < 4)",
        "project.visits >= 5 && project.visits <= 5",
        r#"project.signed_on > "2025-01-31" && project.signed_on < "2025-02-02""#,
        r#"tasks.review.outcome.starts_with("pass") && tasks.review.outcome != "pass""#,
        r#"tasks.opinion.count("object") >= 2"#,
        "project.investment > 5 && project.visits < 4",
        r#"project.tier == "A" && tasks.review.outcome == """#,
        "project.investment == () || project.investment > 5",
        "project.investment != () && project.investment > 5",
        "(project.visits ?? 0) > 3 && project.visits == ()",
        "tasks.review.attempt >= 3",
        "tasks.review.attempts >= 3",
    ] {
        let judgement = judged(source, &[]);
        assert!(
            !judgement.never_holds && judgement.contradictions.is_empty(),
            "{source}: {judgement:?}"
        );
    }
}

#[test]
fn a_task_that_has_not_opened_is_neither_open_nor_done() {
    for (source, never) in [
        ("tasks.review.done", true),
        ("tasks.review.open", true),
        ("!tasks.review.done", false),
        (r#"tasks.review.outcome.starts_with("pass")"#, true),
        (r#"tasks.review.outcome == """#, false),
        (r#"tasks.opinion.count("object") >= 1"#, false),
        ("tasks.review.done || project.listed", false),
        ("tasks.review.done && tasks.opinion.done", true),
    ] {
        assert_eq!(judged(source, &["review"]).never_holds, never, "{source}");
    }
    assert!(judged(r#"tasks.opinion.count("object") >= 1"#, &["opinion"]).never_holds);
    let named = judged(r#"tasks.review.done && tasks["opinion"]["ecology"].done"#, &[]).tasks;
    let named: Vec<_> = named.iter().map(|each| (each.name.as_str(), each.column)).collect();
    assert_eq!(named, [("review", 7), ("opinion", 28)]);
}
