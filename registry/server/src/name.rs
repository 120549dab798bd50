//! Names in the registry's paths, validated before they touch a file: repositories, tags, references. Grammar of the
//! OCI Distribution Specification 1.1, "Pull". A valid name cannot leave its folder.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::refusal::{Code, Refusal};
use handoff_package::Digest;
use handoff_package::artifact::INDEX_TAG;

/// Maximum length of a repository name in characters, the limit of clients too.
pub(super) const REPOSITORY_CHARS_MAX: usize = 255;
/// Maximum length of a tag in characters.
pub(super) const TAG_CHARS_MAX: usize = 128;

/// A repository's name, such as `acme/web-leads`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Repository(String);

impl Repository {
    /// Validates a name.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() <= REPOSITORY_CHARS_MAX && text.split('/').all(is_component) {
            return Ok(Self(text.to_owned()));
        }
        let shown = shorten(text);
        Err(Refusal::new(
            Code::NameInvalid,
            format!(
                "`{shown}` is not a repository name: expected parts of a-z and 0-9, joined by `/`, each with single `.`, `_`, \
                 `__` or any `-` only between letters, {REPOSITORY_CHARS_MAX} characters in all"
            ),
        ))
    }

    /// As it is written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().is_some_and(is_letter) && bytes.last().is_some_and(is_letter);
    let separators = bytes.split(is_letter).filter(|run| !run.is_empty());
    ends && separators.into_iter().all(|run| matches!(run, b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-'))
}

/// A tag, such as `1.2.3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Tag(String);

impl Tag {
    /// Validates a tag.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(is_letter);
        let rest = bytes.all(|byte| is_letter(byte) || matches!(byte, b'.' | b'-'));
        (first && rest && text.len() <= TAG_CHARS_MAX).then(|| Self(text.to_owned()))
    }

    /// As it is written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The version, if the tag is one (semver 2.0.0): such a tag never moves.
    pub(super) fn version(&self) -> Option<semver::Version> {
        semver::Version::parse(&self.0).ok()
    }

    /// Whether it is [`INDEX_TAG`].
    pub(super) fn is_index(&self) -> bool {
        self.0 == INDEX_TAG
    }

    /// Whether the manifest that it names must not be deleted.
    pub(super) fn keeps(&self) -> bool {
        self.is_index() || self.version().is_some()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Identifies a manifest in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    /// By tag.
    Tag(Tag),
    /// By digest.
    Digest(Digest),
}

impl Reference {
    /// A digest if it has a colon, else a tag.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.contains(':') {
            return digest(text).map(Self::Digest);
        }
        Tag::parse(text).map(Self::Tag).ok_or_else(|| {
            let shown = shorten(text);
            let expected = "expected up to 128 letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`";
            Refusal::new(Code::ManifestInvalid, format!("`{shown}` is not a tag: {expected}"))
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// A digest in a path or a query.
pub(super) fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|_| {
        let shown = shorten(text);
        let expected = "expected `sha256:` and 64 lower-case hex digits; this registry supports no other algorithm";
        Refusal::new(Code::DigestInvalid, format!("`{shown}` is not a digest: {expected}"))
    })
}

/// Shortens client input so that it can be shown to the client.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(120).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_names_are_accepted() {
        let long = "a".repeat(256);
        for good in ["a", "acme/web-leads", "a.b/c__d/e--f_g", "0/1", &long[..255]] {
            assert!(Repository::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "", "/", "a/", "/a", "a//b", "A/b", "..", "a/../b", "a..b", "a___b", "-a", "a-", "a._b", "ä", "a b",
            "a%2fb", &long,
        ] {
            assert!(Repository::parse(bad).is_err(), "{bad}");
        }
        let long = "a".repeat(129);
        for good in ["1.0.0", "_x", "latest", "A-b.c", &long[..128]] {
            assert!(Tag::parse(good).is_some(), "{good}");
        }
        for bad in ["", ".", "..", ".a", "-a", "a/b", "a:b", "a+b", "ä", &long] {
            assert!(Tag::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_version_is_three_numbers_and_an_optional_pre_release() {
        let version = |text| Tag::parse(text).and_then(|tag| tag.version());
        for is in ["1.0.0", "0.0.1-rc.1", "10.20.30"] {
            assert!(version(is).is_some(), "{is}");
        }
        for is_not in ["1.0", "v1.0.0", "latest", "1.0.0.0", "01.0.0"] {
            assert!(version(is_not).is_none(), "{is_not}");
        }
    }
}
