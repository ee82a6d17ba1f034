//! Arbitrary data of the model from one seed: every type, every variant, every payload. What a
//! struct needs here the compiler says; that no payload is forgotten a test says.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the numbers are small, or any number will do"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use sanbang::model::actor::Actor;
use sanbang::model::clock::{
    Alarm, Clock, ClockEnd, ClockKind, ClockNumber, ClockOwner, ClockRef, Epoch, Exclusion,
    Extension, Limit, Pause, PauseReason, Plan, RecalculationReason, Scheduled,
};
use sanbang::model::command::Request;
use sanbang::model::escalation::Recipient;
use sanbang::model::escalation::{Acknowledged, Fired, FiredBecause, Firing, Light, Priority};
use sanbang::model::event::{Event, OpenReason, Payload, Record, SkipReason, Stamp};
use sanbang::model::hand_over::{Charge, HandOver, HandOverItem, HandOverItemState};
use sanbang::model::id::*;
use sanbang::model::instance::{
    AcceptedRequest, ActivitySummary, ClosedTask, Instance, StagePlace, StageState, Status,
    Suspension, TriedTask,
};
use sanbang::model::link::{
    Direction, Effect, EffectNumber, Ending, Link, Note, Relation, Relations, Start, Wish,
};
use sanbang::model::roster::{Absence, Duty, OrganizationChange, OrganizationChangeKind, Roster};
use sanbang::model::task::{
    Assignment, AssignmentReason, CancelReason, ExtensionRequest, Holder, ObjectUntil, Objection,
    Supplement, Task, TaskEnd, TaskKind, TaskNumber, TaskRef,
};
use sanbang::model::time::{Amount, Date, Timestamp, Unit};
use sanbang::model::value::{Decimal, Value};

/// Numbers from a seed: splitmix64, the same on every machine for ever.
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub(crate) fn sample<T: Sample>(&mut self) -> T {
        T::sample(self)
    }
}

/// Can be made up.
pub(crate) trait Sample {
    fn sample(from: &mut Seeded) -> Self;
}

impl Sample for bool {
    fn sample(from: &mut Seeded) -> Self {
        from.one_in(2)
    }
}

/// Mostly small numbers, and those at which encodings change or break.
impl Sample for u64 {
    fn sample(from: &mut Seeded) -> Self {
        match from.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => from.next(),
            3 => 127 + from.next() % 2,
            _ => from.next() % 100,
        }
    }
}

impl Sample for u32 {
    fn sample(from: &mut Seeded) -> Self {
        from.sample::<u64>() as u32
    }
}

impl Sample for i64 {
    fn sample(from: &mut Seeded) -> Self {
        from.sample::<u64>() as i64
    }
}

impl Sample for Timestamp {
    fn sample(from: &mut Seeded) -> Self {
        match from.below(10) {
            0 => Timestamp(0),
            1 => Timestamp(-1),
            2 => Timestamp(i64::MAX),
            _ => Timestamp(1_736_000_000_000 + (from.next() % 100_000_000_000) as i64),
        }
    }
}

impl Sample for Date {
    fn sample(from: &mut Seeded) -> Self {
        match from.below(10) {
            0 => Date::MIN,
            1 => Date::MAX,
            2 => jiff::civil::date(1969, 12, 31),
            _ => jiff::civil::date(
                2020 + from.below(20) as i16,
                1 + from.below(12) as i8,
                1 + from.below(28) as i8,
            ),
        }
    }
}

impl Sample for String {
    fn sample(from: &mut Seeded) -> Self {
        const TEXTS: [&str; 6] = ["", "a", "企业拿地", "line\nline", "nul \0 within", "“quoted”"];
        match from.below(8) {
            0 => "长".repeat(from.below(300)),
            at => TEXTS[at % TEXTS.len()].to_owned(),
        }
    }
}

impl<T: Sample> Sample for Arc<T> {
    fn sample(from: &mut Seeded) -> Self {
        Self::new(from.sample())
    }
}

impl Sample for Arc<str> {
    fn sample(from: &mut Seeded) -> Self {
        from.sample::<String>().into()
    }
}

macro_rules! sample_names {
    ($($name:ident),* $(,)?) => {$(
        impl Sample for $name {
            fn sample(from: &mut Seeded) -> Self {
                const NAMES: [&str; 5] = ["a", "signing", "land_supply", "L2", "review_of_plan"];
                $name::trusted(NAMES[from.below(NAMES.len())])
            }
        }
    )*};
}

sample_names!(
    InstanceId, WorkflowId, StageId, TaskId, ClockId, FieldId, ActivityId, MemberId, GroupId,
    RoleId, ServiceId, CalendarId, PolicyId, StepId, LevelId, ReasonCode, Outcome,
);

impl<T: Sample> Sample for Option<T> {
    fn sample(from: &mut Seeded) -> Self {
        (!from.one_in(3)).then(|| from.sample())
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(from: &mut Seeded) -> Self {
        (0..from.below(4)).map(|_| from.sample()).collect()
    }
}

impl<K: Sample + Ord, V: Sample> Sample for BTreeMap<K, V> {
    fn sample(from: &mut Seeded) -> Self {
        (0..from.below(4)).map(|_| (from.sample(), from.sample())).collect()
    }
}

macro_rules! sample_struct {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl Sample for $name {
            fn sample(from: &mut Seeded) -> Self {
                $name { $($field: from.sample(),)* }
            }
        }
    )*};
}

macro_rules! sample_enum {
    ($($name:ident { $($choice:expr),* $(,)? } from $from:ident)*) => {$(
        impl Sample for $name {
            fn sample($from: &mut Seeded) -> Self {
                let choices: &[fn(&mut Seeded) -> $name] =
                    &[$(|$from| { let _ = &$from; $choice }),*];
                choices[$from.below(choices.len())]($from)
            }
        }
    )*};
}

sample_struct! {
    TaskRef { number, stage, id, each }
    Task {
        reference, kind, attempt, role, opened_at, holder, checked, extension_request,
        extensions_granted, objection, supplement, supplements_asked, end,
    }
    Holder { member, instead_of, since, delegated_by, object_until }
    ObjectUntil { task, until }
    Objection { reason, by, at }
    Supplement { what, asked_by, asked_at, lapsed_at }
    Assignment { member, because, instead_of }
    ExtensionRequest { by, reason, asked_by, asked_at }
    Amount { count, unit }
    ClockRef { number, id, owner }
    Exclusion { from, to, because }
    Extension { by, granted_at }
    Pause { since, because }
    Scheduled { alarm, at }
    Plan { due, provisional, schedule }
    Epoch { number, inherited, at_risk_at, breached_at }
    Clock {
        number, id, owner, kind, limit, policy, started_at, excluded, extended, epoch,
        due_originally, plan, paused, at_risk_at, breached_at, fired, calm_runs,
        extension_request,
    }
    Fired {
        step, level, light, at, told_at, firing, repeats, acknowledged, notified, repeated_to,
        priority, digest_at,
    }
    Acknowledged { by, at, promised }
    Recipient { member, role, instead_of, fallback_from }
    Request { key, digest }
    Stamp { instance, workflow, workflow_version, version, revision }
    Absence { member, from, to, substitute, reason }
    Duty { from, to, members, note }
    Roster { absences, duties }
    OrganizationChange { what, member, others, from, to, words }
    HandOver { id, from, to, reason, actor, begun_at, ended_at, items }
    HandOverItem { charge, instance, task, name, state }
    StageState { stage, attempt, returns, dwell_ms, place, outcomes, tried }
    TriedTask { task, attempts }
    ClosedTask { task, each, outcome, done, attempt }
    ActivitySummary { count, last_at }
    Suspension { since, expected_resume }
    AcceptedRequest { key, digest, revision, time }
    Link { relation, direction, other, task, task_number, since, end }
    Ending { status, outcome, at }
    Effect { number, target, wish, tries, next_try, refused }
    Start { workflow, fields, steward, relation, task, task_number }
    Relations { links, effects, asked }
    Instance {
        id, workflow, workflow_version, calendar_digest, revision, version, created_at, updated_at,
        status, steward, group, fields, path_stage, stages, tasks, clocks, activities, suspension,
        requests, next_task, next_clock, script_failed_in, relations, outcome, backups,
    }
}

impl Sample for TaskNumber {
    fn sample(from: &mut Seeded) -> Self {
        Self(from.sample())
    }
}

impl Sample for EffectNumber {
    fn sample(from: &mut Seeded) -> Self {
        Self(from.sample())
    }
}

impl Sample for ClockNumber {
    fn sample(from: &mut Seeded) -> Self {
        Self(from.sample())
    }
}

impl Sample for Decimal {
    fn sample(from: &mut Seeded) -> Self {
        match from.below(6) {
            0 => Decimal::MAX,
            1 => Decimal::MIN,
            2 => Decimal::ZERO,
            _ => Decimal::new(from.sample(), from.below(29) as u32),
        }
    }
}

sample_enum! {
    Value {
        Value::Text(from.sample()), Value::Integer(from.sample()), Value::Decimal(from.sample()),
        Value::Boolean(from.sample()), Value::Date(from.sample()),
    } from from
    Actor {
        Actor::Member(from.sample()), Actor::System,
        Actor::Service { service: from.sample(), on_behalf_of: from.sample() },
        Actor::Instance(from.sample()),
    } from from
    Unit {
        Unit::WorkingDays, Unit::WorkingHours, Unit::WorkingMinutes, Unit::CalendarDays,
        Unit::Months, Unit::Hours, Unit::Minutes,
    } from from
    Limit { Limit::Amount(from.sample()), Limit::Date(from.sample()) } from from
    TaskKind { TaskKind::Human, TaskKind::Wait, TaskKind::Call } from from
    Relation {
        Relation::SpawnedFrom, Relation::Blocks, Relation::Supports, Relation::Duplicates,
        Relation::Continues, Relation::Supplies,
    } from from
    Direction { Direction::Outward, Direction::Inward } from from
    Wish { Wish::Start(from.sample()), Wish::Note(from.sample()) } from from
    Note {
        Note::Linked { relation: from.sample(), task: from.sample() },
        Note::Unlinked {
            relation: from.sample(), task: from.sample(), reason: from.sample(),
        },
        Note::Ended {
            relation: from.sample(), task: from.sample(), task_number: from.sample(),
            end: from.sample(),
        },
    } from from
    AssignmentReason {
        AssignmentReason::Steward, AssignmentReason::OnlyCandidate, AssignmentReason::LeastLoaded,
        AssignmentReason::Function(from.sample()), AssignmentReason::Named,
        AssignmentReason::Claimed, AssignmentReason::RoleAbove(from.sample()),
        AssignmentReason::Escalated(from.sample()),
        AssignmentReason::Delegated, AssignmentReason::GivenBack,
    } from from
    TaskEnd {
        TaskEnd::Done {
            outcome: from.sample(), by: from.sample(), instead_of: from.sample(),
            delegated_by: from.sample(), at: from.sample(),
        },
        TaskEnd::Cancelled { because: from.sample(), at: from.sample() },
    } from from
    CancelReason {
        CancelReason::JoinReached, CancelReason::StageLeft, CancelReason::Returned,
        CancelReason::Redone, CancelReason::InstanceEnded,
    } from from
    ClockOwner {
        ClockOwner::Instance, ClockOwner::Stage(from.sample()), ClockOwner::Task(from.sample()),
        ClockOwner::Suspension,
    } from from
    ClockKind {
        ClockKind::Within, ClockKind::By, ClockKind::Every, ClockKind::Wait, ClockKind::Check,
        ClockKind::Raise,
    } from from
    PauseReason {
        PauseReason::Suspended, PauseReason::ExcludedWhile, PauseReason::Supplement,
    } from from
    Alarm {
        Alarm::AtRisk, Alarm::Due, Alarm::Step(from.sample()), Alarm::Repeat(from.sample()),
        Alarm::Unacknowledged(from.sample()), Alarm::Check,
    } from from
    RecalculationReason {
        RecalculationReason::Calendar, RecalculationReason::SwappedLimit,
        RecalculationReason::DateField,
    } from from
    ClockEnd { ClockEnd::Done, ClockEnd::Cancelled, ClockEnd::Reset } from from
    OrganizationChangeKind {
        OrganizationChangeKind::MemberJoined, OrganizationChangeKind::MemberLeft,
        OrganizationChangeKind::MemberChanged, OrganizationChangeKind::AbsencePut,
        OrganizationChangeKind::AbsenceEnded, OrganizationChangeKind::DutyPut,
        OrganizationChangeKind::HandOverBegun, OrganizationChangeKind::HandOverEnded,
    } from from
    Charge {
        Charge::Stewardship, Charge::Task, Charge::Backup, Charge::Duty, Charge::Substitute,
        Charge::Role,
    } from from
    HandOverItemState {
        HandOverItemState::Waiting, HandOverItemState::HandedTo(from.sample()),
        HandOverItemState::Gone,
        HandOverItemState::Left { code: from.sample(), why: from.sample() },
    } from from
    Light { Light::None, Light::Blue, Light::Yellow, Light::Red } from from
    FiredBecause {
        FiredBecause::Time, FiredBecause::Unacknowledged, FiredBecause::Value,
        FiredBecause::Condition,
    } from from
    Priority { Priority::Normal, Priority::High, Priority::Urgent } from from
    Firing { Firing::Notified, Firing::PassedOver, Firing::Inherited } from from
    SkipReason {
        SkipReason::Condition, SkipReason::PassedOver, SkipReason::NeverOpened,
    } from from
    OpenReason {
        OpenReason::Condition, OpenReason::PathEnded, OpenReason::Command,
        OpenReason::Escalation,
    } from from
    Status {
        Status::Active, Status::Suspended, Status::Completed, Status::Terminated,
    } from from
    StagePlace {
        StagePlace::Open(from.sample()), StagePlace::Closed(from.sample()),
        StagePlace::Skipped(from.sample()),
    } from from
}

macro_rules! sample_payloads {
    ($($name:ident { $($field:ident),* $(,)? })*) => {
        /// A maker for each payload.
        pub(crate) const PAYLOADS: &[fn(&mut Seeded) -> Payload] = &[$(
            |from| { let _ = &from; Payload::$name { $($field: from.sample(),)* } },
        )*];
    };
}

sample_payloads! {
    InstanceCreated { id, workflow, workflow_version, calendar_digest, fields }
    StewardAssigned { assignment, group, before, reason }
    InstanceSuspended { reason, expected_resume, proposed_by }
    InstanceResumed { suspended_at, object_until }
    InstanceTerminated { reason_code, comment, proposed_by }
    InstanceCompleted { outcome }
    StageEntered { stage, attempt }
    StageLeft { stage, attempt, to, dwell_ms, comment }
    StageReturned { from, to, returns, reason, proposed_by }
    StageSkipped { stage, because }
    StageOpened { stage, attempt, because, comment }
    StageClosed { stage, attempt, dwell_ms, comment }
    PathEnded {}
    TaskOpened { task }
    TaskAssigned { task, assignment, object_until }
    TaskOffered { task, role, candidates }
    TaskClaimed { task, assignment }
    TaskReleased { task, by, reason }
    TaskReassigned { task, from, assignment, reason, object_until }
    TaskDelegated { task, from, assignment, reason }
    ObjectionRaised { task, objection }
    ObjectionUpheld { task, from, assignment, comment }
    ObjectionRefused { task, from, comment }
    SupplementRequested { task, supplement }
    SupplementSupplied { task, what, asked_at }
    SupplementLapsed { task, what, asked_at }
    TaskCompleted { task, outcome, form, by, instead_of, delegated_by, comment }
    TaskCancelled { task, because }
    TaskRedone { task, reason }
    TaskChecked { task, item, checked }
    CommentAdded { task, text }
    ExtensionRequested { task, clock, request }
    ExtensionRefused { task, clock, comment }
    ClockStarted { clock }
    ClockAtRisk { clock, due }
    ClockBreached { clock, due }
    ClockPaused { clock, because }
    ClockResumed { clock, because, excluded, plan }
    ClockExtended { clock, extension, due_before, epoch, plan, comment }
    ClockRecalculated { clock, because, limit, due_before, epoch, plan }
    ClockStopped { clock, end }
    CalendarAdopted { digest }
    ClockChecked { clock, value, calm_runs, limit, epoch, plan }
    EscalationRaised {
        clock, policy, fired, because, recipients, nobody_in, due, acknowledge_by, schedule,
    }
    EscalationRepeated {
        clock, policy, step, level, light, repeat, recipients, digest_at, schedule,
    }
    EscalationPassedOver { clock, policy, fired, schedule }
    EscalationExhausted { clock, policy, step, schedule }
    EscalationAcknowledged {
        clock, policy, step, level, by, comment, recovery_plan, promised, schedule,
    }
    EscalationCleared { clock, policy, level, light }
    ActivityLogged { activity, occurred_at, fields }
    FieldsUpdated { changes }
    RuleForced { overruled, reason }
    ScriptFailed { place, message }
    WorkflowPublished { workflow, version, digest }
    WorkflowActivated { workflow, version, before }
    WorkflowRejected { paths, errors, findings }
    CalendarPublished { calendar, digest }
    OrganizationChanged { digest, changes }
    EffectAsked { effect }
    EffectDone { number, target }
    EffectRetried { effect }
    EffectRefused { number, target, code, reason, for_good }
    LinkAdded { link }
    LinkRemoved { link, reason }
    LinkEnded { relation, direction, other, end }
    InstanceRevived { by, reason }
    BackupsSet { backups, before, reason }
}

impl Sample for Payload {
    fn sample(from: &mut Seeded) -> Self {
        PAYLOADS[from.below(PAYLOADS.len())](from)
    }
}

impl Sample for Record {
    fn sample(from: &mut Seeded) -> Self {
        let time = from.sample();
        let event = |from: &mut Seeded| Event {
            time: if from.one_in(4) { from.sample() } else { time },
            due_at: from.sample(),
            payload: from.sample(),
        };
        Record {
            stamp: from.sample(),
            time,
            actor: from.sample(),
            request: from.sample(),
            events: (0..=from.below(5)).map(|_| event(from)).collect(),
        }
    }
}
