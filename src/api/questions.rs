//! Questions that read very much, about ledgers and indicators and how clocks would move: how many
//! are answered at once, and what was read of a ledger for the pages that follow.
//!
//! Knows how long and how much, and nothing of what stands in a sheet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tonic::Status;

use crate::ledger::{Filter, Language, Sheet};
use crate::model::id::LedgerId;
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::runtime::LedgerQuestion;

use super::{connection, status};

/// So long a sheet is kept after a page of it was taken.
const KEPT_MAX: Duration = Duration::from_mins(1);

/// The places for questions, and the sheets that are kept.
#[derive(Clone)]
pub(super) struct Questions {
    places: Arc<Semaphore>,
    dry_runs: Arc<Semaphore>,
    kept: Arc<Mutex<Vec<Kept>>>,
}

/// A place: whoever answers a question has it until all of the answer is made.
pub(super) type Place = OwnedSemaphorePermit;

/// Of what a page is a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    ledger: LedgerId,
    filter: Filter,
    language: Language,
}

impl Asked {
    pub(super) fn of(question: &LedgerQuestion) -> Self {
        let LedgerQuestion { ledger, filter, language, .. } = question;
        Self { ledger: ledger.id.clone(), filter: filter.clone(), language: *language }
    }
}

/// A sheet, with a number that another one hardly ever has, and its cells.
#[derive(Clone)]
pub(super) struct Marked {
    pub(super) sheet: Arc<Sheet>,
    pub(super) mark: u64,
    pub(super) cells: usize,
}

/// Where a page begins, and of which sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) row: usize,
    pub(super) as_of: Timestamp,
    pub(super) mark: u64,
}

impl Start {
    /// What a token says; none: it is none of ours.
    pub(super) fn read(token: &str) -> Option<Self> {
        let (row, rest) = token.split_once('@')?;
        let (as_of, mark) = rest.split_once('#')?;
        let as_of = Timestamp(as_of.parse().ok()?);
        Some(Self { row: row.parse().ok()?, as_of, mark: u64::from_str_radix(mark, 16).ok()? })
    }

    /// The same as a token.
    pub(super) fn token(self) -> String {
        format!("{}@{}#{:x}", self.row, self.as_of.0, self.mark)
    }
}

/// Work that takes its time, on a thread that may.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Status> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "an answer could not be made");
        status::internal("")
    })
}

struct Kept {
    asked: Asked,
    marked: Marked,
    end: AbortHandle,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.end.abort();
    }
}

impl Questions {
    /// As many places as the limits say.
    pub(super) fn new() -> Self {
        let places = Arc::new(Semaphore::new(limits::LEDGER_QUESTIONS_MAX));
        let dry_runs = Arc::new(Semaphore::new(limits::CALENDAR_DRY_RUNS_MAX));
        Self { places, dry_runs, kept: Arc::default() }
    }

    /// A place, if there is one.
    pub(super) fn place(&self) -> Result<Place, Status> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| status::too_many_questions())
    }

    /// A place for a dry run of a calendar, if there is one.
    pub(super) fn dry_run_place(&self) -> Result<Place, Status> {
        let place = Arc::clone(&self.dry_runs).try_acquire_owned();
        place.map_err(|_| status::too_many_dry_runs())
    }

    /// Takes out the sheet of which a page is wanted, if it is still there.
    pub(super) fn take(&self, asked: &Asked, start: Start) -> Option<Marked> {
        let mut kept = self.lock();
        let found = kept.iter().position(|it| {
            let Marked { sheet, mark, .. } = &it.marked;
            it.asked == *asked && sheet.as_of == start.as_of && *mark == start.mark
        });
        found.map(|at| kept.remove(at).marked.clone())
    }

    /// Keeps a sheet for its further pages. The oldest make room.
    pub(super) fn keep(&self, asked: Asked, marked: Marked) {
        let cells = |kept: &[Kept]| kept.iter().map(|it| it.marked.cells).sum::<usize>();
        let own = Arc::clone(&marked.sheet);
        let all = Arc::downgrade(&self.kept);
        let end = tokio::spawn(async move {
            connection::pause(KEPT_MAX).await;
            if let Some(all) = all.upgrade() {
                let mut kept = all.lock().unwrap_or_else(PoisonError::into_inner);
                kept.retain(|it| !Arc::ptr_eq(&it.marked.sheet, &own));
            }
        });
        let mut kept = self.lock();
        kept.push(Kept { asked, marked, end: end.abort_handle() });
        while kept.len() > limits::LEDGERS_KEPT_MAX || cells(&kept) > limits::LEDGER_CELLS_MAX {
            kept.remove(0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Cell, Line};
    use crate::model::id::InstanceId;

    fn asked(ledger: &str) -> Asked {
        let ledger = LedgerId::trusted(ledger);
        Asked { ledger, filter: Filter::default(), language: Language::English }
    }

    fn sheet(as_of: i64, cells: usize) -> Marked {
        let line = Line { instance: InstanceId::trusted("p"), cells: vec![Cell::Empty; cells] };
        let (columns, totals) = (Vec::new(), Vec::new());
        let rows = vec![line];
        let sheet = Sheet { title: String::new(), as_of: Timestamp(as_of), columns, rows, totals };
        Marked { cells: sheet.cells(), sheet: Arc::new(sheet), mark: 7 }
    }

    fn start(as_of: i64) -> Start {
        Start { row: 3, as_of: Timestamp(as_of), mark: 7 }
    }

    #[test]
    fn a_token_says_where_a_page_begins() {
        let start = Start { row: 1000, as_of: Timestamp(-5), mark: u64::MAX };
        assert_eq!(Start::read(&start.token()), Some(start));
        for token in ["", "3", "3@5", "@5#7", "3@#7", "3@5#", "x@5#7", "3@5#xyz", "-1@5#7"] {
            assert_eq!(Start::read(token), None, "{token}");
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_given_to_whoever_asked_the_same() {
        let questions = Questions::new();
        questions.keep(asked("one"), sheet(1, 5));
        assert!(questions.take(&asked("two"), start(1)).is_none());
        assert!(questions.take(&asked("one"), start(2)).is_none());
        assert!(questions.take(&asked("one"), Start { mark: 8, ..start(1) }).is_none());
        assert!(questions.take(&asked("one"), start(1)).is_some());
        assert!(questions.take(&asked("one"), start(1)).is_none(), "it was taken out");
    }

    #[tokio::test]
    async fn few_sheets_are_kept_and_no_more_cells_than_one_may_have() {
        let questions = Questions::new();
        let most = i64::try_from(limits::LEDGERS_KEPT_MAX).unwrap();
        for as_of in 0..=most {
            questions.keep(asked("one"), sheet(as_of, 5));
        }
        assert!(questions.take(&asked("one"), start(0)).is_none(), "the oldest made room");
        assert!(questions.take(&asked("one"), start(1)).is_some());
        questions.keep(asked("wide"), sheet(1, limits::LEDGER_CELLS_MAX - 5));
        assert!(questions.take(&asked("one"), start(most)).is_some(), "both have room");
        questions.keep(asked("more"), sheet(1, 10));
        assert!(questions.take(&asked("wide"), start(1)).is_none());
        assert!(questions.take(&asked("more"), start(1)).is_some());
    }
}
