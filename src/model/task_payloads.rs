//! The payloads of events about tasks: the part of the table in [`super::event`] that is about
//! work.
//!
//! A macro, because one enum needs the whole table: it hands its part on to the macro that makes
//! it.

macro_rules! task_payloads {
    ($table:ident! { $($others:tt)* }) => {
        $table! { $($others)*
            /// A task can be done from now on.
            TaskOpened = "task.opened" {
                /// The task as it begins: nobody holds it yet.
                task: Task,
            }
            /// A task was given to somebody.
            TaskAssigned = "task.assigned" {
                /// The task.
                task: TaskRef,
                /// To whom, and why.
                assignment: Assignment,
                /// Until when that person may object.
                object_until: Option<Timestamp>,
            }
            /// A task waits for somebody to claim it.
            TaskOffered = "task.offered" {
                /// The task.
                task: TaskRef,
                /// The role or group whose members may claim it.
                role: RoleId,
                /// Who that is now.
                candidates: Vec<MemberId>,
            }
            /// Somebody took a task.
            TaskClaimed = "task.claimed" {
                /// The task.
                task: TaskRef,
                /// Who.
                assignment: Assignment,
            }
            /// Somebody gave a task back.
            TaskReleased = "task.released" {
                /// The task.
                task: TaskRef,
                /// Who held it.
                by: MemberId,
                /// Why.
                reason: String,
            }
            /// A task was given to another person.
            TaskReassigned = "task.reassigned" {
                /// The task.
                task: TaskRef,
                /// Who held it.
                from: Option<MemberId>,
                /// Who holds it now.
                assignment: Assignment,
                /// Why.
                reason: String,
                /// Until when that person may object.
                object_until: Option<Timestamp>,
            }
            /// The holder of a task lets somebody else do it.
            TaskDelegated = "task.delegated" {
                /// The task.
                task: TaskRef,
                /// Who held it, and to whom it goes back.
                from: MemberId,
                /// Who does it now.
                assignment: Assignment,
                /// Why.
                reason: String,
            }
            /// The holder of a task objects to being the one.
            ObjectionRaised = "objection.raised" {
                /// The task.
                task: TaskRef,
                /// Why, by whom.
                objection: Objection,
            }
            /// An objection was granted: the task goes to somebody else.
            ObjectionUpheld = "objection.upheld" {
                /// The task.
                task: TaskRef,
                /// Who objected.
                from: MemberId,
                /// Who does it now; none: it waits to be claimed.
                assignment: Option<Assignment>,
                /// In words.
                comment: String,
            }
            /// An objection was refused: the task stays where it is.
            ObjectionRefused = "objection.refused" {
                /// The task.
                task: TaskRef,
                /// Who objected.
                from: MemberId,
                /// In words.
                comment: String,
            }
            /// A task waits for something from outside.
            SupplementRequested = "supplement.requested" {
                /// The task.
                task: TaskRef,
                /// What, asked for by whom.
                supplement: Supplement,
            }
            /// What a task waited for has come.
            SupplementSupplied = "supplement.supplied" {
                /// The task.
                task: TaskRef,
                /// What has come.
                what: String,
                /// When it was asked for.
                asked_at: Timestamp,
            }
            /// What a task waited for did not come in time: its clock runs on.
            SupplementLapsed = "supplement.lapsed" {
                /// The task.
                task: TaskRef,
                /// What is still missing.
                what: String,
                /// When it was asked for.
                asked_at: Timestamp,
            }
            /// A task is done.
            TaskCompleted = "task.completed" {
                /// The task.
                task: TaskRef,
                /// What it ended with.
                outcome: Option<Outcome>,
                /// Its form.
                form: Values,
                /// Who did it; nobody for a period that has passed, and where silence counts.
                by: Option<MemberId>,
                /// The absent member for whom that person stood in.
                instead_of: Option<MemberId>,
                /// The holder who let that person do it.
                delegated_by: Option<MemberId>,
                /// In words.
                comment: String,
            }
            /// A task is no longer wanted.
            TaskCancelled = "task.cancelled" {
                /// The task.
                task: TaskRef,
                /// Why.
                because: CancelReason,
            }
            /// A done task is to be done again; its next attempt follows as `task.opened`.
            TaskRedone = "task.redone" {
                /// The task.
                task: TaskRef,
                /// Why.
                reason: String,
            }
            /// An item of a checklist was checked or unchecked.
            TaskChecked = "task.checked" {
                /// The task.
                task: TaskRef,
                /// The item.
                item: Arc<str>,
                /// Whether it is checked from now on.
                checked: bool,
            }
            /// Somebody said something.
            CommentAdded = "comment.added" {
                /// About which task; none: about the instance.
                task: Option<TaskRef>,
                /// What.
                text: String,
            }
            /// More time was asked for.
            ExtensionRequested = "extension.requested" {
                /// For which task; none: the clock does not measure a task.
                task: Option<TaskRef>,
                /// For which clock; none in records from before clocks could be named: the task's.
                clock: Option<ClockRef>,
                /// How much, why, by whom.
                request: ExtensionRequest,
            }
            /// More time was refused.
            ExtensionRefused = "extension.refused" {
                /// For which task; none: the clock does not measure a task.
                task: Option<TaskRef>,
                /// For which clock; none in records from before clocks could be named: the task's.
                clock: Option<ClockRef>,
                /// In words.
                comment: String,
            }
        }
    };
}
