//! Integration tests: one binary, grouped by area.
#![expect(clippy::disallowed_methods, reason = "tests read files and start programs themselves")]

mod sources;

mod layering;
mod tidy;
mod shipped;
