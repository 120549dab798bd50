//! Patterns for URL paths, and which paths are plain enough to be compared with one. It never decodes or repairs a
//! path: a path that two servers could read differently is refused.

use serde::{Deserialize, Serialize};
use std::fmt;

const PATTERN_BYTES_MAX: usize = 256;
const PATH_BYTES_MAX: usize = 8 * 1024;

/// A pattern for URL paths: `*` matches any text within one segment, `**` as the last segment matches any rest.
///
/// `/leads/*` matches `/leads/42`, but neither `/leads`, `/leads/` nor `/leads/42/notes`; `/api/**` matches all that
/// begins with `/api/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(String);

/// The text is not a path pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a path pattern: {problem}")]
pub struct InvalidPattern {
    pattern: String,
    problem: String,
}

/// A path that is compared with no pattern, because servers disagree on its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsafePath {
    /// Does not begin with `/`.
    #[error("a path begins with `/`")]
    NotAbsolute,
    /// More than 8 KiB.
    #[error("a path has at most 8 KiB")]
    TooLong,
    /// `//`: an empty segment.
    #[error("`//` is refused: some servers take it for `/`")]
    EmptySegment,
    /// `.` or `..`, plain or encoded, also before a `;`.
    #[error("`.` and `..` segments are refused, also as `%2e`: they leave the granted path")]
    DotSegment,
    /// `%2f`, `%5c` or `\`.
    #[error("`\\`, `%2f` and `%5c` are refused: some servers take them for `/`")]
    HiddenSlash,
    /// `%` without two hex digits, or an escape of an escape.
    #[error("`%` must begin an escape such as `%20`, and no escape may hide another one")]
    BadEscape,
    /// A control character, a blank, `?`, `#` or anything beyond ASCII.
    #[error("blanks, control characters, `?`, `#` and non-ASCII characters are no part of a path: percent-encode them")]
    BadCharacter,
}

/// Checks that a URL's path (without query and fragment) is plain enough to be compared with patterns.
///
/// # Errors
/// The path breaks a rule.
pub fn check_path(path: &str) -> Result<(), UnsafePath> {
    let Some(segments) = path.strip_prefix('/') else { return Err(UnsafePath::NotAbsolute) };
    if path.len() > PATH_BYTES_MAX {
        return Err(UnsafePath::TooLong);
    }
    if path.contains("//") {
        return Err(UnsafePath::EmptySegment);
    }
    if path.contains('\\') {
        return Err(UnsafePath::HiddenSlash);
    }
    if path.bytes().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'?' | b'#')) {
        return Err(UnsafePath::BadCharacter);
    }
    segments.split('/').try_for_each(check_segment)
}

fn check_segment(segment: &str) -> Result<(), UnsafePath> {
    let mut escapes = segment.split('%');
    let _before_the_first = escapes.next();
    for escape in escapes {
        let digits = escape.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let signed = escape.starts_with(['+', '-']);
        match digits {
            None => return Err(UnsafePath::BadEscape),
            Some(_) if signed => return Err(UnsafePath::BadEscape),
            Some(b'.') => return Err(UnsafePath::DotSegment),
            Some(b'/' | b'\\') => return Err(UnsafePath::HiddenSlash),
            Some(b'%') if escape.get(2..4).is_some_and(|hex| u8::from_str_radix(hex, 16).is_ok()) => {
                return Err(UnsafePath::BadEscape);
            }
            Some(byte) if byte.is_ascii_control() => return Err(UnsafePath::BadCharacter),
            Some(_) => {}
        }
    }
    // Some servers remove path parameters, so `..;x` is `..` to them.
    match segment.split(';').next() {
        Some("." | "..") => Err(UnsafePath::DotSegment),
        _ => Ok(()),
    }
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The pattern breaks a rule.
    pub fn new(pattern: impl Into<String>) -> Result<Self, InvalidPattern> {
        let pattern = pattern.into();
        match problem_with(&pattern) {
            None => Ok(Self(pattern)),
            Some(problem) => {
                Err(InvalidPattern { pattern: pattern.chars().take(PATTERN_BYTES_MAX).collect(), problem })
            }
        }
    }

    /// Whether a URL's path (without query) matches. A path that [`check_path`] refuses matches nothing.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        if check_path(path).is_err() {
            return false;
        }
        if let Some(parent) = self.0.strip_suffix("**") {
            // The pattern's parent ends in `/`: compare that many whole segments.
            let count = parent.split('/').count();
            let mut parts = path.splitn(count, '/');
            return parent.split('/').take(count - 1).all(|glob| parts.next().is_some_and(|text| segment(glob, text)))
                && parts.next().is_some();
        }
        let (mut globs, mut texts) = (self.0.split('/'), path.split('/'));
        loop {
            match (globs.next(), texts.next()) {
                (None, None) => return true,
                (Some(glob), Some(text)) if segment(glob, text) => {}
                _ => return false,
            }
        }
    }

    /// The pattern's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn problem_with(pattern: &str) -> Option<String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Some(format!("it has {} bytes; at most {PATTERN_BYTES_MAX} are allowed", pattern.len()));
    }
    if let Err(unsafe_path) = check_path(pattern) {
        return Some(unsafe_path.to_string());
    }
    let mut segments = pattern.split('/').rev();
    let last = segments.next().unwrap_or_default();
    let misplaced = segments.any(|segment| segment.contains("**")) || (last.contains("**") && last != "**");
    misplaced.then(|| "`**` must be the whole last segment, as in `/leads/**`".to_owned())
}

/// Whether one segment matches. `*` matches any text; a segment that is only `*` must not be empty.
fn segment(glob: &str, text: &str) -> bool {
    if glob == "*" {
        return !text.is_empty();
    }
    let mut pieces = glob.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PathPattern {
    type Error = InvalidPattern;

    fn try_from(pattern: String) -> Result<Self, InvalidPattern> {
        Self::new(pattern)
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    #[test]
    fn a_star_matches_in_one_segment_and_two_stars_match_the_rest() {
        for (pattern, path, expected) in [
            ("/leads/*", "/leads/42", true),
            ("/leads/*", "/leads/", false),
            ("/leads/*", "/leads", false),
            ("/leads/*", "/leads/42/notes", false),
            ("/leads/*", "/Leads/42", false),
            ("/v*/leads", "/v2/leads", true),
            ("/v*/leads", "/v2/x/leads", false),
            ("/a*b*c", "/a-b-b-c", true),
            ("/a*bc", "/abc", true),
            ("/ab*bc", "/abc", false),
            ("/api/**", "/api/", true),
            ("/api/**", "/api/a/b/", true),
            ("/api/**", "/api", false),
            ("/api/**", "/apix/a", false),
            ("/x/*/y/**", "/x/1/y/2/3", true),
            ("/x/*/y/**", "/x/1/2/y/3", false),
            ("/**", "/", true),
            ("/**", "/anything/at/all", true),
            ("/", "/", true),
            ("/", "/a", false),
        ] {
            assert_eq!(PathPattern::new(pattern).unwrap().matches(path), expected, "{pattern} and {path}");
        }
    }

    #[test]
    fn an_ambiguous_path_matches_nothing() {
        let all = PathPattern::new("/**").unwrap();
        for path in [
            "",
            "leads",
            "/a/../b",
            "/..",
            "/a/./b",
            "/a/%2e%2e/b",
            "/a/%2E./b",
            "/.%2e",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a//b",
            "//",
            "/a\\b",
            "/a\\..\\b",
            "/a/..;x/b",
            "/%252e%252e/",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%+1",
            "/a%00",
            "/a b",
            "/a?b",
            "/a#b",
            "/ä",
            "/a\r\nb",
        ] {
            assert!(check_path(path).is_err() && !all.matches(path), "{path}");
        }
        for path in ["/a%20b", "/100%25", "/...", "/a..b", "/.well-known/x", "/a;v=1/b", "/~me/@x:y,(z)!$&'*+="] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn two_stars_are_refused_except_at_the_end() {
        for pattern in ["/**/x", "/a**", "/a/***", "a/*", "/a/../*", "/a//*", "", "/%2e%2e/*"] {
            assert!(PathPattern::new(pattern).is_err(), "{pattern}");
        }
    }
}
