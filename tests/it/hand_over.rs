//! A hand-over across `kill -9`: the built program is killed in the middle of it and started again;
//! everything is handed over once, and every record holds both names and the reason. And what
//! somebody delegated goes to who takes over.

use std::path::Path;
use std::time::Duration;

use sanbang::api::pb;
use sanbang::api::pb::event::Payload;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use sanbang::api::pb::organization_service_client::OrganizationServiceClient;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use tonic::transport::Channel;

use super::api_fixture::{by, fields, text};
use super::program::{Place, Server};

/// How many projects the one who leaves carries.
const PROJECTS: usize = 120;
/// How long an ending may take, on a machine that is busy with other tests.
const END_MAX: Duration = Duration::from_mins(2);

const FROM: &str = "materials_officer_1";
const TO: &str = "materials_officer_2";
const REASON: &str = "called back by the home unit";

fn start(directory: &Path) -> Server {
    let (data, clock) = (directory.join("data"), "simulated@2025-01-06T09:00:00+08:00");
    Server::start(Place { data: &data, config: None, clock })
}

async fn connect(server: &Server) -> Channel {
    Channel::from_shared(server.url()).unwrap().connect().await.unwrap()
}

fn order() -> tonic::Request<pb::OrganizationServiceHandOverRequest> {
    let request = pb::OrganizationServiceHandOverRequest {
        request_id: "leave-1".to_owned(),
        from: FROM.to_owned(),
        to: TO.to_owned(),
        reason: REASON.to_owned(),
    };
    by("coordinator_1", request)
}

async fn create_all(channel: &Channel) {
    for number in 0..PROJECTS {
        create(channel, &format!("p-{number:03}")).await;
    }
}

async fn create(channel: &Channel, instance: &str) {
    let request = pb::InstanceServiceCreateRequest {
        instance: instance.to_owned(),
        workflow: "investment_project".to_owned(),
        fields: Some(fields(&[
            ("project_name", text("Works")),
            ("investor", text("Huaguang")),
            ("industry", text("new_energy_materials")),
            ("lead_source", text("visit")),
        ])),
        steward: FROM.to_owned(),
        ..Default::default()
    };
    let mut instances = InstanceServiceClient::new(channel.clone());
    instances.create(by("coordinator_1", request)).await.unwrap();
}

/// Hears of a hand-over until its end; none: the server is gone.
async fn ended(channel: &Channel) -> Option<pb::HandOver> {
    let mut organization = OrganizationServiceClient::new(channel.clone());
    let mut stream = organization.hand_over(order()).await.unwrap().into_inner();
    while let Ok(Some(message)) = stream.message().await {
        let hand_over = message.hand_over.unwrap();
        if hand_over.ended_at.is_some() {
            return Some(hand_over);
        }
    }
    None
}

/// Begins a hand-over and waits until something of it, and not all, is handed over.
async fn begun(channel: &Channel) -> (u32, u32) {
    let mut organization = OrganizationServiceClient::new(channel.clone());
    let mut stream = organization.hand_over(order()).await.unwrap().into_inner();
    loop {
        let message = stream.message().await.unwrap().expect("it has not ended");
        let hand_over = message.hand_over.unwrap();
        if hand_over.handed_over > 0 {
            return (hand_over.handed_over, hand_over.waiting);
        }
    }
}

/// What the hand-over did to one project: who had what before, and who has it now.
async fn given(channel: &Channel, instance: &str) -> Vec<String> {
    let request = pb::InstanceServiceHistoryRequest {
        instance: instance.to_owned(),
        page_size: 1000,
        ..Default::default()
    };
    let mut instances = InstanceServiceClient::new(channel.clone());
    let history = instances.history(by("coordinator_1", request)).await.unwrap().into_inner();
    let mut told = Vec::new();
    for event in history.events.into_iter().rev() {
        let (before, assignment, reason, what) = match event.payload.unwrap() {
            Payload::StewardAssigned(it) if !it.before.is_empty() => {
                (it.before, it.assignment, it.reason, "steward".to_owned())
            }
            Payload::TaskReassigned(it) => (it.from, it.assignment, it.reason, it.task.unwrap().id),
            _ => continue,
        };
        let now = assignment.unwrap().member;
        told.push(format!("{what}: {before} to {now}, {reason}"));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_goes_on_after_the_server_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path());
    let channel = connect(&server).await;
    create_all(&channel).await;
    let (done, waiting) = begun(&channel).await;
    server.kill();
    assert!(done > 0 && waiting > 0, "it was killed in the middle: {done} done, {waiting} not");

    let mut server = start(directory.path());
    let channel = connect(&server).await;
    let hand_over = tokio::time::timeout(END_MAX, ended(&channel)).await.unwrap().unwrap();
    assert!(has_said(&server, "a hand-over goes on").await, "by itself:\n{}", server.log());
    let projects = u32::try_from(PROJECTS).unwrap();
    assert_eq!((hand_over.left, hand_over.waiting), (0, 0), "{:?}", hand_over.checklist);
    assert!(hand_over.handed_over >= 2 * projects, "stewardships and a task each");

    let mut expected = Vec::new();
    for number in 0..PROJECTS {
        let told = given(&channel, &format!("p-{number:03}")).await;
        expected.push(format!("steward: {FROM} to {TO}, {REASON}"));
        assert_eq!(told.first(), expected.last(), "once, and with both names");
        let stewards = told.iter().filter(|line| line.starts_with("steward")).count();
        assert_eq!(stewards, 1, "{told:?}");
        let mut tasks = told[1..].to_vec();
        assert!(tasks.iter().all(|line| line.ends_with(&format!("{FROM} to {TO}, {REASON}"))));
        tasks.dedup();
        assert_eq!(tasks.len() + 1, told.len(), "nothing twice: {told:?}");
    }
    nothing_is_left(&channel).await;
    assert_eq!(server.stop_within(Duration::from_secs(30)), Some(0));
}

/// Whether the server says this in its log before long: the log is written line by line.
async fn has_said(server: &Server, words: &str) -> bool {
    for _ in 0..100 {
        if server.log().contains(words) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

async fn nothing_is_left(channel: &Channel) {
    let request = pb::OrganizationServiceWorkloadRequest {
        members: vec![FROM.to_owned(), TO.to_owned()],
        group: String::new(),
    };
    let mut organization = OrganizationServiceClient::new(channel.clone());
    let workload = organization.workload(by("coordinator_1", request)).await.unwrap();
    let rows = workload.into_inner().members;
    assert_eq!((rows[0].stewarded, rows[0].open_tasks), (0, 0), "{rows:?}");
    assert_eq!(rows[1].stewarded as usize, PROJECTS, "{rows:?}");
}

/// The task that is delegated: the first that a steward of a project has.
const DELEGATED: u32 = 1;

async fn delegate(channel: &Channel, instance: &str, to: &str) {
    let request = pb::TaskServiceDelegateRequest {
        instance: instance.to_owned(),
        task: DELEGATED,
        to: to.to_owned(),
        reason: "two visits today".to_owned(),
        ..Default::default()
    };
    TaskServiceClient::new(channel.clone()).delegate(by(FROM, request)).await.unwrap();
}

/// Who does the task, and for whom.
async fn doing(channel: &Channel, instance: &str) -> (String, String) {
    let request = pb::TaskServiceGetRequest { instance: instance.to_owned(), task: DELEGATED };
    let mut tasks = TaskServiceClient::new(channel.clone());
    let found = tasks.get(by("coordinator_1", request)).await.unwrap().into_inner();
    let holder = found.task.unwrap().holder.unwrap_or_default();
    (holder.member, holder.delegated_by)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delegated_comes_back_to_who_took_over() {
    const LEADER: &str = "materials_leader";
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path());
    let channel = connect(&server).await;
    for (instance, to) in [("to-leader", LEADER), ("to-successor", TO)] {
        create(&channel, instance).await;
        assert_eq!(doing(&channel, instance).await, (FROM.to_owned(), String::new()));
        delegate(&channel, instance, to).await;
    }
    let hand_over = ended(&channel).await.unwrap();
    let tasks: Vec<_> = hand_over.checklist.iter().filter(|it| it.task == DELEGATED).collect();
    assert_eq!(tasks.len(), 2, "{:?}", hand_over.checklist);
    assert!(tasks.iter().all(|it| it.handed_to == TO), "{tasks:?}");
    assert_eq!(doing(&channel, "to-leader").await, (LEADER.to_owned(), TO.to_owned()));
    assert_eq!(doing(&channel, "to-successor").await, (TO.to_owned(), String::new()));

    let release = pb::TaskServiceReleaseRequest {
        instance: "to-leader".to_owned(),
        task: DELEGATED,
        ..Default::default()
    };
    TaskServiceClient::new(channel.clone()).release(by(LEADER, release)).await.unwrap();
    assert_eq!(doing(&channel, "to-leader").await, (TO.to_owned(), String::new()));
    assert_eq!(server.stop_within(Duration::from_secs(30)), Some(0));
}
