//! A red item that nobody answers: it climbs to the top of its ladder, also through a server that
//! is killed on the way; those who are away are not told, those who stand in for them are.

use std::sync::Arc;
use std::time::Duration;

use sanbang::api::pb;
use sanbang::api::pb::admin_service_client::AdminServiceClient;
use sanbang::api::pb::event::Payload as Told;
use sanbang::api::pb::event_service_client::EventServiceClient;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use sanbang::model::escalation::Recipient;
use sanbang::model::event::{Payload, Record};
use sanbang::spec;
use tonic::transport::Channel;

use super::api_fixture::{by, fields, instant, number, text};
use super::crash::connect;
use super::program::{Place, Server};
use super::specs::House;

const CLIMB: &str = "workflows/specs/climb_over_the_festival.yaml";

/// The shipped story of the climb, with these absences.
fn climb_with(absences: &str) -> Vec<Record> {
    let house = House::read(".");
    let story = std::fs::read_to_string(CLIMB).expect("the spec is there");
    let (head, _) = story.split_once("  - at: 2022-01-26 17:00").expect("it goes on then");
    let given = format!("given:\n  absences:\n{absences}\nsteps:");
    let rest = "  - at: 2022-03-16 10:00\n    wait: {}\n";
    let story = format!("{}{rest}", head.replacen("steps:", &given, 1));
    let path: Arc<str> = CLIMB.into();
    let report = spec::run(house.setting(), &path, &story.into()).expect("it can be read");
    assert!(report.passed(), "{:?}", report.failures);
    report.records
}

/// Everyone told by the ladder of `collect_lead_data`, with the level.
fn told(records: &[Record]) -> Vec<(String, Recipient)> {
    let events = records.iter().flat_map(|record| &record.events);
    let mut all = Vec::new();
    for event in events {
        let (clock, level, recipients) = match &event.payload {
            Payload::EscalationRaised { clock, fired, recipients, .. } => {
                (clock, &fired.level, recipients)
            }
            Payload::EscalationRepeated { clock, level, recipients, .. } => {
                (clock, level, recipients)
            }
            _ => continue,
        };
        if format!("{:?}", clock.owner).contains("collect_lead_data") {
            all.extend(recipients.iter().map(|each| (level.to_string(), each.clone())));
        }
    }
    all
}

#[test]
fn who_is_on_leave_is_told_nothing_and_the_substitute_everything() {
    let away = "    - { member: materials_leader, from: 2022-01-20, to: 2022-04-30, \
                substitute: materials_officer_2 }";
    let usual = told(&climb_with("    []"));
    let meant = usual.iter().filter(|(_, it)| it.member.as_str() == "materials_leader").count();
    // Yellow once, red once, and three times again.
    assert_eq!(meant, 5, "{usual:?}");

    let told = told(&climb_with(away));
    assert!(told.iter().all(|(_, it)| it.member.as_str() != "materials_leader"), "{told:?}");
    let instead = told.iter().filter(|(_, it)| {
        it.member.as_str() == "materials_officer_2"
            && it.instead_of.as_ref().is_some_and(|absent| absent.as_str() == "materials_leader")
    });
    assert_eq!(instead.count(), meant, "{told:?}");
    assert_eq!(told.len(), usual.len());
}

#[test]
fn a_circle_of_substitutes_ends_at_the_role_above() {
    let circle = "    - { member: deputy_director, from: 2022-01-20, to: 2022-04-30, \
                  substitute: team_head }\n    - { member: team_head, from: 2022-01-20, \
                  to: 2022-04-30, substitute: deputy_director }";
    let told = told(&climb_with(circle));
    let at_l3: Vec<&Recipient> =
        told.iter().filter(|(level, _)| level == "L3").map(|(_, it)| it).collect();
    let [one] = at_l3[..] else { panic!("{at_l3:?}") };
    assert_eq!(one.member.as_str(), "director");
    assert_eq!(one.role.as_str(), "zone_director");
    assert!(one.fallback_from.as_ref().is_some_and(|role| role.as_str() == "zone_deputy_director"));
    let absent = |it: &Recipient| ["deputy_director", "team_head"].contains(&it.member.as_str());
    assert!(!told.iter().any(|(_, it)| absent(it)), "{told:?}");
}

/// 2022-01-19 10:00 in China, and days after it at the same hour.
const START: &str = "simulated@2022-01-19T10:00:00+08:00";
const START_MS: i64 = 1_642_557_600_000;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// Hours after the start at which the clock stops: among them after the first working day of
/// silence, on the Saturday that is worked, within the festival, and after it.
const STOPS: [i64; 8] = [100, 179, 201, 249, 300, 464, 631, 1300];

/// The steps of the project that nobody goes on with.
async fn begin(channel: &Channel) {
    let known = fields(&[
        ("project_name", text("Heat pumps")),
        ("investor", text("Warm House")),
        ("industry", text("new_energy_materials")),
    ]);
    let request = pb::InstanceServiceCreateRequest {
        instance: "p-1".to_owned(),
        workflow: "investment_project".to_owned(),
        fields: Some(known),
        ..Default::default()
    };
    let mut instances = InstanceServiceClient::new(channel.clone());
    instances.create(by("coordinator_1", request)).await.expect("it begins");
    let mut tasks = TaskServiceClient::new(channel.clone());
    for item in ["investor_searched", "city_asked"] {
        let request = pb::TaskServiceCheckRequest {
            instance: "p-1".to_owned(),
            task: 1,
            item: item.to_owned(),
            checked: true,
            ..Default::default()
        };
        tasks.check(by("materials_officer_1", request)).await.expect("it is checked");
    }
    for (task, member, outcome) in [
        (1, "materials_officer_1", "new_lead"),
        (2, "materials_leader", ""),
        (3, "materials_officer_1", "confirmed"),
    ] {
        complete(channel, (task, member, outcome)).await;
    }
}

async fn complete(channel: &Channel, (task, member, outcome): (u32, &str, &str)) {
    let mut tasks = TaskServiceClient::new(channel.clone());
    let request = pb::TaskServiceCompleteRequest {
        instance: "p-1".to_owned(),
        task,
        outcome: outcome.to_owned(),
        ..Default::default()
    };
    tasks.complete(by(member, request)).await.expect("it is done");
}

/// In the end the work is done after all.
async fn finish(channel: &Channel) {
    let mut tasks = TaskServiceClient::new(channel.clone());
    for item in ["profile", "scale", "needs", "forecast"] {
        let request = pb::TaskServiceCheckRequest {
            instance: "p-1".to_owned(),
            task: 4,
            item: item.to_owned(),
            checked: true,
            ..Default::default()
        };
        tasks.check(by("materials_officer_1", request)).await.expect("it is checked");
    }
    let known = fields(&[
        ("lead_source", text("web")),
        ("investor_profile", text("Maker of pumps")),
        ("project_outline", text("A line")),
        ("total_investment", number(4000.0)),
    ]);
    let mut instances = InstanceServiceClient::new(channel.clone());
    let request = pb::InstanceServiceUpdateFieldsRequest {
        instance: "p-1".to_owned(),
        changes: Some(known),
        ..Default::default()
    };
    instances.update_fields(by("materials_officer_1", request)).await.expect("it is filled in");
    complete(channel, (4, "materials_officer_1", "")).await;
}

async fn advance(channel: Channel, hours: i64) -> Result<(), tonic::Status> {
    let to = Some(instant(START_MS + hours * HOUR_MS));
    let request = by("coordinator_1", pb::AdminServiceAdvanceClockRequest { to });
    AdminServiceClient::new(channel).advance_clock(request).await.map(|_| ())
}

async fn events(channel: &Channel) -> Vec<pb::Event> {
    let request = pb::EventServiceListRequest {
        page_size: 1000,
        filter: "instance = \"p-1\"".to_owned(),
        ..Default::default()
    };
    let mut service = EventServiceClient::new(channel.clone());
    let page = service.list(by("coordinator_1", request)).await.expect("it is told").into_inner();
    page.events
}

/// The whole story; with `kills` the server is killed while its clock goes, and between.
async fn story(kills: bool) -> Vec<pb::Event> {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let data = directory.path().join("data");
    let place = Place { data: &data, config: None, clock: START };
    let mut server = Server::start(place);
    let mut channel = connect(&server).await;
    begin(&channel).await;
    for (at, hours) in STOPS.into_iter().enumerate() {
        if kills {
            let under_way = tokio::spawn(advance(channel.clone(), hours));
            tokio::time::sleep(Duration::from_millis(1 << at)).await;
            server.kill();
            // Whether it got through before the kill is of no matter.
            let _outcome = under_way.await.expect("it does not panic");
            server = Server::start(place);
            channel = connect(&server).await;
        }
        advance(channel.clone(), hours).await.expect("the clock goes");
        if kills {
            server.kill();
            server = Server::start(place);
            channel = connect(&server).await;
        }
    }
    finish(&channel).await;
    advance(channel.clone(), 4000).await.expect("the clock goes");
    events(&channel).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_on_the_way_climbs_as_one_that_is_not() {
    let undisturbed = story(false).await;
    let levels: Vec<String> = undisturbed
        .iter()
        .filter_map(|event| match event.payload.as_ref() {
            Some(Told::EscalationRaised(it)) if is_of_task(it.clock.as_ref()) => {
                it.fired.as_ref().map(|fired| fired.level.clone())
            }
            _ => None,
        })
        .collect();
    assert_eq!(levels, ["L0", "L1", "L2", "L3", "L4", "L5"]);
    let done = undisturbed.iter().position(|event| match event.payload.as_ref() {
        Some(Told::TaskCompleted(it)) => it.task.as_ref().is_some_and(|task| task.number == 4),
        _ => false,
    });
    let after = &undisturbed[done.expect("it is done in the end")..];
    let of_ladder = after.iter().filter(|event| event.kind.starts_with("escalation."));
    let late: Vec<_> = of_ladder.filter(|event| format!("{event:?}").contains("collect")).collect();
    assert!(late.is_empty(), "{late:?}");

    let disturbed = story(true).await;
    for (one, other) in undisturbed.iter().zip(&disturbed) {
        assert_eq!(one, other);
    }
    assert_eq!(undisturbed.len(), disturbed.len());
}

fn is_of_task(clock: Option<&pb::ClockRef>) -> bool {
    use pb::clock_owner::Owner;
    let owner = clock.and_then(|clock| clock.owner.as_ref()?.owner.clone());
    matches!(owner, Some(Owner::Task(task)) if task.number == 4)
}
