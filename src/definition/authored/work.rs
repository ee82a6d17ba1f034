//! How work on tasks may take another turn, as it is written: more time, objections, supplements.
//!
//! The same keys stand in a workflow, a stage and a task; the nearest one counts.

use serde::Deserialize;

use super::shapes::{Many, Scalar, scalar_or_map};

/// How more time is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Extensions {
    /// So long before the due time it must be asked for.
    pub ask_before: Option<Scalar>,
    /// Who decides about the first, the second and every later one.
    pub approvers: Many<Approver>,
}

/// Who decides about more time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approver {
    /// Any length of it.
    Role(Scalar),
    /// Up to some share of the limit.
    Capped(CappedApprover),
}

/// Who decides about more time, up to some share of the limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CappedApprover {
    /// The role.
    pub role: Option<Scalar>,
    /// The share.
    pub at_most: Option<Scalar>,
}

scalar_or_map!(Approver, Role, Capped(CappedApprover), "a role, or `{ role: …, at_most: … }`");

/// How the holder of a task may object to being the one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Objections {
    /// So long after being given the task.
    pub within: Option<Scalar>,
    /// So long it may take to decide.
    pub decide_within: Option<Scalar>,
    /// Who decides.
    pub by: Option<Scalar>,
    /// What happens when nobody does.
    pub escalation: Option<Scalar>,
}

/// How a task may wait for something from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Supplements {
    /// So long the task's clock stands still at most.
    pub within: Option<Scalar>,
    /// How often it may be asked for.
    pub times: Option<u32>,
    /// What happens when nothing comes.
    pub escalation: Option<Scalar>,
}

/// What silence means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Silence {
    /// What the task ends with.
    pub outcome: Option<Scalar>,
}
