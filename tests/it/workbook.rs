//! A sheet as files: the workbook, read back by openpyxl, holds the cells and types of the CSV.

use std::process::Command;

use jiff::civil::date;
use sanbang::definition::ledger::{Kind, Naming};
use sanbang::ledger::{Cell, Head, Line, Sheet, csv, xlsx};
use sanbang::model::id::InstanceId;
use sanbang::model::time::Timestamp;

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
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
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

/// The sheet as a file, as the service writes it.
fn csv_of(sheet: &Sheet) -> String {
    let mut text = csv::begin(&sheet.columns);
    for row in &sheet.rows {
        csv::line(&mut text, &row.cells);
    }
    csv::line(&mut text, &sheet.totals);
    text
}

#[test]
fn the_csv_is_for_spreadsheet_programs() {
    let sheet = sheet();
    let text = csv_of(&sheet);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "\u{feff}序号,项目名称,总投资（万元）,签约日期,应办结时间,亮灯");
    assert_eq!(lines[1], "1,新材料中试基地，“三帮”小分队,12000.5,2022-01-29,2022-01-29 17:30,红");
    assert_eq!(lines[2], "-2,\"'=1+1\",0.1,,2025-12-31 23:59,");
    assert!(lines[3].contains("\"two\nlines, \"\"quoted\"\"\""), "{}", lines[3]);
    assert_eq!(lines[5], "合计,,24000.6,,,");
    assert_eq!(lines[6], "", "the last line ends");
}

#[test]
fn the_workbook_holds_the_cells_and_types_of_the_csv() {
    let sheet = sheet();
    let (first, again) = (xlsx::xlsx(&sheet).unwrap(), xlsx::xlsx(&sheet).unwrap());
    assert!(first == again, "the same sheet is the same file");
    let Some(python) = super::python::python("openpyxl") else { return };
    let directory = tempfile::tempdir().unwrap();
    let (book, text) = (directory.path().join("sheet.xlsx"), directory.path().join("sheet.csv"));
    std::fs::write(&book, first).unwrap();
    std::fs::write(&text, csv_of(&sheet)).unwrap();
    let kinds = sheet.columns.iter().map(|column| match column.kind {
        Kind::Integer => "integer",
        Kind::Decimal => "decimal",
        Kind::Date => "date",
        Kind::Time => "time",
        Kind::Text | Kind::Boolean | Kind::Name(_) => "text",
    });
    let mut command = Command::new(python);
    let output = command.arg(CLIENT).args([&book, &text]).args(kinds).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "36 cells");
}
