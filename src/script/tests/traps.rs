//! The sandbox's traps: what a script could do to its host, and cannot.

use std::sync::Arc;

use super::{large, refused, rules, vocabulary};
use crate::script::facts::Facts;
use crate::script::{Condition, Failure};

/// What a function answers when a condition calls it.
fn called(body: &str) -> Result<bool, Failure> {
    called_with(&format!("fn trap(project) {{ {body} }}"), &large())
}

fn called_with(source: &str, facts: &Facts) -> Result<bool, Failure> {
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
    for name in ["sleep", "timestamp", "eval", "print", "debug", "parse_json", "exit", "rand"] {
        let source = format!("fn trap(project) {{ {name}(1); true }}");
        let (functions, findings) = rules(&source);
        assert!(!findings.is_empty(), "`{name}` is known");
        assert!(called_with(&source, &large()).is_err(), "`{name}` ran: {functions:?}");
    }
    let (_, findings) = rules(r#"fn trap(project) { import "x" as x; true }"#);
    insta::assert_snapshot!(super::told(&findings), @"rules/test.rhai:1:20+6 Forbidden: `import` cannot be used here");
    insta::assert_snapshot!(refused(r#"eval("true")"#), @"1:1+4 Forbidden: `eval` cannot be used here");
    insta::assert_snapshot!(refused("sleep(1) == ()"), @"1:1+5 UnknownFunction: there is no function `sleep`");
    insta::assert_snapshot!(refused("timestamp() > 0"), @"1:1+9 UnknownFunction: there is no function `timestamp`");
}

#[test]
fn an_endless_script_is_stopped() {
    insta::assert_snapshot!(message("loop { }"), @"it takes too many operations");
    insta::assert_snapshot!(message("let n = 0; while true { n += 1; } true"), @"it takes too many operations");
    insta::assert_snapshot!(message("trap(project)"), @"its functions call one another too deeply");
}

#[test]
fn a_greedy_script_is_stopped() {
    insta::assert_snapshot!(message(r#"let s = "0123456789"; loop { s += s; }"#), @"a text grows too large");
    insta::assert_snapshot!(message("let a = []; loop { a.push(1); }"), @"a list or a map grows too large");
    insta::assert_snapshot!(message("let m = #{}; let n = 0; loop { n += 1; m[`${n}`] = n; }"), @"it takes too many operations");
    insta::assert_snapshot!(message(r#""x".pad(1000000000, "y") == """#), @"a text grows too large");
    let nested = format!("{}true{}", "(".repeat(500), ")".repeat(500));
    insta::assert_snapshot!(refused(&nested), @"1:33+1 Syntax: it is nested too deeply");
    let negated = format!("{}true", "!".repeat(5000));
    insta::assert_snapshot!(refused(&negated), @"1:64+1 Syntax: it is nested too deeply");
    let long = vec!["true"; 40].join(" && ");
    assert_eq!(super::compiled(&long).holds(&large()), Ok(true));
}

#[test]
fn no_script_changes_a_fact() {
    for body in [
        "project.investment = 1; true",
        "project.investment += 1; true",
        r#"project["investment"] = 1; true"#,
        "project.tier.clear(); project.tier == \"\"",
        "project.clear(); true",
        "let p = project; p.investment = 1; true",
    ] {
        let facts = large();
        let before = facts.project.clone();
        let answer = called_with(&format!("fn trap(project) {{ {body} }}"), &facts);
        assert!(answer != Ok(true), "`{body}` answered {answer:?}");
        assert_eq!(facts.project, before, "`{body}` changed the project");
    }
    let (_, findings) = rules("fn trap(project) {\n    project.investment = 1;\n    true\n}");
    insta::assert_snapshot!(super::told(&findings), @"rules/test.rhai:2:5+7 Forbidden: `project` is a fact: it cannot be changed");
    insta::assert_snapshot!(refused("project.investment = 1"), @"1:20+1 Syntax: `=` does not belong here (`==` compares)");
    insta::assert_snapshot!(refused("project.clear() == ()"), @"1:9+5 UnknownFunction: the whole `project` cannot be asked `clear`");
}

#[test]
fn a_condition_is_one_expression() {
    for source in
        ["let x = 1; true", "while true { }", "true; true", "fn x() { true }", "", "{ true }"]
    {
        assert_ne!(refused(source), "(nothing)", "`{source}`");
    }
    insta::assert_snapshot!(refused("if project.listed { true } else { false }"), @"1:1+2 Forbidden: a condition is a single question (put more into a function of the rules)");
    insta::assert_snapshot!(refused("(|x| true).call(1)"), @"1:2+1 Forbidden: a condition is a single question (put more into a function of the rules)");
}

#[test]
fn a_panic_of_the_engine_is_a_message() {
    let failed = crate::script::sandbox::guarded(|| -> () { panic!("no way") });
    assert_eq!(failed, Err("the script engine gave up: no way".to_owned()));
}
