//! Names that are read from the store, each kept once by the thread that reads: instances of a
//! workflow hold the same few hundred names, and a copy for each instance took most of the memory
//! and of the time that reading one takes. Knows not what a name is the name of.

use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::HashSet;

/// Names that are kept; of more, those read from now on.
const KEPT_MAX: usize = 4096;

thread_local! {
    static KEPT: RefCell<HashSet<Arc<str>>> = RefCell::new(HashSet::new());
}

/// A name, together with all others that read the same.
pub(super) fn shared(name: &str) -> Arc<str> {
    KEPT.with_borrow_mut(|kept| {
        if let Some(found) = kept.get(name) {
            return Arc::clone(found);
        }
        if kept.len() == KEPT_MAX {
            kept.clear();
        }
        let added = Arc::<str>::from(name);
        kept.insert(Arc::clone(&added));
        added
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once_and_there_is_a_limit() {
        let first = shared("construction");
        assert!(Arc::ptr_eq(&first, &shared("construction")));
        assert_ne!(first, shared("commissioning"));
        for number in 0..KEPT_MAX {
            assert_eq!(*shared(&format!("name_{number}")), *format!("name_{number}"));
        }
        assert!(KEPT.with_borrow(HashSet::len) <= KEPT_MAX);
        assert_eq!(first, shared("construction"));
    }
}
