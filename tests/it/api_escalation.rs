//! What is to be read on a day, and calendars that are taken while clocks run.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::path::Path;

use sanbang::api::pb;

use super::api_fixture::{START, Server, by, instant, refusal, sources};

const HOUR_MS: i64 = 3_600_000;

async fn digest(server: &Server, request: pb::EscalationServiceDigestRequest) -> Vec<String> {
    let page = server.escalations().digest(by("anna", request)).await.unwrap().into_inner();
    let entries = page.entries.iter().map(|entry| {
        let fired = entry.fired.as_ref().unwrap();
        let at_once = if fired.digest_at.is_none() { "at once" } else { "digest" };
        format!("{} {} {} {at_once}", entry.instance, fired.level, fired.light().as_str_name())
    });
    entries.collect()
}

fn on(day: &str) -> pb::EscalationServiceDigestRequest {
    pb::EscalationServiceDigestRequest { day: day.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn yellow_is_read_in_the_morning_and_red_when_it_burns() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    server.create("p-2", "Bea Ltd").await;
    // Half of the three days are over on Tuesday at the close of business: read on Wednesday.
    server.advance_clock(24 + 20).await;
    assert_eq!(digest(&server, on("")).await, Vec::<String>::new());
    let wednesday = ["p-1 L0 LIGHT_YELLOW digest", "p-2 L0 LIGHT_YELLOW digest"];
    assert_eq!(digest(&server, on("2025-01-08")).await, wednesday);
    server.advance_clock(48 + 9).await;
    assert_eq!(digest(&server, on("")).await, wednesday);
    // On Thursday the limit runs out: that is told at once.
    server.advance_clock(72 + 20).await;
    let thursday = ["p-1 L1 LIGHT_RED at once", "p-2 L1 LIGHT_RED at once"];
    assert_eq!(digest(&server, on("")).await, thursday);
    assert_eq!(digest(&server, on("2025-01-08")).await, wednesday);

    // Page by page, by somebody else, by a group.
    let request = pb::EscalationServiceDigestRequest { page_size: 1, ..on("") };
    let page = server.escalations().digest(by("anna", request.clone())).await.unwrap();
    let page_token = page.into_inner().next_page_token;
    let second = pb::EscalationServiceDigestRequest { page_token, ..request };
    assert_eq!(digest(&server, second).await, thursday[1..]);
    let of = |member: &str, group: &str| pb::EscalationServiceDigestRequest {
        member: member.to_owned(),
        group: group.to_owned(),
        ..on("")
    };
    assert_eq!(digest(&server, of("bert", "")).await, Vec::<String>::new());
    assert_eq!(digest(&server, of("chief", "")).await, thursday);
    assert_eq!(digest(&server, of("", "office")).await, thursday);
    let of_chief =
        pb::EscalationServiceDigestRequest { day: "2025-01-08".into(), ..of("chief", "") };
    assert_eq!(digest(&server, of_chief).await, Vec::<String>::new(), "yellow is not for the head");
    for wrong in [of("nobody", ""), of("", "nowhere"), on("tomorrow")] {
        let refused = server.escalations().digest(by("chief", wrong)).await;
        assert_eq!(refusal(refused), "InvalidArgument INVALID_REQUEST");
    }
    // A service has no digest of its own.
    let refused = server.escalations().digest(by("portal", on(""))).await;
    assert_eq!(refusal(refused), "InvalidArgument INVALID_REQUEST");
    server.stop().await;
}

/// A server whose ladder tells the head every day, with the head absent on one of them.
async fn telling_daily(directory: &Path, absent_on: &str, substitute: &str) -> Server {
    let mut sources = sources();
    let daily = "notify: [head], repeat: { every: 1wd, times: 3 }";
    let ladder = sources.files["rules/escalation.yaml"]
        .replace("notify: [steward, head], require: recovery_plan, ack_within: 1wd", daily)
        .replace("+2wd", "+9wd");
    sources.files.insert("rules/escalation.yaml".to_owned(), ladder.into());
    let server = Server::start_with(directory, sources).await;
    let absence = pb::Absence {
        member: "chief".to_owned(),
        from: absent_on.to_owned(),
        to: absent_on.to_owned(),
        substitute: substitute.to_owned(),
        ..Default::default()
    };
    let absent = pb::OrganizationServicePutAbsenceRequest { absence: Some(absence) };
    server.organization().put_absence(by("chief", absent)).await.unwrap();
    server.create("p-1", "Ann Ltd").await;
    server
}

fn of(member: &str, day: &str) -> pb::EscalationServiceDigestRequest {
    pb::EscalationServiceDigestRequest { member: member.to_owned(), ..on(day) }
}

/// Who stood in when it was told first has nothing to read when it is told again.
#[tokio::test]
async fn what_is_told_again_is_read_by_those_who_were_told_again() {
    let directory = tempfile::tempdir().unwrap();
    let server = telling_daily(directory.path(), "2025-01-09", "bert").await;
    let told = ["p-1 L1 LIGHT_RED at once"];
    server.advance_clock(72 + 20).await;
    assert_eq!(digest(&server, of("bert", "2025-01-09")).await, told);
    assert_eq!(digest(&server, of("chief", "2025-01-09")).await, Vec::<String>::new());
    server.advance_clock(96 + 20).await;
    assert_eq!(digest(&server, of("chief", "2025-01-10")).await, told);
    assert_eq!(digest(&server, of("bert", "2025-01-10")).await, Vec::<String>::new());
    server.stop().await;
}

/// Told on Thursday, again on Friday to nobody, and on Monday.
#[tokio::test]
async fn what_is_told_again_to_nobody_is_read_by_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let server = telling_daily(directory.path(), "2025-01-10", "").await;
    server.advance_clock(72 + 20).await;
    let thursday = digest(&server, of("chief", "2025-01-09")).await;
    assert_eq!(thursday, ["p-1 L1 LIGHT_RED at once"]);
    server.advance_clock(96 + 20).await;
    assert_eq!(repeats(&server).await, 1);
    assert_eq!(digest(&server, of("chief", "2025-01-10")).await, Vec::<String>::new());
    assert_eq!(digest(&server, of("chief", "2025-01-09")).await.len(), 1, "it was told then");
    server.advance_clock(168 + 20).await;
    assert_eq!(repeats(&server).await, 2);
    assert_eq!(digest(&server, of("chief", "2025-01-13")).await, thursday);
    assert_eq!(digest(&server, of("chief", "2025-01-09")).await, Vec::<String>::new());
    server.stop().await;
}

/// How often the head was told again.
async fn repeats(server: &Server) -> u32 {
    let list = pb::EscalationServiceListRequest::default();
    let page = server.escalations().list(by("anna", list)).await.unwrap().into_inner();
    let mut clocks = page.escalations.into_iter().filter_map(|escalation| escalation.clock);
    let fired = clocks.find_map(|clock| clock.fired.into_iter().find(|fired| fired.level == "L1"));
    fired.unwrap().repeats
}

/// The small calendar with one more day off.
fn with_wednesday_off() -> String {
    let calendar = sources().files["rules/calendars/plain.yaml"].to_string();
    calendar.replace("[2025-01-01]", "[2025-01-01, 2025-01-08]")
}

async fn publish(
    server: &Server,
    content: &str,
    dry_run: bool,
) -> Result<tonic::Response<pb::CalendarServicePublishResponse>, tonic::Status> {
    let (calendar, content) = ("plain".to_owned(), content.to_owned());
    let request = pb::CalendarServicePublishRequest { calendar, content, dry_run };
    server.calendars().publish(by("chief", request)).await
}

async fn due(server: &Server) -> Option<prost_types::Timestamp> {
    let get = pb::TaskServiceGetRequest { instance: "p-1".to_owned(), task: 1 };
    let task = server.tasks().get(by("bert", get)).await.unwrap().into_inner();
    task.clock.unwrap().plan.unwrap().due
}

#[tokio::test]
async fn a_calendar_is_tried_out_before_it_moves_the_running_clocks() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Ann Ltd").await;
    let (thursday, friday) = (START.0 + (72 + 16) * HOUR_MS, START.0 + (96 + 16) * HOUR_MS);
    assert_eq!(due(&server).await, Some(instant(thursday)));

    let new = with_wednesday_off();
    let tried = publish(&server, &new, true).await.unwrap().into_inner();
    assert!(tried.changes);
    assert_eq!((tried.instances, tried.running_clocks, tried.moving_clocks), (1, 1, 1));
    let moved = &tried.moves[0];
    assert_eq!(moved.instance, "p-1");
    assert_eq!(moved.due_before, Some(instant(thursday)));
    assert_eq!(moved.due_after, Some(instant(friday)));
    server.advance_clock(1).await;
    assert_eq!(due(&server).await, Some(instant(thursday)), "a dry run takes nothing");

    let taken = publish(&server, &new, false).await.unwrap().into_inner();
    assert!(taken.changes && taken.digest == tried.digest);
    server.advance_clock(2).await;
    assert_eq!(due(&server).await, Some(instant(friday)));
    let again = publish(&server, &new, true).await.unwrap().into_inner();
    assert!(!again.changes);
    assert_eq!(again.moving_clocks, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_calendar_with_a_mistake_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let wrong = with_wednesday_off().replace("2025-01-08", "2025-01-88");
    for dry_run in [true, false] {
        let refused = publish(&server, &wrong, dry_run).await;
        assert_eq!(refusal(refused), "InvalidArgument WORKFLOW_HAS_ERRORS");
    }
    let renamed = with_wednesday_off().replace("calendar: plain", "calendar: other");
    let refused = publish(&server, &renamed, false).await;
    assert!(refusal(refused).starts_with("InvalidArgument"));
    server.stop().await;
}

/// Each reads every live instance: more of them at once would leave the others no thread.
#[tokio::test(flavor = "multi_thread")]
async fn few_calendars_are_tried_out_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let new = with_wednesday_off();
    let mut many = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (calendar, content) = ("plain".to_owned(), new.clone());
        let request = pb::CalendarServicePublishRequest { calendar, content, dry_run: true };
        let mut calendars = server.calendars();
        many.spawn(async move { calendars.publish(by("chief", request)).await });
    }
    let answers = many.join_all().await;
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(!refused.is_empty());
    for status in refused {
        assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status}");
        let details = tonic_types::StatusExt::get_error_details(&status);
        assert!(details.retry_info().is_some());
    }
    publish(&server, &new, true).await.unwrap();
    server.stop().await;
}
