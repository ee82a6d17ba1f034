//! Sources of ledgers: from a path such as `stage.signing.entered` to what it means.

use std::sync::Arc;

use crate::definition::code::Code;
use crate::definition::compiled::{Field, FieldKind, TaskSpec, Workflow};
use crate::definition::diagnostic::Diagnostic;
use crate::definition::ledger::Rows;
use crate::definition::ledger::source::{
    ActivitySource, EscalationPart, ExtensionPart, Kind, LimitPart, LinkPart, LoggedPart,
    LoggedSource, Naming, RELATIONS, Source, StayPart, TaskPart, TaskSource, WholePart,
};
use crate::definition::load::listed;
use crate::definition::span::KeyPath;
use crate::model::id::TaskId;
use crate::model::organization::Title;

use super::desk::Desk;

/// Beginnings of a source, for those that begin with none of them.
const HEADS: [&str; 8] = ["number", "field", "current", "stage", "task", "activity", "link", "row"];
/// So many known names are listed where none is near to the unknown one.
const FEW: usize = 40;

/// Where a source is written.
#[derive(Clone, Copy)]
pub(super) enum Spot<'a> {
    /// As a value.
    Value(&'a KeyPath),
    /// As a key.
    Key(&'a KeyPath),
}

/// A source with what there is to know about it.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    pub source: Source,
    pub kind: Kind,
    pub title: Title,
    /// The words that it can be, where they are known.
    pub words: Option<Vec<Arc<str>>>,
}

/// What the sources of a ledger can refer to.
pub(super) struct Ground<'a> {
    pub workflows: Vec<&'a Workflow>,
    pub rows: Rows,
}

/// Why a text is no source.
enum Miss<'a> {
    /// What is not there, and what is.
    Unknown { code: Code, what: &'static str, written: &'a str, known: Vec<String> },
    /// What is there several times, and not as the same kind of thing.
    Clash([&'static str; 2]),
}

impl Ground<'_> {
    /// Reads a source. `None`: there is no such thing, and a finding says so.
    pub(super) fn source(&self, desk: &mut Desk<'_>, spot: Spot<'_>, text: &str) -> Option<Parsed> {
        let words: Vec<&str> = text.trim().split('.').collect();
        match self.read(&words) {
            Ok(parsed) => Some(parsed),
            Err(Miss::Clash([one, other])) => {
                let message = format!("`{text}` is {one} here and {other} there");
                let diagnostic = desk.at_spot(Code::WrongSource, spot, message);
                let hint = "one source gives one kind of thing: look at each workflow by itself";
                desk.lose(diagnostic.hint(hint));
                None
            }
            Err(Miss::Unknown { code, what, written, known: all }) => {
                let message = format!("`{text}`: unknown {what} `{written}`");
                let diagnostic = desk.at_spot(code, spot, message);
                let known = all.iter().map(String::as_str);
                let diagnostic = diagnostic.did_you_mean(written, known.clone());
                let few = (1..=FEW).contains(&all.len()) && diagnostic.hints.is_empty();
                desk.lose(if few {
                    diagnostic.hint(format!("known here: {}", listed(known)))
                } else {
                    diagnostic
                });
                None
            }
        }
    }

    fn read<'t>(&self, words: &[&'t str]) -> Result<Parsed, Miss<'t>> {
        match words {
            ["number"] => {
                let title = Title { en: "No.".to_owned(), zh: "序号".to_owned() };
                Ok(parsed(Source::Number, Kind::Integer, title))
            }
            ["field", name] => self.field(name),
            ["current"] => Ok(stay(Source::Current, StayPart::Stage)),
            ["current", word] => {
                let part = part(word, StayPart::ALL)?;
                Ok(stay(Source::Current, part))
            }
            ["stage", id, word] => self.stage(id, word),
            ["task", id, rest @ ..] => self.task(id, rest, Source::Task),
            ["activity", id, rest @ ..] => self.activity(id, rest),
            ["link", relation, word] => link(relation, word),
            ["row", rest @ ..] => self.row(rest),
            [word] => {
                let part = whole(word)?;
                Ok(parsed(Source::Whole(part), part.kind(), part.title()))
            }
            [head, ..] => Err(miss(Code::UnknownSource, "source", head, &HEADS)),
            [] => Err(miss(Code::UnknownSource, "source", "", &HEADS)),
        }
    }

    /// What the fields of a name are, of which there is at least one.
    fn of_fields(&self, source: Source, fields: &[&Field]) -> Result<Parsed, Miss<'static>> {
        let mut kind = field_kind(fields[0]);
        for other in fields.iter().map(|field| field_kind(field)) {
            kind = both(kind, other).ok_or(Miss::Clash([described(kind), described(other)]))?;
        }
        let words = fields.iter().map(|field| match &field.kind {
            FieldKind::Choice(words) => Some(words),
            _ => None,
        });
        // Where one of them is any text, no word is wrong.
        let words: Option<Vec<_>> = words.collect();
        let words = words.map(|all| all.into_iter().flatten().cloned().collect());
        Ok(Parsed { source, kind, title: self.with_unit(fields[0]), words })
    }

    fn with_unit(&self, field: &Field) -> Title {
        let Some(unit) = &field.unit else { return field.title.clone() };
        let zh = self.workflows.iter().find_map(|workflow| workflow.words.get(unit));
        let zh = zh.map_or(&**unit, |title| &title.zh);
        Title {
            en: format!("{} ({unit})", field.title.en),
            zh: format!("{}（{zh}）", field.title.zh),
        }
    }

    fn task_source<'t, 'f>(
        &self,
        rest: &[&'t str],
        form: impl IntoIterator<Item = &'f Field>,
    ) -> Result<(TaskSource, Parsed), Miss<'t>> {
        if let ["form", name] = rest {
            let fields = found(form, name, Code::UnknownField, "field of the form")?;
            // The source is put in its place by the caller.
            let parsed = self.of_fields(Source::Number, &fields)?;
            return Ok((TaskSource::Form(fields[0].id.clone()), parsed));
        }
        let part = part(rest.first().copied().unwrap_or_default(), TaskPart::ALL)?;
        Ok((TaskSource::Part(part), parsed(Source::Number, part.kind(), part.title())))
    }

    fn field<'t>(&self, name: &'t str) -> Result<Parsed, Miss<'t>> {
        let all = self.workflows.iter().flat_map(|workflow| &workflow.fields);
        let fields = found(all, name, Code::UnknownField, "field")?;
        self.of_fields(Source::Field(fields[0].id.clone()), &fields)
    }

    fn stage<'t>(&self, id: &'t str, word: &'t str) -> Result<Parsed, Miss<'t>> {
        let all = || self.workflows.iter().flat_map(|workflow| &workflow.stages);
        let Some(stage) = all().find(|stage| stage.id.as_str() == id) else {
            let known = all().map(|stage| stage.id.to_string()).collect();
            return Err(Miss::Unknown {
                code: Code::UnknownStage,
                what: "stage",
                written: id,
                known,
            });
        };
        let part = part(word, StayPart::ALL)?;
        let own = stay(|part| Source::Stage(stage.id.clone(), part), part);
        Ok(Parsed { title: joined(&stage.title, &own.title), ..own })
    }

    fn task<'t>(
        &self,
        id: &'t str,
        rest: &[&'t str],
        whole: fn(TaskId, Option<Arc<str>>, TaskSource) -> Source,
    ) -> Result<Parsed, Miss<'t>> {
        let named = |task: &&TaskSpec| task.id.as_str() == id;
        let all: Vec<&TaskSpec> = tasks_of(&self.workflows).filter(named).collect();
        let Some(task) = all.first() else {
            let known = tasks_of(&self.workflows).map(|task| task.id.to_string()).collect();
            return Err(Miss::Unknown {
                code: Code::UnknownTask,
                what: "task",
                written: id,
                known,
            });
        };
        let (each, rest) = match rest {
            [each, rest @ ..] if !task.for_each.is_empty() => {
                let Some(each) = task.for_each.iter().find(|word| ***word == **each) else {
                    let known = task.for_each.iter().map(ToString::to_string).collect();
                    let (code, what) = (Code::UnknownSource, "word of `for_each`");
                    return Err(Miss::Unknown { code, what, written: each, known });
                };
                (Some(each.clone()), rest)
            }
            rest => (None, rest),
        };
        let (source, own) = self.task_source(rest, all.iter().flat_map(|task| &task.form))?;
        let outcomes = all.iter().flat_map(|task| &task.outcomes);
        let words = outcomes_of(&source, outcomes.map(|each| each.as_str().into()));
        let title = if matches!(source, TaskSource::Form(_)) {
            own.title
        } else {
            joined(&task.title, &own.title)
        };
        let source = whole(task.id.clone(), each, source);
        Ok(Parsed { source, title, words: words.or(own.words), kind: own.kind })
    }

    fn activity<'t>(&self, id: &'t str, rest: &[&'t str]) -> Result<Parsed, Miss<'t>> {
        let all = || self.workflows.iter().flat_map(|workflow| &workflow.activities);
        let Some(activity) = all().find(|activity| activity.id.as_str() == id) else {
            let known = all().map(|activity| activity.id.to_string()).collect();
            return Err(Miss::Unknown {
                code: Code::UnknownActivity,
                what: "activity",
                written: id,
                known,
            });
        };
        let named = all().filter(|activity| activity.id.as_str() == id);
        let fields = named.flat_map(|activity| &activity.fields);
        let source = |source| Source::Activity(activity.id.clone(), source);
        let titled = |en: &str, zh: &str| {
            let own = Title { en: en.to_owned(), zh: zh.to_owned() };
            joined(&activity.title, &own)
        };
        match rest {
            ["count"] => {
                let title = titled("count", "次数");
                Ok(parsed(source(ActivitySource::Count), Kind::Integer, title))
            }
            ["first"] => {
                let title = titled("first", "首次");
                Ok(parsed(source(ActivitySource::First), Kind::Time, title))
            }
            ["last"] => {
                let title = titled("last", "最近一次");
                Ok(parsed(source(ActivitySource::Last), Kind::Time, title))
            }
            ["last", name] => {
                let fields = found(fields, name, Code::UnknownField, "field")?;
                let own = source(ActivitySource::LastField(fields[0].id.clone()));
                self.of_fields(own, &fields)
            }
            ["sum", name] => {
                let numbers = fields.filter(|field| field_kind(field).is_number());
                let fields = found(numbers, name, Code::UnknownField, "number")?;
                let own = source(ActivitySource::Sum(fields[0].id.clone()));
                self.of_fields(own, &fields)
            }
            [word, ..] => {
                Err(miss(Code::UnknownSource, "part", word, &["count", "first", "last", "sum"]))
            }
            [] => Err(miss(Code::UnknownSource, "part", "", &["count", "first", "last", "sum"])),
        }
    }

    fn row<'t>(&self, rest: &[&'t str]) -> Result<Parsed, Miss<'t>> {
        let word = rest.first().copied().unwrap_or_default();
        match &self.rows {
            Rows::Instances => Err(Miss::Unknown {
                code: Code::UnknownSource,
                what: "part of a row that is an instance",
                written: word,
                known: Vec::new(),
            }),
            Rows::Stays(_) if word == "task" => match &rest[1..] {
                [id, rest @ ..] => self.task(id, rest, Source::RowStayTask),
                [] => Err(miss(Code::UnknownTask, "task", "", &[])),
            },
            Rows::Stays(_) => Ok(stay(Source::RowStay, part(word, StayPart::ALL)?)),
            Rows::Tasks(names) => {
                let all = tasks_of(&self.workflows);
                let all: Vec<_> =
                    all.filter(|task| names.is_empty() || names.contains(&task.id)).collect();
                let forms = all.iter().flat_map(|task| &task.form);
                let (source, own) = self.task_source(rest, forms)?;
                let outcomes = all.iter().flat_map(|task| &task.outcomes);
                let words = outcomes_of(&source, outcomes.map(|each| each.as_str().into()));
                Ok(Parsed { source: Source::RowTask(source), words: words.or(own.words), ..own })
            }
            Rows::Activities(names) => {
                if let ["field", name] = rest {
                    let all = self.workflows.iter().flat_map(|workflow| &workflow.activities);
                    let fields = all
                        .filter(|each| names.is_empty() || names.contains(&each.id))
                        .flat_map(|each| &each.fields);
                    let fields = found(fields, name, Code::UnknownField, "field")?;
                    let source = Source::RowActivity(LoggedSource::Field(fields[0].id.clone()));
                    return self.of_fields(source, &fields);
                }
                let part = part(word, LoggedPart::ALL)?;
                let source = Source::RowActivity(LoggedSource::Part(part));
                Ok(parsed(source, part.kind(), part.title()))
            }
            Rows::Limits => {
                let part = part(word, LimitPart::ALL)?;
                Ok(parsed(Source::RowLimit(part), part.kind(), part.title()))
            }
            Rows::Escalations => {
                let part = part(word, EscalationPart::ALL)?;
                Ok(parsed(Source::RowEscalation(part), part.kind(), part.title()))
            }
            Rows::Extensions => {
                let part = part(word, ExtensionPart::ALL)?;
                Ok(parsed(Source::RowExtension(part), part.kind(), part.title()))
            }
        }
    }
}

/// Every task that can open in these workflows: those of stages, and those that a step of a ladder
/// opens.
pub(super) fn tasks_of<'a>(workflows: &[&'a Workflow]) -> impl Iterator<Item = &'a TaskSpec> {
    workflows.iter().flat_map(|workflow| {
        let of_stages = workflow.stages.iter().flat_map(|stage| &stage.tasks);
        of_stages.chain(workflow.special_tasks.iter().map(Arc::as_ref))
    })
}

fn link<'t>(relation: &'t str, word: &'t str) -> Result<Parsed, Miss<'t>> {
    let Some((name, own, direction)) = RELATIONS.iter().find(|(name, ..)| *name == relation) else {
        let known = RELATIONS.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let (code, what) = (Code::UnknownSource, "relation");
        return Err(Miss::Unknown { code, what, written: relation, known });
    };
    let part = part(word, LinkPart::ALL)?;
    let name = name.replace('_', " ");
    let title = joined(&Title { en: name.clone(), zh: name }, &part.title());
    Ok(parsed(Source::Link(*own, *direction, part), part.kind(), title))
}

impl Desk<'_> {
    /// A finding about a source, where it is written.
    pub(super) fn at_spot(&self, code: Code, spot: Spot<'_>, message: String) -> Diagnostic {
        match spot {
            Spot::Value(path) => self.value(code, path, message),
            Spot::Key(path) => self.key(code, path, message),
        }
    }
}

fn outcomes_of(
    source: &TaskSource,
    outcomes: impl Iterator<Item = Arc<str>>,
) -> Option<Vec<Arc<str>>> {
    let is_outcome = *source == TaskSource::Part(TaskPart::Outcome);
    let outcomes: Vec<_> = outcomes.filter(|_| is_outcome).collect();
    (!outcomes.is_empty()).then_some(outcomes)
}

fn stay(source: impl FnOnce(StayPart) -> Source, part: StayPart) -> Parsed {
    parsed(source(part), part.kind(), part.title())
}

fn parsed(source: Source, kind: Kind, title: Title) -> Parsed {
    Parsed { source, kind, title, words: None }
}

fn field_kind(field: &Field) -> Kind {
    match field.kind {
        FieldKind::Text => Kind::Text,
        FieldKind::Choice(_) => Kind::Name(Naming::Choice),
        FieldKind::Integer => Kind::Integer,
        FieldKind::Decimal => Kind::Decimal,
        FieldKind::Boolean => Kind::Boolean,
        FieldKind::Date => Kind::Date,
    }
}

/// What two fields of one name are together; none: one cell cannot hold both.
fn both(one: Kind, other: Kind) -> Option<Kind> {
    match (one, other) {
        (Kind::Integer, Kind::Decimal) | (Kind::Decimal, Kind::Integer) => Some(Kind::Decimal),
        (Kind::Text, word @ Kind::Name(_)) | (word @ Kind::Name(_), Kind::Text) => Some(word),
        (one, other) => (one == other).then_some(one),
    }
}

fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Name(_) => "a text",
        Kind::Integer | Kind::Decimal => "a number",
        Kind::Boolean => "yes or no",
        Kind::Date | Kind::Time => "a date",
    }
}

fn joined(of: &Title, part: &Title) -> Title {
    Title { en: format!("{}: {}", of.en, part.en), zh: format!("{}{}", of.zh, part.zh) }
}

fn found<'f, 't>(
    fields: impl IntoIterator<Item = &'f Field>,
    name: &'t str,
    code: Code,
    what: &'static str,
) -> Result<Vec<&'f Field>, Miss<'t>> {
    let (named, others): (Vec<&Field>, Vec<&Field>) =
        fields.into_iter().partition(|field| field.id.as_str() == name);
    if named.is_empty() {
        let known = others.iter().map(|field| field.id.to_string()).collect();
        return Err(Miss::Unknown { code, what, written: name, known });
    }
    Ok(named)
}

fn part<'t, P: Copy>(word: &'t str, all: &[(&'static str, P)]) -> Result<P, Miss<'t>> {
    if let Some((_, part)) = all.iter().find(|(known, _)| *known == word) {
        Ok(*part)
    } else {
        let known = all.iter().map(|(known, _)| (*known).to_owned()).collect();
        Err(Miss::Unknown { code: Code::UnknownSource, what: "part", written: word, known })
    }
}

fn whole(word: &str) -> Result<WholePart, Miss<'_>> {
    let own = WholePart::ALL.iter().find(|(known, _)| *known == word);
    own.map(|(_, part)| *part).ok_or_else(|| {
        let parts = WholePart::ALL.iter().map(|(known, _)| *known);
        let known = parts.chain(HEADS).map(str::to_owned).collect();
        Miss::Unknown { code: Code::UnknownSource, what: "source", written: word, known }
    })
}

fn miss<'t>(code: Code, what: &'static str, written: &'t str, known: &[&str]) -> Miss<'t> {
    Miss::Unknown {
        code,
        what,
        written,
        known: known.iter().map(|each| (*each).to_owned()).collect(),
    }
}
