//! The parts of a task, compiled: who does it, what is checked, and how the work may take another
//! turn (more time, objections, supplements). Decides nothing.

use std::sync::Arc;

use crate::model::id::RoleId;
use crate::model::organization::Title;
use crate::model::time::Amount;

use super::{ClockSpec, FunctionName};

/// How more time is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtensionRules {
    /// It must be asked for at least so long before the due time; none: at any time.
    pub ask_before: Option<Amount>,
    /// Who decides about the first extension of a clock, the second, and so on; the last decides
    /// about every later one. Empty: the role above the one that does the work.
    pub approvers: Vec<ExtensionApprover>,
}

impl ExtensionRules {
    /// Who decides once so many extensions were granted.
    pub fn approver(&self, granted: usize) -> Option<&ExtensionApprover> {
        self.approvers.get(granted).or(self.approvers.last())
    }
}

/// Who decides about an extension, and how far that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionApprover {
    /// The role.
    pub role: RoleId,
    /// The most that can be given, in percent of the limit as it was at first; none: any time.
    pub at_most: Option<u32>,
}

/// How the holder of a task may object to being the one.
#[derive(Debug)]
pub struct ObjectionRules {
    /// So long after being given the task.
    pub within: Amount,
    /// Who decides.
    pub by: RoleId,
    /// So long it may take to decide, with the id `objection`.
    pub clock: ClockSpec,
}

/// How a task may wait for something from outside.
#[derive(Debug)]
pub struct SupplementRules {
    /// How often that may be asked for.
    pub times: u32,
    /// So long the task's clock stands still at most, with the id `supplement`.
    pub clock: ClockSpec,
}

/// An item of a checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecklistItem {
    /// Its name.
    pub id: Arc<str>,
    /// What people read.
    pub title: Title,
    /// Whether the task can be done without it.
    pub optional: bool,
}

/// How somebody is chosen for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssignMode {
    /// The steward if a candidate, otherwise the least loaded.
    Default,
    /// By a function of the rules.
    Function(FunctionName),
    /// Nobody: it waits to be claimed.
    Offer,
}

/// How many of a `for_each` are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Join {
    /// All.
    All,
    /// One.
    Any,
    /// So many.
    AtLeast(u32),
}
