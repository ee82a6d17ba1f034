//! The search: whether operations that overlapped can be put into one order that a specification
//! allows and that never puts one before another that had ended before it began.
//!
//! The search of Wing and Gong, with Lowe's memory of what was already tried: from the state that
//! some operations lead to, it tries each that may come next, and never the same set of operations
//! with the same state twice. An operation of which nobody knows whether it happened may come at
//! any time after it began, or never. Knows nothing of what the operations mean.

use std::collections::HashSet;
use std::fmt::{self, Debug};
use std::hash::Hash;

/// Sets of operations with states that are tried at most: beyond that there is no verdict.
const TRIED_MAX: usize = 2_000_000;

/// What operations do, one after the other.
pub(crate) trait Specification {
    type State: Clone + Eq + Hash + Debug;
    type Input: Debug;
    type Output: PartialEq + Debug;

    fn start(&self) -> Self::State;
    /// The state after an operation, and what it answers.
    fn step(&self, state: &Self::State, input: &Self::Input) -> (Self::State, Self::Output);
}

/// One operation of a history.
#[derive(Debug)]
pub(crate) struct Operation<Input, Output> {
    pub(crate) input: Input,
    /// None: nobody knows whether it happened.
    pub(crate) output: Option<Output>,
    pub(crate) began: u64,
    /// When it ended; of no meaning where nobody knows.
    pub(crate) ended: u64,
}

/// Why there is no order.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Every order was tried. The furthest came to this state, where none of these could follow.
    NoOrder { placed: usize, of: usize, stuck: String },
    /// It was given up.
    TooHard,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOrder { placed, of, stuck } => {
                write!(out, "no order: after {placed} of {of} the state was {stuck}")
            }
            Self::TooHard => write!(out, "no verdict after {TRIED_MAX} tries"),
        }
    }
}

/// Looks for an order; the places of the operations in it.
pub(crate) fn linearize<S: Specification>(
    specification: &S,
    history: &[Operation<S::Input, S::Output>],
) -> Result<Vec<usize>, Refused> {
    let mut by_begin: Vec<usize> = (0..history.len()).collect();
    by_begin.sort_unstable_by_key(|at| history[*at].began);
    let mut search = Search {
        specification,
        history,
        by_begin,
        placed: vec![false; history.len()],
        order: Vec::new(),
        tried: HashSet::new(),
        furthest: (0, String::new()),
    };
    match search.run() {
        Some(true) => Ok(search.order),
        Some(false) => {
            let (placed, stuck) = search.furthest;
            Err(Refused::NoOrder { placed, of: history.len(), stuck })
        }
        None => Err(Refused::TooHard),
    }
}

struct Search<'a, S: Specification> {
    specification: &'a S,
    history: &'a [Operation<S::Input, S::Output>],
    by_begin: Vec<usize>,
    placed: Vec<bool>,
    order: Vec<usize>,
    tried: HashSet<(Vec<u64>, S::State)>,
    furthest: (usize, String),
}

/// A state from which not everything that may come next was tried.
struct Open<State> {
    state: State,
    next: Vec<usize>,
    tried: usize,
}

impl<S: Specification> Search<'_, S> {
    /// Whether all fit behind one another; none: it was given up. Each step keeps what is still to
    /// be tried in its place: a history is longer than a thread's stack is deep.
    fn run(&mut self) -> Option<bool> {
        let mut open = Vec::new();
        let mut entered = Some(self.specification.start());
        loop {
            if let Some(state) = entered.take() {
                if self.is_complete() {
                    return Some(true);
                }
                if self.tried.insert((self.key(), state.clone())) {
                    if self.tried.len() > TRIED_MAX {
                        return None;
                    }
                    open.push(Open { state, next: self.next(), tried: 0 });
                } else {
                    self.take_back();
                }
            }
            let Some(step) = open.last_mut() else { return Some(false) };
            let Some(at) = step.next.get(step.tried).copied() else {
                let step = open.pop().expect("it was just looked at");
                self.note(&step);
                self.take_back();
                continue;
            };
            step.tried += 1;
            entered = self.follows(&step.state, at);
            if entered.is_some() {
                self.placed[at] = true;
                self.order.push(at);
            }
        }
    }

    /// The state after an operation, if it answers what was told.
    fn follows(&self, state: &S::State, at: usize) -> Option<S::State> {
        let operation = &self.history[at];
        let (after, output) = self.specification.step(state, &operation.input);
        let fits = match &operation.output {
            Some(told) => *told == output,
            // One of which nobody knows, and that changes nothing, need not have happened.
            None => after != *state,
        };
        fits.then_some(after)
    }

    fn take_back(&mut self) {
        if let Some(at) = self.order.pop() {
            self.placed[at] = false;
        }
    }

    /// Remembers the furthest place where nothing could follow.
    fn note(&mut self, Open { state, next, .. }: &Open<S::State>) {
        if self.order.len() >= self.furthest.0 {
            let stuck: Vec<_> = next.iter().map(|at| &self.history[*at]).collect();
            self.furthest = (self.order.len(), format!("{state:?}; next: {stuck:#?}"));
        }
    }

    fn is_complete(&self) -> bool {
        let mut rest = self.history.iter().zip(&self.placed);
        rest.all(|(operation, placed)| *placed || operation.output.is_none())
    }

    /// Those that may come next: no other one that is not placed had ended before they began.
    fn next(&self) -> Vec<usize> {
        let left = || self.by_begin.iter().copied().filter(|at| !self.placed[*at]);
        let known = left().filter(|at| self.history[*at].output.is_some());
        let first_end = known.map(|at| self.history[at].ended).min().unwrap_or(u64::MAX);
        let mut next: Vec<usize> =
            left().take_while(|at| self.history[*at].began < first_end).collect();
        // What ended first was most likely first.
        next.sort_by_key(|at| {
            let operation = &self.history[*at];
            operation.output.as_ref().map_or(u64::MAX, |_| operation.ended)
        });
        next
    }

    /// The set of what is placed.
    fn key(&self) -> Vec<u64> {
        let words = self.placed.chunks(64);
        words
            .map(|word| word.iter().rev().fold(0, |bits, placed| bits << 1 | u64::from(*placed)))
            .collect()
    }
}
