//! The Rhai sandbox: conditions and functions, evaluated over read-only facts.
//!
//! The only module that names `rhai`. Never names YAML, the engine, tokio or a clock.

pub mod condition;
pub mod facts;
pub mod functions;

pub use condition::{Condition, Failure};
pub use functions::{Chosen, Functions, People};
