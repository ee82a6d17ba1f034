//! The chapters about time: lights, levels and acknowledgements, and a limit over a holiday.

use crate::api::pb;
use crate::api::pb::event::Payload;

use super::super::describe;
use super::super::exit::Failure;
use super::super::explain;
use super::watcher::Shown;
use super::{Stage, answers, projects};

/// Half past three in the afternoon and so on would be noise: the story looks at these times.
const STEPS: [(i8, i8, &str); 3] = [
    (7, 9, "Half of the time has passed:"),
    (7, 13, "Four working hours are left:"),
    (8, 9, "The limit of one working day has run out:"),
];

pub(super) async fn nobody_does_it(stage: &mut Stage) -> Result<(), Failure> {
    stage.narrator.chapter("Nobody does it: blue, yellow, red, and up the levels")?;
    stage.narrator.say(
        "Everybody works, except on glass-works: the check for duplicates and the confirmation of \
         the steward lie there. Each has one working day.",
    )?;
    let kinds = vec!["clock.breached", "escalation.", "clock.at_risk"];
    stage.watcher.show(Shown { kinds, instances: vec!["glass-works".to_owned()] });
    let others = ["sensor-line", "clinic-devices", "cold-chain", "battery-parts"];
    let count = stage.watcher.count();
    for (day, hour, text) in STEPS {
        stage.work_today(&others).await?;
        stage.narrator.say(&format!("\n{text}"))?;
        let date = jiff::civil::date(2025, 1, day);
        stage.move_clock(answers::local_hour(date, hour)).await?;
    }
    acknowledge(stage).await?;
    stage.narrator.say(
        "\nNobody answers for the other task. When the time for an answer has run out, the next \
         level is told at once; the acknowledged one climbs too as long as it is not done:",
    )?;
    for day in [9, 13] {
        stage.work_today(&others).await?;
        stage.move_clock(answers::local_hour(jiff::civil::date(2025, 1, day), 9)).await?;
    }
    check_lights(stage, count)?;
    stage.narrator.say("\nNow the work is done, and the lights go out:")?;
    let late = stage.projects.iter_mut().find(|project| project.id == "glass-works");
    if let Some(project) = late {
        project.neglected.clear();
    }
    stage.work_today(&["glass-works"]).await?;
    let cleared = stage.watcher.since(count, |event| event.kind == "escalation.cleared");
    stage.narrator.check(cleared.len() >= 2, "both escalations are cleared by the work itself")
}

/// The group leader takes notice of one of the two.
async fn acknowledge(stage: &mut Stage) -> Result<(), Failure> {
    let instance = stage.crew.get("glass-works").await?;
    let leaders = stage.crew.members_in("group_leader", &instance);
    let leader = leaders.first().cloned().unwrap_or_default();
    let of_dedupe =
        |clock: &&pb::Clock| describe::clock(clock.reference.as_ref()).contains("dedupe_check");
    let clock = instance.clocks.iter().find(of_dedupe).and_then(|clock| clock.reference.as_ref());
    let clock = clock.map(|it| it.number).unwrap_or_default();
    stage.narrator.say(&format!("\n{leader} takes notice of the first of them:"))?;
    let request = pb::EscalationServiceAcknowledgeRequest {
        instance: "glass-works".to_owned(),
        request_id: stage.crew.request_id(),
        clock,
        comment: "The ledger of the city is being asked".to_owned(),
        recovery_plan: "Done by Friday".to_owned(),
        promised: "2025-01-10".to_owned(),
        ..pb::EscalationServiceAcknowledgeRequest::default()
    };
    stage.crew.acting(&leader)?.escalations().acknowledge(request).await?;
    stage.catch_up().await
}

fn check_lights(stage: &Stage, count: usize) -> Result<(), Failure> {
    let raised: Vec<(String, pb::Light, pb::FiredBecause)> = stage
        .watcher
        .since(count, |event| event.kind == "escalation.raised")
        .into_iter()
        .filter_map(|event| match event.payload {
            Some(Payload::EscalationRaised(it)) => {
                let because = it.because();
                it.fired.map(|fired| (fired.level.clone(), fired.light(), because))
            }
            _ => None,
        })
        .collect();
    let lights = [pb::Light::Blue, pb::Light::Yellow, pb::Light::Red];
    let levels = ["L0", "L1", "L2", "L3", "L4"];
    let has_light = |light: &pb::Light| raised.iter().any(|(_, it, _)| it == light);
    let has_level = |level: &&str| raised.iter().any(|(it, _, _)| it == level);
    let unanswered =
        raised.iter().any(|(_, _, because)| *because == pb::FiredBecause::Unacknowledged);
    let answered = stage.watcher.since(count, |event| event.kind == "escalation.acknowledged");
    let narrator = &stage.narrator;
    narrator.check(lights.iter().all(has_light), "blue, yellow and red were told")?;
    narrator.check(levels.iter().all(has_level), "the levels L0 to L4 were told")?;
    narrator.check(answered.len() == 1, "one step was acknowledged")?;
    narrator.check(unanswered, "one step climbed because nobody answered")
}

pub(super) async fn a_deadline_over_the_festival(stage: &mut Stage) -> Result<(), Failure> {
    stage.narrator.chapter("A limit over the Spring Festival")?;
    stage.narrator.say(
        "Meanwhile people do what they hold, and stewards move their projects on, day by day:",
    )?;
    let kinds = vec!["stage.entered", "stage.opened", "stage.skipped"];
    stage.watcher.show(Shown { kinds, instances: Vec::new() });
    let ids: Vec<&str> = stage.projects.iter().map(|project| project.id).collect();
    let friday = answers::local_hour(jiff::civil::date(2025, 1, 24), 9);
    loop {
        stage.work_today(&ids).await?;
        let next = stage.working_day(1).await?;
        if next >= friday {
            break;
        }
        stage.move_clock(next).await?;
    }
    stage.move_clock(friday).await?;
    stage.watcher.show(Shown::default());
    stage.narrator.say(
        "\nOn Friday, 24 January 2025, a new lead comes in. Collecting its data may take five \
         working days. The explanation names each day:",
    )?;
    let project = projects::before_the_festival();
    stage.crew.create(&project).await?;
    stage.projects.push(project);
    for _step in ["the check for duplicates", "the first contact"] {
        stage.work_today(&["spring-mill"]).await?;
    }

    let request = pb::InstanceServiceExplainDeadlinesRequest { instance: "spring-mill".to_owned() };
    let steward = stage.crew.get("spring-mill").await?.steward;
    let mut instances = stage.crew.acting(&steward)?.instances();
    let deadlines = instances.explain_deadlines(request).await?.into_inner().deadlines;
    let of_task = |it: &&pb::DeadlineExplanation| {
        let reference = it.clock.as_ref().and_then(|clock| clock.reference.as_ref());
        describe::clock(reference).contains("collect_lead_data")
    };
    let deadline = deadlines.iter().find(of_task).cloned().unwrap_or_default();
    stage.narrator.quote(&explain::text(&deadline, stage.narrator.output()))?;
    let due = deadline.walk.as_ref().map(|walk| walk.due_local.clone()).unwrap_or_default();
    let due_as_known = due.starts_with("2025-02-07T17:30");
    stage.narrator.check(due_as_known, "five working days end two weeks later, on 7 February")?;
    if let Some(project) = stage.projects.last_mut() {
        project.neglected.clear();
    }
    Ok(())
}
