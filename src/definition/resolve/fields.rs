//! Fields of instances, forms and activities.

use std::sync::Arc;

use crate::definition::authored::shapes::{Named, Scalar};
use crate::definition::authored::workflow::Field as AuthoredField;
use crate::definition::code::Code;
use crate::definition::compiled::{Field, FieldKind};
use crate::definition::span::KeyPath;
use crate::model::id::FieldId;
use crate::model::value::Decimal;
use crate::script::{FieldType, TaskWords};

use super::desk::Desk;
use super::scene::Scene;

/// Whose fields they are: not every key means something everywhere.
#[derive(Clone, Copy)]
pub(super) enum Owner<'a> {
    /// Every instance.
    Instance,
    /// A kind of activity.
    Activity,
    /// The form of this task.
    Form(&'a TaskWords),
}

/// The word for what a field holds, without its details.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Decimal,
    Boolean,
    Date,
    Choice,
}

const KINDS: [(&str, Kind); 6] = [
    ("text", Kind::Text),
    ("integer", Kind::Integer),
    ("decimal", Kind::Decimal),
    ("boolean", Kind::Boolean),
    ("date", Kind::Date),
    ("choice", Kind::Choice),
];

/// The types of the fields that are declared rightly, for expressions.
pub(super) fn types(fields: &Named<AuthoredField>) -> Vec<(Arc<str>, FieldType)> {
    let typed = fields.iter().filter_map(|(name, field)| {
        let word = field.kind.as_ref()?.as_str();
        let kind = match KINDS.iter().find(|(known, _)| *known == word)?.1 {
            Kind::Text => FieldType::Text,
            Kind::Integer => FieldType::Integer,
            Kind::Decimal => FieldType::Decimal,
            Kind::Boolean => FieldType::Boolean,
            Kind::Date => FieldType::Date,
            Kind::Choice => {
                let words = field.of.iter();
                FieldType::Choice(words.map(|(_, word)| word.as_str().into()).collect())
            }
        };
        Some((name.into(), kind))
    });
    typed.collect()
}

/// The fields under a path.
pub(super) fn fields(
    desk: &mut Desk<'_>,
    scene: &Scene<'_>,
    top: &KeyPath,
    authored: &Named<AuthoredField>,
    owner: Owner<'_>,
) -> Vec<Field> {
    let each = authored.iter();
    each.filter_map(|(name, written)| field(desk, scene, &top.key(name), (name, written), owner))
        .collect()
}

fn field(
    desk: &mut Desk<'_>,
    scene: &Scene<'_>,
    path: &KeyPath,
    (name, authored): (&str, &AuthoredField),
    owner: Owner<'_>,
) -> Option<Field> {
    let id = desk.name(path, name, FieldId::parse)?;
    let required_when = match owner {
        Owner::Form(task) => {
            let path = path.key("required_when");
            scene.condition_of_task(desk, &path, authored.required_when.as_ref(), task)
        }
        Owner::Instance | Owner::Activity => {
            desk.misplaced(path, "required_when", "only fields of a form ask for it");
            None
        }
    };
    match owner {
        Owner::Instance if crate::script::vocabulary::RESERVED_FIELDS.contains(&name) => {
            let message = format!("`{name}` cannot be a field");
            let diagnostic = desk.key(Code::ReservedName, path, message);
            desk.push(diagnostic.label(format!("`project.{name}` has a meaning of its own")));
        }
        Owner::Activity | Owner::Form(_) => {
            desk.misplaced(path, "indexed", "instances are listed by their own fields only");
        }
        Owner::Instance => {}
    }
    if !matches!(owner, Owner::Activity) {
        desk.misplaced(path, "sets", "only what is logged sets a field of the instance");
    }
    let kind = kind(desk, path, authored)?;
    let number = matches!(kind, FieldKind::Integer | FieldKind::Decimal);
    if !number {
        for key in ["at_least", "at_most", "unit"] {
            desk.misplaced(path, key, "only numbers have it");
        }
    }
    let at_least =
        bound(desk, &path.key("at_least"), authored.at_least.as_ref().filter(|_| number));
    let at_most = bound(desk, &path.key("at_most"), authored.at_most.as_ref().filter(|_| number));
    if let (Some(least), Some(most)) = (at_least, at_most)
        && least > most
    {
        let message = format!("no number is at least {least} and at most {most}");
        let diagnostic = desk.value(Code::InvalidValue, &path.key("at_most"), message);
        let least = desk.at.value(&path.key("at_least"));
        desk.push(diagnostic.label("the largest number").also(least, "the smallest number"));
    }
    Some(Field {
        id,
        title: Desk::title(authored.title.as_ref(), name),
        kind,
        required: authored.required,
        required_when,
        indexed: authored.indexed,
        unit: authored.unit.as_ref().map(|unit| unit.as_str().into()),
        at_least,
        at_most,
        sets: None,
    })
}

/// The fields of the instance that the fields of an activity set: of the same kind, and of a choice
/// every word.
pub(super) fn targets(
    desk: &mut Desk<'_>,
    scene: &Scene<'_>,
    top: &KeyPath,
    (authored, built): (&Named<AuthoredField>, &mut [Field]),
    of_instance: &[Field],
) {
    for field in built {
        let written = authored.iter().find(|(name, _)| *name == field.id.as_str());
        let Some(name) = written.and_then(|(_, authored)| authored.sets.as_ref()) else { continue };
        let path = top.key(field.id.as_str()).key("sets");
        let Some(target) = of_instance.iter().find(|known| known.id.as_str() == name.as_str())
        else {
            if !scene.fields_unsure {
                let known = of_instance.iter().map(|known| known.id.as_str());
                desk.unknown(Code::UnknownField, &path, "field", name.as_str(), known);
            }
            continue;
        };
        let fits = match (&field.kind, &target.kind) {
            (FieldKind::Choice(words), FieldKind::Choice(all)) => {
                words.iter().all(|word| all.contains(word))
            }
            (own, other) => own == other,
        };
        if !fits {
            let message = format!("the field `{}` holds something else", target.id);
            let declared = desk.at.value(&KeyPath::root().key("fields").key(target.id.as_str()));
            let diagnostic = desk.value(Code::InvalidValue, &path, message);
            desk.push(
                diagnostic
                    .label("what is logged must be of its kind")
                    .also(declared, "it is declared here"),
            );
        }
        field.sets = Some(target.id.clone());
    }
}

fn kind(desk: &mut Desk<'_>, path: &KeyPath, authored: &AuthoredField) -> Option<FieldKind> {
    let Some(word) = &authored.kind else {
        desk.missing(
            path,
            "type",
            "one of `text`, `integer`, `decimal`, `boolean`, `date`, `choice`",
        );
        return None;
    };
    let kind = desk.word(&path.key("type"), word, &KINDS)?;
    if kind != Kind::Choice {
        desk.misplaced(path, "of", "only a `choice` has words to choose from");
    }
    Some(match kind {
        Kind::Text => FieldKind::Text,
        Kind::Integer => FieldKind::Integer,
        Kind::Decimal => FieldKind::Decimal,
        Kind::Boolean => FieldKind::Boolean,
        Kind::Date => FieldKind::Date,
        Kind::Choice => FieldKind::Choice(choices(desk, path, authored)),
    })
}

fn choices(desk: &mut Desk<'_>, path: &KeyPath, authored: &AuthoredField) -> Vec<Arc<str>> {
    if authored.of.0.is_empty() {
        desk.missing(path, "of", "list the words to choose from");
    }
    super::words(desk, &path.key("of"), &authored.of, "word")
}

/// A bound of a number, with all the digits that were written.
fn bound(desk: &mut Desk<'_>, path: &KeyPath, text: Option<&Scalar>) -> Option<Decimal> {
    let text = text?.as_str();
    let digits = desk.at.scalar(path).unwrap_or(text).to_owned();
    let parsed = digits.parse::<Decimal>().ok();
    if parsed.is_none() {
        let diagnostic = desk.value(Code::InvalidValue, path, format!("`{digits}` is no number"));
        desk.lose(diagnostic.label("a number such as `0` or `12.5`"));
    }
    parsed
}
