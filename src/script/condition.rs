//! Conditions: single expressions over facts, compiled and checked once, then asked many times.

use std::fmt;
use std::sync::Arc;

use rhai::{AST, Dynamic, Engine, Stmt};

use super::check::{self, Traits, Wanted};
use super::facts::Facts;
use super::failure;
use super::finding::Finding;
use super::functions::Functions;
use super::plain::Plain;
use super::sandbox;
use super::views::Named;
use super::vocabulary::Vocabulary;

pub use super::failure::Failure;

/// A compiled condition.
#[derive(Clone)]
pub struct Condition {
    source: Arc<str>,
    origin: Option<Arc<Origin>>,
    plain: Option<Arc<Plain>>,
    ast: Arc<AST>,
    traits: Traits,
    functions: Arc<Functions>,
}

/// Where an expression stands, for the failures that happen while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: Arc<str>,
    /// The line of its first character.
    pub line: usize,
    /// The column of its first character; in a literal block that of every line.
    pub column: usize,
}

impl fmt::Debug for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Condition({})", self.source)
    }
}

impl Condition {
    /// Compiles an expression and checks every name, type, word and function in it.
    pub fn compile(
        source: &str,
        vocabulary: &Vocabulary,
        functions: &Arc<Functions>,
    ) -> Result<Self, Vec<Finding>> {
        Self::compile_answering(Wanted::YesOrNo, source, vocabulary, functions)
    }

    /// The same for an expression that may answer anything else, too.
    pub(super) fn compile_answering(
        wanted: Wanted,
        source: &str,
        vocabulary: &Vocabulary,
        functions: &Arc<Functions>,
    ) -> Result<Self, Vec<Finding>> {
        let checked = check::expression(wanted, source, vocabulary, functions)?;
        let lib = if checked.traits.calls_functions {
            functions.ast.shared_lib().clone()
        } else {
            AST::empty().shared_lib().clone()
        };
        let plain = match &*checked.statements {
            [Stmt::Expr(expression)] => Plain::of(expression, functions),
            _ => None,
        };
        Ok(Self {
            source: source.into(),
            origin: None,
            plain: plain.map(Arc::new),
            ast: Arc::new(AST::new(checked.statements, lib)),
            traits: checked.traits,
            functions: Arc::clone(functions),
        })
    }

    /// The same condition with the place at which it stands.
    #[must_use]
    pub fn at(self, origin: Origin) -> Self {
        Self { origin: Some(Arc::new(origin)), ..self }
    }

    /// The expression as written.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Whether it looks at nothing but `project`: its answer stays until a field, the steward or
    /// the group changes.
    pub fn is_about_project_only(&self) -> bool {
        let Named { project: _, stage, task, tasks } = self.traits.named;
        !(stage || task || tasks)
    }

    /// Whether it holds. Anything but a boolean is a failure.
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, Failure> {
        match self.plain_answer(facts) {
            Some(answer) => {
                debug_assert_eq!(Ok(answer), self.engine_answer(facts), "{}", self.source);
                Ok(answer)
            }
            None => self.engine_answer(facts),
        }
    }

    /// Whether it holds, where that can be said without the script engine.
    pub(super) fn plain_answer(&self, facts: &Facts<'_>) -> Option<bool> {
        self.plain.as_ref()?.answer(facts)
    }

    /// Whether it holds by the script engine.
    pub(super) fn engine_answer(&self, facts: &Facts<'_>) -> Result<bool, Failure> {
        let answer = self.answer(facts)?;
        answer.as_bool().map_err(|_| {
            let answer = failure::described(&answer);
            self.failure(rhai::Position::NONE, format!("it answers {answer}, not yes or no"))
        })
    }

    /// What it answers.
    pub(super) fn answer(&self, facts: &Facts<'_>) -> Result<Dynamic, Failure> {
        let evaluated = sandbox::guarded(|| {
            let mut scope = self.traits.named.scope(facts);
            self.engine().eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast)
        });
        match evaluated {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let (function, position, message) = failure::innermost(&error);
                Err(match function {
                    Some(function) => {
                        Failure { place: self.functions.place(function, position), message }
                    }
                    None => self.failure(position, message),
                })
            }
            Err(message) => Err(self.failure(rhai::Position::NONE, message)),
        }
    }

    /// Where the type check has seen every comparison, the quicker engine gives the same answers.
    fn engine(&self) -> &'static Engine {
        let seen = !self.traits.calls_functions && !self.traits.compares_unknown;
        if seen { sandbox::checked() } else { sandbox::engine() }
    }

    fn failure(&self, position: rhai::Position, message: String) -> Failure {
        let line = position.line().unwrap_or(1);
        let column = position.position().unwrap_or(1).max(1);
        let place = match self.origin.as_deref() {
            Some(origin) => {
                let (line, column) = (origin.line + line - 1, origin.column + column - 1);
                format!("{}:{line}:{column}", origin.file)
            }
            None => format!("{line}:{column}"),
        };
        Failure { place, message }
    }
}
