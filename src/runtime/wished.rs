//! A command as a worker gets it: as it is, or still to be taken apart.
//!
//! What somebody sends along is read by what the workflow of its instance declares. The worker has
//! both at hand, so it reads; whoever knows the form gives it a reader. A request that was accepted
//! before is known without reading it: what it was read by may have changed since.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::model::command::{Action, Command, Request};
use crate::model::id::InstanceId;

use super::answer::View;
use super::catalog::Catalog;
use super::group::Planned;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, as the proto names it: `fields.total_investment`.
    pub field: String,
    /// What is wrong, as a sentence without a full stop.
    pub problem: String,
}

/// Takes a command apart, given its instance with its workflow; none: there is no such instance.
pub type Reader =
    Box<dyn FnOnce(&Catalog, Option<&View>) -> Result<Command, Vec<Violation>> + Send>;

/// A command that is still to be taken apart.
pub struct Unread {
    /// By what a repeat is known; none: by nothing.
    pub request: Option<Request>,
    /// Where an earlier one of the same request would be, if what names its instance has changed
    /// since. Mostly empty.
    pub elsewhere: Vec<InstanceId>,
    /// Reads it, once.
    pub read: Option<Reader>,
}

/// What is wished of an instance.
pub enum Wished {
    /// A command.
    Command(Command),
    /// One that is still to be taken apart.
    Unread(Unread),
    /// One that was, and is wrong.
    Malformed(Vec<Violation>),
}

impl From<Command> for Wished {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

impl Wished {
    /// What is to be done, if that is known already.
    pub(super) fn action(&self) -> Option<&Action> {
        match self {
            Self::Command(command) => Some(&command.action),
            Self::Unread(_) | Self::Malformed(_) => None,
        }
    }

    /// The command, taken apart the first time; otherwise what is said instead.
    pub(super) fn read(
        &mut self,
        catalog: &Catalog,
        view: impl FnOnce() -> Option<View>,
    ) -> Result<&Command, Planned> {
        if let Self::Unread(unread) = self {
            let read = unread.read.take().ok_or(Planned::Defect)?;
            let reading = AssertUnwindSafe(|| read(catalog, view().as_ref()));
            *self = match catch_unwind(reading) {
                Ok(Ok(command)) => Self::Command(command),
                Ok(Err(violations)) => Self::Malformed(violations),
                Err(_) => {
                    tracing::error!("taking a command apart panicked");
                    return Err(Planned::Defect);
                }
            };
        }
        match self {
            Self::Command(command) => Ok(command),
            Self::Malformed(violations) => Err(Planned::Malformed(violations.clone())),
            Self::Unread(_) => Err(Planned::Defect),
        }
    }
}
