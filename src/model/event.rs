//! Events: what happened, in the past tense, with every instant and every name that was computed.
//!
//! Applying an event copies; it never computes. Each payload can be understood without its
//! instance.

use std::sync::Arc;

use super::clock::{Clock, ClockEnd, ClockRef, Epoch, Exclusion, Extension, Limit, PauseReason};
use super::clock::{Plan, RecalculationReason, Scheduled};
use super::escalation::{Fired, FiredBecause, Light, Recipient};
use super::id::{ActivityId, CalendarId, GroupId, InstanceId, LevelId, MemberId, Outcome};
use super::id::{PolicyId, ReasonCode, RoleId, StageId, StepId, WorkflowId};
use super::link::{Direction, Effect, EffectNumber, Ending, Link, Relation};
use super::roster::OrganizationChange;
use super::task::{Assignment, CancelReason, ExtensionRequest, ObjectUntil, Objection};
use super::task::{Supplement, Task, TaskRef};
use super::time::{Date, Timestamp};
use super::value::{Changes, Decimal, Values};

pub use super::record::{Event, Record, Stamp};
pub use super::stage::{OpenReason, SkipReason};

task_payloads! { payloads! {
    /// An instance began.
    InstanceCreated = "instance.created" {
        /// Its id.
        id: InstanceId,
        /// Its workflow.
        workflow: WorkflowId,
        /// The version of the workflow to which it is pinned.
        workflow_version: u32,
        /// The digest of its calendar.
        calendar_digest: u64,
        /// Its first fields.
        fields: Values,
    }
    /// Somebody carries responsibility for the instance from now on.
    StewardAssigned = "steward.assigned" {
        /// Who, and why.
        assignment: Assignment,
        /// The steward's group.
        group: Option<GroupId>,
        /// Who it was before.
        before: Option<MemberId>,
        /// Why it changed, in words.
        reason: String,
    }
    /// Others stand in for the steward from now on.
    BackupsSet = "backups.set" {
        /// Backup A, then B; empty: nobody.
        backups: Vec<MemberId>,
        /// Who it was before.
        before: Vec<MemberId>,
        /// Why, in words.
        reason: String,
    }
    /// The instance stands still.
    InstanceSuspended = "instance.suspended" {
        /// Why.
        reason: String,
        /// When it is expected to go on.
        expected_resume: Option<Date>,
        /// Who proposed it.
        proposed_by: Option<MemberId>,
    }
    /// The instance goes on.
    InstanceResumed = "instance.resumed" {
        /// Since when it stood still.
        suspended_at: Timestamp,
        /// Until when tasks may be objected to now: nobody could while it stood still.
        object_until: Vec<ObjectUntil>,
    }
    /// The instance was given up.
    InstanceTerminated = "instance.terminated" {
        /// The code of the reason.
        reason_code: ReasonCode,
        /// In words.
        comment: String,
        /// Who proposed it.
        proposed_by: Option<MemberId>,
    }
    /// All stages are done.
    InstanceCompleted = "instance.completed" {
        /// The outcome of the task that the workflow names under `outcome_of`.
        outcome: Option<Outcome>,
    }
    /// A path stage began.
    StageEntered = "stage.entered" {
        /// The stage.
        stage: StageId,
        /// The first stay is 1.
        attempt: u32,
    }
    /// A path stage ended.
    StageLeft = "stage.left" {
        /// The stage.
        stage: StageId,
        /// Which stay.
        attempt: u32,
        /// The stage that follows; none at the end of the path.
        to: Option<StageId>,
        /// How long this stay was, in milliseconds of wall time.
        dwell_ms: i64,
        /// In words.
        comment: String,
    }
    /// The instance went back.
    StageReturned = "stage.returned" {
        /// The stage that it left.
        from: StageId,
        /// The stage to which it returns.
        to: StageId,
        /// How often it has returned there, this time included.
        returns: u32,
        /// Why.
        reason: String,
        /// Who proposed it.
        proposed_by: Option<MemberId>,
    }
    /// A stage was passed over.
    StageSkipped = "stage.skipped" {
        /// The stage.
        stage: StageId,
        /// Why.
        because: SkipReason,
    }
    /// A stage beside the path began.
    StageOpened = "stage.opened" {
        /// The stage.
        stage: StageId,
        /// The first time is 1.
        attempt: u32,
        /// Why.
        because: OpenReason,
        /// In words.
        comment: String,
    }
    /// A stage beside the path ended.
    StageClosed = "stage.closed" {
        /// The stage.
        stage: StageId,
        /// Which time.
        attempt: u32,
        /// How long this time was, in milliseconds of wall time.
        dwell_ms: i64,
        /// In words.
        comment: String,
    }
    /// The path has ended: only stages beside it are still open, if any.
    PathEnded = "path.ended" {
    }
    /// A clock began.
    ClockStarted = "clock.started" {
        /// The clock as it begins.
        clock: Clock,
    }
    /// A limit is near.
    ClockAtRisk = "clock.at_risk" {
        /// The clock.
        clock: ClockRef,
        /// When its limit runs out.
        due: Timestamp,
    }
    /// A limit has run out.
    ClockBreached = "clock.breached" {
        /// The clock.
        clock: ClockRef,
        /// When.
        due: Timestamp,
    }
    /// A clock stands still.
    ClockPaused = "clock.paused" {
        /// The clock.
        clock: ClockRef,
        /// Why.
        because: PauseReason,
    }
    /// A reason to stand still is gone; where another remains, the clock stands still further.
    ClockResumed = "clock.resumed" {
        /// The clock.
        clock: ClockRef,
        /// Which reason is gone.
        because: PauseReason,
        /// What does not count, all intervals merged.
        excluded: Vec<Exclusion>,
        /// What is to happen from now on; none while the clock stands still further.
        plan: Option<Plan>,
    }
    /// More time was granted.
    ClockExtended = "clock.extended" {
        /// The clock.
        clock: ClockRef,
        /// How much.
        extension: Extension,
        /// The due time before.
        due_before: Timestamp,
        /// The epoch that begins.
        epoch: Epoch,
        /// What is to happen from now on.
        plan: Plan,
        /// In words.
        comment: String,
    }
    /// A clock was computed anew.
    ClockRecalculated = "clock.recalculated" {
        /// The clock.
        clock: ClockRef,
        /// Why.
        because: RecalculationReason,
        /// The limit that holds now.
        limit: Limit,
        /// The due time before.
        due_before: Timestamp,
        /// The epoch that begins; none: the epoch stays, and what has fired stays fired.
        epoch: Option<Epoch>,
        /// What is to happen from now on.
        plan: Plan,
    }
    /// A clock ended.
    ClockStopped = "clock.stopped" {
        /// The clock.
        clock: ClockRef,
        /// Why.
        end: ClockEnd,
    }
    /// The instance's instants are computed with another calendar from now on.
    CalendarAdopted = "calendar.adopted" {
        /// The calendar's digest.
        digest: u64,
    }
    /// A check measured.
    ClockChecked = "clock.checked" {
        /// The clock.
        clock: ClockRef,
        /// What its function gave; none: it had nothing to say, or failed.
        value: Option<Decimal>,
        /// How many runs in a row, this one included, were below the lowest step.
        calm_runs: u32,
        /// The day of the next run.
        limit: Limit,
        /// The epoch that begins; none: a step still burns, and what has fired stays fired.
        epoch: Option<Epoch>,
        /// What is to happen from now on.
        plan: Plan,
    }
    /// A step of a ladder told people.
    EscalationRaised = "escalation.raised" {
        /// Which clock's ladder.
        clock: ClockRef,
        /// The ladder.
        policy: PolicyId,
        /// The step as fired: level, light, since when.
        fired: Fired,
        /// Why it fired.
        because: FiredBecause,
        /// Who is told, and why each; empty: nobody is in the role, see `nobody_in`.
        recipients: Vec<Recipient>,
        /// Roles in which nobody could be found, not even above.
        nobody_in: Vec<RoleId>,
        /// When the clock's limit runs out.
        due: Timestamp,
        /// Until when an acknowledgement is awaited.
        acknowledge_by: Option<Timestamp>,
        /// What is still to happen.
        schedule: Vec<Scheduled>,
    }
    /// A step of a ladder told once more.
    EscalationRepeated = "escalation.repeated" {
        /// Which clock's ladder.
        clock: ClockRef,
        /// The ladder.
        policy: PolicyId,
        /// The step.
        step: StepId,
        /// Its level.
        level: LevelId,
        /// Its light.
        light: Light,
        /// The first repeat is 1.
        repeat: u32,
        /// Who is told.
        recipients: Vec<Recipient>,
        /// With which digest it is to be read; none: at once.
        digest_at: Option<Timestamp>,
        /// What is still to happen.
        schedule: Vec<Scheduled>,
    }
    /// A step of a ladder did not tell, because a higher one did or the work was done.
    EscalationPassedOver = "escalation.passed_over" {
        /// Which clock's ladder.
        clock: ClockRef,
        /// The ladder.
        policy: PolicyId,
        /// The step as it counts.
        fired: Fired,
        /// What is still to happen.
        schedule: Vec<Scheduled>,
    }
    /// Nobody acknowledged in time, and there is no higher step.
    EscalationExhausted = "escalation.exhausted" {
        /// Which clock's ladder.
        clock: ClockRef,
        /// The ladder.
        policy: PolicyId,
        /// The highest step.
        step: StepId,
        /// What is still to happen.
        schedule: Vec<Scheduled>,
    }
    /// Somebody took notice of a step.
    EscalationAcknowledged = "escalation.acknowledged" {
        /// Which clock's ladder.
        clock: ClockRef,
        /// The ladder.
        policy: PolicyId,
        /// The step.
        step: StepId,
        /// Its level.
        level: LevelId,
        /// By whom.
        by: MemberId,
        /// In words.
        comment: String,
        /// How the delay will be made good.
        recovery_plan: Option<String>,
        /// The date that is promised.
        promised: Option<Date>,
        /// What is still to happen.
        schedule: Vec<Scheduled>,
    }
    /// The work is done, or more time was granted: the light is out.
    EscalationCleared = "escalation.cleared" {
        /// Which clock's ladder.
        clock: ClockRef,
        /// The ladder.
        policy: PolicyId,
        /// The highest level that had fired.
        level: LevelId,
        /// The light that is out.
        light: Light,
    }
    /// An activity was logged.
    ActivityLogged = "activity.logged" {
        /// Its kind.
        activity: ActivityId,
        /// When it occurred.
        occurred_at: Timestamp,
        /// Its fields.
        fields: Values,
    }
    /// Another instance has to do something because of this one.
    EffectAsked = "effect.asked" {
        /// What, and by whom.
        effect: Effect,
    }
    /// The other instance has done it.
    EffectDone = "effect.done" {
        /// Which.
        number: EffectNumber,
        /// The other instance.
        target: InstanceId,
    }
    /// It was not known to be done in time: it is asked again.
    EffectRetried = "effect.retried" {
        /// What, and by whom, with the number of tries and the next one.
        effect: Effect,
    }
    /// The other instance refuses it: for now, then it stays pending, or for good, then it is over.
    EffectRefused = "effect.refused" {
        /// Which.
        number: EffectNumber,
        /// The other instance.
        target: InstanceId,
        /// The code of the reason.
        code: Arc<str>,
        /// The reason in words.
        reason: String,
        /// It can never be done, and is not tried again.
        for_good: bool,
    }
    /// The instance stands in a relation to another, or another to it.
    LinkAdded = "link.added" {
        /// The relation.
        link: Link,
    }
    /// It does so no longer.
    LinkRemoved = "link.removed" {
        /// The relation as it was.
        link: Link,
        /// Why, in words.
        reason: String,
    }
    /// An instance that stands in a relation to this one has ended.
    LinkEnded = "link.ended" {
        /// The relation.
        relation: Relation,
        /// Of whom it is said.
        direction: Direction,
        /// The instance that ended.
        other: InstanceId,
        /// How.
        end: Ending,
    }
    /// Another instance takes up what this one left off.
    InstanceRevived = "instance.revived" {
        /// The new one.
        by: InstanceId,
        /// Why.
        reason: String,
    }
    /// Fields changed.
    FieldsUpdated = "fields.updated" {
        /// What was set and what was emptied.
        changes: Changes,
    }
    /// A rule was overruled by somebody whose role may do that.
    RuleForced = "rule.forced" {
        /// What was missing.
        overruled: Vec<String>,
        /// Why, in words.
        reason: String,
    }
    /// A script failed where nothing may fail: the last answer was kept. Once per revision.
    ScriptFailed = "script.failed" {
        /// Which condition or function.
        place: String,
        /// What went wrong.
        message: String,
    }
    /// A new version of a workflow was taken.
    WorkflowPublished = "workflow.published" {
        /// The workflow.
        workflow: WorkflowId,
        /// The version.
        version: u32,
        /// Its content digest, in hexadecimal.
        digest: String,
    }
    /// New instances take this version from now on; none: the workflow is retired.
    WorkflowActivated = "workflow.activated" {
        /// The workflow.
        workflow: WorkflowId,
        /// The version.
        version: Option<u32>,
        /// The version before.
        before: Option<u32>,
    }
    /// An edit has errors: nothing was changed.
    WorkflowRejected = "workflow.rejected" {
        /// What was edited.
        paths: Vec<String>,
        /// How many errors; of a file with very many a hundred are counted.
        errors: u32,
        /// The findings, one line each, at most twenty.
        findings: Vec<String>,
    }
    /// A new calendar was taken.
    CalendarPublished = "calendar.published" {
        /// The calendar.
        calendar: CalendarId,
        /// Its content digest.
        digest: u64,
    }
    /// The organization changed: a new file of it was taken, or somebody changed the roster.
    OrganizationChanged = "organization.changed" {
        /// The content digest of the file, in hexadecimal.
        digest: String,
        /// What changed for whom.
        changes: Vec<OrganizationChange>,
    }
} }
