//! The engine: two pure functions, and nothing else decides anything.
//!
//! Has no clock, no randomness, no IO, no threads; never names tokio, serde, rhai or the store.
