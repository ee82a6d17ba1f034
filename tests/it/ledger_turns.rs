//! What ledgers tell of work that takes another turn, over a real socket: supplements, more time
//! for tasks, stages, cadences and suspensions, checks and conditions that are raised; and what the
//! shipped indicators tell of ratings.

use sanbang::api::pb;
use sanbang::definition::sources::Sources;

use super::api_fixture::{Server, boolean, by, fields, number, sources, text};
use super::ledgers::values;

const DESK: &str = "
workflow: desk
title: { en: Desk, zh: 柜台 }
calendar: plain
fields:
  behind: { type: integer }
  urgent: { type: boolean }
activities:
  contact: { fields: { words: { type: text } } }
suspension: { within: 20wd, escalation: plain }
extensions: { ask_before: 1wd, approvers: [{ role: head, at_most: 50% }] }
supplements: { within: 2wd, escalation: plain }
may_terminate: [withdrawn]
clocks:
  steward_contact: { every: 6wd, reset_by: [contact], escalation: plain }
  gap: { check: points_behind, on: { weekday: wednesday }, escalation: variance }
raise:
  - { id: pressing, when: 'project.urgent == true', level: L1, light: yellow, notify: [head], ack_within: 1wd }
stages:
  - id: only
    title: { en: Only, zh: 唯一 }
    sla: { within: 10wd, escalation: plain }
    tasks:
      - { id: papers, title: { en: Papers, zh: 材料 }, role: office, sla: { within: 6wd, escalation: plain } }
";

const VARIANCE: &str = "
  variance:
    - { value: 10, level: L1, light: yellow, notify: [steward] }
    - { value: 30, level: L2, light: red, notify: [head], ack_within: 5wd }
";

const LEDGERS: &str = "
ledgers:
  tasks:
    of: desk
    rows: task
    columns: [row.task, row.due, row.due_originally, row.extensions, row.dwell]
  extensions:
    of: desk
    rows: extension
    columns: [row.what, row.stage, row.amount, row.asked_by, row.decision, row.decided_by,
      row.due_originally, row.due_before, row.due_after]
  lights:
    of: desk
    rows: limit
    where: { row.light: [yellow, red] }
    order: [row.what]
    columns: [row.what, row.stage, row.state, row.light, row.level, row.owner, row.due, row.days_left,
      row.days_over, row.acknowledged_by]
  escalations:
    of: desk
    rows: escalation
    where: { row.what: [gap, pressing] }
    columns: [row.what, row.light, row.level, row.raised, row.due, row.told, row.state,
      row.acknowledged_by, row.cleared]
";

const INDICATORS: &str = "
indicators:
  holder: { of: desk, held: { per: holder } }
  role: { of: desk, held: { per: role } }
  late: { of: desk, rows: limit, where: { row.days_over: { at_least: 1 } }, count: {} }
";

pub(crate) fn desk() -> Sources {
    let mut sources = sources();
    let escalation = "rules/escalation.yaml";
    let ladders = format!("{}{VARIANCE}", sources.files[escalation].trim_end());
    let points = "fn points_behind(project, today) { project.behind }";
    for (path, text) in [
        ("workflows/desk.yaml", DESK),
        (escalation, &ladders),
        ("rules/gap.rhai", points),
        ("rules/ledgers.yaml", LEDGERS),
        ("rules/indicators.yaml", INDICATORS),
    ] {
        sources.files.insert(path.to_owned(), text.into());
    }
    sources
}

const PAPERS: u32 = 1;

fn d1() -> String {
    "d-1".to_owned()
}

/// A server with one desk, Anna's, begun on Monday the 6th of January at 01:00.
pub(crate) async fn begin(directory: &std::path::Path, configuration: Sources) -> Server {
    let server = Server::start_with(directory, configuration).await;
    let request = pb::InstanceServiceCreateRequest {
        instance: d1(),
        workflow: "desk".to_owned(),
        steward: "anna".to_owned(),
        ..Default::default()
    };
    server.instances().create(by("anna", request)).await.unwrap();
    server
}

pub(crate) async fn rows(server: &Server, ledger: &str) -> Vec<String> {
    let request = pb::LedgerServiceQueryRequest { ledger: ledger.to_owned(), ..Default::default() };
    let sheet = server.ledgers().query(by("anna", request)).await.unwrap().into_inner();
    sheet.rows.iter().map(|row| values(&row.cells).join(" | ")).collect()
}

/// The figures of an indicator, each by what it is about: hours, or a count.
pub(crate) async fn figures(server: &Server, indicator: &str) -> Vec<String> {
    let indicators = vec![indicator.to_owned()];
    let request = pb::LedgerServiceIndicatorsRequest { indicators, ..Default::default() };
    let response = server.ledgers().indicators(by("anna", request)).await.unwrap().into_inner();
    let told = |it: &pb::Figure| match it.measure.as_str() {
        "share" => format!("{} {}", it.name, it.numerator),
        _ => it.value.clone(),
    };
    response.indicators[0].figures.iter().map(told).collect()
}

#[tokio::test]
async fn a_task_that_waits_for_papers_is_in_the_hand_of_the_enterprise() {
    let directory = tempfile::tempdir().unwrap();
    let server = begin(directory.path(), desk()).await;
    // Monday 09:00 to 17:00 with an hour of rest is seven hours; then Anna asks for papers.
    server.advance_clock(17).await;
    let request = pb::TaskServiceRequestSupplementRequest {
        instance: d1(),
        task: PAPERS,
        what: "accounts".to_owned(),
        ..Default::default()
    };
    server.tasks().request_supplement(by("anna", request)).await.unwrap();
    assert_eq!(figures(&server, "holder").await, ["Anna 7"]);
    // They come on Tuesday at 18:00; on Wednesday Anna works on.
    server.advance_clock(17 + 24).await;
    assert_eq!(figures(&server, "holder").await, ["Anna 7", "the enterprise 7"]);
    let supply = |what: &str| pb::TaskServiceSupplyRequest {
        instance: d1(),
        task: PAPERS,
        what: what.to_owned(),
        ..Default::default()
    };
    server.tasks().supply(by("anna", supply("accounts"))).await.unwrap();
    server.advance_clock(17 + 48).await;
    assert_eq!(figures(&server, "holder").await, ["Anna 14", "the enterprise 7"]);
    assert_eq!(figures(&server, "role").await, ["Office 14", "the enterprise 7"]);
    // The limit of the task is its own, not that of the supplement, and a day later than it was.
    let told = rows(&server, "tasks").await;
    assert_eq!(told, ["Papers | 2025-01-15 17:00 | 2025-01-14 17:00 | 0 | 2"]);
    server.stop().await;
}

#[tokio::test]
async fn time_that_ran_out_for_papers_is_no_longer_the_enterprises() {
    let directory = tempfile::tempdir().unwrap();
    let server = begin(directory.path(), desk()).await;
    let request = pb::TaskServiceRequestSupplementRequest {
        instance: d1(),
        task: PAPERS,
        what: "accounts".to_owned(),
        ..Default::default()
    };
    server.tasks().request_supplement(by("anna", request)).await.unwrap();
    // Two working days after Monday: until Wednesday 17:00. On Thursday Anna goes on without them.
    server.advance_clock(4 * 24).await;
    assert_eq!(figures(&server, "holder").await, ["the enterprise 21", "Anna 7"]);
    // What ends with its instance waits no longer.
    let request = pb::InstanceServiceTerminateRequest {
        instance: d1(),
        reason_code: "withdrawn".to_owned(),
        ..Default::default()
    };
    server.instances().terminate(by("anna", request)).await.unwrap();
    server.advance_clock(5 * 24).await;
    assert_eq!(figures(&server, "holder").await, ["the enterprise 21", "Anna 7"]);
    server.stop().await;
}

#[tokio::test]
async fn two_people_of_one_name_are_two() {
    let mut configuration = desk();
    let organization = "rules/organization.yaml";
    let people = configuration.files[organization].replace("{ en: Bert", "{ en: Anna");
    configuration.files.insert(organization.to_owned(), people.as_str().into());
    let indicators = "
indicators:
  tasks: { of: desk, rows: task, by: row.holder, count: {} }
  hands: { of: desk, held: { per: holder } }
  often:
    of: desk
    rows: task
    repeats: { per: row.holder, at: row.opened, within: year, at_least: 1 }
";
    configuration.files.insert("rules/indicators.yaml".to_owned(), indicators.into());
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration).await;
    let mut holders = std::collections::BTreeSet::new();
    for (number, steward) in [(1, "anna"), (2, "bert")] {
        let instance = format!("d-{number}");
        let request = pb::InstanceServiceCreateRequest {
            instance: instance.clone(),
            workflow: "desk".to_owned(),
            steward: steward.to_owned(),
            ..Default::default()
        };
        server.instances().create(by("anna", request)).await.unwrap();
        let holder = server.get(&instance).await.tasks[0].holder.clone();
        holders.insert(holder.unwrap().member);
    }
    assert_eq!(Vec::from_iter(holders), ["anna", "bert"], "each has one");
    server.advance_clock(17).await;
    assert_eq!(figures(&server, "tasks").await, ["1", "1"]);
    assert_eq!(figures(&server, "hands").await, ["Anna 7", "Anna 7"]);
    // Two came, and each of them as often as is asked for.
    assert_eq!(figures(&server, "often").await, ["1", "1", "1"]);
    server.stop().await;
}

#[tokio::test]
async fn dwell_is_working_time_without_suspensions_and_told_at_its_percentiles() {
    let mut configuration = desk();
    let stay = "
indicators:
  stay: { of: desk, rows: stage, distribution: { value: row.dwell } }
  begun:
    of: desk
    funnel: {}
";
    configuration.files.insert("rules/indicators.yaml".to_owned(), stay.into());
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration).await;
    // Ten desks from Monday the 6th on, one a day, the weekend included.
    for number in 1..=10 {
        let request = pb::InstanceServiceCreateRequest {
            instance: format!("d-{number}"),
            workflow: "desk".to_owned(),
            steward: "anna".to_owned(),
            ..Default::default()
        };
        server.instances().create(by("anna", request)).await.unwrap();
        // The first one stands still from Tuesday to Thursday.
        if number == 2 {
            let reason = "the board meets".to_owned();
            let suspend =
                pb::InstanceServiceSuspendRequest { instance: d1(), reason, ..Default::default() };
            server.instances().suspend(by("anna", suspend)).await.unwrap();
        }
        if number == 4 {
            let resume = pb::InstanceServiceResumeRequest { instance: d1(), ..Default::default() };
            server.instances().resume(by("anna", resume)).await.unwrap();
        }
        server.advance_clock(24 * number).await;
    }
    // On Monday the 20th: 8 (10 less 2), 9, 8, 7, 6, three of 5, 4 and 3 working days.
    server.advance_clock(24 * 14).await;
    assert_eq!(figures(&server, "stay").await, ["5", "8", "9"]);
    assert_eq!(rows(&server, "tasks").await.len(), 10);

    // A funnel over the first week: five began in it, and whoever came later is in neither figure.
    let request = pb::LedgerServiceIndicatorsRequest {
        indicators: vec!["begun".to_owned()],
        from: "2025-01-06".to_owned(),
        to: "2025-01-10".to_owned(),
        ..Default::default()
    };
    let response = server.ledgers().indicators(by("anna", request)).await.unwrap().into_inner();
    let told = response.indicators[0].figures.iter().filter(|it| it.measure == "count");
    let told: Vec<String> = told
        .map(|it| format!("{} {} {}/{}", it.name, it.value, it.numerator, it.denominator))
        .collect();
    assert_eq!(told, ["Only 5 5/5", "Only 5 /", "end of the path 0 0/5", "end of the path 0 /"]);
    server.stop().await;
}

async fn clock(server: &Server, id: &str) -> u32 {
    let clocks = server.get("d-1").await.clocks;
    let mut references = clocks.into_iter().filter_map(|clock| clock.reference);
    references.find(|reference| reference.id == id).unwrap().number
}

async fn ask(server: &Server, clock: u32, more: &str) {
    let length = Some(pb::limit::Length::Amount(more.to_owned()));
    let request = pb::TaskServiceRequestExtensionRequest {
        instance: d1(),
        clock,
        by: Some(pb::Limit { length }),
        reason: "more to do".to_owned(),
        ..Default::default()
    };
    server.tasks().request_extension(by("anna", request)).await.unwrap();
}

async fn decide(server: &Server, clock: u32, verdict: pb::Verdict) {
    let request = pb::TaskServiceDecideExtensionRequest {
        instance: d1(),
        clock,
        verdict: verdict.into(),
        ..Default::default()
    };
    server.tasks().decide_extension(by("chief", request)).await.unwrap();
}

#[tokio::test]
async fn more_time_for_every_kind_of_clock_is_told_with_its_dues() {
    use pb::Verdict::{Grant, Refuse};
    let directory = tempfile::tempdir().unwrap();
    let server = begin(directory.path(), desk()).await;
    let (stage, task) = (clock(&server, "stage").await, clock(&server, "task").await);
    let cadence = clock(&server, "steward_contact").await;
    // Asked twice: what was refused keeps the due time that it did not move.
    ask(&server, stage, "5wd").await;
    let pending = "Only | Only | 5wd | Anna | pending |  | 2025-01-20 17:00 | 2025-01-20 17:00 | ";
    assert_eq!(rows(&server, "extensions").await, [pending]);
    decide(&server, stage, Refuse).await;
    ask(&server, stage, "3wd").await;
    decide(&server, stage, Grant).await;
    let of_stage = [
        "Only | Only | 5wd | Anna | refused | Chief | 2025-01-20 17:00 | 2025-01-20 17:00 | ",
        "Only | Only | 3wd | Anna | granted | Chief | 2025-01-20 17:00 | 2025-01-20 17:00 | \
         2025-01-23 17:00",
    ];
    assert_eq!(rows(&server, "extensions").await, of_stage);

    // A task and a cadence wait at the same time: each decision finds its own.
    ask(&server, task, "2wd").await;
    ask(&server, cadence, "1wd").await;
    decide(&server, cadence, Grant).await;
    decide(&server, task, Refuse).await;
    ask(&server, task, "1wd").await;
    let suspend = pb::InstanceServiceSuspendRequest {
        instance: d1(),
        reason: "the board meets".to_owned(),
        ..Default::default()
    };
    server.instances().suspend(by("anna", suspend)).await.unwrap();
    let suspension = clock(&server, "suspension").await;
    ask(&server, suspension, "10wd").await;
    decide(&server, suspension, Grant).await;
    let resume = pb::InstanceServiceResumeRequest { instance: d1(), ..Default::default() };
    server.instances().resume(by("anna", resume)).await.unwrap();
    // The task is done before anybody has decided.
    let complete =
        pb::TaskServiceCompleteRequest { instance: d1(), task: PAPERS, ..Default::default() };
    server.tasks().complete(by("anna", complete)).await.unwrap();
    let expected = [
        "Papers | Only | 2wd | Anna | refused | Chief | 2025-01-14 17:00 | 2025-01-14 17:00 | ",
        "steward contact |  | 1wd | Anna | granted | Chief | 2025-01-14 17:00 | 2025-01-14 17:00 | \
         2025-01-15 17:00",
        "Papers | Only | 1wd | Anna | lapsed before a decision |  | 2025-01-14 17:00 | \
         2025-01-14 17:00 | ",
        "suspension |  | 10wd | Anna | granted | Chief | 2025-02-03 17:00 | 2025-02-03 17:00 | \
         2025-02-17 17:00",
    ];
    assert_eq!(rows(&server, "extensions").await[2..], expected);
    server.stop().await;
}

#[tokio::test]
async fn checks_and_raised_conditions_have_lights_but_no_limit() {
    let directory = tempfile::tempdir().unwrap();
    let server = begin(directory.path(), desk()).await;
    let update = async |values: &[(&str, prost_types::Value)]| {
        let request = pb::InstanceServiceUpdateFieldsRequest {
            instance: d1(),
            changes: Some(fields(values)),
            ..Default::default()
        };
        server.instances().update_fields(by("anna", request)).await.unwrap();
    };
    update(&[("behind", number(35.0)), ("urgent", boolean(true))]).await;
    // Raised at once; the check runs on Wednesday the 8th at nine.
    let pressing = "pressing | yellow | L1 | 2025-01-06 01:00 |  | 1 | open |  | ";
    assert_eq!(rows(&server, "escalations").await, [pressing]);
    server.advance_clock(3 * 24).await;
    let lights = [
        "gap |  | running | red | L2 | Anna |  |  |  | ",
        "pressing |  | running | yellow | L1 | Anna |  |  |  | ",
    ];
    assert_eq!(rows(&server, "lights").await, lights);
    assert_eq!(figures(&server, "late").await, ["0"]);

    let acknowledge = pb::EscalationServiceAcknowledgeRequest {
        instance: d1(),
        clock: clock(&server, "gap").await,
        comment: "seen".to_owned(),
        ..Default::default()
    };
    server.escalations().acknowledge(by("chief", acknowledge)).await.unwrap();
    let told = rows(&server, "escalations").await;
    let gap = "gap | red | L2 | 2025-01-08 09:00 |  | 1 | acknowledged | Chief | ";
    assert_eq!(told, [pressing, gap]);

    // What holds no more is cleared at once; a check is out after two calm runs.
    update(&[("behind", number(0.0)), ("urgent", boolean(false))]).await;
    server.advance_clock(17 * 24).await;
    let told = rows(&server, "escalations").await;
    let cleared = [
        "pressing | yellow | L1 | 2025-01-06 01:00 |  | 1 | cleared |  | 2025-01-09 01:00",
        "gap | red | L2 | 2025-01-08 09:00 |  | 1 | cleared | Chief | 2025-01-22 09:00",
    ];
    assert_eq!(told, cleared);
    server.stop().await;
}

#[tokio::test]
async fn satisfaction_counts_those_that_rated() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), Sources::embedded()).await;
    let ratings = ["satisfied", "satisfied", "basically_satisfied", "unsatisfied", "unrated", ""];
    for (at, rating) in ratings.into_iter().enumerate() {
        let mut given = vec![
            ("enterprise", text("Even Stream")),
            ("industry", text("smart_sensors")),
            ("source", text("visit")),
            ("content", text("Where is the form")),
            ("category", text("policy")),
            ("complexity", text("consult")),
            ("resolved_on_site", boolean(true)),
            ("solution", text("Here it is")),
            ("evidence", text("Note of the visit")),
        ];
        // Without a rating the demand waits for the follow-up.
        if !rating.is_empty() {
            given.push(("rating", text(rating)));
        }
        let request = pb::InstanceServiceCreateRequest {
            instance: format!("demand-{at}"),
            workflow: "enterprise_demand".to_owned(),
            fields: Some(fields(&given)),
            ..Default::default()
        };
        server.instances().create(by("sensors_officer_1", request)).await.unwrap();
    }
    let names = ["demands_solved_on_site", "demand_ratings", "demand_satisfaction"];
    let request = pb::LedgerServiceIndicatorsRequest {
        indicators: names.map(str::to_owned).to_vec(),
        ..Default::default()
    };
    let asked = server.ledgers().indicators(by("coordinator_1", request)).await.unwrap();
    let mut told = Vec::new();
    for report in asked.into_inner().indicators {
        for it in &report.figures {
            let reached = it.target.as_ref().and_then(|target| target.reached);
            let (keys, basis) = (it.keys.join(" "), it.basis().as_str_name());
            let value = format!("{} = {}/{}", it.value, it.numerator, it.denominator);
            told.push(format!("{} {keys} {basis} {value} n={} {reached:?}", report.id, it.n));
        }
    }
    let expected = [
        "demands_solved_on_site  FIGURE_BASIS_COHORT 1 = 6/6 n=6 None",
        "demand_ratings basically_satisfied FIGURE_BASIS_PERIOD 1 = / n=1 None",
        "demand_ratings satisfied FIGURE_BASIS_PERIOD 2 = / n=2 None",
        "demand_ratings unrated FIGURE_BASIS_PERIOD 1 = / n=1 None",
        // Who is not satisfied is not closed, and counts only once somebody above has looked at it.
        "demand_satisfaction  FIGURE_BASIS_COHORT 1 = 3/3 n=3 Some(true)",
    ];
    assert_eq!(told, expected);
    server.stop().await;
}

/// What the ledgers of the team are expected to show, as their columns are called in Chinese.
const CONVENTIONAL: [(&str, &str); 7] = [
    (
        "project_ledger",
        "序号 项目编号 项目名称 投资方 投资方所在地 投资方概况 所属产业 产业链环节 项目类别 建设内容及规模 \
         总投资（万元） 固定资产投资（万元） 协议资金（万元） 到位资金（万元） 用地面积（亩） 厂房面积（平方米） 投资强度（万元/亩） \
         预计年产值（万元） 预计年税收（万元） 亩均税收（万元/亩） 就业岗位 线索来源 引荐人 首报单位 包保责任人 \
         联系领导 工作组 当前环节 环节进入日 应办结日 剩余工作日 亮灯 首次洽谈日期 预审通过日期 签约日期 立项日期 \
         拿地日期 约定开工日期 开工日期 约定竣工日期 完工日期 约定投产日期 投产日期 项目代码 形象进度 本期进展 \
         存在问题 需协调事项 下步计划 完成时限 督办级别 备注",
    ),
    ("lead_ledger", "登记日期 线索来源 投资方 建设内容及规模 研判意见 处置意见 亮灯"),
    (
        "demand_ledger",
        "企业名称 收集日期 诉求内容 诉求类别 主办单位 协办单位 应办结日 状态 答复内容 满意度 销号日期",
    ),
    ("visit_ledger", "走访日期 企业名称 走访主题 参加人次 记录人 问题线索"),
    (
        "declaration_ledger",
        "兑现条款 申报金额（万元） 核定金额（万元） 到账金额（万元） 提交日期 到账日期",
    ),
    ("recruitment_ledger", "举办日期 参加企业数 提供岗位数 到场人数 三十日到岗数"),
    (
        "light_list",
        "项目编号 工作组 亮灯 督办级别 责任人 应办结时间 超期工作日 签收人 整改措施 承诺完成日",
    ),
];

#[tokio::test]
async fn the_ledgers_of_the_team_have_the_conventional_columns_in_chinese() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), Sources::embedded()).await;
    let request = pb::InstanceServiceCreateRequest {
        instance: "lead-1".to_owned(),
        workflow: "investment_project".to_owned(),
        fields: Some(fields(&[
            ("project_name", text("=新材料，“中试”")),
            ("investor", text("东方材料")),
            ("lead_source", text("visit")),
        ])),
        ..Default::default()
    };
    server.instances().create(by("sensors_officer_1", request)).await.unwrap();
    for (ledger, wanted) in CONVENTIONAL {
        let request = pb::LedgerServiceQueryRequest {
            ledger: ledger.to_owned(),
            language: pb::Language::Chinese.into(),
            ..Default::default()
        };
        let sheet = server.ledgers().query(by("coordinator_1", request)).await.unwrap();
        let sheet = sheet.into_inner();
        let titles: Vec<&str> = sheet.columns.iter().map(|it| it.title.as_str()).collect();
        for title in wanted.split_whitespace() {
            assert!(titles.contains(&title), "{ledger} has no column {title}: {titles:?}");
        }
        // Words of choices are told in Chinese as well.
        if ledger == "lead_ledger" {
            let cells = values(&sheet.rows[0].cells);
            let source = titles.iter().position(|title| *title == "线索来源").unwrap();
            assert_eq!(cells[source], "走访");
        }
    }
    server.stop().await;
}
