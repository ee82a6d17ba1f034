//! Sanbang (三帮): long-running, human-centred projects driven through stages that administrators
//! write as YAML and Rhai, with time limits on real working calendars and escalation that is never
//! lost.
//!
//! A pure engine decides, one store writes once, a thin shell runs timers and streams, and every
//! edge is a sandwich: decode, one call, encode. `ARCHITECTURE.md` tells which module may name
//! which.

pub mod model;

pub mod calendar;

pub mod script;

pub mod definition;

pub mod engine;

pub mod ledger;

pub mod store;

pub mod spec;

pub mod runtime;

pub mod api;

pub mod cli;
