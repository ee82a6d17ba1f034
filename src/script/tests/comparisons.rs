//! Every operator over every pair of types: none compares silently.

use std::fmt::Write;
use std::sync::Arc;

use super::{large, rules, vocabulary};
use crate::script::Condition;

/// A value of every type, the smaller one first, by the type's name.
const VALUES: [(&str, &str, &str); 8] = [
    ("decimal", "project.investment - 1", "project.investment"),
    ("integer", "11999", "12001"),
    ("float", "0.5", "12000.75"),
    ("text", "\"a\"", "\"b\""),
    ("character", "'a'", "'b'"),
    ("boolean", "false", "true"),
    ("date", "project.signed_on", "project.signed_on"),
    ("nothing", "()", "()"),
];
const SIGNS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

/// What a function with this body answers: `true`, `false`, another value, or that it refuses.
fn answer(body: &str) -> &'static str {
    let (functions, findings) = rules(&format!("fn compare(project) {{ {body} }}"));
    assert_eq!(findings, [], "{body}");
    let functions = Arc::new(functions);
    let condition = Condition::compile("compare(project)", &vocabulary(), &functions).unwrap();
    match condition.holds(&large().facts()) {
        Ok(true) => "yes",
        Ok(false) => "no",
        Err(_) => "-",
    }
}

/// For each pair of types what the six comparisons answer for the smaller value on the left.
#[test]
fn every_pair_is_compared_or_refused() {
    let mut table = String::new();
    for (left_name, left, _) in VALUES {
        for (right_name, _, right) in VALUES {
            let answers: Vec<&str> =
                SIGNS.iter().map(|sign| answer(&format!("{left} {sign} {right}"))).collect();
            writeln!(table, "{left_name:9} {right_name:9} {}", answers.join(" ")).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn decimals_compute_with_every_number_in_both_orders() {
    for (source, expected) in [
        ("project.investment + 1 == 12001.5", "yes"),
        ("1 + project.investment == 12001.5", "yes"),
        ("project.investment - 0.5 == 12000", "yes"),
        ("0.1 * project.investment == 1200.05", "yes"),
        ("project.investment / 2 == 6000.25", "yes"),
        ("24001 / project.investment == 2", "yes"),
        ("project.investment % 1 == 0.5", "yes"),
        ("-project.investment < 0", "yes"),
        ("project.investment ** 2 == 144012000.25", "yes"),
        ("(project.investment - 12000) ** -3 == 8", "yes"),
        ("2 ** (project.investment - 11990.5) == 1024", "yes"),
        ("(0 - project.investment) ** 3 < 0", "yes"),
        ("project.investment ** 0 == 1", "yes"),
        // What is not exact, too large, or divided by nothing has no answer.
        ("project.investment ** 0.5 > 1", "-"),
        ("project.investment ** 100 > 1", "-"),
        ("(project.investment - project.investment) ** -1 > 1", "-"),
        ("project.investment * project.investment > 144000000", "yes"),
        ("project.investment.floor() == 12000", "yes"),
        ("project.investment.min(5) == 5", "yes"),
        ("max(5, project.investment) == project.investment", "yes"),
        ("0.1 + 0.2 + project.investment == 12000.8", "no"),
        ("project.investment + 0.1 + 0.2 == 12000.8", "yes"),
        ("project.investment / 0 == 1", "-"),
        ("project.investment * 1e300 > 1", "-"),
        ("let sum = project.investment; sum += 1; sum -= 0.5; sum == 12001", "yes"),
    ] {
        assert_eq!(answer(source), expected, "{source}");
    }
}

#[test]
fn dates_compare_with_dates_and_texts() {
    for (source, expected) in [
        (r#"project.signed_on == "2025-01-06""#, "yes"),
        (r#""2025-01-05" < project.signed_on"#, "yes"),
        (r#"project.signed_on >= "2025-01-07""#, "no"),
        ("project.signed_on <= project.signed_on", "yes"),
        (r#"project.signed_on == "6 January""#, "-"),
        ("project.signed_on == 20250106", "-"),
    ] {
        assert_eq!(answer(source), expected, "{source}");
    }
}
