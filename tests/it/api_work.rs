//! How work takes another turn, over a real socket: delegation, objections, supplements, more time,
//! silence, checklists, each with its refusals, as single calls and on one stream.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use sanbang::api::pb;
use sanbang::api::pb::drive_answer::Outcome;
use sanbang::api::pb::drive_command::Command;
use sanbang::definition::sources::Sources;
use tonic::{Response, Status};

use super::api_fixture::*;

const DESK: &str = "
workflow: desk
title: { en: Desk, zh: 柜台 }
calendar: plain
extensions: { ask_before: 1wd, approvers: [{ role: head, at_most: 50% }] }
objections: { within: 1wd, decide_within: 4wh, by: head, escalation: plain }
supplements: { within: 2wd, escalation: plain }
stages:
  - id: only
    title: { en: Only, zh: 唯一 }
    guide: Look at everything twice.
    sla: { within: 10wd, escalation: plain }
    tasks:
      - id: papers
        title: { en: Papers, zh: 材料 }
        role: office
        checklist: [seal, { id: photo, optional: true }]
        sla: { within: 4wd, escalation: plain }
      - id: opinion
        role: office
        outcomes: [agree, object]
        silence: { outcome: agree }
        sla: { within: 5wd }
";

const PAPERS: u32 = 1;
const OPINION: u32 = 2;

fn desk() -> Sources {
    let mut sources = sources();
    sources.files.insert("workflows/desk.yaml".into(), DESK.into());
    sources
}

async fn begin(server: &Server) {
    let request = pb::InstanceServiceCreateRequest {
        instance: "d-1".to_owned(),
        workflow: "desk".to_owned(),
        steward: "anna".to_owned(),
        ..Default::default()
    };
    server.instances().create(by("anna", request)).await.unwrap();
}

/// What a call came to, in one line: the events, or the refusal.
macro_rules! try_it {
    ($journal:ident, $server:ident, $call:ident, $actor:literal, $request:expr) => {{
        let answer = $server.tasks().$call(by($actor, $request)).await;
        let line = match answer {
            Ok(response) => response.into_inner().accepted.unwrap().event_kinds.join(" "),
            Err(status) => told::<()>(Err(status)),
        };
        $journal.push(format!("{} by {}: {line}", stringify!($call), $actor));
    }};
}

fn d1() -> String {
    "d-1".to_owned()
}

fn delegate(to: &str) -> pb::TaskServiceDelegateRequest {
    pb::TaskServiceDelegateRequest {
        instance: d1(),
        task: PAPERS,
        to: to.to_owned(),
        reason: "away".to_owned(),
        ..Default::default()
    }
}

fn release() -> pb::TaskServiceReleaseRequest {
    pb::TaskServiceReleaseRequest { instance: d1(), task: PAPERS, ..Default::default() }
}

fn object(reason: &str) -> pb::TaskServiceObjectRequest {
    let reason = reason.to_owned();
    pb::TaskServiceObjectRequest { instance: d1(), task: PAPERS, reason, ..Default::default() }
}

fn decide_objection(verdict: pb::Verdict, to: &str) -> pb::TaskServiceDecideObjectionRequest {
    pb::TaskServiceDecideObjectionRequest {
        instance: d1(),
        task: PAPERS,
        verdict: verdict.into(),
        to: to.to_owned(),
        comment: "decided".to_owned(),
        ..Default::default()
    }
}

fn request_supplement(what: &str) -> pb::TaskServiceRequestSupplementRequest {
    pb::TaskServiceRequestSupplementRequest {
        instance: d1(),
        task: PAPERS,
        what: what.to_owned(),
        ..Default::default()
    }
}

fn supply(what: &str) -> pb::TaskServiceSupplyRequest {
    let what = what.to_owned();
    pb::TaskServiceSupplyRequest { instance: d1(), task: PAPERS, what, ..Default::default() }
}

fn request_extension(task: u32, clock: u32, by: &str) -> pb::TaskServiceRequestExtensionRequest {
    let length = Some(pb::limit::Length::Amount(by.to_owned()));
    pb::TaskServiceRequestExtensionRequest {
        instance: d1(),
        task,
        clock,
        by: Some(pb::Limit { length }),
        reason: "more to do".to_owned(),
        ..Default::default()
    }
}

fn decide_extension(task: u32, clock: u32) -> pb::TaskServiceDecideExtensionRequest {
    pb::TaskServiceDecideExtensionRequest {
        instance: d1(),
        task,
        clock,
        verdict: pb::Verdict::Grant.into(),
        ..Default::default()
    }
}

fn check(item: &str) -> pb::TaskServiceCheckRequest {
    let item = item.to_owned();
    let checked = true;
    pb::TaskServiceCheckRequest {
        instance: d1(),
        task: PAPERS,
        item,
        checked,
        ..Default::default()
    }
}

fn complete() -> pb::TaskServiceCompleteRequest {
    pb::TaskServiceCompleteRequest { instance: d1(), task: PAPERS, ..Default::default() }
}

async fn papers(server: &Server) -> pb::TaskServiceGetResponse {
    let request = pb::TaskServiceGetRequest { instance: d1(), task: PAPERS };
    server.tasks().get(by("anna", request)).await.unwrap().into_inner()
}

/// The number of the clock of the stage.
async fn stage_clock(server: &Server) -> u32 {
    let clocks = server.get("d-1").await.clocks;
    let mut references = clocks.into_iter().filter_map(|clock| clock.reference);
    references.find(|reference| reference.id == "stage").unwrap().number
}

async fn hand_around(server: &Server, journal: &mut Vec<String>) {
    use pb::Verdict::{Grant, Refuse, Unspecified};
    try_it!(journal, server, delegate, "bert", delegate("bert"));
    try_it!(journal, server, delegate, "anna", delegate("chief"));
    try_it!(journal, server, delegate, "anna", delegate("bert"));
    try_it!(journal, server, delegate, "bert", delegate("anna"));
    let holder = papers(server).await.task.unwrap().holder.unwrap();
    assert_eq!((holder.member.as_str(), holder.delegated_by.as_str()), ("bert", "anna"));
    try_it!(journal, server, release, "bert", release());
    let holder = papers(server).await.task.unwrap().holder.unwrap();
    assert_eq!((holder.member.as_str(), holder.delegated_by.as_str()), ("anna", ""));

    try_it!(journal, server, object, "anna", object("given back is not given"));
    let reassign = |to: &str| pb::InstanceServiceReassignRequest {
        instance: d1(),
        task: PAPERS,
        to: to.to_owned(),
        reason: "another pair of hands".to_owned(),
        ..Default::default()
    };
    let reassigned = server.instances().reassign(by("chief", reassign("bert"))).await.unwrap();
    journal.push(reassigned.into_inner().accepted.unwrap().event_kinds.join(" "));
    try_it!(journal, server, object, "bert", object(""));
    try_it!(journal, server, object, "bert", object("anna knows them better"));
    let objection = papers(server).await.task.unwrap().objection.unwrap();
    assert_eq!(
        (objection.by.as_str(), objection.reason.as_str()),
        ("bert", "anna knows them better")
    );
    try_it!(journal, server, decide_objection, "bert", decide_objection(Grant, ""));
    try_it!(journal, server, decide_objection, "chief", decide_objection(Unspecified, ""));
    try_it!(journal, server, decide_objection, "chief", decide_objection(Refuse, "anna"));
    try_it!(journal, server, decide_objection, "chief", decide_objection(Grant, "anna"));
    let holder = papers(server).await.task.unwrap().holder.unwrap();
    assert_eq!((holder.member.as_str(), holder.object_until), ("anna", None));
    try_it!(journal, server, object, "anna", object("back again"));
}

async fn ask_for_more_time(server: &Server, journal: &mut Vec<String>) {
    try_it!(journal, server, request_extension, "anna", request_extension(PAPERS, 0, "3wd"));
    try_it!(journal, server, request_extension, "anna", request_extension(PAPERS, 7, "2wd"));
    try_it!(journal, server, request_extension, "anna", request_extension(0, 0, "2wd"));
    try_it!(journal, server, request_extension, "anna", request_extension(PAPERS, 0, "2wd"));
    try_it!(journal, server, decide_extension, "anna", decide_extension(PAPERS, 0));
    try_it!(journal, server, decide_extension, "chief", decide_extension(PAPERS, 0));
    let stage = stage_clock(server).await;
    try_it!(journal, server, request_extension, "bert", request_extension(0, stage, "1wd"));
    try_it!(journal, server, request_extension, "anna", request_extension(0, stage, "5wd"));
    let clocks = server.get("d-1").await.clocks;
    let asked = clocks.iter().find_map(|clock| clock.extension_request.clone()).unwrap();
    assert_eq!((asked.asked_by.as_str(), asked.reason.as_str()), ("anna", "more to do"));
    try_it!(journal, server, decide_extension, "chief", decide_extension(0, stage));
    let clock = papers(server).await.clock.unwrap();
    let due = clock.plan.unwrap().due.unwrap();
    assert!(due.seconds > clock.due_originally.unwrap().seconds, "the first due time is kept");
}

async fn wait_and_go_on(server: &Server, journal: &mut Vec<String>) {
    try_it!(journal, server, supply, "anna", supply("nothing was asked for"));
    try_it!(journal, server, request_supplement, "bert", request_supplement("accounts"));
    try_it!(journal, server, request_supplement, "anna", request_supplement("accounts"));
    let waiting = papers(server).await;
    assert_eq!(waiting.task.unwrap().supplement.unwrap().what, "accounts");
    assert_eq!(waiting.clock.unwrap().paused[0].because(), pb::PauseReason::Supplement);
    try_it!(journal, server, request_supplement, "anna", request_supplement("more"));
    // Two working days pass; nothing came.
    server.advance_clock(3 * 24).await;
    let lapsed = papers(server).await.task.unwrap().supplement.unwrap();
    assert!(lapsed.lapsed_at.is_some());
    try_it!(journal, server, supply, "anna", supply("accounts, late"));
    try_it!(journal, server, request_supplement, "anna", request_supplement("more"));
    // The due time has come too near to ask for more.
    server.advance_clock(11 * 24 + 8).await;
    try_it!(journal, server, request_extension, "anna", request_extension(PAPERS, 0, "1wd"));
    let forced = |mut request: pb::TaskServiceRequestExtensionRequest| {
        "the bridge is closed".clone_into(&mut request.force_reason);
        request
    };
    let asked = forced(request_extension(PAPERS, 0, "1wd"));
    try_it!(journal, server, request_extension, "anna", asked);
    let asked = forced(request_extension(PAPERS, 0, "1wd"));
    try_it!(journal, server, request_extension, "chief", asked);
}

/// What lists, definitions and completed tasks tell.
async fn look_and_finish(server: &Server, journal: &mut Vec<String>) {
    let request =
        pb::TaskServiceListRequest { filter: "task = \"papers\"".into(), ..Default::default() };
    let listed = server.tasks().list(by("anna", request)).await.unwrap().into_inner().tasks;
    let row = &listed[0];
    assert_eq!(row.title.as_ref().unwrap().zh, "材料");
    assert_eq!(row.guide.as_ref().unwrap().en, "Look at everything twice.");
    let items: Vec<_> = row.checklist.iter().map(|item| (&*item.id, item.optional)).collect();
    assert_eq!(items, [("seal", false), ("photo", true)]);
    let definition = papers(server).await.definition.unwrap();
    assert_eq!(definition.guide.unwrap().en, "Look at everything twice.");
    assert_eq!(definition.checklist.len(), 2);
    assert_eq!(definition.extensions.unwrap().approvers[0].at_most_percent, 50);
    assert_eq!(definition.objections.unwrap().by, "head");
    assert_eq!(definition.supplements.unwrap().times, 1);
    try_it!(journal, server, complete, "anna", complete());
    try_it!(journal, server, check, "anna", check("photo"));
    try_it!(journal, server, complete, "anna", complete());
    try_it!(journal, server, check, "anna", check("seal"));
    try_it!(journal, server, complete, "anna", complete());
    // Nobody gave the opinion: it counted when its limit ran out.
    let request = pb::TaskServiceGetRequest { instance: d1(), task: OPINION };
    let opinion = server.tasks().get(by("anna", request)).await.unwrap().into_inner();
    let Some(pb::task_end::How::Done(done)) = opinion.task.unwrap().end.unwrap().how else {
        panic!("the opinion is not done")
    };
    assert_eq!((done.outcome.as_str(), done.by.as_str()), ("agree", ""));
}

#[tokio::test]
async fn work_takes_every_turn_and_refusals_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), desk()).await;
    begin(&server).await;
    let mut journal = Vec::new();
    hand_around(&server, &mut journal).await;
    ask_for_more_time(&server, &mut journal).await;
    wait_and_go_on(&server, &mut journal).await;
    look_and_finish(&server, &mut journal).await;
    insta::assert_snapshot!(journal.join("\n"));
    server.stop().await;
}

fn as_called(answer: pb::DriveAnswer) -> Result<Response<()>, Status> {
    match answer.outcome.unwrap() {
        Outcome::Accepted(_) => Ok(Response::new(())),
        Outcome::Failure(failure) => Err(Status::new(failure.code.into(), failure.message)),
    }
}

#[tokio::test]
async fn the_same_goes_through_one_stream() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), desk()).await;
    begin(&server).await;
    let commands = [
        Command::Object(object("not mine")),
        Command::DecideObjection(decide_objection(pb::Verdict::Refuse, "")),
        Command::RequestSupplement(request_supplement("accounts")),
        Command::Supply(supply("accounts")),
        Command::Delegate(delegate("bert")),
        Command::RequestExtension(request_extension(PAPERS, 0, "3wd")),
    ];
    let actors = ["anna", "chief", "anna", "anna", "anna", "bert"];
    let mut told = Vec::new();
    for (correlation, (command, actor)) in commands.into_iter().zip(actors).enumerate() {
        let correlation = correlation as u64;
        let command =
            pb::DriveCommand { correlation, command: Some(command), ..Default::default() };
        let message = pb::InstanceServiceDriveRequest { commands: vec![command] };
        let request = by(actor, tokio_stream::iter([message]));
        let mut answers = server.instances().drive(request).await.unwrap().into_inner();
        let heard = answers.message().await.unwrap().unwrap().answers.remove(0);
        assert_eq!(heard.correlation, correlation);
        told.push(match as_called(heard) {
            Ok(_) => "accepted".to_owned(),
            Err(status) => status.message().to_owned(),
        });
    }
    assert_eq!(told[..5], ["accepted"; 5].map(str::to_owned));
    assert_eq!(told[5], "at most 2wd may be asked for now, 50% of the limit");
    let holder = papers(&server).await.task.unwrap().holder.unwrap();
    assert_eq!((holder.member.as_str(), holder.delegated_by.as_str()), ("bert", "anna"));
    server.stop().await;
}

async fn workload(server: &Server) -> Vec<pb::MemberWorkload> {
    let request = pb::OrganizationServiceWorkloadRequest::default();
    let workload = server.organization().workload(by("anna", request)).await.unwrap();
    workload.into_inner().members
}

/// An objection is decided within four hours: that is not when its task, without a limit, is due.
#[tokio::test]
async fn the_clock_of_an_objection_is_not_the_due_time_of_the_task() {
    let directory = tempfile::tempdir().unwrap();
    let mut sources = desk();
    let without_limit = DESK.replace("        sla: { within: 4wd, escalation: plain }\n", "");
    assert_ne!(without_limit, DESK);
    sources.files.insert("workflows/desk.yaml".into(), without_limit.into());
    let server = Server::start_with(directory.path(), sources).await;
    begin(&server).await;
    let before = workload(&server).await;
    assert_eq!(before.iter().map(|it| it.open_tasks).sum::<u32>(), 2, "{before:?}");
    let holder = papers(&server).await.task.unwrap().holder.unwrap().member;
    server.tasks().object(by(&holder, object("not mine"))).await.unwrap();
    assert_eq!(workload(&server).await, before);
    server.stop().await;
}
