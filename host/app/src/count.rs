//! Numbers with their nouns, for sentences.

use std::fmt::Display;

/// `1 event`, `2 events`.
pub(crate) fn count<N: Display + PartialEq + From<u8>>(number: N, one: &str, many: &str) -> String {
    format!("{number} {}", if number == N::from(1) { one } else { many })
}
