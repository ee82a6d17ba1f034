//! The Rhai sandbox: conditions and functions, checked when they are loaded, evaluated over
//! read-only facts.
//!
//! The only module that names `rhai`. Never names YAML, the engine, tokio or a clock.

pub mod condition;
pub mod expression;
pub mod facts;
pub mod finding;
pub mod functions;
pub mod vocabulary;

mod check;
mod failure;
mod nearest;
mod numbers;
mod people;
mod plain;
mod properties;
mod rules;
mod sandbox;
mod spans;
mod syntax;
mod views;

#[cfg(test)]
mod tests;

pub use check::{Contradiction, Judgement, NamedTask, judge};
pub use condition::{Condition, Failure, Origin};
pub use expression::{Answer, Expression};
pub use finding::{Finding, FindingKind};
pub use functions::{Chosen, Functions, People, Use};
pub use nearest::{hint, nearest};
pub use vocabulary::{FieldType, TaskWords, Vocabulary};
