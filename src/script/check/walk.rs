//! The walk through an expression: every part gets its type, every mistake becomes a finding.

use rhai::{ASTFlags, BinaryExpr, Expr, Position};

use super::super::finding::{Finding, FindingKind};
use super::super::functions::Functions;
use super::super::spans::Spans;
use super::super::vocabulary::{RESERVED_FIELDS, Vocabulary};
use super::super::{nearest, syntax};
use super::Traits;
use super::types::{Type, Words, WordsOf};

/// What is known and found while an expression is walked through.
pub(super) struct Checker<'v> {
    vocabulary: &'v Vocabulary,
    pub(super) functions: &'v Functions,
    spans: &'v Spans,
    findings: Vec<Finding>,
    pub(super) traits: Traits,
}

impl<'v> Checker<'v> {
    pub(super) fn new(
        vocabulary: &'v Vocabulary,
        functions: &'v Functions,
        spans: &'v Spans,
    ) -> Self {
        let (findings, traits) = (Vec::new(), Traits::default());
        Self { vocabulary, functions, spans, findings, traits }
    }

    pub(super) fn finish(self) -> (Vec<Finding>, Traits) {
        (self.findings, self.traits)
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

    /// Tells something of a whole part of the expression.
    pub(super) fn tell_of(&mut self, part: &Expr, kind: FindingKind, message: String) {
        let span = self.spans.between(first(part), last(part));
        self.findings.push(syntax::finding(None, span, kind, message, None));
    }

    /// The same with what to do about it.
    pub(super) fn tell_of_with(
        &mut self,
        part: &Expr,
        kind: FindingKind,
        (message, hint): (String, String),
    ) {
        let span = self.spans.between(first(part), last(part));
        self.findings.push(syntax::finding(None, span, kind, message, Some(hint)));
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
                self.traits.named.project = true;
                Type::Project
            }
            "stage" => {
                self.traits.named.stage = true;
                Type::Stage
            }
            "tasks" => {
                self.traits.named.tasks = true;
                Type::Tasks
            }
            "task" => {
                self.traits.named.task = true;
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

    pub(super) fn demand_boolean(&mut self, own: Type<'v>, part: &Expr, sign: &str) {
        if !own.may_be_boolean() {
            let message = format!("`{sign}` joins questions, this is {}", own.described());
            self.tell_of(part, FindingKind::TypeMismatch, message);
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

    pub(super) fn keyed(&mut self, base: Type<'v>, key: &str, position: Position) -> Type<'v> {
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

    pub(super) fn property(&mut self, base: Type<'v>, name: &str, position: Position) -> Type<'v> {
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
                    ("attempt", Type::Integer),
                    ("attempts", Type::Integer),
                ];
                self.one_of(&format!("tasks.{}", task.id), &known, name, position)
            }
            Type::TaskMember(task) => {
                let known = [
                    ("each", Type::each_of(task)),
                    ("open", Type::Boolean),
                    ("done", Type::Boolean),
                    ("outcome", Type::outcome_of(task)),
                    ("attempt", Type::Integer),
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
        if RESERVED_FIELDS.contains(&name) {
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
}

/// Where a part begins.
pub(super) fn first(part: &Expr) -> Position {
    let place = |position: Position| (position.line(), position.position());
    match part {
        // `x in y` is a call in which the second argument stands first.
        Expr::FnCall(call, position) if call.name == "contains" && call.args.len() == 2 => {
            let left = first(&call.args[1]);
            if place(left) < place(*position) { left } else { *position }
        }
        Expr::FnCall(call, position) if call.is_operator_call() => match &*call.args {
            [left, _] => first(left),
            _ => *position,
        },
        Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
            parts.first().map_or_else(|| part.position(), first)
        }
        Expr::Dot(link, ..) | Expr::Index(link, ..) => first(&link.lhs),
        _ => part.start_position(),
    }
}

/// The last word of a part.
pub(super) fn last(part: &Expr) -> Position {
    match part {
        Expr::FnCall(call, position) if call.is_operator_call() => {
            call.args.last().map_or(*position, last)
        }
        Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
            parts.last().map_or_else(|| part.position(), last)
        }
        Expr::Dot(link, ..) | Expr::Index(link, ..) => last(&link.rhs),
        _ => part.position(),
    }
}
