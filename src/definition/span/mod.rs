//! Where everything stands in a YAML file: from the path of a value to its bytes.
//!
//! Serde forgets positions; this index remembers them. It knows the shape of the file and nothing
//! of its meaning. The scanner counts in characters, so every mark is turned into bytes here.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::diagnostic::Span;

/// Deeper files are refused: no workflow needs it, and recursion must end.
const DEPTH_MAX: usize = 64;

/// References are refused: a reader would have to look elsewhere for what stands here, and a small
/// file could stand for an endless one.
const NO_REFERENCES: &str = "references such as `*name` are not used here: write it out";

/// One step from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// The value of a key.
    Key(String),
    /// An item of a list; the first is 0.
    Index(usize),
}

/// The way from the top of a file to a value, such as `stages[3].next[0].to`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPath(Vec<Segment>);

impl KeyPath {
    /// The file as a whole.
    pub fn root() -> Self {
        Self::default()
    }

    /// The value of a key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    /// An item of a list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// One step further.
    #[must_use]
    pub fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// The steps from the top.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if place == 0 => write!(out, "{key}")?,
                Segment::Key(key) => write!(out, ".{key}")?,
                Segment::Index(index) => write!(out, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Node {
    range: Range<usize>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Scalar { style: ScalarStyle, text: String },
    List(Vec<Node>),
    Map(Entries),
}

/// What stands in a map; of keys that are equal the first.
#[derive(Debug, Default)]
struct Entries {
    list: Vec<Entry>,
    /// The places in the list: a map may have as many keys as a file has lines.
    by_key: HashMap<String, usize>,
}

#[derive(Debug)]
struct Entry {
    key_range: Range<usize>,
    value: Node,
}

impl Entries {
    fn get(&self, key: &str) -> Option<&Entry> {
        self.by_key.get(key).and_then(|at| self.list.get(*at))
    }
}

/// A key that stands twice in one map.
#[derive(Debug)]
pub struct DuplicateKey {
    /// The key.
    pub key: String,
    /// Where it stands first.
    pub first: Span,
    /// Where it stands again.
    pub again: Span,
}

/// Why a file could not be indexed.
#[derive(Debug)]
pub struct Unparsed {
    /// Where the scanner gave up.
    pub span: Span,
    /// Why.
    pub message: String,
}

/// The positions of one file.
#[derive(Debug)]
pub struct SpanIndex {
    path: Arc<str>,
    source: Arc<str>,
    /// The byte at which each character begins, and the end.
    characters: Vec<usize>,
    /// The byte at which each line begins.
    lines: Vec<usize>,
    root: Option<Node>,
    duplicates: Vec<(String, Range<usize>, Range<usize>)>,
}

impl SpanIndex {
    /// Reads a file.
    pub fn parse(path: &Arc<str>, source: &Arc<str>) -> Result<Self, Unparsed> {
        let mut builder = Builder::new(source);
        let read = builder.read();
        let Builder { bytes: characters, root, duplicates, .. } = builder;
        let (path, source) = (path.clone(), source.clone());
        let breaks = source.match_indices('\n').map(|(newline, _)| newline + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        let index = Self { path, source, characters, lines, root, duplicates };
        match read {
            Ok(()) => Ok(index),
            Err((at, message)) => Err(Unparsed { span: index.span(at..at), message }),
        }
    }

    /// The file.
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// The text of the file.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Whether there is such a value.
    pub fn has(&self, path: &KeyPath) -> bool {
        self.find(path).1 == path.segments().len()
    }

    /// Whether there may be keys at a path: a map stands there, or nothing in the whole file.
    pub fn is_map(&self, path: &KeyPath) -> bool {
        let (node, depth) = self.find(path);
        let content = node.map(|node| &node.content);
        depth == path.segments().len() && matches!(content, None | Some(Content::Map(_)))
    }

    /// Where a value stands; if there is none, the nearest one around it. Of a map that is its
    /// first key: a stretch of twenty lines would point nowhere.
    pub fn value(&self, path: &KeyPath) -> Span {
        match self.find(path).0 {
            Some(Node { range, content: Content::Map(entries) }) if self.is_long(range) => {
                let first = entries
                    .list
                    .first()
                    .map_or(range.start..range.start, |entry| entry.key_range.clone());
                self.span(first)
            }
            Some(Node { range, content: Content::List(items) }) if self.is_long(range) => {
                let first = items.first().map_or(range.start, |item| item.range.start);
                self.span(first..first)
            }
            Some(Node { range, content: Content::Scalar { .. } }) if self.is_long(range) => {
                self.span(self.first_line(range.clone()))
            }
            Some(node) => self.span(node.range.clone()),
            None => Span::start_of(&self.path),
        }
    }

    /// Where the key of a value stands; for an item of a list, or the file as a whole, the value.
    pub fn key(&self, path: &KeyPath) -> Span {
        let Some((Segment::Key(key), parents)) = path.segments().split_last() else {
            return self.value(path);
        };
        let (Some(parent), depth) = self.find(&KeyPath(parents.to_vec())) else {
            return self.value(path);
        };
        let Content::Map(entries) = &parent.content else { return self.value(path) };
        match entries.get(key) {
            Some(entry) if depth == parents.len() => self.span(entry.key_range.clone()),
            Some(_) | None => self.value(path),
        }
    }

    /// The text of a scalar as it is meant, unquoted and unfolded.
    pub fn scalar(&self, path: &KeyPath) -> Option<&str> {
        match self.find(path) {
            (Some(Node { content: Content::Scalar { text, .. }, .. }), depth)
                if depth == path.segments().len() =>
            {
                Some(text)
            }
            _ => None,
        }
    }

    /// Every key that stands twice in one map.
    pub fn duplicates(&self) -> impl ExactSizeIterator<Item = DuplicateKey> {
        self.duplicates.iter().map(|(key, first, again)| DuplicateKey {
            key: key.clone(),
            first: self.span(first.clone()),
            again: self.span(again.clone()),
        })
    }

    /// A stretch inside a scalar: line and column (from 1, in characters) as its own text counts
    /// them. Exact where the text stands in the file as it is meant; otherwise the whole scalar.
    pub fn inside(&self, path: &KeyPath, line: usize, column: usize, length: usize) -> Span {
        let Some(Node { range, content: Content::Scalar { style, text } }) = self.find(path).0
        else {
            return self.value(path);
        };
        let start = match style {
            ScalarStyle::Plain => self.verbatim(range.start, text, line, column),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                self.verbatim(range.start + 1, text, line, column)
            }
            ScalarStyle::Literal => self.in_block(range.start, text, line, column),
            ScalarStyle::Folded => None,
        };
        let Some(start) = start else { return self.value(path) };
        // An expression that ends too early is found wrong behind its end.
        let last = floor_boundary(&self.source, range.end.saturating_sub(1));
        let start = start.min(last.max(range.start));
        let end = self.skip_characters(start, length).min(range.end.max(start));
        self.span(start..end)
    }

    /// The stretch with its line and column.
    pub fn span(&self, range: Range<usize>) -> Span {
        let start = floor_boundary(&self.source, range.start);
        let end = floor_boundary(&self.source, range.end).max(start);
        // Both are looked up: counted from the beginning, many spans would take for ever.
        let line = self.lines.partition_point(|begins| *begins <= start);
        let begins = self.lines[line - 1];
        let column = self.characters_before(start) - self.characters_before(begins) + 1;
        Span { path: self.path.clone(), range: start..end, line, column }
    }

    fn characters_before(&self, byte: usize) -> usize {
        self.characters.partition_point(|begins| *begins < byte)
    }

    /// The deepest node on the way, and how many steps of the way lead to it.
    fn find(&self, path: &KeyPath) -> (Option<&Node>, usize) {
        let Some(mut node) = self.root.as_ref() else { return (None, 0) };
        for (depth, segment) in path.segments().iter().enumerate() {
            let next = match (segment, &node.content) {
                (Segment::Key(key), Content::Map(entries)) => {
                    entries.get(key).map(|entry| &entry.value)
                }
                (Segment::Index(index), Content::List(items)) => items.get(*index),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => return (Some(node), depth),
            }
        }
        (Some(node), path.segments().len())
    }

    fn is_long(&self, range: &Range<usize>) -> bool {
        self.source[range.clone()].trim_end().contains('\n')
    }

    fn first_line(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.source[range.clone()];
        let end = text.find('\n').map_or(range.end, |newline| range.start + newline);
        range.start..end
    }

    /// The place in a scalar of one line that stands in the file just as it is meant.
    fn verbatim(&self, start: usize, text: &str, line: usize, column: usize) -> Option<usize> {
        let stands = self.source.get(start..start + text.len())? == text;
        (stands && line == 1).then(|| self.skip_characters(start, column.saturating_sub(1)))
    }

    /// The place in a literal block: every line of the text is a line of the file, indented.
    fn in_block(&self, start: usize, text: &str, line: usize, column: usize) -> Option<usize> {
        let begins = self.source[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let indentation = start - begins;
        let mut at = begins;
        for _ in 1..line {
            at += self.source[at..].find('\n')? + 1;
        }
        let meant = text.split('\n').nth(line.checked_sub(1)?)?;
        let stands = self.source.get(at + indentation..at + indentation + meant.len())? == meant;
        stands.then(|| self.skip_characters(at + indentation, column.saturating_sub(1)))
    }

    /// So many characters on, but never beyond the end of the line.
    fn skip_characters(&self, from: usize, count: usize) -> usize {
        let rest = &self.source[floor_boundary(&self.source, from)..];
        let line = rest.split(['\n', '\r']).next().unwrap_or_default();
        from + line.char_indices().nth(count).map_or(line.len(), |(at, _)| at)
    }
}

/// Turns the scanner's events into nodes, without recursion.
struct Builder<'a> {
    source: &'a str,
    /// The byte at which each character begins, and the end.
    bytes: Vec<usize>,
    open: Vec<Open>,
    root: Option<Node>,
    duplicates: Vec<(String, Range<usize>, Range<usize>)>,
}

/// A list or map whose end was not seen yet.
struct Open {
    start: usize,
    content: Content,
    /// In a map: the key whose value comes next.
    key: Option<(String, Range<usize>)>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a str) -> Self {
        let starts = source.char_indices().map(|(at, _)| at);
        let bytes = starts.chain(std::iter::once(source.len())).collect();
        Self { source, bytes, open: Vec::new(), root: None, duplicates: Vec::new() }
    }

    fn read(&mut self) -> Result<(), (usize, String)> {
        let mut parser = Parser::new_from_str(self.source);
        let mut documents = 0;
        while let Some(next) = parser.next_event() {
            let (event, span) =
                next.map_err(|error| (self.byte(error.marker().index()), not_yaml(error.info())))?;
            let range = self.byte(span.start.index())..self.byte(span.end.index());
            match event {
                Event::DocumentStart(_) => documents += 1,
                Event::Scalar(text, style, ..) => {
                    let range = range.start..self.trimmed(&range);
                    self.scalar(text.into_owned(), style, range);
                }
                Event::Alias(_) => return Err((range.start, NO_REFERENCES.to_owned())),
                Event::SequenceStart(..) => self.begin(range.start, Content::List(Vec::new())),
                Event::MappingStart(..) => {
                    self.begin(range.start, Content::Map(Entries::default()));
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(range.end),
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
            if self.open.len() > DEPTH_MAX {
                return Err((range_start(span.start.index(), &self.bytes), too_deep()));
            }
            if documents > 1 {
                let at = self.byte(span.start.index());
                return Err((at, "a second document begins here; one file holds one".to_owned()));
            }
        }
        Ok(())
    }

    fn byte(&self, character: usize) -> usize {
        range_start(character, &self.bytes)
    }

    fn trimmed(&self, range: &Range<usize>) -> usize {
        range.start + self.source[range.clone()].trim_end().len()
    }

    fn begin(&mut self, start: usize, content: Content) {
        self.open.push(Open { start, content, key: None });
    }

    fn end(&mut self, end: usize) {
        let Some(open) = self.open.pop() else { return };
        let range = open.start..self.trimmed(&(open.start..end.max(open.start)));
        self.close(Node { range, content: open.content });
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, range: Range<usize>) {
        if let Some(Open { content: Content::Map(_), key: key @ None, .. }) = self.open.last_mut() {
            *key = Some((text, range));
            return;
        }
        self.close(Node { range, content: Content::Scalar { style, text } });
    }

    /// A node is complete: it becomes an item, a value or the root.
    fn close(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { content: Content::List(items), .. }) => items.push(node),
            Some(Open { content: Content::Map(entries), key, .. }) => match key.take() {
                // A key that is itself a list or a map: serde refuses it, so its place is enough.
                None => *key = Some((String::new(), node.range)),
                Some((name, key_range)) => {
                    if let Some(first) = entries.get(&name) {
                        self.duplicates.push((name, first.key_range.clone(), key_range));
                    } else {
                        entries.by_key.insert(name, entries.list.len());
                        entries.list.push(Entry { key_range, value: node });
                    }
                }
            },
            Some(Open { content: Content::Scalar { .. }, .. }) => {}
        }
    }
}

fn not_yaml(why: &str) -> String {
    format!("this is not YAML: {why}")
}

fn too_deep() -> String {
    format!("lists and maps stand more than {DEPTH_MAX} deep")
}

fn range_start(character: usize, bytes: &[usize]) -> usize {
    bytes.get(character).or(bytes.last()).copied().unwrap_or_default()
}

/// The last border of characters at or before a byte.
fn floor_boundary(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests;
