//! Ledgers and indicators over a real socket: a past instant shows what a recording of it shows,
//! totals are what they must be, and nothing is counted twice.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use prost::Message as _;
use sanbang::api::pb;
use sanbang::definition::ledger::source::{
    EscalationPart, ExtensionPart, LimitPart, LoggedPart, StayPart, TaskPart, WholePart,
};
use sanbang::definition::sources::Sources;

use super::api_fixture::{Server, by, fields, number, refusal, sources, text, told};
use super::random::{Random, Seed};

const MEMBERS: [&str; 3] = ["anna", "bert", "chief"];

/// A ledger of every kind of row, with every part that there is.
fn ledgers() -> String {
    fn words<P>(all: &[(&'static str, P)]) -> Vec<String> {
        all.iter().map(|(word, _)| (*word).to_owned()).collect()
    }
    let row = |words: Vec<String>| words.into_iter().map(|word| format!("row.{word}"));
    let whole = words(WholePart::ALL).into_iter();
    let stay = words(StayPart::ALL).into_iter();
    let of_stage = stay.flat_map(|it| [format!("current.{it}"), format!("stage.intake.{it}")]);
    let of_task = words(TaskPart::ALL).into_iter().map(|it| format!("task.papers.{it}"));
    let others = ["number", "field.applicant", "field.tier", "task.papers.form.pages", "current"];
    let activity =
        ["count", "first", "last", "last.summary"].map(|it| format!("activity.contact.{it}"));
    let instance: Vec<String> = whole
        .chain(of_stage)
        .chain(of_task)
        .chain(others.map(str::to_owned))
        .chain(activity)
        .collect();
    let stays = row(words(StayPart::ALL)).chain(["row.task.papers.done".to_owned()]).collect();
    let tasks = row(words(TaskPart::ALL)).collect();
    let logged = row(words(LoggedPart::ALL)).chain(["row.field.summary".to_owned()]).collect();
    let all: [(&str, Vec<String>); 7] = [
        ("instance", instance),
        ("stage", stays),
        ("task", tasks),
        ("activity", logged),
        ("limit", row(words(LimitPart::ALL)).collect()),
        ("escalation", row(words(EscalationPart::ALL)).collect()),
        ("extension", row(words(ExtensionPart::ALL)).collect()),
    ];
    let mut yaml = "ledgers:\n".to_owned();
    for (rows, columns) in all {
        let columns = columns.join(", ");
        write!(
            yaml,
            "  all_{rows}:\n    of: permit\n    rows: {rows}\n    columns:\n      \
             [id, {columns}]\n"
        )
        .unwrap();
    }
    yaml.push_str(
        "  totals:
    of: permit
    where: { status: { not: terminated }, field.area: { at_least: 10 } }
    order: [-field.area]
    columns:
      - number
      - { show: id, total: count }
      - { show: field.area, total: sum }
      - { show: field.tier, total: distinct }
      - { value: 'project.area * 2', type: decimal, title: { en: Twice, zh: 两倍 }, total: sum }
",
    );
    yaml
}

const INDICATORS: &str = "
indicators:
  by_status: { of: permit, by: status, count: {} }
  area: { of: permit, count: { at: created, sum: field.area } }
  tiers: { of: permit, count: { at: created, distinct: field.tier } }
  reviewed:
    of: permit
    ratio:
      denominator: { title: came in, at: stage.intake.entered }
      numerator: { title: went on to review, at: stage.review.entered }
  on_time:
    of: permit
    rows: task
    by: row.task
    where: { row.due: { empty: false } }
    ratio:
      denominator: { title: done, at: row.done }
      numerator: { title: on time, where: { row.on_time: true } }
  dwell: { of: permit, rows: stage, by: row.stage, distribution: { value: row.dwell, at: row.left } }
  wait: { of: permit, distribution: { from: created, to: ended, in: wd, at: ended } }
  ageing:
    of: permit
    rows: limit
    where: { row.state: [running, paused], row.days_over: { at_least: 1 } }
    bands: { value: row.days_over, up_to: [2, 5, 10] }
  funnel: { of: permit, funnel: { amount: field.area } }
  load: { of: permit, rows: task, where: { row.state: open }, spread: { per: row.holder, among: [office] } }
  reds:
    of: permit
    rows: escalation
    where: { row.light: red }
    repeats: { per: row.owner, at: row.raised, within: quarter, at_least: 2 }
  hands: { of: permit, held: { per: holder } }
  roles: { of: permit, held: { per: role } }
";

/// The small configuration with ledgers and indicators.
pub(crate) fn configuration() -> Sources {
    let mut sources = sources();
    sources.files.insert("rules/ledgers.yaml".to_owned(), ledgers().into());
    sources.files.insert("rules/indicators.yaml".to_owned(), INDICATORS.into());
    sources
}

/// A ledger as Anna sees it.
pub(crate) async fn query(
    server: &Server,
    ledger: &str,
    as_of: Option<prost_types::Timestamp>,
) -> pb::LedgerServiceQueryResponse {
    let request = pb::LedgerServiceQueryRequest {
        ledger: ledger.to_owned(),
        as_of,
        page_size: 1000,
        ..Default::default()
    };
    server.ledgers().query(by("anna", request)).await.unwrap().into_inner()
}

async fn indicators(
    server: &Server,
    as_of: Option<prost_types::Timestamp>,
    names: &[&str],
) -> pb::LedgerServiceIndicatorsResponse {
    let indicators = names.iter().map(|name| (*name).to_owned()).collect();
    let request = pb::LedgerServiceIndicatorsRequest { indicators, as_of, ..Default::default() };
    server.ledgers().indicators(by("anna", request)).await.unwrap().into_inner()
}

async fn export(
    server: &Server,
    as_of: Option<prost_types::Timestamp>,
    format: pb::LedgerFormat,
) -> Vec<u8> {
    let request = pb::LedgerServiceExportRequest {
        ledger: "all_instance".to_owned(),
        as_of,
        language: pb::Language::Chinese.into(),
        format: format.into(),
        ..Default::default()
    };
    let mut pieces = server.ledgers().export(by("anna", request)).await.unwrap().into_inner();
    let mut content = Vec::new();
    while let Some(piece) = pieces.message().await.unwrap() {
        content.extend(piece.content);
    }
    content
}

/// Everything that can be asked, as bytes by name.
pub(crate) async fn everything(
    server: &Server,
    as_of: Option<prost_types::Timestamp>,
) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for rows in ["instance", "stage", "task", "activity", "limit", "escalation", "extension"] {
        let ledger = format!("all_{rows}");
        let response = query(server, &ledger, as_of).await;
        assert_eq!(response.rows.len() as u64, response.total_rows);
        all.insert(ledger, response.encode_to_vec());
    }
    all.insert("totals".to_owned(), query(server, "totals", as_of).await.encode_to_vec());
    all.insert("indicators".to_owned(), indicators(server, as_of, &[]).await.encode_to_vec());
    for (name, format) in [("csv", pb::LedgerFormat::Csv), ("xlsx", pb::LedgerFormat::Xlsx)] {
        all.insert(name.to_owned(), export(server, as_of, format).await);
    }
    all
}

/// Who holds the latest open task, its number, and that of the latest clock.
fn at_hand(view: &pb::Instance) -> (Option<String>, u32, u32) {
    let task = view.tasks.iter().rev().find(|task| task.end.is_none());
    let holder = task.and_then(|task| task.holder.as_ref()).map(|holder| holder.member.clone());
    let task = task.and_then(|task| task.reference.as_ref()).map_or(1, |task| task.number);
    let clock = view.clocks.last().and_then(|clock| clock.reference.as_ref());
    let clock = clock.map_or(1, |clock| clock.number);
    (holder, task, clock)
}

/// One wish of somebody; a refusal is as good as an acceptance.
pub(crate) async fn wish(server: &Server, random: &mut Random, instance: &str) {
    let anybody = *random.pick(&MEMBERS);
    let instance = instance.to_owned();
    let view = server.get(&instance).await;
    let (holder, task, clock) = at_hand(&view);
    let reason = || "because".to_owned();
    let wanted = random.below(18);
    // Who asks for more time holds the task, and who decides stands above.
    let member = match wanted {
        12 => holder.as_deref().unwrap_or("anna"),
        13 | 14 => "chief",
        _ => anybody,
    };
    macro_rules! ask {
        ($client:ident.$method:ident($request:ident { $($field:ident: $value:expr),* $(,)? })) => {{
            let request = pb::$request { instance, $($field: $value,)* ..Default::default() };
            drop(server.$client().$method(by(member, request)).await);
        }};
    }
    match wanted {
        0..4 => ask!(tasks.complete(TaskServiceCompleteRequest {
            task: task,
            outcome: (*random.pick(&["complete", "incomplete", ""])).to_owned(),
            form: Some(fields(&[("pages", number(3.0))])),
        })),
        4 => ask!(tasks.check(TaskServiceCheckRequest {
            task: task,
            item: "seal".to_owned(),
            checked: true,
        })),
        5..8 => ask!(instances.advance(InstanceServiceAdvanceRequest {})),
        8 => ask!(instances.r#return(InstanceServiceReturnRequest {
            target: "intake".to_owned(),
            reason: reason(),
        })),
        9 => ask!(instances.suspend(InstanceServiceSuspendRequest { reason: reason() })),
        10 => ask!(instances.resume(InstanceServiceResumeRequest {})),
        11 => ask!(tasks.claim(TaskServiceClaimRequest { task: task })),
        12 => {
            let length = pb::limit::Length::Amount("2wd".to_owned());
            let by = Some(pb::Limit { length: Some(length) });
            ask!(tasks.request_extension(TaskServiceRequestExtensionRequest {
                task: task,
                by: by,
                reason: reason(),
            }));
        }
        13 => ask!(tasks.decide_extension(TaskServiceDecideExtensionRequest {
            task: task,
            verdict: (*random.pick(&[pb::Verdict::Grant, pb::Verdict::Refuse])).into(),
        })),
        14 => ask!(escalations.acknowledge(EscalationServiceAcknowledgeRequest {
            clock: clock,
            recovery_plan: "more people".to_owned(),
            promised: "2025-02-28".to_owned(),
        })),
        15 | 16 => ask!(instances.log_activity(InstanceServiceLogActivityRequest {
            activity: "contact".to_owned(),
            fields: Some(fields(&[("summary", text("called"))])),
        })),
        _ if random.below(3) == 0 => ask!(
            instances
                .terminate(InstanceServiceTerminateRequest { reason_code: "withdrawn".to_owned() })
        ),
        _ => ask!(instances.reassign(InstanceServiceReassignRequest {
            to: (*random.pick(&MEMBERS)).to_owned(),
            reason: reason(),
        })),
    }
}

/// An instance with an area and a tier.
pub(crate) async fn create(server: &Server, random: &mut Random, instance: &str) {
    let area = *random.pick(&[8.0, 12.5, 40.0, 7_000_000.25]);
    let tier = *random.pick(&["gold", "silver"]);
    let given = [("applicant", text(instance)), ("area", number(area)), ("tier", text(tier))];
    let request = pb::InstanceServiceCreateRequest {
        instance: instance.to_owned(),
        workflow: "permit".to_owned(),
        fields: Some(fields(&given)),
        steward: (*random.pick(&["anna", "bert"])).to_owned(),
        ..Default::default()
    };
    server.instances().create(by("anna", request)).await.unwrap();
}

#[tokio::test]
async fn a_past_instant_shows_what_a_recording_of_it_shows() {
    let seed = Seed::from_environment("SANBANG_LEDGER_SEED", 20_250_106);
    let mut random = seed.random();
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    let mut recorded = Vec::new();
    let mut hours = 0;
    for round in 0..20 {
        create(&server, &mut random, &format!("p-{round:02}")).await;
        for _ in 0..8 {
            let instance = format!("p-{:02}", random.below(round + 1));
            wish(&server, &mut random, &instance).await;
        }
        let now = query(&server, "totals", None).await.as_of.unwrap();
        recorded.push((now, everything(&server, Some(now)).await));
        assert_eq!(everything(&server, Some(now)).await, recorded[recorded.len() - 1].1);
        hours += 1 + i64::try_from(random.below(60)).unwrap();
        server.advance_clock(hours).await;
    }
    for (as_of, before) in &recorded {
        let later = everything(&server, Some(*as_of)).await;
        for (name, content) in before {
            assert!(later[name] == *content, "{name} as of {as_of} is not what it was");
        }
    }
    // The run is worth something: every kind of row occurred.
    for rows in ["stage", "task", "activity", "limit", "escalation", "extension"] {
        let ledger = format!("all_{rows}");
        assert!(query(&server, &ledger, None).await.total_rows > 0, "no {rows}");
    }
    server.stop().await;
}

/// The cells of a row as texts.
pub(crate) fn values(row: &[pb::Cell]) -> Vec<String> {
    use pb::cell::Value;
    let value = |cell: &pb::Cell| match &cell.value {
        None => String::new(),
        Some(Value::Text(it) | Value::Decimal(it) | Value::Date(it) | Value::Time(it)) => {
            it.clone()
        }
        Some(Value::Integer(number)) => number.to_string(),
    };
    row.iter().map(value).collect()
}

async fn three(server: &Server) {
    for (instance, area, tier) in
        [("a", 12.5, "gold"), ("b", 30.0, "gold"), ("c", 5.0, "silver"), ("d", 100.0, "silver")]
    {
        let given = [("applicant", text("x")), ("area", number(area)), ("tier", text(tier))];
        let request = pb::InstanceServiceCreateRequest {
            instance: instance.to_owned(),
            workflow: "permit".to_owned(),
            fields: Some(fields(&given)),
            steward: "anna".to_owned(),
            ..Default::default()
        };
        server.instances().create(by("anna", request)).await.unwrap();
    }
    let request = pb::InstanceServiceTerminateRequest {
        instance: "d".to_owned(),
        reason_code: "withdrawn".to_owned(),
        ..Default::default()
    };
    server.instances().terminate(by("anna", request)).await.unwrap();
}

#[tokio::test]
async fn rows_are_tested_sorted_numbered_added_up_and_paged() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    three(&server).await;
    let sheet = query(&server, "totals", None).await;
    let rows: Vec<_> = sheet.rows.iter().map(|row| values(&row.cells)).collect();
    assert_eq!(rows, [["1", "b", "30", "gold", "60"], ["2", "a", "12.5", "gold", "25"]]);
    assert_eq!(values(&sheet.totals), ["Total", "2", "42.5", "1", "85"]);

    let mut request = pb::LedgerServiceQueryRequest {
        ledger: "all_instance".to_owned(),
        page_size: 3,
        ..Default::default()
    };
    let page = server.ledgers().query(by("bert", request.clone())).await.unwrap().into_inner();
    assert_eq!((page.rows.len(), page.total_rows), (3, 4));
    // What happens between two pages is not on the second one.
    server.advance_clock(1).await;
    server.create("e", "y").await;
    request.page_token = page.next_page_token;
    let page = server.ledgers().query(by("bert", request.clone())).await.unwrap().into_inner();
    let last: Vec<_> = page.rows.iter().map(|row| row.instance.as_str()).collect();
    assert_eq!((last, page.total_rows, page.next_page_token.as_str()), (vec!["d"], 4, ""));

    request.page_token = String::new();
    request.filter = "status = \"terminated\" AND group = \"office\"".to_owned();
    let page = server.ledgers().query(by("bert", request)).await.unwrap().into_inner();
    let found: Vec<_> = page.rows.iter().map(|row| row.instance.as_str()).collect();
    assert_eq!(found, ["d"]);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    let ask = async |ledger: &str, hours: i64, filter: &str| {
        let as_of = super::api_fixture::instant(super::api_fixture::START.0 + hours * 3_600_000);
        let request = pb::LedgerServiceQueryRequest {
            ledger: ledger.to_owned(),
            as_of: Some(as_of),
            filter: filter.to_owned(),
            ..Default::default()
        };
        server.ledgers().query(by("anna", request)).await
    };
    assert_eq!(refusal(ask("nothing", 0, "").await), "NotFound LEDGER_NOT_FOUND");
    insta::assert_snapshot!(told(ask("totals", 5, "").await), @r"
    InvalidArgument INVALID_REQUEST: `as_of`: nothing is known of after 2025-01-06T01:00:00Z
      as_of: nothing is known of after 2025-01-06T01:00:00Z
    ");
    let unknown = ask("totals", 0, "level = \"L1\"").await;
    assert_eq!(refusal(unknown), "InvalidArgument INVALID_REQUEST");
    let request = pb::LedgerServiceIndicatorsRequest {
        indicators: vec!["nothing".to_owned()],
        ..Default::default()
    };
    let asked = server.ledgers().indicators(by("anna", request)).await;
    assert_eq!(refusal(asked), "NotFound LEDGER_NOT_FOUND");
    server.stop().await;
}

fn figures(response: &pb::LedgerServiceIndicatorsResponse) -> String {
    let mut text = String::new();
    for report in &response.indicators {
        writeln!(text, "{}: {} / {}", report.id, report.numerator, report.denominator).unwrap();
        for it in &report.figures {
            let (keys, basis) = (it.keys.join(" "), it.basis().as_str_name());
            let basis = basis.trim_start_matches("FIGURE_BASIS_");
            writeln!(
                text,
                "  {keys} {} {} {basis} {} = {}/{} n={}",
                it.name, it.measure, it.value, it.numerator, it.denominator, it.n
            )
            .unwrap();
        }
    }
    text
}

#[tokio::test]
async fn figures_carry_what_they_are_a_share_of_and_count_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    three(&server).await;
    server.advance_clock(6).await;
    for instance in ["a", "b"] {
        let (task, holder) = server.open_task("anna", (instance, "papers")).await;
        let request = pb::TaskServiceCheckRequest {
            instance: instance.to_owned(),
            task,
            item: "seal".to_owned(),
            checked: true,
            ..Default::default()
        };
        server.tasks().check(by(&holder, request)).await.unwrap();
        server.complete("anna", (instance, "papers"), "complete", &[("pages", number(3.0))]).await;
    }
    let request =
        pb::InstanceServiceAdvanceRequest { instance: "a".to_owned(), ..Default::default() };
    server.instances().advance(by("anna", request)).await.unwrap();
    server.advance_clock(24 * 9).await;
    let response = indicators(&server, None, &[]).await;
    insta::assert_snapshot!("figures", figures(&response));
    server.stop().await;
}

const GOALS: &str = "
indicators:
  area:
    of: permit
    count: { at: created, sum: field.area }
    target: { at_least: { 2025: 150, 2026: 200 } }
  at_hand: { of: permit, by: status, count: {}, target: { at_most: { 2025: 2 } } }
  reviewed:
    of: permit
    ratio:
      denominator: { title: came in, at: stage.intake.entered }
      numerator: { title: went on to review, at: stage.review.entered }
    target: { at_least: 0 }
  ends: { of: permit, distribution: { value: field.area, at: ended }, target: { figure: max, at_most: 100 } }
  granted: { of: permit, distribution: { value: field.area, at: stage.grant.left }, target: { at_most: 1 } }
";

/// Every figure that has a target in a period: its name, keys, value, and what is said of it.
async fn goals(server: &Server, from: &str, to: &str) -> Vec<String> {
    let request = pb::LedgerServiceIndicatorsRequest {
        from: from.to_owned(),
        to: to.to_owned(),
        ..Default::default()
    };
    let response = server.ledgers().indicators(by("anna", request)).await.unwrap().into_inner();
    let mut told = Vec::new();
    for report in &response.indicators {
        for it in &report.figures {
            let Some(target) = &it.target else { continue };
            let bound = match target.bound() {
                pb::TargetBound::AtLeast => "at least",
                pb::TargetBound::AtMost => "at most",
                pb::TargetBound::Unspecified => panic!("no bound"),
            };
            let (keys, measure, value) = (it.keys.join(" "), &it.measure, &it.value);
            let (goal, year, reached) = (&target.goal, target.year, target.reached);
            let id = &report.id;
            told.push(format!("{id} {keys} {measure} {value}: {bound} {goal} {year} {reached:?}"));
        }
    }
    told
}

#[tokio::test]
async fn a_goal_is_told_with_its_figure_and_whether_it_is_reached() {
    let mut configuration = configuration();
    configuration.files.insert("rules/indicators.yaml".to_owned(), GOALS.into());
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration).await;
    three(&server).await;
    let always = [
        "at_hand active count 3: at most 2 2025 Some(false)",
        "at_hand terminated count 1: at most 2 2025 Some(true)",
        "reviewed  ratio 0: at least 0 0 Some(true)",
        "reviewed  ratio 0: at least 0 0 Some(true)",
        "ends  max 100: at most 100 0 Some(true)",
        "granted  p50 : at most 1 0 None",
    ];
    // The goal of a year is compared with periods of that year only.
    let told = goals(&server, "2025-01-01", "").await;
    assert_eq!(told[0], "area  sum 147.5: at least 150 2025 Some(false)");
    assert_eq!(told[1..], always);
    assert_eq!(goals(&server, "", "").await, always);
    assert_eq!(goals(&server, "2024-12-01", "2025-12-31").await, always);

    // One more, and the year's goal is reached; another year has another goal.
    let request = pb::InstanceServiceCreateRequest {
        instance: "e".to_owned(),
        workflow: "permit".to_owned(),
        fields: Some(fields(&[
            ("applicant", text("x")),
            ("area", number(2.5)),
            ("tier", text("gold")),
        ])),
        ..Default::default()
    };
    server.instances().create(by("anna", request)).await.unwrap();
    let told = goals(&server, "2025-01-01", "2025-12-31").await;
    assert_eq!(told[0], "area  sum 150: at least 150 2025 Some(true)");
    let told = goals(&server, "2026-01-01", "2026-12-31").await;
    assert_eq!(told[0], "area  sum 0: at least 200 2026 Some(false)");
    server.stop().await;
}
