//! The shell: threads, time and order around the pure engine.
//!
//! Workers decide, one committer writes, one thread of timers lets happen what fell due, a feed
//! shows what became durable, a catalog holds what administrators wrote. An edge gets a [`Handle`].
//! Never names tonic, prost or axum.

mod answer;
mod attention;
mod backup;
mod calendar_preview;
mod catalog;
mod change;
mod clock;
mod documents;
mod feed;
mod handle;
mod lanes;
mod ledgers;
mod publish;
mod replay;
mod roster;
mod start;
mod stats;
mod verify;
mod watch;
mod workload;

mod bell;
mod cache;
mod charges;
mod committer;
mod concerns;
mod effects;
mod group;
mod hand_over;
mod ledger_names;
mod mailbox;
mod past;
mod pipeline;
mod settling;
mod shared;
mod similar;
mod timers;
mod token;
mod wished;
mod worker;

pub use crate::store::{Identity, Numbered, Order, Partition, Place, Progress, Query, Seq};
pub use answer::{AdvanceClockError, Answer, ReadError, SubmitError, View};
pub use backup::{BackupRefusal, Piece};
pub use calendar_preview::CalendarPreview;
pub use catalog::{Catalog, LiveCalendar, Published, Versions};
pub use clock::{Clock, Stopwatch};
pub use committer::Fatal;
pub use feed::{Delivery, EventPage, FeedError, Start, Subscription};
pub use hand_over::{Following, HandOverOrder, HandOverPage, HandOverQuery};
pub use handle::{Handle, Info};
pub use ledger_names::UnknownName;
pub use ledgers::{IndicatorQuestion, LedgerError, LedgerQuestion, Reading};
pub use pipeline::{Outcome, Pipeline};
pub use publish::{
    Activation, Publication, PublishError, PublishedVersion, SourceFile, Validation,
};
pub use replay::{FeedEvent, Filter, Weigh, kind_matches};
pub use roster::RosterError;
pub use shared::ClockJump;
pub use start::{Configuration, Options, Runtime, StartError};
pub use stats::{LAG_BOUNDS_MS, Stats};
pub use verify::Meaning;
pub use wished::{Reader, Unread, Violation, Wished};
pub use workload::Workload;
