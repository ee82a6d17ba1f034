//! The numbers of the fields of stored messages, as `build.rs` takes them from
//! `proto/sanbang/storage/v1`: `numbers::Clock::due_originally`. Those of a choice have their names
//! in the form of Rust's variants too: `numbers::Event::TaskOpened`. Knows no meaning.

#![expect(
    unreachable_pub,
    dead_code,
    non_snake_case,
    non_upper_case_globals,
    reason = "generated code"
)]

include!(concat!(env!("OUT_DIR"), "/sanbang.storage.v1.numbers.rs"));
