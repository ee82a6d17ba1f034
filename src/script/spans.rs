//! Where the words of a script stand: a position of the parser becomes a position with a length.
//!
//! Columns and lengths count characters, so Chinese text moves nothing.

use rhai::{Position, Token};

use super::sandbox;

/// The words of one script.
#[derive(Debug, Default)]
pub(super) struct Spans {
    words: Vec<Word>,
    lines: Vec<Vec<char>>,
}

#[derive(Debug)]
struct Word {
    span: Span,
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
        let lines = source.lines().map(|line| line.trim_end().chars().collect()).collect();
        let inputs = [source];
        let (tokens, _) = sandbox::engine().lex(&inputs);
        let mut words: Vec<Word> = Vec::new();
        for (token, position) in tokens {
            if matches!(token, Token::EOF | Token::LexError(_)) {
                break;
            }
            let (Some(line), Some(column)) = (position.line(), position.position()) else { break };
            let name = match token {
                Token::Identifier(name) | Token::Reserved(name) => Some(name.to_string()),
                Token::Fn => Some("fn".to_owned()),
                _ => None,
            };
            let span = Span { line, column, length: 1 };
            words.push(Word { span, name });
        }
        let mut spans = Self { words: Vec::new(), lines };
        let starts: Vec<Span> = words.iter().map(|word| word.span).collect();
        for (at, word) in words.iter_mut().enumerate() {
            let following = starts.get(at + 1).filter(|next| next.line == word.span.line);
            word.span.length = match &word.name {
                Some(name) => name.chars().count(),
                None => spans.written(word.span, following.map(|next| next.column)),
            };
        }
        spans.words = words;
        spans
    }

    /// How many characters stand between the beginning of a word and that of the next one,
    /// without the blanks at the end.
    fn written(&self, from: Span, next: Option<usize>) -> usize {
        let Some(line) = self.lines.get(from.line - 1) else { return 1 };
        let end = next.map_or(line.len(), |next| next.saturating_sub(1)).min(line.len());
        let text = line.get(from.column.saturating_sub(1)..end).unwrap_or_default();
        let blanks = text.iter().rev().take_while(|each| each.is_whitespace()).count();
        (text.len() - blanks).max(1)
    }

    /// The word at a position; the beginning of the script where the parser names none.
    pub(super) fn at(&self, position: Position) -> Span {
        let line = position.line().unwrap_or(1);
        let column = position.position().unwrap_or(1).max(1);
        let known =
            self.words.iter().find(|word| (word.span.line, word.span.column) == (line, column));
        known.map_or_else(
            || {
                // A word that the parser refuses: as far as letters go.
                let rest = self.lines.get(line - 1).and_then(|text| text.get(column - 1..));
                let letters = |each: &&char| each.is_alphanumeric() || **each == '_';
                let length = rest.map_or(0, |rest| rest.iter().take_while(letters).count());
                Span { line, column, length: length.max(1) }
            },
            |word| word.span,
        )
    }

    /// From the word at one position through the word at another, as far as the line goes.
    pub(super) fn between(&self, first: Position, last: Position) -> Span {
        let (first, last) = (self.at(first), self.at(last));
        if first.line != last.line || last.column < first.column {
            return first;
        }
        Span { length: last.column + last.length - first.column, ..first }
    }

    /// Where the name of a function is defined whose body begins at a position.
    pub(super) fn definition(&self, function: &str, body: Position) -> Option<Span> {
        let before = (body.line()?, body.position()?);
        let definitions = self.words.windows(2).filter(|pair| {
            pair[0].name.as_deref() == Some("fn") && pair[1].name.as_deref() == Some(function)
        });
        let mut spans = definitions.map(|pair| pair[1].span);
        spans.rfind(|span| (span.line, span.column) < before)
    }
}
