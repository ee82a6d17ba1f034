//! The walk through an expression: every part gets its type, every mistake becomes a finding.

use rhai::{ASTFlags, BinaryExpr, Expr, FnCallExpr, Position};

use super::super::finding::{Finding, FindingKind};
use super::super::functions::Functions;
use super::super::numbers::date_of_text;
use super::super::spans::Spans;
use super::super::views::Named;
use super::super::vocabulary::{TaskWords, Vocabulary};
use super::super::{nearest, syntax};
use super::types::{Class, Type, Words, WordsOf};

/// What is known and found while an expression is walked through.
pub(super) struct Checker<'v> {
    vocabulary: &'v Vocabulary,
    pub(super) functions: &'v Functions,
    spans: &'v Spans,
    findings: Vec<Finding>,
    named: Named,
    pub(super) calls_functions: bool,
}

impl<'v> Checker<'v> {
    pub(super) fn new(
        vocabulary: &'v Vocabulary,
        functions: &'v Functions,
        spans: &'v Spans,
    ) -> Self {
        let (findings, named) = (Vec::new(), Named::default());
        Self { vocabulary, functions, spans, findings, named, calls_functions: false }
    }

    pub(super) fn finish(self) -> (Vec<Finding>, Named, bool) {
        (self.findings, self.named, self.calls_functions)
    }

    pub(super) fn tell(
        &mut self,
        position: Position,
        kind: FindingKind,
        message: String,
        hint: Option<String>,
    ) {
        let span = self.spans.at(position);
        self.findings.push(syntax::finding(None, span, kind, message, hint));
    }

    /// The type of an expression.
    pub(super) fn of(&mut self, expression: &Expr) -> Type<'v> {
        match expression {
            Expr::BoolConstant(..) => Type::Boolean,
            Expr::IntegerConstant(..) => Type::Integer,
            Expr::FloatConstant(..) => Type::Float,
            Expr::CharConstant(..) | Expr::StringConstant(..) => Type::Text,
            Expr::InterpolatedString(parts, _) => {
                for part in parts {
                    self.of(part);
                }
                Type::Text
            }
            Expr::Array(elements, _) => {
                for element in elements {
                    self.of(element);
                }
                Type::List
            }
            Expr::Map(entries, _) => {
                for (_, entry) in &entries.0 {
                    self.of(entry);
                }
                Type::Map
            }
            Expr::Unit(_) => Type::Nothing,
            Expr::Variable(variable, _, position) => self.fact(&variable.1, *position),
            Expr::And(parts, _) => self.all_boolean(parts, "&&"),
            Expr::Or(parts, _) => self.all_boolean(parts, "||"),
            Expr::Coalesce(parts, _) => {
                let types: Vec<Type<'v>> = parts.iter().map(|part| self.of(part)).collect();
                types.into_iter().reduce(Type::either).unwrap_or(Type::Any)
            }
            Expr::Dot(link, flags, _) => {
                let base = self.of(&link.lhs);
                self.chain(base, link, false, *flags)
            }
            Expr::Index(link, flags, _) => {
                let base = self.of(&link.lhs);
                self.chain(base, link, true, *flags)
            }
            Expr::FnCall(call, position) if call.is_operator_call() => {
                self.operator(call, *position)
            }
            Expr::FnCall(call, position) => self.function(call, *position),
            other => {
                let message = "a condition is a single question".to_owned();
                let hint = Some("put more into a function of the rules".to_owned());
                self.tell(other.start_position(), FindingKind::Forbidden, message, hint);
                Type::Any
            }
        }
    }

    fn fact(&mut self, name: &str, position: Position) -> Type<'v> {
        match name {
            "project" => {
                self.named.project = true;
                Type::Project
            }
            "stage" => {
                self.named.stage = true;
                Type::Stage
            }
            "tasks" => {
                self.named.tasks = true;
                Type::Tasks
            }
            "task" => {
                self.named.task = true;
                let Some(task) = &self.vocabulary.task else {
                    let message = "this condition belongs to no task".to_owned();
                    let hint = Some("`tasks.x` names a task of the workflow".to_owned());
                    self.tell(position, FindingKind::Forbidden, message, hint);
                    return Type::Any;
                };
                Type::Task(task)
            }
            // The parser has refused every other name.
            _ => Type::Any,
        }
    }

    fn all_boolean(&mut self, parts: &[Expr], sign: &str) -> Type<'v> {
        for part in parts {
            let own = self.of(part);
            self.demand_boolean(own, part, sign);
        }
        Type::Boolean
    }

    fn demand_boolean(&mut self, own: Type<'v>, part: &Expr, sign: &str) {
        if !own.may_be_boolean() {
            let message = format!("`{sign}` joins questions, this is {}", own.described());
            self.tell(part.start_position(), FindingKind::TypeMismatch, message, None);
        }
    }

    /// A chain such as `tasks.x["word"].outcome`: each link hangs on the left of the rest.
    fn chain(
        &mut self,
        base: Type<'v>,
        link: &BinaryExpr,
        is_index: bool,
        flags: ASTFlags,
    ) -> Type<'v> {
        let rest = match &link.rhs {
            Expr::Dot(rest, flags, _) => Some((rest, *flags, false)),
            Expr::Index(rest, flags, _) => Some((rest, *flags, true)),
            _ => None,
        };
        match rest {
            Some((rest, rest_flags, rest_is_index))
                if !(is_index && flags.contains(ASTFlags::BREAK)) =>
            {
                let reached = self.link(base, &rest.lhs, is_index);
                self.chain(reached, rest, rest_is_index, rest_flags)
            }
            _ => self.link(base, &link.rhs, is_index),
        }
    }

    fn link(&mut self, base: Type<'v>, part: &Expr, is_index: bool) -> Type<'v> {
        if is_index {
            return match part {
                Expr::StringConstant(key, position) => self.keyed(base, key, *position),
                other => {
                    self.of(other);
                    Type::Any
                }
            };
        }
        match part {
            Expr::Property(property, position) => self.property(base, &property.2, *position),
            Expr::MethodCall(call, position) => self.method(base, call, *position),
            other => self.of(other),
        }
    }

    fn keyed(&mut self, base: Type<'v>, key: &str, position: Position) -> Type<'v> {
        match base {
            Type::Project | Type::Tasks => self.property(base, key, position),
            Type::TaskGroup(task) => {
                if !task.each.iter().any(|each| **each == *key) {
                    let message = format!("`{key}` is not in `for_each` of `{}`", task.id);
                    let hint = nearest::hint(key, task.each.iter().map(|each| &**each));
                    self.tell(position, FindingKind::UnknownTask, message, hint);
                }
                Type::TaskMember(task)
            }
            _ => Type::Any,
        }
    }

    fn property(&mut self, base: Type<'v>, name: &str, position: Position) -> Type<'v> {
        match base {
            Type::Any | Type::Map => Type::Any,
            Type::Project => self.project_property(name, position),
            Type::Stage => {
                let stages = Words { of: WordsOf::Stage, words: &self.vocabulary.stages };
                let known = [
                    ("id", Type::Word(stages)),
                    ("attempt", Type::Integer),
                    ("returns", Type::Integer),
                ];
                self.one_of("stage", &known, name, position)
            }
            Type::Task(task) => {
                let known = [
                    ("id", Type::Text),
                    ("each", Type::each_of(task)),
                    ("attempt", Type::Integer),
                    ("outcome", Type::outcome_of(task)),
                ];
                self.one_of("task", &known, name, position)
            }
            Type::Tasks => self.task_group(name, position),
            Type::TaskGroup(task) => {
                let known = [
                    ("open", Type::Boolean),
                    ("done", Type::Boolean),
                    ("outcome", Type::outcome_of(task)),
                    ("total", Type::Integer),
                ];
                self.one_of(&format!("tasks.{}", task.id), &known, name, position)
            }
            Type::TaskMember(task) => {
                let known = [
                    ("each", Type::each_of(task)),
                    ("open", Type::Boolean),
                    ("done", Type::Boolean),
                    ("outcome", Type::outcome_of(task)),
                ];
                self.one_of(&format!("tasks.{}[…]", task.id), &known, name, position)
            }
            Type::Text | Type::Word(_) => {
                let known = [("len", Type::Integer), ("is_empty", Type::Boolean)];
                self.one_of("a text", &known, name, position)
            }
            Type::List => {
                let known = [("len", Type::Integer), ("is_empty", Type::Boolean)];
                self.one_of("a list", &known, name, position)
            }
            Type::Date => {
                let known =
                    [("year", Type::Integer), ("month", Type::Integer), ("day", Type::Integer)];
                self.one_of("a date", &known, name, position)
            }
            Type::Nothing | Type::Boolean | Type::Integer | Type::Float | Type::Decimal => {
                let message = format!("{} has no `{name}`", base.described());
                self.tell(position, FindingKind::UnknownField, message, None);
                Type::Any
            }
        }
    }

    fn one_of(
        &mut self,
        whole: &str,
        known: &[(&str, Type<'v>)],
        name: &str,
        position: Position,
    ) -> Type<'v> {
        if let Some((_, own)) = known.iter().find(|(each, _)| *each == name) {
            return *own;
        }
        let whole = if whole.starts_with("a ") { whole.to_owned() } else { format!("`{whole}`") };
        let hint = nearest::hint(name, known.iter().map(|(each, _)| *each));
        let message = format!("{whole} has no `{name}`");
        self.tell(position, FindingKind::UnknownField, message, hint);
        Type::Any
    }

    fn project_property(&mut self, name: &str, position: Position) -> Type<'v> {
        if super::super::vocabulary::RESERVED_FIELDS.contains(&name) {
            return Type::Text;
        }
        let fields = &self.vocabulary.fields;
        if let Some((field, kind)) = fields.iter().find(|(field, _)| **field == *name) {
            return Type::of_field(field, kind);
        }
        let message = format!("the field `{name}` is not declared");
        let hint = nearest::hint(name, fields.iter().map(|(field, _)| &**field));
        self.tell(position, FindingKind::UnknownField, message, hint);
        Type::Any
    }

    fn task_group(&mut self, name: &str, position: Position) -> Type<'v> {
        if let Some(task) = self.vocabulary.task_named(name) {
            return Type::TaskGroup(task);
        }
        let message = format!("there is no task `{name}`");
        let hint = nearest::hint(name, self.vocabulary.tasks.iter().map(|task| &*task.id));
        self.tell(position, FindingKind::UnknownTask, message, hint);
        Type::Any
    }

    fn operator(&mut self, call: &FnCallExpr, position: Position) -> Type<'v> {
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
            ("contains", [list, part]) => self.is_in(list, part),
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
            self.tell(part.start_position(), FindingKind::TypeMismatch, message, None);
        }
    }

    fn is_in(&mut self, list: &Expr, part: &Expr) -> Type<'v> {
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
                if !matches!(within, Type::Any | Type::List | Type::Map)
                    && !(within.may_be_text() && own.may_be_text())
                {
                    let message = format!("`in` looks into a list, this is {}", within.described());
                    let position = other.start_position();
                    self.tell(position, FindingKind::TypeMismatch, message, None);
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
                (FindingKind::NotInChoice, format!("`{field}` is never `{text}`"))
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
