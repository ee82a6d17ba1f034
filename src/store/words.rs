//! Words: names that much of what is stored shares, such as those of workflows, stages and people.
//! Each has a number for ever, so that headers, bodies and records hold numbers. There are as many
//! as definitions and the organization ever had. Knows no storage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;

/// All words of a store.
#[derive(Debug, Clone)]
pub struct Words {
    table: Table,
    /// Which words these are. A copy has that of the original: only one of both may grow.
    identity: u64,
}

#[derive(Debug, Clone, Default)]
struct Table {
    /// By number, which counts from 1.
    words: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Table {
    fn number(&self, word: &str) -> Option<u32> {
        self.numbers.get(word).copied()
    }

    fn count(&self) -> u32 {
        u32::try_from(self.words.len()).expect("far fewer words than 32 bits can count")
    }

    fn add(&mut self, word: Arc<str>) {
        self.words.push(Arc::clone(&word));
        self.numbers.insert(word, self.count());
    }
}

impl Default for Words {
    fn default() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        Self { table: Table::default(), identity: MADE.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Words {
    /// The word of a number.
    pub fn word(&self, number: u32) -> Option<&str> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        self.table.words.get(place).map(AsRef::as_ref)
    }

    /// The number of a word.
    pub fn number(&self, word: &str) -> Option<u32> {
        self.table.number(word)
    }

    /// How many there are: the number of the last one.
    pub fn count(&self) -> u32 {
        self.table.count()
    }

    /// Takes the next word; it is not there yet.
    pub fn add(&mut self, word: Arc<str>) {
        self.table.add(word);
    }

    /// Takes the next words.
    pub fn add_all(&mut self, words: impl IntoIterator<Item = Arc<str>>) {
        for word in words {
            self.add(word);
        }
    }

    /// Those behind the first `count`, in the order of their numbers.
    pub fn after(&self, count: usize) -> &[Arc<str>] {
        self.table.words.get(count..).unwrap_or_default()
    }

    /// Tells these words from those of another store.
    pub fn identity(&self) -> u64 {
        self.identity
    }
}

/// Words while a batch is prepared: those that are there, and those that it will add.
#[derive(Debug)]
pub struct Draft<'a> {
    words: &'a Words,
    added: Table,
}

impl<'a> Draft<'a> {
    /// Nothing is added yet.
    pub fn of(words: &'a Words) -> Self {
        Self { words, added: Table::default() }
    }

    /// The number of a word, which becomes one.
    pub fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.words.number(word) {
            return number;
        }
        let added = self.added.number(word).unwrap_or_else(|| {
            self.added.add(word.into());
            self.added.count()
        });
        self.words.count() + added
    }

    /// What is added, in the order of the numbers.
    pub fn added(self) -> Vec<Arc<str>> {
        self.added.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_numbers_as_the_words_will() {
        let mut words = Words::default();
        for word in ["signing", "li_na"] {
            words.add(word.into());
        }
        let mut draft = Draft::of(&words);
        let told: Vec<u32> =
            ["li_na", "approval", "wang", "approval", "signing"].map(|it| draft.number(it)).into();
        assert_eq!(told, [2, 3, 4, 3, 1]);
        for word in draft.added() {
            words.add(word);
        }
        let back: Vec<_> = told.iter().map(|number| words.word(*number)).collect();
        let expected = ["li_na", "approval", "wang", "approval", "signing"].map(Some);
        assert_eq!(back, expected);
        assert_eq!((words.word(0), words.word(5), words.count()), (None, None, 4));
    }
}
