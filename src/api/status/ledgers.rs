//! What callers see where a question about ledgers and indicators has no answer.

use tonic::{Code, Status};

use crate::model::limits;
use crate::runtime::LedgerError;

use super::{RETRY_DELAY, Violation, invalid, not_found, read, reason, told};

const LEDGER: &str = "sanbang.v1.Ledger";

/// One question about ledgers too many.
pub(in crate::api) fn too_many_questions() -> Status {
    let message = "too many questions about ledgers and indicators are being answered";
    told(Code::ResourceExhausted, reason::OVERLOADED, &message, Some(RETRY_DELAY))
}

/// A file that its reader does not take.
pub(in crate::api) fn file_not_taken() -> Status {
    let message = "the file was not taken in time, and others wait";
    told(Code::ResourceExhausted, reason::OVERLOADED, &message, Some(RETRY_DELAY))
}

/// A page of a sheet that is no more.
pub(in crate::api) fn other_sheet() -> Status {
    let problem = "the rows are no longer those of which this is a page: begin with the first page";
    invalid(&[Violation { field: "page_token".to_owned(), problem: problem.to_owned() }])
}

/// There is no such ledger or indicator.
pub(in crate::api) fn ledger_not_found(ledger: &str) -> Status {
    let message = "there is no such ledger, or no such indicator";
    not_found(reason::LEDGER_NOT_FOUND, LEDGER, ledger, message)
}

/// A question about ledgers that has no answer.
pub(in crate::api) fn ledger(error: &LedgerError) -> Status {
    match error {
        LedgerError::Future { .. } => {
            let field = "as_of".to_owned();
            invalid(&[Violation { field, problem: error.to_string() }])
        }
        LedgerError::Unknown(name) => {
            let field = "filter".to_owned();
            invalid(&[Violation { field, problem: name.to_string() }])
        }
        LedgerError::TooLarge => {
            told(Code::FailedPrecondition, reason::LEDGER_TOO_LONG, error, None)
        }
        LedgerError::Read(error) => read(error),
    }
}

/// A sheet that no workbook holds.
pub(in crate::api) fn workbook_too_large() -> Status {
    let (rows, columns) = (limits::WORKBOOK_ROWS_MAX, limits::WORKBOOK_COLUMNS_MAX);
    let message = format!(
        "a workbook has at most {rows} rows and {columns} columns: narrow the filter, or take CSV"
    );
    told(Code::FailedPrecondition, reason::LEDGER_TOO_LONG, &message, None)
}
