//! `LedgerService`: decode, one call, encode.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::definition::ledger::Ledger;
use crate::ledger::{Language, Period, Sheet, csv, xlsx};
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::runtime::{Catalog, IndicatorQuestion, LedgerQuestion};

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
        let sheet = self.handle.ledger(question).await.map_err(|error| status::ledger(&error))?;
        let (content, extension) = file(&sheet, format)?;
        let day = catalog.day_of(&ledger.selection.workflows, sheet.as_of);
        let day = day.map(|day| format!("-{day}")).unwrap_or_default();
        let file_name = format!("{}{day}.{extension}", ledger.id);
        let (queue, stream) = mpsc::channel(limits::STREAM_MESSAGES_MAX);
        tokio::spawn(send(content, file_name, queue));
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

fn file(sheet: &Sheet, format: pb::LedgerFormat) -> Result<(Vec<u8>, &'static str), Status> {
    match format {
        pb::LedgerFormat::Unspecified | pb::LedgerFormat::Csv => Ok((csv::csv(sheet), "csv")),
        pb::LedgerFormat::Xlsx => match xlsx::xlsx(sheet) {
            Ok(content) => Ok((content, "xlsx")),
            Err(error) => {
                tracing::error!(error = %error, "a workbook could not be written");
                Err(status::internal(""))
            }
        },
    }
}

async fn send(
    content: Vec<u8>,
    mut file_name: String,
    queue: mpsc::Sender<Result<pb::LedgerServiceExportResponse, Status>>,
) {
    for piece in content.chunks(PIECE_BYTES) {
        let file_name = std::mem::take(&mut file_name);
        let piece = pb::LedgerServiceExportResponse { content: piece.to_vec(), file_name };
        if queue.send(Ok(piece)).await.is_err() {
            return;
        }
    }
}
