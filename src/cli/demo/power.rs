//! The chapter about the power: the server is killed while commands are under way, and nothing that
//! it answered is lost or done twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;

use crate::api::pb;
use crate::api::pb::event::Payload;

use super::super::client::Client;
use super::super::exit::Failure;
use super::Stage;
use super::crew::COORDINATOR;
use super::watcher::Shown;

/// Clients that send at the same time.
const CLIENTS: usize = 8;

/// The server is killed once so many commands are answered.
const ANSWERED_MIN: usize = 60;

/// What one client sent: each request id, and whether it was answered.
type Sent = Vec<(Remark, bool)>;

/// One command under way.
#[derive(Clone)]
struct Remark {
    instance: &'static str,
    request_id: String,
}

pub(super) async fn the_server_is_killed(stage: &mut Stage) -> Result<(), Failure> {
    stage.narrator.chapter("The power fails")?;
    stage.watcher.show(Shown::default());
    stage.catch_up().await?;
    stage.narrator.say(&format!(
        "{CLIENTS} clients send remarks as fast as they are answered. In the middle of it the \
         server is killed with SIGKILL: no handler runs, nothing is flushed. Then it starts again."
    ))?;
    let before = portfolio(stage).await?;
    let sent = send_and_kill(stage).await?;
    stage.server.start_again().await?;
    stage.crew.reconnect(stage.server.client());

    let after = portfolio(stage).await?;
    let answered: Vec<&Remark> =
        sent.iter().filter(|(_, answered)| *answered).map(|(remark, _)| remark).collect();
    let recorded = recorded_remarks(stage).await?;
    let lost = answered.iter().filter(|it| !recorded.contains_key(&it.request_id)).count();
    let narrator = &stage.narrator;
    narrator.quote(&format!(
        "{} remarks were sent, {} answered; {} are recorded",
        sent.len(),
        answered.len(),
        recorded.len()
    ))?;
    narrator.check(lost == 0, "every command that was answered is there")?;
    narrator
        .check(before == after, "every project stands where it stood: stages, tasks, lights")?;

    stage.narrator.say("\nWhoever got no answer sends again, under the same request id:")?;
    let client = stage.crew.acting(COORDINATOR)?;
    for (remark, _) in &sent {
        say(&client, remark).await?;
    }
    let recorded = recorded_remarks(stage).await?;
    let twice = recorded.values().filter(|times| **times > 1).count();
    let narrator = stage.narrator.clone();
    narrator.check(recorded.len() == sent.len(), "now every remark is recorded")?;
    narrator.check(twice == 0, "and none of them twice")?;

    stage.watcher.go_on(stage.server.client(), narrator.clone()).await?;
    stage.catch_up().await?;
    let broken = stage.watcher.broken();
    narrator.quote(&broken.join("\n"))?;
    narrator.check(
        broken.is_empty(),
        "the subscriber went on from its token: no event is missing, none came twice",
    )
}

/// What must not change by a crash: where each instance stands.
async fn portfolio(stage: &Stage) -> Result<Vec<String>, Failure> {
    let request = pb::InstanceServiceListRequest { page_size: 1000, ..<_>::default() };
    let mut instances = stage.crew.acting(COORDINATOR)?.instances();
    let listed = instances.list(request).await?.into_inner().instances;
    Ok(listed
        .iter()
        .map(|it| {
            let (status, light) = (it.status(), it.light());
            let stages = it.stages.join(",");
            format!("{} {status:?} {stages} {light:?} {} {}", it.id, it.steward, it.open_tasks)
        })
        .collect())
}

/// Sends from several clients at once until enough is answered, and kills the server then.
async fn send_and_kill(stage: &mut Stage) -> Result<Sent, Failure> {
    let answered = Arc::new(AtomicUsize::new(0));
    let mut senders = JoinSet::new();
    // One project has been given up: nothing can be said about it any more.
    let live = stage.projects.iter().filter(|project| project.id != "battery-parts");
    let ids: Vec<&'static str> = live.map(|project| project.id).collect();
    for number in 0..CLIENTS {
        let client = stage.crew.acting(COORDINATOR)?;
        let instance = ids[number % ids.len()];
        senders.spawn(send(client, instance, number, Arc::clone(&answered)));
    }
    while answered.load(Ordering::Relaxed) < ANSWERED_MIN && !senders.is_empty() {
        tokio::task::yield_now().await;
    }
    stage.server.kill();
    let mut sent = Vec::new();
    while let Some(joined) = senders.join_next().await {
        sent.extend(joined.map_err(|error| Failure::not_tried(error.to_string()))?);
    }
    Ok(sent)
}

/// One client: the next remark as soon as the one before is answered, until there is no answer.
async fn send(
    client: Client,
    instance: &'static str,
    number: usize,
    answered: Arc<AtomicUsize>,
) -> Sent {
    let mut sent = Vec::new();
    for at in 0..10_000 {
        let remark = Remark { instance, request_id: format!("remark-{number}-{at}") };
        let was_answered = say(&client, &remark).await.is_ok();
        sent.push((remark, was_answered));
        if !was_answered {
            break;
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
    sent
}

async fn say(client: &Client, remark: &Remark) -> Result<(), Failure> {
    let request = pb::TaskServiceCommentRequest {
        instance: remark.instance.to_owned(),
        request_id: remark.request_id.clone(),
        text: remark.request_id.clone(),
        ..pb::TaskServiceCommentRequest::default()
    };
    client.tasks().comment(request).await?;
    Ok(())
}

/// How often each remark is recorded, by its request id.
async fn recorded_remarks(stage: &Stage) -> Result<BTreeMap<String, usize>, Failure> {
    let mut recorded = BTreeMap::new();
    for project in &stage.projects {
        let mut page_token = String::new();
        loop {
            let request = pb::InstanceServiceHistoryRequest {
                instance: project.id.to_owned(),
                page_size: 1000,
                page_token,
            };
            let mut instances = stage.crew.acting(COORDINATOR)?.instances();
            let page = instances.history(request).await?.into_inner();
            for event in page.events {
                if let Some(Payload::CommentAdded(it)) = event.payload
                    && it.text.starts_with("remark-")
                {
                    *recorded.entry(it.text).or_insert(0) += 1;
                }
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
    }
    Ok(recorded)
}
