//! Ledgers and indicators at work: the store is read once per question, one instance after the
//! other in order of creation, so that memory grows with the answer and not with history. What a
//! header rules out is not read.
//!
//! Decides nothing about rows and figures: `crate::ledger` does.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::vec;

use crate::definition::ledger::{Indicator, Ledger, Selection};
use crate::ledger::pick::are_lit;
use crate::ledger::{Counting, Dossier, Filling, Filter, Head, Language, Line, Period, Report};
use crate::ledger::{Setting, Sheet, TooLarge};
use crate::model::event::Record;
use crate::model::id::{InstanceId, WorkflowId};
use crate::model::instance::Header;
use crate::model::limits;
use crate::model::organization::Organization;
use crate::model::time::Timestamp;
use crate::store::{self, Query, Store};

use super::answer::ReadError;
use super::catalog::Catalog;
use super::ledger_names::{UnknownName, unknown};

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
    /// The instant: everything recorded up to it counts, nothing after it. None: now.
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
    /// It would have more cells than are held at once.
    TooLarge,
    /// The filter names what there is not.
    Unknown(UnknownName),
    /// The store could not be read.
    Read(ReadError),
}

impl fmt::Display for LedgerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Future { now } => write!(out, "nothing is known of after {now}"),
            Self::TooLarge => {
                let most = limits::LEDGER_CELLS_MAX;
                write!(
                    out,
                    "more than {most} cells, each 64 bytes of text one more: narrow the filter"
                )
            }
            Self::Unknown(name) => write!(out, "{name}"),
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

/// A ledger that is being read, some instances at a time.
#[derive(Debug)]
pub struct Reading {
    filling: Filling,
    instances: vec::IntoIter<InstanceId>,
    catalog: Arc<Catalog>,
    organization: Arc<Organization>,
    as_of: Timestamp,
}

impl Reading {
    /// Nothing is read yet but which instances there are.
    pub(super) fn open(
        store: &dyn Store,
        catalog: Arc<Catalog>,
        question: LedgerQuestion,
        as_of: Timestamp,
    ) -> Result<Result<Self, LedgerError>, store::Error> {
        let LedgerQuestion { ledger, filter, language, .. } = question;
        if let Some(name) = unknown(store, &catalog, &filter, question.as_of.is_some())? {
            return Ok(Err(LedgerError::Unknown(name)));
        }
        let instances = instances(store, &[&ledger.selection], &filter, as_of)?;
        let organization = catalog.organization_at(store, as_of)?;
        let filling = Filling::new(ledger, filter, language);
        Ok(Ok(Self { filling, instances: instances.into_iter(), catalog, organization, as_of }))
    }

    /// The heads of the columns.
    pub fn columns(&self) -> Vec<Head> {
        self.filling.columns()
    }

    /// The instant at which it was so.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Whether all instances were read.
    pub fn is_done(&self) -> bool {
        self.instances.len() == 0
    }

    /// Reads on until there are some rows that stand already, and takes them out.
    pub(super) fn read_some(
        &mut self,
        store: &dyn Store,
    ) -> Result<Result<Vec<Line>, LedgerError>, store::Error> {
        let mut lines = Vec::new();
        while lines.len() < limits::LEDGER_ROWS_AT_ONCE && !self.is_done() {
            if let Err(TooLarge) = self.read_next(store)? {
                return Ok(Err(LedgerError::TooLarge));
            }
            lines.extend(self.filling.lines());
        }
        Ok(Ok(lines))
    }

    /// Reads everything, and holds it.
    pub(super) fn read_all(
        mut self,
        store: &dyn Store,
    ) -> Result<Result<Sheet, LedgerError>, store::Error> {
        while !self.is_done() {
            if let Err(TooLarge) = self.read_next(store)? {
                return Ok(Err(LedgerError::TooLarge));
            }
        }
        Ok(Ok(self.finish()))
    }

    fn read_next(&mut self, store: &dyn Store) -> Result<Result<(), TooLarge>, store::Error> {
        let Self { filling, instances, catalog, organization, as_of } = self;
        let Some(instance) = instances.next() else { return Ok(Ok(())) };
        let take = |dossier: &Dossier, setting: &Setting<'_>| filling.take(dossier, setting);
        let scene = (&**catalog, &**organization);
        Ok(look_at(store, scene, (&instance, *as_of), take)?.unwrap_or(Ok(())))
    }

    /// What was not taken out yet, and the totals.
    pub fn finish(self) -> Sheet {
        self.filling.finish(self.as_of)
    }
}

/// The figures of some indicators at an instant, all from one reading.
pub(super) fn figures(
    store: &dyn Store,
    catalog: &Catalog,
    question: IndicatorQuestion,
    as_of: Timestamp,
) -> Result<Result<Vec<Report>, LedgerError>, store::Error> {
    let IndicatorQuestion { indicators, period, filter, language, .. } = question;
    if let Some(name) = unknown(store, catalog, &filter, question.as_of.is_some())? {
        return Ok(Err(LedgerError::Unknown(name)));
    }
    let of_all: Vec<&Selection> = indicators.iter().map(|it| &it.selection).collect();
    let instances = instances(store, &of_all, &filter, as_of)?;
    let organization = catalog.organization_at(store, as_of)?;
    let counting = |it| Counting::new(it, filter.clone(), period, language);
    let mut all: Vec<Counting> = indicators.into_iter().map(counting).collect();
    for instance in instances {
        look_at(store, (catalog, &organization), (&instance, as_of), |dossier, setting| {
            for counting in &mut all {
                counting.take(dossier, setting);
            }
        })?;
    }
    let report = |counting: Counting| {
        let today = catalog.day_of(&counting.indicator().selection.workflows, as_of);
        counting.finish(&organization, today)
    };
    Ok(Ok(all.into_iter().map(report).collect()))
}

/// The instances of these selections that may count, in order of their creation.
fn instances(
    store: &dyn Store,
    selections: &[&Selection],
    filter: &Filter,
    as_of: Timestamp,
) -> Result<Vec<InstanceId>, store::Error> {
    let asked = |id: &&WorkflowId| filter.workflows.is_empty() || filter.workflows.contains(id);
    let workflows: BTreeSet<&WorkflowId> =
        selections.iter().flat_map(|it| &it.workflows).filter(asked).collect();
    let workflows: Vec<WorkflowId> = workflows.into_iter().cloned().collect();
    let lit = selections.iter().any(|it| are_lit(&it.rows));
    if workflows.is_empty() {
        return Ok(Vec::new());
    }
    let limit = limits::PAGE_SIZE_MAX;
    let mut query = Query { workflows, limit, ..Query::default() };
    let mut known = Vec::new();
    loop {
        let page = store.query(&query)?;
        // Of an instance that has changed since, the header does not tell how it stood.
        let counts = |header: &&Header| {
            header.created_at <= as_of
                && (header.updated_at > as_of || filter.may_pass(header, lit))
        };
        let counted = page.iter().filter(counts);
        known.extend(counted.map(|header| (header.created_at, header.id.clone())));
        match page.last() {
            Some(last) if page.len() >= limit => query.after = Some(query.order.place_of(last)),
            Some(_) | None => break,
        }
    }
    known.sort_unstable();
    Ok(known.into_iter().map(|(_, id)| id).collect())
}

/// Looks at an instance as it was at an instant, if it was.
fn look_at<T>(
    store: &dyn Store,
    (catalog, organization): (&Catalog, &Organization),
    (instance, as_of): (&InstanceId, Timestamp),
    look: impl FnOnce(&Dossier, &Setting<'_>) -> T,
) -> Result<Option<T>, store::Error> {
    let records = records(store, instance)?;
    let Some(dossier) = Dossier::fold(&records, as_of) else { return Ok(None) };
    let instance = &dossier.instance;
    let published = catalog.version(instance.workflow.as_str(), instance.workflow_version);
    let Some(workflow) = published.map(|published| &published.workflow) else { return Ok(None) };
    let calendar = catalog.calendar_at(store, &workflow.calendar, instance.calendar_digest)?;
    let Some(calendar) = &calendar else { return Ok(None) };
    let setting = Setting { workflow, calendar, organization, now: as_of };
    Ok(Some(look(&dossier, &setting)))
}

/// Every record of an instance, oldest first.
fn records(store: &dyn Store, instance: &InstanceId) -> Result<Vec<Record>, store::Error> {
    let numbered = store.history(instance, None, usize::MAX)?;
    Ok(numbered.into_iter().rev().map(|numbered| numbered.record).collect())
}
