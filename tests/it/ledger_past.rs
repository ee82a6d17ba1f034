//! The past stays as it was: what ledgers and indicators told of an instant they tell again after
//! another calendar and another organization were published, and after a restart.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sanbang::api::pb;
use sanbang::definition::sources::Sources;
use sanbang::store::memory::MemoryStore;
use sanbang::store::{Batch, DocumentWrite, Store};

use super::api_fixture::{START, Server, by, fields, number, text};
use super::ledgers::{configuration, create, everything, query, wish};
use super::random::Seed;

const HOUR_MS: i64 = 3_600_000;
const ORGANIZATION: &str = "rules/organization.yaml";

/// A file of a configuration with other words at some places, each of which is there.
fn edited(sources: &Sources, path: &str, words: &[(&str, &str)]) -> (String, String) {
    let mut text = sources.files[path].to_string();
    for (before, after) in words {
        assert!(text.contains(before), "{path} has no `{before}`");
        text = text.replace(before, after);
    }
    (path.to_owned(), text)
}

pub(crate) async fn publish(server: &Server, member: &str, files: &[(String, String)]) {
    let file = |(path, content): &(String, String)| pb::SourceFile {
        path: path.clone(),
        content: content.clone(),
    };
    let request = pb::WorkflowServicePublishRequest { files: files.iter().map(file).collect() };
    server.workflows().publish(by(member, request)).await.unwrap();
}

/// Every shipped ledger and all shipped indicators as texts, by name.
async fn shipped(
    server: &Server,
    as_of: Option<prost_types::Timestamp>,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let list = pb::LedgerServiceListLedgersRequest {};
    let list = server.ledgers().list_ledgers(by("coordinator_1", list)).await.unwrap();
    for ledger in list.into_inner().ledgers {
        let request = pb::LedgerServiceQueryRequest {
            ledger: ledger.id.clone(),
            as_of,
            language: pb::Language::Chinese.into(),
            page_size: 1000,
            ..Default::default()
        };
        let sheet = server.ledgers().query(by("coordinator_1", request)).await.unwrap();
        all.insert(ledger.id, format!("{:?}", sheet.into_inner()));
    }
    let request = pb::LedgerServiceIndicatorsRequest {
        as_of,
        language: pb::Language::Chinese.into(),
        ..Default::default()
    };
    let told = server.ledgers().indicators(by("coordinator_1", request)).await.unwrap();
    for report in told.into_inner().indicators {
        all.insert(report.id.clone(), format!("{report:?}"));
    }
    all
}

fn assert_same(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>, when: &str) {
    assert_eq!(before.len(), after.len());
    for (name, told) in before {
        assert!(after[name] == *told, "{name} {when}:\n{}\nwas\n{told}", after[name]);
    }
}

/// Projects and demands of the medical group, those of one officer among them.
async fn begin_work(server: &Server) {
    let project = [
        ("project_name", text("玻璃厂")),
        ("investor", text("华光")),
        ("industry", text("medical_devices")),
        ("total_investment", number(8000.0)),
        ("lead_source", text("visit")),
        ("tier", text("A")),
    ];
    let demand = [
        ("enterprise", text("碳华")),
        ("industry", text("medical_devices")),
        ("source", text("campaign")),
        ("content", text("停电")),
        ("category", text("utilities")),
        ("complexity", text("single")),
        ("lead_unit", text("construction")),
    ];
    let projects = ["medical_officer_1", "medical_leader"].map(|it| ("investment_project", it));
    for (workflow, steward) in projects.into_iter().chain([("enterprise_demand", "")]) {
        let given: &[_] = if workflow == "enterprise_demand" { &demand } else { &project };
        let request = pb::InstanceServiceCreateRequest {
            instance: format!("{workflow}-{steward}").trim_end_matches('-').replace('_', "-"),
            workflow: workflow.to_owned(),
            fields: Some(fields(given)),
            steward: steward.to_owned(),
            ..Default::default()
        };
        server.instances().create(by("coordinator_1", request)).await.unwrap();
    }
}

async fn advance(server: &Server, hours: i64) {
    server.advance_clock_to("coordinator_1", START.0 + hours * HOUR_MS).await;
}

#[tokio::test]
async fn shipped_ledgers_tell_the_same_of_an_instant_after_a_calendar_and_a_leaver() {
    let directory = tempfile::tempdir().unwrap();
    let sources = Sources::embedded();
    let server = Server::start_with(directory.path(), sources.clone()).await;
    begin_work(&server).await;
    advance(&server, 24 * 14).await;
    let as_of = Some(query_now(&server).await);
    let before = shipped(&server, as_of).await;
    advance(&server, 24 * 14 + 1).await;

    // Workdays before the instant and after it are taken away; somebody leaves, and names change.
    let off = (
        "    off: [2025-01-01,",
        "    off: [2025-01-01, 2025-01-08, 2025-01-09, 2025-01-13, \
        2025-01-14, 2025-01-22, 2025-01-23,",
    );
    let calendar = edited(&sources, "rules/calendars/cn.yaml", &[off]);
    publish(&server, "coordinator_1", &[calendar]).await;
    let line = sources.files[ORGANIZATION].lines().find(|it| it.contains(" medical_officer_1:"));
    let line = format!("{}\n", line.unwrap());
    let words = [(line.as_str(), ""), ("医疗器械工作组", "医械组"), ("医疗器械组组长", "张三")];
    let organization = edited(&sources, ORGANIZATION, &words);
    publish(&server, "coordinator_1", &[organization]).await;
    advance(&server, 24 * 15).await;

    let now = format!("{:?}", shipped(&server, None).await);
    assert!(now.contains("医械组") && now.contains("张三"), "the edits are live:\n{now}");
    assert!(!now.contains("医疗器械组帮办员一") && now.contains("medical_officer_1"));
    assert_same(&before, &shipped(&server, as_of).await, "after the edits");
    server.stop().await;
    let server = Server::start_with(directory.path(), sources).await;
    assert_same(&before, &shipped(&server, as_of).await, "after a restart");
    server.stop().await;
}

async fn query_now(server: &Server) -> prost_types::Timestamp {
    let request = pb::AdminServiceInfoRequest {};
    let info = server.admin().info(by("coordinator_1", request)).await.unwrap();
    info.into_inner().now.unwrap()
}

/// What is published before a round: days off, and who is who.
fn edit_of(sources: &Sources, round: usize) -> Option<(String, String)> {
    let calendar = |days: &str| {
        let off = format!("off: [2025-01-01, {days}]");
        edited(sources, "rules/calendars/plain.yaml", &[("off: [2025-01-01]", &off)])
    };
    let dora = "  bert: { title: { en: Bertram, zh: 伯特 }, group: office }\n  \
                dora: { title: { en: Dora, zh: 朵拉 }, group: office }";
    Some(match round {
        3 => calendar("2025-01-07, 2025-01-10"),
        5 => edited(sources, ORGANIZATION, &[("en: Office", "en: Bureau")]),
        // Back to the first one: it is found by its digest again.
        8 => edited(sources, "rules/calendars/plain.yaml", &[]),
        9 => edited(
            sources,
            ORGANIZATION,
            &[("  bert: { title: { en: Bert, zh: 伯特 }, group: office }", dora)],
        ),
        10 => calendar("2025-01-08, 2025-01-09, 2025-01-20"),
        _ => return None,
    })
}

#[tokio::test]
async fn an_instant_is_told_alike_however_often_calendars_and_people_change() {
    let seed = Seed::from_environment("SANBANG_LEDGER_SEED", 20_250_107);
    let mut random = seed.random();
    let directory = tempfile::tempdir().unwrap();
    let start = async |directory: &Path| Server::start_with(directory, configuration()).await;
    let mut server = start(directory.path()).await;
    let mut recorded = Vec::new();
    let mut hours = 0;
    for round in 0..13 {
        if let Some(file) = edit_of(&configuration(), round) {
            publish(&server, "chief", &[file]).await;
        }
        create(&server, &mut random, &format!("p-{round:02}")).await;
        for _ in 0..8 {
            let instance = format!("p-{:02}", random.below(round as u64 + 1));
            wish(&server, &mut random, &instance).await;
        }
        hours += 1 + i64::try_from(random.below(40)).unwrap();
        server.advance_clock(hours).await;
        let now = query(&server, "totals", None).await.as_of.unwrap();
        recorded.push((now, everything(&server, Some(now)).await));
        hours += 1;
        server.advance_clock(hours).await;
        if round == 6 {
            server.stop().await;
            server = start(directory.path()).await;
        }
    }
    for (as_of, before) in &recorded {
        let later = everything(&server, Some(*as_of)).await;
        for (name, content) in before {
            assert!(later[name] == *content, "{name} as of {as_of} is not what it was");
        }
    }
    server.stop().await;
}

/// Takes everything of the past away, as if an earlier version of the program had written it.
fn forget(store: &dyn Store) {
    let past = store.documents("past/").unwrap();
    assert!(past.len() > 1, "a calendar and an organization are kept");
    let documents = past.into_iter().map(|(key, _)| DocumentWrite { key, content: None }).collect();
    store.commit(Batch { documents, ..Batch::default() }).unwrap();
}

#[tokio::test]
async fn a_store_without_a_past_keeps_it_from_now_on() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(true));
    let server = Server::start_on(Arc::clone(&store), configuration()).await;
    for instance in ["a", "b"] {
        server.create(instance, "x").await;
    }
    server.advance_clock(24 * 3 + 9).await;
    let as_of = Some(query(&server, "totals", None).await.as_of.unwrap());
    let before = everything(&server, as_of).await;
    server.stop().await;

    forget(&*store);
    let server = Server::start_on(Arc::clone(&store), configuration()).await;
    server.advance_clock(24 * 3 + 10).await;
    let calendar = edit_of(&configuration(), 3).unwrap();
    let organization = edit_of(&configuration(), 5).unwrap();
    publish(&server, "chief", &[calendar, organization]).await;
    server.advance_clock(24 * 4).await;
    assert!(everything(&server, as_of).await == before, "what was live is kept before it changes");
    server.stop().await;

    // What is lost for good is told by what is live.
    forget(&*store);
    let server = Server::start_on(store, configuration()).await;
    let later = everything(&server, as_of).await;
    assert_eq!(later.len(), before.len());
    assert!(later != before);
    server.stop().await;
}
