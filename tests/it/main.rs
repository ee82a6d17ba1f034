//! Integration tests: one binary, grouped by area.
#![expect(clippy::disallowed_methods, reason = "tests read files and start programs themselves")]

mod sources;

mod department_table;
mod diagnostics;
mod layering;
mod shipped;
mod specs;
mod store_contract;
mod store_differential;
mod store_fixture;
mod store_lists;
mod store_record;
mod store_sample;
mod store_sled;
mod tidy;

mod runtime;
mod runtime_fixture;
