//! `LedgerService`: decode, one call, encode.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::definition::ledger::Ledger;
use crate::ledger::{Language, Line, Period, Sheet, csv, xlsx};
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::runtime::{Catalog, Handle, IndicatorQuestion, LedgerError, LedgerQuestion, Reading};

use super::edge::Edge;
use super::pb::ledger_service_server::LedgerService;
use super::violations::Violations;
use super::{from_proto, pb, status, to_proto};

type Answer<T> = Result<Response<T>, Status>;

/// Bytes of one piece of a file.
const PIECE_BYTES: usize = 64 * 1024;

#[tonic::async_trait]
impl LedgerService for Edge {
    async fn list_ledgers(
        &self,
        request: Request<pb::LedgerServiceListLedgersRequest>,
    ) -> Answer<pb::LedgerServiceListLedgersResponse> {
        let catalog = self.catalog(request.metadata())?;
        let all = catalog.ledgers();
        Ok(Response::new(pb::LedgerServiceListLedgersResponse {
            ledgers: all.ledgers.iter().map(|it| to_proto::ledger::ledger(it)).collect(),
            indicators: all.indicators.iter().map(|it| to_proto::ledger::indicator(it)).collect(),
        }))
    }

    async fn query(
        &self,
        request: Request<pb::LedgerServiceQueryRequest>,
    ) -> Answer<pb::LedgerServiceQueryResponse> {
        let catalog = self.catalog(request.metadata())?;
        let request = request.into_inner();
        let language = language(request.language());
        let mut found = Violations::default();
        let page = found.page(request.page_size, request.page_token);
        let (from, then) = page.token.map_or((0, None), |token| place(&mut found, &token));
        let as_of = found.optional_instant("as_of", request.as_of);
        let filter = from_proto::queries::ledger_filter(&mut found, &request.filter);
        found.finish(()).map_err(|told| status::invalid(&told))?;
        let ledger = named(&catalog, &request.ledger)?;
        let question = LedgerQuestion { ledger, as_of: then.or(as_of), filter, language };
        let sheet = self.handle.ledger(question).await.map_err(|error| status::ledger(&error))?;
        let rows: Vec<_> = sheet.rows.iter().skip(from).take(page.size).collect();
        let next = from + rows.len();
        let next_page_token = if next < sheet.rows.len() {
            format!("{next}@{}", sheet.as_of.0)
        } else {
            String::new()
        };
        Ok(Response::new(pb::LedgerServiceQueryResponse {
            title: sheet.title,
            as_of: Some(to_proto::instant(sheet.as_of)),
            columns: sheet.columns.iter().map(to_proto::ledger::column).collect(),
            rows: rows.into_iter().map(to_proto::ledger::row).collect(),
            totals: sheet.totals.iter().map(to_proto::ledger::cell).collect(),
            total_rows: sheet.rows.len() as u64,
            next_page_token,
        }))
    }

    type ExportStream = ReceiverStream<Result<pb::LedgerServiceExportResponse, Status>>;

    async fn export(
        &self,
        request: Request<pb::LedgerServiceExportRequest>,
    ) -> Answer<Self::ExportStream> {
        let catalog = self.catalog(request.metadata())?;
        let request = request.into_inner();
        let (language, format) = (language(request.language()), request.format());
        let mut found = Violations::default();
        let as_of = found.optional_instant("as_of", request.as_of);
        let filter = from_proto::queries::ledger_filter(&mut found, &request.filter);
        found.finish(()).map_err(|told| status::invalid(&told))?;
        let ledger = named(&catalog, &request.ledger)?;
        let question = LedgerQuestion { ledger: Arc::clone(&ledger), as_of, filter, language };
        let named = |as_of, extension: &str| {
            let day = catalog.day_of(&ledger.selection.workflows, as_of);
            let day = day.map(|day| format!("-{day}")).unwrap_or_default();
            format!("{}{day}.{extension}", ledger.id)
        };
        let (queue, stream) = mpsc::channel(limits::STREAM_MESSAGES_MAX);
        match format {
            pb::LedgerFormat::Unspecified | pb::LedgerFormat::Csv => {
                let reading = self.handle.open_ledger(question).await;
                let reading = reading.map_err(|error| status::ledger(&error))?;
                let pieces = Pieces { file_name: named(reading.as_of(), "csv"), queue };
                tokio::spawn(write_csv(self.handle.clone(), reading, pieces));
            }
            pb::LedgerFormat::Xlsx => {
                let sheet = self.handle.ledger(question).await;
                let sheet = sheet.map_err(|error| status::ledger(&error))?;
                let pieces = Pieces { file_name: named(sheet.as_of, "xlsx"), queue };
                let content = workbook(sheet).await?;
                tokio::spawn(write_whole(content, pieces));
            }
        }
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn indicators(
        &self,
        request: Request<pb::LedgerServiceIndicatorsRequest>,
    ) -> Answer<pb::LedgerServiceIndicatorsResponse> {
        let catalog = self.catalog(request.metadata())?;
        let request = request.into_inner();
        let language = language(request.language());
        let mut found = Violations::default();
        let as_of = found.optional_instant("as_of", request.as_of);
        let from = found.optional_date("from", &request.from);
        let to = found.optional_date("to", &request.to);
        let filter = from_proto::queries::ledger_filter(&mut found, &request.filter);
        found.finish(()).map_err(|told| status::invalid(&told))?;
        let all = catalog.ledgers();
        let asked = request
            .indicators
            .iter()
            .map(|name| all.indicator(name).cloned().ok_or_else(|| status::ledger_not_found(name)));
        let mut indicators = asked.collect::<Result<Vec<_>, Status>>()?;
        if indicators.is_empty() {
            indicators.clone_from(&all.indicators);
        }
        let as_of = as_of.unwrap_or_else(|| self.handle.now());
        let period = Period { from, to };
        let question =
            IndicatorQuestion { indicators, as_of: Some(as_of), period, filter, language };
        let reports = self.handle.indicators(question).await;
        let reports = reports.map_err(|error| status::ledger(&error))?;
        Ok(Response::new(pb::LedgerServiceIndicatorsResponse {
            as_of: Some(to_proto::instant(as_of)),
            indicators: reports.into_iter().map(to_proto::ledger::report).collect(),
        }))
    }
}

fn named(catalog: &Catalog, name: &str) -> Result<Arc<Ledger>, Status> {
    catalog.ledgers().ledger(name).cloned().ok_or_else(|| status::ledger_not_found(name))
}

fn language(language: pb::Language) -> Language {
    match language {
        pb::Language::Unspecified | pb::Language::English => Language::English,
        pb::Language::Chinese => Language::Chinese,
    }
}

/// The row and the instant at which the next page begins.
fn place(found: &mut Violations, token: &str) -> (usize, Option<Timestamp>) {
    let parts = token.split_once('@');
    let read = parts.and_then(|(row, at)| Some((row.parse().ok()?, at.parse().ok()?)));
    let Some((row, at)) = read else {
        found.add("page_token", "it is not a token of this list");
        return (0, None);
    };
    (row, Some(Timestamp(at)))
}

/// A workbook is written on a thread that may take its time.
async fn workbook(sheet: Sheet) -> Result<Vec<u8>, Status> {
    let written = tokio::task::spawn_blocking(move || xlsx::xlsx(&sheet)).await;
    let problem = match written {
        Ok(Ok(content)) => return Ok(content),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(error = problem, "a workbook could not be written");
    Err(status::internal(""))
}

/// A file on its way: the first piece carries its name.
struct Pieces {
    file_name: String,
    queue: mpsc::Sender<Result<pb::LedgerServiceExportResponse, Status>>,
}

/// Nobody reads any more.
struct Gone;

impl Pieces {
    async fn send(&mut self, content: Vec<u8>) -> Result<(), Gone> {
        let file_name = std::mem::take(&mut self.file_name);
        let piece = pb::LedgerServiceExportResponse { content, file_name };
        self.queue.send(Ok(piece)).await.map_err(|_| Gone)
    }

    /// Adds lines to a text, and sends it whenever it is long enough.
    async fn lines(&mut self, text: &mut String, lines: Vec<Line>) -> Result<(), Gone> {
        for line in lines {
            csv::line(text, &line.cells);
            if text.len() >= PIECE_BYTES {
                self.send(std::mem::take(text).into_bytes()).await?;
            }
        }
        Ok(())
    }
}

async fn write_whole(content: Vec<u8>, mut pieces: Pieces) {
    for piece in content.chunks(PIECE_BYTES) {
        if pieces.send(piece.to_vec()).await.is_err() {
            return;
        }
    }
}

/// Writes rows as they come. What goes wrong on the way ends the stream with its status.
async fn write_csv(handle: Handle, reading: Reading, mut pieces: Pieces) {
    if let Err(error) = csv_pieces(&handle, reading, &mut pieces).await {
        drop(pieces.queue.send(Err(status::ledger(&error))).await);
    }
}

async fn csv_pieces(
    handle: &Handle,
    mut reading: Reading,
    pieces: &mut Pieces,
) -> Result<(), LedgerError> {
    let mut text = csv::begin(&reading.columns());
    while !reading.is_done() {
        let (rest, lines) = handle.read_ledger(reading).await?;
        reading = rest;
        if pieces.lines(&mut text, lines).await.is_err() {
            return Ok(());
        }
    }
    let sheet = reading.finish();
    if pieces.lines(&mut text, sheet.rows).await.is_ok() {
        if !sheet.totals.is_empty() {
            csv::line(&mut text, &sheet.totals);
        }
        // The last piece; if nobody reads it, nobody misses it.
        let _sent = pieces.send(text.into_bytes()).await;
    }
    Ok(())
}
