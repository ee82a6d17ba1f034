//! Sets of values: what a comparison leaves of all that something can be.

use std::collections::BTreeSet;

use crate::model::value::Decimal;

/// What something can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    /// It may be empty, `()`.
    pub(super) nothing: bool,
    pub(super) values: Values,
}

/// The values beside `()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Values {
    /// These words alone, or every text but these.
    Texts { except: bool, words: BTreeSet<String> },
    /// Numbers in stretches that do not touch, in order.
    Numbers { stretches: Vec<Stretch>, whole: bool },
}

/// The numbers from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Where it begins and whether that belongs to it; none: without end.
    pub(super) from: Option<(Decimal, bool)>,
    /// Where it ends and whether that belongs to it.
    pub(super) to: Option<(Decimal, bool)>,
}

impl Range {
    pub(super) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let words = words.into_iter().map(str::to_owned).collect();
        Self { nothing: false, values: Values::Texts { except: false, words } }
    }

    pub(super) fn any_text() -> Self {
        Self { nothing: false, values: Values::Texts { except: true, words: BTreeSet::new() } }
    }

    /// The numbers for which a comparison holds.
    pub(super) fn numbers(sign: &str, bound: Decimal, whole: bool) -> Option<Self> {
        let (below, above) = (Some((bound, false)), Some((bound, true)));
        let stretches = match sign {
            "==" => vec![Stretch { from: above, to: above }],
            "!=" => {
                vec![Stretch { from: None, to: below }, Stretch { from: below, to: None }]
            }
            "<" => vec![Stretch { from: None, to: below }],
            "<=" => vec![Stretch { from: None, to: above }],
            ">" => vec![Stretch { from: below, to: None }],
            ">=" => vec![Stretch { from: above, to: None }],
            _ => return None,
        };
        Some(Self { nothing: sign == "!=", values: Values::Numbers { stretches, whole } })
    }

    /// The numbers between two, both included.
    pub(super) fn between(from: Option<i64>, to: Option<i64>, whole: bool) -> Self {
        let bound = |bound: i64| (Decimal::from(bound), true);
        let stretch = Stretch { from: from.map(bound), to: to.map(bound) };
        Self { nothing: false, values: Values::Numbers { stretches: vec![stretch], whole } }
    }

    /// Nothing but `()`, of the same kind.
    pub(super) fn only_nothing(&self) -> Self {
        let values = match &self.values {
            Values::Texts { .. } => Values::Texts { except: false, words: BTreeSet::new() },
            Values::Numbers { whole, .. } => {
                Values::Numbers { stretches: Vec::new(), whole: *whole }
            }
        };
        Self { nothing: true, values }
    }

    /// Everything else.
    pub(super) fn complement(&self) -> Self {
        let values = match &self.values {
            Values::Texts { except, words } => {
                Values::Texts { except: !except, words: words.clone() }
            }
            Values::Numbers { stretches, whole } => {
                Values::Numbers { stretches: gaps(stretches), whole: *whole }
            }
        };
        Self { nothing: !self.nothing, values }
    }

    /// What belongs to both. Different kinds have nothing to say about one another.
    pub(super) fn and(&self, other: &Self) -> Self {
        let nothing = self.nothing && other.nothing;
        let values = match (&self.values, &other.values) {
            (Values::Texts { except, words }, Values::Texts { except: other, words: others }) => {
                both_texts((*except, words), (*other, others))
            }
            (
                Values::Numbers { stretches, whole },
                Values::Numbers { stretches: others, whole: other },
            ) => {
                let pairs =
                    stretches.iter().flat_map(|one| others.iter().map(move |two| (one, two)));
                let stretches = pairs.map(|(one, two)| overlap(*one, *two)).collect();
                Values::Numbers { stretches, whole: *whole || *other }
            }
            (known, _) => known.clone(),
        };
        Self { nothing, values }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.nothing
            && match &self.values {
                Values::Texts { except, words } => !except && words.is_empty(),
                Values::Numbers { stretches, whole } => {
                    stretches.iter().all(|stretch| stretch.is_empty(*whole))
                }
            }
    }
}

impl Stretch {
    fn is_empty(self, whole: bool) -> bool {
        let (Some((from, from_included)), Some((to, to_included))) = (self.from, self.to) else {
            return false;
        };
        if !whole {
            return from > to || (from == to && !(from_included && to_included));
        }
        let one = Decimal::ONE;
        let first = if from_included { from.ceil() } else { from.floor() + one };
        let last = if to_included { to.floor() } else { to.ceil() - one };
        first > last
    }
}

fn both_texts(
    (except, words): (bool, &BTreeSet<String>),
    (other_except, others): (bool, &BTreeSet<String>),
) -> Values {
    let (except, words) = match (except, other_except) {
        (false, false) => (false, words.intersection(others).cloned().collect()),
        (false, true) => (false, words.difference(others).cloned().collect()),
        (true, false) => (false, others.difference(words).cloned().collect()),
        (true, true) => (true, words.union(others).cloned().collect()),
    };
    Values::Texts { except, words }
}

/// The stretches between stretches that are in order.
fn gaps(stretches: &[Stretch]) -> Vec<Stretch> {
    let outside = |(bound, included): (Decimal, bool)| (bound, !included);
    let mut gaps = Vec::new();
    let mut from = None;
    for (at, stretch) in stretches.iter().enumerate() {
        if let Some(begins) = stretch.from {
            gaps.push(Stretch { from, to: Some(outside(begins)) });
        } else if at > 0 {
            return Vec::new();
        }
        match stretch.to {
            Some(ends) => from = Some(outside(ends)),
            None => return gaps,
        }
    }
    gaps.push(Stretch { from, to: None });
    gaps
}

fn overlap(one: Stretch, two: Stretch) -> Stretch {
    let from = match (one.from, two.from) {
        (Some(left), Some(right)) if left.0 == right.0 => Some((left.0, left.1 && right.1)),
        (Some(left), Some(right)) => Some(if left.0 > right.0 { left } else { right }),
        (left, right) => left.or(right),
    };
    let to = match (one.to, two.to) {
        (Some(left), Some(right)) if left.0 == right.0 => Some((left.0, left.1 && right.1)),
        (Some(left), Some(right)) => Some(if left.0 < right.0 { left } else { right }),
        (left, right) => left.or(right),
    };
    Stretch { from, to }
}
