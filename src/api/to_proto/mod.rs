//! Model to messages. Every conversion is total: what the core says can always be told.
//!
//! Knows nothing of who asked and decides nothing.

use crate::api::pb;
use crate::model::actor::Actor;
use crate::model::clock::Limit;
use crate::model::organization::Title;
use crate::model::time::{Date, Timestamp};

pub(in crate::api) mod organization;

pub(super) mod instance;
pub(super) mod ledger;

pub(super) mod task;

pub(super) mod clock;

pub(super) mod escalation;

pub(super) mod link;

pub(super) mod event;

pub(super) mod calendar;
pub(super) mod diagnostic;
pub(super) mod workflow;

/// An instant.
pub(super) fn instant(at: Timestamp) -> prost_types::Timestamp {
    let milliseconds = at.0.rem_euclid(1000);
    let nanos = i32::try_from(milliseconds * 1_000_000).expect("less than a second");
    prost_types::Timestamp { seconds: at.0.div_euclid(1000), nanos }
}

/// An instant that may be absent.
pub(super) fn optional_instant(at: Option<Timestamp>) -> Option<prost_types::Timestamp> {
    at.map(instant)
}

/// A length of wall time.
pub(super) fn duration(milliseconds: i64) -> prost_types::Duration {
    let nanos = i32::try_from(milliseconds % 1000 * 1_000_000).expect("less than a second");
    prost_types::Duration { seconds: milliseconds / 1000, nanos }
}

/// A name or a day that may be absent: then it is empty.
pub(super) fn text<T: ToString>(name: Option<&T>) -> String {
    name.map(ToString::to_string).unwrap_or_default()
}

/// Several names.
pub(super) fn texts<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// A content digest that is a number.
pub(super) fn digest(number: u64) -> String {
    format!("{number:016x}")
}

/// What people call something.
pub(super) fn title(title: &Title) -> pb::Title {
    pb::Title { en: title.en.clone(), zh: title.zh.clone() }
}

/// How long.
pub(super) fn limit(limit: Limit) -> pb::Limit {
    use pb::limit::Length;
    let length = match limit {
        Limit::Amount(amount) => Length::Amount(amount.to_string()),
        Limit::Date(date) => Length::Date(day(date)),
    };
    pb::Limit { length: Some(length) }
}

/// A day.
pub(super) fn day(date: Date) -> String {
    date.to_string()
}

/// Who.
pub(super) fn actor(actor: &Actor) -> pb::Actor {
    match actor {
        Actor::Member(member) => pb::Actor { member: member.to_string(), ..Default::default() },
        Actor::Service { service, on_behalf_of } => pb::Actor {
            member: text(on_behalf_of.as_ref()),
            service: service.to_string(),
            ..Default::default()
        },
        Actor::System => pb::Actor { system: true, ..Default::default() },
        Actor::Instance(origin) => {
            pb::Actor { system: true, instance: origin.to_string(), ..Default::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_durations_keep_their_milliseconds() {
        let wire = instant(Timestamp(-1));
        assert_eq!((wire.seconds, wire.nanos), (-1, 999_000_000));
        let wire = duration(90_061_001);
        assert_eq!((wire.seconds, wire.nanos), (90_061, 1_000_000));
    }
}
