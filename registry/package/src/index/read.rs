//! Reads the JSON of a list of releases within its bounds. Whether to believe it is decided by its signature, not here.

use super::{INDEX_BYTES_MAX, IndexError, PackageIndex, RELEASES_MAX, Release};
use crate::manifest::printable;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// The highest number of an index: JSON of other languages is exact up to here.
const SEQUENCE_MAX: u64 = (1 << 53) - 1;
/// Releases that there is room for before any was read: a short list must not take much memory.
const ROOM: usize = 1_024;

impl PackageIndex {
    /// Reads the JSON. Whether to believe it is decided by its signature.
    ///
    /// # Errors
    /// It is over a bound, no index, or names a version twice.
    pub fn from_json(json: &[u8]) -> Result<Self, IndexError> {
        if json.len() > INDEX_BYTES_MAX {
            return Err(IndexError::TooLarge { bytes: json.len(), max: INDEX_BYTES_MAX });
        }
        // Once for all, instead of each text by itself.
        let text = str::from_utf8(json).map_err(|error| IndexError::Malformed(error.to_string()))?;
        let index: Self = serde_json::from_str(text).map_err(|error| {
            let text = printable(&error.to_string(), 300);
            IndexError::Malformed(if error.is_eof() { format!("it is cut off: {text}") } else { text })
        })?;
        index.check()?;
        Ok(index)
    }

    fn check(&self) -> Result<(), IndexError> {
        let malformed = |problem: String| Err(IndexError::Malformed(problem));
        if self.sequence == 0 || self.sequence > SEQUENCE_MAX {
            return malformed(format!("its sequence is {}; expected 1 to {SEQUENCE_MAX}", self.sequence));
        }
        // Most publishers count up: then none can be there twice, and no set is needed to see it.
        if self.releases.is_sorted_by(|one, next| one.version < next.version) {
            return Ok(());
        }
        let mut versions = HashSet::with_capacity(self.releases.len());
        match self.releases.iter().find(|release| !versions.insert(&release.version)) {
            Some(twice) => malformed(format!("it has version {} twice", twice.version)),
            None => Ok(()),
        }
    }
}

/// Reads the releases, and stops at the bound.
pub(super) fn releases<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Release>, D::Error> {
    deserializer.deserialize_seq(Releases)
}

struct Releases;

impl<'de> Visitor<'de> for Releases {
    type Value = Vec<Release>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of releases")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Release>, A::Error> {
        let mut releases = Vec::with_capacity(ROOM);
        while let Some(release) = list.next_element()? {
            if releases.len() == RELEASES_MAX {
                return Err(A::Error::custom(format!(
                    "it has more than {RELEASES_MAX} releases; at most {RELEASES_MAX} are allowed"
                )));
            }
            if releases.len() == ROOM {
                // Room for all there may be: a list that grows is copied again and again.
                releases.reserve_exact(RELEASES_MAX - ROOM);
            }
            releases.push(release);
        }
        releases.shrink_to_fit();
        Ok(releases)
    }
}
