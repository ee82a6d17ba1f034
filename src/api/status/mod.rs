//! Every failure as a gRPC status with `google.rpc` details: the one table of what callers see.
//!
//! Internals never pass here: a text is written for the caller, or it is "internal error". Details
//! travel in a header, so violations are capped and texts kept short.

#![warn(clippy::wildcard_enum_match_arm)]

use std::collections::HashMap;
use std::fmt::Display;
use std::time::Duration;

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt};

use crate::definition::diagnostic::Diagnostic;
use crate::engine::{FieldProblem, Missing, Rejection};
use crate::model::id::{InstanceId, MemberId};
use crate::model::limits;
use crate::runtime::{
    AdvanceClockError, BackupRefusal, FeedError, PublishError, ReadError, RosterError, SubmitError,
};

use super::pb;
use super::violations::Violation;

mod ledgers;

pub(super) use ledgers::{
    file_not_taken, ledger, ledger_not_found, other_sheet, too_many_questions, workbook_too_large,
};

/// The domain of every reason.
pub const DOMAIN: &str = "sanbang";
/// Bytes of one text in the details; longer ones are cut.
const DETAIL_BYTES_MAX: usize = 400;
/// The type of instances in `ResourceInfo`.
const INSTANCE: &str = "sanbang.v1.Instance";
const WORKFLOW: &str = "sanbang.v1.Workflow";
const CALENDAR: &str = "sanbang.v1.Calendar";
/// After so long trying again may help, where the runtime does not say.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The same for single calls, which come and go quickly.
const CALL_RETRY_DELAY: Duration = Duration::from_millis(200);
/// Where resume tokens are explained.
const TOKEN_HELP: &str = "docs/errors.md#token_unknown";
const TASK: &str = "sanbang.v1.Task";
const MEMBER: &str = "sanbang.v1.Member";

/// Reasons that the edge itself gives, beside those of [`Rejection::code`].
pub mod reason {
    /// The request is malformed.
    pub const INVALID_REQUEST: &str = "INVALID_REQUEST";
    /// The call names no actor.
    pub const ACTOR_MISSING: &str = "ACTOR_MISSING";
    /// The call names an actor that the organization does not know.
    pub const ACTOR_UNKNOWN: &str = "ACTOR_UNKNOWN";
    /// There is no such version of a workflow.
    pub const WORKFLOW_NOT_FOUND: &str = "WORKFLOW_NOT_FOUND";
    /// Files have errors.
    pub const WORKFLOW_HAS_ERRORS: &str = "WORKFLOW_HAS_ERRORS";
    /// There is no such calendar.
    pub const CALENDAR_NOT_FOUND: &str = "CALENDAR_NOT_FOUND";
    /// A resume token is ahead of the store or of another one.
    pub const TOKEN_UNKNOWN: &str = "TOKEN_UNKNOWN";
    /// The clock is the real one.
    pub const CLOCK_NOT_SIMULATED: &str = "CLOCK_NOT_SIMULATED";
    /// The clock is already later.
    pub const CLOCK_BACKWARDS: &str = "CLOCK_BACKWARDS";
    /// At start the clock was far past its last reading.
    pub const CLOCK_JUMPED: &str = "CLOCK_JUMPED";
    /// There is no such ledger or indicator.
    pub const LEDGER_NOT_FOUND: &str = "LEDGER_NOT_FOUND";
    /// A ledger has more rows than are shown at once.
    pub const LEDGER_TOO_LONG: &str = "LEDGER_TOO_LONG";
    /// A backup is being taken already.
    pub const BACKUP_RUNNING: &str = "BACKUP_RUNNING";
    /// Too much waits already.
    pub const OVERLOADED: &str = "OVERLOADED";
    /// Others wrote the same instance first.
    pub const CONTENDED: &str = "CONTENDED";
    /// A request did not arrive as a whole.
    pub const REQUEST_INCOMPLETE: &str = "REQUEST_INCOMPLETE";
    /// The store cannot be reached.
    pub const STORE_UNAVAILABLE: &str = "STORE_UNAVAILABLE";
    /// The server is shutting down.
    pub const DRAINING: &str = "DRAINING";
    /// A defect of the program or its data.
    pub const INTERNAL: &str = "INTERNAL";

    /// All of them.
    pub const ALL: &[&str] = &[
        INVALID_REQUEST,
        ACTOR_MISSING,
        ACTOR_UNKNOWN,
        WORKFLOW_NOT_FOUND,
        WORKFLOW_HAS_ERRORS,
        CALENDAR_NOT_FOUND,
        TOKEN_UNKNOWN,
        CLOCK_NOT_SIMULATED,
        CLOCK_BACKWARDS,
        CLOCK_JUMPED,
        LEDGER_NOT_FOUND,
        LEDGER_TOO_LONG,
        BACKUP_RUNNING,
        OVERLOADED,
        CONTENDED,
        REQUEST_INCOMPLETE,
        STORE_UNAVAILABLE,
        DRAINING,
        INTERNAL,
    ];
}

/// A refusal by the rules. `kinds_since` are the kinds of events since the expected revision, for a
/// caller whose revision is stale.
pub(super) fn rejected(
    rejection: &Rejection,
    instance: &str,
    kinds_since: &[&'static str],
) -> Status {
    let mut details = reason_with(rejection.code(), metadata_of(rejection, kinds_since));
    let code = describe(rejection, instance, &mut details);
    status(code, &rejection.public_message(), details)
}

/// One call or stream too many.
pub(super) fn too_many(streams: bool) -> Status {
    let message =
        if streams { "too many streams are open" } else { "too many calls are under way" };
    let retry_after = if streams { RETRY_DELAY } else { CALL_RETRY_DELAY };
    told(Code::ResourceExhausted, reason::OVERLOADED, &message, Some(retry_after))
}

/// One dry run of a calendar too many.
pub(super) fn too_many_dry_runs() -> Status {
    let message = "too many calendars are being tried out";
    told(Code::ResourceExhausted, reason::OVERLOADED, &message, Some(RETRY_DELAY))
}

/// A request of which only a part has come.
pub(super) fn request_too_slow() -> Status {
    let message = "the request did not arrive as a whole in time";
    told(Code::DeadlineExceeded, reason::REQUEST_INCOMPLETE, &message, None)
}

/// A malformed request: every violation, up to what a header holds.
pub(super) fn invalid(violations: &[Violation]) -> Status {
    let mut details = reason_with(reason::INVALID_REQUEST, HashMap::new());
    let told = violations.iter().take(limits::VIOLATIONS_TOLD_MAX);
    details.set_bad_request(
        told.map(|each| FieldViolation::new(cut(&each.field), cut(&each.problem)))
            .collect::<Vec<_>>(),
    );
    let message = match violations {
        [only] => format!("`{}`: {}", only.field, only.problem),
        many => format!("{} fields of the request are wrong", many.len()),
    };
    status(Code::InvalidArgument, &message, details)
}

/// A place for a command that holds none.
pub(super) fn no_command() -> Status {
    let problem = "it is needed, and of a kind that this server knows".to_owned();
    invalid(&[Violation { field: "command".to_owned(), problem }])
}

/// One field of the request is wrong, for a reason of its own.
pub(super) fn invalid_field(reason: &str, field: &str, problem: &str) -> Status {
    let mut details = reason_with(reason, HashMap::new());
    details.add_bad_request_violation(field, cut(problem));
    status(Code::InvalidArgument, problem, details)
}

/// Nobody known is acting.
pub(super) fn unauthenticated(reason: &str, message: &str) -> Status {
    status(Code::Unauthenticated, message, reason_with(reason, HashMap::new()))
}

/// There is no such instance.
pub(super) fn instance_not_found(instance: &InstanceId) -> Status {
    rejected(&Rejection::InstanceNotFound, instance.as_str(), &[])
}

/// There is no such thing.
pub(super) fn not_found(reason: &str, kind: &str, name: &str, message: &str) -> Status {
    let mut details = reason_with(reason, HashMap::new());
    details.set_resource_info(kind, cut(name), "", message);
    status(Code::NotFound, message, details)
}

/// There is no such version of a workflow.
pub(super) fn workflow_not_found(workflow: &str) -> Status {
    let message = "there is no such workflow, or no such version of it";
    not_found(reason::WORKFLOW_NOT_FOUND, WORKFLOW, workflow, message)
}

/// There is no such calendar.
pub(super) fn calendar_not_found(calendar: &str) -> Status {
    let message = "there is no such calendar";
    not_found(reason::CALENDAR_NOT_FOUND, CALENDAR, calendar, message)
}

/// A command that the service did not decide. Refusals are told by [`rejected`].
pub(super) fn not_served(error: &SubmitError, instance: &InstanceId) -> Status {
    match error {
        SubmitError::Rejected(rejection) => rejected(rejection, instance.as_str(), &[]),
        SubmitError::Malformed(violations) => invalid(violations),
        SubmitError::Contended => retry(Code::Aborted, error, error.retry_after()),
        SubmitError::Overloaded => retry(Code::ResourceExhausted, error, error.retry_after()),
        SubmitError::Unavailable | SubmitError::Draining => {
            retry(Code::Unavailable, error, error.retry_after())
        }
        SubmitError::ClockJumped { .. } => retry(Code::FailedPrecondition, error, None),
        SubmitError::Internal => internal(instance.as_str()),
    }
}

/// The reason of a command that was not accepted.
pub(super) fn reason_of(error: &SubmitError) -> &'static str {
    match error {
        SubmitError::Rejected(rejection) => rejection.code(),
        SubmitError::Malformed(_) => reason::INVALID_REQUEST,
        SubmitError::Contended => reason::CONTENDED,
        SubmitError::Overloaded => reason::OVERLOADED,
        SubmitError::Unavailable => reason::STORE_UNAVAILABLE,
        SubmitError::Draining => reason::DRAINING,
        SubmitError::ClockJumped { .. } => reason::CLOCK_JUMPED,
        SubmitError::Internal => reason::INTERNAL,
    }
}

/// A read that was not served.
pub(super) fn read(error: &ReadError) -> Status {
    let retry_after = error.retry_after();
    match error {
        ReadError::Overloaded => {
            told(Code::ResourceExhausted, reason::OVERLOADED, error, retry_after)
        }
        ReadError::Unavailable => {
            told(Code::Unavailable, reason::STORE_UNAVAILABLE, error, retry_after)
        }
        ReadError::Draining => told(Code::Unavailable, reason::DRAINING, error, retry_after),
        ReadError::Internal => internal(""),
    }
}

/// A backup that is not begun.
pub(super) fn backup(refusal: &BackupRefusal) -> Status {
    let after = Some(refusal.retry_after());
    match refusal {
        BackupRefusal::Running => {
            told(Code::ResourceExhausted, reason::BACKUP_RUNNING, refusal, after)
        }
        BackupRefusal::Draining => told(Code::Unavailable, reason::DRAINING, refusal, after),
    }
}

/// A reader of events that is not served.
pub(super) fn feed(error: &FeedError) -> Status {
    match error {
        FeedError::TokenUnknown => {
            let mut details = reason_with(reason::TOKEN_UNKNOWN, HashMap::new());
            details.add_help_link("what a resume token stands for", TOKEN_HELP);
            status(Code::OutOfRange, &error.to_string(), details)
        }
        FeedError::Unavailable => {
            told(Code::Unavailable, reason::STORE_UNAVAILABLE, error, Some(RETRY_DELAY))
        }
        FeedError::Draining => told(Code::Unavailable, reason::DRAINING, error, Some(RETRY_DELAY)),
    }
}

/// Files that were not taken.
pub(super) fn publish(error: &PublishError) -> Status {
    match error {
        PublishError::Rejected(diagnostics) => {
            let mut details = reason_with(reason::WORKFLOW_HAS_ERRORS, HashMap::new());
            let told = diagnostics.iter().take(limits::VIOLATIONS_TOLD_MAX);
            let violation = |each: &Diagnostic| {
                let span = &each.primary.span;
                let place = format!("{}:{}:{}", span.path, span.line, span.column);
                let code = each.code.as_str();
                FieldViolation::new(cut(&place), cut(&format!("{code}: {}", each.message)))
            };
            details.set_bad_request(told.map(violation).collect::<Vec<_>>());
            status(Code::InvalidArgument, &error.to_string(), details)
        }
        PublishError::UnknownPath(_) => {
            invalid_field(reason::INVALID_REQUEST, "files.path", &error.to_string())
        }
        PublishError::Refused(rejection) => rejected(rejection, "", &[]),
        PublishError::UnknownVersion => workflow_not_found(""),
        PublishError::Unavailable => {
            told(Code::Unavailable, reason::STORE_UNAVAILABLE, error, Some(RETRY_DELAY))
        }
        PublishError::ClockJumped => {
            told(Code::FailedPrecondition, reason::CLOCK_JUMPED, error, None)
        }
        PublishError::Draining => {
            told(Code::Unavailable, reason::DRAINING, error, Some(RETRY_DELAY))
        }
        PublishError::Internal => internal(""),
    }
}

/// A change of the roster that was not made.
pub(super) fn roster(error: &RosterError) -> Status {
    match error {
        RosterError::Rejected(rejection) => rejected(rejection, "", &[]),
        RosterError::NotTaken(error) => publish(error),
        RosterError::Unreadable => {
            told(Code::Unavailable, reason::STORE_UNAVAILABLE, error, Some(RETRY_DELAY))
        }
    }
}

/// There is no such member.
pub(super) fn member_not_found(member: &MemberId) -> Status {
    let message = "there is no such member";
    let code = Rejection::UnknownMember(member.clone()).code();
    not_found(code, MEMBER, member.as_str(), message)
}

/// A version that was not activated.
pub(super) fn activation(error: &PublishError, workflow: &str) -> Status {
    if *error == PublishError::UnknownVersion {
        return workflow_not_found(workflow);
    }
    publish(error)
}

/// A clock that was not moved.
pub(super) fn advance_clock(error: &AdvanceClockError) -> Status {
    match error {
        AdvanceClockError::NotSimulated => {
            told(Code::FailedPrecondition, reason::CLOCK_NOT_SIMULATED, error, None)
        }
        AdvanceClockError::Backwards { .. } => {
            invalid_field(reason::CLOCK_BACKWARDS, "to", &error.to_string())
        }
        AdvanceClockError::Unavailable { .. } => {
            told(Code::Unavailable, reason::STORE_UNAVAILABLE, error, Some(RETRY_DELAY))
        }
        AdvanceClockError::Draining => {
            told(Code::Unavailable, reason::DRAINING, error, Some(RETRY_DELAY))
        }
    }
}

/// A defect. `subject` finds its line in the log, which has the details.
pub(super) fn internal(subject: &str) -> Status {
    let mut details = reason_with(reason::INTERNAL, HashMap::new());
    details.set_request_info(subject, "");
    status(Code::Internal, "internal error", details)
}

fn retry(code: Code, error: &SubmitError, after: Option<Duration>) -> Status {
    told(code, reason_of(error), error, after)
}

/// A failure whose own words are meant for callers.
fn told(code: Code, reason: &str, error: &dyn Display, retry_after: Option<Duration>) -> Status {
    let mut details = reason_with(reason, HashMap::new());
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    status(code, &error.to_string(), details)
}

/// A failure as a message: a status carries its details as such a message already.
pub(super) fn failure(status: &Status) -> pb::CommandFailure {
    match pb::CommandFailure::decode(status.details()) {
        Ok(failure) if !failure.details.is_empty() => failure,
        _ => pb::CommandFailure {
            code: status.code().into(),
            message: status.message().to_owned(),
            details: Vec::new(),
        },
    }
}

/// A status with its details.
pub(super) fn status(code: Code, message: &str, details: ErrorDetails) -> Status {
    Status::with_error_details(code, cut(message), details)
}

/// Details that hold a reason.
pub(super) fn reason_with(reason: &str, metadata: HashMap<String, String>) -> ErrorDetails {
    ErrorDetails::with_error_info(reason, DOMAIN, metadata)
}

/// A text short enough for a header.
fn cut(text: &str) -> String {
    if text.len() <= DETAIL_BYTES_MAX {
        return text.to_owned();
    }
    let mut end = DETAIL_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

fn metadata_of(rejection: &Rejection, kinds_since: &[&'static str]) -> HashMap<String, String> {
    let mut metadata = HashMap::new();
    let mut tell = |key: &str, value: String| metadata.insert(key.to_owned(), cut(&value));
    if let Rejection::StaleRevision { expected, actual } = rejection {
        tell("expected", expected.to_string());
        tell("actual", actual.to_string());
        tell("kinds_since", kinds_since.join(","));
    }
    if let Rejection::NotReady { stage, .. } = rejection {
        tell("stage", stage.to_string());
    }
    if let Rejection::IncompleteTask { task, .. } = rejection {
        tell("task", task.number.0.to_string());
    }
    metadata
}

/// Fills in what is particular to a refusal and gives its code.
#[expect(clippy::too_many_lines, reason = "one table with a line or two for each refusal")]
fn describe(rejection: &Rejection, instance: &str, details: &mut ErrorDetails) -> Code {
    let (message, reason) = (&*rejection.public_message(), rejection.code());
    match rejection {
        Rejection::InstanceExists => exists(details, &InstanceId::trusted(instance), message),
        Rejection::InstanceNotFound => resource(details, INSTANCE, instance, message),
        Rejection::TaskNotFound(number) => {
            resource(details, TASK, &format!("{instance}/{number}"), message)
        }
        Rejection::WorkflowNotActive(workflow) => resource(details, WORKFLOW, workflow, message),
        Rejection::StaleRevision { .. } => Code::Aborted,
        Rejection::RequestIdReused => field(details, "request_id", message),
        Rejection::UnknownStage(_)
        | Rejection::StageNameMissing { .. }
        | Rejection::UnknownReason { .. }
        | Rejection::UnknownMember(_)
        | Rejection::UnknownActivity(_)
        | Rejection::UnknownChecklistItem(_)
        | Rejection::ExtensionTooLong { .. }
        | Rejection::BackupsNotDistinct
        | Rejection::MayNotStart { .. }
        | Rejection::InFuture
        | Rejection::TextMissing(_) => field(details, field_of(rejection), message),
        Rejection::OtherNotFound(it) | Rejection::LinkNotFound(it) => {
            resource(details, INSTANCE, it.as_str(), message)
        }
        Rejection::LinkExists(it) | Rejection::AlreadyRevived(it) => exists(details, it, message),
        Rejection::Blocked { by } => blocked(details, reason, by),
        Rejection::InvalidValues(problems) => {
            details.set_bad_request(field_violations(problems.iter(), "fields"));
            Code::InvalidArgument
        }
        Rejection::AcknowledgementIncomplete(needed) => {
            for name in needed {
                details.add_bad_request_violation(*name, "the step requires it");
            }
            Code::InvalidArgument
        }
        Rejection::NotPermitted { .. } | Rejection::FourEyes { .. } | Rejection::MemberNeeded => {
            Code::PermissionDenied
        }
        Rejection::NotReady { missing, .. } | Rejection::IncompleteTask { missing, .. } => {
            details.set_precondition_failure(preconditions(reason, missing));
            Code::FailedPrecondition
        }
        Rejection::StageNotOpen(stage) | Rejection::StageCannotOpen { stage, .. } => {
            precondition(details, reason, stage.as_str(), message)
        }
        Rejection::TaskClosed(task)
        | Rejection::TaskNotDone(task)
        | Rejection::TaskIsWait(task)
        | Rejection::TaskIsCall(task) => {
            let subject = format!("{instance}/{}", task.number.0);
            precondition(details, reason, &subject, message)
        }
        Rejection::InstanceClosed(_)
        | Rejection::InstanceNotClosed(_)
        | Rejection::InstanceSuspended
        | Rejection::NotSuspended
        | Rejection::SuspensionNotAllowed
        | Rejection::OtherTarget { .. }
        | Rejection::ReturnNotAllowed { .. }
        | Rejection::TaskHeld(_)
        | Rejection::TaskNotHeld
        | Rejection::NotACandidate(_)
        | Rejection::OutsideTeam(_)
        | Rejection::NobodyFound
        | Rejection::AbsenceNotFound(_)
        | Rejection::AbsenceOverlaps { .. }
        | Rejection::NoClock
        | Rejection::ExtensionState(_)
        | Rejection::TooLateToAsk { .. }
        | Rejection::AlreadyDelegated(_)
        | Rejection::ObjectionState(_)
        | Rejection::TooLateToObject { .. }
        | Rejection::SupplementState(_)
        | Rejection::NothingToAcknowledge
        | Rejection::GuardError { .. }
        | Rejection::ReactionLimit
        | Rejection::LimitReached(_) => precondition(details, reason, instance, message),
    }
}

/// The field of the request that is at fault.
#[expect(clippy::wildcard_enum_match_arm, reason = "asked only where a field is at fault")]
fn field_of(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::UnknownReason { .. } => "reason_code",
        Rejection::UnknownMember(_) => "member",
        Rejection::UnknownActivity(_) => "activity",
        Rejection::UnknownChecklistItem(_) => "item",
        Rejection::ExtensionTooLong { .. } => "by",
        Rejection::BackupsNotDistinct => "backups",
        Rejection::MayNotStart { .. } => "starts",
        Rejection::InFuture => "occurred_at",
        Rejection::TextMissing(name) => name,
        _ => "stage",
    }
}

fn resource(details: &mut ErrorDetails, kind: &str, name: &str, message: &str) -> Code {
    details.set_resource_info(kind, cut(name), "", cut(message));
    Code::NotFound
}

fn exists(details: &mut ErrorDetails, instance: &InstanceId, message: &str) -> Code {
    resource(details, INSTANCE, instance.as_str(), message);
    Code::AlreadyExists
}

/// One violation per instance that must end first.
fn blocked(details: &mut ErrorDetails, reason: &str, by: &[InstanceId]) -> Code {
    let told = by.iter().take(limits::VIOLATIONS_TOLD_MAX);
    let violation = |other: &InstanceId| {
        let told = format!("`{other}` must end first");
        PreconditionViolation::new(reason, other.as_str(), told)
    };
    details.set_precondition_failure(told.map(violation).collect::<Vec<_>>());
    Code::FailedPrecondition
}

fn field(details: &mut ErrorDetails, name: &str, message: &str) -> Code {
    details.add_bad_request_violation(name, cut(message));
    Code::InvalidArgument
}

fn precondition(details: &mut ErrorDetails, reason: &str, subject: &str, message: &str) -> Code {
    details.add_precondition_failure_violation(reason, cut(subject), cut(message));
    Code::FailedPrecondition
}

/// One violation per missing thing.
fn preconditions(reason: &str, missing: &[Missing]) -> Vec<PreconditionViolation> {
    let told = missing.iter().take(limits::VIOLATIONS_TOLD_MAX);
    let violation = |each: &Missing| {
        PreconditionViolation::new(reason, cut(&each.subject()), cut(&each.to_string()))
    };
    told.map(violation).collect()
}

fn field_violations<'a>(
    problems: impl Iterator<Item = &'a FieldProblem>,
    path: &str,
) -> Vec<FieldViolation> {
    let told = problems.take(limits::VIOLATIONS_TOLD_MAX);
    told.map(|each| FieldViolation::new(cut(&format!("{path}.{}", each.field)), cut(&each.problem)))
        .collect()
}

#[cfg(test)]
mod tests;
