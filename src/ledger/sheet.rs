//! A sheet: what a ledger shows at an instant. Dossiers go in one by one, rows come out.

use std::collections::HashSet;
use std::sync::Arc;

use crate::definition::ledger::{Column, Kind, Ledger, Total};
use crate::model::id::InstanceId;
use crate::model::limits;
use crate::model::time::Timestamp;
use crate::model::value::Decimal;

use super::cell::{Cell, Language, Names};
use super::dossier::Dossier;
use super::pick::{Filter, is_number, pick, show};
use super::setting::Setting;

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

/// There are more rows than a ledger shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyRows;

/// A sheet that is being filled.
#[derive(Debug)]
pub struct Filling {
    ledger: Arc<Ledger>,
    filter: Filter,
    language: Language,
    rows: Vec<Draft>,
}

#[derive(Debug)]
struct Draft {
    /// By what it is sorted: what the ledger asks for, then when the instance began, and its id.
    order: Vec<Cell>,
    begun: Timestamp,
    instance: InstanceId,
    /// Its place among the rows of its instance.
    place: usize,
    /// As they are compared and counted.
    raw: Vec<Cell>,
    /// As people read them.
    shown: Vec<Cell>,
}

impl Filling {
    /// An empty sheet.
    pub fn new(ledger: Arc<Ledger>, filter: Filter, language: Language) -> Self {
        Self { ledger, filter, language, rows: Vec::new() }
    }

    /// Takes the rows of a dossier.
    pub fn take(&mut self, dossier: &Dossier, setting: &Setting<'_>) -> Result<(), TooManyRows> {
        let Setting { organization, workflow, .. } = *setting;
        let names = Names { organization, workflow, language: self.language };
        let looks = pick(&self.ledger.selection, &self.filter, dossier, setting);
        for (place, look) in looks.into_iter().enumerate() {
            let columns = self.ledger.columns.iter();
            let raw: Vec<Cell> =
                columns.clone().map(|column| show(&column.show, column.kind, &look)).collect();
            let shown = columns.zip(&raw).map(|(column, cell)| {
                let naming = match column.kind {
                    Kind::Name(naming) => Some(naming),
                    _ => None,
                };
                names.shown(naming, cell.clone())
            });
            let order = self.ledger.order.iter().map(|order| look.at(&order.source));
            self.rows.push(Draft {
                order: order.collect(),
                begun: dossier.instance.created_at,
                instance: dossier.instance.id.clone(),
                place,
                shown: shown.collect(),
                raw,
            });
        }
        if self.rows.len() > limits::LEDGER_ROWS_MAX { Err(TooManyRows) } else { Ok(()) }
    }

    /// The sheet, sorted, numbered and added up.
    pub fn finish(mut self, as_of: Timestamp) -> Sheet {
        let ledger = &self.ledger;
        self.rows.sort_by(|left, right| {
            let orders = ledger.order.iter().zip(left.order.iter().zip(&right.order));
            let ranked = orders.map(|(order, (left, right))| {
                let either_is_empty = left.is_empty() || right.is_empty();
                let rank = left.rank(right);
                if order.descending && !either_is_empty { rank.reverse() } else { rank }
            });
            let tie = || {
                let key = |draft: &Draft| (draft.begun, draft.instance.clone(), draft.place);
                key(left).cmp(&key(right))
            };
            { ranked }.find(|rank| rank.is_ne()).unwrap_or_else(tie)
        });
        let totals = totals(&ledger.columns, &self.rows, self.language);
        let head = |column: &Column| Head {
            title: self.language.of(&column.title).to_owned(),
            kind: column.kind,
        };
        let columns = ledger.columns.iter().map(head).collect();
        let numbered: Vec<bool> =
            ledger.columns.iter().map(|column| is_number(&column.show)).collect();
        let rows = self.rows.into_iter().enumerate().map(|(at, draft)| {
            let cells = draft.shown.into_iter().zip(&numbered);
            let cells =
                cells.map(|(cell, is_number)| if *is_number { Cell::count(at + 1) } else { cell });
            Line { instance: draft.instance, cells: cells.collect() }
        });
        let rows = rows.collect();
        let title = self.language.of(&ledger.title).to_owned();
        Sheet { title, as_of, columns, rows, totals }
    }
}

/// One cell for each column, the first without a total saying what the row is.
fn totals(columns: &[Column], rows: &[Draft], language: Language) -> Vec<Cell> {
    if columns.iter().all(|column| column.total.is_none()) {
        return Vec::new();
    }
    let mut totals: Vec<Cell> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let cells = rows.iter().map(|draft| &draft.raw[at]).filter(|cell| !cell.is_empty());
            match column.total {
                None => Cell::Empty,
                Some(Total::Count) => Cell::count(cells.count()),
                Some(Total::Distinct) => Cell::count(cells.collect::<HashSet<_>>().len()),
                Some(Total::Sum) => {
                    let sum: Decimal = cells.filter_map(Cell::number).sum();
                    match column.kind {
                        Kind::Integer => i64::try_from(sum).map_or(Cell::Empty, Cell::Integer),
                        _ => Cell::Decimal(sum.normalize()),
                    }
                }
            }
        })
        .collect();
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
