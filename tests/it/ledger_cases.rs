//! What ledgers and indicators tell in corner cases, over a real socket: limits that stand still or
//! end with their day, paths that end with a stage passed over, numbers that are too large.

use sanbang::api::pb;
use sanbang::definition::sources::Sources;

use super::api_fixture::{Server, boolean, by, fields, text};
use super::ledger_past::publish;
use super::ledger_turns::{begin, desk, figures, rows};
use super::ledgers::{query, values};

/// The desk with other ledgers and indicators.
fn asked(ledgers: &str, indicators: &str) -> Sources {
    let mut sources = desk();
    let files = [("rules/ledgers.yaml", ledgers), ("rules/indicators.yaml", indicators)];
    for (path, text) in files {
        sources.files.insert(path.to_owned(), text.into());
    }
    sources
}

const STILL: &str = "
ledgers:
  lights:
    of: desk
    rows: limit
    where: { row.what: [papers, stage, only] }
    columns: [row.what, row.state, row.days_left, row.days_over]
  tasks:
    of: desk
    rows: task
    columns: [current.days_left, row.days_left, row.days_over]
";

const LATE: &str = "
indicators:
  late: { of: desk, rows: limit, where: { row.days_over: { at_least: 1 } }, count: {} }
";

#[tokio::test]
async fn a_limit_that_stands_still_is_told_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let server = begin(directory.path(), asked(STILL, LATE)).await;
    server.advance_clock(24).await;
    let reason = "the board meets".to_owned();
    let instance = "d-1".to_owned();
    let suspend = pb::InstanceServiceSuspendRequest { instance, reason, ..Default::default() };
    server.instances().suspend(by("anna", suspend)).await.unwrap();
    let lights = ["Only | paused | 9 | ", "Papers | paused | 5 | "];
    assert_eq!(rows(&server, "lights").await, lights);
    // On Thursday the 23rd both due times lie behind, but nothing has run out.
    server.advance_clock(17 * 24).await;
    assert_eq!(rows(&server, "lights").await, lights);
    assert_eq!(rows(&server, "tasks").await, ["9 | 5 | "]);
    assert_eq!(figures(&server, "late").await, ["0"]);
    server.stop().await;
}

#[tokio::test]
async fn the_first_working_day_after_a_limit_that_ends_with_its_day_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let mut configuration = asked(STILL, LATE);
    let path = "workflows/desk.yaml";
    let words = configuration.files[path].replace("sla: { within: 6wd", "sla: { within: 3cd");
    configuration.files.insert(path.to_owned(), words.into());
    let server = begin(directory.path(), configuration).await;
    // From Monday the 6th on three days: until Thursday the 9th at 24:00.
    let told = [
        (2, "1 | "),
        (3, "0 | "),
        (4, "-1 | 1"),
        // The weekend has no working days, and Monday the 13th is the second one.
        (6, "-1 | 1"),
        (7, "-2 | 2"),
    ];
    for (days, expected) in told {
        server.advance_clock(days * 24).await;
        let rows = rows(&server, "tasks").await;
        let (_, own) = rows[0].split_once(" | ").unwrap();
        assert_eq!(own, expected, "after {days} days");
    }
    server.stop().await;
}

const WAY: &str = "
workflow: way
title: { en: Way, zh: 路径 }
calendar: plain
fields:
  urgent: { type: boolean }
stages:
  - { id: first, title: { en: First, zh: 甲 } }
  - id: second
    title: { en: Second, zh: 乙 }
    skip_when: 'project.urgent == true'
    return_to: [first]
";

const FUNNEL: &str = "
indicators:
  way: { of: way, funnel: {} }
";

#[tokio::test]
async fn the_end_of_the_path_is_where_the_path_ended() {
    let directory = tempfile::tempdir().unwrap();
    let mut configuration = asked(STILL, FUNNEL);
    configuration.files.insert("workflows/way.yaml".to_owned(), WAY.into());
    let server = Server::start_with(directory.path(), configuration).await;
    for (instance, urgent) in [("passes-over", true), ("goes-back", false), ("stays", false)] {
        let request = pb::InstanceServiceCreateRequest {
            instance: instance.to_owned(),
            workflow: "way".to_owned(),
            fields: Some(fields(&[("urgent", boolean(urgent))])),
            steward: "anna".to_owned(),
            ..Default::default()
        };
        server.instances().create(by("anna", request)).await.unwrap();
    }
    for instance in ["passes-over", "goes-back"] {
        let instance = instance.to_owned();
        let request = pb::InstanceServiceAdvanceRequest { instance, ..Default::default() };
        server.instances().advance(by("anna", request)).await.unwrap();
    }
    let request = pb::InstanceServiceReturnRequest {
        instance: "goes-back".to_owned(),
        target: "first".to_owned(),
        reason: "a page is missing".to_owned(),
        ..Default::default()
    };
    server.instances().r#return(by("anna", request)).await.unwrap();
    let request = pb::LedgerServiceIndicatorsRequest::default();
    let response = server.ledgers().indicators(by("anna", request)).await.unwrap().into_inner();
    let told = response.indicators[0].figures.iter().filter(|it| it.measure == "count");
    let told: Vec<String> = told.map(|it| format!("{} {}", it.name, it.value)).collect();
    // Of those that began, and of those that came: who passed a stage over came beyond it.
    let expected =
        ["First 3", "First 3", "Second 2", "Second 2", "end of the path 1", "end of the path 1"];
    assert_eq!(told, expected);
    server.stop().await;
}

const LARGE: &str = "
workflow: large
title: { en: Large, zh: 巨额 }
calendar: plain
fields:
  amount: { type: decimal }
activities:
  payment: { fields: { amount: { type: decimal } } }
stages:
  - { id: only, title: { en: Only, zh: 唯一 } }
";

const AMOUNTS: &str = "
ledgers:
  amounts:
    of: large
    columns: [id, { show: field.amount, total: sum }, activity.payment.sum.amount]
";

const SUMS: &str = "
indicators:
  sum: { of: large, count: { sum: field.amount } }
  funnel: { of: large, funnel: { amount: field.amount } }
  ratio:
    of: large
    ratio:
      denominator: { title: promised, sum: field.amount }
      numerator: { title: kept, where: { status: completed }, sum: field.amount }
";

#[tokio::test]
async fn a_sum_that_is_too_large_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let mut configuration = asked(AMOUNTS, SUMS);
    configuration.files.insert("workflows/large.yaml".to_owned(), LARGE.into());
    let server = Server::start_with(directory.path(), configuration).await;
    let most = "79228162514264337593543950335";
    for instance in ["one", "two"] {
        let request = pb::InstanceServiceCreateRequest {
            instance: instance.to_owned(),
            workflow: "large".to_owned(),
            fields: Some(fields(&[("amount", text(most))])),
            steward: "anna".to_owned(),
            ..Default::default()
        };
        server.instances().create(by("anna", request)).await.unwrap();
        for _ in 0..2 {
            let request = pb::InstanceServiceLogActivityRequest {
                instance: "two".to_owned(),
                activity: "payment".to_owned(),
                fields: Some(fields(&[("amount", text(most))])),
                ..Default::default()
            };
            if instance == "two" {
                server.instances().log_activity(by("anna", request)).await.unwrap();
            }
        }
    }
    let sheet = query(&server, "amounts", None).await;
    let cells: Vec<_> = sheet.rows.iter().map(|row| values(&row.cells)).collect();
    assert_eq!(cells, [["one", most, "0"], ["two", most, ""]]);
    assert_eq!(values(&sheet.totals)[1..], ["", ""]);
    assert_eq!(figures(&server, "sum").await, [""]);
    assert_eq!(figures(&server, "ratio").await, [""]);
    let funnel = figures(&server, "funnel").await;
    assert_eq!(funnel[..2], ["2", ""], "{funnel:?}");
    server.stop().await;
}

const MEETINGS: &str = "
ledgers:
  meetings:
    of: desk
    rows: { task: meeting }
    columns: [row.task, row.state, row.opened]
  desks:
    of: desk
    where: { task.meeting.outcome: { not: settled } }
    columns: [task.meeting.state]
";

#[tokio::test]
async fn a_task_that_an_escalation_opens_has_its_title_and_can_be_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut configuration = asked(MEETINGS, LATE);
    let path = "rules/escalation.yaml";
    let words = configuration.files[path].replace("recovery_plan", "recovery_plan, task: meeting");
    let words = format!(
        "{words}tasks:\n  meeting: {{ title: {{ en: Meeting, zh: 会议 }}, role: head, \
         outcomes: [settled] }}\n"
    );
    configuration.files.insert(path.to_owned(), words.into());
    let server = begin(directory.path(), configuration).await;
    assert_eq!(rows(&server, "desks").await, [""]);
    // The papers are due on Tuesday the 14th at 17:00.
    server.advance_clock(9 * 24).await;
    assert_eq!(rows(&server, "meetings").await, ["Meeting | open | 2025-01-14 17:00"]);
    assert_eq!(rows(&server, "desks").await, ["open"]);
    server.stop().await;
}

const STAGES: &str = "
indicators:
  stages: { of: [desk, way, road], rows: stage, by: row.stage, count: {} }
  often:
    of: [desk, way, road]
    rows: stage
    repeats: { per: row.stage, at: row.entered, within: year, at_least: 2 }
";

#[tokio::test]
async fn a_stage_is_one_figure_under_its_newest_title() {
    let directory = tempfile::tempdir().unwrap();
    let mut configuration = asked(STILL, STAGES);
    let road = WAY.replace("workflow: way", "workflow: road").replace("First", "Kilometre");
    let road = road.replace("id: second", "id: only").replace("Second", "Only");
    for (path, text) in [("workflows/way.yaml", WAY), ("workflows/road.yaml", &road)] {
        configuration.files.insert(path.to_owned(), text.into());
    }
    let server = Server::start_with(directory.path(), configuration).await;
    let create = async |instance: &str, workflow: &str| {
        let request = pb::InstanceServiceCreateRequest {
            instance: instance.to_owned(),
            workflow: workflow.to_owned(),
            steward: "anna".to_owned(),
            ..Default::default()
        };
        server.instances().create(by("anna", request)).await.unwrap();
    };
    create("way-1", "way").await;
    let words = WAY.replace("en: First", "en: Begun");
    publish(&server, "chief", &[("workflows/way.yaml".to_owned(), words)]).await;
    server.advance_clock(1).await;
    create("way-2", "way").await;
    // A stage of that id elsewhere is another one, and one of the same title is the same.
    create("road-1", "road").await;
    create("desk-1", "desk").await;
    let instance = "road-1".to_owned();
    let request = pb::InstanceServiceAdvanceRequest { instance, ..Default::default() };
    server.instances().advance(by("anna", request)).await.unwrap();
    let request = pb::LedgerServiceIndicatorsRequest::default();
    let response = server.ledgers().indicators(by("anna", request)).await.unwrap().into_inner();
    let told = |at: usize| -> Vec<String> {
        let figures = response.indicators[at].figures.iter();
        figures.map(|it| format!("{}{} {}", it.keys.join(" "), it.name, it.value)).collect()
    };
    assert_eq!(told(0), ["Begun 2", "Kilometre 1", "Only 2"]);
    assert_eq!(told(1)[1..], ["Only 2025 2", " 1"]);
    server.stop().await;
}
