//! Instances that begin because of others, block them and follow them, over a real socket.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use sanbang::api::pb;
use sanbang::definition::sources::Sources;

use super::api_fixture::*;
use super::runtime_fixture::{Fault, FaultyStore, memory};

const CASE: &str = "
workflow: case
title: { en: Case, zh: 事项 }
calendar: plain
outcome_of: close
fields:
  applicant: { type: text, required: true, indexed: true }
  size: { type: decimal }
activities:
  visit: { fields: { note: { type: text } }, may_start: [case, file] }
may_terminate: [withdrawn]
stages:
  - id: work
    title: { en: Work, zh: 办理 }
    advance: automatic
    tasks:
      - { id: look, role: office }
      - id: open_file
        kind: call
        workflow: file
        after: [look]
        fields: { code: { from: applicant }, pages: 3 }
      - { id: close, role: office, after: [open_file], outcomes: [solved, unsolved] }
";

const FILE: &str = "
workflow: file
title: { en: File, zh: 卷宗 }
calendar: plain
key: [code]
outcome_of: read
fields:
  code: { type: text, required: true }
  pages: { type: decimal }
stages:
  - id: reading
    title: { en: Reading, zh: 阅卷 }
    advance: automatic
    tasks: [{ id: read, role: office, outcomes: [clear, unclear] }]
";

fn with_cases() -> Sources {
    let mut sources = sources();
    for (path, text) in [("workflows/case.yaml", CASE), ("workflows/file.yaml", FILE)] {
        sources.files.insert(path.into(), text.into());
    }
    sources
}

async fn create(
    server: &Server,
    (instance, workflow): (&str, &str),
    given: &[(&str, &str)],
) -> pb::InstanceServiceCreateResponse {
    let given: Vec<_> = given.iter().map(|(name, value)| (*name, text(value))).collect();
    let request = pb::InstanceServiceCreateRequest {
        instance: instance.to_owned(),
        workflow: workflow.to_owned(),
        fields: Some(fields(&given)),
        steward: "anna".to_owned(),
        with_similar: true,
        ..Default::default()
    };
    server.instances().create(by("anna", request)).await.unwrap().into_inner()
}

/// A visit to the first case, with what it begins.
fn visit(begins: pb::Begin) -> pb::InstanceServiceLogActivityRequest {
    pb::InstanceServiceLogActivityRequest {
        instance: "c-1".to_owned(),
        activity: "visit".to_owned(),
        starts: vec![begins],
        ..Default::default()
    }
}

fn terminate(instance: &str) -> pb::InstanceServiceTerminateRequest {
    pb::InstanceServiceTerminateRequest {
        instance: instance.to_owned(),
        reason_code: "withdrawn".to_owned(),
        ..Default::default()
    }
}

fn link(instance: &str, to: &str) -> pb::InstanceServiceLinkRequest {
    pb::InstanceServiceLinkRequest {
        instance: instance.to_owned(),
        relation: pb::Relation::Blocks.into(),
        to: to.to_owned(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_begins_an_instance_and_takes_its_outcome() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), with_cases()).await;
    create(&server, ("c-1", "case"), &[("applicant", "Ann Ltd")]).await;
    let started = server.complete("anna", ("c-1", "look"), "", &[]).await.started;
    assert_eq!(started.len(), 1);
    // Whoever was answered sees what began.
    let file = server.get(&started[0]).await;
    assert_eq!((file.workflow.as_str(), file.links[0].other.as_str()), ("file", "c-1"));
    assert_eq!(file.links[0].task, "open_file");

    // There is one file for a code, whoever asks for it.
    let again = pb::InstanceServiceCreateRequest {
        workflow: "file".to_owned(),
        fields: Some(fields(&[("code", text("Ann Ltd"))])),
        ..Default::default()
    };
    let refused = server.instances().create(by("anna", again)).await;
    assert_eq!(refusal(refused), "AlreadyExists INSTANCE_EXISTS");

    server.complete("anna", (&started[0], "read"), "clear", &[]).await;
    server.advance_clock(1).await;
    let case = server.get("c-1").await;
    assert!(case.effects.is_empty() && server.get(&started[0]).await.effects.is_empty());
    let end = case.links[0].end.as_ref().unwrap();
    assert_eq!((end.completed, end.outcome.as_str()), (true, "clear"));
    let call = &case.tasks[1];
    assert_eq!(call.kind(), pb::TaskKind::Call);
    assert!(call.end.is_some() && case.tasks.len() == 3);
    server.complete("anna", ("c-1", "close"), "solved", &[]).await;
    let case = server.get("c-1").await;
    assert_eq!((case.status(), case.outcome.as_str()), (pb::InstanceStatus::Completed, "solved"));

    // A second case of the same applicant is given the file that is closed, and its outcome.
    create(&server, ("c-2", "case"), &[("applicant", "Ann Ltd")]).await;
    server.complete("anna", ("c-2", "look"), "", &[]).await;
    server.advance_clock(2).await;
    let second = server.get("c-2").await;
    assert_eq!(second.links[0].other, started[0]);
    assert_eq!(second.links[0].end.as_ref().unwrap().outcome, "clear");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_starts_and_a_repeat_starts_nothing_more() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), with_cases()).await;
    create(&server, ("c-1", "case"), &[("applicant", "Ann Ltd")]).await;
    let begin = |size| pb::Begin {
        workflow: "case".to_owned(),
        fields: Some(fields(&[("applicant", text("Bo Ltd")), ("size", size)])),
        steward: "bert".to_owned(),
        instance: String::new(),
    };
    let visit = |size| pb::InstanceServiceLogActivityRequest {
        request_id: "visit".to_owned(),
        ..visit(begin(size))
    };
    let mut instances = server.instances();
    let wrong = instances.log_activity(by("anna", visit(text("large")))).await;
    assert!(told(wrong).contains("starts[0].fields.size"));
    let first = instances.log_activity(by("anna", visit(number(7.5)))).await.unwrap();
    let again = instances.log_activity(by("anna", visit(number(7.5)))).await.unwrap();
    let (first, again) = (first.into_inner().accepted.unwrap(), again.into_inner().accepted);
    assert_eq!(Some(&first), again.as_ref());
    let child = server.get(&first.started[0]).await;
    assert_eq!((child.steward.as_str(), child.links.len()), ("bert", 1));
    server.advance_clock(1).await;
    let parent = server.get("c-1").await;
    assert_eq!((parent.links.len(), parent.effects.len()), (1, 0));
    assert_eq!(parent.links[0].direction(), pb::Direction::Inward);
    server.stop().await;
}

async fn warnings(server: &Server) -> Vec<String> {
    let asked = by("anna", pb::AdminServiceInfoRequest {});
    server.admin().info(asked).await.unwrap().into_inner().warnings
}

async fn support(server: &Server, to: &str) {
    let relation = pb::Relation::Supports.into();
    let request = pb::InstanceServiceLinkRequest { relation, ..link("c-1", to) };
    server.instances().link(by("anna", request)).await.unwrap();
}

/// The confirmation of a refusal is lost, and the process ends: what was asked after it waits, is
/// not forgotten, and goes on once the refusal is known.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_is_told_and_holds_nothing_back() {
    let faulty = FaultyStore::over(&memory());
    let server = Server::start_on(faulty.clone(), with_cases()).await;
    create(&server, ("c-1", "case"), &[("applicant", "Ann Ltd")]).await;
    let file = create(&server, ("", "file"), &[("code", "f")]).await.accepted.unwrap().instance;
    let begin = pb::Begin {
        workflow: "case".to_owned(),
        fields: Some(fields(&[("applicant", text("Bo Ltd"))])),
        instance: file.clone(),
        ..Default::default()
    };
    faulty.plan([Fault::None, Fault::Unavailable]);
    server.instances().log_activity(by("anna", visit(begin))).await.unwrap();
    while faulty.struck() == 0 {
        tokio::task::yield_now().await;
    }
    support(&server, &file).await;
    assert_eq!(
        (server.get("c-1").await.effects.len(), server.get(&file).await.links.len()),
        (2, 0)
    );
    server.stop().await;

    let server = Server::start_on(faulty, with_cases()).await;
    server.advance_clock(1).await;
    assert_eq!(server.get("c-1").await.effects, []);
    let links = server.get(&file).await.links;
    assert_eq!((links.len(), links[0].other.as_str()), (1, "c-1"));
    let instance = "c-1".to_owned();
    let request = pb::InstanceServiceHistoryRequest { instance, ..Default::default() };
    let history = server.instances().history(by("anna", request)).await.unwrap().into_inner();
    let refused = history.events.into_iter().filter_map(|event| match event.payload {
        Some(pb::event::Payload::EffectRefused(refused)) => Some(refused),
        _ => None,
    });
    let refused: Vec<_> = refused.map(|it| (it.target, it.code, it.for_good)).collect();
    assert_eq!(refused, [(file, "INSTANCE_EXISTS".to_owned(), true)], "once, whatever is retried");
    let told = "since the start 1 things that an instance asked of another were refused for good: \
                see `effect.refused`";
    assert_eq!(warnings(&server).await, [told]);
    server.stop().await;
}

/// One that cannot begin as its workflow is now is asked on, also after a restart. Another wish for
/// it goes through meanwhile, and what was refused then finds it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_now_is_asked_again_and_lets_others_pass() {
    let directory = tempfile::tempdir().unwrap();
    let mut strict = with_cases();
    let needs_pages = FILE.replace("type: decimal", "type: decimal, at_most: 2");
    strict.files.insert("workflows/file.yaml".into(), needs_pages.into());
    let server = Server::start_with(directory.path(), strict.clone()).await;
    create(&server, ("c-1", "case"), &[("applicant", "Ann Ltd")]).await;
    let file = server.complete("anna", ("c-1", "look"), "", &[]).await.started.remove(0);
    server.advance_clock(1).await;
    let told = format!(
        "1 refused and tried again, of what instances ask of one another: `c-1` of `{file}` \
         (INVALID_VALUES)"
    );
    assert_eq!(warnings(&server).await, [told]);
    // The same file is wanted by a visit that gives it fewer pages.
    let begin = pb::Begin {
        workflow: "file".to_owned(),
        fields: Some(fields(&[("code", text("Ann Ltd")), ("pages", number(1.0))])),
        ..Default::default()
    };
    server.stop().await;

    let server = Server::start_with(directory.path(), strict).await;
    server.instances().log_activity(by("anna", visit(begin))).await.unwrap();
    assert_eq!(server.get(&file).await.fields.unwrap().fields["pages"], text("1"));
    server.advance_clock(48).await;
    let case = server.get("c-1").await;
    assert_eq!((case.effects.len(), case.links.len()), (0, 2), "the call has found its file");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_blocked_ends_after_what_blocks_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), with_cases()).await;
    for id in ["c-1", "c-2"] {
        create(&server, (id, "case"), &[("applicant", id)]).await;
    }
    let mut instances = server.instances();
    let unknown = instances.link(by("anna", link("c-1", "c-9"))).await;
    assert_eq!(refusal(unknown), "NotFound OTHER_NOT_FOUND");
    instances.link(by("anna", link("c-1", "c-2"))).await.unwrap();
    server.advance_clock(1).await;
    let refused = told(instances.terminate(by("anna", terminate("c-2"))).await);
    assert!(refused.starts_with("FailedPrecondition BLOCKED"), "{refused}");
    assert!(refused.contains("c-1: `c-1` must end first"), "{refused}");
    // Only a role that may force it ends what is blocked, and says why.
    create(&server, ("c-3", "case"), &[("applicant", "c-3")]).await;
    instances.link(by("anna", link("c-1", "c-3"))).await.unwrap();
    let forced = || pb::InstanceServiceTerminateRequest {
        force_reason: "It cannot wait".to_owned(),
        ..terminate("c-3")
    };
    let refused = instances.terminate(by("anna", forced())).await;
    assert_eq!(refusal(refused), "PermissionDenied NOT_PERMITTED");
    instances.terminate(by("chief", forced())).await.unwrap();
    assert_eq!(server.get("c-3").await.status(), pb::InstanceStatus::Terminated);
    let live = pb::InstanceServiceReviveRequest {
        instance: "c-2".to_owned(),
        reason: "She is back".to_owned(),
        ..Default::default()
    };
    let refused = instances.revive(by("chief", live)).await;
    assert_eq!(refusal(refused), "FailedPrecondition INSTANCE_NOT_CLOSED");

    instances.terminate(by("anna", terminate("c-1"))).await.unwrap();
    server.advance_clock(2).await;
    instances.terminate(by("anna", terminate("c-2"))).await.unwrap();
    let link = &server.get("c-2").await.links[0];
    assert_eq!(link.end.as_ref().unwrap().outcome, "withdrawn");

    // What was given up is taken up again, once.
    let revive = || pb::InstanceServiceReviveRequest {
        instance: "c-2".to_owned(),
        reason: "She is back".to_owned(),
        changes: Some(fields(&[("size", number(4.0))])),
        ..Default::default()
    };
    let revived = instances.revive(by("chief", revive())).await.unwrap().into_inner();
    let revived = server.get(&revived.accepted.unwrap().started[0]).await;
    assert_eq!(revived.fields.unwrap().fields["applicant"], text("c-2"));
    assert_eq!(revived.links[0].relation(), pb::Relation::Continues);
    let again = instances.revive(by("chief", revive())).await;
    assert_eq!(refusal(again), "AlreadyExists ALREADY_REVIVED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_task_that_the_other_has_is_blocked() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), with_cases()).await;
    for id in ["c-1", "c-2"] {
        create(&server, (id, "case"), &[("applicant", id)]).await;
    }
    let mut instances = server.instances();
    let block = |task: &str| {
        by("anna", pb::InstanceServiceLinkRequest { task: task.to_owned(), ..link("c-1", "c-2") })
    };
    insta::assert_snapshot!(told(instances.link(block("loo")).await), @r"
    InvalidArgument INVALID_VALUES: `task`: workflow `case` has no task `loo`; did you mean `look`?
      fields.task: workflow `case` has no task `loo`; did you mean `look`?
    ");
    insta::assert_snapshot!(told(instances.link(block("open_file")).await), @r"
    InvalidArgument INVALID_VALUES: `task`: `open_file` of workflow `case` ends by itself: block a task after it, or the whole instance
      fields.task: `open_file` of workflow `case` ends by itself: block a task after it, or the whole instance
    ");
    instances.link(block("look")).await.unwrap();
    server.advance_clock(1).await;
    let look = pb::TaskServiceCompleteRequest {
        instance: "c-2".to_owned(),
        task: 1,
        ..Default::default()
    };
    let refused = server.tasks().complete(by("anna", look)).await;
    assert_eq!(refusal(refused), "FailedPrecondition BLOCKED");
    server.stop().await;
}

/// However it is written, one key is one instance: with spaces around it, in wide letters as they
/// are typed in Chinese, in small letters.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_the_same_however_it_is_typed() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), with_cases()).await;
    create(&server, ("", "file"), &[("code", "91340300ABC")]).await;
    for code in [" 91340300ABC ", "91340300abc", "９１３４０３００ＡＢＣ", "\u{3000}91340300abc"]
    {
        let again = pb::InstanceServiceCreateRequest {
            workflow: "file".to_owned(),
            fields: Some(fields(&[("code", text(code))])),
            ..Default::default()
        };
        let refused = server.instances().create(by("anna", again)).await;
        assert_eq!(refusal(refused), "AlreadyExists INSTANCE_EXISTS", "{code}");
    }
    create(&server, ("", "file"), &[("code", "91340300ACC")]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_known_by_its_short_name_and_not_by_its_form() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), with_cases()).await;
    create(&server, ("b-1", "case"), &[("applicant", "比亚迪")]).await;
    create(&server, ("h-1", "case"), &[("applicant", "华为技术有限公司")]).await;
    create(&server, ("x-1", "case"), &[("applicant", "有限公司")]).await;
    for (applicant, expected) in [
        ("比亚迪股份有限公司", vec!["b-1"]),
        ("华为", vec!["h-1"]),
        ("ＢＹＤ 比亚迪", vec!["b-1"]),
        ("安徽天大有限公司", vec![]),
        ("华", vec![]),
        ("有限责任公司", vec![]),
    ] {
        let request = pb::InstanceServiceFindSimilarRequest {
            workflow: "case".to_owned(),
            fields: Some(fields(&[("applicant", text(applicant))])),
        };
        let found = server.instances().find_similar(by("bert", request)).await.unwrap();
        let found: Vec<_> = found.into_inner().instances.into_iter().map(|it| it.id).collect();
        assert_eq!(found, expected, "{applicant}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn similar_ones_are_told_first_reporter_first() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), with_cases()).await;
    let of = |response: pb::InstanceServiceCreateResponse| -> Vec<String> {
        response.similar.into_iter().map(|instance| instance.id).collect()
    };
    let first = create(&server, ("z-1", "case"), &[("applicant", "Hua Guang Glass")]).await;
    assert!(of(first).is_empty());
    server.advance_clock(1).await;
    create(&server, ("m-1", "case"), &[("applicant", "Even Ground")]).await;
    create(&server, ("m-2", "case"), &[("applicant", "huaguang glass works")]).await;
    server.advance_clock(2).await;
    let third = create(&server, ("a-1", "case"), &[("applicant", "HUAGUANG GLASS")]).await;
    assert_eq!(of(third), ["z-1", "m-2"]);
    let request = pb::InstanceServiceFindSimilarRequest {
        workflow: "case".to_owned(),
        fields: Some(fields(&[("applicant", text("Hua-Guang Glass"))])),
    };
    let found = server.instances().find_similar(by("bert", request)).await.unwrap();
    let found: Vec<String> = found.into_inner().instances.into_iter().map(|it| it.id).collect();
    assert_eq!(found, ["z-1", "m-2", "a-1"]);
    server.stop().await;
}

/// Two who report the same within a minute: the later one is told of the earlier, and closing it as
/// a duplicate leaves the first as it was.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_leads_in_one_minute_the_first_stays() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), with_cases()).await;
    let first = create(&server, ("z-1", "case"), &[("applicant", "Clear Edge")]).await;
    let later = create(&server, ("a-1", "case"), &[("applicant", "clear edge")]).await;
    assert!(first.similar.is_empty(), "{:?}", first.similar);
    let told: Vec<_> = later.similar.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(told, ["z-1"]);
    let request =
        pb::InstanceServiceTerminateRequest { duplicate_of: "z-1".to_owned(), ..terminate("a-1") };
    server.instances().terminate(by("anna", request)).await.unwrap();
    let (first, later) = (server.get("z-1").await, server.get("a-1").await);
    assert_eq!((first.status(), first.steward.as_str()), (pb::InstanceStatus::Active, "anna"));
    assert_eq!(later.status(), pb::InstanceStatus::Terminated);
    for (it, other) in [(first, "a-1"), (later, "z-1")] {
        assert_eq!(it.links.len(), 1, "{:?}", it.links);
        assert_eq!(
            (it.links[0].relation(), it.links[0].other.as_str()),
            (pb::Relation::Duplicates, other)
        );
    }
    server.stop().await;
}
