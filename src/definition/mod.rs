//! The compiler: an administrator's files become compiled workflows, calendars and an organization,
//! or a list of findings with file, line, column and a hint.
//!
//! Never names tokio, a store or the engine. `serde_yaml` is named in `load` only.

pub mod compiled;

pub mod sources;

pub mod authored;
pub mod span;

pub mod code;
pub mod diagnostic;
pub mod render;

mod check;
pub(crate) mod load;
