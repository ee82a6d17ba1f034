//! Lights, ladders and their steps as messages.

use std::fmt::Display;

use crate::api::pb;
use crate::definition::compiled::{Delivery, Policy, Requirement, Step, StepInstant};
use crate::model::clock::Clock;
use crate::model::escalation::{Fired, FiredBecause, Firing, Light, Priority, Recipient};
use crate::model::instance::Instance;

use super::{instant, optional_instant, text, texts};

/// A light.
pub(in crate::api) fn light(light: Light) -> pb::Light {
    match light {
        Light::None => pb::Light::None,
        Light::Blue => pb::Light::Blue,
        Light::Yellow => pb::Light::Yellow,
        Light::Red => pb::Light::Red,
    }
}

/// A priority.
pub(in crate::api) fn priority(priority: Priority) -> pb::Priority {
    match priority {
        Priority::Normal => pb::Priority::Normal,
        Priority::High => pb::Priority::High,
        Priority::Urgent => pb::Priority::Urgent,
    }
}

/// A step that counts as fired.
pub(in crate::api) fn fired(fired: &Fired) -> pb::Fired {
    let acknowledged = fired.acknowledged.as_ref().map(|acknowledged| pb::Acknowledgement {
        by: acknowledged.by.to_string(),
        at: Some(instant(acknowledged.at)),
        promised: text(acknowledged.promised.as_ref()),
    });
    pb::Fired {
        step: fired.step.to_string(),
        level: fired.level.to_string(),
        light: light(fired.light).into(),
        at: Some(instant(fired.at)),
        firing: firing(fired.firing).into(),
        repeats: fired.repeats,
        acknowledged,
        notified: texts(&fired.notified),
        told_at: Some(instant(fired.told_at)),
        priority: priority(fired.priority).into(),
        digest_at: optional_instant(fired.digest_at),
    }
}

/// Why a step fired.
pub(in crate::api) fn because(because: FiredBecause) -> pb::FiredBecause {
    match because {
        FiredBecause::Time => pb::FiredBecause::Time,
        FiredBecause::Unacknowledged => pb::FiredBecause::Unacknowledged,
        FiredBecause::Value => pb::FiredBecause::Value,
        FiredBecause::Condition => pb::FiredBecause::Condition,
    }
}

/// Who is told, and why.
pub(in crate::api) fn recipients(recipients: &[Recipient]) -> Vec<pb::Recipient> {
    let wire = |recipient: &Recipient| pb::Recipient {
        member: recipient.member.to_string(),
        role: recipient.role.to_string(),
        instead_of: text(recipient.instead_of.as_ref()),
        fallback_from: text(recipient.fallback_from.as_ref()),
    };
    recipients.iter().map(wire).collect()
}

/// A clock of which a step has fired.
pub(in crate::api) fn escalation(instance: &Instance, clock: &Clock) -> pb::Escalation {
    pb::Escalation {
        instance: instance.id.to_string(),
        workflow: instance.workflow.to_string(),
        steward: text(instance.steward.as_ref()),
        group: text(instance.group.as_ref()),
        clock: Some(super::clock::clock(clock)),
    }
}

/// A step that is to be read.
pub(in crate::api) fn digest_entry(
    instance: &Instance,
    clock: &Clock,
    step: &Fired,
) -> pb::DigestEntry {
    pb::DigestEntry {
        instance: instance.id.to_string(),
        workflow: instance.workflow.to_string(),
        steward: text(instance.steward.as_ref()),
        clock: Some(super::clock::reference(&clock.reference())),
        fired: Some(fired(step)),
        due: Some(instant(clock.plan.due)),
    }
}

/// A ladder.
pub(in crate::api) fn policy(policy: &Policy) -> pb::Policy {
    pb::Policy { id: policy.id.to_string(), steps: policy.steps.iter().map(step).collect() }
}

fn firing(firing: Firing) -> pb::Firing {
    match firing {
        Firing::Notified => pb::Firing::Notified,
        Firing::PassedOver => pb::Firing::PassedOver,
        Firing::Inherited => pb::Firing::Inherited,
    }
}

fn step(step: &Step) -> pb::PolicyStep {
    let require = step.require.iter().map(|requirement| match requirement {
        Requirement::RecoveryPlan => "recovery_plan".to_owned(),
        Requirement::PromisedDate => "promised_date".to_owned(),
    });
    pb::PolicyStep {
        id: step.id.to_string(),
        level: step.level.to_string(),
        at: written(&step.at),
        light: light(step.light).into(),
        notify: texts(&step.notify),
        ack_within: text(step.ack_within.as_ref()),
        require: require.collect(),
        repeat_every: text(step.repeat.as_ref().map(|repeat| &repeat.every)),
        repeat_times: step.repeat.and_then(|repeat| repeat.times).unwrap_or_default(),
        reassign: text(step.reassign.as_ref()),
        priority: priority(step.priority).into(),
        open: text(step.open.as_ref()),
        task: text(step.task.as_ref()),
        with_digest: step.delivery == Delivery::Digest,
    }
}

/// An instant as the ladder writes it.
fn written(at: &StepInstant) -> String {
    match at {
        StepInstant::Share(percent) => format!("{percent}%"),
        StepInstant::Due => "due".to_owned(),
        StepInstant::Value(value) => format!("value {value}"),
        StepInstant::Offset(offset) => offset.to_string(),
        StepInstant::LaterOf(several) => format!("later_of {}", list(several)),
        StepInstant::EarlierOf(several) => format!("earlier_of {}", list(several)),
    }
}

fn list(several: &[StepInstant]) -> impl Display {
    let written: Vec<String> = several.iter().map(written).collect();
    format!("[{}]", written.join(", "))
}
