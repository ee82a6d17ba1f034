//! Requests to commands and queries: form only, all violations at once.
//!
//! Knows what a request looks like and never whether it makes sense now: that is the engine's
//! business.

pub(super) mod digest;
pub(super) mod envelope;

pub(super) mod escalations;
pub(super) mod instances;
pub(super) mod organization;
pub(super) mod queries;
pub(super) mod tasks;
