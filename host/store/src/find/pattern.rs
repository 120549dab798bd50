//! What a person searches for: a text in any case, or a telephone number whatever its punctuation. Tells quickly whether
//! raw bytes can hold it, and exactly where a text does.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr_iter, memchr2_iter, memmem};

/// Digits from which a text of digits and punctuation is a telephone number.
const PHONE_DIGITS_MIN: usize = 7;
/// Digits that are compared at most, from the last: country codes and trunk prefixes are written in several ways.
const PHONE_DIGITS_MAX: usize = 10;
/// Characters between two digits of a telephone number.
const PHONE_GAP_MAX: usize = 3;
/// Characters shown before and after a match.
const AROUND: usize = 32;

/// A text to search for.
#[derive(Debug)]
pub struct Pattern {
    /// In lower case.
    text: String,
    /// Finds the longest part of it that is ASCII. None if it has no such part.
    probe: Option<Probe>,
    phone: Option<Vec<u8>>,
}

/// Finds ASCII text in any case.
#[derive(Debug)]
enum Probe {
    /// By a byte that is rare in text, where it is in the text: much faster than a look at every byte.
    Rare { text: Vec<u8>, at: usize, lower: u8, upper: u8 },
    /// In a copy in lower case.
    Common(Box<memmem::Finder<'static>>),
}

/// Bytes of text in European languages, the rarest first. The space is not worth looking for.
const RARE: &[u8] = b"qxjz@wykvbpfgmucld0123456789hrsnioat-.e";

impl Probe {
    /// `text` is in lower case.
    fn new(text: &[u8]) -> Self {
        let rarest = RARE.iter().find_map(|rare| Some((*rare, text.iter().position(|byte| byte == rare)?)));
        match rarest {
            Some((lower, at)) => Self::Rare { text: text.to_vec(), at, lower, upper: lower.to_ascii_uppercase() },
            None => Self::Common(Box::new(memmem::Finder::new(text).into_owned())),
        }
    }

    fn is_in(&self, bytes: &[u8], scratch: &mut Vec<u8>) -> bool {
        match self {
            Self::Rare { text, at, lower, upper } => memchr2_iter(*lower, *upper, bytes).any(|hit| {
                let start = hit.checked_sub(*at);
                let found = start.and_then(|start| bytes.get(start..start + text.len()));
                found.is_some_and(|found| found.eq_ignore_ascii_case(text))
            }),
            Self::Common(finder) => {
                scratch.clear();
                scratch.extend(bytes.iter().map(u8::to_ascii_lowercase));
                finder.find(scratch).is_some()
            }
        }
    }
}

impl Pattern {
    /// A pattern. None if the text is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        if text.is_empty() {
            return None;
        }
        let longest = text.split(|c: char| !c.is_ascii()).max_by_key(|part| part.len()).unwrap_or_default();
        let probe = (!longest.is_empty()).then(|| Probe::new(longest.as_bytes()));
        let phone = phone(&text);
        Some(Self { text, probe, phone })
    }

    /// Whether bytes can hold the text. `lower` is scratch space.
    pub(super) fn may_be_in(&self, bytes: &[u8], lower: &mut Vec<u8>) -> bool {
        let Some(probe) = &self.probe else { return true };
        probe.is_in(bytes, lower) || self.phone.as_ref().is_some_and(|phone| find_phone(phone, bytes).is_some())
    }

    /// The text around the first match.
    pub(super) fn excerpt(&self, bytes: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(bytes);
        self.excerpt_of(&text).or_else(|| self.excerpt_of(&unescaped(bytes, &text)?))
    }

    fn excerpt_of(&self, text: &str) -> Option<String> {
        if let Some(range) = self.phone.as_ref().and_then(|phone| find_phone(phone, text.as_bytes())) {
            return Some(around(text, range));
        }
        let lower = if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() };
        let start = memmem::find(lower.as_bytes(), self.text.as_bytes())?;
        let range = start..start + self.text.len();
        // Lower case may have another length: then its own text is shown.
        let shown = if lower.len() == text.len() && text.get(range.clone()).is_some() { text } else { &lower };
        Some(around(shown, range))
    }
}

/// JSON with escapes such as `\u00fc`, without them.
fn unescaped(bytes: &[u8], text: &str) -> Option<String> {
    if !text.contains("\\u") {
        return None;
    }
    Some(serde_json::from_slice::<serde_json::Value>(bytes).ok()?.to_string())
}

/// The compared digits, if the text looks like a telephone number.
fn phone(text: &str) -> Option<Vec<u8>> {
    let is_phone = text.bytes().all(|byte| byte.is_ascii_digit() || is_punctuation(byte));
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
    if !is_phone || digits.len() < PHONE_DIGITS_MIN {
        return None;
    }
    Some(digits.get(digits.len().saturating_sub(PHONE_DIGITS_MAX)..)?.to_vec())
}

fn is_punctuation(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/' | b'+')
}

/// The first run of digits, with punctuation between them, that ends with these digits.
fn find_phone(digits: &[u8], bytes: &[u8]) -> Option<Range<usize>> {
    let (last, before) = digits.split_last()?;
    memchr_iter(*last, bytes).find_map(|end| {
        if bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            return None;
        }
        let mut at = end;
        for digit in before.iter().rev() {
            let mut gap = 0;
            loop {
                at = at.checked_sub(1)?;
                let byte = *bytes.get(at)?;
                if byte == *digit {
                    break;
                }
                gap += 1;
                if !is_punctuation(byte) || gap > PHONE_GAP_MAX {
                    return None;
                }
            }
        }
        Some(at..end + 1)
    })
}

fn around(text: &str, range: Range<usize>) -> String {
    let head = text.get(..range.start).unwrap_or_default();
    let tail = text.get(range.end..).unwrap_or_default();
    let first = head.char_indices().rev().take(AROUND).last().map_or(range.start, |(at, _)| at);
    let last = tail.char_indices().nth(AROUND).map_or(text.len(), |(at, _)| range.end + at);
    let mark = |cut: bool| if cut { "…" } else { "" };
    let shown: Cow<'_, str> = text.get(first..last).unwrap_or_default().into();
    format!("{}{shown}{}", mark(first > 0), mark(last < text.len()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that panics has found something")]

    use super::*;

    fn found(pattern: &str, text: &str) -> Option<String> {
        let pattern = Pattern::new(pattern).unwrap();
        let excerpt = pattern.excerpt(text.as_bytes());
        let may_be = pattern.may_be_in(text.as_bytes(), &mut Vec::new());
        assert!(may_be || excerpt.is_none(), "the quick look misses `{text}`");
        excerpt
    }

    #[test]
    fn texts_are_found_in_any_case_and_numbers_with_any_punctuation() {
        for (pattern, text, is_found) in [
            ("ann@dealer.example", "mail: ANN@Dealer.Example.", true),
            ("müller", "Herr MÜLLER", true),
            ("müller", r#"{"name":"M\u00fcller"}"#, true),
            ("éé", "ÉÉ", true),
            ("(555) 123-4567", "call 555.123.4567!", true),
            ("555-123-4567", "+1 (555) 123 45 67", true),
            ("+1 555 123 4567", "5551234567", true),
            ("+49 170 1234567", "0170/1234567", true),
            ("123-4567", "(555) 123-4567", true),
            ("555-123-4567", "5551234567890", false),
            ("555-123-4567", "555-123-45678", true),
            ("555-123-4567", "555-123-4568", false),
            ("555-123-4567", "5,5,5,1,2,3,4,5,6,7", false),
            ("1042", "RO-1042", true),
            ("smith", "Smyth", false),
            ("ss", "STRASSE", true),
        ] {
            assert_eq!(found(pattern, text).is_some(), is_found, "{pattern} in {text}");
        }
        assert!(Pattern::new("  ").is_none());
    }

    #[test]
    fn an_excerpt_is_short_and_has_the_match_in_it() {
        let long = format!("{}Ärger mit Öl{}", "ä".repeat(100), "ö".repeat(100));
        let excerpt = found("ärger MIT", &long).unwrap();
        assert!(excerpt.contains("Ärger mit") && excerpt.chars().count() < 90, "{excerpt}");
        assert!(excerpt.starts_with('…') && excerpt.ends_with('…'));
        assert_eq!(found("b", "abc").unwrap(), "abc");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(pattern in "\\PC{1,6}", text in "\\PC{0,40}") {
            if let Some(pattern) = Pattern::new(&pattern) {
                let _ = pattern.excerpt(text.as_bytes());
            }
        }
    }
}
