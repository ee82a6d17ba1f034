//! Where the words of a script stand: a position of the parser becomes a position with a length.
//!
//! Columns and lengths count characters, so Chinese text moves nothing.

use rhai::{Position, Token};

use super::sandbox;

/// The words of one script.
#[derive(Debug, Default)]
pub(super) struct Spans {
    words: Vec<Word>,
}

#[derive(Debug)]
struct Word {
    line: usize,
    column: usize,
    length: usize,
    /// The word itself, where it is a name.
    name: Option<String>,
}

/// A stretch of one line of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) length: usize,
}

impl Spans {
    /// Reads the words of a script. One that cannot be read has only those before the mistake.
    pub(super) fn of(source: &str) -> Self {
        let mut starts: Vec<(usize, usize, Option<String>)> = Vec::new();
        // The names of functions are reserved words in places, so a name is told by its look.
        let inputs = [source];
        let (tokens, _) = sandbox::engine().lex(&inputs);
        for (token, position) in tokens {
            if matches!(token, Token::EOF | Token::LexError(_)) {
                break;
            }
            let (Some(line), Some(column)) = (position.line(), position.position()) else { break };
            let name = match &token {
                Token::Identifier(name) | Token::Reserved(name) => Some(name.to_string()),
                Token::Fn => Some("fn".to_owned()),
                _ => None,
            };
            starts.push((line, column, name));
        }
        let lines: Vec<&str> = source.lines().collect();
        let mut words = Vec::with_capacity(starts.len());
        for (at, (line, column, name)) in starts.iter().enumerate() {
            let rest = lines.get(line - 1).map_or(0, |text| text.trim_end().chars().count());
            let end = match starts.get(at + 1) {
                Some((next_line, next, _)) if next_line == line => *next,
                _ => rest + 1,
            };
            let length = match name {
                Some(name) => name.chars().count(),
                None => {
                    let between = lines.get(line - 1).map_or("", |text| text);
                    let characters = between.chars().skip(column - 1);
                    let text: String = characters.take(end.saturating_sub(*column)).collect();
                    text.trim_end().chars().count()
                }
            };
            let (line, column) = (*line, *column);
            words.push(Word { line, column, length: length.max(1), name: name.clone() });
        }
        Self { words }
    }

    /// The word at a position; the beginning of the script where the parser names none.
    pub(super) fn at(&self, position: Position) -> Span {
        let line = position.line().unwrap_or(1);
        let column = position.position().unwrap_or(1).max(1);
        let word = self.words.iter().find(|word| word.line == line && word.column == column);
        Span { line, column, length: word.map_or(1, |word| word.length) }
    }

    /// Where the function of this name is defined.
    pub(super) fn definition(&self, function: &str) -> Option<Span> {
        self.words.windows(2).find_map(|pair| {
            let defines =
                pair[0].name.as_deref() == Some("fn") && pair[1].name.as_deref() == Some(function);
            let Word { line, column, length, .. } = pair[1];
            defines.then_some(Span { line, column, length })
        })
    }
}
