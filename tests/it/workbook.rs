//! A sheet as files, of ledgers and of indicators: the workbook, read back by openpyxl, holds the
//! cells and types of the CSV.

use std::process::Command;

use jiff::civil::date;
use sanbang::api::pb;
use sanbang::definition::ledger::{Kind, Naming};
use sanbang::ledger::{Cell, Head, Line, Sheet, csv, xlsx};
use sanbang::model::id::InstanceId;
use sanbang::model::time::Timestamp;

use super::api_fixture::{Server, by};
use super::ledgers::configuration;

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/python/workbook.py");

/// A sheet with something of everything that is hard to write.
fn sheet() -> Sheet {
    let heads = [
        ("序号", Kind::Integer),
        ("项目名称", Kind::Text),
        ("总投资（万元）", Kind::Decimal),
        ("签约日期", Kind::Date),
        ("应办结时间", Kind::Time),
        ("亮灯", Kind::Name(Naming::Word)),
    ];
    let head = |(title, kind): (&str, Kind)| Head { title: title.to_owned(), kind };
    let day = date(2022, 1, 29);
    let rows = [
        vec![
            Cell::Integer(1),
            Cell::text("新材料中试基地，“三帮”小分队"),
            Cell::Decimal("12000.5".parse().unwrap()),
            Cell::Date(day),
            Cell::Time(day.at(17, 30, 0, 0)),
            Cell::text("红"),
        ],
        vec![
            Cell::Integer(-2),
            Cell::text("=1+1"),
            Cell::Decimal("0.1".parse().unwrap()),
            Cell::Empty,
            Cell::Time(date(2025, 12, 31).at(23, 59, 0, 0)),
            Cell::Empty,
        ],
        vec![
            Cell::Integer(i64::MAX),
            Cell::text("two\nlines, \"quoted\""),
            Cell::Decimal("12345678901234567.89".parse().unwrap()),
            Cell::Date(date(1999, 2, 28)),
            Cell::Empty,
            Cell::text("yellow"),
        ],
        vec![
            Cell::Empty,
            Cell::text(&"很长的建设内容及规模".repeat(20)),
            Cell::Empty,
            // A day before workbooks begin, and one on which they are wrong.
            Cell::Date(date(1850, 2, 1)),
            Cell::Time(date(1900, 2, 28).at(8, 0, 0, 0)),
            Cell::text("＝SUM(A1)"),
        ],
        vec![
            Cell::Integer(0),
            Cell::text("\t=1+1,\"，\""),
            Cell::Empty,
            Cell::Date(date(9999, 12, 31)),
            Cell::Time(date(1900, 3, 1).at(0, 0, 0, 0)),
            Cell::text("-5 万元\n@合计"),
        ],
    ];
    let line = |cells| Line { instance: InstanceId::trusted("p-1"), cells };
    let total = Cell::Decimal("24000.6".parse().unwrap());
    let totals =
        vec![Cell::text("合计"), Cell::Empty, total, Cell::Empty, Cell::Empty, Cell::Empty];
    Sheet {
        title: "招商项目台账: [1/2]".to_owned(),
        as_of: Timestamp(1_736_125_200_000),
        columns: heads.into_iter().map(head).collect(),
        rows: rows.into_iter().map(line).collect(),
        totals,
    }
}

#[test]
fn the_csv_is_for_spreadsheet_programs() {
    let sheet = sheet();
    let text = csv::csv(&sheet);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "\u{feff}序号,项目名称,总投资（万元）,签约日期,应办结时间,亮灯");
    assert_eq!(lines[1], "1,新材料中试基地，“三帮”小分队,12000.5,2022-01-29,2022-01-29 17:30,红");
    assert_eq!(lines[2], "-2,\"'=1+1\",0.1,,2025-12-31 23:59,");
    assert!(lines[3].contains("\"two\nlines, \"\"quoted\"\"\""), "{}", lines[3]);
    assert!(lines[4].ends_with(",1850-02-01,1900-02-28 08:00,\"'＝SUM(A1)\""), "{}", lines[4]);
    let odd = "0,\"'\t=1+1,\"\"，\"\"\",,9999-12-31,1900-03-01 00:00,\"'-5 万元\n@合计\"";
    assert_eq!(lines[5], odd);
    assert_eq!(lines[6], "合计,,24000.6,,,");
    assert_eq!(lines[7], "", "the last line ends");
}

#[test]
fn the_workbook_holds_the_cells_and_types_of_the_csv() {
    let sheet = sheet();
    let (first, again) = (xlsx::xlsx(&sheet).unwrap(), xlsx::xlsx(&sheet).unwrap());
    assert!(first == again, "the same sheet is the same file");
    let kinds: Vec<&str> = sheet.columns.iter().map(|column| word(column.kind)).collect();
    if let Some(told) = compared(&first, csv::csv(&sheet).as_bytes(), &kinds) {
        assert_eq!(told, "42 cells");
    }
}

#[test]
fn what_a_workbook_cannot_hold_is_cut_and_odd_instants_are_none() {
    let mut sheet = sheet();
    sheet.as_of = Timestamp(-9_000_000_000_000);
    sheet.rows[0].cells[1] = Cell::text(&"𠀀".repeat(20_000));
    let book = xlsx::xlsx(&sheet).unwrap();
    // Two units of UTF-16 each: as many as fit.
    sheet.rows[0].cells[1] = Cell::text(&"𠀀".repeat(16_383));
    assert!(book == xlsx::xlsx(&sheet).unwrap());
}

/// A file with its name.
async fn taken(server: &Server, request: pb::LedgerServiceExportRequest) -> (String, Vec<u8>) {
    let mut pieces = server.ledgers().export(by("anna", request)).await.unwrap().into_inner();
    let (mut name, mut content) = (String::new(), Vec::new());
    while let Some(piece) = pieces.message().await.unwrap() {
        name.push_str(&piece.file_name);
        content.extend(piece.content);
    }
    (name, content)
}

#[tokio::test]
async fn the_files_of_indicators_hold_the_figures_of_the_answer() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    server.create("a", "x").await;
    server.create("b", "=y").await;
    server.advance_clock(24 * 9).await;
    let (from, to) = ("2025-01-01".to_owned(), "2025-01-31".to_owned());
    let answer = pb::LedgerServiceIndicatorsRequest {
        from: from.clone(),
        to: to.clone(),
        ..Default::default()
    };
    let answer = server.ledgers().indicators(by("anna", answer)).await.unwrap().into_inner();
    let file = async |names: &[&str], format: pb::LedgerFormat| {
        let indicators = names.iter().map(|name| (*name).to_owned()).collect();
        let wanted = pb::IndicatorSelection { indicators, from: from.clone(), to: to.clone() };
        let request = pb::LedgerServiceExportRequest {
            indicators: Some(wanted),
            format: format.into(),
            ..Default::default()
        };
        taken(&server, request).await
    };
    let (name, text) = file(&[], pb::LedgerFormat::Csv).await;
    assert_eq!(name, "indicators-2025-01-15.csv");
    let told = String::from_utf8(text.clone()).unwrap();
    let mut lines = told.trim_start_matches('\u{feff}').lines();
    let titles = "Indicator,Title,Unit,Split by,Split 1,Of,Measure,Basis,Value,Numerator,\
        Denominator,What is divided,By what,Rows,Bound,Target,Target of year,Reached";
    assert_eq!(lines.next().unwrap(), titles);
    let figures = answer.indicators.iter().flat_map(|report| {
        let of_report = |it: &pb::Figure| {
            let key = it.keys.first().cloned().unwrap_or_default();
            let basis = it.basis().as_str_name().trim_start_matches("FIGURE_BASIS_");
            let basis = basis.to_lowercase();
            let (value, top, bottom) = (&it.value, &it.numerator, &it.denominator);
            let (id, name, measure) = (&report.id, &it.name, &it.measure);
            (
                format!("{id},"),
                format!(",{key},{name},{measure},{basis},{value},{top},{bottom},"),
                format!(",{},,,,", it.n),
            )
        };
        report.figures.iter().map(of_report).collect::<Vec<_>>()
    });
    let figures: Vec<_> = figures.collect();
    assert!(figures.len() > 30, "{}", figures.len());
    for (begin, middle, end) in &figures {
        let line = lines.next().unwrap();
        let holds = line.starts_with(begin) && line.contains(middle) && line.ends_with(end);
        assert!(holds, "{line}: {begin} {middle} {end}");
    }
    assert_eq!(lines.next(), None);

    let (name, book) = file(&[], pb::LedgerFormat::Xlsx).await;
    assert_eq!(name, "indicators-2025-01-15.xlsx");
    let mut kinds = vec!["text"; 8];
    kinds.extend(["decimal", "decimal", "decimal", "text", "text", "integer"]);
    kinds.extend(["text", "decimal", "integer", "text"]);
    let cells = format!("{} cells", (figures.len() + 1) * kinds.len());
    if let Some(told) = compared(&book, &text, &kinds) {
        assert_eq!(told, cells);
    }
    // One of them gives the file its name; without a split there is no column for it.
    let (name, text) = file(&["reviewed"], pb::LedgerFormat::Csv).await;
    assert_eq!(name, "reviewed-2025-01-15.csv");
    assert!(!String::from_utf8(text).unwrap().contains("Split 1"));
    server.stop().await;
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "integer",
        Kind::Decimal => "decimal",
        Kind::Date => "date",
        Kind::Time => "time",
        Kind::Text | Kind::Boolean | Kind::Name(_) => "text",
    }
}

/// What a Python says that reads the workbook and compares it with the CSV.
fn compared(book: &[u8], text: &[u8], kinds: &[&str]) -> Option<String> {
    let python = super::python::python("openpyxl")?;
    let directory = tempfile::tempdir().unwrap();
    let (xlsx, csv) = (directory.path().join("sheet.xlsx"), directory.path().join("sheet.csv"));
    std::fs::write(&xlsx, book).unwrap();
    std::fs::write(&csv, text).unwrap();
    let mut command = Command::new(python);
    let output = command.arg(CLIENT).args([&xlsx, &csv]).args(kinds).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
