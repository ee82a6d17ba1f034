//! Ledgers that are too large to hold, over a real socket: refused where they would be held, and
//! sent as they are read where they need not be.

use sanbang::api::pb;

use super::api_fixture::{Server, by, refusal};
use super::ledgers::{configuration, query};

/// More columns than anybody wants, so that few rows are many cells.
const WIDE_COLUMNS: usize = 20_000;

#[tokio::test]
async fn what_is_too_much_to_hold_is_refused_and_is_sent_as_it_is_read() {
    let mut configuration = configuration();
    let columns = vec!["number"; WIDE_COLUMNS].join(", ");
    let wide = format!(
        "ledgers:\n  wide: {{ of: permit, columns: [{columns}] }}\n  \
         sorted: {{ of: permit, order: [field.area], columns: [{columns}] }}\n"
    );
    configuration.files.insert("rules/ledgers.yaml".to_owned(), wide.as_str().into());
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration).await;
    let held = sanbang::model::limits::LEDGER_CELLS_MAX / WIDE_COLUMNS;
    for number in 0..held {
        server.create(&format!("p-{number:03}"), "x").await;
    }
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
