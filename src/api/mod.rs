//! gRPC: one file per service, and every handler a sandwich of decode, one call, encode.
//!
//! Never names a store or a console, and decides nothing: what may happen is the engine's business,
//! and what was said about it is told by [`status`].

pub mod pb;
pub mod server;

mod admin;
mod calendars;
mod drive;
mod escalations;
mod events;
mod instances;
mod ledgers;
mod organization;
mod tasks;
mod workflows;

mod admission;
mod connection;
mod delivery;
mod edge;
mod files;
mod questions;

pub mod auth;
pub mod status;

mod from_proto;
mod to_proto;

mod filter;
mod values;
pub mod violations;
