//! Why a stage began, or was passed over.

/// Why a stage was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// Its `skip_when` holds.
    Condition,
    /// The stage before leads past it, or a return back to before it.
    PassedOver,
    /// The path ended and its `when` does not hold.
    NeverOpened,
}

/// Why a stage beside the path began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OpenReason {
    /// Its `when` holds.
    Condition,
    /// The path ended and it had not opened before.
    PathEnded,
    /// Somebody opened it.
    Command,
    /// A step of a ladder opened it.
    Escalation,
}
