//! What every resolver needs at hand: where things stand in its file, and a place for findings.
//!
//! Knows the small values of the language (names, titles, lengths of time, words); nothing of
//! workflows.

use crate::model::id::InvalidName;
use crate::model::organization::Title;
use crate::model::time::{Amount, InvalidAmount, Unit};

use crate::definition::authored::shapes::{Anything, Scalar};
use crate::definition::authored::workflow::Text;
use crate::definition::code::Code;
use crate::definition::diagnostic::{Diagnostic, Findings, Span};
use crate::definition::load::listed;
use crate::definition::span::{KeyPath, SpanIndex};

/// So many known names are listed where none is near to the unknown one.
const FEW: usize = 8;

/// A file on the desk of a resolver.
pub(super) struct Desk<'a> {
    /// Where everything in the file stands.
    pub at: &'a SpanIndex,
    /// What is wrong with it.
    pub findings: Findings,
    /// Whether something could not be built, so that what was built is not what was meant.
    pub lost: bool,
}

impl<'a> Desk<'a> {
    pub(super) fn new(at: &'a SpanIndex) -> Self {
        Self { at, findings: Findings::default(), lost: false }
    }

    /// A finding about a value. Add what there is to say of it and [`Self::push`] it.
    pub(super) fn value(&self, code: Code, path: &KeyPath, message: String) -> Diagnostic {
        Diagnostic::new(code, self.at.value(path), message)
    }

    /// A finding about a key.
    pub(super) fn key(&self, code: Code, path: &KeyPath, message: String) -> Diagnostic {
        Diagnostic::new(code, self.at.key(path), message)
    }

    /// Takes a finding about something that was built all the same.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.findings.push(diagnostic);
    }

    /// Takes a finding about something that could not be built.
    pub(super) fn lose(&mut self, diagnostic: Diagnostic) {
        self.lost = true;
        self.findings.push(diagnostic);
    }

    /// A key is missing in the map at a path. What is there in a wrong shape was told already.
    pub(super) fn missing(&mut self, path: &KeyPath, key: &str, hint: &str) {
        self.lost = true;
        if self.at.has(&path.key(key)) || !self.at.is_map(path) {
            return;
        }
        let message = format!("the key `{key}` is missing");
        let diagnostic = self.value(Code::MissingKey, path, message);
        self.lose(diagnostic.label(format!("`{key}` belongs here")).hint(hint));
    }

    /// A key stands where nothing would look at it.
    pub(super) fn misplaced(&mut self, path: &KeyPath, key: &str, why: &str) {
        let path = path.key(key);
        if self.at.has(&path) {
            let diagnostic =
                self.key(Code::Misplaced, &path, format!("`{key}` has no effect here"));
            self.push(diagnostic.label(why));
        }
    }

    /// A key for which there is a place but no program yet.
    pub(super) fn not_yet(&mut self, path: &KeyPath, key: &str, value: Option<Anything>) {
        if value.is_some() {
            let path = path.key(key);
            let message = format!("`{key}` is not supported yet");
            let diagnostic = self.key(Code::NotYetSupported, &path, message);
            self.lose(diagnostic.label("this would silently do nothing").hint("take it out"));
        }
    }

    /// A name.
    pub(super) fn name<T>(
        &mut self,
        path: &KeyPath,
        text: &str,
        parse: impl Fn(&str) -> Result<T, InvalidName>,
    ) -> Option<T> {
        match parse(text) {
            Ok(name) => Some(name),
            Err(invalid) => {
                let span = self.at.key(path);
                self.lose(not_a_name(&invalid, span));
                None
            }
        }
    }

    /// A name that stands as a value.
    pub(super) fn own_text<T>(
        &mut self,
        path: &KeyPath,
        text: &str,
        parse: impl Fn(&str) -> Result<T, InvalidName>,
    ) -> Option<T> {
        match parse(text) {
            Ok(name) => Some(name),
            Err(invalid) => {
                let span = self.at.value(path);
                self.lose(not_a_name(&invalid, span));
                None
            }
        }
    }

    /// A name that must stand under a key of a map.
    pub(super) fn own_name<T>(
        &mut self,
        path: &KeyPath,
        key: &str,
        text: Option<&Scalar>,
        parse: impl Fn(&str) -> Result<T, InvalidName>,
    ) -> Option<T> {
        let Some(text) = text else {
            self.missing(path, key, "give it a name");
            return None;
        };
        self.own_text(&path.key(key), text.as_str(), parse)
    }

    /// A name that stands for nothing.
    pub(super) fn unknown<'b>(
        &mut self,
        code: Code,
        path: &KeyPath,
        what: &str,
        written: &str,
        known: impl IntoIterator<Item = &'b str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        let message = format!("unknown {what} `{written}`");
        let name = if matches!(what, "stage" | "task") { "id" } else { "name" };
        let diagnostic =
            self.value(code, path, message).label(format!("no {what} has this {name}"));
        let diagnostic = diagnostic.did_you_mean(written, known.iter().copied());
        let few = (1..=FEW).contains(&known.len()) && diagnostic.hints.is_empty();
        self.lose(if few {
            diagnostic.hint(format!("known here: {}", listed(known)))
        } else {
            diagnostic
        });
    }

    /// The same name again.
    pub(super) fn taken(&mut self, again: &KeyPath, first: &KeyPath, what: &str, name: &str) {
        let message = format!("the {what} `{name}` exists already");
        let diagnostic = self.value(Code::DuplicateName, again, message);
        let first = self.at.value(first);
        self.lose(diagnostic.label("this name is taken").also(first, "it is taken here"));
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        path: &KeyPath,
        text: &Scalar,
        words: &[(&str, T)],
    ) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == text.as_str());
        if let Some((_, meaning)) = found {
            return Some(*meaning);
        }
        let known = || words.iter().map(|(word, _)| *word);
        let message = format!("`{}` cannot stand here", text.as_str());
        let diagnostic = self
            .value(Code::UnknownWord, path, message)
            .label(format!("one of {}", listed(known())))
            .did_you_mean(text.as_str(), known());
        self.lose(diagnostic);
        None
    }

    /// One of a few words under a key that must not be missing; the hint says what it is for.
    pub(super) fn needed_word<T: Copy>(
        &mut self,
        path: &KeyPath,
        key: &str,
        text: Option<&Scalar>,
        (words, hint): (&[(&str, T)], &str),
    ) -> Option<T> {
        if text.is_none() {
            self.missing(path, key, hint);
        }
        self.word(&path.key(key), text?, words)
    }

    /// A length of time.
    pub(super) fn amount(&mut self, path: &KeyPath, text: &Scalar) -> Option<Amount> {
        let written = text.as_str();
        match written.parse::<Amount>() {
            Ok(amount) if amount.count > 0 => Some(amount),
            Ok(_) => {
                let message = format!("`{written}` is no length of time");
                let diagnostic = self.value(Code::InvalidAmount, path, message);
                self.lose(diagnostic.label("it must be longer than nothing"));
                None
            }
            Err(invalid) => {
                let diagnostic = self.invalid_amount(path, written, &invalid);
                self.lose(diagnostic);
                None
            }
        }
    }

    pub(super) fn invalid_amount(
        &self,
        path: &KeyPath,
        written: &str,
        invalid: &InvalidAmount,
    ) -> Diagnostic {
        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
        let days = format!("write `{digits}wd` for working days or `{digits}cd` for calendar days");
        let units = || {
            let units = Unit::ALL.iter().map(|(_, suffix)| *suffix);
            format!("units are {}", listed(units))
        };
        let message = || format!("`{written}` is no length of time");
        match invalid {
            InvalidAmount::BareDays => {
                let message = format!("`{written}` does not say which days");
                let diagnostic = self.value(Code::BareDays, path, message);
                diagnostic.label("working days or calendar days?").hint(days)
            }
            InvalidAmount::UnknownUnit(unit) if unit.trim_start().starts_with("day") => {
                let message = format!("`{written}` does not say which days");
                let diagnostic = self.value(Code::BareDays, path, message);
                diagnostic.label("working days or calendar days?").hint(days)
            }
            InvalidAmount::NoNumber
            | InvalidAmount::TooLarge
            | InvalidAmount::NoUnit
            | InvalidAmount::UnknownUnit(_) => {
                let diagnostic = self.value(Code::InvalidAmount, path, message());
                diagnostic.label(invalid.to_string()).hint(units())
            }
        }
    }

    /// A text by language. What is missing in one is taken from the other, and from the name where
    /// there is none.
    pub(super) fn title(text: Option<&Text>, name: &str) -> Title {
        let both = |text: &str| Title { en: text.to_owned(), zh: text.to_owned() };
        match text {
            Some(Text::One(text)) => both(text.as_str().trim_end()),
            Some(Text::Languages(languages)) => {
                let en = languages.en.as_ref().map(|text| text.as_str().trim_end());
                let zh = languages.zh.as_ref().map(|text| text.as_str().trim_end());
                match en.or(zh) {
                    None => both(&name.replace('_', " ")),
                    Some(any) => {
                        Title { en: en.unwrap_or(any).into(), zh: zh.unwrap_or(any).into() }
                    }
                }
            }
            None => both(&name.replace('_', " ")),
        }
    }
}

fn not_a_name(invalid: &InvalidName, span: Span) -> Diagnostic {
    let message = format!("`{}` cannot be a name", invalid.text);
    let diagnostic = Diagnostic::new(Code::InvalidName, span, message).label(invalid.problem);
    if invalid.text.is_ascii() {
        return diagnostic;
    }
    diagnostic.hint("names are in Latin letters; what people read stands in `title`")
}
