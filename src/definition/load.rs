//! From text to authored shapes, with every mistake of shape told at once.
//!
//! The only module that names `serde_yaml`. It knows no meaning: a file becomes a tree, the tree
//! becomes a shape, and whatever does not fit is reported, taken out, and the rest is read again.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess};
use serde::de::{VariantAccess, Visitor};
use serde_yaml::{Mapping, Value};

use crate::model::limits;

use super::code::Code;
use super::diagnostic::{Diagnostic, Findings};
use super::span::{KeyPath, Segment, SpanIndex};

/// Mistakes of shape looked for in one file: a file with more is no workflow.
const SHAPE_FINDINGS_MAX: usize = 100;

/// How our own messages begin among those of the library.
const TAG: &str = "the tag";
const NO_TEXT: &str = "a key must be a text";

/// A file that was read: its shape and where everything in it stands.
#[derive(Debug)]
pub(crate) struct Located<T> {
    /// What it says.
    pub value: T,
    /// Where.
    pub at: SpanIndex,
}

/// Reads a file. `None`: it could not be read at all, and the findings say why.
pub(crate) fn load<T: DeserializeOwned + Default>(
    path: &Arc<str>,
    source: &Arc<str>,
    findings: &mut Findings,
) -> Option<Located<T>> {
    if source.len() > limits::SOURCE_BYTES_MAX {
        let span = super::diagnostic::Span::start_of(path);
        let message = format!("the file has {} bytes", source.len());
        let limit = format!("at most {} are read", limits::SOURCE_BYTES_MAX);
        findings.push(Diagnostic::new(Code::TooLarge, span, message).label(limit));
        return None;
    }
    let at = match SpanIndex::parse(path, source) {
        Ok(at) => at,
        Err(unparsed) => {
            let message = unparsed.message.trim_end_matches('.');
            findings.push(Diagnostic::new(Code::InvalidYaml, unparsed.span, message));
            return None;
        }
    };
    report_duplicates(&at, findings);
    let mut tree = read_tree(&at, findings)?;
    let value = read_shape(&mut tree, &at, findings)?;
    Some(Located { value, at })
}

fn report_duplicates(at: &SpanIndex, findings: &mut Findings) {
    let mut duplicates = at.duplicates();
    for duplicate in duplicates.by_ref().take(limits::FINDINGS_OF_FILE_MAX) {
        let message = format!("the key `{}` stands twice", duplicate.key);
        findings.push(
            Diagnostic::new(Code::DuplicateKey, duplicate.again, message)
                .label("only one of them could count")
                .also(duplicate.first, "it stands here first"),
        );
    }
    findings.leave_untold(at.path(), duplicates.len());
}

fn read_tree(at: &SpanIndex, findings: &mut Findings) -> Option<Value> {
    match serde_yaml::from_str::<Tree>(at.source()) {
        Ok(Tree(Value::Null)) => Some(Value::Mapping(Mapping::new())),
        Ok(Tree(tree)) => Some(tree),
        Err(error) => {
            let place = error.location().map_or(0, |location| location.index());
            let message = format!("this is not YAML: {}", plain(&error.to_string()));
            findings.push(Diagnostic::new(Code::InvalidYaml, at.span(place..place), message));
            None
        }
    }
}

/// Reads the shape again and again, each time without what did not fit the time before.
fn read_shape<T: DeserializeOwned + Default>(
    tree: &mut Value,
    at: &SpanIndex,
    findings: &mut Findings,
) -> Option<T> {
    for _ in 0..SHAPE_FINDINGS_MAX {
        let error = match serde_path_to_error::deserialize::<_, T>(&*tree) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let path = key_path(error.path());
        report_shape(&path, &error.inner().to_string(), at, findings);
        if !take_out(tree, path.segments()) {
            return None;
        }
    }
    None
}

fn key_path(path: &serde_path_to_error::Path) -> KeyPath {
    use serde_path_to_error::Segment as Step;
    path.iter().fold(KeyPath::root(), |path, step| match step {
        Step::Seq { index } => path.index(*index),
        Step::Map { key } => path.key(key),
        Step::Enum { variant } => path.key(variant),
        Step::Unknown => path,
    })
}

/// Takes out the value at a path: an item of a list becomes an empty map, so that those after it
/// keep their places. Whether something was taken out.
fn take_out(tree: &mut Value, path: &[Segment]) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    let mut node = &mut *tree;
    for segment in parents {
        let next = match (segment, node) {
            (Segment::Key(key), Value::Mapping(map)) => map.get_mut(key.as_str()),
            (Segment::Index(index), Value::Sequence(items)) => items.get_mut(*index),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => return false,
        }
    }
    match (last, node) {
        (Segment::Key(key), Value::Mapping(map)) => map.shift_remove(key.as_str()).is_some(),
        (Segment::Index(index), Value::Sequence(items)) => match items.get_mut(*index) {
            Some(item) if *item != Value::Mapping(Mapping::new()) => {
                *item = Value::Mapping(Mapping::new());
                true
            }
            // Not even an empty map fits here: the list as a whole goes.
            Some(_) | None => take_out(tree, parents),
        },
        _ => take_out(tree, parents),
    }
}

/// Says in our words what serde says in its own.
fn report_shape(path: &KeyPath, message: &str, at: &SpanIndex, findings: &mut Findings) {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field") {
        let (written, known) = quoted.split_first().map_or(("", &[][..]), |(w, k)| (*w, k));
        let known = known.iter().copied();
        let diagnostic =
            Diagnostic::new(Code::UnknownKey, at.key(path), format!("unknown key `{written}`"))
                .label("this key means nothing here")
                .did_you_mean(written, known.clone());
        findings.push(if diagnostic.hints.is_empty() {
            diagnostic.hint(format!("keys that can stand here: {}", listed(known)))
        } else {
            diagnostic
        });
        return;
    }
    let expected = message.split_once("expected ").map(|(_, expected)| expected);
    let diagnostic = match expected {
        Some(expected) if message.starts_with("invalid") => {
            let expected = words_for(expected.trim());
            Diagnostic::new(Code::WrongShape, at.value(path), format!("expected {expected}"))
                .label(format!("this is {}", found(message)))
        }
        Some(_) | None => Diagnostic::new(Code::WrongShape, at.value(path), plain(message)),
    };
    findings.push(diagnostic);
}

/// `a`, `b`, `c`.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// What serde expected, in words that do not need Rust.
fn words_for(expected: &str) -> String {
    let plain = match expected {
        "a sequence" => "a list",
        "a boolean" => "`true` or `false`",
        "u32" | "u64" | "usize" => "a whole number",
        "a string" => "a text",
        _ if expected.starts_with("struct ") => "a map of keys and values",
        other => other,
    };
    plain.to_owned()
}

/// What serde found, in words that do not need Rust.
fn found(message: &str) -> String {
    let found = message.split_once(": ").map_or(message, |(_, rest)| rest);
    let found = found.rsplit_once(", expected").map_or(found, |(found, _)| found);
    match found.split_once(' ').map_or(found, |(kind, _)| kind) {
        "map" => "a map".to_owned(),
        "sequence" => "a list".to_owned(),
        "unit" | "null" => "empty".to_owned(),
        "string" => "a text".to_owned(),
        "integer" | "floating" => "a number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        _ => found.to_owned(),
    }
}

/// A message of a library without the path and the position that it carries, and without its full
/// stop.
fn plain(message: &str) -> String {
    let text = message.split(" at line ").next().unwrap_or(message);
    let own = [TAG, NO_TEXT].iter().find_map(|own| text.find(own));
    let text = &text[own.unwrap_or_default()..];
    text.trim_end_matches('.').replace('\n', " ")
}

/// A YAML tree in which keys are texts and the first of two equal keys counts; the span index has
/// reported the second one.
struct Tree(Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor).map(Tree)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Tree(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Mapping::new();
        while let Some((Tree(key), Tree(value))) = map.next_entry()? {
            let key = match key {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(word) => word.to_string(),
                Value::Null => String::new(),
                Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => {
                    return Err(A::Error::custom(NO_TEXT));
                }
            };
            entries.entry(Value::String(key)).or_insert(value);
        }
        Ok(Value::Mapping(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (tag, rest) = access.variant::<String>()?;
        let Tree(_) = rest.newtype_variant()?;
        Err(A::Error::custom(format!("{TAG} `!{tag}` means nothing here")))
    }
}
