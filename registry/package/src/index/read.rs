//! Parses the JSON of an index within its limits. It does not decide whether to trust it; the signature does.

use super::{INDEX_BYTES_MAX, IndexError, PackageIndex, RELEASES_MAX, Release, SEQUENCE_MAX};
use crate::manifest::printable;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Releases to reserve memory for at first, so that a short list cannot claim much memory.
const ROOM: usize = 1_024;

impl PackageIndex {
    /// Parses the JSON. The signature decides whether to trust it.
    ///
    /// # Errors
    /// The index exceeds a limit, is malformed, or lists a version twice.
    pub fn from_json(json: &[u8]) -> Result<Self, IndexError> {
        if json.len() > INDEX_BYTES_MAX {
            return Err(IndexError::TooLarge { bytes: json.len(), max: INDEX_BYTES_MAX });
        }
        // Check UTF-8 once instead of for each string.
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
            return malformed(format!("its sequence is {}, expected 1 to {SEQUENCE_MAX}", self.sequence));
        }
        // Most publishers count upwards; then no version can be listed twice and no set is needed.
        if self.releases.is_sorted_by(|one, next| one.version < next.version) {
            return Ok(());
        }
        let mut versions = HashSet::with_capacity(self.releases.len());
        match self.releases.iter().find(|release| !versions.insert(&release.version)) {
            Some(twice) => malformed(format!("it lists version {} twice", twice.version)),
            None => Ok(()),
        }
    }
}

/// Reads the releases and stops at the limit.
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
                // Reserve the maximum: a growing list would be copied again and again.
                releases.reserve_exact(RELEASES_MAX - ROOM);
            }
            releases.push(release);
        }
        releases.shrink_to_fit();
        Ok(releases)
    }
}
