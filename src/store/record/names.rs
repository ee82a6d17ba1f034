//! Names that are read from the store, each kept once by the thread that reads: instances of a
//! workflow hold the same few hundred names, and a copy for each instance took most of the memory
//! and of the time that reading one takes. One copy for all threads would be held and let go of by
//! all processors at once. Knows not what a name is the name of.

use std::cell::RefCell;
use std::sync::Arc;

use crate::store::words::Words;

/// The words of the store from which this thread read last.
#[derive(Default)]
struct Kept {
    /// Which words they are.
    identity: Option<u64>,
    /// By number, which counts from 1.
    names: Vec<Arc<str>>,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::new(Kept::default());
}

/// The word of a number, together with all others of that number; none: there is no such word.
pub(super) fn shared(number: u32, words: &Words) -> Option<Arc<str>> {
    KEPT.with_borrow_mut(|kept| kept.name(number, words))
}

impl Kept {
    fn name(&mut self, number: u32, words: &Words) -> Option<Arc<str>> {
        if self.identity != Some(words.identity()) {
            *self = Self { identity: Some(words.identity()), names: Vec::new() };
        }
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        if place >= self.names.len() {
            let added = words.after(self.names.len());
            self.names.extend(added.iter().map(|word| Arc::<str>::from(&**word)));
        }
        self.names.get(place).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(all: &[&str]) -> Words {
        let mut words = Words::default();
        words.add_all(all.iter().map(|word| (*word).into()));
        words
    }

    #[test]
    fn a_name_is_kept_once_per_store_and_follows_the_words() {
        let mut own = words(&["construction", "li_na"]);
        let first = shared(1, &own).expect("there is a word 1");
        assert_eq!(&*first, "construction");
        assert!(Arc::ptr_eq(&first, &shared(1, &own).expect("as before")));
        assert_eq!((shared(0, &own), shared(3, &own)), (None, None));

        own.add("commissioning".into());
        assert_eq!(shared(3, &own).as_deref(), Some("commissioning"));
        assert!(Arc::ptr_eq(&first, &shared(1, &own).expect("as before")));

        let other = words(&["signing"]);
        assert_eq!(shared(1, &other).as_deref(), Some("signing"));
        assert_eq!(shared(1, &own).as_deref(), Some("construction"));
    }
}
