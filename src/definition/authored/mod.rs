//! The files as they are written: plain serde shapes that refuse unknown keys.
//!
//! Knows no meaning: names are texts, times are texts, and nothing is looked up. Shapes that can be
//! shortened have visitors, never untagged or flattened ones, so that a mistake keeps its place.

pub mod ledgers;
pub mod rules;
pub mod shapes;
pub mod work;
pub mod workflow;

pub use ledgers::{Indicators, Ledgers};
pub use rules::{AtMost, Calendar, Escalation, Organization, Reasons, Secondment};
pub use workflow::Workflow;
