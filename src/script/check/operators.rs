//! Operators: what can be compared, computed and looked for, and which words can ever be said.

use rhai::{Expr, FnCallExpr, Position};

use super::super::finding::FindingKind;
use super::super::nearest;
use super::super::numbers::date_of_text;
use super::super::vocabulary::TaskWords;
use super::types::{Class, Type, Words, WordsOf};
use super::walk::Checker;

impl<'v> Checker<'v> {
    pub(super) fn operator(&mut self, call: &FnCallExpr, position: Position) -> Type<'v> {
        let sign = call.name.as_str();
        match (sign, &*call.args) {
            ("==" | "!=", [left, right]) => self.compare(sign, left, right, position, true),
            ("<" | "<=" | ">" | ">=", [left, right]) => {
                self.compare(sign, left, right, position, false)
            }
            ("!", [part]) => {
                let own = self.of(part);
                self.demand_boolean(own, part, "!");
                Type::Boolean
            }
            ("+" | "-", [part]) => {
                let own = self.of(part);
                self.demand_number(own, part, sign);
                own
            }
            ("+" | "-" | "*" | "/" | "%" | "**", [left, right]) => {
                self.arithmetic(sign, left, right)
            }
            _ => {
                for part in &call.args {
                    self.of(part);
                }
                let message = format!("`{sign}` has no place in a condition");
                self.tell(position, FindingKind::Forbidden, message, None);
                Type::Any
            }
        }
    }

    fn arithmetic(&mut self, sign: &str, left: &Expr, right: &Expr) -> Type<'v> {
        let (left_type, right_type) = (self.of(left), self.of(right));
        if sign == "+" && left_type.class() == Class::Text && right_type.may_be_text() {
            return Type::Text;
        }
        self.demand_number(left_type, left, sign);
        self.demand_number(right_type, right, sign);
        left_type.sum(right_type)
    }

    fn demand_number(&mut self, own: Type<'v>, part: &Expr, sign: &str) {
        if !own.may_be_number() {
            let message = format!("`{sign}` computes with numbers, this is {}", own.described());
            self.tell_of(part, FindingKind::TypeMismatch, message);
        }
    }

    pub(super) fn is_in(&mut self, list: &Expr, part: &Expr) -> Type<'v> {
        let own = self.of(part);
        match list {
            Expr::Array(elements, _) => {
                for element in elements {
                    let other = self.of(element);
                    self.comparable("in", (own, part), (other, element), element.position());
                }
            }
            other => {
                let within = self.of(other);
                let holds_elements = matches!(within, Type::Any | Type::List | Type::Map);
                if !holds_elements && (!within.may_be_text() || !own.may_be_text()) {
                    let message = format!("`in` looks into a list, this is {}", within.described());
                    self.tell_of(other, FindingKind::TypeMismatch, message);
                }
            }
        }
        Type::Boolean
    }

    fn compare(
        &mut self,
        sign: &str,
        left: &Expr,
        right: &Expr,
        position: Position,
        equality: bool,
    ) -> Type<'v> {
        let (left_type, right_type) = (self.of(left), self.of(right));
        if self.comparable(sign, (left_type, left), (right_type, right), position) && !equality {
            let ordered = |own: Type<'_>| {
                matches!(own.class(), Class::Open | Class::Number | Class::Date)
                    || matches!(own, Type::Text)
            };
            if let Some(own) = [left_type, right_type].into_iter().find(|own| !ordered(*own)) {
                let message = format!("`{sign}` needs an order, this is {}", own.described());
                self.tell(position, FindingKind::TypeMismatch, message, None);
            }
        }
        Type::Boolean
    }

    /// Checks that two sides can be compared and that a literal can ever be equal to a word.
    fn comparable(
        &mut self,
        sign: &str,
        left: (Type<'v>, &Expr),
        right: (Type<'v>, &Expr),
        position: Position,
    ) -> bool {
        for ((own, _), (_, literal)) in [(left, right), (right, left)] {
            let Some(text) = literal_text(literal) else { continue };
            match own {
                Type::Date => return self.date_literal(&text, literal.position()),
                Type::Word(words) => return self.word(words, &text, literal.position()),
                _ => {}
            }
        }
        let (one, other) = (left.0.class(), right.0.class());
        self.traits.compares_unknown |= one == Class::Open || other == Class::Open;
        let possible = one != Class::Other && other != Class::Other;
        let fits = one == other
            || [one, other].iter().any(|class| matches!(class, Class::Open | Class::Nothing))
            || matches!((one, other), (Class::Date, Class::Text) | (Class::Text, Class::Date));
        if possible && fits {
            return true;
        }
        let (one, other) = (left.0.described(), right.0.described());
        let message = format!("`{sign}` cannot compare {one} with {other}");
        let position = if literal_text(right.1).is_some() || right.1.is_constant() {
            right.1.position()
        } else if left.1.is_constant() {
            left.1.position()
        } else {
            position
        };
        let hint = mismatch_hint(left.0, right.0, right.1);
        self.tell(position, FindingKind::TypeMismatch, message, hint);
        false
    }

    fn date_literal(&mut self, text: &str, position: Position) -> bool {
        let valid = date_of_text(text).is_some();
        if !valid {
            let message = format!("`{text}` is no date");
            let hint = Some("a date is written like `\"2025-01-06\"`".to_owned());
            self.tell(position, FindingKind::TypeMismatch, message, hint);
        }
        valid
    }

    /// Checks that a literal is one of the words.
    pub(super) fn word(&mut self, words: Words<'v>, text: &str, position: Position) -> bool {
        if words.allows(text) {
            return true;
        }
        let (kind, message) = match words.of {
            WordsOf::Field(field) => {
                let text = if text.is_empty() { "an empty text" } else { &format!("`{text}`") };
                (FindingKind::NotInChoice, format!("`{field}` is never {text}"))
            }
            WordsOf::Outcome(task) => {
                (FindingKind::UnknownOutcome, format!("`{task}` never ends with `{text}`"))
            }
            WordsOf::Stage => (FindingKind::UnknownName, format!("there is no stage `{text}`")),
            WordsOf::Each(task) => {
                (FindingKind::UnknownTask, format!("`{text}` is not in `for_each` of `{task}`"))
            }
        };
        let hint = if text.is_empty() {
            Some("an empty field is `()`".to_owned())
        } else {
            nearest::hint(text, words.iter())
        };
        self.tell(position, kind, message, hint);
        false
    }

    /// Checks what an outcome is said to begin with, to end with or to contain.
    pub(super) fn some_word(
        &mut self,
        words: Words<'v>,
        (verb, part): (&str, &str),
        position: Position,
        fits: fn(&str, &str) -> bool,
    ) {
        if words.iter().any(|word| fits(word, part)) {
            return;
        }
        let kind = match words.of {
            WordsOf::Outcome(_) => FindingKind::UnknownOutcome,
            WordsOf::Field(_) => FindingKind::NotInChoice,
            WordsOf::Stage => FindingKind::UnknownName,
            WordsOf::Each(_) => FindingKind::UnknownTask,
        };
        let message = format!("{} never {verb} `{part}`", words.described());
        let hint = nearest::hint(part, words.iter());
        self.tell(position, kind, message, hint);
    }

    /// Checks an outcome that is counted.
    pub(super) fn outcome(&mut self, task: &'v TaskWords, text: &str, position: Position) {
        let words = Words { of: WordsOf::Outcome(&task.id), words: &task.outcomes };
        self.word(words, text, position);
    }
}

/// The text of a literal.
pub(super) fn literal_text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::StringConstant(text, _) => Some(text.to_string()),
        Expr::CharConstant(character, _) => Some(character.to_string()),
        _ => None,
    }
}

fn mismatch_hint(left: Type<'_>, right: Type<'_>, literal: &Expr) -> Option<String> {
    match (left.class(), right.class()) {
        (Class::Number, Class::Text) => {
            let text = literal_text(literal)?;
            let number = text.parse::<f64>().is_ok();
            number.then(|| format!("write the number without quotes: `{text}`"))
        }
        (Class::Boolean, Class::Text) => {
            let text = literal_text(literal)?;
            let truth = text == "true" || text == "false";
            truth.then(|| format!("write it without quotes: `{text}`"))
        }
        (Class::Text, Class::Number) => Some("put texts in quotes".to_owned()),
        _ => None,
    }
}
