//! Targets of indicators: which figure is to reach how much, and in which year.

use crate::definition::authored::ledgers::{Goal as AuthoredGoal, Target as Authored};
use crate::definition::authored::shapes::Scalar;
use crate::definition::code::Code;
use crate::definition::ledger::indicator::{Bound, Goal, Measure, Target};
use crate::definition::span::KeyPath;
use crate::model::value::Decimal;

use super::desk::Desk;

/// What a figure of this measure is to reach.
pub(super) fn target(
    desk: &mut Desk<'_>,
    path: &KeyPath,
    authored: &Authored,
    measure: &Measure,
) -> Option<Target> {
    let wholes = measure.wholes();
    let Some(first) = wholes.first() else {
        let message = "this indicator has no figure of the whole".to_owned();
        let diagnostic = desk.key(Code::WrongSource, path, message);
        let hint = "a count, a ratio, a distribution, a spread or repeats can have a target";
        desk.lose(diagnostic.hint(hint));
        return None;
    };
    let figure = match &authored.figure {
        Some(word) => {
            let words: Vec<_> = wholes.iter().map(|word| (*word, *word)).collect();
            desk.word(&path.key("figure"), word, &words)?
        }
        None => first,
    };
    let (bound, key, authored) = match (&authored.at_least, &authored.at_most) {
        (Some(least), None) => (Bound::AtLeast, "at_least", least),
        (None, Some(most)) => (Bound::AtMost, "at_most", most),
        (Some(_), Some(_)) => {
            let message = "a target is a least or a most, not both".to_owned();
            let diagnostic = desk.key(Code::ExclusiveKeys, &path.key("at_most"), message);
            desk.lose(diagnostic.hint("make two indicators of it"));
            return None;
        }
        (None, None) => {
            desk.missing(path, "at_least", "how much, such as `at_least: 0.9` or `at_most: 30`");
            return None;
        }
    };
    let goal = goal(desk, &path.key(key), authored)?;
    Some(Target { figure, bound, goal })
}

fn goal(desk: &mut Desk<'_>, path: &KeyPath, authored: &AuthoredGoal) -> Option<Goal> {
    let years = match authored {
        AuthoredGoal::Always(text) => return number(desk, path, text).map(Goal::Always),
        AuthoredGoal::Years(years) => years,
    };
    let goals = years.iter().map(|(year, text)| {
        let path = path.key(year);
        let known = year.parse().ok().filter(|year| (1000..=9999).contains(year));
        if known.is_none() {
            let message = format!("`{year}` is no year");
            let diagnostic = desk.key(Code::InvalidValue, &path, message);
            desk.lose(diagnostic.hint("one number for each year, such as `{ 2026: 20 }`"));
        }
        Some((known?, number(desk, &path, text)?))
    });
    let goals: Vec<Option<_>> = goals.collect();
    if goals.is_empty() {
        let diagnostic = desk.value(Code::InvalidValue, path, "no year is named".to_owned());
        desk.lose(diagnostic.hint("one number for each year, such as `{ 2026: 20 }`"));
        return None;
    }
    goals.into_iter().collect::<Option<_>>().map(Goal::Years)
}

fn number(desk: &mut Desk<'_>, path: &KeyPath, text: &Scalar) -> Option<Decimal> {
    let number = text.as_str().parse().ok();
    if number.is_none() {
        let message = format!("`{}` is no number", text.as_str());
        let diagnostic = desk.value(Code::InvalidValue, path, message);
        desk.lose(diagnostic.hint("such as `20`, or `0.9` for a share of 90 %"));
    }
    number
}
