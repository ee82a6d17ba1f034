//! What the handle gives back: answers, views, and why a command or a read was not served.
//!
//! Plain data; knows neither threads nor the wire. A refusal by the rules is a
//! [`Rejection`]; everything else here is about the service, not about the caller's wish.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::definition::compiled::Workflow;
use crate::engine::Rejection;
use crate::model::id::{InstanceId, WorkflowId};
use crate::model::instance::Instance;
use crate::model::time::Timestamp;

use super::wished::Violation;

/// The answer to an accepted command. A repeat under the same request id gets the same
/// `instance`, `workflow`, `revision`, `kinds` and `started`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The instance.
    pub instance: InstanceId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The revision that the command made.
    pub revision: u64,
    /// The kinds of the events that it made happen, in order.
    pub kinds: Vec<&'static str>,
    /// The instances that begin because of it.
    pub started: Vec<InstanceId>,
    /// Whether this is the answer to an earlier command with the same request id.
    pub repeated: bool,
    /// How many records became durable in the same write; for the log.
    pub group_size: usize,
    /// From the mailbox to the disk; for the log.
    pub durable_after: Duration,
}

/// An instance with the version of the workflow to which it is pinned.
#[derive(Debug, Clone)]
pub struct View {
    /// The instance as it is durable.
    pub instance: Arc<Instance>,
    /// Its workflow.
    pub workflow: Arc<Workflow>,
}

/// Why a command has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitError {
    /// The rules refuse it. What had fallen due before it was recorded all the same.
    Rejected(Rejection),
    /// It is not what a command of its kind is; all of it that is wrong.
    Malformed(Vec<Violation>),
    /// Too many commands wait already.
    Overloaded,
    /// Others wrote the same instance first, several times in a row.
    Contended,
    /// The store cannot be written at the moment; nothing was changed.
    Unavailable,
    /// At start the clock was far past the store's last reading: only reads are served until
    /// somebody starts the server with `--catch-up`.
    ClockJumped {
        /// The store's last reading.
        last: Timestamp,
        /// The clock at start.
        now: Timestamp,
    },
    /// The server is shutting down.
    Draining,
    /// A defect of the program or of its data; the log has the details under the same instance.
    Internal,
}

impl SubmitError {
    /// After how long trying the same again may help; none: it does not.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(_) | Self::Malformed(_) | Self::Internal | Self::ClockJumped { .. } => {
                None
            }
            Self::Contended => Some(Duration::from_millis(50)),
            Self::Overloaded => Some(Duration::from_millis(200)),
            Self::Unavailable | Self::Draining => Some(Duration::from_secs(1)),
        }
    }
}

impl fmt::Display for SubmitError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(out, "refused: {rejection:?}"),
            Self::Malformed(violations) => write!(out, "malformed: {violations:?}"),
            Self::Overloaded => write!(out, "too many commands are waiting"),
            Self::Contended => write!(out, "others wrote the same instance first"),
            Self::Unavailable => write!(out, "the store is unavailable"),
            Self::ClockJumped { last, now } => {
                write!(out, "the clock jumped from {last} to {now}: start with --catch-up")
            }
            Self::Draining => write!(out, "the server is shutting down"),
            Self::Internal => write!(out, "internal error"),
        }
    }
}

impl std::error::Error for SubmitError {}

/// Why a read has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// Too many requests wait already.
    Overloaded,
    /// The store cannot be read at the moment.
    Unavailable,
    /// The server is shutting down.
    Draining,
    /// A defect of the program or of its data; the log has the details.
    Internal,
}

impl ReadError {
    /// After how long trying the same again may help; none: it does not.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Internal => None,
            Self::Overloaded => Some(Duration::from_millis(200)),
            Self::Unavailable | Self::Draining => Some(Duration::from_secs(1)),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Overloaded => "too many requests are waiting",
            Self::Unavailable => "the store is unavailable",
            Self::Draining => "the server is shutting down",
            Self::Internal => "internal error",
        })
    }
}

impl std::error::Error for ReadError {}

/// Why the clock was not moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdvanceClockError {
    /// The store's clock is the real one.
    NotSimulated,
    /// The clock is already later.
    Backwards {
        /// Where it stands.
        now: Timestamp,
    },
    /// The store failed on the way: the clock stands where it stopped.
    Unavailable {
        /// Where it stands.
        now: Timestamp,
    },
    /// The server is shutting down.
    Draining,
}

impl fmt::Display for AdvanceClockError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSimulated => write!(out, "the store's clock is the real one"),
            Self::Backwards { now } => write!(out, "the clock is already at {now}"),
            Self::Unavailable { now } => write!(out, "the store failed, the clock is at {now}"),
            Self::Draining => write!(out, "the server is shutting down"),
        }
    }
}

impl std::error::Error for AdvanceClockError {}
