//! The stored messages as prost generates them from `proto/sanbang/storage/v1`. Knows no meaning:
//! what each message stands for is told by [`super::record`] and by the comments in the files.

#![expect(unreachable_pub, clippy::pedantic, reason = "generated code")]

include!(concat!(env!("OUT_DIR"), "/sanbang.storage.v1.rs"));
