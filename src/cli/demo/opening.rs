//! The first chapters: projects arrive, one goes back, one is given up.

use crate::api::pb;
use crate::api::pb::event::Payload;

use super::super::exit::Failure;
use super::crew::COORDINATOR;
use super::watcher::Shown;
use super::{Stage, answers};

impl Stage {
    /// The simulated time.
    pub(super) async fn now(&self) -> Result<jiff::Timestamp, Failure> {
        let mut admin = self.crew.acting(COORDINATOR)?.admin();
        let now = admin.info(pb::AdminServiceInfoRequest {}).await?.into_inner().now;
        Ok(instant(now.unwrap_or_default()))
    }

    /// Moves the simulated time; everything that falls due on the way happens.
    pub(super) async fn move_clock(&mut self, to: jiff::Timestamp) -> Result<(), Failure> {
        let to = prost_types::Timestamp { seconds: to.as_second(), nanos: 0 };
        let request = pb::AdminServiceAdvanceClockRequest { to: Some(to) };
        self.crew.acting(COORDINATOR)?.admin().advance_clock(request).await?;
        self.catch_up().await
    }

    /// Waits until the subscriber has printed what has happened.
    pub(super) async fn catch_up(&mut self) -> Result<(), Failure> {
        self.watcher.catch_up(&self.server.client()).await
    }

    /// 10:00 of the n-th working day from now.
    pub(super) async fn working_day(&self, days: u32) -> Result<jiff::Timestamp, Failure> {
        let length = pb::limit::Length::Amount(format!("{days}wd"));
        let request = pb::CalendarServiceComputeRequest {
            calendar: "cn".to_owned(),
            start: None,
            limit: Some(pb::Limit { length: Some(length) }),
        };
        let mut calendars = self.crew.acting(COORDINATOR)?.calendars();
        let due = calendars.compute(request).await?.into_inner().due.unwrap_or_default();
        Ok(answers::local_hour(answers::local_day(instant(due)), 10))
    }

    /// Lets the people of these projects do what can be done today: one step, as tomorrow is a day
    /// too.
    pub(super) async fn work_today(&mut self, ids: &[&str]) -> Result<(), Failure> {
        let now = self.now().await?;
        let next = self.working_day(1).await?;
        for project in self.projects.iter_mut().filter(|project| ids.contains(&project.id)) {
            self.crew.work(project, now, next).await?;
        }
        self.catch_up().await
    }
}

/// An instant of the API.
pub(super) fn instant(time: prost_types::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::new(time.seconds, time.nanos).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

pub(super) async fn projects_arrive(stage: &mut Stage) -> Result<(), Failure> {
    stage.narrator.chapter("Five projects arrive")?;
    stage.narrator.say(
        "The workflow is a file: twelve stages, their tasks, limits and ladders. A steward is \
         chosen by a rule, each task goes to somebody, and every choice is recorded with its \
         reason.",
    )?;
    stage.watcher.show(Shown {
        kinds: vec!["instance.created", "steward.assigned", "task.assigned", "task.offered"],
        instances: Vec::new(),
    });
    for at in 0..stage.projects.len() {
        let (id, about) = (stage.projects[at].id, stage.projects[at].about);
        stage.narrator.say(&format!("\n{id}: {about}."))?;
        stage.crew.create(&stage.projects[at]).await?;
        stage.catch_up().await?;
    }
    let assigned = stage.watcher.since(0, |event| event.kind == "task.assigned");
    let reasons = assigned.iter().all(|event| match &event.payload {
        Some(Payload::TaskAssigned(it)) => {
            it.assignment.as_ref().is_some_and(|it| !it.member.is_empty())
        }
        _ => false,
    });
    let stewards = stage.watcher.since(0, |event| event.kind == "steward.assigned");
    let narrator = &stage.narrator;
    narrator.check(stewards.len() == stage.projects.len(), "every project has a steward")?;
    narrator.check(reasons && !assigned.is_empty(), "every task went to somebody, with a reason")
}

pub(super) async fn one_returns_one_ends(stage: &mut Stage) -> Result<(), Failure> {
    stage.narrator.chapter("One project goes back, one is given up")?;
    stage.narrator.say(
        "The departments are content with cold-chain, the composite opinion is not: it asks to \
         revise the terms. The steward cannot leave the stage, and the group leader returns the \
         project. The investor of battery-parts went elsewhere.",
    )?;
    stage.watcher.show(Shown {
        kinds: vec!["stage.entered", "stage.returned", "stage.opened", "instance.terminated"],
        instances: vec!["cold-chain".to_owned(), "battery-parts".to_owned()],
    });
    let ids: Vec<&str> = stage.projects.iter().map(|project| project.id).collect();
    for _day in 0..40 {
        stage.work_today(&ids).await?;
        if has_outcome(&stage.crew.get("cold-chain").await?, "composite_opinion", "revise") {
            break;
        }
        let next = stage.working_day(1).await?;
        stage.move_clock(next).await?;
    }
    go_back(stage).await?;
    give_up(stage).await
}

async fn go_back(stage: &mut Stage) -> Result<(), Failure> {
    let instance = stage.crew.get("cold-chain").await?;
    let advance = pb::InstanceServiceAdvanceRequest {
        instance: "cold-chain".to_owned(),
        ..pb::InstanceServiceAdvanceRequest::default()
    };
    let refused = stage.crew.acting(&instance.steward)?.instances().advance(advance).await;
    let message = refused.as_ref().err().map(tonic::Status::message).unwrap_or_default().to_owned();
    stage.narrator.quote(&format!("{} advances: refused, {message}", instance.steward))?;
    stage.narrator.check(refused.is_err(), "a stage is not left while an exit is missing")?;

    let leaders = stage.crew.members_in("group_leader", &instance);
    let leader = leaders.first().cloned().unwrap_or_default();
    let request = pb::InstanceServiceReturnRequest {
        instance: "cold-chain".to_owned(),
        request_id: stage.crew.request_id(),
        target: "negotiation".to_owned(),
        reason: "The terms are to be revised".to_owned(),
        proposed_by: instance.steward.clone(),
        ..pb::InstanceServiceReturnRequest::default()
    };
    stage.crew.acting(&leader)?.instances().r#return(request).await?;
    stage.catch_up().await?;
    let instance = stage.crew.get("cold-chain").await?;
    let attempt = instance.stages.iter().find(|it| it.stage == "negotiation").map(|it| it.attempt);
    stage.narrator.check(
        instance.path_stage == "negotiation" && attempt == Some(2),
        "cold-chain is in the negotiation again, attempt 2, with its history kept",
    )
}

async fn give_up(stage: &mut Stage) -> Result<(), Failure> {
    let instance = stage.crew.get("battery-parts").await?;
    let leaders = stage.crew.members_in("group_leader", &instance);
    let leader = leaders.first().cloned().unwrap_or_default();
    let terminate = |request_id: String| pb::InstanceServiceTerminateRequest {
        instance: "battery-parts".to_owned(),
        request_id,
        reason_code: "lost_to_other_region".to_owned(),
        comment: "Settled in the neighbouring city".to_owned(),
        proposed_by: instance.steward.clone(),
        ..pb::InstanceServiceTerminateRequest::default()
    };
    let request = terminate(stage.crew.request_id());
    let alone = stage.crew.acting(&instance.steward)?.instances().terminate(request).await;
    let message = alone.as_ref().err().map(tonic::Status::message).unwrap_or_default().to_owned();
    stage.narrator.quote(&format!("{} gives up alone: refused, {message}", instance.steward))?;
    stage.narrator.check(alone.is_err(), "the steward alone cannot give a project up")?;
    let request = terminate(stage.crew.request_id());
    stage.crew.acting(&leader)?.instances().terminate(request).await?;
    stage.catch_up().await?;
    let instance = stage.crew.get("battery-parts").await?;
    let open = instance.tasks.iter().filter(|task| task.end.is_none()).count();
    stage.narrator.check(
        instance.status() == pb::InstanceStatus::Terminated && open == 0,
        "battery-parts has ended, and nobody has work left on it",
    )
}

fn has_outcome(instance: &pb::Instance, task: &str, outcome: &str) -> bool {
    instance.tasks.iter().any(|it| {
        let named = it.reference.as_ref().is_some_and(|reference| reference.id == task);
        let ended = it.end.as_ref().and_then(|end| end.how.as_ref());
        let done = matches!(ended, Some(pb::task_end::How::Done(done)) if done.outcome == outcome);
        named && done
    })
}
