//! Sums of numbers that may be as large as a number can be: one too many, and there is no sum.

use crate::model::value::Decimal;

/// A sum; none: it has become too large to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum(Option<Decimal>);

impl Default for Sum {
    fn default() -> Self {
        Self(Some(Decimal::ZERO))
    }
}

impl Sum {
    /// Adds a number. What was too large stays so.
    pub(super) fn add(&mut self, number: Decimal) {
        self.0 = self.0.and_then(|sum| sum.checked_add(number));
    }

    /// Adds what was added elsewhere.
    pub(super) fn join(&mut self, other: Self) {
        match other.0 {
            Some(number) => self.add(number),
            None => self.0 = None,
        }
    }

    /// The sum, without zeros at its end.
    pub(super) fn value(self) -> Option<Decimal> {
        self.0.map(|sum| sum.normalize())
    }
}

impl FromIterator<Decimal> for Sum {
    fn from_iter<T: IntoIterator<Item = Decimal>>(numbers: T) -> Self {
        let mut sum = Self::default();
        for number in numbers {
            sum.add(number);
        }
        sum
    }
}
