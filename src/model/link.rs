//! Relations between instances: what each of two knows of the other, and what one asks of the
//! other.
//!
//! No instance ever looks into another one. What has to happen there is an [`Effect`]: a fact of
//! this instance, asked again and again until the other one has done it.

use std::fmt;
use std::sync::Arc;

use super::id::{InstanceId, MemberId, Outcome, TaskId, WorkflowId};
use super::instance::Status;
use super::task::TaskNumber;
use super::time::Timestamp;
use super::value::Values;

/// How one instance is related to another: it *stands in this relation to* the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// It was begun by the other: by a visit, by a task that calls it.
    SpawnedFrom,
    /// The other must not end before it has.
    Blocks,
    /// It helps the other.
    Supports,
    /// It is the same as the other, which was first.
    Duplicates,
    /// It takes up what the other left off.
    Continues,
    /// It delivers to the other.
    Supplies,
}

impl Relation {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::SpawnedFrom,
        Self::Blocks,
        Self::Supports,
        Self::Duplicates,
        Self::Continues,
        Self::Supplies,
    ];

    /// The word that files and answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SpawnedFrom => "spawned_from",
            Self::Blocks => "blocks",
            Self::Supports => "supports",
            Self::Duplicates => "duplicates",
            Self::Continues => "continues",
            Self::Supplies => "supplies",
        }
    }

    /// The relation of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.as_str() == word)
    }

    /// Whether the other side waits for the end of the one that stands in this relation to it.
    pub fn tells_its_end(self) -> bool {
        matches!(self, Self::SpawnedFrom | Self::Blocks)
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Which of two instances a relation is said of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// This instance stands in the relation to the other: it blocks the other.
    Outward,
    /// The other stands in the relation to this one: it is blocked by the other.
    Inward,
}

/// What is known of a relation: kept by both instances, each with the other's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The relation.
    pub relation: Relation,
    /// Of whom it is said.
    pub direction: Direction,
    /// The other instance.
    pub other: InstanceId,
    /// The task that is meant: the one that calls, or the one that is blocked. None: the whole
    /// instance.
    pub task: Option<TaskId>,
    /// For a called instance: which of the tasks of that name waits for it.
    pub task_number: Option<TaskNumber>,
    /// Since when.
    pub since: Timestamp,
    /// How the other ended, where that was told.
    pub end: Option<Ending>,
}

impl Link {
    /// Whether this is the link of which such a one would be a repetition.
    pub fn is_same(&self, other: &Self) -> bool {
        self.relation == other.relation
            && self.direction == other.direction
            && self.other == other.other
            && self.task == other.task
            && self.task_number == other.task_number
    }

    /// Whether the other keeps this instance, or a task of it, from ending.
    pub fn is_open_blocker(&self) -> bool {
        self.relation == Relation::Blocks
            && self.direction == Direction::Inward
            && self.end.is_none()
    }
}

/// How an instance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Completed or terminated.
    pub status: Status,
    /// Its outcome, or the code of the reason for which it was given up.
    pub outcome: Option<Outcome>,
    /// When.
    pub at: Timestamp,
}

/// An effect's number within its instance; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectNumber(pub u32);

/// Something that another instance has to do because of this one. It is pending from when it is
/// asked until it is known to be done, whatever happens to the process meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Its number within the instance.
    pub number: EffectNumber,
    /// Who has to do it.
    pub target: InstanceId,
    /// What.
    pub wish: Wish,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again, unless it is done before; none: an earlier one for the same instance
    /// comes first.
    pub next_try: Option<Timestamp>,
    /// The code of the reason for which it was refused last.
    pub refused: Option<Arc<str>>,
}

/// What another instance has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Begin. Where it exists already, it only takes note of the relation.
    Start(Start),
    /// Take note of something.
    Note(Note),
}

/// How another instance is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Its workflow; the active version is taken.
    pub workflow: WorkflowId,
    /// Its first fields.
    pub fields: Values,
    /// Who is to be steward; otherwise its workflow's rule decides.
    pub steward: Option<MemberId>,
    /// How it stands to the one that asks for it.
    pub relation: Relation,
    /// The task that calls it.
    pub task: Option<TaskId>,
    /// Which of the tasks of that name.
    pub task_number: Option<TaskNumber>,
}

/// What an instance has to tell another to which it stands in a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// It stands in this relation from now on.
    Linked {
        /// The relation.
        relation: Relation,
        /// The task of the other that is meant.
        task: Option<TaskId>,
    },
    /// It does so no longer.
    Unlinked {
        /// The relation.
        relation: Relation,
        /// The task of the other that was meant.
        task: Option<TaskId>,
        /// Why, in words.
        reason: String,
    },
    /// It has ended.
    Ended {
        /// The relation.
        relation: Relation,
        /// The task of the other that is meant.
        task: Option<TaskId>,
        /// Which of the tasks of that name waits for it.
        task_number: Option<TaskNumber>,
        /// How.
        end: Ending,
    },
}

/// What an instance knows of others, and what it still asks of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relations {
    /// In the order in which they came.
    pub links: Vec<Link>,
    /// Effects that are pending, in order of their numbers.
    pub effects: Vec<Effect>,
    /// How many effects were ever asked.
    pub asked: u32,
}

impl Relations {
    /// The links that keep the instance, or a task of it, from ending.
    pub fn open_blockers(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(|link| link.is_open_blocker())
    }
}
