//! Ledgers, as they travel.

use crate::api::pb;
use crate::definition::ledger::indicator::Bound;
use crate::definition::ledger::{Indicator, Kind, Ledger};
use crate::ledger::{Basis, Cell, Compared, Figure, Head, Line, Report};

/// A ledger of the configuration.
pub(in crate::api) fn ledger(ledger: &Ledger) -> pb::Ledger {
    let columns = ledger.columns.iter().map(|column| super::title(&column.title));
    pb::Ledger {
        id: ledger.id.to_string(),
        title: Some(super::title(&ledger.title)),
        workflows: super::texts(&ledger.selection.workflows),
        columns: columns.collect(),
    }
}

/// An indicator of the configuration.
pub(in crate::api) fn indicator(indicator: &Indicator) -> pb::Indicator {
    pb::Indicator {
        id: indicator.id.to_string(),
        title: Some(super::title(&indicator.title)),
        workflows: super::texts(&indicator.selection.workflows),
    }
}

/// The head of a column.
pub(in crate::api) fn column(head: &Head) -> pb::LedgerColumn {
    let kind = match head.kind {
        Kind::Text | Kind::Name(_) => pb::CellKind::Text,
        Kind::Integer => pb::CellKind::Integer,
        Kind::Decimal => pb::CellKind::Decimal,
        Kind::Boolean => pb::CellKind::Boolean,
        Kind::Date => pb::CellKind::Date,
        Kind::Time => pb::CellKind::Time,
    };
    pb::LedgerColumn { title: head.title.clone(), kind: kind.into() }
}

/// A row.
pub(in crate::api) fn row(line: &Line) -> pb::LedgerRow {
    let cells = line.cells.iter().map(cell).collect();
    pb::LedgerRow { instance: line.instance.to_string(), cells }
}

/// A cell.
pub(in crate::api) fn cell(cell: &Cell) -> pb::Cell {
    use pb::cell::Value;
    let value = match cell {
        Cell::Empty => None,
        Cell::Text(text) => Some(Value::Text(text.to_string())),
        Cell::Boolean(_) => Some(Value::Text(cell.to_string())),
        Cell::Integer(number) => Some(Value::Integer(*number)),
        Cell::Decimal(number) => Some(Value::Decimal(number.to_string())),
        Cell::Date(_) => Some(Value::Date(cell.to_string())),
        Cell::Time(_) => Some(Value::Time(cell.to_string())),
    };
    pb::Cell { value }
}

/// An indicator with its figures.
pub(in crate::api) fn report(report: Report) -> pb::IndicatorReport {
    pb::IndicatorReport {
        id: report.id.to_string(),
        title: report.title,
        unit: report.unit,
        by: report.by,
        numerator: report.numerator,
        denominator: report.denominator,
        figures: report.figures.into_iter().map(figure).collect(),
    }
}

fn figure(figure: Figure) -> pb::Figure {
    let basis = match figure.basis {
        Basis::Now => pb::FigureBasis::Now,
        Basis::Period => pb::FigureBasis::Period,
        Basis::Cohort => pb::FigureBasis::Cohort,
    };
    pb::Figure {
        basis: basis.into(),
        keys: figure.keys,
        name: figure.name,
        measure: figure.measure.to_owned(),
        value: super::text(figure.value.as_ref()),
        numerator: super::text(figure.numerator.as_ref()),
        denominator: super::text(figure.denominator.as_ref()),
        n: figure.n,
        target: figure.target.map(target),
    }
}

fn target(target: Compared) -> pb::Target {
    let bound = match target.bound {
        Bound::AtLeast => pb::TargetBound::AtLeast,
        Bound::AtMost => pb::TargetBound::AtMost,
    };
    pb::Target {
        bound: bound.into(),
        goal: target.goal.to_string(),
        year: target.year.map_or(0, i32::from),
        reached: target.reached,
    }
}
