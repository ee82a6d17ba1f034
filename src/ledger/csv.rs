//! A sheet as comma-separated values for spreadsheet programs: UTF-8 with a byte order mark, lines
//! that end in CR LF, a quoted text where it must be.

use super::cell::Cell;
use super::sheet::{Head, Sheet};

/// Tells programs that the file is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// Beginnings of a text that spreadsheet programs would take for a formula, or that some of them
/// leave out before they look; the wide ones are those of Chinese keyboards.
const FORMULA_BEGINNINGS: [char; 11] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A whole file.
pub fn csv(sheet: &Sheet) -> String {
    let mut text = begin(&sheet.columns);
    for row in &sheet.rows {
        line(&mut text, &row.cells);
    }
    end(&mut text, &sheet.totals);
    text
}

/// How a file ends: with the line of totals, if there are any.
pub fn end(text: &mut String, totals: &[Cell]) {
    if !totals.is_empty() {
        line(text, totals);
    }
}

/// How a file begins: with the line of titles.
pub fn begin(columns: &[Head]) -> String {
    let mut text = String::from(BYTE_ORDER_MARK);
    let titles: Vec<Cell> = columns.iter().map(|column| Cell::text(&column.title)).collect();
    line(&mut text, &titles);
    text
}

/// One more line, of a row or of the totals.
pub fn line(text: &mut String, cells: &[Cell]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        match cell {
            Cell::Text(own) => quoted(text, own),
            other => text.push_str(&other.to_string()),
        }
    }
    text.push_str("\r\n");
}

/// A text: one that would be run as a formula gets an apostrophe, as spreadsheet programs write it.
fn quoted(text: &mut String, own: &str) {
    let runs = own.starts_with(FORMULA_BEGINNINGS);
    let breaks = |each: char| matches!(each, ',' | '"' | '\n' | '\r');
    if !runs && !own.contains(breaks) {
        text.push_str(own);
        return;
    }
    text.push('"');
    if runs {
        text.push('\'');
    }
    text.push_str(&own.replace('"', "\"\""));
    text.push('"');
}
