//! Plain conditions: comparisons of facts with literals or with one another, and what `&&`, `||`
//! and `!` make of them, answered without the script engine. A function of the rules that is no
//! more than such an expression is read as if that stood in place of its call.
//!
//! Where the engine would fail, or would need its own arithmetic, there is no answer, and the
//! engine is asked: what fails, and how that is told, is known to it alone.

use std::cmp::Ordering;

use rhai::{ASTFlags, BinaryExpr, Expr, FnCallExpr, ImmutableString};

use crate::model::value::Decimal;

use super::facts::Facts;
use super::functions::Functions;
use super::numbers::{COMPARISONS, Comparison, date_of_text};
use super::properties::{
    self, GroupFact, OF_GROUP, OF_MEMBER, OF_STAGE, OF_TASK, OfGroup, OfMember, OfStage, OfTask,
    Read, StageFact,
};

/// Calls within calls that are followed; deeper ones are left to the engine, which knows an end.
const CALLS_MAX: usize = 8;

/// A plain condition.
#[derive(Debug)]
pub(super) enum Plain {
    All(Vec<Plain>),
    Any(Vec<Plain>),
    Not(Box<Plain>),
    Compared(Term, Comparison, Term),
    Alone(Term),
}

/// A literal or a fact.
#[derive(Debug)]
pub(super) enum Term {
    Nothing,
    Text(ImmutableString),
    Integer(i64),
    Boolean(bool),
    Project(ImmutableString),
    Stage(OfStage),
    Task(OfTask),
    Group(ImmutableString, OfGroup),
    /// How many tasks of a name are done with an outcome.
    Count(ImmutableString, ImmutableString),
    Member(ImmutableString, ImmutableString, OfMember),
}

/// A link of a chain.
enum Link<'e> {
    /// `.name`
    Property(&'e ImmutableString),
    /// `["key"]`
    Key(&'e ImmutableString),
    /// `.call(…)`
    Call(&'e FnCallExpr),
}

/// What an expression may name.
struct Names<'e> {
    functions: &'e Functions,
    /// In a function: its parameters, and the fact that each was given; otherwise facts have their
    /// own names.
    given: Option<Vec<(&'e str, &'e str)>>,
    /// How many calls led here.
    calls: usize,
}

impl<'e> Names<'e> {
    fn fact(&self, name: &'e str) -> Option<&'e str> {
        match &self.given {
            None => Some(name),
            Some(given) => named(given, name),
        }
    }
}

impl Plain {
    /// The plain form of an expression in which nothing is wrong; none: it has another shape.
    pub(super) fn of(expression: &Expr, functions: &Functions) -> Option<Self> {
        Self::within(&Names { functions, given: None, calls: 0 }, expression)
    }

    fn within<'e>(names: &Names<'e>, expression: &'e Expr) -> Option<Self> {
        let each = |parts: &'e [Expr]| {
            parts.iter().map(|part| Self::within(names, part)).collect::<Option<Vec<_>>>()
        };
        match expression {
            Expr::And(parts, _) => each(parts).map(Self::All),
            Expr::Or(parts, _) => each(parts).map(Self::Any),
            Expr::FnCall(call, _) if call.is_operator_call() => Self::of_operator(names, call),
            Expr::FnCall(call, _) => Self::of_call(names, call),
            other => Term::of(names, other).map(Self::Alone),
        }
    }

    fn of_operator<'e>(names: &Names<'e>, call: &'e FnCallExpr) -> Option<Self> {
        match (call.name.as_str(), &*call.args) {
            ("!", [part]) => Some(Self::Not(Box::new(Self::within(names, part)?))),
            (sign, [left, right]) => {
                let comparison = COMPARISONS.into_iter().find(|(known, _)| *known == sign)?;
                let (left, right) = (Term::of(names, left)?, Term::of(names, right)?);
                Some(Self::Compared(left, comparison, right))
            }
            _ => None,
        }
    }

    /// A function that is given facts, each whole.
    fn of_call<'e>(names: &Names<'e>, call: &'e FnCallExpr) -> Option<Self> {
        let function = names.functions.known.get(call.name.as_str())?;
        if names.calls == CALLS_MAX || function.parameters.len() != call.args.len() {
            return None;
        }
        let mut given = Vec::with_capacity(call.args.len());
        for (parameter, argument) in function.parameters.iter().zip(&call.args) {
            let Expr::Variable(variable, ..) = argument else { return None };
            given.push((&**parameter, names.fact(variable.1.as_str())?));
        }
        let calls = names.calls + 1;
        let inside = Names { functions: names.functions, given: Some(given), calls };
        Self::within(&inside, function.expression.as_ref()?)
    }

    /// What it answers, which the engine would answer too; none: the engine is to be asked.
    pub(super) fn answer(&self, facts: &Facts<'_>) -> Option<bool> {
        match self {
            Self::All(parts) => {
                for part in parts {
                    if !part.answer(facts)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            Self::Any(parts) => {
                for part in parts {
                    if part.answer(facts)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            Self::Not(part) => part.answer(facts).map(|holds| !holds),
            Self::Compared(left, comparison, right) => {
                compared(left.read(facts)?, *comparison, right.read(facts)?)
            }
            Self::Alone(term) => match term.read(facts)? {
                Read::Boolean(holds) => Some(holds),
                _ => None,
            },
        }
    }
}

impl Term {
    fn of<'e>(names: &Names<'e>, expression: &'e Expr) -> Option<Self> {
        match expression {
            Expr::Unit(_) => Some(Self::Nothing),
            Expr::StringConstant(text, _) => Some(Self::Text(text.clone())),
            Expr::IntegerConstant(number, _) => Some(Self::Integer(*number)),
            Expr::BoolConstant(yes, _) => Some(Self::Boolean(*yes)),
            _ => Self::of_chain(names, expression),
        }
    }

    fn of_chain<'e>(names: &Names<'e>, expression: &'e Expr) -> Option<Self> {
        use Link::{Call, Key, Property};

        let (fact, links) = chain(expression)?;
        match (names.fact(fact)?, &*links) {
            ("project", [Property(name) | Key(name)]) => Some(Self::Project((*name).clone())),
            ("stage", [Property(name)]) => named(&OF_STAGE, name).map(Self::Stage),
            ("task", [Property(name)]) => named(&OF_TASK, name).map(Self::Task),
            ("tasks", [Property(group) | Key(group), rest @ ..]) => {
                let group = (*group).clone();
                match rest {
                    [Property(name)] => Some(Self::Group(group, named(&OF_GROUP, name)?)),
                    [Key(word), Property(name)] => {
                        Some(Self::Member(group, (*word).clone(), named(&OF_MEMBER, name)?))
                    }
                    [Call(call)] => match (call.name.as_str(), &*call.args) {
                        ("count", [Expr::StringConstant(outcome, _)]) => {
                            Some(Self::Count(group, outcome.clone()))
                        }
                        _ => None,
                    },
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn read<'a>(&'a self, facts: &Facts<'a>) -> Option<Read<'a>> {
        let group = |name: &str| {
            let place = facts.tasks.find(name)?;
            Some(GroupFact(facts.instance, facts.tasks.at(place)))
        };
        Some(match self {
            Self::Nothing => Read::Nothing,
            Self::Text(text) => Read::Text(text),
            Self::Integer(number) => Read::Integer(*number),
            Self::Boolean(yes) => Read::Boolean(*yes),
            Self::Project(name) => properties::of_project(facts.instance, name),
            Self::Stage(of) => of(StageFact(facts.instance, facts.stage)),
            Self::Task(of) => of(facts.task?),
            Self::Group(name, of) => of(group(name)?),
            Self::Count(name, outcome) => group(name)?.count(outcome),
            Self::Member(name, word, of) => of(group(name)?.of_word(word)?),
        })
    }
}

/// A chain such as `tasks.x["word"].done`: the fact, and each link.
fn chain(expression: &Expr) -> Option<(&str, Vec<Link<'_>>)> {
    let mut rest = step(expression);
    let Expr::Variable(variable, ..) = &rest?.0.lhs else { return None };
    let mut links = Vec::new();
    while let Some((link, flags, is_index)) = rest {
        rest = step(&link.rhs);
        // `?.` stops at nothing; brackets may hold a chain of their own.
        let is_within = rest.is_some() && is_index && flags.contains(ASTFlags::BREAK);
        if flags.contains(ASTFlags::NEGATED) || is_within {
            return None;
        }
        links.push(match rest.map_or(&link.rhs, |(next, ..)| &next.lhs) {
            Expr::Property(property, _) if !is_index => Link::Property(&property.2),
            Expr::MethodCall(call, _) if !is_index => Link::Call(call),
            Expr::StringConstant(key, _) if is_index => Link::Key(key),
            _ => return None,
        });
    }
    Some((variable.1.as_str(), links))
}

/// One step of a chain, and whether it is in brackets: each hangs on the left of the rest.
fn step(expression: &Expr) -> Option<(&BinaryExpr, ASTFlags, bool)> {
    match expression {
        Expr::Dot(link, flags, _) => Some((link, *flags, false)),
        Expr::Index(link, flags, _) => Some((link, *flags, true)),
        _ => None,
    }
}

fn named<P: Copy>(properties: &[(&str, P)], name: &str) -> Option<P> {
    properties.iter().find(|(known, _)| *known == name).map(|(_, property)| *property)
}

fn compared(left: Read<'_>, (sign, answers): Comparison, right: Read<'_>) -> Option<bool> {
    let ordering: Ordering = match (left, right) {
        // Nothing equals only nothing, and has no order.
        (Read::Nothing, Read::Nothing) => return Some(sign == "=="),
        (Read::Nothing, _) | (_, Read::Nothing) => return Some(sign == "!="),
        (Read::Text(left), Read::Text(right)) => left.cmp(right),
        (Read::Integer(left), Read::Integer(right)) => left.cmp(&right),
        (Read::Decimal(left), Read::Decimal(right)) => left.cmp(&right),
        (Read::Decimal(left), Read::Integer(right)) => left.cmp(&Decimal::from(right)),
        (Read::Integer(left), Read::Decimal(right)) => Decimal::from(left).cmp(&right),
        (Read::Boolean(left), Read::Boolean(right)) => left.cmp(&right),
        (Read::Date(left), Read::Date(right)) => left.cmp(&right),
        (Read::Date(left), Read::Text(right)) => left.cmp(&date_of_text(right)?),
        (Read::Text(left), Read::Date(right)) => date_of_text(left)?.cmp(&right),
        _ => return None,
    };
    Some(answers(ordering))
}
