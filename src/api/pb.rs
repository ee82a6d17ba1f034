//! The messages, clients and servers that prost and tonic generate from `proto/sanbang/v1`. Knows
//! no meaning: that is told by the comments in those files.

#![expect(
    clippy::all,
    clippy::pedantic,
    reason = "generated code: its documentation is the proto files"
)]

tonic::include_proto!("sanbang.v1");

/// The server of `EventService` whose responses hold events that are encoded already.
#[expect(unreachable_pub, reason = "generated code does not know who includes it")]
pub(super) mod deliveries {
    include!(concat!(env!("OUT_DIR"), "/deliveries/sanbang.v1.rs"));
}

/// The descriptors of the public packages, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sanbang_v1.bin"));
