//! Integration tests: one binary, grouped by area.
#![expect(clippy::disallowed_methods, reason = "tests read files and start programs themselves")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops, in its helpers too")]

mod api_commands;
mod api_drive;
mod api_fixture;
mod api_operations;
mod api_streams;
mod api_views;
mod cli;
mod commands;
mod crash;
mod demo;
mod department_table;
mod diagnostics;
mod engine;
mod engine_cases;
mod language_guide;
mod layering;
mod linear;
mod power;
mod program;
mod python;
mod random;
mod readme;
mod runtime;
mod runtime_attention;
mod runtime_catalog;
mod runtime_feed;
mod runtime_fixture;
mod runtime_timers;
mod shipped;
mod sim;
mod sources;
mod specs;
mod store_contract;
mod store_differential;
mod store_fixture;
mod store_lists;
mod store_record;
mod store_sample;
mod store_sled;
mod tidy;
mod time;
mod verbs;
mod verbs_kills;
mod verbs_load;
