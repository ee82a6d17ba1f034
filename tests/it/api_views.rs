//! The API's views over a real socket: lists with filters and pages, history, deadlines, workflows,
//! calendars, administration, health and reflection.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::net::SocketAddr;

use sanbang::api::{pb, server};
use sanbang::model::limits;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::api_fixture::*;

/// The ids of every page of a list, pages apart.
async fn listed(server: &Server, filter: &str, order_by: &str, page_size: i32) -> String {
    let mut pages = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::InstanceServiceListRequest {
            page_size,
            page_token,
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
        };
        let page = server.instances().list(by("bert", request)).await.unwrap().into_inner();
        let ids: Vec<&str> = page.instances.iter().map(|each| each.id.as_str()).collect();
        pages.push(ids.join(" "));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return pages.join(" | ");
        }
    }
}

#[tokio::test]
async fn instances_are_listed_by_filter_and_page() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    for (number, applicant) in
        ["Ann Ltd", "Bo Ltd", "Ann Ltd", "Cy Ltd", "Ann Ltd"].iter().enumerate()
    {
        server.create(&format!("p-{number}"), applicant).await;
    }
    let suspend = pb::InstanceServiceSuspendRequest {
        instance: "p-3".to_owned(),
        reason: "away".to_owned(),
        ..Default::default()
    };
    server.instances().suspend(by("anna", suspend)).await.unwrap();

    assert_eq!(listed(&server, "", "", 2).await, "p-0 p-1 | p-2 p-3 | p-4");
    assert_eq!(listed(&server, "", "", 5).await, "p-0 p-1 p-2 p-3 p-4");
    let ann = r#"fields.applicant = "Ann Ltd" AND workflow = permit"#;
    assert_eq!(listed(&server, ann, "", 2).await, "p-0 p-2 | p-4");
    let either = r#"fields.applicant = "Bo Ltd" OR fields.applicant = "Cy Ltd""#;
    assert_eq!(listed(&server, either, "", 2).await, "p-1 p-3");
    assert_eq!(listed(&server, "status = suspended", "", 2).await, "p-3");
    assert_eq!(listed(&server, "stage = review", "", 2).await, "");
    assert_eq!(listed(&server, "steward = anna", "next_due", 9).await, "p-0 p-1 p-2 p-4 p-3");

    let by_due = |page_token| pb::InstanceServiceListRequest {
        page_size: 2,
        page_token,
        order_by: "next_due".to_owned(),
        ..Default::default()
    };
    let first = server.instances().list(by("bert", by_due(String::new()))).await.unwrap();
    let first = first.into_inner();
    assert_eq!(first.instances[1].id, "p-1");
    let suspend = pb::InstanceServiceSuspendRequest {
        instance: "p-1".to_owned(),
        reason: "away".to_owned(),
        ..Default::default()
    };
    server.instances().suspend(by("anna", suspend)).await.unwrap();
    let token = by_due(first.next_page_token);
    let second = server.instances().list(by("bert", token)).await.unwrap().into_inner();
    let second: Vec<&str> = second.instances.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(second, ["p-2", "p-4"], "p-1 is the last by now, and hides nobody");
    for foreign in ["p-1", "/p-1", "x/p-1", "1/", "1/no name"] {
        let refused = server.instances().list(by("bert", by_due(foreign.to_owned()))).await;
        assert_eq!(refusal(refused), "InvalidArgument INVALID_REQUEST", "{foreign}");
    }

    let wrong = pb::InstanceServiceListRequest {
        page_size: -1,
        page_token: "what?".to_owned(),
        filter: "colour = red AND light = pink".to_owned(),
        order_by: "colour".to_owned(),
    };
    insta::assert_snapshot!(told(server.instances().list(by("bert", wrong)).await), @r"
    InvalidArgument INVALID_REQUEST: 5 fields of the request are wrong
      filter: there is no name `colour` here, but workflow, stage, steward, group, backup, light, status, holder, offered_to, fields.
      page_size: it is negative
      order_by: it is `id`, `created_at desc` or `next_due`
      page_token: it is not a token of this list
      filter: `light` is one of none, blue, yellow, red
    ");
    server.stop().await;
}

#[tokio::test]
async fn tasks_and_escalations_are_listed_by_filter_and_page() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    for number in 0..3 {
        server.create(&format!("p-{number}"), "Ann Ltd").await;
    }
    let mut rows = Vec::new();
    for filter in ["", "holder = anna", "holder = bert", "offered_to = office", "task = papers"] {
        let mut page_token = String::new();
        loop {
            let filter = filter.to_owned();
            let request = pb::TaskServiceListRequest { page_size: 2, page_token, filter };
            let page = server.tasks().list(by("bert", request.clone())).await.unwrap();
            let page = page.into_inner();
            let shown = page.tasks.iter().map(|task| format!("{}/{}", task.instance, task.number));
            let shown: Vec<String> = shown.collect();
            rows.push(format!("`{}`: {}", request.filter, shown.join(" ")));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
    }
    server.advance_clock(24 * 4).await;
    for filter in ["", "light = red", "light = yellow", "level = L1", "notified = chief"] {
        let filter = filter.to_owned();
        let request = pb::EscalationServiceListRequest { filter, ..Default::default() };
        let page = server.escalations().list(by("bert", request.clone())).await.unwrap();
        let shown = page.into_inner().escalations;
        let shown = shown.iter().map(|each| {
            let fired = &each.clock.as_ref().unwrap().fired;
            let steps: Vec<&str> = fired.iter().map(|step| step.step.as_str()).collect();
            format!("{} {}", each.instance, steps.join("+"))
        });
        rows.push(format!("`{}`: {}", request.filter, shown.collect::<Vec<_>>().join(", ")));
    }
    insta::assert_snapshot!(rows.join("\n"));
    server.stop().await;
}

#[tokio::test]
async fn a_task_is_told_with_its_guide_its_form_and_its_limit() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let get = |task| pb::TaskServiceGetRequest { instance: "p-1".to_owned(), task };
    let told_task = server.tasks().get(by("bert", get(1))).await.unwrap().into_inner();
    let definition = told_task.definition.unwrap();
    let guide = definition.guide.unwrap().en;
    assert_eq!(guide.trim(), "Take the papers and look at them.");
    assert_eq!(definition.outcomes, ["complete", "incomplete"]);
    assert_eq!(definition.form[0].id, "pages");
    assert_eq!(definition.checklist[0].id, "seal");
    let due = told_task.clock.unwrap().plan.unwrap().due.unwrap();
    assert_eq!(due, instant(START.0 + (3 * 24 + 16) * 3_600_000), "17:00 of the third day after");
    assert_eq!(refusal(server.tasks().get(by("bert", get(7))).await), "NotFound TASK_NOT_FOUND");
    server.stop().await;
}

#[tokio::test]
async fn history_is_told_latest_first_and_page_by_page() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    server.comment("p-1", "one").await;
    server.comment("p-1", "two").await;
    let mut pages = Vec::new();
    let mut page_token = String::new();
    loop {
        let instance = "p-1".to_owned();
        let request = pb::InstanceServiceHistoryRequest { instance, page_size: 2, page_token };
        let page = server.instances().history(by("bert", request)).await.unwrap().into_inner();
        let kinds: Vec<&str> = page.events.iter().map(|event| event.kind.as_str()).collect();
        pages.push(kinds.join(" "));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    insta::assert_snapshot!(pages.join("\n"), @r"
    comment.added comment.added
    clock.started task.assigned task.opened stage.entered steward.assigned instance.created
    ");
    server.stop().await;
}

#[tokio::test]
async fn deadlines_are_explained_day_by_day() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let request = pb::InstanceServiceExplainDeadlinesRequest { instance: "p-1".to_owned() };
    let explained = server.instances().explain_deadlines(by("bert", request)).await.unwrap();
    let deadlines = explained.into_inner().deadlines;
    let walk = deadlines[0].walk.as_ref().unwrap();

    let limit = Some(pb::Limit { length: Some(pb::limit::Length::Amount("3wd".to_owned())) });
    let compute = pb::CalendarServiceComputeRequest {
        calendar: "plain".to_owned(),
        start: Some(instant(START.0)),
        limit,
    };
    let computed = server.calendars().compute(by("bert", compute)).await.unwrap().into_inner();
    assert_eq!(computed.walk.as_ref(), Some(walk));
    let days: Vec<String> =
        walk.steps.iter().map(|step| format!("{} {:?}", step.date, step.verdict())).collect();
    insta::assert_snapshot!(format!("{}\ndue {}", days.join("\n"), walk.due_local), @r"
    2025-01-06 Start
    2025-01-07 Counted
    2025-01-08 Counted
    2025-01-09 Counted
    2025-01-09 Due
    due 2025-01-09T17:00:00
    ");
    server.stop().await;
}

#[tokio::test]
async fn calendars_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let mut calendars = server.calendars();
    let list = pb::CalendarServiceListRequest::default();
    let list = calendars.list(by("bert", list)).await.unwrap().into_inner();
    assert_eq!(list.calendars[0].horizon, "2026-12-31");
    let get = |name: &str| pb::CalendarServiceGetRequest { calendar: name.to_owned() };
    let plain = calendars.get(by("bert", get("plain"))).await.unwrap().into_inner();
    let plain = plain.calendar.unwrap();
    assert_eq!(plain.seasons[0].windows, ["09:00-12:00", "13:00-17:00"]);
    assert_eq!(plain.rest_days, [6, 7]);
    assert_eq!(plain.years[0].days_off, ["2025-01-01"]);
    assert_eq!(
        refusal(calendars.get(by("bert", get("moon"))).await),
        "NotFound CALENDAR_NOT_FOUND"
    );
    server.stop().await;
}

/// A question that nothing can answer is refused, with what to ask instead: an empty list would say
/// that there is nothing.
#[tokio::test]
async fn a_filter_that_can_find_nothing_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let list = |filter: &str| {
        let filter = filter.to_owned();
        by("bert", pb::InstanceServiceListRequest { filter, ..Default::default() })
    };
    let mut instances = server.instances();
    let mut refused = Vec::new();
    for filter in ["fields.plots = 3", "fields.aplicant = \"Ann Ltd\"", "fields.zzz = 1"] {
        refused.push(told(instances.list(list(filter)).await));
    }
    for filter in ["kind = \"task.complete\"", "kind = \"nothing.*\""] {
        let filter = filter.to_owned();
        let request = pb::EventServiceListRequest { filter: filter.clone(), ..Default::default() };
        refused.push(told(server.events().list(by("bert", request)).await));
        let request = pb::EventServiceSubscribeRequest { filter, ..Default::default() };
        assert!(server.events().subscribe(by("bert", request)).await.is_err());
    }
    insta::assert_snapshot!(refused.join("\n"), @r"
    InvalidArgument INVALID_REQUEST: `filter`: the field `plots` of `permit` is not indexed: say `indexed: true` there, ask for another `workflow`, or ask a ledger
      filter: the field `plots` of `permit` is not indexed: say `indexed: true` there, ask for another `workflow`, or ask a ledger
    InvalidArgument INVALID_REQUEST: `filter`: no workflow declares a field `aplicant`; did you mean `applicant`?
      filter: no workflow declares a field `aplicant`; did you mean `applicant`?
    InvalidArgument INVALID_REQUEST: `filter`: no workflow declares a field `zzz`
      filter: no workflow declares a field `zzz`
    InvalidArgument INVALID_REQUEST: `filter`: there are no events of kind `task.complete`; did you mean `task.completed`?
      filter: there are no events of kind `task.complete`; did you mean `task.completed`?
    InvalidArgument INVALID_REQUEST: `filter`: there are no events of kind `nothing.*`
      filter: there are no events of kind `nothing.*`
    ");
    let found = instances.list(list("fields.applicant = \"Ann Ltd\"")).await.unwrap();
    assert_eq!(found.into_inner().instances.len(), 1);
    for kind in ["task.*", "task", "task.completed"] {
        let filter = format!("kind = \"{kind}\"");
        let request = pb::EventServiceListRequest { filter, ..Default::default() };
        server.events().list(by("bert", request)).await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn only_those_who_keep_the_rules_publish_and_activate() {
    let directory = tempfile::tempdir().unwrap();
    let sources = with_doris_outside(sources());
    let calendar = sources.files["rules/calendars/plain.yaml"].to_string();
    let calendar = calendar.replace("[2025-01-01]", "[2025-01-01, 2025-01-08]");
    let server = Server::start_with(directory.path(), sources).await;
    let content = WORKFLOW.replace("within: 3wd", "within: 90wd");
    let files = vec![pb::SourceFile { path: "workflows/permit.yaml".to_owned(), content }];
    let publish = pb::WorkflowServicePublishRequest { files };
    let activate = pb::WorkflowServiceActivateRequest { workflow: "permit".to_owned(), version: 0 };
    let of_calendar = |dry_run| pb::CalendarServicePublishRequest {
        calendar: "plain".to_owned(),
        content: calendar.clone(),
        dry_run,
    };
    let refused = server.workflows().publish(by("doris", publish.clone())).await;
    insta::assert_snapshot!(told(refused), @"PermissionDenied NOT_PERMITTED: you may not change what the service goes by: that is for `office`, `head`");
    for refused in [
        refusal(server.workflows().activate(by("doris", activate.clone())).await),
        refusal(server.calendars().publish(by("doris", of_calendar(false))).await),
    ] {
        assert_eq!(refused, "PermissionDenied NOT_PERMITTED");
    }
    for looker in ["doris", "portal"] {
        let tried = server.calendars().publish(by(looker, of_calendar(true))).await.unwrap();
        assert!(tried.into_inner().changes, "a dry run is a look");
    }
    let taken = refusal(server.calendars().publish(by("portal", of_calendar(false))).await);
    assert_eq!(taken, "PermissionDenied MEMBER_NEEDED");
    let published = server.workflows().publish(by("bert", publish)).await.unwrap().into_inner();
    assert_eq!(published.workflows.len(), 1, "who coordinates may");
    server.calendars().publish(by("bert", of_calendar(false))).await.unwrap();
    server.workflows().activate(by("bert", activate)).await.unwrap();
    server.stop().await;
}

/// However much is wrong with a file, the answer stays small.
#[tokio::test]
async fn of_very_many_findings_the_first_are_told_and_fewer_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let content = "a:\n".repeat(20_000);
    let files = vec![pb::SourceFile { path: "workflows/many.yaml".to_owned(), content }];
    let validate = pb::WorkflowServiceValidateRequest { files };
    let found = server.workflows().validate(by("bert", validate)).await.unwrap().into_inner();
    assert!(!found.publishable);
    assert_eq!(found.diagnostics.len(), limits::FINDINGS_OF_FILE_MAX + 1);
    let drawn = found.diagnostics.iter().filter(|it| it.rendered.contains('\n')).count();
    assert_eq!(drawn, limits::FINDINGS_DRAWN_MAX);
    let last = found.diagnostics.last().unwrap();
    assert_eq!((last.code.as_str(), last.path.as_str()), ("SB0007", "workflows/many.yaml"));
    server.stop().await;
}

#[tokio::test]
async fn workflows_are_checked_published_and_activated() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let mut workflows = server.workflows();
    let file = |content: String| {
        vec![pb::SourceFile { path: "workflows/permit.yaml".to_owned(), content }]
    };
    let broken = || file(WORKFLOW.replace("return_to: [intake]", "return_to: [intaek]"));
    let validate = pb::WorkflowServiceValidateRequest { files: broken() };
    let found = workflows.validate(by("bert", validate)).await.unwrap().into_inner();
    assert!(!found.publishable);
    insta::assert_snapshot!(found.diagnostics[0].rendered);
    let publish = pb::WorkflowServicePublishRequest { files: broken() };
    insta::assert_snapshot!(told(workflows.publish(by("chief", publish)).await), @r"
    InvalidArgument WORKFLOW_HAS_ERRORS: 1 error: nothing was changed
      workflows/permit.yaml:32:17: SB0103: unknown stage `intaek`
    ");

    let shorter = file(WORKFLOW.replace("within: 3wd", "within: 2wd"));
    let publish = pb::WorkflowServicePublishRequest { files: shorter };
    let published = workflows.publish(by("chief", publish)).await.unwrap().into_inner();
    let changed = &published.workflows[0];
    assert_eq!((changed.version, changed.before, changed.is_new), (2, Some(1), true));
    let get = |version| pb::WorkflowServiceGetRequest { workflow: "permit".to_owned(), version };
    let limit = |workflow: pb::Workflow| {
        workflow.stages[0].tasks[0].clock.as_ref().unwrap().limits[0].take.clone()
    };
    for (version, expected) in [(0, "2wd"), (1, "3wd"), (2, "2wd")] {
        let got = workflows.get(by("bert", get(version))).await.unwrap().into_inner();
        assert_eq!(limit(got.workflow.unwrap()), expected);
    }
    assert_eq!(refusal(workflows.get(by("bert", get(3))).await), "NotFound WORKFLOW_NOT_FOUND");

    let activate = |version| {
        let workflow = "permit".to_owned();
        by("chief", pb::WorkflowServiceActivateRequest { workflow, version })
    };
    let activated = workflows.activate(activate(1)).await.unwrap().into_inner().workflow.unwrap();
    assert_eq!((activated.active_version, activated.versions.len()), (Some(1), 2));
    assert_eq!(refusal(workflows.activate(activate(9)).await), "NotFound WORKFLOW_NOT_FOUND");
    let retired = workflows.activate(activate(0)).await.unwrap().into_inner().workflow.unwrap();
    assert_eq!((retired.active_version, retired.versions.len()), (None, 2));
    let none = pb::InstanceServiceCreateRequest {
        instance: "p-1".to_owned(),
        workflow: "permit".to_owned(),
        fields: Some(fields(&[("applicant", text("Ann Ltd"))])),
        ..Default::default()
    };
    let refused = server.instances().create(by("anna", none)).await;
    assert_eq!(refusal(refused), "NotFound WORKFLOW_NOT_ACTIVE");
    assert_eq!(
        workflows.activate(activate(1)).await.unwrap().into_inner().workflow.unwrap(),
        activated
    );
    let list = pb::WorkflowServiceListRequest::default();
    let list = workflows.list(by("bert", list)).await.unwrap().into_inner();
    assert_eq!(list.workflows, [activated]);

    let policies =
        pb::EscalationServiceListPoliciesRequest { workflow: "permit".to_owned(), version: 0 };
    let policies = server.escalations().list_policies(by("bert", policies)).await.unwrap();
    let policies = policies.into_inner();
    let steps = policies.policies[0].steps.iter().map(|step| format!("{} at {}", step.id, step.at));
    let steps = steps.collect::<Vec<_>>().join(", ");
    assert_eq!(steps, "L0 at 50%, L1 at due, L2 at +2wd");
    assert_eq!(policies.levels, ["L0", "L1", "L2"]);
    server.stop().await;
}

#[tokio::test]
async fn the_service_tells_about_itself() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let info = pb::AdminServiceInfoRequest {};
    let info = server.admin().info(by("bert", info)).await.unwrap().into_inner();
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert!(info.simulated_clock && info.accepts_commands);
    assert_eq!(info.partitions, u32::from(limits::PARTITIONS));
    assert_eq!(info.now, Some(instant(START.0)));
    assert!(info.next_due.unwrap().seconds > info.now.unwrap().seconds, "the papers have a limit");
    let statistics = info.statistics.unwrap();
    assert_eq!(statistics.accepted, 1);
    assert_eq!(statistics.lag.last().unwrap().up_to, None);
    server.stop().await;
}

#[tokio::test]
async fn health_and_reflection_need_no_actor() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let mut health = HealthClient::new(server.channel.clone());
    for service in ["", "sanbang.v1.InstanceService", "sanbang.v1.AdminService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let status = health.check(request).await.unwrap().into_inner().status();
        assert_eq!(status.as_str_name(), "SERVING", "{service}");
    }
    let mut reflection = ServerReflectionClient::new(server.channel.clone());
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = reflection.server_reflection_info(tokio_stream::once(request)).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else {
        panic!("{answer:?}");
    };
    let mut names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    insta::assert_snapshot!(names.join("\n"), @r"
    grpc.health.v1.Health
    grpc.reflection.v1.ServerReflection
    sanbang.v1.AdminService
    sanbang.v1.CalendarService
    sanbang.v1.EscalationService
    sanbang.v1.EventService
    sanbang.v1.InstanceService
    sanbang.v1.LedgerService
    sanbang.v1.OrganizationService
    sanbang.v1.TaskService
    sanbang.v1.WorkflowService
    ");
    server.stop().await;
}

#[tokio::test]
async fn a_server_listens_on_this_machine_alone() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let address: SocketAddr = address.parse().unwrap();
        let refused = server::bind(&server::Options { address }).await.unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("there is no authentication yet"), "{text}");
    }
}
