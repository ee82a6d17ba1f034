//! Ledgers: rows, columns, order.

use std::sync::Arc;

use crate::definition::authored::ledgers::{Column as AuthoredColumn, FullColumn, Rows as Shape};
use crate::definition::authored::ledgers::{Ledger as Authored, RowsOf, Test as AuthoredTest};
use crate::definition::authored::shapes::{Many, Named, Scalar, Words};
use crate::definition::authored::{self};
use crate::definition::code::Code;
use crate::definition::compiled::{FieldKind, Workflow};
use crate::definition::diagnostic::Findings;
use crate::definition::ledger::source::{Kind, Naming};
use crate::definition::ledger::{Asked, Column, Ledger, Order, Rows, Selection, Show, Test, Total};
use crate::definition::load::load;
use crate::definition::span::KeyPath;
use crate::model::id::{ActivityId, LedgerId, StageId, TaskId, WorkflowId};
use crate::model::organization::Organization;
use crate::model::value::Value;
use crate::script::{
    Answer, Condition, Expression, FieldType, Finding, Functions, Origin, TaskWords, Vocabulary,
};

use super::desk::Desk;
use super::ledger_sources::{Ground, Parsed, Spot, tasks_of};
use super::scene::{Rules, diagnostic, place_in};

/// The words of the ledger itself that a test may ask for.
const WORDS: [&str; 22] = [
    "none",
    "blue",
    "yellow",
    "red",
    "active",
    "suspended",
    "completed",
    "terminated",
    "open",
    "left",
    "skipped",
    "done",
    "cancelled",
    "running",
    "paused",
    "ended",
    "acknowledged",
    "cleared",
    "pending",
    "granted",
    "refused",
    "lapsed",
];

const KINDS: [(&str, (Kind, Answer)); 5] = [
    ("text", (Kind::Text, Answer::Text)),
    ("integer", (Kind::Integer, Answer::Integer)),
    ("decimal", (Kind::Decimal, Answer::Decimal)),
    ("boolean", (Kind::Boolean, Answer::Boolean)),
    ("date", (Kind::Date, Answer::Date)),
];

const TOTALS: [(&str, Total); 3] =
    [("sum", Total::Sum), ("count", Total::Count), ("distinct", Total::Distinct)];

/// What ledgers and indicators can refer to.
#[derive(Clone, Copy)]
pub(in crate::definition) struct Book<'a> {
    /// The workflows in which nothing is wrong.
    pub workflows: &'a [&'a Workflow],
    /// The names of all workflows.
    pub names: &'a [String],
    /// The organization, as far as it is right.
    pub organization: Option<&'a Organization>,
    /// Functions for expressions.
    pub rules: &'a Rules,
}

/// The ledgers of a file.
pub(in crate::definition) fn ledgers_of(
    path: &Arc<str>,
    source: &Arc<str>,
    book: Book<'_>,
    findings: &mut Findings,
) -> Vec<Arc<Ledger>> {
    let Some(file) = load::<authored::Ledgers>(path, source, findings) else { return Vec::new() };
    let mut desk = Desk::new(&file.at);
    let top = KeyPath::root().key("ledgers");
    let mut built = Vec::new();
    for (name, authored) in file.value.ledgers.iter() {
        let path = top.key(name);
        built.extend(ledger(&mut desk, book, &path, name, authored).map(Arc::new));
    }
    findings.append(desk.findings);
    built
}

fn ledger(
    desk: &mut Desk<'_>,
    book: Book<'_>,
    path: &KeyPath,
    name: &str,
    authored: &Authored,
) -> Option<Ledger> {
    let id = desk.name(path, name, LedgerId::parse)?;
    let chosen = (&authored.of, authored.rows.as_ref(), &authored.tests, authored.when.as_ref());
    let (ground, selection) = selection(desk, book, path, chosen)?;
    if authored.columns.is_empty() {
        desk.missing(path, "columns", "list what each row shows, such as `columns: [number, id]`");
    }
    let top = path.key("columns");
    let columns = authored.columns.iter().enumerate();
    let columns = columns
        .filter_map(|(at, each)| column(desk, book, &ground, &top.index(at), each))
        .collect();
    let top = path.key("order");
    let order = authored.order.iter().filter_map(|(at, text)| {
        let written = text.as_str().trim();
        let (descending, written) = match written.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, written),
        };
        let source = ground.source(desk, Spot::Value(&top.index(at)), written)?.source;
        Some(Order { source, descending })
    });
    let order = order.collect();
    let title = Desk::title(authored.title.as_ref(), name);
    Some(Ledger { id, title, selection, columns, order })
}

/// What a selection is written with.
pub(super) type Chosen<'a> =
    (&'a Words, Option<&'a Shape>, &'a Named<Many<AuthoredTest>>, Option<&'a Scalar>);

/// Which rows there are. `None`: the workflows are not known well enough to judge the rest.
pub(super) fn selection<'a>(
    desk: &mut Desk<'_>,
    book: Book<'a>,
    path: &KeyPath,
    (of, rows, tests, when): Chosen<'_>,
) -> Option<(Ground<'a>, Selection)> {
    let workflows = workflows(desk, book, path, of)?;
    let rows = self::rows(desk, &workflows, &path.key("rows"), rows)?;
    let ground = Ground { workflows, rows: rows.clone() };
    let tests = self::tests(desk, &ground, &path.key("where"), tests);
    let place = path.key("when");
    let when = when.map_or_else(Vec::new, |source| {
        per_workflow(desk, book, &ground, (&place, source), Condition::compile, Condition::at)
    });
    let workflows = ground.workflows.iter().map(|workflow| workflow.id.clone()).collect();
    Some((ground, Selection { workflows, rows, tests, when }))
}

fn workflows<'a>(
    desk: &mut Desk<'_>,
    book: Book<'a>,
    path: &KeyPath,
    of: &Words,
) -> Option<Vec<&'a Workflow>> {
    if of.0.is_empty() {
        desk.missing(path, "of", "name the workflow of which it is, or several");
        return None;
    }
    let path = path.key("of");
    let (mut found, mut sure) = (Vec::new(), true);
    for (at, name) in of.iter() {
        let name = name.as_str();
        match book.workflows.iter().find(|workflow| workflow.id.as_str() == name) {
            Some(workflow) => found.push(*workflow),
            None if book.names.iter().any(|known| known == name) => sure = false,
            None => {
                sure = false;
                let place =
                    if desk.at.has(&path.index(at)) { path.index(at) } else { path.clone() };
                let known = book.names.iter().map(String::as_str);
                desk.unknown(Code::LedgerOfNothing, &place, "workflow", name, known);
            }
        }
    }
    sure.then_some(found)
}

fn rows(
    desk: &mut Desk<'_>,
    workflows: &[&Workflow],
    path: &KeyPath,
    shape: Option<&Shape>,
) -> Option<Rows> {
    type Word = (&'static str, fn() -> Rows);
    let every: [Word; 7] = [
        ("instance", || Rows::Instances),
        ("stage", || Rows::Stays(Vec::new())),
        ("task", || Rows::Tasks(Vec::new())),
        ("activity", || Rows::Activities(Vec::new())),
        ("limit", || Rows::Limits),
        ("escalation", || Rows::Escalations),
        ("extension", || Rows::Extensions),
    ];
    match shape {
        None => Some(Rows::Instances),
        Some(Shape::Every(word)) => desk.word(path, word, &every).map(|rows| rows()),
        Some(Shape::Of(of)) => rows_of(desk, workflows, path, of),
    }
}

fn rows_of(
    desk: &mut Desk<'_>,
    workflows: &[&Workflow],
    path: &KeyPath,
    RowsOf { stage, task, activity }: &RowsOf,
) -> Option<Rows> {
    let stages = || workflows.iter().flat_map(|workflow| &workflow.stages);
    let tasks = || tasks_of(workflows);
    let activities = || workflows.iter().flat_map(|workflow| &workflow.activities);
    let given = [stage, task, activity].into_iter().filter(|words| !words.0.is_empty()).count();
    if given != 1 {
        let message = "a row is one thing".to_owned();
        let diagnostic = desk.value(Code::ExclusiveKeys, path, message);
        desk.lose(diagnostic.hint("name stages, tasks or activities, such as `{ task: payment }`"));
        return None;
    }
    let mut names = |key: &str, words: &Words, code: Code, known: Vec<&str>| -> Vec<String> {
        let path = path.key(key);
        for (at, word) in words.iter().filter(|(_, word)| !known.contains(&word.as_str())) {
            let place = if desk.at.has(&path.index(at)) { path.index(at) } else { path.clone() };
            let what = match key {
                "stage" => "stage",
                "task" => "task",
                _ => "activity",
            };
            desk.unknown(code, &place, what, word.as_str(), known.iter().copied());
        }
        words.iter().map(|(_, word)| word.as_str().to_owned()).collect()
    };
    let to_ids = |names: Vec<String>| names.into_iter();
    Some(if !stage.0.is_empty() {
        let known = stages().map(|each| each.id.as_str()).collect();
        let names = names("stage", stage, Code::UnknownStage, known);
        Rows::Stays(to_ids(names).map(|name| StageId::trusted(&name)).collect())
    } else if !task.0.is_empty() {
        let known = tasks().map(|each| each.id.as_str()).collect();
        let names = names("task", task, Code::UnknownTask, known);
        Rows::Tasks(to_ids(names).map(|name| TaskId::trusted(&name)).collect())
    } else {
        let known = activities().map(|each| each.id.as_str()).collect();
        let names = names("activity", activity, Code::UnknownActivity, known);
        Rows::Activities(to_ids(names).map(|name| ActivityId::trusted(&name)).collect())
    })
}

/// What sources must be.
pub(super) fn tests(
    desk: &mut Desk<'_>,
    ground: &Ground<'_>,
    top: &KeyPath,
    authored: &Named<Many<AuthoredTest>>,
) -> Vec<Test> {
    let mut tests = Vec::new();
    for (text, asked) in authored.iter() {
        let path = top.key(text);
        let Some(parsed) = ground.source(desk, Spot::Key(&path), text) else { continue };
        let mut wanted = Asked::default();
        for (at, each) in asked.iter() {
            let place = path.index(at);
            let place = if desk.at.has(&place) { place } else { path.clone() };
            match each {
                AuthoredTest::Is(word) => {
                    wanted.any_of.extend(value(desk, &place, &parsed, word));
                }
                AuthoredTest::Asked(asked) => {
                    for (at, word) in asked.not.iter() {
                        let not = place.key("not");
                        let item = not.index(at);
                        let item = if desk.at.has(&item) { item } else { not };
                        wanted.none_of.extend(value(desk, &item, &parsed, word));
                    }
                    let mut bound = |key: &str, text: Option<&Scalar>| {
                        text.and_then(|text| value(desk, &place.key(key), &parsed, text))
                    };
                    let at_least = bound("at_least", asked.at_least.as_ref());
                    let at_most = bound("at_most", asked.at_most.as_ref());
                    wanted.at_least = at_least.or(wanted.at_least);
                    wanted.at_most = at_most.or(wanted.at_most);
                    wanted.empty = asked.empty.or(wanted.empty);
                }
            }
        }
        tests.push(Test { source: parsed.source, asked: wanted });
    }
    tests
}

/// A value with which a source is compared.
fn value(desk: &mut Desk<'_>, path: &KeyPath, parsed: &Parsed, written: &Scalar) -> Option<Value> {
    let text = written.as_str();
    let digits = desk.at.scalar(path).unwrap_or(text).to_owned();
    let value = match parsed.kind {
        Kind::Integer | Kind::Decimal => digits.parse().ok().map(Value::Decimal),
        Kind::Boolean => text.parse().ok().map(Value::Boolean),
        Kind::Date | Kind::Time => text.parse().ok().map(Value::Date),
        Kind::Text | Kind::Name(_) => Some(Value::Text(text.into())),
    };
    let Some(value) = value else {
        let message = format!("`{text}` cannot be compared with this source");
        let wanted = match parsed.kind {
            Kind::Integer | Kind::Decimal => "a number is expected",
            Kind::Boolean => "`true` or `false` is expected",
            _ => "a day such as `2025-01-31` is expected",
        };
        let diagnostic = desk.value(Code::InvalidValue, path, message);
        desk.lose(diagnostic.label(wanted));
        return None;
    };
    let known: Option<Vec<&str>> = match (&parsed.words, parsed.kind) {
        (Some(words), _) => Some(words.iter().map(|word| &**word).collect()),
        (None, Kind::Name(Naming::Word)) => Some(WORDS.to_vec()),
        _ => None,
    };
    if let Some(known) = known.filter(|known| !known.contains(&text)) {
        let message = format!("this source is never `{text}`");
        let diagnostic = desk.value(Code::InvalidValue, path, message);
        desk.lose(diagnostic.did_you_mean(text, known));
    }
    Some(value)
}

fn column(
    desk: &mut Desk<'_>,
    book: Book<'_>,
    ground: &Ground<'_>,
    path: &KeyPath,
    authored: &AuthoredColumn,
) -> Option<Column> {
    let full = match authored {
        AuthoredColumn::Short(text) => {
            let parsed = ground.source(desk, Spot::Value(path), text.as_str())?;
            let show = Show::Source(parsed.source);
            return Some(Column { title: parsed.title, show, kind: parsed.kind, total: None });
        }
        AuthoredColumn::Full(full) => full,
    };
    let (show, kind, title) = match (&full.show, &full.value) {
        (Some(text), None) => {
            desk.misplaced(path, "type", "a source knows what it gives");
            let place = path.key("show");
            let parsed = ground.source(desk, Spot::Value(&place), text.as_str())?;
            (Show::Source(parsed.source), parsed.kind, Some(parsed.title))
        }
        (None, Some(source)) => {
            let words = (&KINDS[..], "such as `type: decimal`: what the expression gives");
            let (kind, wanted) = desk.needed_word(path, "type", full.kind.as_ref(), words)?;
            let place = (&path.key("value"), source);
            let compile = |source: &str, vocabulary: &Vocabulary, functions: &Arc<Functions>| {
                Expression::compile(wanted, source, vocabulary, functions)
            };
            let built = per_workflow(desk, book, ground, place, compile, Expression::at);
            if full.title.is_none() {
                desk.missing(path, "title", "an expression has no title of its own");
            }
            (Show::Value(built), kind, None)
        }
        (Some(_), Some(_)) => {
            let message = "a column shows a source or a value, not both".to_owned();
            let diagnostic = desk.value(Code::ExclusiveKeys, path, message);
            desk.lose(diagnostic);
            return None;
        }
        (None, None) => {
            desk.missing(path, "show", "say what the column shows, such as `show: id`");
            return None;
        }
    };
    let kind = form(desk, path, full, kind);
    let total = full.total.as_ref();
    let total = total.and_then(|word| desk.word(&path.key("total"), word, &TOTALS));
    if total == Some(Total::Sum) && !kind.is_number() {
        let message = "only numbers can be added up".to_owned();
        let diagnostic = desk.value(Code::WrongSource, &path.key("total"), message);
        desk.lose(diagnostic.hint("`count` and `distinct` count anything"));
    }
    let title = match (&full.title, title) {
        (None, Some(title)) => title,
        (written, _) => Desk::title(written.as_ref(), ""),
    };
    Some(Column { title, show, kind, total })
}

/// `as: date` shows the day of an instant.
fn form(desk: &mut Desk<'_>, path: &KeyPath, full: &FullColumn, kind: Kind) -> Kind {
    let Some(word) = &full.form else { return kind };
    let path = path.key("as");
    if kind != Kind::Time {
        let message = "only an instant can be shown as something else".to_owned();
        let diagnostic = desk.value(Code::WrongSource, &path, message);
        desk.lose(diagnostic.hint("take it out"));
        return kind;
    }
    desk.word(&path, word, &[("date", Kind::Date), ("time", Kind::Time)]).unwrap_or(kind)
}

/// Compiles an expression for each workflow; what is wrong is told for the first one only.
fn per_workflow<T>(
    desk: &mut Desk<'_>,
    book: Book<'_>,
    ground: &Ground<'_>,
    (path, source): (&KeyPath, &Scalar),
    compile: impl Fn(&str, &Vocabulary, &Arc<Functions>) -> Result<T, Vec<Finding>>,
    at: fn(T, Origin) -> T,
) -> Vec<(WorkflowId, T)> {
    let mut built = Vec::new();
    for workflow in &ground.workflows {
        match compile(source.as_str(), &vocabulary(workflow), &book.rules.functions) {
            Ok(compiled) => {
                let start = desk.at.inside(path, 1, 1, 0);
                let (line, column) = (start.line, start.column);
                let origin = Origin { file: start.path, line, column };
                built.push((workflow.id.clone(), at(compiled, origin)));
            }
            Err(found) => {
                for finding in found {
                    let span = place_in(desk.at, path, &finding);
                    desk.lose(diagnostic(finding, span));
                }
                break;
            }
        }
    }
    built
}

/// What expressions about the instances of a workflow may name.
fn vocabulary(workflow: &Workflow) -> Vocabulary {
    let fields = workflow.fields.iter().map(|field| {
        let kind = match &field.kind {
            FieldKind::Text => FieldType::Text,
            FieldKind::Integer => FieldType::Integer,
            FieldKind::Decimal => FieldType::Decimal,
            FieldKind::Boolean => FieldType::Boolean,
            FieldKind::Date => FieldType::Date,
            FieldKind::Choice(words) => FieldType::Choice(words.clone()),
        };
        (Arc::from(field.id.as_str()), kind)
    });
    let tasks = workflow.stages.iter().flat_map(|stage| &stage.tasks).map(|task| TaskWords {
        id: task.id.as_str().into(),
        each: task.for_each.clone(),
        outcomes: task.outcomes.iter().map(|outcome| outcome.as_str().into()).collect(),
    });
    Vocabulary {
        fields: fields.collect(),
        stages: workflow.stages.iter().map(|stage| stage.id.as_str().into()).collect(),
        tasks: tasks.collect(),
        task: None,
    }
}
