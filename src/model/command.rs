//! Commands: what somebody wants of an instance. Checked for form at the edge, for sense by the
//! engine.

use std::sync::Arc;

use super::actor::Actor;
use super::clock::{ClockNumber, Limit};
use super::id::WorkflowId;
use super::id::{ActivityId, InstanceId, MemberId, Outcome, ReasonCode, StageId, TaskId};
use super::link::{EffectNumber, Note, Relation};
use super::task::TaskNumber;
use super::time::{Date, Timestamp};
use super::value::{Changes, Values};

/// What somebody wants of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who.
    pub actor: Actor,
    /// By which a repeat is recognised.
    pub request: Option<Request>,
    /// Refused when the instance is at another revision.
    pub expected_revision: Option<u64>,
    /// Why a rule that refuses is to be overruled, where the actor's role may do that.
    pub force: Option<String>,
    /// What.
    pub action: Action,
}

impl Command {
    /// The empty command of a timer: only what fell due happens.
    pub fn settle() -> Self {
        Self {
            actor: Actor::System,
            request: None,
            expected_revision: None,
            force: None,
            action: Action::Settle,
        }
    }
}

/// A request id, hashed with its actor, and the digest of what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Hash of the actor and the request id.
    pub key: u64,
    /// Digest of the command's content.
    pub digest: u64,
}

/// Every kind of command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Begin an instance. Only for an id that is not taken.
    Create(Create),
    /// Leave a stage.
    Advance(Advance),
    /// Go back to an earlier stage.
    Return(Return),
    /// Do a done task again.
    Redo(Redo),
    /// Stand still.
    Suspend(Suspend),
    /// Go on.
    Resume,
    /// Give up.
    Terminate(Terminate),
    /// Open a stage beside the path.
    OpenStage(OpenStage),
    /// Change fields.
    UpdateFields(UpdateFields),
    /// Log a visit, a contact, a progress note.
    LogActivity(LogActivity),
    /// Give a task, or the stewardship, to another person.
    Reassign(Reassign),
    /// Say who stands in for the steward.
    SetBackups(SetBackups),
    /// Take a task.
    Claim(Claim),
    /// Give a task back.
    Release(Release),
    /// Let somebody else do a task.
    Delegate(Delegate),
    /// Object to being given a task.
    Object(Object),
    /// Uphold or refuse that.
    DecideObjection(DecideObjection),
    /// Ask for something from outside without which a task cannot go on.
    RequestSupplement(RequestSupplement),
    /// It has come.
    Supply(Supply),
    /// Finish a task.
    Complete(Complete),
    /// Check or uncheck an item of a checklist.
    Check(Check),
    /// Say something about a task or the instance.
    Comment(Comment),
    /// Ask for more time.
    RequestExtension(RequestExtension),
    /// Grant or refuse it.
    DecideExtension(DecideExtension),
    /// Take notice of an escalation.
    Acknowledge(Acknowledge),
    /// Stand in a relation to another instance.
    Link(Link),
    /// Do so no longer.
    Unlink(Unlink),
    /// Take up in a new instance what this one, which is over, left off.
    Revive(Revive),
    /// Take note of what another instance tells. Only another instance may.
    Hear(Hear),
    /// Take note of what became of an effect. Only the runtime may.
    Confirm(Confirm),
    /// Nothing: only what fell due happens.
    Settle,
}

/// Begin an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// Its id.
    pub id: InstanceId,
    /// Its workflow; the active version is taken.
    pub workflow: WorkflowId,
    /// Its first fields.
    pub fields: Values,
    /// Who is to be steward; otherwise the workflow's rule decides.
    pub steward: Option<MemberId>,
    /// The instance that asks for it; none: people do.
    pub origin: Option<Origin>,
}

/// The instance because of which another one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// That instance.
    pub instance: InstanceId,
    /// How the new one stands to it.
    pub relation: Relation,
    /// The task that calls.
    pub task: Option<TaskId>,
    /// Which of the tasks of that name.
    pub task_number: Option<TaskNumber>,
}

/// Leave a stage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advance {
    /// The stage that is left; default: the path stage.
    pub stage: Option<StageId>,
    /// The stage that the caller expects next; another one is refused.
    pub target: Option<StageId>,
    /// Free text for the record.
    pub comment: String,
}

/// Go back to an earlier stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// The stage to return to.
    pub target: StageId,
    /// Why.
    pub reason: String,
    /// Who proposed it, where an approver issues the command.
    pub proposed_by: Option<MemberId>,
}

/// Do a done task again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redo {
    /// The task.
    pub task: TaskNumber,
    /// Why.
    pub reason: String,
}

/// Stand still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspend {
    /// Why.
    pub reason: String,
    /// When it is expected to end.
    pub expected_resume: Option<Date>,
    /// Who proposed it, where an approver issues the command.
    pub proposed_by: Option<MemberId>,
}

/// Give up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminate {
    /// The code of the reason.
    pub reason_code: ReasonCode,
    /// Free text for the record.
    pub comment: String,
    /// Who proposed it, where an approver issues the command.
    pub proposed_by: Option<MemberId>,
    /// The instance that is the same and was first.
    pub duplicate_of: Option<InstanceId>,
}

/// Open a stage beside the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStage {
    /// The stage.
    pub stage: StageId,
    /// Free text for the record.
    pub comment: String,
}

/// Change fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateFields {
    /// What is set and what is emptied.
    pub changes: Changes,
}

/// Log an activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogActivity {
    /// Its kind.
    pub activity: ActivityId,
    /// When it occurred; default: now.
    pub occurred_at: Option<Timestamp>,
    /// Its fields.
    pub fields: Values,
    /// What begins because of it.
    pub starts: Vec<Begin>,
}

/// An instance that is to begin because of an activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// Its workflow, one that the activity may start.
    pub workflow: WorkflowId,
    /// Its first fields.
    pub fields: Values,
    /// Who is to be steward; otherwise its workflow's rule decides.
    pub steward: Option<MemberId>,
    /// Its id; otherwise one is derived.
    pub id: Option<InstanceId>,
}

/// Give a task, or the stewardship, to another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reassign {
    /// The task; none: the stewardship of the instance.
    pub task: Option<TaskNumber>,
    /// Whether it is for the place of who delegated the task: who does it stays at it.
    pub delegation: bool,
    /// To whom; none: whom the rules name, as if the one who has it were away.
    pub to: Option<MemberId>,
    /// Why.
    pub reason: String,
}

/// Say who stands in for the steward where no substitute does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetBackups {
    /// Backup A, then B; empty: nobody.
    pub backups: Vec<MemberId>,
    /// Why; may be empty.
    pub reason: String,
}

/// Take a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The task.
    pub task: TaskNumber,
}

/// Give a task back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The task.
    pub task: TaskNumber,
    /// Why.
    pub reason: String,
}

/// Let somebody else do a task. The one who releases it then gives it back to the delegator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegate {
    /// The task.
    pub task: TaskNumber,
    /// Who is to do it.
    pub to: MemberId,
    /// Why.
    pub reason: String,
}

/// Object to being given a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The task.
    pub task: TaskNumber,
    /// Why somebody else should do it.
    pub reason: String,
}

/// Uphold or refuse an objection; either way that is final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecideObjection {
    /// The task.
    pub task: TaskNumber,
    /// How it is decided.
    pub verdict: Verdict,
    /// Who is to do it instead, where the objection is granted; otherwise the rules choose.
    pub to: Option<MemberId>,
    /// Free text for the record.
    pub comment: String,
}

/// Ask for something from outside without which a task cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSupplement {
    /// The task.
    pub task: TaskNumber,
    /// What is missing.
    pub what: String,
}

/// What a task waited for has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supply {
    /// The task.
    pub task: TaskNumber,
    /// What has come.
    pub what: String,
}

/// Finish a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complete {
    /// The task.
    pub task: TaskNumber,
    /// What it ends with, where the task has outcomes.
    pub outcome: Option<Outcome>,
    /// The task's form.
    pub form: Values,
    /// Fields of the instance that change with it.
    pub changes: Changes,
    /// Free text for the record.
    pub comment: String,
}

/// Check or uncheck an item of a checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The task.
    pub task: TaskNumber,
    /// The item.
    pub item: Arc<str>,
    /// Whether it is checked from now on.
    pub checked: bool,
}

/// Say something about a task or the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The task; none: the instance.
    pub task: Option<TaskNumber>,
    /// What.
    pub text: String,
}

/// What is to have more time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limited {
    /// A task.
    Task(TaskNumber),
    /// Whatever a clock measures: a stage, the instance, its suspension, a task.
    Clock(ClockNumber),
}

/// Ask for more time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestExtension {
    /// For what.
    pub of: Limited,
    /// How much, or up to which day.
    pub by: Limit,
    /// Why.
    pub reason: String,
}

/// Grant or refuse more time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecideExtension {
    /// For what.
    pub of: Limited,
    /// How it is decided.
    pub verdict: Verdict,
    /// Free text for the record.
    pub comment: String,
}

/// How a request is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// As asked.
    Grant,
    /// Not at all.
    Refuse,
}

/// Take notice of an escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledge {
    /// The clock whose ladder has fired.
    pub clock: ClockNumber,
    /// Free text for the record.
    pub comment: String,
    /// How the delay will be made good.
    pub recovery_plan: Option<String>,
    /// The date that is promised.
    pub promised: Option<Date>,
}

/// Stand in a relation to another instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The relation in which this instance stands to the other.
    pub relation: Relation,
    /// The other instance.
    pub to: InstanceId,
    /// The task of the other that is meant, for [`Relation::Blocks`]; none: all of it.
    pub task: Option<TaskId>,
}

/// No longer stand in a relation to another instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlink {
    /// The relation.
    pub relation: Relation,
    /// The other instance.
    pub to: InstanceId,
    /// The task of the other that was meant.
    pub task: Option<TaskId>,
    /// Why, in words.
    pub reason: String,
}

/// Take up in a new instance what one that is over left off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revive {
    /// Why.
    pub reason: String,
    /// Fields that are to be other than they were.
    pub changes: Changes,
    /// Who is to be steward of the new one; otherwise its workflow's rule decides.
    pub steward: Option<MemberId>,
}

/// Take note of what another instance tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hear {
    /// The other instance.
    pub from: InstanceId,
    /// What it tells.
    pub note: Note,
}

/// Take note of what became of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// The effect.
    pub effect: EffectNumber,
    /// Why it is refused; none: it is done.
    pub refused: Option<Refused>,
}

/// Why an effect is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The code of the reason.
    pub code: Arc<str>,
    /// The reason in words.
    pub reason: String,
    /// It can never be done, whatever happens.
    pub for_good: bool,
}
