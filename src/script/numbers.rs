//! Decimals and dates inside scripts, and the refusal to compare what cannot be compared.
//!
//! Rhai answers `false` where a pair of types has no operator of its own. Here every pair either
//! has one or fails, except with `()`: an empty field equals nothing and is above nothing.

use std::cmp::Ordering;
use std::str::FromStr;

use rhai::{Engine, EvalAltResult, ImmutableString};

use crate::model::time::Date;
use crate::model::value::Decimal;

use super::failure::raised;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// A comparison: its sign and what it asks of an ordering.
pub(super) type Comparison = (&'static str, fn(Ordering) -> bool);

/// An operation: its sign and what it does, if it can.
type Operation = (&'static str, fn(Decimal, Decimal) -> Option<Decimal>);

/// The six comparisons.
pub(super) const COMPARISONS: [Comparison; 6] = [
    ("==", Ordering::is_eq),
    ("!=", Ordering::is_ne),
    ("<", Ordering::is_lt),
    ("<=", Ordering::is_le),
    (">", Ordering::is_gt),
    (">=", Ordering::is_ge),
];

/// Something that can be brought to a decimal without loss, or refuses.
trait ToDecimal {
    fn to_decimal(self) -> Answer<Decimal>;
}

impl ToDecimal for Decimal {
    fn to_decimal(self) -> Answer<Decimal> {
        Ok(self)
    }
}

impl ToDecimal for i64 {
    fn to_decimal(self) -> Answer<Decimal> {
        Ok(Decimal::from(self))
    }
}

impl ToDecimal for f64 {
    /// By its shortest text: `0.1` in a script means one tenth.
    fn to_decimal(self) -> Answer<Decimal> {
        decimal_of_float(self).ok_or_else(|| raised(format!("`{self}` is no exact decimal")))
    }
}

/// The decimal that a number of a script was written as.
pub(super) fn decimal_of_float(number: f64) -> Option<Decimal> {
    Decimal::from_str(&number.to_string()).ok()
}

/// The day that a text names, as `2025-01-06`.
pub(super) fn date_of_text(text: &str) -> Option<Date> {
    let shaped = text.len() == 10 && text.bytes().all(|each| each.is_ascii_digit() || each == b'-');
    if shaped { Date::from_str(text).ok() } else { None }
}

/// Registers the types, their operators and the refusals.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Decimal>("decimal");
    engine.register_type_with_name::<Date>("date");
    engine.register_type_with_name::<ImmutableString>("text");

    decimal_pair::<Decimal, Decimal>(engine);
    decimal_pair::<Decimal, i64>(engine);
    decimal_pair::<i64, Decimal>(engine);
    decimal_pair::<Decimal, f64>(engine);
    decimal_pair::<f64, Decimal>(engine);
    decimal_functions(engine);
    dates(engine);

    refuse_both_ways::<Decimal, ImmutableString>(engine);
    refuse_both_ways::<Decimal, char>(engine);
    refuse_both_ways::<Decimal, bool>(engine);
    refuse_both_ways::<Decimal, Date>(engine);
    refuse_both_ways::<Date, i64>(engine);
    refuse_both_ways::<Date, f64>(engine);
    refuse_both_ways::<Date, char>(engine);
    refuse_both_ways::<Date, bool>(engine);
    refuse_both_ways::<ImmutableString, i64>(engine);
    refuse_both_ways::<ImmutableString, f64>(engine);
    refuse_both_ways::<ImmutableString, bool>(engine);
    refuse_both_ways::<char, i64>(engine);
    refuse_both_ways::<char, f64>(engine);
    refuse_both_ways::<char, bool>(engine);
    refuse_both_ways::<bool, i64>(engine);
    refuse_both_ways::<bool, f64>(engine);
}

fn decimal_pair<A, B>(engine: &mut Engine)
where
    A: ToDecimal + rhai::Variant + Copy,
    B: ToDecimal + rhai::Variant + Copy,
{
    for (sign, answers) in COMPARISONS {
        engine.register_fn(sign, move |left: A, right: B| -> Answer<bool> {
            Ok(answers(left.to_decimal()?.cmp(&right.to_decimal()?)))
        });
    }
    let operations: [Operation; 6] = [
        ("+", Decimal::checked_add),
        ("-", Decimal::checked_sub),
        ("*", Decimal::checked_mul),
        ("/", Decimal::checked_div),
        ("%", Decimal::checked_rem),
        ("**", power),
    ];
    for (sign, operation) in operations {
        engine.register_fn(sign, move |left: A, right: B| -> Answer<Decimal> {
            let (left, right) = (left.to_decimal()?, right.to_decimal()?);
            operation(left, right)
                .ok_or_else(|| raised(format!("`{left} {sign} {right}` has no answer")))
        });
    }
    engine.register_fn("min", |left: A, right: B| -> Answer<Decimal> {
        Ok(left.to_decimal()?.min(right.to_decimal()?))
    });
    engine.register_fn("max", |left: A, right: B| -> Answer<Decimal> {
        Ok(left.to_decimal()?.max(right.to_decimal()?))
    });
}

/// A number multiplied by itself so many times: exact, so only whole numbers say how often.
fn power(base: Decimal, exponent: Decimal) -> Option<Decimal> {
    let times = exponent.is_integer().then(|| i64::try_from(exponent).ok())??;
    let (mut left, mut power, mut square) = (times.unsigned_abs(), Decimal::ONE, base);
    while left > 0 {
        if left % 2 == 1 {
            power = power.checked_mul(square)?;
        }
        left /= 2;
        if left > 0 {
            square = square.checked_mul(square)?;
        }
    }
    if times < 0 { Decimal::ONE.checked_div(power) } else { Some(power) }
}

fn decimal_functions(engine: &mut Engine) {
    engine
        .register_fn("-", |number: Decimal| -number)
        .register_fn("+", |number: Decimal| number)
        .register_fn("abs", |number: Decimal| number.abs())
        .register_fn("floor", |number: Decimal| number.floor())
        .register_fn("ceiling", |number: Decimal| number.ceil())
        .register_fn("to_string", |number: Decimal| number.to_string())
        .register_fn("to_debug", |number: Decimal| number.to_string());
}

fn dates(engine: &mut Engine) {
    for (sign, answers) in COMPARISONS {
        engine
            .register_fn(sign, move |left: Date, right: Date| answers(left.cmp(&right)))
            .register_fn(sign, move |left: Date, right: ImmutableString| -> Answer<bool> {
                Ok(answers(left.cmp(&parsed(&right)?)))
            })
            .register_fn(sign, move |left: ImmutableString, right: Date| -> Answer<bool> {
                Ok(answers(parsed(&left)?.cmp(&right)))
            });
    }
    engine
        .register_get("year", |date: &mut Date| i64::from(date.year()))
        .register_get("month", |date: &mut Date| i64::from(date.month()))
        .register_get("day", |date: &mut Date| i64::from(date.day()))
        .register_fn("to_string", |date: Date| date.to_string())
        .register_fn("to_debug", |date: Date| date.to_string());
}

fn parsed(text: &str) -> Answer<Date> {
    date_of_text(text).ok_or_else(|| raised(format!("`{text}` is no date such as `2025-01-06`")))
}

fn refuse_both_ways<A, B>(engine: &mut Engine)
where
    A: rhai::Variant + Clone,
    B: rhai::Variant + Clone,
{
    refuse::<A, B>(engine);
    refuse::<B, A>(engine);
}

fn refuse<A, B>(engine: &mut Engine)
where
    A: rhai::Variant + Clone,
    B: rhai::Variant + Clone,
{
    for (sign, _) in COMPARISONS {
        engine.register_fn(sign, move |_left: A, _right: B| -> Answer<bool> {
            let (left, right) = (name_of::<A>(), name_of::<B>());
            Err(raised(format!("`{sign}` cannot compare a {left} with a {right}")))
        });
    }
}

/// What a type is called in messages.
fn name_of<T: 'static>() -> &'static str {
    use std::any::TypeId;

    let names = [
        (TypeId::of::<Decimal>(), "decimal"),
        (TypeId::of::<Date>(), "date"),
        (TypeId::of::<ImmutableString>(), "text"),
        (TypeId::of::<char>(), "character"),
        (TypeId::of::<bool>(), "yes or no"),
    ];
    let own = TypeId::of::<T>();
    names.iter().find(|(id, _)| *id == own).map_or("number", |(_, name)| name)
}
