//! Pages and filters of ledgers over a real socket: pages are parts of one picture, whoever reads
//! how many of them, and a filter leaves exactly the rows that show what was asked for.

use std::collections::BTreeSet;

use sanbang::api::pb;

use super::api_fixture::{START, Server, by, fields, instant, number, refusal, text, told};
use super::ledgers::{configuration, create, query, values, wish};
use super::random::Seed;

fn ask(ledger: &str, filter: &str) -> pb::LedgerServiceQueryRequest {
    pb::LedgerServiceQueryRequest {
        ledger: ledger.to_owned(),
        filter: filter.to_owned(),
        page_size: 2,
        ..Default::default()
    }
}

/// The ids of the rows of a page, and the token of the next one.
async fn page(server: &Server, request: &pb::LedgerServiceQueryRequest) -> (Vec<String>, String) {
    let page = server.ledgers().query(by("anna", request.clone())).await.unwrap().into_inner();
    assert_eq!(page.total_rows, 5);
    (page.rows.into_iter().map(|row| row.instance).collect(), page.next_page_token)
}

#[tokio::test]
async fn pages_are_parts_of_one_picture() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    for instance in ["a", "b", "c", "d", "e"] {
        server.create(instance, "x").await;
    }
    let mut request = ask("all_instance", "");
    let (first, second_page) = page(&server, &request).await;
    // What comes to the ledger afterwards is on none of the further pages.
    server.advance_clock(1).await;
    server.create("f", "x").await;
    request.page_token.clone_from(&second_page);
    let (second, third_page) = page(&server, &request).await;
    assert_eq!(page(&server, &request).await.0, second, "the same page again");
    request.page_token = third_page;
    let (third, end) = page(&server, &request).await;
    assert_eq!((first, end.as_str()), (vec!["a".to_owned(), "b".to_owned()], ""));
    assert_eq!((second, third), (vec!["c".to_owned(), "d".to_owned()], vec!["e".to_owned()]));
    // By now nothing is kept, and the ledger is read again.
    request.page_token.clone_from(&second_page);
    assert_eq!(page(&server, &request).await.0, ["c", "d"]);

    // A token is one of a ledger, a filter, an instant and a content.
    let refused = async |request: pb::LedgerServiceQueryRequest| {
        told(server.ledgers().query(by("anna", request)).await)
    };
    let other = refused(pb::LedgerServiceQueryRequest {
        page_token: second_page.clone(),
        ..ask("all_instance", "status = \"terminated\"")
    });
    insta::assert_snapshot!(other.await, @r"
    InvalidArgument INVALID_REQUEST: `page_token`: the rows are no longer those of which this is a page: begin with the first page
      page_token: the rows are no longer those of which this is a page: begin with the first page
    ");
    for token in ["2", "2@1736125200000", "x@1#2", "2@1736125200000#nothing", "-1@0#0"] {
        let request =
            pb::LedgerServiceQueryRequest { page_token: token.to_owned(), ..ask("totals", "") };
        let told = refused(request).await;
        assert!(told.contains("it is not a token of this list"), "{token}: {told}");
    }
    server.stop().await;
}

#[tokio::test]
async fn pages_of_a_ledger_that_is_configured_anew_are_those_of_the_old_one_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    for instance in ["a", "b", "c", "d", "e"] {
        server.create(instance, "x").await;
    }
    let mut request = ask("all_stage", "");
    let (_, second_page) = page(&server, &request).await;
    let ledgers = "ledgers:\n  all_stage: { of: permit, rows: stage, columns: [number, id] }\n";
    let files =
        vec![pb::SourceFile { path: "rules/ledgers.yaml".to_owned(), content: ledgers.to_owned() }];
    let publish = pb::WorkflowServicePublishRequest { files };
    server.workflows().publish(by("chief", publish)).await.unwrap();
    request.page_token.clone_from(&second_page);
    let old = server.ledgers().query(by("anna", request.clone())).await.unwrap().into_inner();
    assert!(old.columns.len() > 2 && old.rows.iter().all(|row| row.cells.len() > 2));
    request.page_token = old.next_page_token;
    assert_eq!(page(&server, &request).await.0, ["e"]);
    request.page_token = second_page;
    let refused = server.ledgers().query(by("anna", request)).await;
    assert_eq!(refusal(refused), "InvalidArgument INVALID_REQUEST");
    server.stop().await;
}

/// The instances of a ledger's rows, in their order, of which the cells are so, by title.
fn rows_where(sheet: &pb::LedgerServiceQueryResponse, wanted: &[(&str, &str)]) -> Vec<String> {
    let place = |title: &str| {
        let found = sheet.columns.iter().position(|column| column.title == title);
        found.unwrap_or_else(|| panic!("no column {title}"))
    };
    let rows = sheet.rows.iter().map(|row| (row.instance.clone(), values(&row.cells)));
    rows.filter(|(_, cells)| wanted.iter().all(|(title, shown)| cells[place(title)] == *shown))
        .map(|(instance, _)| instance)
        .collect()
}

/// One that has gone on to the review.
async fn reviewed(server: &Server, instance: String) {
    let view = server.get(&instance).await;
    let task = view.tasks[0].reference.as_ref().unwrap().number;
    let holder = view.tasks[0].holder.as_ref().unwrap().member.clone();
    let check = pb::TaskServiceCheckRequest {
        instance: instance.clone(),
        task,
        item: "seal".to_owned(),
        checked: true,
        ..Default::default()
    };
    server.tasks().check(by(&holder, check)).await.unwrap();
    let complete = pb::TaskServiceCompleteRequest {
        instance: instance.clone(),
        task,
        outcome: "complete".to_owned(),
        form: Some(fields(&[("pages", number(3.0))])),
        ..Default::default()
    };
    server.tasks().complete(by(&holder, complete)).await.unwrap();
    let advance = pb::InstanceServiceAdvanceRequest { instance, ..Default::default() };
    server.instances().advance(by(&view.steward, advance)).await.unwrap();
}

const FILTERS: [(&str, &[(&str, &str)]); 9] = [
    ("status = \"active\"", &[("Status", "active")]),
    ("status = \"terminated\"", &[("Status", "terminated")]),
    ("steward = \"bert\"", &[("Steward", "Bert")]),
    ("group = \"office\"", &[("Group", "Office")]),
    ("stage = \"review\"", &[("Stage", "Review")]),
    ("light = \"red\"", &[("Light", "red")]),
    ("light = \"yellow\"", &[("Light", "yellow")]),
    ("fields.tier = \"gold\"", &[("tier", "gold")]),
    ("steward = \"anna\" AND light = \"red\"", &[("Steward", "Anna"), ("Light", "red")]),
];

#[tokio::test]
async fn a_filter_leaves_exactly_the_rows_that_show_what_is_asked_for() {
    let mut random = Seed::from_environment("SANBANG_LEDGER_SEED", 20_250_107).random();
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    create(&server, &mut random, "r-00").await;
    reviewed(&server, "r-00".to_owned()).await;
    let mut instants = Vec::new();
    let mut hours = 0;
    for round in 0..12 {
        create(&server, &mut random, &format!("p-{round:02}")).await;
        // The chief belongs to no group.
        let request = pb::InstanceServiceCreateRequest {
            instance: format!("q-{round:02}"),
            workflow: "permit".to_owned(),
            fields: Some(fields(&[("applicant", text("x"))])),
            steward: "chief".to_owned(),
            ..Default::default()
        };
        server.instances().create(by("anna", request)).await.unwrap();
        for _ in 0..8 {
            let letter = *random.pick(&["p", "q"]);
            let instance = format!("{letter}-{:02}", random.below(round + 1));
            wish(&server, &mut random, &instance).await;
        }
        instants.push(query(&server, "totals", None).await.as_of);
        hours += 1 + i64::try_from(random.below(40)).unwrap();
        server.advance_clock(hours).await;
    }
    instants = vec![instants[5], None];
    let mut left_some = BTreeSet::new();
    for as_of in instants {
        let whole = query(&server, "all_instance", as_of).await;
        for (filter, wanted) in FILTERS {
            let request = pb::LedgerServiceQueryRequest {
                as_of,
                page_size: 1000,
                ..ask("all_instance", filter)
            };
            let sheet = server.ledgers().query(by("anna", request)).await.unwrap().into_inner();
            let expected = rows_where(&whole, wanted);
            assert_eq!(rows_where(&sheet, &[]), expected, "{filter} as of {as_of:?}");
            if (1..whole.rows.len()).contains(&expected.len()) {
                left_some.insert(filter);
            }
            // Indicators look at the same instances.
            let request = pb::LedgerServiceIndicatorsRequest {
                indicators: vec!["by_status".to_owned()],
                as_of,
                filter: filter.to_owned(),
                ..Default::default()
            };
            let told = server.ledgers().indicators(by("anna", request)).await.unwrap();
            let counts = told.into_inner().indicators.remove(0).figures.into_iter();
            assert_eq!(counts.map(|it| it.n).sum::<u64>(), sheet.total_rows, "{filter}");
        }
        // Of rows that have a light of their own, that one counts.
        let limits = query(&server, "all_limit", as_of).await;
        let request = pb::LedgerServiceQueryRequest {
            as_of,
            page_size: 1000,
            ..ask("all_limit", "light = \"red\"")
        };
        let sheet = server.ledgers().query(by("anna", request)).await.unwrap().into_inner();
        assert_eq!(rows_where(&sheet, &[]), rows_where(&limits, &[("Light", "red")]));
    }
    let all: BTreeSet<&str> = FILTERS.iter().map(|(filter, _)| *filter).collect();
    assert_eq!(left_some, all, "each leaves some rows out and some in");
    server.stop().await;
}

#[tokio::test]
async fn nothing_to_tell_is_told_as_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    let empty = query(&server, "totals", None).await;
    assert_eq!((empty.total_rows, empty.next_page_token.as_str()), (0, ""));
    assert_eq!(values(&empty.totals), ["Total", "0", "0", "0", "0"]);
    server.create("a", "x").await;
    // Before anything, of somebody who carries nothing, and on a page beyond the last.
    let long_ago = Some(prost_types::Timestamp { seconds: -60_000_000_000, nanos: 0 });
    assert_eq!(query(&server, "all_instance", long_ago).await.total_rows, 0);
    let of_chief = ask("all_limit", "steward = \"chief\"");
    let of_chief = server.ledgers().query(by("anna", of_chief)).await.unwrap();
    assert_eq!(of_chief.into_inner().total_rows, 0);
    for (format, begin) in [(pb::LedgerFormat::Csv, "\u{feff}"), (pb::LedgerFormat::Xlsx, "PK")] {
        let request = pb::LedgerServiceExportRequest {
            ledger: "all_instance".to_owned(),
            as_of: long_ago,
            format: format.into(),
            ..Default::default()
        };
        let mut pieces = server.ledgers().export(by("anna", request)).await.unwrap().into_inner();
        let piece = pieces.message().await.unwrap().unwrap();
        assert!(piece.content.starts_with(begin.as_bytes()), "{format:?}");
        assert!(pieces.message().await.unwrap().is_none());
    }
    for (from, to, field) in
        [("2025-03-31", "2025-01-01", "to"), ("2025-02-30", "", "from"), ("", "25-1-1", "to")]
    {
        let request = pb::LedgerServiceIndicatorsRequest {
            from: from.to_owned(),
            to: to.to_owned(),
            ..Default::default()
        };
        let refused = told(server.ledgers().indicators(by("anna", request)).await);
        let line = format!("INVALID_REQUEST: `{field}`");
        assert!(refused.contains(&line), "{refused}");
    }
    let both = pb::LedgerServiceExportRequest {
        ledger: "totals".to_owned(),
        indicators: Some(pb::IndicatorSelection::default()),
        ..Default::default()
    };
    let refused = server.ledgers().export(by("anna", both)).await;
    assert_eq!(refusal(refused), "InvalidArgument INVALID_REQUEST");
    server.stop().await;
}

/// What a ledger, a file of it and the indicators answer to a filter: a refusal, or how many rows.
async fn asked(server: &Server, filter: &str, hours: Option<i64>) -> String {
    let as_of = hours.map(|hours| instant(START.0 + hours * 3_600_000));
    let (ledger, filter) = ("totals".to_owned(), filter.to_owned());
    let request = pb::LedgerServiceExportRequest {
        ledger: ledger.clone(),
        filter: filter.clone(),
        as_of,
        ..Default::default()
    };
    let file = told(server.ledgers().export(by("anna", request)).await);
    let request =
        pb::LedgerServiceIndicatorsRequest { filter: filter.clone(), as_of, ..Default::default() };
    let figures = told(server.ledgers().indicators(by("anna", request)).await);
    let request = pb::LedgerServiceQueryRequest { ledger, filter, as_of, ..Default::default() };
    let page = server.ledgers().query(by("anna", request)).await;
    let rows = page.as_ref().map(|page| page.get_ref().total_rows);
    let rows = rows.map(|rows| format!("{rows} rows")).unwrap_or_default();
    let page = told(page);
    assert_eq!((&page, &page), (&file, &figures), "all three are asked alike");
    if rows.is_empty() { page.lines().next().unwrap().to_owned() } else { rows }
}

#[tokio::test]
async fn a_name_that_nothing_has_is_told_with_the_nearest_one() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    let given = [("applicant", text("x")), ("area", number(12.5)), ("tier", text("gold"))];
    let request = pb::InstanceServiceCreateRequest {
        instance: "p-1".to_owned(),
        workflow: "permit".to_owned(),
        fields: Some(fields(&given)),
        steward: "bert".to_owned(),
        ..Default::default()
    };
    server.instances().create(by("anna", request)).await.unwrap();
    server.advance_clock(2).await;
    let wrong = [
        ("workflow = \"permitt\"", "workflow `permitt`: did you mean `permit`?"),
        ("stage = \"revue\"", "stage `revue`: there are `grant`, `intake`, `review`, `visit`"),
        ("stage = \"intake\" OR stage = \"reveiw\"", "stage `reveiw`: did you mean `review`?"),
        ("group = \"offise\"", "group `offise`: did you mean `office`?"),
        ("steward = \"bart\"", "member `bart`: did you mean `bert`?"),
    ];
    for (filter, problem) in wrong {
        let problem = format!("InvalidArgument INVALID_REQUEST: `filter`: there is no {problem}");
        assert_eq!(asked(&server, filter, None).await, problem);
    }
    assert_eq!(asked(&server, "steward = \"bert\" AND stage = \"intake\"", None).await, "1 rows");
    assert_eq!(asked(&server, "steward = \"chief\"", None).await, "0 rows");
    // Who was there once may be asked for: there is no telling who that was.
    assert_eq!(asked(&server, "steward = \"bart\"", Some(1)).await, "0 rows");
    server.stop().await;

    // Who has left is known for as long as an instance tells of it.
    let mut configuration = configuration();
    let organization = "rules/organization.yaml";
    let bert = "  bert: { title: { en: Bert, zh: 伯特 }, group: office }\n";
    let left = configuration.files[organization].replace(bert, "");
    assert_ne!(left, *configuration.files[organization]);
    configuration.files.insert(organization.to_owned(), left.into());
    let server = Server::start_with(directory.path(), configuration).await;
    assert_eq!(asked(&server, "steward = \"bert\"", None).await, "1 rows");
    server.stop().await;
}
