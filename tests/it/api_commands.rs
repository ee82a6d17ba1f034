//! The API's commands over a real socket: the whole surface, refusals with everything that is
//! missing, repeats, expected revisions, actors.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use sanbang::api::pb;
use tonic::Request;

use super::api_fixture::*;

fn advance(instance: &str) -> pb::InstanceServiceAdvanceRequest {
    pb::InstanceServiceAdvanceRequest { instance: instance.to_owned(), ..Default::default() }
}

fn complete(instance: &str, task: u32) -> pb::TaskServiceCompleteRequest {
    pb::TaskServiceCompleteRequest { instance: instance.to_owned(), task, ..Default::default() }
}

/// What a command made happen, for the journal of a test.
fn line(call: &str, accepted: Option<pb::Accepted>) -> String {
    let accepted = accepted.expect("every accepted command says so");
    format!("{call} -> {}: {}", accepted.revision, accepted.event_kinds.join(" "))
}

/// Calls and notes what was answered.
macro_rules! call {
    ($journal:ident, $client:expr, $method:ident, $member:literal, $request:expr) => {
        let answer = $client.$method(by($member, $request)).await.unwrap().into_inner();
        $journal.push(line(stringify!($method), answer.accepted));
    };
}

async fn begin_and_hand_around(server: &Server, journal: &mut Vec<String>) {
    let (mut instances, mut tasks) = (server.instances(), server.tasks());
    let instance = || "p-1".to_owned();
    let fields = Some(fields(&[("applicant", text("Ann Ltd")), ("tier", text("gold"))]));
    call!(
        journal,
        instances,
        create,
        "anna",
        pb::InstanceServiceCreateRequest {
            instance: instance(),
            workflow: "permit".to_owned(),
            fields,
            steward: "anna".to_owned(),
            ..Default::default()
        }
    );
    call!(
        journal,
        tasks,
        release,
        "anna",
        pb::TaskServiceReleaseRequest {
            instance: instance(),
            task: 1,
            reason: "away".to_owned(),
            ..Default::default()
        }
    );
    call!(
        journal,
        tasks,
        claim,
        "bert",
        pb::TaskServiceClaimRequest { instance: instance(), task: 1, ..Default::default() }
    );
    call!(
        journal,
        instances,
        reassign,
        "chief",
        pb::InstanceServiceReassignRequest {
            instance: instance(),
            task: 1,
            to: "anna".to_owned(),
            reason: "she knows the applicant".to_owned(),
            ..Default::default()
        }
    );
    call!(
        journal,
        tasks,
        check,
        "anna",
        pb::TaskServiceCheckRequest {
            instance: instance(),
            task: 1,
            item: "seal".to_owned(),
            checked: true,
            ..Default::default()
        }
    );
}

async fn extend_and_complete_twice(server: &Server, journal: &mut Vec<String>) {
    let mut tasks = server.tasks();
    let instance = || "p-1".to_owned();
    let by_limit = pb::Limit { length: Some(pb::limit::Length::Amount("2wd".to_owned())) };
    call!(
        journal,
        tasks,
        request_extension,
        "anna",
        pb::TaskServiceRequestExtensionRequest {
            instance: instance(),
            task: 1,
            by: Some(by_limit),
            reason: "a page is missing".to_owned(),
            ..Default::default()
        }
    );
    call!(
        journal,
        tasks,
        decide_extension,
        "chief",
        pb::TaskServiceDecideExtensionRequest {
            instance: instance(),
            task: 1,
            verdict: pb::Verdict::Grant.into(),
            ..Default::default()
        }
    );
    let done = |task: u32, pages: f64| pb::TaskServiceCompleteRequest {
        outcome: "complete".to_owned(),
        form: Some(fields(&[("pages", number(pages))])),
        changes: Some(fields(&[("area", text("120.5"))])),
        ..complete("p-1", task)
    };
    call!(journal, tasks, complete, "anna", done(1, 3.0));
    call!(
        journal,
        tasks,
        redo,
        "anna",
        pb::TaskServiceRedoRequest {
            instance: instance(),
            task: 1,
            reason: "a page was missing".to_owned(),
            ..Default::default()
        }
    );
    call!(
        journal,
        tasks,
        check,
        "anna",
        pb::TaskServiceCheckRequest {
            instance: instance(),
            task: 2,
            item: "seal".to_owned(),
            checked: true,
            ..Default::default()
        }
    );
    call!(journal, tasks, complete, "anna", done(2, 4.0));
}

async fn return_and_suspend(server: &Server, journal: &mut Vec<String>) {
    let mut instances = server.instances();
    let instance = || "p-1".to_owned();
    call!(journal, instances, advance, "anna", advance("p-1"));
    call!(
        journal,
        instances,
        r#return,
        "anna",
        pb::InstanceServiceReturnRequest {
            instance: instance(),
            target: "intake".to_owned(),
            reason: "the plan was changed".to_owned(),
            ..Default::default()
        }
    );
    call!(
        journal,
        instances,
        suspend,
        "anna",
        pb::InstanceServiceSuspendRequest {
            instance: instance(),
            reason: "the applicant is away".to_owned(),
            expected_resume: "2025-01-20".to_owned(),
            ..Default::default()
        }
    );
    let preview = pb::InstanceServicePreviewResumeRequest { instance: instance() };
    let preview = instances.preview_resume(by("bert", preview)).await.unwrap().into_inner();
    journal.push(format!("preview_resume -> {} clocks", preview.clocks.len()));
    call!(
        journal,
        instances,
        resume,
        "anna",
        pb::InstanceServiceResumeRequest { instance: instance(), ..Default::default() }
    );
}

async fn open_beside_and_tell(server: &Server, journal: &mut Vec<String>) {
    let mut instances = server.instances();
    let mut tasks = server.tasks();
    let instance = || "p-1".to_owned();
    call!(
        journal,
        instances,
        open_stage,
        "anna",
        pb::InstanceServiceOpenStageRequest {
            instance: instance(),
            stage: "visit".to_owned(),
            ..Default::default()
        }
    );
    call!(
        journal,
        instances,
        update_fields,
        "anna",
        pb::InstanceServiceUpdateFieldsRequest {
            instance: instance(),
            changes: Some(fields(&[("plots", number(2.0)), ("tier", null())])),
            ..Default::default()
        }
    );
    call!(
        journal,
        instances,
        log_activity,
        "anna",
        pb::InstanceServiceLogActivityRequest {
            instance: instance(),
            activity: "contact".to_owned(),
            fields: Some(fields(&[("summary", text("called"))])),
            ..Default::default()
        }
    );
    call!(journal, tasks, comment, "anna", comment("p-1", "", "going well"));
}

async fn acknowledge_and_terminate(server: &Server, journal: &mut Vec<String>) {
    let mut instances = server.instances();
    let instance = || "p-1".to_owned();
    server.advance_clock(24 * 20).await;
    let clocks = server.get("p-1").await.clocks;
    let clock = clocks.iter().find(|clock| clock.breached_at.is_some());
    let clock = clock.and_then(|clock| clock.reference.as_ref()).unwrap().number;
    call!(
        journal,
        server.escalations(),
        acknowledge,
        "chief",
        pb::EscalationServiceAcknowledgeRequest {
            instance: instance(),
            clock,
            recovery_plan: "two people on it".to_owned(),
            ..Default::default()
        }
    );
    call!(
        journal,
        instances,
        terminate,
        "anna",
        pb::InstanceServiceTerminateRequest {
            instance: instance(),
            reason_code: "withdrawn".to_owned(),
            comment: "by letter".to_owned(),
            ..Default::default()
        }
    );
}

#[tokio::test]
async fn every_command_is_accepted_and_says_what_it_made_happen() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let mut journal = Vec::new();
    begin_and_hand_around(&server, &mut journal).await;
    extend_and_complete_twice(&server, &mut journal).await;
    return_and_suspend(&server, &mut journal).await;
    open_beside_and_tell(&server, &mut journal).await;
    acknowledge_and_terminate(&server, &mut journal).await;
    insta::assert_snapshot!(journal.join("\n"));
    let ended = server.get("p-1").await;
    assert_eq!(ended.status(), pb::InstanceStatus::Terminated);
    assert_eq!(ended.fields.unwrap().fields["area"], text("120.5"));
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_tells_everything_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let (mut instances, mut tasks) = (server.instances(), server.tasks());
    let malformed = pb::InstanceServiceCreateRequest {
        with_similar: false,
        instance: "no id!".to_owned(),
        request_id: "r".repeat(200),
        workflow: "permit".to_owned(),
        fields: Some(fields(&[
            ("aplicant", text("Ann Ltd")),
            ("area", text("large")),
            ("plots", number(1.5)),
            ("tier", text("bronze")),
        ])),
        steward: "a b".to_owned(),
    };
    let mut all = vec![told(instances.create(by("anna", malformed)).await)];

    server.create("p-1", "Ann Ltd").await;
    all.push(told(instances.advance(by("anna", advance("p-1"))).await));
    all.push(told(tasks.complete(by("anna", complete("p-1", 1))).await));
    all.push(told(tasks.complete(by("anna", complete("p-1", 9))).await));
    all.push(told(tasks.complete(by("chief", complete("p-1", 1))).await));
    all.push(told(instances.advance(by("anna", advance("p-2"))).await));
    let unknown = pb::InstanceServiceCreateRequest {
        instance: "p-3".to_owned(),
        workflow: "leave".to_owned(),
        ..Default::default()
    };
    all.push(told(instances.create(by("anna", unknown)).await));
    let empty = pb::InstanceServiceCreateRequest {
        instance: "p-3".to_owned(),
        workflow: "permit".to_owned(),
        ..Default::default()
    };
    all.push(told(instances.create(by("anna", empty)).await));
    let to = Some(instant(0));
    let backwards = pb::AdminServiceAdvanceClockRequest { to };
    all.push(told(server.admin().advance_clock(by("chief", backwards)).await));
    insta::assert_snapshot!(all.join("\n"));
    assert_eq!(server.get("p-1").await.revision, 1, "a refusal changes nothing");
    server.stop().await;
}

/// White space says nothing, the wide space of Chinese included: neither at the beginning nor later
/// nor in an activity.
#[tokio::test]
async fn blanks_fill_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Even Ground").await;
    for blank in ["   ", "\u{3000}\t\n"] {
        let create = pb::InstanceServiceCreateRequest {
            instance: "p-2".to_owned(),
            workflow: "permit".to_owned(),
            fields: Some(fields(&[("applicant", text(blank))])),
            ..Default::default()
        };
        let refused = refusal(server.instances().create(by("anna", create)).await);
        assert_eq!(refused, "InvalidArgument INVALID_VALUES");
        let update = |field| pb::InstanceServiceUpdateFieldsRequest {
            instance: "p-1".to_owned(),
            changes: Some(fields(&[(field, text(blank))])),
            ..Default::default()
        };
        let refused =
            refusal(server.instances().update_fields(by("anna", update("applicant"))).await);
        assert_eq!(refused, "InvalidArgument INVALID_VALUES");
        let log = pb::InstanceServiceLogActivityRequest {
            instance: "p-1".to_owned(),
            activity: "contact".to_owned(),
            fields: Some(fields(&[("summary", text(blank))])),
            ..Default::default()
        };
        let refused = refusal(server.instances().log_activity(by("anna", log)).await);
        assert_eq!(refused, "InvalidArgument INVALID_VALUES");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_repeat_has_one_effect_and_one_answer_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let say = |words: &str| by("anna", comment("p-1", "r-1", words));
    let first = server.tasks().comment(say("hello")).await.unwrap().into_inner();
    let again = server.tasks().comment(say("hello")).await.unwrap().into_inner();
    assert_eq!(again, first);
    insta::assert_snapshot!(told(server.tasks().comment(say("bye")).await), @r"
    InvalidArgument REQUEST_ID_REUSED: the request id was used before with other content
      request_id: the request id was used before with other content
    ");
    server.stop().await;

    let server = Server::start(directory.path()).await;
    let restarted = server.tasks().comment(say("hello")).await.unwrap().into_inner();
    assert_eq!(restarted, first);
    assert_eq!(server.get("p-1").await.revision, 2);
    server.stop().await;
}

#[tokio::test]
async fn a_request_sent_twice_at_once_on_two_connections_has_one_effect() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    for round in 0..20 {
        let create = || pb::InstanceServiceCreateRequest {
            request_id: format!("create-{round}"),
            workflow: "permit".to_owned(),
            fields: Some(fields(&[("applicant", text("Ann Ltd"))])),
            ..Default::default()
        };
        let (one, other) = (connect(server.address).await, connect(server.address).await);
        let mut one = pb::instance_service_client::InstanceServiceClient::new(one);
        let mut other = pb::instance_service_client::InstanceServiceClient::new(other);
        let (left, right) =
            tokio::join!(one.create(by("anna", create())), other.create(by("anna", create())));
        let (left, right) = (left.unwrap().into_inner(), right.unwrap().into_inner());
        assert_eq!(left, right);
        let instance = left.accepted.unwrap().instance;
        assert_eq!(server.get(&instance).await.revision, 1);
    }
    let all = pb::InstanceServiceListRequest::default();
    let all = server.instances().list(by("anna", all)).await.unwrap().into_inner();
    assert_eq!(all.instances.len(), 20);
    server.stop().await;
}

#[tokio::test]
async fn another_revision_than_expected_is_told_with_what_happened_since() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    server.comment("p-1", "one").await;
    server.comment("p-1", "two").await;
    let expecting = |expected| pb::TaskServiceCommentRequest {
        expected_revision: Some(expected),
        ..comment("p-1", "", "three")
    };
    let stale = server.tasks().comment(by("anna", expecting(1))).await;
    insta::assert_snapshot!(told(stale), @r"
    Aborted STALE_REVISION: the instance is at revision 3, not 1
      actual=3
      expected=1
      kinds_since=comment.added,comment.added
    ");
    let fresh = server.tasks().comment(by("anna", expecting(3))).await.unwrap();
    assert_eq!(fresh.into_inner().accepted.unwrap().revision, 4);
    server.stop().await;
}

#[tokio::test]
async fn only_declared_names_act_and_both_names_are_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let mut tasks = server.tasks();
    let words = || comment("p-1", "", "hello");
    let mut all = vec![
        told(tasks.comment(Request::new(words())).await),
        told(tasks.comment(by("nobody", words())).await),
        told(tasks.comment(by("portal", words())).await),
    ];
    let mut for_anna = by("portal", words());
    for_anna.metadata_mut().insert("sanbang-on-behalf-of", "anna".parse().unwrap());
    all.push(told(tasks.comment(for_anna).await));
    let get = || pb::InstanceServiceGetRequest { instance: "p-1".to_owned() };
    all.push(told(server.instances().get(by("portal", get())).await));
    all.push(told(server.instances().get(Request::new(get())).await));
    insta::assert_snapshot!(all.join("\n"));

    let history = pb::InstanceServiceHistoryRequest {
        instance: "p-1".to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let history = server.instances().history(by("anna", history)).await.unwrap().into_inner();
    let actor = history.events[0].actor.as_ref().unwrap();
    assert_eq!((actor.service.as_str(), actor.member.as_str()), ("portal", "anna"));
    server.stop().await;
}
