//! Ledgers that are too large to hold, over a real socket: refused where they would be held, and
//! sent as they are read where they need not be.

use sanbang::api::pb;
use sanbang::api::pb::ledger_service_client::LedgerServiceClient;
use sanbang::model::limits;
use tonic_types::StatusExt;

use super::api_fixture::{Server, by, connect, refusal};
use super::ledgers::{configuration, query};

/// More columns than anybody wants, so that few rows are many cells.
const WIDE_COLUMNS: usize = 20_000;

/// A server with as many rows of a wide ledger as one may hold.
async fn wide(directory: &std::path::Path) -> (Server, usize) {
    let mut configuration = configuration();
    let columns = vec!["number"; WIDE_COLUMNS].join(", ");
    let wide = format!(
        "ledgers:\n  wide: {{ of: permit, columns: [{columns}] }}\n  \
         sorted: {{ of: permit, order: [field.area], columns: [{columns}] }}\n"
    );
    configuration.files.insert("rules/ledgers.yaml".to_owned(), wide.as_str().into());
    let server = Server::start_with(directory, configuration).await;
    let held = limits::LEDGER_CELLS_MAX / WIDE_COLUMNS;
    for number in 0..held {
        server.create(&format!("p-{number:03}"), "x").await;
    }
    (server, held)
}

#[tokio::test]
async fn what_is_too_much_to_hold_is_refused_and_is_sent_as_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (server, held) = wide(directory.path()).await;
    assert_eq!(query(&server, "wide", None).await.total_rows, held as u64);
    // One more row is too much; a filter that leaves fewer is the way out.
    server.create("p-more", "y").await;
    let ask = |filter: &str| pb::LedgerServiceQueryRequest {
        ledger: "wide".to_owned(),
        filter: filter.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let refused = server.ledgers().query(by("anna", ask(""))).await;
    assert_eq!(refusal(refused), "FailedPrecondition LEDGER_TOO_LONG");
    let few = server.ledgers().query(by("anna", ask("fields.applicant = \"y\""))).await;
    assert_eq!(few.unwrap().into_inner().total_rows, 1);

    let export = async |ledger: &str, format: pb::LedgerFormat| {
        let request = pb::LedgerServiceExportRequest {
            ledger: ledger.to_owned(),
            format: format.into(),
            ..Default::default()
        };
        let mut pieces = server.ledgers().export(by("anna", request)).await?.into_inner();
        let mut sizes = Vec::new();
        let mut content = Vec::new();
        while let Some(piece) = pieces.message().await? {
            sizes.push(piece.content.len());
            content.extend(piece.content);
        }
        Ok::<_, tonic::Status>((sizes, String::from_utf8(content).unwrap()))
    };
    for (ledger, format) in [("wide", pb::LedgerFormat::Xlsx), ("sorted", pb::LedgerFormat::Csv)] {
        let refused = export(ledger, format).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::FailedPrecondition, "{ledger}");
    }
    let (sizes, text) = export("wide", pb::LedgerFormat::Csv).await.unwrap();
    assert!(sizes.len() > held / 2 && sizes.iter().all(|size| *size < 200_000), "{sizes:?}");
    let first: Vec<&str> = text.lines().skip(1).map(|it| it.split(',').next().unwrap()).collect();
    let numbers: Vec<String> = (1..=held + 1).map(|number| number.to_string()).collect();
    assert_eq!(first, numbers);
    server.stop().await;
}

#[tokio::test]
async fn long_texts_count_as_several_cells() {
    let mut configuration = configuration();
    let columns = vec!["field.applicant"; WIDE_COLUMNS / 10].join(", ");
    let texts = format!("ledgers:\n  texts: {{ of: permit, columns: [{columns}] }}\n");
    configuration.files.insert("rules/ledgers.yaml".to_owned(), texts.as_str().into());
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration).await;
    // Each cell counts as one and, for 4,000 bytes, as 62 more.
    let most = limits::LEDGER_CELLS_MAX / (WIDE_COLUMNS / 10 * 63);
    for number in 0..most {
        server.create(&format!("p-{number}"), &"x".repeat(4000)).await;
    }
    let ask = pb::LedgerServiceQueryRequest {
        ledger: "texts".to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let told = |answer: Result<tonic::Response<pb::LedgerServiceQueryResponse>, tonic::Status>| {
        answer.map(|page| page.into_inner().total_rows).map_err(|status| status.code())
    };
    let mut client = server.ledgers().max_decoding_message_size(usize::MAX);
    assert_eq!(told(client.query(by("anna", ask.clone())).await), Ok(most as u64));
    server.create("p-more", &"x".repeat(4000)).await;
    let refused = told(client.query(by("anna", ask)).await);
    assert_eq!(refused, Err(tonic::Code::FailedPrecondition));
    server.stop().await;
}

#[tokio::test]
async fn few_questions_are_answered_at_once_and_pages_that_were_read_need_no_place() {
    let directory = tempfile::tempdir().unwrap();
    let (server, held) = wide(directory.path()).await;
    let ask = |page_token: &str| pb::LedgerServiceQueryRequest {
        ledger: "wide".to_owned(),
        page_size: 1,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let query = async |token: &str| server.ledgers().query(by("anna", ask(token))).await;
    let first = query("").await.unwrap().into_inner();
    // Files that nobody takes: each is larger than what a connection lets pass unread.
    let export = async || {
        let ledger = "wide".to_owned();
        let request = pb::LedgerServiceExportRequest { ledger, ..Default::default() };
        // On a connection of its own: what lies there unread stands in nobody's way.
        let channel = connect(server.address).await;
        LedgerServiceClient::new(channel).export(by("anna", request)).await
    };
    let mut files = Vec::new();
    for _ in 0..limits::LEDGER_QUESTIONS_MAX {
        files.push(export().await.unwrap().into_inner());
    }
    let status = query("").await.unwrap_err();
    let retry = status.get_error_details().retry_info().and_then(|it| it.retry_delay);
    assert_eq!(retry, Some(std::time::Duration::from_secs(1)));
    assert_eq!(refusal(query("").await), "ResourceExhausted OVERLOADED");
    assert_eq!(refusal(export().await), "ResourceExhausted OVERLOADED");
    let request = pb::LedgerServiceIndicatorsRequest::default();
    let indicators = server.ledgers().indicators(by("anna", request)).await;
    assert_eq!(refusal(indicators), "ResourceExhausted OVERLOADED");
    // Everything else goes on, and so do the pages of what was read already.
    server.create("p-later", "x").await;
    let second = query(&first.next_page_token).await.unwrap().into_inner();
    assert_eq!((second.total_rows, second.rows.len()), (held as u64, 1));
    let third = query(&second.next_page_token).await.unwrap().into_inner();
    assert_eq!(third.rows[0].instance, "p-002");

    // A place is free once a file was taken, or its reader has left.
    let mut file = files.pop().unwrap();
    while file.message().await.unwrap().is_some() {}
    let request = pb::LedgerServiceIndicatorsRequest::default();
    server.ledgers().indicators(by("anna", request.clone())).await.unwrap();
    files.push(export().await.unwrap().into_inner());
    assert!(server.ledgers().indicators(by("anna", request.clone())).await.is_err());
    drop(files);
    while server.ledgers().indicators(by("anna", request.clone())).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    server.stop().await;
}
