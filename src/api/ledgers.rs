//! `LedgerService`: decode, one call, encode.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::definition::ledger::{Ledger, Selection};
use crate::ledger::{Language, Period, Report, report};
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::runtime::{Catalog, IndicatorQuestion, LedgerQuestion};

use super::edge::Edge;
use super::files::{self, File};
use super::pb::ledger_service_server::LedgerService;
use super::questions::{Asked, Marked, Start, aside};
use super::violations::Violations;
use super::{from_proto, pb, status, to_proto};

type Answer<T> = Result<Response<T>, Status>;

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
        let start = page.token.as_deref().and_then(|token| {
            let start = Start::read(token);
            if start.is_none() {
                found.foreign_token();
            }
            start
        });
        let as_of = found.optional_instant("as_of", request.as_of);
        let filter = from_proto::queries::ledger_filter(&mut found, &request.filter);
        found.finish(()).map_err(|told| status::invalid(&told))?;
        let ledger = named(&catalog, &request.ledger)?;
        let as_of = start.map(|start| start.as_of).or(as_of);
        let question = LedgerQuestion { ledger, as_of, filter, language };
        let asked = Asked::of(&question);
        let kept = start.and_then(|start| self.questions.take(&asked, start));
        let marked = match kept {
            Some(marked) => marked,
            None => self.read_sheet(question, start).await?,
        };
        let sheet = Arc::clone(&marked.sheet);
        let first = start.map_or(0, |start| start.row);
        let rows: Vec<_> = sheet.rows.iter().skip(first).take(page.size).collect();
        let row = first.saturating_add(rows.len());
        let mut next_page_token = String::new();
        if row < sheet.rows.len() {
            let next = Start { row, as_of: sheet.as_of, mark: marked.mark };
            next_page_token = next.token();
            self.questions.keep(asked, marked);
        }
        Ok(Response::new(pb::LedgerServiceQueryResponse {
            title: sheet.title.clone(),
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
        let format = request.format();
        let (queue, stream) = mpsc::channel(limits::STREAM_MESSAGES_MAX);
        let name = |id: &str, of: &Selection, as_of| {
            let day = catalog.day_of(&of.workflows, as_of);
            let day = day.map(|day| format!("-{day}")).unwrap_or_default();
            format!("{id}{day}.{}", files::extension(format))
        };
        if let Some(question) = indicators_of_file(&request)? {
            let question = indicator_question(&catalog, &question)?;
            let (language, of) = (question.language, question.indicators.clone());
            let place = self.questions.place()?;
            let (as_of, reports) = self.reports(question).await?;
            let sheet = report::sheet(&reports, as_of, language);
            let content = files::content(sheet, format).await?;
            let name = match &of[..] {
                [only] => name(only.id.as_str(), &only.selection, as_of),
                [first, ..] => name("indicators", &first.selection, as_of),
                [] => format!("indicators.{}", files::extension(format)),
            };
            tokio::spawn(File::new(name, queue, place).send_whole(content));
            return Ok(Response::new(ReceiverStream::new(stream)));
        }
        let mut found = Violations::default();
        let as_of = found.optional_instant("as_of", request.as_of);
        let filter = from_proto::queries::ledger_filter(&mut found, &request.filter);
        found.finish(()).map_err(|told| status::invalid(&told))?;
        let ledger = named(&catalog, &request.ledger)?;
        let language = language(request.language());
        let question = LedgerQuestion { ledger: Arc::clone(&ledger), as_of, filter, language };
        let place = self.questions.place()?;
        let reading = self.handle.open_ledger(question).await;
        let reading = reading.map_err(|error| status::ledger(&error))?;
        let name = name(ledger.id.as_str(), &ledger.selection, reading.as_of());
        let file = File::new(name, queue, place);
        match format {
            pb::LedgerFormat::Unspecified | pb::LedgerFormat::Csv => {
                tokio::spawn(file.send_reading(self.handle.clone(), reading));
            }
            pb::LedgerFormat::Xlsx => {
                let sheet = self.handle.finish_ledger(reading).await;
                let sheet = sheet.map_err(|error| status::ledger(&error))?;
                let content = files::content(sheet, format).await?;
                tokio::spawn(file.send_whole(content));
            }
        }
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn indicators(
        &self,
        request: Request<pb::LedgerServiceIndicatorsRequest>,
    ) -> Answer<pb::LedgerServiceIndicatorsResponse> {
        let catalog = self.catalog(request.metadata())?;
        let question = indicator_question(&catalog, &request.into_inner())?;
        let _place = self.questions.place()?;
        let (as_of, reports) = self.reports(question).await?;
        Ok(Response::new(pb::LedgerServiceIndicatorsResponse {
            as_of: Some(to_proto::instant(as_of)),
            indicators: reports.into_iter().map(to_proto::ledger::report).collect(),
        }))
    }
}

impl Edge {
    /// Reads a ledger anew. What is read for a further page must be what its first page was of.
    async fn read_sheet(
        &self,
        question: LedgerQuestion,
        start: Option<Start>,
    ) -> Result<Marked, Status> {
        let _place = self.questions.place()?;
        let sheet = self.handle.ledger(question).await.map_err(|error| status::ledger(&error))?;
        let mark = move || {
            let (mark, cells) = (sheet.mark(), sheet.cells());
            Marked { sheet: Arc::new(sheet), mark, cells }
        };
        let marked = aside(mark).await?;
        match start {
            Some(start) if start.mark != marked.mark => Err(status::other_sheet()),
            _ => Ok(marked),
        }
    }

    /// The figures, and the instant of the answer.
    async fn reports(
        &self,
        question: IndicatorQuestion,
    ) -> Result<(Timestamp, Vec<Report>), Status> {
        let reports = self.handle.indicators(question).await;
        reports.map_err(|error| status::ledger(&error))
    }
}

/// What is asked of which indicators, if there are such.
fn indicator_question(
    catalog: &Catalog,
    request: &pb::LedgerServiceIndicatorsRequest,
) -> Result<IndicatorQuestion, Status> {
    let language = language(request.language());
    let mut found = Violations::default();
    let as_of = found.optional_instant("as_of", request.as_of);
    let from = found.optional_date("from", &request.from);
    let to = found.optional_date("to", &request.to);
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        found.add("to", "it lies before `from`");
    }
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
    let period = Period { from, to };
    Ok(IndicatorQuestion { indicators, as_of, period, filter, language })
}

/// The indicators of which a file is wanted; none: it is of a ledger.
fn indicators_of_file(
    request: &pb::LedgerServiceExportRequest,
) -> Result<Option<pb::LedgerServiceIndicatorsRequest>, Status> {
    let Some(wanted) = request.indicators.clone() else { return Ok(None) };
    if !request.ledger.is_empty() {
        let mut found = Violations::default();
        found.add("ledger", "a file is of a ledger or of indicators");
        found.finish(()).map_err(|told| status::invalid(&told))?;
    }
    let pb::IndicatorSelection { indicators, from, to } = wanted;
    let (as_of, filter, language) = (request.as_of, request.filter.clone(), request.language);
    let asked =
        pb::LedgerServiceIndicatorsRequest { indicators, as_of, from, to, filter, language };
    Ok(Some(asked))
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
