//! Which rows there are: the tests of a ledger, its condition, and the filter of whoever asks.

use std::cmp::Ordering;

use crate::definition::ledger::{Asked, Kind, Rows, Selection, Show, Source, Test};
use crate::model::escalation::Light;
use crate::model::id::{FieldId, GroupId, MemberId, StageId, WorkflowId};
use crate::model::instance::{Header, Status};
use crate::model::value::Value;
use crate::script::facts::Facts;

use super::cell::Cell;
use super::dossier::Dossier;
use super::look::{Look, Row};
use super::setting::Setting;

/// What whoever asks wants to see; empty lists do not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of these workflows.
    pub workflows: Vec<WorkflowId>,
    /// In these states.
    pub statuses: Vec<Status>,
    /// With one of these stages open.
    pub stages: Vec<StageId>,
    /// With one of these stewards.
    pub stewards: Vec<MemberId>,
    /// Of these groups.
    pub groups: Vec<GroupId>,
    /// With one of these lights: of the row where it has one, otherwise of the instance.
    pub lights: Vec<Light>,
    /// With these values of fields: for each field that is named, one of those named for it.
    pub fields: Vec<(FieldId, Value)>,
}

fn any<T: PartialEq>(wanted: &[T], own: Option<&T>) -> bool {
    wanted.is_empty() || own.is_some_and(|own| wanted.contains(own))
}

impl Filter {
    /// Whether an instance may pass that has stood as its header says since before the instant of
    /// the answer: those that cannot need not be read. Where rows have a light of their own, that
    /// of the instance rules nothing out.
    pub fn may_pass(&self, header: &Header, rows_are_lit: bool) -> bool {
        let stage =
            self.stages.is_empty() || header.stages.iter().any(|stage| self.stages.contains(stage));
        stage
            && any(&self.workflows, Some(&header.workflow))
            && any(&self.statuses, Some(&header.status))
            && any(&self.stewards, header.steward.as_ref())
            && any(&self.groups, header.group.as_ref())
            && (rows_are_lit || any(&self.lights, Some(&header.light)))
    }

    fn passes(&self, dossier: &Dossier) -> bool {
        let instance = &dossier.instance;
        let stage = self.stages.is_empty()
            || instance.open_stages().any(|state| self.stages.contains(&state.stage));
        let field = |(field, _): &(FieldId, Value)| {
            let mut wanted = self.fields.iter().filter(|(other, _)| other == field);
            wanted.any(|(_, value)| instance.fields.get(field) == Some(value))
        };
        stage
            && any(&self.workflows, Some(&instance.workflow))
            && any(&self.statuses, Some(&instance.status))
            && any(&self.stewards, instance.steward.as_ref())
            && any(&self.groups, instance.group.as_ref())
            && self.fields.iter().all(field)
    }

    fn lit(&self, look: &Look<'_>) -> bool {
        self.lights.is_empty()
            || self.lights.contains(&match look.row {
                Row::Limit(limit) => limit.clock.light(),
                Row::Escalation(story) => story.light,
                _ => look.dossier.instance.light(),
            })
    }
}

/// What scripts see of a dossier.
fn facts<'a>(dossier: &'a Dossier, setting: &'a Setting<'_>) -> Facts<'a> {
    Facts {
        instance: &dossier.instance,
        stage: dossier.instance.path_stage.as_ref(),
        task: None,
        tasks: &setting.workflow.task_groups,
    }
}

/// The rows of a dossier that are wanted.
pub fn pick<'a>(
    selection: &Selection,
    filter: &Filter,
    dossier: &'a Dossier,
    setting: &'a Setting<'a>,
) -> Vec<Look<'a>> {
    if !selection.workflows.contains(&dossier.instance.workflow) || !filter.passes(dossier) {
        return Vec::new();
    }
    // A condition that fails does not hold: it was checked against the workflow as it is now, and
    // an instance may be pinned to an older version.
    let mut conditions = selection.when.iter();
    let when = conditions.find(|(workflow, _)| *workflow == dossier.instance.workflow);
    if when.is_some_and(|(_, when)| !when.holds(&facts(dossier, setting)).unwrap_or(false)) {
        return Vec::new();
    }
    let look = |row| Look { dossier, row, setting };
    let rows = Row::of(dossier, &selection.rows).into_iter().map(look);
    rows.filter(|look| filter.lit(look) && passes(&selection.tests, look)).collect()
}

/// Whether all of these hold of a row.
pub fn passes(tests: &[Test], look: &Look<'_>) -> bool {
    tests.iter().all(|test| holds(&test.asked, &look.at(&test.source)))
}

fn holds(asked: &Asked, cell: &Cell) -> bool {
    let is = |value: &Value| cell.compare(value) == Some(Ordering::Equal);
    let Asked { any_of, none_of, at_least, at_most, empty } = asked;
    let least = |bound: &Value| cell.compare(bound).is_some_and(|order| order != Ordering::Less);
    let most = |bound: &Value| cell.compare(bound).is_some_and(|order| order != Ordering::Greater);
    (any_of.is_empty() || any_of.iter().any(is))
        && !none_of.iter().any(is)
        && at_least.as_ref().is_none_or(least)
        && at_most.as_ref().is_none_or(most)
        && empty.is_none_or(|empty| empty == cell.is_empty())
}

/// What a column shows of a row, before names become what people call them.
pub fn show(show: &Show, kind: Kind, look: &Look<'_>) -> Cell {
    let cell = match show {
        Show::Source(source) => look.at(source),
        Show::Value(expressions) => {
            let workflow = &look.dossier.instance.workflow;
            let own = expressions.iter().find(|(of, _)| of == workflow);
            // An expression over an empty field has no answer: the cell is empty as well.
            let answer = own.and_then(|(_, expression)| {
                expression.value(&facts(look.dossier, look.setting)).ok().flatten()
            });
            answer.as_ref().map_or(Cell::Empty, Cell::of_value)
        }
    };
    fitted(cell, kind)
}

/// A cell as its column wants it: the day of an instant, a decimal without endless digits.
fn fitted(cell: Cell, kind: Kind) -> Cell {
    /// Digits after the point that a computed number keeps.
    const PLACES: u32 = 4;
    match (cell, kind) {
        (Cell::Time(time), Kind::Date) => Cell::Date(time.date()),
        (Cell::Decimal(number), Kind::Integer) if number.is_integer() => {
            i64::try_from(number).map_or(Cell::Empty, Cell::Integer)
        }
        (Cell::Decimal(number), _) => Cell::Decimal(number.round_dp(PLACES).normalize()),
        (Cell::Integer(number), Kind::Decimal) => Cell::Decimal(number.into()),
        (Cell::Text(_), Kind::Integer | Kind::Decimal | Kind::Date | Kind::Boolean) => Cell::Empty,
        (cell, _) => cell,
    }
}

/// Whether the rows of a ledger are numbered.
pub fn is_number(show: &Show) -> bool {
    matches!(show, Show::Source(Source::Number))
}

/// Whether rows have a light of their own.
pub fn are_lit(rows: &Rows) -> bool {
    matches!(rows, Rows::Limits | Rows::Escalations)
}

/// Whether a row is an instance.
pub fn of_instances(rows: &Rows) -> bool {
    *rows == Rows::Instances
}
