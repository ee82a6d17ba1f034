//! Whether a condition can ever hold: its comparisons with literals, one fact at a time.
//!
//! No solver: what it cannot read it takes for possible, so it never accuses wrongly.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{ASTFlags, BinaryExpr, Expr, FnCallExpr, Position, Stmt};

use crate::model::value::Decimal;

use super::super::functions::Functions;
use super::super::numbers::{date_of_text, decimal_of_float};
use super::super::sandbox;
use super::super::spans::{Span, Spans};
use super::super::vocabulary::Vocabulary;
use super::operators::literal_text;
use super::ranges::Range;
use super::types::{Type, Words, WordsOf};
use super::walk::Checker;

/// Alternatives that are looked at; a condition with more is taken for possible.
const ALTERNATIVES_MAX: usize = 64;

/// What can be said of a condition before it is ever asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judgement {
    /// Parts that exclude themselves.
    pub contradictions: Vec<Contradiction>,
    /// It can never hold, as long as the tasks that were named have not opened.
    pub never_holds: bool,
    /// The tasks that it names, with their places.
    pub tasks: Vec<NamedTask>,
}

/// A part of a condition that can never hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The line inside the expression; the first is 1.
    pub line: usize,
    /// The column in characters; the first is 1.
    pub column: usize,
    /// How many characters are meant.
    pub length: usize,
    /// The fact of which no value fits, as it is written.
    pub fact: String,
    /// How many comparisons exclude one another; 1: it excludes itself.
    pub comparisons: usize,
}

/// `tasks.x` in a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTask {
    /// The task's name.
    pub name: String,
    /// The line inside the expression; the first is 1.
    pub line: usize,
    /// The column in characters; the first is 1.
    pub column: usize,
    /// How many characters are meant.
    pub length: usize,
}

/// Judges an expression that compiles. `unopened` are tasks that cannot have opened when it is
/// asked; `vocabulary` must be the one with which it compiled.
pub fn judge(
    source: &str,
    vocabulary: &Vocabulary,
    functions: &Arc<Functions>,
    unopened: &dyn Fn(&str) -> bool,
) -> Judgement {
    let scope = sandbox::declarations();
    let compiled =
        sandbox::guarded(|| sandbox::engine().compile_expression_with_scope(&scope, source));
    let Ok(Ok(ast)) = compiled else { return Judgement::default() };
    let Some(Stmt::Expr(expression)) = ast.statements().first() else {
        return Judgement::default();
    };
    let spans = Spans::of(source);
    let reader = Reader { vocabulary, functions, spans: &spans };
    let formula = reader.formula(expression);
    let mut judgement = Judgement::default();
    find_contradictions(&formula, &spans, &mut judgement.contradictions);
    judgement.never_holds = never_holds(&formula, unopened);
    reader.tasks(expression, &mut judgement.tasks);
    judgement
}

/// A condition as far as it can be read.
#[derive(Debug)]
enum Formula {
    All(Vec<Formula>),
    Any(Vec<Formula>),
    Not(Box<Formula>),
    Constant(bool),
    /// One fact is one of some values.
    Fact(Fact),
    /// Something that may be either.
    Open,
}

#[derive(Debug)]
struct Fact {
    /// The fact as it is written.
    name: String,
    /// The task of which it speaks, and what it is while that has not opened.
    task: Option<(String, Range)>,
    /// Everything that it can be.
    universe: Range,
    /// What it is asked to be.
    asked: Range,
    from: Position,
    to: Position,
}

/// Comparisons that must all hold, each with its sign.
type Alternative<'f> = Vec<(&'f Fact, bool)>;

struct Reader<'v> {
    vocabulary: &'v Vocabulary,
    functions: &'v Functions,
    spans: &'v Spans,
}

/// A fact: how it is written, what it is, and the task of which it speaks.
struct Path<'v> {
    name: String,
    own: Type<'v>,
    task: Option<String>,
}

impl<'v> Reader<'v> {
    fn formula(&self, expression: &Expr) -> Formula {
        match expression {
            Expr::And(parts, _) => {
                Formula::All(parts.iter().map(|each| self.formula(each)).collect())
            }
            Expr::Or(parts, _) => {
                Formula::Any(parts.iter().map(|each| self.formula(each)).collect())
            }
            Expr::BoolConstant(holds, _) => Formula::Constant(*holds),
            Expr::FnCall(call, _) => self.call(call, expression),
            Expr::Dot(..) | Expr::Index(..) => self.plain(expression),
            _ => Formula::Open,
        }
    }

    fn call(&self, call: &FnCallExpr, whole: &Expr) -> Formula {
        match (call.name.as_str(), &*call.args) {
            ("!", [part]) => Formula::Not(Box::new(self.formula(part))),
            ("contains", [Expr::Array(elements, _), part]) => {
                let asked = |path: &Path<'v>| {
                    let ranges = elements.iter().map(|each| asked_of(path.own, "==", each));
                    let missed = ranges.map(|range| range.map(|range| range.complement()));
                    let all = missed.reduce(|one, two| Some(one?.and(&two?)))??;
                    Some(all.complement())
                };
                self.fact(part, whole, asked)
            }
            (sign @ ("==" | "!=" | "<" | "<=" | ">" | ">="), [left, right]) => {
                match self.fact(left, whole, |path| asked_of(path.own, sign, right)) {
                    Formula::Open => {
                        self.fact(right, whole, |path| asked_of(path.own, turned(sign), left))
                    }
                    fact => fact,
                }
            }
            _ => Formula::Open,
        }
    }

    /// A fact that is itself yes or no, or a question about the letters of a word.
    fn plain(&self, expression: &Expr) -> Formula {
        if let Some((base, call)) = question(expression)
            && let Some(text) = call.args.first().and_then(literal_text)
        {
            let Some(path) = self.path_of(&base) else { return Formula::Open };
            let Type::Word(words) = path.own else { return Formula::Open };
            let fits = |word: &&str| match call.name.as_str() {
                "starts_with" => word.starts_with(&text),
                "ends_with" => word.ends_with(&text),
                _ => word.contains(&text),
            };
            let asked = Range::words(words.iter().filter(fits));
            return self.known(path, asked, expression);
        }
        self.fact(expression, expression, |path| match path.own {
            Type::Boolean => Some(Range::words(["true"])),
            _ => None,
        })
    }

    fn fact(
        &self,
        part: &Expr,
        whole: &Expr,
        asked: impl Fn(&Path<'v>) -> Option<Range>,
    ) -> Formula {
        let Some(path) = self.path(part) else { return Formula::Open };
        match asked(&path) {
            Some(asked) => self.known(path, asked, whole),
            None => Formula::Open,
        }
    }

    fn known(&self, path: Path<'v>, asked: Range, whole: &Expr) -> Formula {
        let Some(universe) = self.universe(&path) else { return Formula::Open };
        let before = unopened_range(path.own, &path.name);
        let task = path.task.map(|task| (task, before));
        Formula::Fact(Fact {
            name: path.name,
            task,
            universe,
            asked,
            from: super::walk::first(whole),
            to: super::walk::last(whole),
        })
    }

    fn path(&self, expression: &Expr) -> Option<Path<'v>> {
        let links = links(expression)?;
        self.path_of(&links)
    }

    /// The fact that a chain of properties and keys leads to.
    fn path_of(&self, links: &[&Expr]) -> Option<Path<'v>> {
        let mut checker = Checker::new(self.vocabulary, self.functions, self.spans);
        let (first, rest) = links.split_first()?;
        let mut name = match first {
            Expr::Variable(variable, ..) => variable.1.to_string(),
            _ => return None,
        };
        let mut own = checker.of(first);
        let mut task = None;
        for link in rest {
            let key = match link {
                Expr::Property(property, _) => property.2.to_string(),
                Expr::StringConstant(key, _) => key.to_string(),
                Expr::MethodCall(call, position) if call.name == "count" => {
                    let outcome = call.args.first().and_then(literal_text)?;
                    own = checker.method(own, call, *position);
                    name = format!("{name}.count(\"{outcome}\")");
                    continue;
                }
                _ => return None,
            };
            if matches!(own, Type::Tasks) {
                task = Some(key.clone());
            }
            let is_word =
                matches!(own, Type::TaskGroup(_)) && matches!(link, Expr::StringConstant(..));
            own = if is_word {
                checker.keyed(own, &key, Position::NONE)
            } else {
                checker.property(own, &key, Position::NONE)
            };
            name = if is_word { format!("{name}[\"{key}\"]") } else { format!("{name}.{key}") };
        }
        Some(Path { name, own, task })
    }

    /// Everything that a fact can be.
    fn universe(&self, path: &Path<'v>) -> Option<Range> {
        let mut range = match path.own {
            Type::Boolean => Range::words(["true", "false"]),
            Type::Text => Range::any_text(),
            Type::Word(words) => of_words(words),
            Type::Integer if path.name.starts_with("project.") => Range::between(None, None, true),
            Type::Integer => {
                let tries = [".attempt", ".attempts"].iter().any(|it| path.name.ends_with(it));
                let counted = path.task.as_ref().filter(|_| !tries);
                let group = counted.and_then(|task| self.vocabulary.task_named(task));
                let most =
                    group.map(|task| i64::try_from(task.each.len().max(1)).unwrap_or(i64::MAX));
                let least = i64::from(path.name == "stage.attempt");
                Range::between(Some(least), most, true)
            }
            Type::Date => Range::between(None, None, true),
            Type::Decimal => Range::between(None, None, false),
            _ => return None,
        };
        range.nothing = path.name.starts_with("project.");
        Some(range)
    }

    /// Every `tasks.x` in an expression.
    fn tasks(&self, expression: &Expr, tasks: &mut Vec<NamedTask>) {
        expression.walk(&mut Vec::new(), &mut |path| {
            if let Some(rhai::ASTNode::Expr(Expr::Dot(link, ..) | Expr::Index(link, ..))) =
                path.last()
                && let Expr::Variable(variable, ..) = &link.lhs
                && variable.1 == "tasks"
            {
                let first = match &link.rhs {
                    Expr::Dot(rest, ..) | Expr::Index(rest, ..) => &rest.lhs,
                    only => only,
                };
                let named = match first {
                    Expr::Property(property, position) => Some((property.2.to_string(), *position)),
                    Expr::StringConstant(key, position) => Some((key.to_string(), *position)),
                    _ => None,
                };
                if let Some((name, position)) = named {
                    let Span { line, column, length } = self.spans.at(position);
                    tasks.push(NamedTask { name, line, column, length });
                }
            }
            true
        });
    }
}

/// The links of a chain, from the left.
fn links(expression: &Expr) -> Option<Vec<&Expr>> {
    let (mut link, mut flags, mut is_index): (&BinaryExpr, ASTFlags, bool) = match expression {
        Expr::Dot(link, flags, _) => (link, *flags, false),
        Expr::Index(link, flags, _) => (link, *flags, true),
        _ => return None,
    };
    let mut links = vec![&link.lhs];
    loop {
        match &link.rhs {
            Expr::Dot(rest, next, _) if !(is_index && flags.contains(ASTFlags::BREAK)) => {
                (link, flags, is_index) = (rest, *next, false);
            }
            Expr::Index(rest, next, _) if !(is_index && flags.contains(ASTFlags::BREAK)) => {
                (link, flags, is_index) = (rest, *next, true);
            }
            last => {
                links.push(last);
                return Some(links);
            }
        }
        links.push(&link.lhs);
    }
}

/// A chain that ends with a question about letters: what is asked, and the question.
fn question(expression: &Expr) -> Option<(Vec<&Expr>, &FnCallExpr)> {
    let mut links = links(expression)?;
    match links.pop()? {
        Expr::MethodCall(call, _)
            if matches!(call.name.as_str(), "starts_with" | "ends_with" | "contains") =>
        {
            Some((links, call))
        }
        _ => None,
    }
}

fn turned(sign: &str) -> &str {
    match sign {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        same => same,
    }
}

fn of_words(words: Words<'_>) -> Range {
    let empty = matches!(words.of, WordsOf::Outcome(_) | WordsOf::Each(_)).then_some("");
    Range::words(words.iter().chain(empty))
}

/// What a task's fact is before the task opens.
fn unopened_range(own: Type<'_>, name: &str) -> Range {
    match own {
        Type::Integer if name.contains(".count(") => Range::between(Some(0), Some(0), true),
        Type::Boolean => Range::words(["false"]),
        Type::Integer => Range::between(Some(0), None, true),
        _ => Range::words([""]),
    }
}

/// The values for which a comparison with a literal holds.
fn asked_of(own: Type<'_>, sign: &str, literal: &Expr) -> Option<Range> {
    let equal = |range: Range| match sign {
        "==" => Some(range),
        "!=" => Some(range.complement()),
        _ => None,
    };
    match (own, literal) {
        (Type::Boolean, Expr::Unit(_)) => equal(Range::words([]).only_nothing()),
        (Type::Text | Type::Word(_), Expr::Unit(_)) => equal(Range::any_text().only_nothing()),
        (Type::Integer | Type::Decimal | Type::Date, Expr::Unit(_)) => {
            let whole = !matches!(own, Type::Decimal);
            equal(Range::between(None, None, whole).only_nothing())
        }
        (Type::Boolean, Expr::BoolConstant(yes, _)) => {
            equal(Range::words([if *yes { "true" } else { "false" }]))
        }
        (Type::Text | Type::Word(_), _) => equal(Range::words([literal_text(literal)?.as_str()])),
        (Type::Date, _) => {
            let date = date_of_text(&literal_text(literal)?)?;
            // Later days have larger numbers; that some numbers are no day does no harm.
            let (year, month) = (i64::from(date.year()), i64::from(date.month()));
            let number = (year * 12 + month) * 31 + i64::from(date.day());
            Range::numbers(sign, Decimal::from(number), true)
        }
        (Type::Integer, _) => Range::numbers(sign, number(literal)?, true),
        (Type::Decimal, _) => Range::numbers(sign, number(literal)?, false),
        _ => None,
    }
}

fn number(literal: &Expr) -> Option<Decimal> {
    match literal {
        Expr::IntegerConstant(number, _) => Some(Decimal::from(*number)),
        Expr::FloatConstant(number, _) => decimal_of_float(**number),
        Expr::FnCall(call, _) if call.name == "-" && call.args.len() == 1 => {
            number(&call.args[0]).map(|number| -number)
        }
        _ => None,
    }
}

/// The alternatives of a formula, or of its contrary; none: too many to look at.
fn alternatives(formula: &Formula, holds: bool) -> Option<Vec<Alternative<'_>>> {
    match (formula, holds) {
        (Formula::All(parts), true) | (Formula::Any(parts), false) => {
            let mut product: Vec<Alternative<'_>> = vec![Vec::new()];
            for part in parts {
                let own = alternatives(part, holds)?;
                let pairs =
                    product.iter().flat_map(|left| own.iter().map(move |right| (left, right)));
                product = pairs.map(|(left, right)| [&left[..], &right[..]].concat()).collect();
                if product.len() > ALTERNATIVES_MAX {
                    return None;
                }
            }
            Some(product)
        }
        (Formula::All(parts), false) | (Formula::Any(parts), true) => {
            let mut sum = Vec::new();
            for part in parts {
                sum.extend(alternatives(part, holds)?);
            }
            (sum.len() <= ALTERNATIVES_MAX).then_some(sum)
        }
        (Formula::Not(part), _) => alternatives(part, !holds),
        (Formula::Constant(constant), _) if *constant == holds => Some(vec![Vec::new()]),
        (Formula::Constant(_), _) => Some(Vec::new()),
        (Formula::Fact(fact), _) => Some(vec![vec![(fact, holds)]]),
        (Formula::Open, _) => Some(vec![Vec::new()]),
    }
}

/// The fact of which no value fits an alternative, by its comparisons.
fn excluded<'f>(
    alternative: &Alternative<'f>,
    start: impl Fn(&Fact) -> Range,
) -> Option<Vec<&'f Fact>> {
    let mut ranges: BTreeMap<&str, (Range, Vec<&Fact>)> = BTreeMap::new();
    for (fact, holds) in alternative {
        let entry = ranges.entry(&fact.name).or_insert_with(|| (start(fact), Vec::new()));
        let asked = if *holds { fact.asked.clone() } else { fact.asked.complement() };
        entry.0 = entry.0.and(&asked);
        entry.1.push(fact);
        if entry.0.is_empty() {
            return Some(std::mem::take(&mut entry.1));
        }
    }
    None
}

fn never_holds(formula: &Formula, unopened: &dyn Fn(&str) -> bool) -> bool {
    let start = |fact: &Fact| match &fact.task {
        Some((task, before)) if unopened(task) => fact.universe.and(before),
        _ => fact.universe.clone(),
    };
    alternatives(formula, true)
        .is_some_and(|all| all.iter().all(|each| excluded(each, start).is_some()))
}

/// Reports the outermost parts that can never hold.
fn find_contradictions(formula: &Formula, spans: &Spans, found: &mut Vec<Contradiction>) {
    let all = alternatives(formula, true);
    let universe = |fact: &Fact| fact.universe.clone();
    if let Some(all) = &all
        && !all.is_empty()
        && all.iter().all(|each| excluded(each, universe).is_some())
    {
        let facts = excluded(&all[0], universe).unwrap_or_default();
        if let (Some(first), Some(last)) = (facts.first(), facts.last()) {
            let Span { line, column, length } = spans.between(first.from, last.to);
            let (fact, comparisons) = (last.name.clone(), facts.len());
            found.push(Contradiction { line, column, length, fact, comparisons });
        }
        return;
    }
    match formula {
        Formula::All(parts) | Formula::Any(parts) => {
            for part in parts {
                find_contradictions(part, spans, found);
            }
        }
        Formula::Not(_) | Formula::Constant(_) | Formula::Fact(_) | Formula::Open => {}
    }
}
