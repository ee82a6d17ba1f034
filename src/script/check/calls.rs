//! Calls inside conditions: functions of the rules, and the few of the engine that ask and
//! change nothing.

use rhai::{Expr, FnCallExpr, Position};

use super::super::finding::FindingKind;
use super::super::{nearest, people, rules, sandbox};
use super::operators::literal_text;
use super::types::{Class, Type};
use super::walk::Checker;

/// What can be asked of a text, of a number and of a list.
const ON_TEXT: [&str; 10] = [
    "starts_with",
    "ends_with",
    "contains",
    "len",
    "is_empty",
    "to_upper",
    "to_lower",
    "index_of",
    "sub_string",
    "split",
];
const ON_NUMBER: [&str; 5] = ["abs", "floor", "ceiling", "min", "max"];
const ON_LIST: [&str; 4] = ["contains", "len", "is_empty", "index_of"];
const ON_EACH: [&[&str]; 3] = [&ON_TEXT, &ON_NUMBER, &ON_LIST];

impl<'v> Checker<'v> {
    /// A call by name: `f(x)`, which for the engine's functions is `x.f()`.
    pub(super) fn function(&mut self, call: &FnCallExpr, position: Position) -> Type<'v> {
        let name = call.name.as_str();
        if self.functions.exists(name) {
            for argument in &call.args {
                self.of(argument);
            }
            return self.rule(name, call.args.len(), position);
        }
        if people::NAMES.contains(&name) {
            return self.asks_people(name, position);
        }
        if sandbox::BUILT_IN.contains(&name) {
            let message = format!("`{name}` has no place in a condition");
            self.tell(position, FindingKind::Forbidden, message, None);
            return Type::Any;
        }
        match &*call.args {
            // The parser writes `x in y` as a call of `contains`.
            [list, part] if name == "contains" => self.is_in(list, part),
            [receiver, rest @ ..] if ON_EACH.iter().any(|names| names.contains(&name)) => {
                let base = self.of(receiver);
                self.native(base, name, rest, position)
            }
            _ => {
                for argument in &call.args {
                    self.of(argument);
                }
                self.unknown_function(name, call.args.len(), position)
            }
        }
    }

    /// A call on something: `x.f(y)`.
    pub(super) fn method(
        &mut self,
        base: Type<'v>,
        call: &FnCallExpr,
        position: Position,
    ) -> Type<'v> {
        let name = call.name.as_str();
        if self.functions.exists(name) {
            for argument in &call.args {
                self.of(argument);
            }
            let message = format!("`{name}` is a function of the rules");
            let hint = Some(format!("write `{name}(…)`"));
            self.tell(position, FindingKind::UnknownFunction, message, hint);
            return Type::Any;
        }
        self.native(base, name, &call.args, position)
    }

    fn rule(&mut self, name: &str, arguments: usize, position: Position) -> Type<'v> {
        self.traits.calls_functions = true;
        if let Some((message, hint)) = rules::unknown(self.functions, name, arguments) {
            self.tell(position, FindingKind::UnknownFunction, message, hint);
        } else if self.functions.known.get(name).is_some_and(|function| function.asks_people) {
            let message = format!("`{name}` asks about people, which a condition may not");
            let hint = Some(ONLY_ASSIGNMENT.to_owned());
            self.tell(position, FindingKind::Forbidden, message, hint);
        }
        Type::Any
    }

    fn asks_people(&mut self, name: &str, position: Position) -> Type<'v> {
        let message = format!("a condition may not ask `{name}`");
        let hint = Some(ONLY_ASSIGNMENT.to_owned());
        self.tell(position, FindingKind::Forbidden, message, hint);
        Type::Any
    }

    fn unknown_function(&mut self, name: &str, given: usize, position: Position) -> Type<'v> {
        let (message, hint) = rules::unknown(self.functions, name, given)
            .unwrap_or_else(|| (format!("`{name}` has no place in a condition"), None));
        self.tell(position, FindingKind::UnknownFunction, message, hint);
        Type::Any
    }

    fn native(
        &mut self,
        base: Type<'v>,
        name: &str,
        arguments: &[Expr],
        position: Position,
    ) -> Type<'v> {
        let types: Vec<Type<'v>> = arguments.iter().map(|argument| self.of(argument)).collect();
        let (known, answer): (&[&str], _) = match base {
            Type::Text | Type::Word(_) => (&ON_TEXT, text_answer(name, &types)),
            Type::Integer | Type::Float | Type::Decimal => {
                (&ON_NUMBER, number_answer(base, name, &types))
            }
            Type::List => (&ON_LIST, list_answer(name, &types)),
            Type::TaskGroup(_) => (&["count"], count_answer(name, &types)),
            Type::Any => {
                let known = rules::unknown(self.functions, name, arguments.len() + 1).is_none();
                (&[], known.then_some(Type::Any))
            }
            _ => (&[], None),
        };
        let Some(answer) = answer else {
            return self.refuse_call(base, name, &types, known, position);
        };
        match base {
            Type::TaskGroup(task) => {
                if let Some(text) = arguments.first().and_then(literal_text) {
                    self.outcome(task, &text, arguments[0].position());
                }
            }
            Type::Word(words) => {
                if let Some(text) = arguments.first().and_then(literal_text) {
                    let at = arguments[0].position();
                    match name {
                        "starts_with" => {
                            let fits = |word: &str, part: &str| word.starts_with(part);
                            self.some_word(words, ("starts with", &text), at, fits);
                        }
                        "ends_with" => {
                            let fits = |word: &str, part: &str| word.ends_with(part);
                            self.some_word(words, ("ends with", &text), at, fits);
                        }
                        "contains" => {
                            let fits = |word: &str, part: &str| word.contains(part);
                            self.some_word(words, ("contains", &text), at, fits);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        answer
    }

    fn refuse_call(
        &mut self,
        base: Type<'v>,
        name: &str,
        types: &[Type<'v>],
        known: &[&str],
        position: Position,
    ) -> Type<'v> {
        if known.contains(&name) {
            let given: Vec<String> = types.iter().map(|own| own.described()).collect();
            let given = if given.is_empty() { "nothing".to_owned() } else { given.join(", ") };
            let message = format!("`{name}` cannot take {given}");
            self.tell(position, FindingKind::TypeMismatch, message, None);
        } else {
            let message = format!("{} cannot be asked `{name}`", base.described());
            let hint = nearest::hint(name, known.iter().copied());
            self.tell(position, FindingKind::UnknownFunction, message, hint);
        }
        Type::Any
    }
}

const ONLY_ASSIGNMENT: &str = "only `steward`, `assign` and `candidates` functions see people";

fn text_answer<'v>(name: &str, types: &[Type<'v>]) -> Option<Type<'v>> {
    match (name, types) {
        ("starts_with" | "ends_with" | "contains", [part]) if part.may_be_text() => {
            Some(Type::Boolean)
        }
        ("len", []) => Some(Type::Integer),
        ("is_empty", []) => Some(Type::Boolean),
        ("to_upper" | "to_lower", []) => Some(Type::Text),
        ("index_of", [part]) if part.may_be_text() => Some(Type::Integer),
        ("sub_string", [from]) if from.may_be_number() => Some(Type::Text),
        ("sub_string", [from, length]) if from.may_be_number() && length.may_be_number() => {
            Some(Type::Text)
        }
        ("split", [part]) if part.may_be_text() => Some(Type::List),
        _ => None,
    }
}

fn number_answer<'v>(base: Type<'v>, name: &str, types: &[Type<'v>]) -> Option<Type<'v>> {
    match (name, types) {
        ("abs", []) => Some(base),
        // Whole numbers have neither: they are their own.
        ("floor" | "ceiling", []) if !matches!(base, Type::Integer) => Some(base),
        ("min" | "max", [other]) if other.may_be_number() => Some(base.sum(*other)),
        _ => None,
    }
}

fn list_answer<'v>(name: &str, types: &[Type<'v>]) -> Option<Type<'v>> {
    match (name, types) {
        ("contains", [_]) => Some(Type::Boolean),
        ("len", []) => Some(Type::Integer),
        ("is_empty", []) => Some(Type::Boolean),
        ("index_of", [_]) => Some(Type::Integer),
        _ => None,
    }
}

fn count_answer<'v>(name: &str, types: &[Type<'v>]) -> Option<Type<'v>> {
    match (name, types) {
        ("count", [outcome]) if matches!(outcome.class(), Class::Text | Class::Open) => {
            Some(Type::Integer)
        }
        _ => None,
    }
}
