//! The sandbox's traps: what a script could do to its host, and cannot.

use std::sync::Arc;

use super::{large, refused, rules, vocabulary};
use crate::script::facts::Facts;
use crate::script::{Condition, Failure};

/// What a function answers when a condition calls it.
fn called(body: &str) -> Result<bool, Failure> {
    called_with(&format!("fn trap(project) {{ {body} }}"), &large().facts())
}

fn called_with(source: &str, facts: &Facts<'_>) -> Result<bool, Failure> {
    let (functions, _) = rules(source);
    let functions = Arc::new(functions);
    match Condition::compile("trap(project)", &vocabulary(), &functions) {
        Ok(condition) => condition.holds(facts),
        Err(findings) => Err(Failure { place: "load".into(), message: super::told(&findings) }),
    }
}

fn message(body: &str) -> String {
    match called(body) {
        Ok(answer) => panic!("`{body}` answered {answer}"),
        Err(failure) => failure.message,
    }
}

#[test]
fn nothing_waits_prints_imports_or_reads_a_clock() {
    let mut lines: Vec<String> = Vec::new();
    for name in ["sleep", "timestamp", "eval", "print", "debug", "parse_json", "exit", "rand"] {
        let source = format!("fn trap(project) {{ {name}(1); true }}");
        let (functions, findings) = rules(&source);
        assert!(!findings.is_empty(), "`{name}` is known");
        assert!(called_with(&source, &large().facts()).is_err(), "`{name}` ran: {functions:?}");
    }
    let (_, findings) = rules(r#"fn trap(project) { import "x" as x; true }"#);
    tell!(lines, super::told(&findings));
    tell!(lines, refused(r#"eval("true")"#));
    tell!(lines, refused("sleep(1) == ()"));
    tell!(lines, refused("timestamp() > 0"));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_endless_script_is_stopped() {
    let mut lines: Vec<String> = Vec::new();
    tell!(lines, message("loop { }"));
    tell!(lines, message("let n = 0; while true { n += 1; } true"));
    tell!(lines, message("trap(project)"));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_greedy_script_is_stopped() {
    let mut lines: Vec<String> = Vec::new();
    tell!(lines, message(r#"let s = "0123456789"; loop { s += s; }"#));
    tell!(lines, message("let a = []; loop { a.push(1); }"));
    tell!(lines, message("let m = #{}; let n = 0; loop { n += 1; m[`${n}`] = n; }"));
    tell!(lines, message(r#""x".pad(1000000000, "y") == """#));
    let nested = format!("{}true{}", "(".repeat(500), ")".repeat(500));
    tell!(lines, refused(&nested));
    let negated = format!("{}true", "!".repeat(5000));
    tell!(lines, refused(&negated));
    let long = vec!["true"; 40].join(" && ");
    assert_eq!(super::compiled(&long).holds(&large().facts()), Ok(true));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn no_script_changes_a_fact() {
    let mut lines: Vec<String> = Vec::new();
    for body in [
        "project.investment = 1; true",
        "project.investment += 1; true",
        r#"project["investment"] = 1; true"#,
        "project.tier.clear(); project.tier == \"\"",
        "project.clear(); true",
        "let p = project; p.investment = 1; true",
    ] {
        let case = large();
        let before = case.instance.clone();
        let answer = called_with(&format!("fn trap(project) {{ {body} }}"), &case.facts());
        assert!(answer != Ok(true), "`{body}` answered {answer:?}");
        assert_eq!(*case.instance, *before, "`{body}` changed the project");
    }
    let (_, findings) = rules("fn trap(project) {\n    project.investment = 1;\n    true\n}");
    tell!(lines, super::told(&findings));
    tell!(lines, refused("project.investment = 1"));
    tell!(lines, refused("project.clear() == ()"));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_condition_is_one_expression() {
    let mut lines: Vec<String> = Vec::new();
    for source in
        ["let x = 1; true", "while true { }", "true; true", "fn x() { true }", "", "{ true }"]
    {
        assert_ne!(refused(source), "(nothing)", "`{source}`");
    }
    tell!(lines, refused("if project.listed { true } else { false }"));
    tell!(lines, refused("(|x| true).call(1)"));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_panic_of_the_engine_is_a_message() {
    let failed = crate::script::sandbox::guarded(|| -> () { panic!("no way") });
    assert_eq!(failed, Err("the script engine gave up: no way".to_owned()));
}
