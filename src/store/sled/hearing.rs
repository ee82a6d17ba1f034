//! What sled says in its log: the only way to learn of some of its moments. Passed on to those who
//! wait for one, and to the log of the server. Knows nothing of what is done then.

use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};

use super::{naming, reuse};

/// The part of sled that gives away the segments of its log, and takes them back.
pub(super) const SEGMENTS: &str = "sled::pagecache::segment";

// What a build leaves out is never heard.
const _: () = assert!(matches!(log::STATIC_MAX_LEVEL, LevelFilter::Debug | LevelFilter::Trace));

/// From now on everything is heard.
pub(super) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| match log::set_logger(&Listener) {
        Ok(()) => log::set_max_level(LevelFilter::Debug),
        Err(error) => tracing::error!(%error, "sled is not heard"),
    });
}

struct Listener;

impl Log for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        naming::hear(record.target());
        reuse::hear(record);
        let _never_fails = tracing_log::format_trace(record);
    }

    fn flush(&self) {}
}
