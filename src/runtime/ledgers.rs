//! Ledgers and indicators at work: the store is read once per question, one instance after the
//! other, so that memory grows with the answer and not with history.
//!
//! Decides nothing about rows and figures: `crate::ledger` does.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::definition::ledger::{Indicator, Ledger};
use crate::ledger::TooManyRows;
use crate::ledger::{Counting, Dossier, Filling, Filter, Language, Period, Report, Setting, Sheet};
use crate::model::event::Record;
use crate::model::id::{InstanceId, WorkflowId};
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::store::{self, Query, Store};

use super::answer::ReadError;
use super::catalog::Catalog;

/// What is wanted of a ledger.
#[derive(Debug, Clone)]
pub struct LedgerQuestion {
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// The instant: everything recorded up to it counts, nothing after it. None: now.
    pub as_of: Option<Timestamp>,
    /// Which of its rows.
    pub filter: Filter,
    /// In which language.
    pub language: Language,
}

/// What is wanted of some indicators.
#[derive(Debug, Clone)]
pub struct IndicatorQuestion {
    /// The indicators.
    pub indicators: Vec<Arc<Indicator>>,
    /// The instant, as for a ledger.
    pub as_of: Option<Timestamp>,
    /// The days that are looked at.
    pub period: Period,
    /// Which instances.
    pub filter: Filter,
    /// In which language.
    pub language: Language,
}

/// Why a question about ledgers has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerError {
    /// Nothing is known of an instant that has not come.
    Future {
        /// The time now.
        now: Timestamp,
    },
    /// It would have more rows than are shown at once.
    TooManyRows,
    /// The store could not be read.
    Read(ReadError),
}

impl fmt::Display for LedgerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Future { now } => write!(out, "nothing is known of after {now}"),
            Self::TooManyRows => {
                write!(out, "more than {} rows: narrow the filter", limits::LEDGER_ROWS_MAX)
            }
            Self::Read(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for LedgerError {}

impl From<ReadError> for LedgerError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// The instant that is meant, if it has come.
pub(super) fn instant(as_of: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, LedgerError> {
    match as_of {
        Some(as_of) if as_of > now => Err(LedgerError::Future { now }),
        Some(as_of) => Ok(as_of),
        None => Ok(now),
    }
}

/// The rows of a ledger at an instant.
pub(super) fn sheet(
    store: &dyn Store,
    catalog: &Catalog,
    question: LedgerQuestion,
    as_of: Timestamp,
) -> Result<Result<Sheet, LedgerError>, store::Error> {
    let LedgerQuestion { ledger, filter, language, .. } = question;
    let workflows = wanted(&ledger.selection.workflows, &filter);
    let mut filling = Filling::new(ledger, filter, language);
    let too_many = each_dossier(store, catalog, (&workflows, as_of), |dossier, setting| {
        match filling.take(dossier, setting) {
            Ok(()) => ControlFlow::Continue(()),
            Err(TooManyRows) => ControlFlow::Break(()),
        }
    })?;
    Ok(match too_many {
        ControlFlow::Break(()) => Err(LedgerError::TooManyRows),
        ControlFlow::Continue(()) => Ok(filling.finish(as_of)),
    })
}

/// The figures of some indicators at an instant, all from one reading.
pub(super) fn figures(
    store: &dyn Store,
    catalog: &Catalog,
    question: IndicatorQuestion,
    as_of: Timestamp,
) -> Result<Result<Vec<Report>, LedgerError>, store::Error> {
    let IndicatorQuestion { indicators, period, filter, language, .. } = question;
    let of_all = indicators.iter().flat_map(|it| &it.selection.workflows).cloned();
    let of_all: Vec<WorkflowId> = of_all.collect::<BTreeSet<_>>().into_iter().collect();
    let workflows = wanted(&of_all, &filter);
    let counting = |it| Counting::new(it, filter.clone(), period, language);
    let mut all: Vec<Counting> = indicators.into_iter().map(counting).collect();
    let _all_looked_at = each_dossier(store, catalog, (&workflows, as_of), |dossier, setting| {
        for counting in &mut all {
            counting.take(dossier, setting);
        }
        ControlFlow::Continue(())
    })?;
    let report = |counting: Counting| {
        let today = catalog.day_of(&counting.indicator().selection.workflows, as_of);
        counting.finish(catalog.organization(), today)
    };
    Ok(Ok(all.into_iter().map(report).collect()))
}

fn wanted(workflows: &[WorkflowId], filter: &Filter) -> Vec<WorkflowId> {
    let asked = |id: &&WorkflowId| filter.workflows.is_empty() || filter.workflows.contains(id);
    workflows.iter().filter(asked).cloned().collect()
}

/// Looks at every instance of these workflows as it was at an instant, in order of their ids.
pub(super) fn each_dossier(
    store: &dyn Store,
    catalog: &Catalog,
    (workflows, as_of): (&[WorkflowId], Timestamp),
    mut look: impl FnMut(&Dossier, &Setting<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, store::Error> {
    if workflows.is_empty() {
        return Ok(ControlFlow::Continue(()));
    }
    let limit = limits::PAGE_SIZE_MAX;
    let mut query = Query { workflows: workflows.to_vec(), limit, ..Query::default() };
    loop {
        let page = store.query(&query)?;
        for header in page.iter().filter(|header| header.created_at <= as_of) {
            let records = records(store, &header.id)?;
            let Some(dossier) = Dossier::fold(&records, as_of) else { continue };
            let instance = &dossier.instance;
            let published = catalog.version(instance.workflow.as_str(), instance.workflow_version);
            let Some(workflow) = published.map(|published| &published.workflow) else { continue };
            let Some(live) = catalog.calendar(workflow.calendar.as_str()) else { continue };
            let (calendar, organization) = (&live.calendar, catalog.organization());
            let setting = Setting { workflow, calendar, organization, now: as_of };
            if look(&dossier, &setting).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        match page.last() {
            Some(last) if page.len() >= limit => query.after = Some(last.id.clone()),
            Some(_) | None => return Ok(ControlFlow::Continue(())),
        }
    }
}

/// Every record of an instance, oldest first.
fn records(store: &dyn Store, instance: &InstanceId) -> Result<Vec<Record>, store::Error> {
    let numbered = store.history(instance, None, usize::MAX)?;
    Ok(numbered.into_iter().rev().map(|numbered| numbered.record).collect())
}
