//! A sheet: what a ledger shows at an instant. Dossiers go in one by one, rows come out.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use crate::definition::ledger::{Column, Kind, Ledger, Total};
use crate::model::id::InstanceId;
use crate::model::limits;
use crate::model::time::Timestamp;

use super::cell::{Cell, Language, Names};
use super::dossier::Dossier;
use super::pick::{Filter, is_number, pick, show};
use super::setting::Setting;
use super::sum::Sum;

/// A ledger as it is at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// What people call it.
    pub title: String,
    /// The instant.
    pub as_of: Timestamp,
    /// Its columns.
    pub columns: Vec<Head>,
    /// Its rows.
    pub rows: Vec<Line>,
    /// What stands under them, one cell for each column; empty: nothing does.
    pub totals: Vec<Cell>,
}

impl Sheet {
    /// How many cells it has, long ones counted several times.
    pub fn cells(&self) -> usize {
        self.rows.iter().flat_map(|row| &row.cells).map(Cell::weight).sum()
    }

    /// A number that another sheet hardly ever has. Another build may give another one.
    pub fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.title.hash(&mut hasher);
        self.as_of.hash(&mut hasher);
        for column in &self.columns {
            column.title.hash(&mut hasher);
        }
        for row in &self.rows {
            (&row.instance, &row.cells).hash(&mut hasher);
        }
        self.totals.hash(&mut hasher);
        hasher.finish()
    }
}

/// The head of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What people call it.
    pub title: String,
    /// What stands below.
    pub kind: Kind,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The instance to which it belongs.
    pub instance: InstanceId,
    /// One cell for each column.
    pub cells: Vec<Cell>,
}

/// A sheet would hold more cells than one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// A sheet that is being filled. It holds the cells that people read, and of what stands under them
/// what was counted so far.
#[derive(Debug)]
pub struct Filling {
    ledger: Arc<Ledger>,
    filter: Filter,
    language: Language,
    rows: Vec<Draft>,
    /// How many rows have been taken out.
    taken: usize,
    /// The cells of the rows that are held, long ones counted several times.
    held: usize,
    totals: Vec<Tally>,
}

#[derive(Debug)]
struct Draft {
    /// By what it is sorted: what the ledger asks for, then when the instance began, and its id.
    order: Vec<Cell>,
    begun: Timestamp,
    /// Its place among the rows of its instance.
    place: usize,
    line: Line,
}

/// What is counted of a column.
#[derive(Debug, Default)]
struct Tally {
    count: usize,
    sum: Sum,
    distinct: HashSet<Cell>,
}

impl Filling {
    /// An empty sheet.
    pub fn new(ledger: Arc<Ledger>, filter: Filter, language: Language) -> Self {
        let totals = ledger.columns.iter().map(|_| Tally::default()).collect();
        Self { ledger, filter, language, rows: Vec::new(), taken: 0, held: 0, totals }
    }

    /// What is looked at.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The heads of its columns.
    pub fn columns(&self) -> Vec<Head> {
        let title = |column: &Column| self.language.of(&column.title).to_owned();
        let head = |column| Head { title: title(column), kind: column.kind };
        self.ledger.columns.iter().map(head).collect()
    }

    /// Takes the rows of a dossier.
    pub fn take(&mut self, dossier: &Dossier, setting: &Setting<'_>) -> Result<(), TooLarge> {
        let Setting { organization, workflow, .. } = *setting;
        let names = Names { organization, workflow, language: self.language };
        let ledger = Arc::clone(&self.ledger);
        let looks = pick(&ledger.selection, &self.filter, dossier, setting);
        for (place, look) in looks.into_iter().enumerate() {
            let columns = ledger.columns.iter().zip(&mut self.totals);
            let cells = columns.map(|(column, tally)| {
                let cell = show(&column.show, column.kind, &look);
                tally.take(column.total, &cell);
                let naming = match column.kind {
                    Kind::Name(naming) => Some(naming),
                    _ => None,
                };
                names.shown(naming, cell)
            });
            let cells: Vec<Cell> = cells.collect();
            self.held += cells.iter().map(Cell::weight).sum::<usize>();
            let line = Line { instance: dossier.instance.id.clone(), cells };
            let order = ledger.order.iter().map(|order| look.at(&order.source)).collect();
            self.rows.push(Draft { order, begun: dossier.instance.created_at, place, line });
        }
        if self.held > limits::LEDGER_CELLS_MAX { Err(TooLarge) } else { Ok(()) }
    }

    /// Takes out the rows that stand already: all of a ledger in order of creation, if its
    /// dossiers come in that order; none of one that is yet to be sorted.
    pub fn lines(&mut self) -> Vec<Line> {
        if self.ledger.order.is_empty() { self.numbered() } else { Vec::new() }
    }

    /// The rest of the sheet, sorted, numbered and added up.
    pub fn finish(mut self, as_of: Timestamp) -> Sheet {
        let ledger = Arc::clone(&self.ledger);
        self.rows.sort_by(|left, right| {
            let orders = ledger.order.iter().zip(left.order.iter().zip(&right.order));
            let ranked = orders.map(|(order, (left, right))| {
                let either_is_empty = left.is_empty() || right.is_empty();
                let rank = left.rank(right);
                if order.descending && !either_is_empty { rank.reverse() } else { rank }
            });
            let tie = || {
                let key = |draft: &Draft| (draft.begun, draft.line.instance.clone(), draft.place);
                key(left).cmp(&key(right))
            };
            { ranked }.find(|rank| rank.is_ne()).unwrap_or_else(tie)
        });
        let rows = self.numbered();
        let totals = totals(&ledger.columns, &self.totals, self.language);
        let title = self.language.of(&ledger.title).to_owned();
        Sheet { title, as_of, columns: self.columns(), rows, totals }
    }

    fn numbered(&mut self) -> Vec<Line> {
        let ledger = &self.ledger;
        let numbers = ledger.columns.iter().enumerate().filter(|(_, it)| is_number(&it.show));
        let numbers: Vec<usize> = numbers.map(|(at, _)| at).collect();
        let mut lines = Vec::with_capacity(self.rows.len());
        self.held = 0;
        for Draft { mut line, .. } in self.rows.drain(..) {
            self.taken += 1;
            for at in &numbers {
                line.cells[*at] = Cell::count(self.taken);
            }
            lines.push(line);
        }
        lines
    }
}

impl Tally {
    fn take(&mut self, total: Option<Total>, cell: &Cell) {
        if cell.is_empty() {
            return;
        }
        match total {
            None => {}
            Some(Total::Count) => self.count += 1,
            Some(Total::Sum) => self.sum.add(cell.number().unwrap_or_default()),
            Some(Total::Distinct) => {
                self.distinct.insert(cell.clone());
            }
        }
    }
}

/// One cell for each column, the first without a total saying what the row is.
fn totals(columns: &[Column], tallies: &[Tally], language: Language) -> Vec<Cell> {
    if columns.iter().all(|column| column.total.is_none()) {
        return Vec::new();
    }
    let total = |(column, tally): (&Column, &Tally)| match column.total {
        None => Cell::Empty,
        Some(Total::Count) => Cell::count(tally.count),
        Some(Total::Distinct) => Cell::count(tally.distinct.len()),
        Some(Total::Sum) => match (tally.sum.value(), column.kind) {
            (None, _) => Cell::Empty,
            (Some(sum), Kind::Integer) => i64::try_from(sum).map_or(Cell::Empty, Cell::Integer),
            (Some(sum), _) => Cell::Decimal(sum),
        },
    };
    let mut totals: Vec<Cell> = columns.iter().zip(tallies).map(total).collect();
    let free = columns.iter().position(|column| {
        column.total.is_none() && !matches!(column.kind, Kind::Date | Kind::Time)
    });
    if let Some(free) = free {
        let word = match language {
            Language::English => "Total",
            Language::Chinese => "合计",
        };
        totals[free] = Cell::text(word);
    }
    totals
}
