//! Clocks and escalations as they are stored.

use super::Corrupt;
use super::convert::{Storable, differences, different_lengths, small};
use super::wire::Wire;
use crate::model::clock::{Alarm, Clock, ClockEnd, ClockKind, ClockOwner, ClockRef};
use crate::model::clock::{Epoch, Exclusion, Extension, Pause, PauseReason, Plan};
use crate::model::clock::{RecalculationReason, Scheduled};
use crate::model::escalation::Recipient;
use crate::model::escalation::{Acknowledged, Fired, FiredBecause, Firing, Light, Priority};
use crate::model::time::Timestamp;
use crate::store::words::{Draft, Words};
use crate::store::{numbers, pb};

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

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        let owner = read_choice!(content, ClockOwner {
            stage => |stage| Storable::<u32>::read(stage, words).map(Self::Stage),
            task => |task| Storable::<pb::TaskRef>::read(task, words).map(Self::Task),
            suspension => |_| Ok(Self::Suspension),
        });
        Ok(owner.unwrap_or(Self::Instance))
    }
}

required_message!(ClockOwner as ClockOwner);

message! { ClockRef as ClockRef { number, id, owner } }

codes! { ClockKind as ClockKind { Within, By, Every, Wait, Check, Raise } }

codes! { PauseReason as PauseReason { Suspended, ExcludedWhile, Supplement } }

message! { Exclusion as Exclusion { from, to, because } }

message! { Extension as Extension { by, granted_at } }

message! { Pause as Pause { since, because } }

/// The kind of an alarm, and eight times the step that it is about.
impl Storable<u32> for Alarm {
    fn to_message(&self, words: &mut Draft<'_>) -> u32 {
        let (kind, step) = match self {
            Self::AtRisk => (pb::AlarmKind::AtRisk, 0),
            Self::Due => (pb::AlarmKind::Due, 0),
            Self::Check => (pb::AlarmKind::Check, 0),
            Self::Step(step) => (pb::AlarmKind::Step, step.to_message(words)),
            Self::Repeat(step) => (pb::AlarmKind::Repeat, step.to_message(words)),
            Self::Unacknowledged(step) => (pb::AlarmKind::Unacknowledged, step.to_message(words)),
        };
        (step << ALARM_KIND_BITS) | kind as u32
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        let number = small(content.number()?)?;
        let kind = (number & ((1 << ALARM_KIND_BITS) - 1)).cast_signed();
        let step =
            || Storable::<u32>::read(Wire::Varint(u64::from(number >> ALARM_KIND_BITS)), words);
        Ok(match pb::AlarmKind::try_from(kind) {
            Ok(pb::AlarmKind::AtRisk) => Self::AtRisk,
            Ok(pb::AlarmKind::Due) => Self::Due,
            Ok(pb::AlarmKind::Check) => Self::Check,
            Ok(pb::AlarmKind::Step) => Self::Step(step()?),
            Ok(pb::AlarmKind::Repeat) => Self::Repeat(step()?),
            Ok(pb::AlarmKind::Unacknowledged) => Self::Unacknowledged(step()?),
            Ok(pb::AlarmKind::Unspecified) | Err(_) => {
                return Err(Corrupt::new(format!("{number} is no Alarm")));
            }
        })
    }
}

const ALARM_KIND_BITS: u32 = 3;

impl Storable<Option<pb::Schedule>> for Vec<Scheduled> {
    fn to_message(&self, words: &mut Draft<'_>) -> Option<pb::Schedule> {
        (!self.is_empty()).then(|| pb::Schedule {
            alarms: self.iter().map(|it| it.alarm.to_message(words)).collect(),
            after: differences(self.iter().map(|it| it.at.0)),
        })
    }

    fn read(content: Wire<'_>, words: &Words) -> Result<Self, Corrupt> {
        let (mut alarms, mut after) = (Wire::NOTHING, Wire::NOTHING);
        let mut fields = content.fields()?;
        for (number, content) in fields.by_ref() {
            match number {
                numbers::Schedule::alarms => alarms = content,
                numbers::Schedule::after => after = content,
                _ => {}
            }
        }
        fields.finish()?;
        let (mut alarms, mut instants, mut at) = (alarms.numbers()?, after.numbers()?, 0);
        let mut schedule = Self::with_capacity(alarms.count_ahead());
        loop {
            let (alarm, at) = match (alarms.next(), instants.next_sum(&mut at)) {
                (Some(alarm), Some(at)) => (Wire::Varint(alarm), Timestamp(at)),
                (None, None) => break,
                (Some(_), None) | (None, Some(_)) => return Err(different_lengths("Schedule")),
            };
            schedule.push(Scheduled { alarm: Storable::<u32>::read(alarm, words)?, at });
        }
        alarms.finish()?;
        instants.finish()?;
        Ok(schedule)
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(Self::new())
    }
}

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

    fn read(content: Wire<'_>, _: &Words) -> Result<Self, Corrupt> {
        let number = content.number()?;
        match i32::try_from(number).map(pb::Priority::try_from) {
            Ok(Ok(pb::Priority::Unspecified)) => Self::left_out(),
            Ok(Ok(pb::Priority::High)) => Ok(Self::High),
            Ok(Ok(pb::Priority::Urgent)) => Ok(Self::Urgent),
            Ok(Err(_)) | Err(_) => Err(Corrupt::new(format!("{number} is no Priority"))),
        }
    }

    fn left_out() -> Result<Self, Corrupt> {
        Ok(Self::Normal)
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
