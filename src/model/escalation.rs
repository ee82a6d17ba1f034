//! Escalation: lights, and what is remembered of a ladder's steps.

use super::id::{LevelId, MemberId, RoleId, StepId};
use super::time::{Date, Timestamp};

/// The light of a limit: derived from the steps that fired, never stored beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Light {
    /// Nothing to worry about.
    #[default]
    None,
    /// Near its limit.
    Blue,
    /// About to run out.
    Yellow,
    /// Run out.
    Red,
}

impl Light {
    /// The word that files and answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Blue => "blue",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// Why a step fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FiredBecause {
    /// Its instant came.
    Time,
    /// Nobody acknowledged the step below within its time.
    Unacknowledged,
    /// A check measured its value or more.
    Value,
    /// A condition came to hold.
    Condition,
}

/// How pressing something is: derived from the steps that fired, as the light is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// In its turn.
    #[default]
    Normal,
    /// Before what is normal.
    High,
    /// Before everything else.
    Urgent,
}

impl Priority {
    /// The word that files and answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }
}

/// How a step came to count as fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Firing {
    /// It told the people of its level.
    Notified,
    /// A higher one told instead.
    PassedOver,
    /// Its instant already lay in the past when a new epoch began: it only sets the light.
    Inherited,
}

/// A step that counts as fired in the current epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The step.
    pub step: StepId,
    /// Its level.
    pub level: LevelId,
    /// Its light.
    pub light: Light,
    /// When it fired: the wait for an acknowledgement counts from here.
    pub at: Timestamp,
    /// When it told last, if only nobody: the next repeat counts from here.
    pub told_at: Timestamp,
    /// How it came to count as fired.
    pub firing: Firing,
    /// How often it has told again.
    pub repeats: u32,
    /// The acknowledgement, once given.
    pub acknowledged: Option<Acknowledged>,
    /// Who was told, ever.
    pub notified: Vec<MemberId>,
    /// Who was told by the last repeat that reached anybody; empty: it told once, all of them.
    pub repeated_to: Vec<MemberId>,
    /// How pressing it makes what its clock measures.
    pub priority: Priority,
    /// With which digest it is to be read (an opening of business), or when it was to be read
    /// before it last reached nobody; none: at once.
    pub digest_at: Option<Timestamp>,
}

impl Fired {
    /// When those who were told are to read it.
    pub fn read_at(&self) -> Timestamp {
        self.digest_at.unwrap_or(self.told_at)
    }

    /// Who is to read it then: those whom it told last.
    pub fn readers(&self) -> &[MemberId] {
        if self.repeated_to.is_empty() { &self.notified } else { &self.repeated_to }
    }
}

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// By whom.
    pub by: MemberId,
    /// When.
    pub at: Timestamp,
    /// The date that was promised.
    pub promised: Option<Date>,
}

/// One person told, and why this person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The person.
    pub member: MemberId,
    /// The role through which.
    pub role: RoleId,
    /// The absent member for whom this person stands in.
    pub instead_of: Option<MemberId>,
    /// The role that was meant, where nobody was in it and the role above was taken.
    pub fallback_from: Option<RoleId>,
}
