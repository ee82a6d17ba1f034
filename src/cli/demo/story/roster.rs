//! Who is on duty over the festival and who is on leave: put down before, and at the end compared
//! with what the server made of it. Never knows how the rules choose anybody.

use jiff::Timestamp;

use crate::api::pb;
use crate::api::pb::event::Payload;
use crate::cli::demo::crew::COORDINATOR;
use crate::cli::demo::opening::instant;
use crate::cli::exit::Failure;

use super::Story;
use super::facts::Solved;
use super::parts;

/// Puts the duties and the absences down.
pub(super) async fn put(story: &Story) -> Result<(), Failure> {
    let mut organization = story.crew.acting(COORDINATOR)?.organization();
    for duty in &story.facts.duties {
        let duty = pb::Duty {
            from: duty.from.to_string(),
            to: duty.to.to_string(),
            members: duty.members.clone(),
            note: String::new(),
        };
        let request = pb::OrganizationServicePutDutyRequest { duty: Some(duty) };
        organization.put_duty(request).await?;
    }
    for leave in &story.facts.leaves {
        let absence = pb::Absence {
            member: leave.member.clone(),
            from: leave.from.to_string(),
            to: leave.to.to_string(),
            substitute: leave.substitute.clone(),
            reason: leave.reason.clone(),
        };
        let request = pb::OrganizationServicePutAbsenceRequest { absence: Some(absence) };
        organization.put_absence(request).await?;
    }
    Ok(())
}

/// Whoever is on duty hears of what cannot wait.
pub(super) fn compare(story: &Story) -> Result<(), Failure> {
    let mut answered = 0;
    for demand in story.facts.demands.iter().filter(|demand| demand.urgent) {
        let found = story.facts.visits.iter().find(|visit| visit.key == demand.visit);
        let Some(asked) = found.map(|visit| visit.at) else { continue };
        let told = told_of(story, &parts::demand_id(demand));
        let on_duty = on_duty(story, asked);
        let held = !on_duty.is_empty() && on_duty.iter().all(|member| told.contains(member));
        let what = format!("{} hear of {} within the hour", on_duty.join(" and "), demand.key);
        story.narrator.check(held && demand.solved == Solved::ByDepartment, &what)?;
        answered += 1;
    }
    story.narrator.check(answered > 0, "the festival had its emergency")?;
    for leave in &story.facts.leaves {
        let given = story.watcher.since(0, |event| given_instead(event).is_some());
        let given = given.iter().filter_map(given_instead);
        let given: Vec<&pb::Assignment> =
            given.filter(|given| given.instead_of == leave.member).collect();
        let held = !given.is_empty() && given.iter().all(|it| it.member == leave.substitute);
        let (from, to, count) = (&leave.member, &leave.substitute, given.len());
        let what = format!("{count} tasks of {from} on leave went to {to}");
        story.narrator.check(held, &what)?;
    }
    Ok(())
}

/// Who is on duty at an instant, by the facts.
fn on_duty(story: &Story, at: Timestamp) -> Vec<String> {
    let day = super::local_day(at);
    let duties = story.facts.duties.iter().filter(|duty| (duty.from..=duty.to).contains(&day));
    duties.flat_map(|duty| duty.members.clone()).collect()
}

/// Everybody to whom a light of an instance was told within an hour of its beginning.
fn told_of(story: &Story, instance: &str) -> Vec<String> {
    let events = story.watcher.since(0, |event| event.instance == instance);
    let begun = events.iter().filter_map(|event| event.time).map(instant).min();
    let mut told = Vec::new();
    for event in &events {
        let soon = event.time.map(instant).zip(begun);
        let soon = soon.is_some_and(|(at, begun)| at.duration_since(begun).as_hours() < 1);
        if let (true, Some(Payload::EscalationRaised(raised))) = (soon, &event.payload) {
            told.extend(raised.recipients.iter().map(|recipient| recipient.member.clone()));
        }
    }
    told
}

/// What was given to somebody who stands in for another.
fn given_instead(event: &pb::Event) -> Option<&pb::Assignment> {
    match event.payload.as_ref()? {
        Payload::TaskAssigned(assigned) => {
            assigned.assignment.as_ref().filter(|it| !it.instead_of.is_empty())
        }
        _ => None,
    }
}
