//! Files of ledgers and indicators on their way: made as CSV or as a workbook, and sent piece by
//! piece for as long as somebody takes them.
//!
//! Knows no ledger by name, and decides nothing about rows and figures.

use std::time::Duration;

use tokio::sync::mpsc;
use tonic::Status;

use crate::ledger::{Line, Sheet, csv, xlsx};
use crate::model::limits;
use crate::runtime::{Handle, Reading};

use super::questions::{Place, aside};
use super::{pb, status};

/// Bytes of one piece of a file.
const PIECE_BYTES: usize = 64 * 1024;
/// A reader that takes no piece for so long loses the rest: others wait for its place.
const PATIENCE: Duration = Duration::from_secs(30);

type Queue = mpsc::Sender<Result<pb::LedgerServiceExportResponse, Status>>;

/// How the name of such a file ends.
pub(super) fn extension(format: pb::LedgerFormat) -> &'static str {
    match format {
        pb::LedgerFormat::Unspecified | pb::LedgerFormat::Csv => "csv",
        pb::LedgerFormat::Xlsx => "xlsx",
    }
}

/// A sheet as a file.
pub(super) async fn content(sheet: Sheet, format: pb::LedgerFormat) -> Result<Vec<u8>, Status> {
    content_within(sheet, format, limits::WORKBOOK_ROWS_MAX).await
}

async fn content_within(
    sheet: Sheet,
    format: pb::LedgerFormat,
    rows_max: usize,
) -> Result<Vec<u8>, Status> {
    let rows = 1 + sheet.rows.len() + usize::from(!sheet.totals.is_empty());
    let fits = rows <= rows_max && sheet.columns.len() <= limits::WORKBOOK_COLUMNS_MAX;
    if format == pb::LedgerFormat::Xlsx && !fits {
        return Err(status::workbook_too_large());
    }
    let written = aside(move || match format {
        pb::LedgerFormat::Unspecified | pb::LedgerFormat::Csv => Ok(csv::csv(&sheet).into_bytes()),
        pb::LedgerFormat::Xlsx => xlsx::xlsx(&sheet),
    });
    written.await?.map_err(|error| {
        tracing::error!(%error, "a workbook could not be written");
        status::internal("")
    })
}

/// A file on its way: the first piece carries its name. It keeps a place among the questions until
/// it was taken, or nobody takes it any more.
pub(super) struct File {
    name: String,
    queue: Queue,
    place: Place,
    patience: Duration,
}

impl File {
    pub(super) fn new(name: String, queue: Queue, place: Place) -> Self {
        Self { name, queue, place, patience: PATIENCE }
    }

    /// Sends a file that stands.
    pub(super) async fn send_whole(mut self, content: Vec<u8>) {
        let sent = self.whole(content).await;
        self.end(sent).await;
    }

    /// Sends the rows of a ledger as they are read.
    pub(super) async fn send_reading(mut self, handle: Handle, reading: Reading) {
        let sent = self.reading(&handle, reading).await;
        self.end(sent).await;
    }

    async fn whole(&mut self, content: Vec<u8>) -> Result<(), Status> {
        for piece in content.chunks(PIECE_BYTES) {
            self.piece(piece.to_vec()).await?;
        }
        Ok(())
    }

    async fn reading(&mut self, handle: &Handle, mut reading: Reading) -> Result<(), Status> {
        let mut text = csv::begin(&reading.columns());
        while !reading.is_done() {
            let read = handle.read_ledger(reading).await;
            let (rest, lines) = read.map_err(|error| status::ledger(&error))?;
            reading = rest;
            self.lines(&mut text, lines).await?;
        }
        let sheet = reading.finish();
        self.lines(&mut text, sheet.rows).await?;
        csv::end(&mut text, &sheet.totals);
        self.piece(text.into_bytes()).await
    }

    /// Adds lines to a text, and sends it whenever it is long enough.
    async fn lines(&mut self, text: &mut String, lines: Vec<Line>) -> Result<(), Status> {
        for line in lines {
            csv::line(text, &line.cells);
            if text.len() >= PIECE_BYTES {
                self.piece(std::mem::take(text).into_bytes()).await?;
            }
        }
        Ok(())
    }

    async fn piece(&mut self, content: Vec<u8>) -> Result<(), Status> {
        let file_name = std::mem::take(&mut self.name);
        let piece = pb::LedgerServiceExportResponse { content, file_name };
        let taken = tokio::time::timeout(self.patience, self.queue.send(Ok(piece))).await;
        // Where nobody reads any more, nobody hears the refusal either.
        taken.ok().and_then(Result::ok).ok_or_else(status::file_not_taken)
    }

    /// What went wrong ends the stream: a part is never taken for the whole.
    async fn end(self, sent: Result<(), Status>) {
        drop(self.place);
        if let Err(status) = sent {
            drop(self.queue.send(Err(status)).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::questions::Questions;
    use crate::definition::ledger::Kind;
    use crate::ledger::{Cell, Head};
    use crate::model::id::InstanceId;
    use crate::model::time::Timestamp;

    #[tokio::test]
    async fn a_reader_that_takes_nothing_gives_its_place_back_and_hears_that_this_is_not_all() {
        let questions = Questions::new();
        let (queue, mut taken) = mpsc::channel(1);
        let mut places: Vec<Place> =
            (0..limits::LEDGER_QUESTIONS_MAX).map(|_| questions.place().unwrap()).collect();
        assert!(questions.place().is_err());
        let place = places.pop().unwrap();
        let patience = Duration::from_millis(20);
        let file = File { name: "x.csv".to_owned(), queue, place, patience };
        let sending = tokio::spawn(file.send_whole(vec![7; 3 * PIECE_BYTES]));
        while questions.place().is_err() {
            tokio::task::yield_now().await;
        }
        let first = taken.recv().await.unwrap().unwrap();
        assert_eq!((first.file_name.as_str(), first.content.len()), ("x.csv", PIECE_BYTES));
        assert_eq!(taken.recv().await.unwrap().unwrap_err().code(), tonic::Code::ResourceExhausted);
        assert!(taken.recv().await.is_none());
        sending.await.unwrap();
    }

    #[tokio::test]
    async fn a_sheet_that_no_workbook_holds_is_refused_and_is_a_csv_all_the_same() {
        let line = |number: i64| {
            let instance = InstanceId::trusted("p-1");
            Line { instance, cells: vec![Cell::Integer(number)] }
        };
        let sheet = |rows: i64| Sheet {
            title: "Long".to_owned(),
            as_of: Timestamp(0),
            columns: vec![Head { title: "Number".to_owned(), kind: Kind::Integer }],
            rows: (0..rows).map(line).collect(),
            totals: vec![Cell::Integer(rows)],
        };
        // A head, three rows and the totals.
        assert!(content_within(sheet(3), pb::LedgerFormat::Xlsx, 5).await.is_ok());
        let refused = content_within(sheet(4), pb::LedgerFormat::Xlsx, 5).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
        assert!(refused.message().ends_with("narrow the filter, or take CSV"), "{refused}");
        assert!(content_within(sheet(4), pb::LedgerFormat::Csv, 5).await.is_ok());
        let column = sheet(0).columns.remove(0);
        let columns = vec![column; limits::WORKBOOK_COLUMNS_MAX + 1];
        let wide = Sheet { columns, totals: Vec::new(), ..sheet(0) };
        assert!(content(wide, pb::LedgerFormat::Xlsx).await.is_err());
    }
}
