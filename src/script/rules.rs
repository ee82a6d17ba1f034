//! Rule files become functions, or findings: only functions may stand in them, each name once,
//! and they may call only what exists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, ScriptFuncDef, Stmt};

use super::finding::{Finding, FindingKind};
use super::functions::{Asked, Function, Functions};
use super::spans::Spans;
use super::{nearest, people, sandbox, syntax};

/// One call inside a function.
#[derive(Debug)]
struct Call {
    name: String,
    arguments: usize,
    position: Position,
}

struct File<'a> {
    path: &'a Arc<str>,
    spans: Spans,
}

/// See [`Functions::compile`].
pub(super) fn compile(files: &[(Arc<str>, Arc<str>)]) -> (Functions, Vec<Finding>) {
    let mut functions = Functions::default();
    let mut findings = Vec::new();
    let mut calls = BTreeMap::new();
    let mut read = Vec::new();
    for (path, source) in files {
        let file = File { path, spans: Spans::of(source) };
        match sandbox::guarded(|| sandbox::engine().compile(&**source)) {
            Ok(Ok(ast)) => {
                add(&mut functions, &mut findings, &mut calls, &file, &ast);
            }
            Ok(Err(error)) => findings.push(syntax::refusal(Some(path), &error, &file.spans)),
            Err(message) => findings.push(syntax::gave_up(Some(path), message)),
        }
        read.push(file);
    }
    unknown_calls(&functions, &calls, &read, &mut findings);
    ask_people(&mut functions, &calls);
    (functions, findings)
}

type Calls = BTreeMap<Arc<str>, Vec<Call>>;

fn add(
    functions: &mut Functions,
    findings: &mut Vec<Finding>,
    calls: &mut Calls,
    file: &File<'_>,
    ast: &AST,
) {
    for statement in ast.statements().iter().filter(|statement| !statement.is_noop()) {
        let message = "only functions may stand in a rule file".to_owned();
        let span = file.spans.at(statement.position());
        let (path, kind) = (Some(file.path), FindingKind::Forbidden);
        findings.push(syntax::finding(path, span, kind, message, None));
    }
    let mut defined: Vec<_> = ast.iter_fn_def().collect();
    defined.sort_by_key(|function| {
        let at = function.body.start_position();
        (at.line(), at.position())
    });
    let mut kept = BTreeSet::new();
    for function in defined {
        let name: Arc<str> = function.name.as_str().into();
        // A function without a name of its own belongs to the one in which it is written.
        if name.starts_with(sandbox::ANONYMOUS) {
            continue;
        }
        let span = file
            .spans
            .definition(&name, function.body.start_position())
            .unwrap_or_else(|| file.spans.at(function.body.start_position()));
        let taken = if sandbox::natives().contains_key(&*name) {
            Some(format!("`{name}` is a function of the engine"))
        } else {
            let first = functions.known.get(&name);
            first.map(|first| format!("there is already a function `{name}` in {}", first.file))
        };
        if let Some(message) = taken {
            let kind = FindingKind::DuplicateFunction;
            findings.push(syntax::finding(Some(file.path), span, kind, message, None));
            continue;
        }
        let inside = inside(function, ast);
        let only = retained(ast, |other| other == &*name || inside.contains(other));
        calls.insert(Arc::clone(&name), walk(&only, file, findings));
        let parameters = function.params.iter().map(|parameter| parameter.as_str().into());
        let known = Function {
            parameters: parameters.collect(),
            file: Arc::clone(file.path),
            span,
            asks_people: false,
            asked: asked(&only, file),
            expression: expression(&only),
        };
        functions.known.insert(Arc::clone(&name), known);
        kept.insert(name);
    }
    let ours = retained(ast, |name| name.starts_with(sandbox::ANONYMOUS) || kept.contains(name));
    functions.ast = functions.ast.merge(&ours);
}

/// Some of the functions of a file. (`AST::clone_functions_only_filtered` of Rhai 1.27 forgets its
/// filter, `retain_functions` does not.)
fn retained(ast: &AST, keep: impl Fn(&str) -> bool) -> AST {
    let mut ast = ast.clone_functions_only();
    ast.retain_functions(|_, _, name, _| keep(name));
    ast
}

/// The body of the one function that is left, if that is a single expression.
fn expression(only: &AST) -> Option<Expr> {
    let mut body = Vec::new();
    only.walk(&mut |path| {
        if let [ASTNode::Stmt(statement)] = path {
            body.push((*statement).clone());
        }
        true
    });
    match (only.iter_fn_def().count(), &*body) {
        (1, [Stmt::Expr(expression)]) => Some((**expression).clone()),
        _ => None,
    }
}

/// The functions without names that are written inside a function.
fn inside(function: &ScriptFuncDef, ast: &AST) -> BTreeSet<String> {
    let place = |position: Position| (position.line(), position.position());
    let range = place(function.body.start_position())..=place(function.body.end_position());
    ast.iter_fn_def()
        .filter(|other| other.name.starts_with(sandbox::ANONYMOUS))
        .filter(|other| range.contains(&place(other.body.start_position())))
        .map(|other| other.name.to_string())
        .collect()
}

/// The calls of a function; what it may not do becomes a finding.
fn walk(ast: &AST, file: &File<'_>, findings: &mut Vec<Finding>) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut call = |call: &FnCallExpr, receivers: usize, position: Position| {
        let name = call.name.to_string();
        let arguments = call.args.len() + receivers;
        calls.push(Call { name, arguments, position });
    };
    let mut changed = Vec::new();
    ast.walk(&mut |path| {
        match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(inner, position))) if !inner.is_operator_call() => {
                call(inner, 0, *position);
            }
            Some(ASTNode::Stmt(Stmt::FnCall(inner, position))) if !inner.is_operator_call() => {
                call(inner, 0, *position);
            }
            Some(ASTNode::Expr(Expr::MethodCall(inner, position))) => call(inner, 1, *position),
            Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => {
                changed.extend(changed_fact(&assignment.1.lhs));
            }
            _ => {}
        }
        true
    });
    for (name, position) in changed {
        let message = format!("`{name}` is a fact: it cannot be changed");
        let span = file.spans.at(position);
        let (path, kind) = (Some(file.path), FindingKind::Forbidden);
        findings.push(syntax::finding(path, span, kind, message, None));
    }
    calls
}

/// The fields and tasks that a function asks for. A parameter is named after the fact that it is.
fn asked(ast: &AST, file: &File<'_>) -> Vec<Asked> {
    let mut asked = Vec::new();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Expr(Expr::Dot(chain, ..))) = path.last()
            && let Expr::Variable(variable, ..) = &chain.lhs
            && let Some(fact) = ["project", "tasks"].into_iter().find(|it| *it == variable.1)
            && let Some((name, position)) = first_property(&chain.rhs)
        {
            asked.push(Asked { fact, name: name.into(), span: file.spans.at(position) });
        }
        true
    });
    asked
}

/// The property with which a chain of them begins.
fn first_property(chain: &Expr) -> Option<(&str, Position)> {
    match chain {
        Expr::Property(property, position) => Some((property.2.as_str(), *position)),
        Expr::Dot(rest, ..) | Expr::Index(rest, ..) => first_property(&rest.lhs),
        _ => None,
    }
}

/// What functions ask for that none of the workflows has.
pub(super) fn undeclared(
    functions: &Functions,
    fields: &BTreeSet<&str>,
    tasks: &BTreeSet<&str>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for function in functions.known.values() {
        for Asked { fact, name, span } in &function.asked {
            let (what, known) = if *fact == "tasks" { ("task", tasks) } else { ("field", fields) };
            let is_own = *fact == "project" && ["id", "steward", "group"].contains(&&**name);
            if is_own || known.contains(&**name) {
                continue;
            }
            let message = format!("no workflow has a {what} `{name}`");
            let hint = nearest::nearest(name, known.iter().copied());
            let hint = hint.map(|near| format!("did you mean `{near}`?"));
            let kind = FindingKind::Undeclared;
            findings.push(syntax::finding(Some(&function.file), *span, kind, message, hint));
        }
    }
    findings
}

/// The fact whose part stands on the left of an assignment.
fn changed_fact(target: &Expr) -> Option<(String, Position)> {
    let (Expr::Dot(chain, ..) | Expr::Index(chain, ..)) = target else { return None };
    match &chain.lhs {
        Expr::Variable(variable, _, position) if sandbox::FACTS.contains(&variable.1.as_str()) => {
            Some((variable.1.to_string(), *position))
        }
        _ => None,
    }
}

fn unknown_calls(
    functions: &Functions,
    calls: &Calls,
    files: &[File<'_>],
    findings: &mut Vec<Finding>,
) {
    for (caller, calls) in calls {
        let path = &functions.known[caller].file;
        let Some(file) = files.iter().find(|file| file.path == path) else { continue };
        for call in calls {
            if let Some((message, hint)) = unknown(functions, &call.name, call.arguments) {
                let span = file.spans.at(call.position);
                let kind = FindingKind::UnknownFunction;
                findings.push(syntax::finding(Some(path), span, kind, message, hint));
            }
        }
    }
}

/// What is wrong with a call by its name and the number of its arguments, a receiver included.
pub(super) fn unknown(
    functions: &Functions,
    name: &str,
    arguments: usize,
) -> Option<(String, Option<String>)> {
    let natives = sandbox::natives();
    let own = functions.known.get(name).map(|function| function.parameters.len());
    let counts = natives.get(name);
    let fits = own == Some(arguments)
        || counts.is_some_and(|counts| counts.contains(&arguments))
        || sandbox::BUILT_IN.contains(&name);
    if fits {
        return None;
    }
    if let Some(own) = own {
        let s = if own == 1 { "" } else { "s" };
        let message = format!("`{name}` takes {own} argument{s}, not {arguments}");
        return Some((message, None));
    }
    if counts.is_some() {
        return Some((format!("`{name}` takes other arguments"), None));
    }
    let known = functions.names().chain(natives.keys().map(String::as_str));
    let hint = nearest::nearest(name, known).map(|near| format!("did you mean `{near}`?"));
    Some((format!("there is no function `{name}`"), hint))
}

/// Marks the functions that ask about people, directly or through others.
fn ask_people(functions: &mut Functions, calls: &Calls) {
    let mut asking: BTreeSet<Arc<str>> = BTreeSet::new();
    loop {
        let before = asking.len();
        for (caller, calls) in calls {
            let asks = |call: &Call| {
                people::NAMES.contains(&&*call.name) || asking.contains(call.name.as_str())
            };
            if calls.iter().any(asks) {
                asking.insert(Arc::clone(caller));
            }
        }
        if asking.len() == before {
            break;
        }
    }
    for name in asking {
        if let Some(function) = functions.known.get_mut(&name) {
            function.asks_people = true;
        }
    }
}
