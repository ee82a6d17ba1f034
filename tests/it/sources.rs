//! The project's own source files, for the tests that judge them: found, read, and stripped of
//! comments and texts so that only code is looked at.
//!
//! Knows nothing of Rust beyond comments, texts and characters: rules are the judges' business.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the project.
pub(crate) struct SourceFile {
    /// Its path from the project's root, with `/`.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// The project's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of one file of the project.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below these directories with one of these endings, sorted.
pub(crate) fn files_below(directories: &[&str], endings: &[&str]) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    for directory in directories {
        collect(&root().join(directory), &mut paths);
    }
    paths.sort();
    let wanted = |path: &Path| {
        path.extension().is_some_and(|own| endings.iter().any(|ending| own == *ending))
    };
    let mut files = Vec::new();
    for path in paths.into_iter().filter(|path| wanted(path)) {
        let relative = path.strip_prefix(root()).expect("found below the root");
        let path = relative.to_string_lossy().replace('\\', "/");
        files.push(SourceFile { text: read(&path), path });
    }
    files
}

/// Every Rust file that is written by hand.
pub(crate) fn rust_files() -> Vec<SourceFile> {
    let files = files_below(&["src", "tests", "benches"], &["rs"]);
    assert!(files.len() > 20, "only {} files were found: the search is broken", files.len());
    files
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.expect("a readable directory").path();
        if path.is_dir() {
            collect(&path, paths);
        } else {
            paths.push(path);
        }
    }
}

/// A Rust source without its comments and without what stands in its texts. Lines stay where they
/// are, and columns stay where they are within a line.
pub(crate) struct Stripped {
    /// The code that is left.
    pub(crate) code: String,
    /// Lines (from 1) that begin inside a text: their length is the text's business.
    pub(crate) lines_in_text: Vec<usize>,
}

/// Strips a Rust source.
pub(crate) fn strip(source: &str) -> Stripped {
    let characters: Vec<char> = source.chars().collect();
    let mut stripper = Stripper { code: String::new(), lines_in_text: Vec::new(), line: 1 };
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        at += match Token::at(rest, at.checked_sub(1).map(|before| characters[before])) {
            Token::Comment(length) => stripper.blank(&rest[..length], false),
            Token::Text(length) => stripper.blank(&rest[..length], true),
            Token::Code => stripper.keep(rest[0]),
        };
    }
    Stripped { code: stripper.code, lines_in_text: stripper.lines_in_text }
}

struct Stripper {
    code: String,
    lines_in_text: Vec<usize>,
    line: usize,
}

impl Stripper {
    fn keep(&mut self, character: char) -> usize {
        self.line += usize::from(character == '\n');
        self.code.push(character);
        1
    }

    fn blank(&mut self, characters: &[char], is_text: bool) -> usize {
        for character in characters {
            if *character == '\n' {
                self.line += 1;
                self.code.push('\n');
                if is_text {
                    self.lines_in_text.push(self.line);
                }
            } else {
                self.code.push(' ');
            }
        }
        characters.len()
    }
}

/// What begins at a place of a source, with its length.
enum Token {
    Comment(usize),
    Text(usize),
    Code,
}

impl Token {
    fn at(rest: &[char], before: Option<char>) -> Self {
        let in_word = before.is_some_and(|before| before.is_alphanumeric() || before == '_');
        match rest {
            ['/', '/', ..] => {
                let end = rest.iter().position(|each| *each == '\n').unwrap_or(rest.len());
                Self::Comment(end)
            }
            ['/', '*', ..] => Self::Comment(block_comment(rest)),
            ['"', ..] => Self::Text(text(rest, 0)),
            ['b' | 'c', '"', ..] if !in_word => Self::Text(text(rest, 1)),
            ['r', '"' | '#', ..] if !in_word => raw_text(rest, 1).map_or(Self::Code, Self::Text),
            ['b' | 'c', 'r', '"' | '#', ..] if !in_word => {
                raw_text(rest, 2).map_or(Self::Code, Self::Text)
            }
            // A lifetime has no closing quote; a character has one right behind it.
            ['\'', '\\', ..] => {
                let end = rest.iter().skip(3).position(|each| *each == '\'');
                Self::Text(end.map_or(rest.len(), |end| end + 4))
            }
            ['\'', _, '\'', ..] => Self::Text(3),
            _ => Self::Code,
        }
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (at, depth) = (at + 2, depth + 1),
            ['*', '/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn text(rest: &[char], opens_at: usize) -> usize {
    let mut at = opens_at + 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_text(rest: &[char], hashes_from: usize) -> Option<usize> {
    let hashes = rest[hashes_from..].iter().take_while(|each| **each == '#').count();
    let opens_at = hashes_from + hashes;
    if rest.get(opens_at) != Some(&'"') {
        return None; // a raw identifier
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = &rest[opens_at + 1..];
    let end = body.windows(closing.len()).position(|window| window == closing);
    Some(end.map_or(rest.len(), |end| opens_at + 1 + end + closing.len()))
}

#[test]
fn only_code_is_left() {
    let stripped = strip(
        "let a = \"use crate::engine\"; // crate::store\nlet b = r#\"one\ntwo \" three\"#;\n\
         let c: &'a str = '\"'; /* crate::api /* deep */ */ let d = '\\'';",
    );
    let words: Vec<Vec<&str>> =
        stripped.code.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["let", "a", "=", ";"]);
    assert_eq!(words[1], ["let", "b", "="]);
    assert_eq!(words[2], [";"]);
    assert_eq!(words[3], ["let", "c:", "&'a", "str", "=", ";", "let", "d", "=", ";"]);
    assert_eq!(stripped.lines_in_text, [3]);
}
