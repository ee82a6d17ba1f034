//! A sheet as comma-separated values for spreadsheet programs: UTF-8 with a byte order mark, lines
//! that end in CR LF, a quoted text where it must be.

use super::cell::Cell;
use super::sheet::Sheet;

/// Tells programs that the file is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// Beginnings of a text that spreadsheet programs would take for a formula.
const FORMULA_BEGINNINGS: [char; 4] = ['=', '+', '-', '@'];

/// The sheet: a line of titles, the rows, the totals.
pub fn csv(sheet: &Sheet) -> Vec<u8> {
    let mut text = String::from(BYTE_ORDER_MARK);
    line(&mut text, sheet.columns.iter().map(|column| Cell::text(&column.title)));
    for row in &sheet.rows {
        line(&mut text, row.cells.iter().cloned());
    }
    if !sheet.totals.is_empty() {
        line(&mut text, sheet.totals.iter().cloned());
    }
    text.into_bytes()
}

fn line(text: &mut String, cells: impl Iterator<Item = Cell>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(',');
        }
        match &cell {
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
