//! Makes events and test cases safe to pass on: every value that may be personal is replaced, keyed with HMAC-SHA-256. The
//! same value always becomes the same value under one key, so that a person stays one person across files. Reads and
//! writes no file itself.
//!
//! What is masked is decided by a field's name, by the form of a value wherever it is, and by [`Rules`]. A text that no
//! rule knows is masked. Masking is not idempotent: what was masked is masked again, to other values.

mod case;
mod date;
mod event;
mod field;
mod form;
mod id;
mod json;
mod key;
mod number;
mod phone;
mod text;
mod vin;
mod word;
mod xml;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

pub use case::MaskedCase;
pub use event::EventsError;
pub use key::{Key, KeyError};

/// What a person adds to the rules: names of fields, or dotted paths that end a field's path, such as `customer.notes`.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Always masked, also numbers.
    pub mask: Vec<String>,
    /// Never masked.
    pub keep: Vec<String>,
}

/// Masks values under one key. It remembers the words of names that it met: a text that is otherwise passed, such as a
/// segment of a path, is masked if it has one of them.
pub struct Masker {
    key: Key,
    rules: Rules,
    names: RefCell<BTreeSet<String>>,
    counts: RefCell<BTreeMap<&'static str, u64>>,
    /// How many documents lie inside one another: JSON in a string in XML, and so on.
    nesting: Cell<usize>,
}

impl Masker {
    /// A masker that has met nothing yet.
    #[must_use]
    pub fn new(key: Key, rules: Rules) -> Self {
        Self { key, rules, names: RefCell::default(), counts: RefCell::default(), nesting: Cell::new(0) }
    }

    /// How many values were masked, by kind.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.borrow().clone()
    }

    /// Forgets the counts, after a first pass that only meets names.
    pub fn reset_counts(&self) {
        self.counts.borrow_mut().clear();
    }

    /// The name of a file or folder: the same, unless it has a word of a person's name.
    #[must_use]
    pub fn file_name(&self, name: &str) -> String {
        if self.has_name(name) { self.id(name) } else { name.to_owned() }
    }

    fn count(&self, kind: &'static str) {
        *self.counts.borrow_mut().entry(kind).or_default() += 1;
    }
}

#[cfg(test)]
mod tests;
