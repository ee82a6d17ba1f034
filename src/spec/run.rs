//! Running one spec: step by step, judging what is expected 1 ms after each.

use std::sync::Arc;

use crate::definition::span::{KeyPath, SpanIndex};
use crate::engine::Rejection;
use crate::model::command::Command;
use crate::model::id::{MemberId, WorkflowId};
use crate::model::organization::{Load, Loads, Organization};
use crate::model::roster::{Absence, Duty};
use crate::model::time::{Amount, Date, Timestamp};

use super::authored::{Given, Spec, Step};
use super::world::World;
use super::{Coverage, Failure, Report, Setting};

/// The line of each step.
pub(super) fn lines(at: &SpanIndex, steps: usize) -> Vec<usize> {
    let step = |index| KeyPath::root().key("steps").index(index);
    (0..steps).map(|index| at.value(&step(index)).line).collect()
}

pub(super) fn run(setting: Setting<'_>, path: &Arc<str>, spec: &Spec, lines: &[usize]) -> Report {
    let mut report = Report {
        path: path.clone(),
        title: spec.spec.en.clone(),
        workflow: spec.workflow.clone(),
        failures: Vec::new(),
        records: Vec::new(),
        coverage: Coverage::default(),
    };
    let organization = match organization(setting.organization, &spec.given) {
        Ok(organization) => organization,
        Err(message) => return failed(report, message),
    };
    let found = setting.workflows.iter().find(|known| known.id.as_str() == spec.workflow);
    let Some(workflow) = found else {
        return failed(report, format!("there is no workflow `{}`", spec.workflow));
    };
    let found = setting.calendars.iter().find(|known| *known.id() == workflow.calendar);
    let Some(calendar) = found else {
        return failed(report, format!("there is no calendar `{}`", workflow.calendar));
    };
    let start = match instant(&spec.start, calendar) {
        Ok(start) => start,
        Err(message) => return failed(report, message),
    };
    let loads = loads(&spec.given);
    let mut world = World::new((workflow, setting.workflows), organization, calendar, loads, start);
    for (index, (step, line)) in spec.steps.iter().zip(lines).enumerate() {
        let before = world.records.len();
        let mut failures = run_step(&mut world, step);
        let next = spec.steps.get(index + 1);
        let at_once = next.is_some_and(|next| next.at.is_none() && next.after.is_none());
        failures.extend(judge_after(&mut world, before, step, at_once));
        let stop = failures.iter().any(|failure| failure.ends);
        let failures = failures.into_iter();
        report
            .failures
            .extend(failures.map(|failure| Failure { line: *line, message: failure.message }));
        cover(&mut report.coverage, &world, before);
        if stop {
            break;
        }
    }
    report.records = world.records;
    report
}

/// Something that is not as expected; `ends`: what follows would make no sense.
pub(super) struct Mismatch {
    pub(super) message: String,
    pub(super) ends: bool,
}

fn run_step(world: &mut World<'_>, step: &Step) -> Vec<Mismatch> {
    if let Err(message) = pass_time(world, step) {
        return vec![Mismatch { message, ends: true }];
    }
    let outcome = match super::command::perform(world, step) {
        Ok(outcome) => outcome,
        Err(message) => return vec![Mismatch { message, ends: true }],
    };
    judge_refusal(step, outcome)
}

/// Judges what is 1 ms later. Where the next step comes at once, on a copy: for it that millisecond
/// has not passed.
fn judge_after(world: &mut World<'_>, since: usize, step: &Step, at_once: bool) -> Vec<Mismatch> {
    let later = world.now.plus_ms(1);
    let messages = if at_once {
        let Some(then) = &step.then else { return Vec::new() };
        let mut copy = world.clone();
        copy.pass_until(later);
        super::expect::judge(&copy, since, then)
    } else {
        world.pass_until(later);
        step.then.as_ref().map(|then| super::expect::judge(world, since, then)).unwrap_or_default()
    };
    messages.into_iter().map(|message| Mismatch { message, ends: false }).collect()
}

fn judge_refusal(step: &Step, outcome: Result<(), Rejection>) -> Vec<Mismatch> {
    match (&step.refused, outcome) {
        (None, Ok(())) => Vec::new(),
        (None, Err(rejection)) => {
            let message =
                format!("refused with {}: {}", rejection.code(), rejection.public_message());
            vec![Mismatch { message, ends: true }]
        }
        (Some(_), Ok(())) => {
            vec![Mismatch { message: "it should have been refused".to_owned(), ends: true }]
        }
        (Some(expected), Err(rejection)) => super::expect::refusal(expected, &rejection)
            .into_iter()
            .map(|message| Mismatch { message, ends: false })
            .collect(),
    }
}

fn pass_time(world: &mut World<'_>, step: &Step) -> Result<(), String> {
    let then = match (&step.at, &step.after) {
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => return Err("say `at` or `after`, not both".to_owned()),
        (Some(at), None) => instant(at, world.calendar)?,
        (None, Some(after)) => {
            let amount: Amount = after.parse().map_err(|wrong| format!("`{after}`: {wrong}"))?;
            world.calendar.due(world.now, amount).at
        }
    };
    if then < world.now {
        return Err("time does not go back".to_owned());
    }
    world.pass_until(then);
    Ok(())
}

fn cover(coverage: &mut Coverage, world: &World<'_>, from: usize) {
    let before = crate::engine::replay(&world.records[..from]);
    let mut instance = before;
    for record in &world.records[from..] {
        coverage.add(world.workflow, instance.as_deref(), record);
        crate::engine::apply_record(&mut instance, record);
    }
}

fn failed(mut report: Report, message: String) -> Report {
    report.failures.push(Failure { line: 1, message });
    report
}

/// Civil time in the calendar's zone, such as `2025-01-06 09:00`, as an instant.
pub(super) fn instant(
    text: &str,
    calendar: &crate::calendar::Calendar,
) -> Result<Timestamp, String> {
    let wrong = |_| format!("`{text}` is no time such as 2025-01-06 09:00");
    let civil: jiff::civil::DateTime = text.replacen(' ', "T", 1).parse().map_err(wrong)?;
    let zoned = civil.to_zoned(calendar.zone().clone()).map_err(wrong)?;
    Ok(Timestamp(zoned.timestamp().as_millisecond()))
}

/// A day, such as `2025-01-06`.
pub(super) fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("`{text}` is no day such as 2025-01-06"))
}

fn organization(shipped: &Organization, given: &Given) -> Result<Organization, String> {
    let mut organization = shipped.clone();
    for absence in &given.absences {
        for name in std::iter::once(&absence.member).chain(&absence.substitute) {
            if shipped.member(name).is_none() {
                return Err(format!("`given`: there is no member `{name}`"));
            }
        }
        organization.absences.push(Absence {
            member: MemberId::trusted(&absence.member),
            from: date(&absence.from)?,
            to: date(&absence.to)?,
            substitute: absence.substitute.as_deref().map(MemberId::trusted),
            reason: String::new(),
        });
    }
    if let Some(name) = given.loads.keys().find(|name| shipped.member(name).is_none()) {
        return Err(format!("`given`: there is no member `{name}`"));
    }
    for duty in &given.duties {
        if let Some(name) = duty.members.iter().find(|name| shipped.member(name).is_none()) {
            return Err(format!("`given`: there is no member `{name}`"));
        }
        organization.duties.push(Duty {
            from: date(&duty.from)?,
            to: date(&duty.to)?,
            members: duty.members.iter().map(|name| MemberId::trusted(name)).collect(),
            note: String::new(),
        });
    }
    Ok(organization)
}

fn loads(given: &Given) -> Loads {
    let members = given.loads.iter().map(|(member, open_tasks)| {
        let load = Load { open_tasks: *open_tasks, ..Load::default() };
        (MemberId::trusted(member), load)
    });
    Loads { members: members.collect() }
}

/// A command of an actor.
pub(super) fn command(
    actor: crate::model::actor::Actor,
    step: &Step,
    action: crate::model::command::Action,
) -> Command {
    let force = step.force.clone();
    Command { actor, request: None, expected_revision: None, force, action }
}

/// The workflow of a world by its id.
pub(super) fn workflow_id(world: &World<'_>) -> WorkflowId {
    world.workflow.id.clone()
}
