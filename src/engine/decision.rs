//! What goes into a decision and what comes out of it.

use std::sync::Arc;

use crate::calendar::Calendar;
use crate::definition::compiled::Workflow;
use crate::model::event::Record;
use crate::model::instance::Instance;
use crate::model::organization::{Loads, Organization};
use crate::model::time::Timestamp;

use super::rejection::Rejection;

/// The workflows of which new instances may begin.
pub trait ActiveWorkflows: Sync {
    /// The version that a new instance of this workflow takes; none: it is retired, or unknown.
    fn active(&self, workflow: &str) -> Option<&Workflow>;
}

/// A workflow alone: instances of it may begin because of others.
impl ActiveWorkflows for Workflow {
    fn active(&self, workflow: &str) -> Option<&Workflow> {
        (self.id.as_str() == workflow).then_some(self)
    }
}

impl ActiveWorkflows for &[Arc<Workflow>] {
    fn active(&self, workflow: &str) -> Option<&Workflow> {
        self.iter().find(|known| known.id.as_str() == workflow).map(Arc::as_ref)
    }
}

/// Everything that a decision may look at beside the instance and the command.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The version to which the instance is pinned; for a creation, the active one.
    pub workflow: &'a Workflow,
    /// The workflows of which instances may begin because of this one.
    pub workflows: &'a dyn ActiveWorkflows,
    /// The organization as it stands.
    pub organization: &'a Organization,
    /// The workflow's calendar as it stands.
    pub calendar: &'a Calendar,
    /// Its always-on variant.
    pub always_on: &'a Calendar,
    /// Who has how much to do.
    pub loads: &'a Loads,
    /// The time; taken as the instance's last time where that is later.
    pub now: Timestamp,
}

/// What happens.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What fell due before the command. To be written even when the command is refused.
    pub settled: Option<Record>,
    /// What became of the command.
    pub outcome: Outcome,
    /// The instance with everything applied; none if there is none.
    pub after: Option<Arc<Instance>>,
}

/// What became of a command.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It happened.
    Accepted(Record),
    /// The same request was accepted before, and made this revision. Nothing happened now.
    Repeated {
        /// The revision that the request made.
        revision: u64,
    },
    /// It cannot be.
    Refused(Rejection),
    /// It was the empty command of a timer.
    Nothing,
}

impl Decision {
    pub(super) fn refused(after: Option<Arc<Instance>>, rejection: Rejection) -> Self {
        Self { settled: None, outcome: Outcome::Refused(rejection), after }
    }

    pub(super) fn settled(settled: Option<Record>, after: Arc<Instance>) -> Self {
        Self { settled, outcome: Outcome::Nothing, after: Some(after) }
    }

    pub(super) fn accepted(settled: Option<Record>, record: Record, after: Arc<Instance>) -> Self {
        Self { settled, outcome: Outcome::Accepted(record), after: Some(after) }
    }

    /// The records to be written, in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        let accepted = match &self.outcome {
            Outcome::Accepted(record) => Some(record),
            Outcome::Repeated { .. } | Outcome::Refused(_) | Outcome::Nothing => None,
        };
        self.settled.iter().chain(accepted)
    }
}
