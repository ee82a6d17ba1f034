//! The table of what callers see, as one snapshot.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::civil::date;

use super::*;
use crate::engine::CannotOpen;
use crate::model::event::Payload;
use crate::model::id::{FieldId, MemberId, ReasonCode, RoleId, StageId, TaskId, WorkflowId};
use crate::model::instance::Status as Standing;
use crate::model::task::{TaskNumber, TaskRef};
use crate::model::time::{Amount, Timestamp, Unit};

fn task() -> TaskRef {
    TaskRef {
        number: TaskNumber(7),
        stage: StageId::trusted("pre_review"),
        id: TaskId::trusted("department_opinion"),
        each: Some("ecology".into()),
    }
}

fn problem() -> FieldProblem {
    FieldProblem { field: "tier".into(), problem: "it is needed".to_owned() }
}

fn missing() -> Vec<Missing> {
    vec![
        Missing::Task {
            task: "department_opinion".into(),
            each: Some("ecology".into()),
            number: Some(7),
            holder: Some(MemberId::trusted("an")),
        },
        Missing::Field(FieldId::trusted("site_mode")),
        Missing::Form(problem()),
        Missing::ChecklistItem("seal".into()),
    ]
}

fn one_day() -> Amount {
    Amount { count: 1, unit: Unit::WorkingDays }
}

fn rejections() -> Vec<Rejection> {
    let (stage, member) = (StageId::trusted("pre_review"), MemberId::trusted("an"));
    let role = || vec![RoleId::trusted("group_leader")];
    let code = ReasonCode::trusted("moved_away");
    let other = || InstanceId::trusted("d-1");
    vec![
        Rejection::InstanceExists,
        Rejection::InstanceNotFound,
        Rejection::InstanceClosed(Standing::Terminated),
        Rejection::InstanceSuspended,
        Rejection::NotSuspended,
        Rejection::SuspensionNotAllowed,
        Rejection::StaleRevision { expected: 3, actual: 5 },
        Rejection::RequestIdReused,
        Rejection::WorkflowNotActive("leave".into()),
        Rejection::NotPermitted { doing: "advance", allowed: role() },
        Rejection::FourEyes { task: task(), member: member.clone() },
        Rejection::MemberNeeded,
        Rejection::StageNotOpen(stage.clone()),
        Rejection::StageCannotOpen { stage: stage.clone(), because: CannotOpen::TooEarly },
        Rejection::StageNameMissing { open: vec![stage.clone()] },
        Rejection::UnknownStage(stage.clone()),
        Rejection::NotReady { stage: stage.clone(), missing: missing() },
        Rejection::OtherTarget { leads_to: Some(stage.clone()) },
        Rejection::ReturnNotAllowed { allowed: vec![stage] },
        Rejection::UnknownReason { code: code.clone(), allowed: vec![code] },
        Rejection::TaskNotFound(7),
        Rejection::TaskClosed(task()),
        Rejection::TaskNotDone(task()),
        Rejection::TaskHeld(member.clone()),
        Rejection::TaskNotHeld,
        Rejection::TaskIsWait(task()),
        Rejection::TaskIsCall(task()),
        Rejection::IncompleteTask { task: task(), missing: missing() },
        Rejection::NotACandidate(member.clone()),
        Rejection::OutsideTeam(member.clone()),
        Rejection::UnknownMember(member.clone()),
        Rejection::BackupsNotDistinct,
        Rejection::NobodyFound,
        Rejection::AbsenceOverlaps { from: date(2025, 3, 3), to: date(2025, 3, 7) },
        Rejection::AbsenceNotFound(member),
        Rejection::UnknownActivity("party".into()),
        Rejection::InvalidValues(vec![problem()]),
        Rejection::InFuture,
        Rejection::TextMissing("reason"),
        Rejection::UnknownChecklistItem("seal".into()),
        Rejection::NoClock,
        Rejection::ExtensionState("none was asked for"),
        Rejection::TooLateToAsk { before: one_day(), until: Timestamp(0) },
        Rejection::ExtensionTooLong { percent: 50, most: one_day() },
        Rejection::AlreadyDelegated(MemberId::trusted("bo")),
        Rejection::ObjectionState("nobody objects"),
        Rejection::TooLateToObject { within: one_day(), until: Timestamp(0) },
        Rejection::SupplementState("it waits for nothing"),
        Rejection::NothingToAcknowledge,
        Rejection::AcknowledgementIncomplete(vec!["recovery_plan", "promised"]),
        Rejection::GuardError { place: "x.yaml:3".to_owned(), detail: "secret".to_owned() },
        Rejection::ReactionLimit,
        Rejection::LimitReached("open tasks of one instance"),
        Rejection::Blocked { by: vec![other(), InstanceId::trusted("d-2")] },
        Rejection::LinkExists(other()),
        Rejection::LinkNotFound(other()),
        Rejection::OtherNotFound(other()),
        Rejection::MayNotStart { workflow: WorkflowId::trusted("leave"), allowed: Vec::new() },
        Rejection::InstanceNotClosed(Standing::Active),
        Rejection::AlreadyRevived(other()),
    ]
}

/// What the edge says by itself, with every kind of failure of the runtime.
fn others() -> Vec<Status> {
    let instance = InstanceId::trusted("p-1");
    let violation = Violation { field: "task".to_owned(), problem: "it is needed".to_owned() };
    let (last, now) = (Timestamp(0), Timestamp(86_400_000));
    let served = [
        SubmitError::Overloaded,
        SubmitError::Contended,
        SubmitError::Unavailable,
        SubmitError::ClockJumped { last, now },
        SubmitError::Draining,
        SubmitError::Internal,
    ];
    let mut statuses = vec![
        invalid(&[violation]),
        unauthenticated(reason::ACTOR_MISSING, "nobody is named"),
        unauthenticated(reason::ACTOR_UNKNOWN, "nobody knows"),
        workflow_not_found("leave"),
        calendar_not_found("cn"),
        feed(&FeedError::TokenUnknown),
        publish(&PublishError::Rejected(Vec::new())),
        advance_clock(&AdvanceClockError::NotSimulated),
        advance_clock(&AdvanceClockError::Backwards { now }),
    ];
    statuses.extend(served.iter().map(|error| not_served(error, &instance)));
    statuses
}

fn shown(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().expect("every failure has a reason");
    let mut row = format!("{:<28}{:?}: {}", info.reason, status.code(), status.message());
    let mut metadata: Vec<_> = info.metadata.iter().collect();
    metadata.sort();
    for (key, value) in metadata {
        write!(row, "\n    metadata {key}={value}").unwrap();
    }
    for each in details.bad_request().map(|all| &all.field_violations[..]).unwrap_or_default() {
        write!(row, "\n    field {}: {}", each.field, each.description).unwrap();
    }
    let failed = details.precondition_failure();
    for each in failed.map(|all| &all.violations[..]).unwrap_or_default() {
        write!(row, "\n    {} {}: {}", each.r#type, each.subject, each.description).unwrap();
    }
    if let Some(resource) = details.resource_info() {
        write!(row, "\n    {} {}", resource.resource_type, resource.resource_name).unwrap();
    }
    if let Some(retry) = details.retry_info() {
        write!(row, "\n    retry after {:?}", retry.retry_delay.unwrap()).unwrap();
    }
    if let Some(request) = details.request_info() {
        write!(row, "\n    request {}", request.request_id).unwrap();
    }
    if let Some(help) = details.help() {
        write!(row, "\n    help {}", help.links[0].url).unwrap();
    }
    row
}

#[test]
fn the_table_of_what_callers_see() {
    let kinds = ["stage.left", "stage.entered"];
    let refused = rejections().iter().map(|each| rejected(each, "p-1", &kinds)).collect::<Vec<_>>();
    let rows: Vec<String> = refused.iter().chain(&others()).map(shown).collect();
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn a_script_s_own_words_stay_inside() {
    let guard = Rejection::GuardError { place: "x".to_owned(), detail: "secret".to_owned() };
    let status = rejected(&guard, "p-1", &[]);
    assert!(!format!("{status:?} {}", shown(&status)).contains("secret"));
}

#[test]
fn long_texts_are_cut_for_the_header() {
    let long = "字".repeat(500);
    let violations = vec![Violation { field: "x".to_owned(), problem: long }; 40];
    let details = invalid(&violations).get_error_details();
    let told = &details.bad_request().unwrap().field_violations;
    assert_eq!(told.len(), limits::VIOLATIONS_TOLD_MAX);
    assert!(told.iter().all(|each| each.description.len() <= DETAIL_BYTES_MAX + "…".len()));
}

/// A name of a request may be as long as a request.
#[test]
fn names_from_a_request_are_cut_for_the_header() {
    let long = "x".repeat(100_000);
    let is_short = |text: &str| text.len() <= DETAIL_BYTES_MAX + "…".len();
    let violation = Violation { field: format!("fields.{long}"), problem: "it is new".to_owned() };
    for status in [
        invalid(&[violation]),
        workflow_not_found(&long),
        calendar_not_found(&long),
        ledger_not_found(&long),
        rejected(&Rejection::WorkflowNotActive(long.as_str().into()), "p-1", &[]),
    ] {
        assert!(status.details().len() < 4 * DETAIL_BYTES_MAX, "{}", status.details().len());
        let details = status.get_error_details();
        let fields = details.bad_request().map(|all| &all.field_violations[..]);
        assert!(fields.unwrap_or_default().iter().all(|each| is_short(&each.field)));
        assert!(details.resource_info().is_none_or(|it| is_short(&it.resource_name)));
    }
}

/// What is kept of the kinds since a revision is never less than what is told of them.
#[test]
fn as_many_kinds_are_kept_as_a_header_holds() {
    let shortest = Payload::KINDS.iter().map(|kind| kind.len()).min().unwrap();
    assert!((shortest + ",".len()) * limits::KINDS_TOLD_MAX > DETAIL_BYTES_MAX);
}

/// Every reason that the program can give has an example above and an entry in the document.
#[test]
fn every_reason_is_documented() {
    let examples: BTreeSet<&str> = rejections().iter().map(Rejection::code).collect();
    let source = include_str!("../../engine/rejection.rs");
    let given = source.lines().filter_map(|line| line.trim().split_once("=> \""));
    let given = given.filter_map(|(_, rest)| rest.strip_suffix("\","));
    let given: BTreeSet<&str> = given.filter(|code| code.chars().all(is_code)).collect();
    assert_eq!(examples, given, "a refusal without an example, or an example without a refusal");

    let document = include_str!("../../../docs/errors.md");
    let headings = document.lines().filter_map(|line| line.strip_prefix("### "));
    let documented: Vec<&str> = headings.map(|code| code.trim_matches('`')).collect();
    let mut listed: Vec<&str> = given.into_iter().chain(reason::ALL.iter().copied()).collect();
    listed.sort_unstable();
    assert_eq!(documented, listed, "docs/errors.md lists every reason once, in order");
}

fn is_code(each: char) -> bool {
    each.is_ascii_uppercase() || each == '_'
}
