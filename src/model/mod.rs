//! The vocabulary: plain data that every other module speaks in.
//!
//! Knows nothing of YAML, Rhai, protobuf, sled, tokio or any clock. Beside the standard library it
//! uses two well-kept ones for what they exist for: `jiff` for civil dates and `rust_decimal` for
//! money. Nothing here is serializable by design: every wire and disk form is a type of its own.

pub mod id;
pub mod limits;
pub mod text;
pub mod time;
pub mod value;

pub mod actor;
pub mod organization;
pub mod roster;

pub mod clock;
pub mod escalation;
pub mod instance;
pub mod link;
pub mod task;

#[macro_use]
mod payloads;
#[macro_use]
mod task_payloads;

pub mod command;
pub mod event;
pub mod hand_over;
pub mod record;
pub mod stage;
