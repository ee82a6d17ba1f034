//! Where things stand: by path, inside expressions, in every style of scalar, in Chinese text.

use std::sync::Arc;

use super::{KeyPath, Segment, SpanIndex};

fn index(source: &str) -> SpanIndex {
    SpanIndex::parse(&Arc::from("a.yaml"), &Arc::from(source)).expect("the source is YAML")
}

/// `a[1].b` as a path.
fn path(text: &str) -> KeyPath {
    text.split(['.', '[']).filter(|part| !part.is_empty()).fold(KeyPath::root(), |path, part| {
        match part.strip_suffix(']') {
            Some(at) => path.index(at.parse().expect("an index is a number")),
            None => path.key(part),
        }
    })
}

/// Line, column and text of a value.
fn value<'a>(index: &'a SpanIndex, at: &str) -> (usize, usize, &'a str) {
    let span = index.value(&path(at));
    (span.line, span.column, &index.source()[span.range])
}

/// Line, column and text of a stretch inside a scalar.
fn inside<'a>(
    index: &'a SpanIndex,
    at: &str,
    (line, column, length): (usize, usize, usize),
) -> (usize, usize, &'a str) {
    let span = index.inside(&path(at), line, column, length);
    (span.line, span.column, &index.source()[span.range])
}

#[test]
fn a_path_is_written_as_people_write_it() {
    let path = path("stages[3].next[0].to");
    assert_eq!(path.to_string(), "stages[3].next[0].to");
    assert_eq!(path.segments()[1], Segment::Index(3));
}

#[test]
fn values_and_keys_stand_where_they_are_written() {
    let index =
        index("标题: 预审  # 说明\nstages:\n  - id: 甲\n    next: [{ to: 'b' }, c ]\n  - \n");
    assert_eq!(value(&index, "标题"), (1, 5, "预审"));
    assert_eq!(value(&index, "stages[0].id"), (3, 9, "甲"));
    assert_eq!(value(&index, "stages[0].next[0].to"), (4, 18, "'b'"));
    assert_eq!(value(&index, "stages[0].next[0]"), (4, 12, "{ to: 'b' }"));
    assert_eq!(value(&index, "stages[0].next"), (4, 11, "[{ to: 'b' }, c ]"));
    let key = index.key(&path("stages[0].next"));
    assert_eq!((key.line, key.column, key.range.len()), (4, 5, 4));
}

#[test]
fn a_long_map_is_its_first_key() {
    let index = index("stages:\n  - id: a\n    title: b\n");
    assert_eq!(value(&index, "stages[0]"), (2, 5, "id"));
}

#[test]
fn what_is_not_there_is_the_nearest_around_it() {
    let index = index("a: { b: 1 }\n");
    assert_eq!(value(&index, "a.c.d"), (1, 4, "{ b: 1 }"));
    assert!(index.has(&path("a.b")) && !index.has(&path("a.c")));
    assert!(index.is_map(&path("a")) && !index.is_map(&path("a.b")) && !index.is_map(&path("x")));
}

#[test]
fn inside_a_plain_or_quoted_text_the_column_is_exact() {
    let index = index("p: x > 预审\ns: '预审 > y'\nd: \"x > y\"\n");
    assert_eq!(inside(&index, "p", (1, 5, 2)), (1, 8, "预审"));
    assert_eq!(inside(&index, "s", (1, 6, 1)), (2, 10, "y"));
    assert_eq!(inside(&index, "d", (1, 3, 1)), (3, 7, ">"));
}

#[test]
fn inside_a_literal_block_every_line_is_a_line_of_the_file() {
    let index = index("w: |\n    预审\n\n      && x > 1\n    && y\nnext: 1\n");
    assert_eq!(inside(&index, "w", (1, 1, 2)), (2, 5, "预审"));
    assert_eq!(inside(&index, "w", (3, 6, 1)), (4, 10, "x"));
    assert_eq!(inside(&index, "w", (4, 4, 1)), (5, 8, "y"));
}

#[test]
fn inside_an_indented_block_the_indentation_is_that_of_the_header() {
    let index = index("w: |2-\n    x\n  y\n");
    assert_eq!(inside(&index, "w", (1, 3, 1)), (2, 5, "x"));
    assert_eq!(inside(&index, "w", (2, 1, 1)), (3, 3, "y"));
}

#[test]
fn behind_the_end_is_the_last_character() {
    let index = index("w: |\n  x >\nnext: 1\ns: 'x >'\n");
    assert_eq!(inside(&index, "w", (2, 1, 1)), (2, 5, ">"));
    let (line, column, _) = inside(&index, "s", (1, 9, 1));
    assert_eq!((line, column), (4, 8));
}

#[test]
fn where_the_text_was_changed_the_whole_of_it_is_meant() {
    let index = index("f: >-\n  x\n  > y\ne: 'it''s > 1'\nd: \"x\\n> y\"\n");
    assert_eq!(inside(&index, "f", (1, 5, 1)), (2, 3, "x"));
    assert_eq!(inside(&index, "e", (1, 6, 1)), (4, 4, "'it''s > 1'"));
    assert_eq!(inside(&index, "d", (2, 3, 1)), (5, 4, "\"x\\n> y\""));
}

#[test]
fn windows_line_ends_change_no_position() {
    let index = index("a: 1\r\nw: |\r\n  x\r\n  y > 1\r\nb: 2\r\n");
    assert_eq!(value(&index, "b"), (5, 4, "2"));
    assert_eq!(inside(&index, "w", (2, 3, 1)), (4, 5, ">"));
}

#[test]
fn a_key_that_stands_twice_is_found_at_any_depth() {
    let index = index("a: 1\nb: [{ c: 1, d: 2, c: 3 }]\na: 2\n");
    let found: Vec<(String, usize, usize)> =
        index.duplicates().map(|each| (each.key, each.first.line, each.again.line)).collect();
    assert_eq!(found, [("c".to_owned(), 2, 2), ("a".to_owned(), 1, 3)]);
}

#[test]
fn a_file_that_is_too_deep_ends_somewhere() {
    for (source, why) in [("[", "64 deep"), ("- ", "64 deep")] {
        let source: Arc<str> = source.repeat(100).into();
        let unparsed = SpanIndex::parse(&Arc::from("a.yaml"), &source).expect_err("it is too deep");
        assert!(unparsed.message.contains(why), "{}", unparsed.message);
    }
    for source in ["[", "- ", "{a: ", "? "] {
        let source: Arc<str> = source.repeat(100_000).into();
        SpanIndex::parse(&Arc::from("a.yaml"), &source).expect_err("it is too deep");
    }
}
