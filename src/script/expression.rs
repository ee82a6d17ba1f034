//! Expressions that answer a value: what a column of a ledger shows. Compiled, checked and
//! evaluated as conditions are.

use std::sync::Arc;

use rhai::{Dynamic, ImmutableString};

use crate::model::time::Date;
use crate::model::value::{Decimal, Value};

use super::check::Wanted;
use super::condition::{Condition, Failure, Origin};
use super::facts::Facts;
use super::finding::Finding;
use super::functions::Functions;
use super::vocabulary::Vocabulary;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Expression(Condition);

impl Expression {
    /// Compiles an expression and checks every name, type, word and function in it.
    pub fn compile(
        source: &str,
        vocabulary: &Vocabulary,
        functions: &Arc<Functions>,
    ) -> Result<Self, Vec<Finding>> {
        Condition::compile_answering(Wanted::Value, source, vocabulary, functions).map(Self)
    }

    /// The same expression with the place at which it stands.
    #[must_use]
    pub fn at(self, origin: Origin) -> Self {
        Self(self.0.at(origin))
    }

    /// What it answers; none: nothing, `()`, or something that no field could hold.
    pub fn value(&self, facts: &Facts<'_>) -> Result<Option<Value>, Failure> {
        self.0.answer(facts).map(to_value)
    }
}

fn to_value(answer: Dynamic) -> Option<Value> {
    if let Ok(number) = answer.as_int() {
        return Some(Value::Integer(number));
    }
    if let Ok(yes) = answer.as_bool() {
        return Some(Value::Boolean(yes));
    }
    if answer.is::<ImmutableString>() {
        return Some(Value::Text(answer.cast::<ImmutableString>().as_str().into()));
    }
    if answer.is::<Decimal>() {
        return Some(Value::Decimal(answer.cast()));
    }
    answer.try_cast::<Date>().map(Value::Date)
}
