//! A checked expression is rewritten before it runs: `project.x` becomes `project["x"]`.
//!
//! Both mean the same. The engine would first look for a getter `x`, fail, describe the failure
//! and only then ask the indexer, at twice the price.

use rhai::{Expr, FnCallExpr, Stmt};

/// Rewrites the statements of an expression.
pub(super) fn rewrite(statements: &[Stmt]) -> Vec<Stmt> {
    let mut statements = statements.to_vec();
    for statement in &mut statements {
        if let Stmt::Expr(expression) = statement {
            within(expression);
        }
    }
    statements
}

fn within(expression: &mut Expr) {
    if let Expr::Dot(link, flags, position) = expression
        && is_indexed(&link.lhs)
        && key_instead_of_property(&mut link.rhs)
    {
        let (link, flags, position) = (std::mem::take(link), *flags, *position);
        *expression = Expr::Index(link, flags, position);
    }
    match expression {
        Expr::Dot(link, ..) | Expr::Index(link, ..) => {
            within(&mut link.lhs);
            within(&mut link.rhs);
        }
        Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
            parts.iter_mut().for_each(within);
        }
        Expr::Array(parts, _) | Expr::InterpolatedString(parts, _) => {
            parts.iter_mut().for_each(within);
        }
        Expr::FnCall(call, _) | Expr::MethodCall(call, _) => arguments(call),
        _ => {}
    }
}

fn arguments(call: &mut FnCallExpr) {
    call.args.iter_mut().for_each(within);
}

fn is_indexed(base: &Expr) -> bool {
    match base {
        Expr::Variable(variable, ..) => matches!(variable.1.as_str(), "project" | "tasks"),
        _ => false,
    }
}

/// Turns the first link of a chain from a property into a key.
fn key_instead_of_property(rest: &mut Expr) -> bool {
    let first = match rest {
        Expr::Dot(link, ..) | Expr::Index(link, ..) => &mut link.lhs,
        only => only,
    };
    let Expr::Property(property, position) = first else { return false };
    *first = Expr::StringConstant(property.2.clone(), *position);
    true
}
