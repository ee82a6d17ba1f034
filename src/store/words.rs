//! Words: names that many headers share, such as those of workflows, stages and people. Each has a
//! number for ever, so that a header holds numbers. There are as many as definitions and the
//! organization ever had. Knows no storage.

use std::collections::HashMap;
use std::sync::Arc;

/// All words.
#[derive(Debug, Default)]
pub struct Words {
    /// By number, which counts from 1.
    words: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Words {
    /// The word of a number.
    pub fn word(&self, number: u32) -> Option<&str> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        self.words.get(place).map(AsRef::as_ref)
    }

    /// The number of a word.
    pub fn number(&self, word: &str) -> Option<u32> {
        self.numbers.get(word).copied()
    }

    /// How many there are: the number of the last one.
    pub fn count(&self) -> u32 {
        u32::try_from(self.words.len()).expect("far fewer words than 32 bits can count")
    }

    /// Takes the next word; it is not there yet.
    pub fn add(&mut self, word: Arc<str>) {
        self.words.push(Arc::clone(&word));
        self.numbers.insert(word, self.count());
    }
}

/// Words while a batch is prepared: those that are there, and those that it will add.
#[derive(Debug)]
pub struct Draft<'a> {
    words: &'a Words,
    added: Words,
}

impl<'a> Draft<'a> {
    /// Nothing is added yet.
    pub fn of(words: &'a Words) -> Self {
        Self { words, added: Words::default() }
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
