//! Events as a process owner reads them: a kind and its main attributes.

use crate::calendar::Calendar;
use crate::model::clock::{ClockOwner, ClockRef, Limit};
use crate::model::escalation::{Priority, Recipient};
use crate::model::event::{Event, Payload, Record, SkipReason};
use crate::model::id::FieldId;
use crate::model::link::{Direction, Effect, Note, Wish};
use crate::model::task::{Assignment, AssignmentReason, CancelReason, TaskRef};
use crate::model::time::Timestamp;

/// An event's main attributes, in the order in which they are read.
pub type Attributes = Vec<(&'static str, String)>;

/// One line of a log: time, actor, kind, attributes.
pub fn line(record: &Record, event: &Event, calendar: Option<&Calendar>) -> String {
    let mut text = format!(
        "{} {} {}",
        instant(event.effective_at(), calendar),
        record.actor,
        event.payload.kind()
    );
    for (name, value) in attributes(&event.payload, calendar) {
        text.push(' ');
        text.push_str(name);
        text.push('=');
        text.push_str(&value);
    }
    text
}

/// An instant as civil time in the calendar's zone, to the minute where it is one.
pub fn instant(at: Timestamp, calendar: Option<&Calendar>) -> String {
    let (Some(calendar), Ok(instant)) = (calendar, jiff::Timestamp::from_millisecond(at.0)) else {
        return at.to_string();
    };
    let civil = instant.to_zoned(calendar.zone().clone()).datetime();
    if civil.second() == 0 && civil.subsec_nanosecond() == 0 {
        civil.strftime("%Y-%m-%d %H:%M").to_string()
    } else {
        civil.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
    }
}

/// The main attributes of an event.
pub fn attributes(payload: &Payload, calendar: Option<&Calendar>) -> Attributes {
    match payload.kind().split_once('.').map_or("", |(group, _)| group) {
        "extension" | "objection" | "supplement" => of_request(payload),
        "task" | "comment" => of_task(payload),
        "clock" => of_clock(payload, calendar),
        "escalation" => of_escalation(payload, calendar),
        "stage" => of_stage(payload),
        _ => of_the_rest(payload, calendar),
    }
}

const NAMED: &[&str] = &["task", "each"];
const ASSIGNED: &[&str] = &["member", "because", "instead_of"];
const OWNED: &[&str] = &["clock", "stage", "task", "each"];

/// The names of the attributes that an event of a kind can have.
pub fn names(kind: &str) -> Vec<&'static str> {
    let names: &[&[&'static str]] = match kind {
        "stage.entered" | "stage.opened" => &[&["stage", "attempt"]],
        "stage.left" => &[&["stage", "to"]],
        "stage.closed" => &[&["stage"]],
        "stage.returned" => &[&["from", "to", "returns"]],
        "stage.skipped" => &[&["stage", "because"]],
        "task.opened" => &[NAMED, &["attempt"]],
        "task.assigned" | "task.claimed" => &[NAMED, ASSIGNED],
        "task.reassigned" => &[NAMED, &["from"], ASSIGNED, &["reason"]],
        "task.offered" => &[NAMED, &["role"]],
        "task.released" => &[NAMED, &["member"]],
        "task.completed" => &[NAMED, &["outcome", "member", "delegated_by"]],
        "task.cancelled" => &[NAMED, &["because"]],
        "task.delegated" | "objection.upheld" => &[NAMED, &["from"], ASSIGNED],
        "task.checked" => &[NAMED, &["item", "checked"]],
        "task.redone" | "comment.added" => &[NAMED],
        "objection.raised" | "objection.refused" => &[NAMED, &["from"]],
        "supplement.requested" | "supplement.supplied" | "supplement.lapsed" => &[NAMED, &["what"]],
        "extension.requested" => &[OWNED, &["by"]],
        "extension.refused" | "clock.paused" | "clock.stopped" => &[OWNED],
        "clock.started" | "clock.recalculated" => &[OWNED, &["limit", "due"]],
        "clock.at_risk" | "clock.breached" | "clock.resumed" => &[OWNED, &["due"]],
        "clock.extended" => &[OWNED, &["epoch", "due"]],
        "clock.checked" => &[OWNED, &["value", "next"]],
        "escalation.raised" => {
            &[OWNED, &["level", "light", "to", "acknowledge_by", "digest_at", "priority"]]
        }
        "escalation.repeated" => &[OWNED, &["level", "repeat", "to"]],
        "escalation.passed_over" => &[OWNED, &["level"]],
        "escalation.exhausted" => &[OWNED, &["step"]],
        "escalation.acknowledged" => &[OWNED, &["level", "member"]],
        "escalation.cleared" => &[OWNED, &["level", "light"]],
        "steward.assigned" => &[ASSIGNED],
        "backups.set" => &[&["backups"]],
        "instance.terminated" => &[&["reason_code"]],
        "instance.completed" => &[&["outcome"]],
        "instance.revived" => &[&["by"]],
        "effect.asked" | "effect.retried" => &[&["start", "linked", "unlinked", "ended", "target"]],
        "effect.done" => &[&["target"]],
        "effect.refused" => &[&["target", "code"]],
        "link.added" | "link.removed" => &[&["relation", "to", "from"]],
        "link.ended" => &[&["relation", "to", "from", "ends_with"]],
        "activity.logged" => &[&["activity", "occurred_at"]],
        "fields.updated" => &[&["fields"]],
        "script.failed" => &[&["place"]],
        _ => &[],
    };
    names.concat()
}

fn of_stage(payload: &Payload) -> Attributes {
    match payload {
        Payload::StageEntered { stage, attempt } => {
            vec![("stage", stage.to_string()), ("attempt", attempt.to_string())]
        }
        Payload::StageOpened { stage, attempt, .. } => {
            vec![("stage", stage.to_string()), ("attempt", attempt.to_string())]
        }
        Payload::StageLeft { stage, to, .. } => {
            let mut all = vec![("stage", stage.to_string())];
            all.extend(to.as_ref().map(|to| ("to", to.to_string())));
            all
        }
        Payload::StageClosed { stage, .. } => vec![("stage", stage.to_string())],
        Payload::StageReturned { from, to, returns, .. } => vec![
            ("from", from.to_string()),
            ("to", to.to_string()),
            ("returns", returns.to_string()),
        ],
        Payload::StageSkipped { stage, because } => {
            let because = match because {
                SkipReason::Condition => "condition",
                SkipReason::PassedOver => "passed_over",
                SkipReason::NeverOpened => "never_opened",
            };
            vec![("stage", stage.to_string()), ("because", because.to_owned())]
        }
        _ => Vec::new(),
    }
}

fn of_task(payload: &Payload) -> Attributes {
    match payload {
        Payload::TaskOpened { task } => {
            let mut all = named(&task.reference);
            all.push(("attempt", task.attempt.to_string()));
            all
        }
        Payload::TaskAssigned { task, assignment, .. }
        | Payload::TaskClaimed { task, assignment } => {
            let mut all = named(task);
            all.extend(assigned(assignment));
            all
        }
        Payload::TaskReassigned { task, from, assignment, reason, .. } => {
            let mut all = named(task);
            all.extend(from.as_ref().map(|from| ("from", from.to_string())));
            all.extend(assigned(assignment));
            all.push(("reason", reason.clone()));
            all
        }
        Payload::TaskOffered { task, role, .. } => {
            let mut all = named(task);
            all.push(("role", role.to_string()));
            all
        }
        Payload::TaskReleased { task, by, .. } => with(task, ("member", by.to_string())),
        Payload::TaskCompleted { task, outcome, by, delegated_by, .. } => {
            let mut all = named(task);
            all.extend(outcome.as_ref().map(|outcome| ("outcome", outcome.to_string())));
            all.extend(by.as_ref().map(|by| ("member", by.to_string())));
            all.extend(delegated_by.as_ref().map(|by| ("delegated_by", by.to_string())));
            all
        }
        Payload::TaskCancelled { task, because } => {
            let because = match because {
                CancelReason::JoinReached => "join_reached",
                CancelReason::StageLeft => "stage_left",
                CancelReason::Returned => "returned",
                CancelReason::Redone => "redone",
                CancelReason::InstanceEnded => "instance_ended",
            };
            with(task, ("because", because.to_owned()))
        }
        Payload::TaskDelegated { task, from, assignment, .. } => {
            let mut all = with(task, ("from", from.to_string()));
            all.extend(assigned(assignment));
            all
        }
        Payload::TaskRedone { task, .. } => named(task),
        Payload::TaskChecked { task, item, checked } => {
            let mut all = with(task, ("item", item.to_string()));
            all.push(("checked", checked.to_string()));
            all
        }
        Payload::CommentAdded { task, .. } => task.as_ref().map(named).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// What is asked for work on a task or for more time, and what is said to that.
fn of_request(payload: &Payload) -> Attributes {
    let measured = |task: &Option<TaskRef>, clock: &Option<ClockRef>| match (clock, task) {
        (Some(clock), _) => of_owner(clock),
        (None, Some(task)) => named(task),
        (None, None) => Vec::new(),
    };
    match payload {
        Payload::ExtensionRequested { task, clock, request } => {
            let mut all = measured(task, clock);
            all.push(("by", limit(request.by)));
            all
        }
        Payload::ExtensionRefused { task, clock, .. } => measured(task, clock),
        Payload::ObjectionRaised { task, objection } => {
            with(task, ("from", objection.by.to_string()))
        }
        Payload::ObjectionUpheld { task, from, assignment, .. } => {
            let mut all = with(task, ("from", from.to_string()));
            all.extend(assignment.iter().flat_map(assigned));
            all
        }
        Payload::ObjectionRefused { task, from, .. } => with(task, ("from", from.to_string())),
        Payload::SupplementRequested { task, supplement } => {
            with(task, ("what", supplement.what.clone()))
        }
        Payload::SupplementSupplied { task, what, .. }
        | Payload::SupplementLapsed { task, what, .. } => with(task, ("what", what.clone())),
        _ => Vec::new(),
    }
}

fn of_clock(payload: &Payload, calendar: Option<&Calendar>) -> Attributes {
    let due = |at: Timestamp| ("due", instant(at, calendar));
    match payload {
        Payload::ClockStarted { clock } => {
            let mut all = of_owner(&clock.reference());
            all.push(("limit", limit(clock.limit)));
            all.push(due(clock.plan.due));
            all
        }
        Payload::ClockAtRisk { clock, due: at } | Payload::ClockBreached { clock, due: at } => {
            let mut all = of_owner(clock);
            all.push(due(*at));
            all
        }
        Payload::ClockPaused { clock, .. } | Payload::ClockStopped { clock, .. } => of_owner(clock),
        Payload::ClockResumed { clock, plan, .. } => {
            let mut all = of_owner(clock);
            all.extend(plan.as_ref().map(|plan| due(plan.due)));
            all
        }
        Payload::ClockExtended { clock, plan, epoch, .. } => {
            let mut all = of_owner(clock);
            all.push(("epoch", epoch.number.to_string()));
            all.push(due(plan.due));
            all
        }
        Payload::ClockChecked { clock, value, plan, .. } => {
            let mut all = of_owner(clock);
            let value = value.map_or_else(|| "none".to_owned(), |value| value.to_string());
            all.push(("value", value));
            all.push(("next", instant(plan.due, calendar)));
            all
        }
        Payload::ClockRecalculated { clock, limit: now, plan, .. } => {
            let mut all = of_owner(clock);
            all.push(("limit", limit(*now)));
            all.push(due(plan.due));
            all
        }
        _ => Vec::new(),
    }
}

fn of_escalation(payload: &Payload, calendar: Option<&Calendar>) -> Attributes {
    match payload {
        Payload::EscalationRaised { clock, fired, recipients, acknowledge_by, .. } => {
            let mut all = of_owner(clock);
            all.push(("level", fired.level.to_string()));
            all.push(("light", fired.light.as_str().to_owned()));
            all.push(("to", people(recipients)));
            let until = acknowledge_by.map(|at| ("acknowledge_by", instant(at, calendar)));
            all.extend(until);
            let read = fired.digest_at.map(|at| ("digest_at", instant(at, calendar)));
            all.extend(read);
            if fired.priority != Priority::Normal {
                all.push(("priority", fired.priority.as_str().to_owned()));
            }
            all
        }
        Payload::EscalationRepeated { clock, level, repeat, recipients, .. } => {
            let mut all = of_owner(clock);
            all.push(("level", level.to_string()));
            all.push(("repeat", repeat.to_string()));
            all.push(("to", people(recipients)));
            all
        }
        Payload::EscalationPassedOver { clock, fired, .. } => {
            let mut all = of_owner(clock);
            all.push(("level", fired.level.to_string()));
            all
        }
        Payload::EscalationExhausted { clock, step, .. } => {
            let mut all = of_owner(clock);
            all.push(("step", step.to_string()));
            all
        }
        Payload::EscalationAcknowledged { clock, level, by, .. } => {
            let mut all = of_owner(clock);
            all.push(("level", level.to_string()));
            all.push(("member", by.to_string()));
            all
        }
        Payload::EscalationCleared { clock, level, light, .. } => {
            let mut all = of_owner(clock);
            all.push(("level", level.to_string()));
            all.push(("light", light.as_str().to_owned()));
            all
        }
        _ => Vec::new(),
    }
}

fn of_the_rest(payload: &Payload, calendar: Option<&Calendar>) -> Attributes {
    match payload {
        Payload::StewardAssigned { assignment, .. } => assigned(assignment),
        Payload::BackupsSet { backups, .. } => {
            let names: Vec<&str> =
                backups.iter().map(super::super::model::id::MemberId::as_str).collect();
            vec![("backups", names.join(","))]
        }
        Payload::InstanceTerminated { reason_code, .. } => {
            vec![("reason_code", reason_code.to_string())]
        }
        Payload::InstanceCompleted { outcome } => {
            outcome.iter().map(|outcome| ("outcome", outcome.to_string())).collect()
        }
        Payload::EffectAsked { effect } | Payload::EffectRetried { effect } => asked(effect),
        Payload::EffectDone { target, .. } => vec![("target", target.to_string())],
        Payload::EffectRefused { target, code, .. } => {
            vec![("target", target.to_string()), ("code", code.to_string())]
        }
        Payload::LinkAdded { link } | Payload::LinkRemoved { link, .. } => vec![
            ("relation", link.relation.to_string()),
            (way(link.direction), link.other.to_string()),
        ],
        Payload::LinkEnded { relation, direction, other, end } => {
            let mut all =
                vec![("relation", relation.to_string()), (way(*direction), other.to_string())];
            all.extend(end.outcome.as_ref().map(|outcome| ("ends_with", outcome.to_string())));
            all
        }
        Payload::InstanceRevived { by, .. } => vec![("by", by.to_string())],
        Payload::ActivityLogged { activity, occurred_at, .. } => vec![
            ("activity", activity.to_string()),
            ("occurred_at", instant(*occurred_at, calendar)),
        ],
        Payload::FieldsUpdated { changes } => {
            let names: Vec<&str> = changes.keys().map(FieldId::as_str).collect();
            vec![("fields", names.join(","))]
        }
        Payload::ScriptFailed { place, .. } => vec![("place", place.clone())],
        _ => Vec::new(),
    }
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Outward => "to",
        Direction::Inward => "from",
    }
}

fn asked(effect: &Effect) -> Attributes {
    let what = match &effect.wish {
        Wish::Start(start) => ("start", start.workflow.to_string()),
        Wish::Note(Note::Linked { relation, .. }) => ("linked", relation.to_string()),
        Wish::Note(Note::Unlinked { relation, .. }) => ("unlinked", relation.to_string()),
        Wish::Note(Note::Ended { relation, .. }) => ("ended", relation.to_string()),
    };
    vec![what, ("target", effect.target.to_string())]
}

fn named(task: &TaskRef) -> Attributes {
    let mut all = vec![("task", task.id.to_string())];
    all.extend(task.each.as_ref().map(|each| ("each", each.to_string())));
    all
}

fn with(task: &TaskRef, more: (&'static str, String)) -> Attributes {
    let mut all = named(task);
    all.push(more);
    all
}

fn assigned(assignment: &Assignment) -> Attributes {
    let because = match &assignment.because {
        AssignmentReason::Steward => "steward".to_owned(),
        AssignmentReason::OnlyCandidate => "only_candidate".to_owned(),
        AssignmentReason::LeastLoaded => "least_loaded".to_owned(),
        AssignmentReason::Function(text) => format!("function({text})"),
        AssignmentReason::Named => "named".to_owned(),
        AssignmentReason::Claimed => "claimed".to_owned(),
        AssignmentReason::Delegated => "delegated".to_owned(),
        AssignmentReason::GivenBack => "given_back".to_owned(),
        AssignmentReason::RoleAbove(role) => format!("role_above({role})"),
        AssignmentReason::Escalated(level) => format!("escalated({level})"),
    };
    let mut all = vec![("member", assignment.member.to_string()), ("because", because)];
    all.extend(assignment.instead_of.as_ref().map(|absent| ("instead_of", absent.to_string())));
    all
}

fn of_owner(clock: &ClockRef) -> Attributes {
    let mut all = vec![("clock", clock.id.to_string())];
    match &clock.owner {
        ClockOwner::Instance | ClockOwner::Suspension => {}
        ClockOwner::Stage(stage) => all.push(("stage", stage.to_string())),
        ClockOwner::Task(task) => all.extend(named(task)),
    }
    all
}

fn limit(limit: Limit) -> String {
    match limit {
        Limit::Amount(amount) => amount.to_string(),
        Limit::Date(date) => date.to_string(),
    }
}

fn people(recipients: &[Recipient]) -> String {
    let names: Vec<&str> = recipients.iter().map(|person| person.member.as_str()).collect();
    names.join(",")
}
