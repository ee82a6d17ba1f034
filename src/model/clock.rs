//! A clock: one running time limit of an instance, of a stage, of a task or of a suspension.
//!
//! A clock is plain data. Every instant in it was computed by the engine when an event was decided;
//! applying an event copies it. Only `due` and `schedule` are derived, and always from the rest.

use super::escalation::{Fired, Light, Priority};
use super::id::{ClockId, PolicyId, StageId, StepId};
use super::task::{ExtensionRequest, TaskRef};
use super::time::{Amount, Date, Timestamp};

/// A clock's number within its instance; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockNumber(pub u32);

/// What a clock measures.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClockOwner {
    /// The whole instance (`clocks:` of the workflow).
    Instance,
    /// One stay in a stage.
    Stage(StageId),
    /// One task.
    Task(TaskRef),
    /// The suspension that is under way.
    Suspension,
}

/// How a clock's due time comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockKind {
    /// So long from its start.
    Within,
    /// At the end of a day that a field names; never paused.
    By,
    /// So long from its start or last reset; a reset opens a new clock.
    Every,
    /// A fixed period that nobody can breach: when it is over, its task is done. Never paused.
    Wait,
    /// A function of the rules measures something on certain days; the due time is the next run.
    Check,
    /// A condition holds since its start; it has no limit, and its due time is its start.
    Raise,
}

/// How long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// An amount of time from the start.
    Amount(Amount),
    /// Up to the end of a day.
    Date(Date),
}

/// A time that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// Why it does not count.
    pub because: PauseReason,
}

/// Why a clock stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PauseReason {
    /// The instance is suspended.
    Suspended,
    /// The condition `excluded_while` holds.
    ExcludedWhile,
    /// The task waits for something from outside.
    Supplement,
}

/// A granted extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// How much, or up to which day.
    pub by: Limit,
    /// When it was granted.
    pub granted_at: Timestamp,
}

/// A clock stands still since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The instant.
    pub since: Timestamp,
    /// Why.
    pub because: PauseReason,
}

/// What is to happen at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// The limit is at risk: recorded once per epoch.
    AtRisk,
    /// The limit has run out; for [`ClockKind::Wait`]: the period is over.
    Due,
    /// A step of the ladder.
    Step(StepId),
    /// A step of the ladder tells once more.
    Repeat(StepId),
    /// A step waited for an acknowledgement until here; the next higher one fires.
    Unacknowledged(StepId),
    /// A check measures.
    Check,
}

/// An alarm with its instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// What.
    pub alarm: Alarm,
    /// When.
    pub at: Timestamp,
}

/// A clock as events name it: enough to be understood without its instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClockRef {
    /// Its number within the instance.
    pub number: ClockNumber,
    /// Its name in the workflow.
    pub id: ClockId,
    /// What it measures.
    pub owner: ClockOwner,
}

/// Everything about a clock that was computed from its calendar and its ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// When the limit runs out: work at this very instant is still in time.
    pub due: Timestamp,
    /// The due time lies beyond the calendar's last published year and may still move.
    pub provisional: bool,
    /// What is still to happen, in order of time.
    pub schedule: Vec<Scheduled>,
}

/// The beginning of an epoch: what already lies behind counts as happened, and tells nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub number: u32,
    /// Steps whose new instant already lies behind, lowest first: they only set the light.
    pub inherited: Vec<Fired>,
    /// When the limit was at risk, if that instant already lies behind.
    pub at_risk_at: Option<Timestamp>,
    /// When the limit ran out, if that instant already lies behind.
    pub breached_at: Option<Timestamp>,
}

/// One running time limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Its number within the instance.
    pub number: ClockNumber,
    /// Its name in the workflow.
    pub id: ClockId,
    /// What it measures.
    pub owner: ClockOwner,
    /// How its due time comes about.
    pub kind: ClockKind,
    /// How long.
    pub limit: Limit,
    /// Its ladder.
    pub policy: Option<PolicyId>,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// Times that did not count, merged, in order.
    pub excluded: Vec<Exclusion>,
    /// Granted extensions, in order.
    pub extended: Vec<Extension>,
    /// An extension that was asked for and is not decided; for the limit of a task it stands with
    /// the task.
    pub extension_request: Option<ExtensionRequest>,
    /// A step fires once per epoch: an extension and a swapped limit open the next one.
    pub epoch: u32,
    /// The due time as it was at the start.
    pub due_originally: Timestamp,
    /// The due time, provisional or not, and what is still to happen. While the clock stands still
    /// `due` is the last computed one and `schedule` is empty.
    pub plan: Plan,
    /// Why it stands still, each reason with its beginning; empty: it runs.
    pub paused: Vec<Pause>,
    /// When it was recorded at risk, in this epoch.
    pub at_risk_at: Option<Timestamp>,
    /// When its limit ran out (the due time), in this epoch.
    pub breached_at: Option<Timestamp>,
    /// Steps that count as fired in this epoch, lowest first.
    pub fired: Vec<Fired>,
    /// How many runs of a check in a row measured less than its lowest step asks for.
    pub calm_runs: u32,
}

impl Clock {
    /// The clock as events name it.
    pub fn reference(&self) -> ClockRef {
        ClockRef { number: self.number, id: self.id.clone(), owner: self.owner.clone() }
    }

    /// The earliest instant at which something is to happen.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.plan.schedule.iter().map(|scheduled| scheduled.at).min()
    }

    /// The light of the highest step that fired in this epoch.
    pub fn light(&self) -> Light {
        self.fired.last().map_or(Light::None, |fired| fired.light)
    }

    /// The priority that its fired steps give to what it measures.
    pub fn priority(&self) -> Priority {
        self.fired.iter().map(|fired| fired.priority).max().unwrap_or_default()
    }

    /// Since when the clock stands still.
    pub fn stands_still_since(&self) -> Option<Timestamp> {
        self.paused.iter().map(|pause| pause.since).min()
    }

    /// Whether the clock stands still.
    pub fn is_paused(&self) -> bool {
        !self.paused.is_empty()
    }
}

/// Why a clock was computed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecalculationReason {
    /// A new calendar was published.
    Calendar,
    /// Another entry of its limit list holds now: this opens a new epoch.
    SwappedLimit,
    /// The date field of a `by` clock changed.
    DateField,
}

/// Why a clock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockEnd {
    /// What it measured is done.
    Done,
    /// What it measured was cancelled or left.
    Cancelled,
    /// An activity reset it: a new clock has begun.
    Reset,
}
