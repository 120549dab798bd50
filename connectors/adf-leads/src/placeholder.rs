//! Recognises texts that mean nothing: words for an empty value, template fields that nobody filled in, filler numbers.
//!
//! One test for every field and for ids. It changes nothing and knows no ADF.

/// Words that programs and people write into a field that they have no value for.
const WORDS: [&str; 26] = [
    "null",
    "(null)",
    "<null>",
    "none",
    "(none)",
    "nil",
    "n/a",
    "na",
    "n.a",
    "n.a.",
    "#n/a",
    "nan",
    "undefined",
    "unknown",
    "unspecified",
    "blank",
    "empty",
    "-",
    "--",
    "---",
    "?",
    "not provided",
    "not available",
    "not applicable",
    "not specified",
    "not given",
];
/// Words that are also family names: beside another part of a name they stay.
const NAMES: [&str; 4] = ["null", "na", "nan", "nil"];
/// Marks around a field of a template, most specific first.
const TEMPLATES: [(&str, &str); 12] = [
    ("{{", "}}"),
    ("{%", "%}"),
    ("${", "}"),
    ("#{", "}"),
    ("{!", "}"),
    ("<%", "%>"),
    ("<<", ">>"),
    ("%%", "%%"),
    ("[[", "]]"),
    ("*|", "|*"),
    ("{", "}"),
    ("[", "]"),
];
/// Maximum length of the name of a template's field, in characters.
const FIELD_CHARS_MAX: usize = 60;

/// Whether the text of a field or an id means nothing.
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || is_word(text) || text.split_whitespace().all(is_word) || is_template(text, true) || is_zero(text)
}

/// Whether a longer text, such as a comment, means nothing. A number may be the answer to a question, and people write
/// words in brackets.
pub fn is_placeholder_prose(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || is_word(text) || text.split_whitespace().all(is_word) || is_template(text, false)
}

/// Whether one part of a name means nothing; `other` is another part of the name.
///
/// `Null` and `Na` are family names. A program's `null` does not follow the spelling of the name beside it.
pub fn is_placeholder_name(part: &str, other: Option<&str>) -> bool {
    if !is_placeholder(part) {
        return false;
    }
    let Some(other) = other.filter(|other| !is_placeholder(other)) else { return true };
    let is_name = NAMES.contains(&part.to_lowercase().as_str());
    let capitals = part.chars().next().is_some_and(char::is_uppercase) && part.chars().skip(1).all(char::is_lowercase);
    let alike =
        |same: fn(char) -> bool| part.chars().all(same) && other.chars().filter(|c| c.is_alphabetic()).all(same);
    !(is_name && (capitals || alike(char::is_uppercase) || alike(char::is_lowercase)))
}

/// Words of a full name that only a program writes: `Dana undefined`.
pub fn is_program_word(word: &str) -> bool {
    matches!(word, "undefined" | "null" | "(null)" | "None" | "NULL" | "NaN" | "N/A" | "n/a")
}

/// Whether a phone number is a filler: one digit repeated, or counted up.
pub fn is_filler_number(digits: &str) -> bool {
    let national = match digits.strip_prefix('1') {
        Some(national) if national.len() == 10 => national,
        _ => digits,
    };
    is_repeated(national) || matches!(national, "1234567890" | "0123456789" | "1234567")
}

/// Whether a text is one character repeated.
pub fn is_repeated(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| characters.all(|other| other == first))
}

fn is_word(text: &str) -> bool {
    let text = text.trim_matches(|c: char| matches!(c, ',' | '"' | '\'' | ';'));
    let lower = text.to_lowercase();
    WORDS.contains(&lower.as_str()) || text.is_empty()
}

/// Zeros in any notation, such as `0.00`, `$0` and `00000000-0000-0000-0000-000000000000`.
fn is_zero(text: &str) -> bool {
    text.contains('0')
        && text.chars().all(|c| {
            matches!(c, '0' | '.' | ',' | '-' | '$' | '€' | '£' | '(' | ')' | '+' | '/' | ':') || c.is_whitespace()
        })
}

/// Whether the text consists only of fields of a template: `{{first}} {{last}}`, `[name]`, `%%EMAIL%%`.
fn is_template(text: &str, with_spaces: bool) -> bool {
    let mut rest = text.trim();
    let mut found = false;
    while !rest.is_empty() {
        let Some(tail) = TEMPLATES.iter().find_map(|(open, close)| field(rest, open, close, with_spaces)) else {
            return percent(rest);
        };
        found = true;
        rest = tail.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '-' | '/' | '.'));
    }
    found
}

fn field<'a>(text: &'a str, open: &str, close: &str, with_spaces: bool) -> Option<&'a str> {
    let inner = text.strip_prefix(open)?;
    let (name, tail) = inner.split_once(close)?;
    // A person's `[call me]` is no field; only double marks enclose any text.
    let single = open.len() == 1 || close.len() == 1;
    let proper = name.chars().count() <= FIELD_CHARS_MAX
        && name.chars().any(|c| c.is_alphanumeric() || c == '_')
        && (!single
            || name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/') || with_spaces && c == ' '));
    proper.then_some(tail)
}

/// `%NAME%` and `__NAME__`.
fn percent(text: &str) -> bool {
    [("%", "%"), ("__", "__"), ("@@", "@@"), ("##", "##")].iter().any(|(open, close)| {
        text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(|name| {
            name.starts_with(|c: char| c.is_alphabetic())
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{is_filler_number, is_placeholder, is_placeholder_name, is_placeholder_prose};

    #[test]
    fn texts_that_mean_nothing_are_recognised() {
        for text in [
            "",
            "null",
            "NULL",
            "None None",
            "undefined undefined",
            "N/A",
            "n/a, n/a",
            "Not Provided",
            "NaN",
            "[name]",
            "[First Name]",
            "{{lead_id}}",
            "{{ vehicle.model }}",
            "{{first}} {{last}}",
            "%%COMMENTS%%",
            "%EMAIL%",
            "${phone}",
            "*|FNAME|*",
            "0.00",
            "$0.00",
            "(000) 000-0000",
            "00000000-0000-0000-0000-000000000000",
            "__ID__",
            "<%= name %>",
            "{!Lead.Name}",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in
            ["Nullmann", "None of these", "Nora", "10.00", "[x] call me", "5%", "Ana", "100", "A-0", "{blue} car"]
        {
            assert!(!is_placeholder(text), "{text}");
        }
        assert!(is_placeholder_prose("%%COMMENTS%%") && is_placeholder_prose("null"));
        assert!(!is_placeholder_prose("[call me]") && !is_placeholder_prose("0"));
    }

    #[test]
    fn a_family_name_beside_a_first_name_stays() {
        assert!(!is_placeholder_name("Null", Some("Jennifer")));
        assert!(!is_placeholder_name("NULL", Some("JENNIFER")));
        assert!(!is_placeholder_name("Na", Some("Li")));
        assert!(is_placeholder_name("null", Some("Jennifer")));
        assert!(is_placeholder_name("None", Some("Jennifer")));
        assert!(is_placeholder_name("Null", None) && is_placeholder_name("Null", Some("null")));
        assert!(!is_placeholder_name("Reyes", None));
    }

    #[test]
    fn filler_numbers_are_recognised() {
        for digits in ["0000000000", "11111111111", "9999999999", "1234567890", "5555555"] {
            assert!(is_filler_number(digits), "{digits}");
        }
        assert!(!is_filler_number("3125550142"));
    }
}
