//! Indicators as a sheet: a row for each figure, so that they become files as ledgers do.
//! Computes nothing: the figures stand already.

use crate::definition::ledger::Kind;
use crate::definition::ledger::indicator::Bound;
use crate::model::id::InstanceId;
use crate::model::time::Timestamp;
use crate::model::value::Decimal;

use super::cell::{Cell, Language};
use super::figures::{Basis, Figure, Report};
use super::sheet::{Head, Line, Sheet};

type Words = (&'static str, &'static str);

const TITLE: Words = ("Indicators", "指标");
const INDICATOR: [(Words, Kind); 4] = [
    (("Indicator", "指标编号"), Kind::Text),
    (("Title", "指标名称"), Kind::Text),
    (("Unit", "单位"), Kind::Text),
    (("Split by", "分组方式"), Kind::Text),
];
const KEY: Words = ("Split", "分组");
const FIGURE: [(Words, Kind); 13] = [
    (("Of", "项目"), Kind::Text),
    (("Measure", "统计量"), Kind::Text),
    (("Basis", "口径"), Kind::Text),
    (("Value", "数值"), Kind::Decimal),
    (("Numerator", "分子"), Kind::Decimal),
    (("Denominator", "分母"), Kind::Decimal),
    (("What is divided", "分子口径"), Kind::Text),
    (("By what", "分母口径"), Kind::Text),
    (("Rows", "样本数"), Kind::Integer),
    (("Bound", "目标方向"), Kind::Text),
    (("Target", "目标值"), Kind::Decimal),
    (("Target of year", "目标年度"), Kind::Integer),
    (("Reached", "达成"), Kind::Text),
];

/// The figures of indicators at an instant.
pub fn sheet(reports: &[Report], as_of: Timestamp, language: Language) -> Sheet {
    let pick = |(en, zh): Words| match language {
        Language::English => en,
        Language::Chinese => zh,
    };
    // As many columns of keys as the indicator needs that is split by most.
    let keys = reports.iter().map(|report| report.by.len()).max().unwrap_or(0);
    let head = |(title, kind): (Words, Kind)| Head { title: pick(title).to_owned(), kind };
    let key = |number| Head { title: format!("{} {number}", pick(KEY)), kind: Kind::Text };
    let columns = INDICATOR.map(head).into_iter().chain((1..=keys).map(key));
    let columns = columns.chain(FIGURE.map(head)).collect();
    let rows = reports.iter().flat_map(|report| {
        let row = move |figure| Line {
            instance: InstanceId::trusted(report.id.as_str()),
            cells: cells(report, figure, keys, &pick),
        };
        report.figures.iter().map(row)
    });
    Sheet {
        title: pick(TITLE).to_owned(),
        as_of,
        columns,
        rows: rows.collect(),
        totals: Vec::new(),
    }
}

fn cells(
    report: &Report,
    figure: &Figure,
    keys: usize,
    pick: &impl Fn(Words) -> &'static str,
) -> Vec<Cell> {
    let number = |number: Option<Decimal>| {
        number.map_or(Cell::Empty, |number| Cell::Decimal(number.normalize()))
    };
    let basis = match figure.basis {
        Basis::Now => ("now", "当前"),
        Basis::Period => ("period", "期内"),
        Basis::Cohort => ("cohort", "同批"),
    };
    // Words for what is divided only where something was.
    let side = |words: &str| figure.denominator.map_or(Cell::Empty, |_| Cell::text(words));
    let target = figure.target;
    let bound = target.map_or("", |target| match target.bound {
        Bound::AtLeast => "≥",
        Bound::AtMost => "≤",
    });
    let year = target.and_then(|target| target.year);
    let reached = target.and_then(|target| target.reached);
    let reached = reached.map(|yes| pick(if yes { ("yes", "是") } else { ("no", "否") }));
    let mut row = vec![
        Cell::text(report.id.as_str()),
        Cell::text(&report.title),
        Cell::text(&report.unit),
        Cell::text(&report.by.join(" / ")),
    ];
    row.extend(figure.keys.iter().map(|key| Cell::text(key)));
    row.resize(INDICATOR.len() + keys, Cell::Empty);
    row.extend([
        Cell::text(&figure.name),
        Cell::text(figure.measure),
        Cell::text(pick(basis)),
        number(figure.value),
        number(figure.numerator),
        number(figure.denominator),
        side(&report.numerator),
        side(&report.denominator),
        Cell::Integer(i64::try_from(figure.n).unwrap_or(i64::MAX)),
        Cell::text(bound),
        number(target.map(|target| target.goal)),
        year.map_or(Cell::Empty, |year| Cell::Integer(year.into())),
        Cell::text(reached.unwrap_or_default()),
    ]);
    row
}
