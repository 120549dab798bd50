//! Paths of URLs: which are unambiguous, and which patterns they match. Knows nothing of hosts.

use crate::model::http::HttpError;

use super::show;

/// Refuses a path that some server could read as another one: dot segments, empty segments, and encoded dots,
/// slashes, backslashes or control characters, also when they are encoded twice.
pub fn check(path: &str) -> Result<(), HttpError> {
    let refuse = |problem: &str| {
        Err(HttpError::Invalid(format!(
            "url: path `{}` {problem}; expected a path that every server reads alike",
            show(path)
        )))
    };
    let Some(rest) = path.strip_prefix('/') else { return refuse("does not start with `/`") };
    if path.contains("//") {
        return refuse("has an empty segment (`//`)");
    }
    for segment in rest.split('/') {
        // Some servers cut path parameters off: `..;x` is `..` to them.
        if matches!(segment.split(';').next(), Some("." | "..")) {
            return refuse("has a dot segment");
        }
    }
    let Some(decoded) = decode(path.as_bytes()) else { return refuse("has a `%` without two hexadecimal digits") };
    for (byte, encoded) in &decoded {
        match (byte, encoded) {
            (b'.' | b'/' | b'\\', true) => return refuse("encodes `.`, `/` or a backslash"),
            (0..=0x1f | 0x7f, _) => return refuse("holds a control character"),
            (b'\\', false) => return refuse("holds a backslash"),
            // Never part of UTF-8: lenient decoders take `%c0%ae` for a dot.
            (0xc0 | 0xc1, _) => return refuse("holds an overlong encoding"),
            _ => {}
        }
    }
    let once: Vec<u8> = decoded.iter().map(|(byte, _)| *byte).collect();
    let twice = once.to_ascii_lowercase();
    let hidden = [b"%2e", b"%2f", b"%5c", b"%25", b"%00", b"%0a", b"%0d"];
    if twice.windows(3).any(|window| hidden.iter().any(|text| text.as_slice() == window)) {
        return refuse("encodes a character twice");
    }
    Ok(())
}

/// Each byte after one round of decoding, with whether it was encoded; none if an escape is broken.
fn decode(path: &[u8]) -> Option<Vec<(u8, bool)>> {
    let mut bytes = path.iter();
    let mut decoded = Vec::with_capacity(path.len());
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    while let Some(byte) = bytes.next() {
        if *byte == b'%' {
            let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
            decoded.push((high * 16 + low, true));
        } else {
            decoded.push((*byte, false));
        }
    }
    Some(decoded)
}

/// Whether one of the patterns matches.
#[must_use]
pub fn any_matches(patterns: &[String], path: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, path))
}

/// Whether a pattern matches a path, as written: nothing is decoded. `*` is any run of characters within a segment
/// (a segment that is only `*` is not empty); `**` as the last segment is any rest, even none after the slash.
#[must_use]
pub fn matches(pattern: &str, path: &str) -> bool {
    let mut patterns = pattern.split('/');
    let mut segments = path.split('/');
    loop {
        match (patterns.next(), segments.next()) {
            (None, None) => return true,
            (Some("**"), Some(_)) => return patterns.next().is_none(),
            (Some("*"), Some("")) => return false,
            (Some(pattern), Some(segment)) if segment_matches(pattern, segment) => {}
            _ => return false,
        }
    }
}

/// Linear in both texts: each `*` takes the earliest place where the text after it fits.
fn segment_matches(pattern: &str, segment: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return segment.is_empty() };
    let Some(mut rest) = segment.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}
