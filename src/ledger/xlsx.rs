//! A sheet as a workbook: dates are dates, numbers are numbers, the head stays in sight and every
//! column is wide enough to be read.

use jiff::civil::date;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use crate::model::time::Date;

use super::cell::Cell;
use super::sheet::Sheet;

/// Characters of a name of a worksheet.
const SHEET_NAME_MAX: usize = 31;
/// Units of UTF-16 of a text.
const CELL_UNITS_MAX: usize = 32_767;
/// What a name of a worksheet may not hold.
const NOT_IN_SHEET_NAME: [char; 7] = ['[', ']', ':', '*', '?', '/', '\\'];
/// Widths in characters of the Latin alphabet.
const WIDTH_MIN: usize = 6;
const WIDTH_MAX: usize = 60;
/// Room beside the text.
const WIDTH_MARGIN: usize = 2;

/// A workbook with one worksheet: a line of titles, the rows, the totals.
pub fn xlsx(sheet: &Sheet) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // The instant of the sheet, not that of the file: the same sheet is the same file. One that
    // workbooks do not know is told as the beginning of their time.
    let as_of = ExcelDateTime::from_timestamp(sheet.as_of.0.div_euclid(1000));
    let as_of = as_of.or_else(|_| ExcelDateTime::from_ymd(1900, 1, 1))?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&as_of));
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(sheet_name(&sheet.title))?;
    let head = Format::new()
        .set_bold()
        .set_text_wrap()
        .set_align(FormatAlign::VerticalCenter)
        .set_border_bottom(FormatBorder::Thin);
    for (column, own) in (0..).zip(&sheet.columns) {
        worksheet.write_string_with_format(0, column, &own.title, &head)?;
    }
    let body = Formats::of(&Format::new());
    let mut row = 0;
    for line in &sheet.rows {
        row += 1;
        write(worksheet, row, &line.cells, &body)?;
    }
    if !sheet.totals.is_empty() {
        let bold = Format::new().set_bold().set_border_top(FormatBorder::Thin);
        row += 1;
        write(worksheet, row, &sheet.totals, &Formats::of(&bold))?;
    }
    worksheet.set_freeze_panes(1, 0)?;
    for (column, width) in (0..).zip(widths(sheet)) {
        worksheet.set_column_width(column, f64::from(width))?;
    }
    workbook.save_to_buffer()
}

/// How each kind of cell is written.
struct Formats {
    plain: Format,
    date: Format,
    time: Format,
}

impl Formats {
    fn of(format: &Format) -> Self {
        Self {
            plain: format.clone(),
            date: format.clone().set_num_format("yyyy-mm-dd"),
            time: format.clone().set_num_format("yyyy-mm-dd hh:mm"),
        }
    }
}

fn write(
    worksheet: &mut Worksheet,
    row: u32,
    cells: &[Cell],
    formats: &Formats,
) -> Result<(), XlsxError> {
    for (column, cell) in (0..).zip(cells) {
        let plain = &formats.plain;
        match cell {
            Cell::Empty => continue,
            Cell::Text(text) => {
                worksheet.write_string_with_format(row, column, fitting(text), plain)?
            }
            Cell::Integer(number) => {
                if let Some(number) = exact(&number.to_string()) {
                    worksheet.write_number_with_format(row, column, number, plain)?
                } else {
                    let text = number.to_string();
                    worksheet.write_string_with_format(row, column, text, plain)?
                }
            }
            Cell::Decimal(number) => {
                if let Some(number) = exact(&number.to_string()) {
                    worksheet.write_number_with_format(row, column, number, plain)?
                } else {
                    let text = number.to_string();
                    worksheet.write_string_with_format(row, column, text, plain)?
                }
            }
            Cell::Boolean(yes) => worksheet.write_boolean_with_format(row, column, *yes, plain)?,
            Cell::Date(date) if is_known(*date) => {
                worksheet.write_datetime_with_format(row, column, *date, &formats.date)?
            }
            Cell::Time(time) if is_known(time.date()) => {
                worksheet.write_datetime_with_format(row, column, *time, &formats.time)?
            }
            Cell::Date(_) | Cell::Time(_) => {
                worksheet.write_string_with_format(row, column, cell.to_string(), plain)?
            }
        };
    }
    Ok(())
}

/// Whether a workbook has this day. Before March 1900 its days are one off: it takes that year for
/// a leap year.
fn is_known(day: Date) -> bool {
    day >= date(1900, 3, 1) && day <= date(9999, 12, 31)
}

/// As much of a text as a cell of a workbook holds.
fn fitting(text: &str) -> &str {
    let mut room = CELL_UNITS_MAX;
    let end = text.char_indices().find(|(_, each)| {
        let fits = each.len_utf16() <= room;
        room = room.saturating_sub(each.len_utf16());
        !fits
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// A number of a workbook has fifteen digits; one with more is written as a text.
fn exact(text: &str) -> Option<f64> {
    const DIGITS_MAX: usize = 15;
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (digits <= DIGITS_MAX).then(|| text.parse().ok()).flatten()
}

fn sheet_name(title: &str) -> String {
    let name: String = title
        .chars()
        .filter(|each| !NOT_IN_SHEET_NAME.contains(each))
        .take(SHEET_NAME_MAX)
        .collect();
    let name = name.trim_matches('\'').trim().to_owned();
    if name.is_empty() { "ledger".to_owned() } else { name }
}

/// How wide each column is to be.
fn widths(sheet: &Sheet) -> Vec<u8> {
    let width_of = |at: usize| {
        let rows = sheet.rows.iter().filter_map(|row| row.cells.get(at));
        let cells = rows.chain(sheet.totals.get(at)).map(|cell| width(&cell.to_string()));
        let title = sheet.columns.get(at).map_or(0, |column| width(&column.title));
        let widest = cells.max().unwrap_or(0).max(title) + WIDTH_MARGIN;
        u8::try_from(widest.clamp(WIDTH_MIN, WIDTH_MAX)).unwrap_or(u8::MAX)
    };
    (0..sheet.columns.len()).map(width_of).collect()
}

/// The width of a text: its widest line, Chinese characters counting double.
pub fn width(text: &str) -> usize {
    let of_line =
        |line: &str| line.chars().map(|each| if is_wide(each) { 2 } else { 1 }).sum::<usize>();
    text.lines().map(of_line).max().unwrap_or(0)
}

/// Whether a character takes the room of two.
fn is_wide(each: char) -> bool {
    matches!(each,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{20000}'..='\u{3fffd}')
}
