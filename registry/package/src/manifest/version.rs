//! A package's version. It can only be created from its text.

use super::rules::shown;
use crate::from_text;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// A semantic version (semver 2.0.0) without build metadata: an OCI tag cannot contain `+`, and versions that differ
/// only in build metadata have no order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Version(semver::Version);

impl Version {
    /// The version.
    #[must_use]
    pub fn as_semver(&self) -> &semver::Version {
        &self.0
    }
}

impl std::str::FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "expected a semantic version such as `1.4.0` or `2.0.0-rc.1`";
        if text.len() > 64 {
            return Err(format!("{example} of at most 64 bytes; this has {}", text.len()));
        }
        let version = semver::Version::parse(text).map_err(|error| format!("`{}`: {error}; {example}", shown(text)))?;
        if !version.build.is_empty() {
            return Err(format!("`{}` has build metadata (`+…`), which is not allowed; {example}", shown(text)));
        }
        Ok(Self(version))
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text::read(deserializer, "a semantic version as text")
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
