//! The type check of expressions: names, fields, words, outcomes and comparisons, before an
//! expression ever runs. Knows the vocabulary around it, never the facts of an instance.

use std::sync::Arc;

use rhai::{Expr, ParseErrorType, Stmt};

use super::expression::Answer;
use super::finding::{Finding, FindingKind};
use super::functions::Functions;
use super::spans::Spans;
use super::views::Named;
use super::vocabulary::Vocabulary;
use super::{nearest, people, sandbox, syntax};

use types::{Class, Type};
use walk::Checker;

pub use judge::{Contradiction, Judgement, NamedTask, judge};

mod calls;
mod direct;
mod judge;
mod operators;
mod ranges;
mod types;
mod walk;

/// An expression in which nothing is wrong.
pub(super) struct Checked {
    pub(super) statements: Vec<Stmt>,
    pub(super) traits: Traits,
}

/// What a condition needs when it runs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traits {
    /// The facts that it names.
    pub(super) named: Named,
    /// It calls functions of the rules.
    pub(super) calls_functions: bool,
    /// It compares something of which the type is known only then.
    pub(super) compares_unknown: bool,
}

/// What an expression is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Yes or no: a condition.
    YesOrNo,
    /// A value of this kind, or nothing.
    Value(Answer),
}

/// Reads and checks an expression.
pub(super) fn expression(
    wanted: Wanted,
    source: &str,
    vocabulary: &Vocabulary,
    functions: &Arc<Functions>,
) -> Result<Checked, Vec<Finding>> {
    let spans = Spans::of(source);
    let scope = sandbox::declarations();
    let compiled =
        sandbox::guarded(|| sandbox::engine().compile_expression_with_scope(&scope, source));
    let ast = match compiled {
        Ok(Ok(ast)) => ast,
        Ok(Err(error)) => {
            let mut finding = syntax::refusal(None, &error, &spans);
            if let ParseErrorType::VariableUndefined(name) = error.err_type() {
                explain_name(&mut finding, name, vocabulary);
            }
            return Err(vec![finding]);
        }
        Err(message) => return Err(vec![syntax::gave_up(None, message)]),
    };
    let mut checker = Checker::new(vocabulary, functions, &spans);
    if let Some(Stmt::Expr(expression)) = ast.statements().first() {
        let answer = checker.of(expression);
        match wanted {
            Wanted::YesOrNo => demand_answer(&mut checker, expression, answer),
            Wanted::Value(kind) => demand_kind(&mut checker, expression, (answer, kind)),
        }
    }
    let (findings, traits) = checker.finish();
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(Checked { statements: direct::rewrite(ast.statements()), traits })
}

fn demand_answer(checker: &mut Checker<'_>, expression: &Expr, answer: Type<'_>) {
    if !answer.may_be_boolean() {
        let message = format!("the answer is {}, not yes or no", answer.described());
        checker.tell_of(expression, FindingKind::NotBoolean, message);
    }
}

fn demand_kind(checker: &mut Checker<'_>, expression: &Expr, (own, kind): (Type<'_>, Answer)) {
    let given = match (own.class(), own) {
        (Class::Open | Class::Nothing, _) => return,
        (Class::Number, Type::Integer) => Some(Answer::Integer),
        (Class::Number, _) => Some(Answer::Decimal),
        (Class::Text, _) => Some(Answer::Text),
        (Class::Boolean, _) => Some(Answer::Boolean),
        (Class::Date, _) => Some(Answer::Date),
        (Class::Other, _) => None,
    };
    let fits = match (given, kind) {
        // Every whole number is a decimal, too, and a rounded decimal is a whole number.
        (Some(Answer::Integer), Answer::Decimal) => true,
        (Some(Answer::Decimal), Answer::Integer) => {
            last_call(expression).is_some_and(|name| ["floor", "ceiling"].contains(&name))
        }
        (given, kind) => given == Some(kind),
    };
    if fits {
        return;
    }
    let message = format!("the answer is {}, not {}", own.described(), kind.described());
    let hint = given.map(|given| format!("write `type: {}`", given.word()));
    let hint = hint.unwrap_or_else(|| "ask for one thing of it".to_owned());
    checker.tell_of_with(expression, FindingKind::TypeMismatch, (message, hint));
}

/// What is done last in an expression, if that is a call.
fn last_call(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Dot(parts, ..) => last_call(&parts.rhs),
        Expr::FnCall(call, _) | Expr::MethodCall(call, _) => Some(&call.name),
        _ => None,
    }
}

/// Says what could have been meant by a name that is none of the facts.
fn explain_name(finding: &mut Finding, name: &str, vocabulary: &Vocabulary) {
    let forbidden = |finding: &mut Finding, hint: &str| {
        finding.kind = FindingKind::Forbidden;
        finding.message = format!("a condition may not name `{name}`");
        finding.hint = Some(hint.to_owned());
    };
    if ["now", "today", "time", "clock"].contains(&name) {
        return forbidden(finding, "time belongs in a clock: `within`, `by` or `every`");
    }
    if ["member", "candidates"].contains(&name) || people::NAMES.contains(&name) {
        return forbidden(
            finding,
            "only `steward`, `assign` and `candidates` functions see people",
        );
    }
    let is_word = |words: &[Arc<str>]| words.iter().any(|word| **word == *name);
    let in_choice = |(_, kind): &(Arc<str>, super::vocabulary::FieldType)| match kind {
        super::vocabulary::FieldType::Choice(words) => is_word(words),
        _ => false,
    };
    finding.hint = if vocabulary.field(name).is_some() {
        Some(format!("write `project.{name}`"))
    } else if vocabulary.task_named(name).is_some() {
        Some(format!("write `tasks.{name}`"))
    } else if vocabulary.fields.iter().any(in_choice)
        || vocabulary.tasks.iter().any(|task| is_word(&task.outcomes))
    {
        Some(format!("put words in quotes: `\"{name}\"`"))
    } else {
        nearest::hint(name, sandbox::FACTS)
    };
}
