//! The last chapters: every project comes to its end, and the portfolio is shown.

use prost_types::value::Kind;

use crate::api::pb;
use crate::api::pb::event::Payload;
use crate::api::pb::{Event, InstanceStatus};

use super::super::exit::Failure;
use super::super::fields;
use super::watcher::Shown;
use super::{Stage, answers, opening};

/// Rounds after which projects that still run are stuck. A round is one to three working days.
const ROUNDS_MAX: usize = 600;

pub(super) async fn all_come_to_their_end(stage: &mut Stage) -> Result<(), Failure> {
    stage.narrator.chapter("To production")?;
    stage.narrator.say(
        "The people go on, day by day: permits, land, construction, acceptance, production, the \
         promised incentives. Stages beside the path open by themselves.",
    )?;
    stage.watcher.show(Shown {
        kinds: vec!["stage.entered", "stage.skipped", "stage.opened", "instance.completed"],
        instances: Vec::new(),
    });
    for _round in 0..ROUNDS_MAX {
        let now = stage.now().await?;
        let next = stage.working_day(3).await?;
        let (mut running, mut busy) = (0, false);
        for project in &mut stage.projects {
            busy |= stage.crew.work(project, now, next).await?;
            let status = stage.crew.get(project.id).await?.status();
            running += usize::from(status == InstanceStatus::Active);
        }
        stage.catch_up().await?;
        if running == 0 {
            break;
        }
        let to = if busy { stage.working_day(1).await? } else { next };
        stage.move_clock(to).await?;
    }
    check_ends(stage).await
}

async fn check_ends(stage: &mut Stage) -> Result<(), Failure> {
    let skipped = |instance: &str, name: &str| {
        let events = stage.watcher.since(0, |event| event.instance == instance);
        events.iter().any(|event| match &event.payload {
            Some(Payload::StageSkipped(it)) => it.stage == name,
            _ => false,
        })
    };
    let opened = |instance: &str, name: &str| {
        let events = stage.watcher.since(0, |event| event.instance == instance);
        events.iter().any(|event| match &event.payload {
            Some(Payload::StageOpened(it)) => it.stage == name,
            _ => false,
        })
    };
    let narrator = &stage.narrator;
    narrator.check(
        opened("glass-works", "task_force") && !skipped("glass-works", "land_supply"),
        "glass-works bought land, and had a task force",
    )?;
    narrator
        .check(skipped("sensor-line", "land_supply"), "sensor-line leased, and needed no land")?;
    narrator.check(
        !opened("clinic-devices", "task_force"),
        "clinic-devices, below the threshold, had no task force",
    )?;
    let mut ends = Vec::new();
    for project in &stage.projects {
        ends.push((project.id, stage.crew.get(project.id).await?.status()));
    }
    let completed = |id: &str| ends.contains(&(id, InstanceStatus::Completed));
    for (id, _) in ends.iter().filter(|(id, _)| *id != "battery-parts") {
        stage.narrator.check(completed(id), &format!("{id} has completed all its stages"))?;
    }
    Ok(())
}

pub(super) async fn portfolio(stage: &mut Stage) -> Result<(), Failure> {
    stage.narrator.chapter("The portfolio")?;
    let mut rows = Vec::new();
    for project in &stage.projects {
        let instance = stage.crew.get(project.id).await?;
        let events = stage.watcher.since(0, |event| event.instance == project.id);
        rows.push(row(&instance, &events));
    }
    let header = [
        "PROJECT", "INVESTOR", "10k CNY", "SITE", "RULES", "STATUS", "STEWARD", "BEGUN", "ENDED",
        "RETURNS", "RED", "HIGHEST",
    ];
    let table = stage.narrator.output().table(&header, &rows);
    stage.narrator.quote(&table)?;
    stage.narrator.say("")
}

fn row(instance: &pb::Instance, events: &[Event]) -> Vec<String> {
    let field = |name: &str| {
        let fields = instance.fields.as_ref();
        let found = fields.and_then(|it| it.fields.get(name));
        found
            .filter(|it| !matches!(it.kind, Some(Kind::NullValue(_))))
            .map_or_else(|| "-".to_owned(), fields::value)
    };
    let status = match instance.status() {
        InstanceStatus::Unspecified => "?",
        InstanceStatus::Active => "active",
        InstanceStatus::Suspended => "suspended",
        InstanceStatus::Completed => "completed",
        InstanceStatus::Terminated => "terminated",
    };
    let day = |time: Option<prost_types::Timestamp>| {
        time.map(|time| answers::local_day(opening::instant(time)).to_string()).unwrap_or_default()
    };
    let ended = events
        .iter()
        .find(|event| matches!(event.kind.as_str(), "instance.completed" | "instance.terminated"));
    let returns: u32 = instance.stages.iter().map(|it| it.returns).sum();
    let raised = events.iter().filter_map(|event| match &event.payload {
        Some(Payload::EscalationRaised(it)) => it.fired.as_ref(),
        _ => None,
    });
    let red = raised.clone().filter(|fired| fired.light() == pb::Light::Red).count();
    let highest = raised.map(|fired| fired.level.as_str()).max().unwrap_or("-");
    vec![
        instance.id.clone(),
        field("investor"),
        field("total_investment"),
        field("site_mode"),
        format!("v{}", instance.workflow_version),
        status.to_owned(),
        instance.steward.clone(),
        day(instance.created_at),
        day(ended.and_then(|event| event.due_time.or(event.time))),
        returns.to_string(),
        red.to_string(),
        highest.to_owned(),
    ]
}
