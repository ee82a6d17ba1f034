//! A hand-over: everything that one member carries goes to another, or to whom the rules name. What
//! was carried and what became of each thing is kept, so that it can be gone on with at any time.

use super::actor::Actor;
use super::id::{InstanceId, MemberId};
use super::task::TaskNumber;
use super::time::Timestamp;

/// A hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// Its name: derived from who ordered it and the request.
    pub id: String,
    /// Who hands over.
    pub from: MemberId,
    /// Who takes over; none: whom the rules name for each thing.
    pub to: Option<MemberId>,
    /// Why.
    pub reason: String,
    /// Who ordered it.
    pub actor: Actor,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it ended; none: it is under way.
    pub ended_at: Option<Timestamp>,
    /// What was carried, in the order in which it is handed over.
    pub items: Vec<HandOverItem>,
}

/// One thing that was carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOverItem {
    /// What.
    pub charge: Charge,
    /// The instance to which it belongs.
    pub instance: Option<InstanceId>,
    /// The number of the task.
    pub task: Option<TaskNumber>,
    /// The task's name in the workflow, the role, the days, or how many things the row stands for.
    pub name: String,
    /// What became of it.
    pub state: HandOverItemState,
}

/// What a member carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Charge {
    /// The stewardship of a live instance.
    Stewardship,
    /// An open task that the member holds, or lets somebody else do.
    Task,
    /// A place as backup of a live instance.
    Backup,
    /// A duty on days to come. Left: whoever keeps the roster decides.
    Duty,
    /// Standing in for somebody on days to come. Left: the absent one decides.
    Substitute,
    /// A role of the file. Left: an administrator decides.
    Role,
}

/// What became of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandOverItemState {
    /// It waits for its turn.
    Waiting,
    /// This member has it now.
    HandedTo(MemberId),
    /// There was nothing to hand over any more: it ended, or somebody else had it by then.
    Gone,
    /// It was left, for a reason with a code.
    Left {
        /// The reason's code, such as `NOT_A_CANDIDATE`.
        code: String,
        /// In words.
        why: String,
    },
}

impl HandOver {
    /// How many things wait for their turn.
    pub fn waiting(&self) -> usize {
        self.count(|state| *state == HandOverItemState::Waiting)
    }

    /// How many things somebody else has now.
    pub fn handed_over(&self) -> usize {
        self.count(|state| matches!(state, HandOverItemState::HandedTo(_)))
    }

    /// How many things were left.
    pub fn left(&self) -> usize {
        self.count(|state| matches!(state, HandOverItemState::Left { .. }))
    }

    fn count(&self, is_it: impl Fn(&HandOverItemState) -> bool) -> usize {
        self.items.iter().filter(|item| is_it(&item.state)).count()
    }
}
