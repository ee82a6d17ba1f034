//! Clocks and escalations as they are stored.

use super::Corrupt;
use super::convert::{Storable, required};
use crate::model::clock::{Alarm, Clock, ClockEnd, ClockKind, ClockNumber, ClockOwner, ClockRef};
use crate::model::clock::{Epoch, Exclusion, Extension, Pause, PauseReason, Plan};
use crate::model::clock::{RecalculationReason, Scheduled};
use crate::model::escalation::Recipient;
use crate::model::escalation::{Acknowledged, Fired, FiredBecause, Firing, Light, Priority};
use crate::store::pb;
use crate::store::words::{Draft, Words};

impl Storable<u32> for ClockNumber {
    fn to_message(&self, _: &mut Draft<'_>) -> u32 {
        self.0
    }

    fn from_message(message: u32, _: &Words) -> Result<Self, Corrupt> {
        Ok(Self(message))
    }
}

impl Storable<pb::ClockOwner> for ClockOwner {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::ClockOwner {
        use pb::clock_owner::Kind;
        let kind = match self {
            Self::Instance => None,
            Self::Stage(stage) => Some(Kind::Stage(stage.to_message(words))),
            Self::Task(task) => Some(Kind::Task(task.to_message(words))),
            Self::Suspension => Some(Kind::Suspension(true)),
        };
        pb::ClockOwner { kind }
    }

    fn from_message(message: pb::ClockOwner, words: &Words) -> Result<Self, Corrupt> {
        use pb::clock_owner::Kind;
        Ok(match message.kind {
            None => Self::Instance,
            Some(Kind::Stage(stage)) => Self::Stage(Storable::from_message(stage, words)?),
            Some(Kind::Task(task)) => Self::Task(Storable::from_message(task, words)?),
            Some(Kind::Suspension(_)) => Self::Suspension,
        })
    }
}

required_message!(ClockOwner as ClockOwner);

message! { ClockRef as ClockRef { number, id, owner } }

codes! { ClockKind as ClockKind { Within, By, Every, Wait, Check, Raise } }

codes! { PauseReason as PauseReason { Suspended, ExcludedWhile, Supplement } }

message! { Exclusion as Exclusion { from, to, because } }

message! { Extension as Extension { by, granted_at } }

message! { Pause as Pause { since, because } }

impl Storable<pb::Alarm> for Alarm {
    fn to_message(&self, words: &mut Draft<'_>) -> pb::Alarm {
        use pb::alarm::{Kind, LimitAlarm};
        let kind = match self {
            Self::AtRisk => Kind::Limit(LimitAlarm::AtRisk.into()),
            Self::Due => Kind::Limit(LimitAlarm::Due.into()),
            Self::Step(step) => Kind::Step(step.to_message(words)),
            Self::Repeat(step) => Kind::Repeat(step.to_message(words)),
            Self::Unacknowledged(step) => Kind::Unacknowledged(step.to_message(words)),
            Self::Check => Kind::Limit(LimitAlarm::Check.into()),
        };
        pb::Alarm { kind: Some(kind) }
    }

    fn from_message(message: pb::Alarm, words: &Words) -> Result<Self, Corrupt> {
        use pb::alarm::{Kind, LimitAlarm};
        Ok(match required(message.kind, "Alarm.kind")? {
            Kind::Limit(alarm) => match LimitAlarm::try_from(alarm) {
                Ok(LimitAlarm::AtRisk) => Self::AtRisk,
                Ok(LimitAlarm::Due) => Self::Due,
                Ok(LimitAlarm::Check) => Self::Check,
                Ok(LimitAlarm::Unspecified) | Err(_) => {
                    return Err(Corrupt::new(format!("{alarm} is no Alarm")));
                }
            },
            Kind::Step(step) => Self::Step(Storable::from_message(step, words)?),
            Kind::Repeat(step) => Self::Repeat(Storable::from_message(step, words)?),
            Kind::Unacknowledged(step) => {
                Self::Unacknowledged(Storable::from_message(step, words)?)
            }
        })
    }
}

required_message!(Alarm as Alarm);

message! { Scheduled as Scheduled { alarm, at } }

message! { Plan as Plan { due, provisional, schedule } }

message! { Epoch as Epoch { number, inherited, at_risk_at, breached_at } }

message! {
    Clock as Clock {
        number, id, owner, kind, limit, policy, started_at, excluded, extended, epoch,
        due_originally, plan, paused, at_risk_at, breached_at, fired, calm_runs,
        extension_request,
    }
}

codes! { RecalculationReason as RecalculationReason { Calendar, SwappedLimit, DateField } }

codes! { ClockEnd as ClockEnd { Done, Cancelled, Reset } }

codes! { Light as Light { None, Blue, Yellow, Red } }

/// The first stores knew no priority: what is not given is normal.
impl Storable<i32> for Priority {
    fn to_message(&self, _: &mut Draft<'_>) -> i32 {
        let stored = match self {
            Self::Normal => pb::Priority::Unspecified,
            Self::High => pb::Priority::High,
            Self::Urgent => pb::Priority::Urgent,
        };
        stored.into()
    }

    fn from_message(message: i32, _: &Words) -> Result<Self, Corrupt> {
        match pb::Priority::try_from(message) {
            Ok(pb::Priority::Unspecified) => Ok(Self::Normal),
            Ok(pb::Priority::High) => Ok(Self::High),
            Ok(pb::Priority::Urgent) => Ok(Self::Urgent),
            Err(_) => Err(Corrupt::new(format!("{message} is no Priority"))),
        }
    }
}

codes! { FiredBecause as FiredBecause { Time, Unacknowledged, Value, Condition } }

codes! { Firing as Firing { Notified, PassedOver, Inherited } }

message! {
    Fired as Fired {
        step, level, light, at, told_at, firing, repeats, acknowledged, notified, repeated_to,
        priority, digest_at,
    }
}

message! { Acknowledged as Acknowledged { by, at, promised } }

message! { Recipient as Recipient { member, role, instead_of, fallback_from } }
