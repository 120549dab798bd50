//! Character and entity references: only the five predefined ones and numbers.

/// The meaning of a reference between `&` and `;`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// A character that XML allows.
    Character(char),
    /// A number that is not a character, or a control character that XML forbids.
    Forbidden,
    /// A name that is not predefined; it stays as written.
    Unknown,
}

/// Resolves the text between `&` and `;`.
pub fn resolve(name: &str) -> Reference {
    let number = match name.strip_prefix('#') {
        Some(number) => number,
        None => return predefined(name),
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    match code.ok().and_then(char::from_u32) {
        Some(character) if is_allowed(character) => Reference::Character(character),
        _ => Reference::Forbidden,
    }
}

/// Whether XML 1.0 allows the character; C1 controls are allowed there and kept.
pub fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r') || (character >= ' ' && !matches!(character, '\u{fffe}' | '\u{ffff}'))
}

/// Resolves every reference in a text; also `&nbsp;` if `html`. Returns whether one stayed unresolved.
pub fn unescape(text: &str, html: bool) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    let mut clean = true;
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let Some(end) = reference_end(from) else {
            out.push('&');
            clean = false;
            rest = from.get(1..).unwrap_or_default();
            continue;
        };
        let name = from.get(1..end).unwrap_or_default();
        match resolve(name) {
            Reference::Character(character) => out.push(character),
            Reference::Unknown if html && name == "nbsp" => out.push(' '),
            Reference::Forbidden | Reference::Unknown => {
                clean = false;
                out.push_str(from.get(..=end).unwrap_or_default());
            }
        }
        rest = from.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    (out, !clean)
}

/// Position of the `;` of the reference at the start of the text; names have at most 31 ASCII characters.
fn reference_end(text: &str) -> Option<usize> {
    let end = text.bytes().take(33).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#')).then_some(end)
}

fn predefined(name: &str) -> Reference {
    match name {
        "lt" => Reference::Character('<'),
        "gt" => Reference::Character('>'),
        "amp" => Reference::Character('&'),
        "quot" => Reference::Character('"'),
        "apos" => Reference::Character('\''),
        _ => Reference::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Reference, resolve, unescape};

    #[test]
    fn only_predefined_and_numeric_references_are_expanded() {
        assert_eq!(resolve("amp"), Reference::Character('&'));
        assert_eq!(resolve("#233"), Reference::Character('é'));
        assert_eq!(resolve("#x1F697"), Reference::Character('🚗'));
        assert_eq!(resolve("#0"), Reference::Forbidden);
        assert_eq!(resolve("#xD800"), Reference::Forbidden);
        assert_eq!(resolve("#99999999999999999999"), Reference::Forbidden);
        assert_eq!(resolve("eacute"), Reference::Unknown);
        assert_eq!(unescape("A&T &amp; B &lol; &nbsp;", false), ("A&T & B &lol; &nbsp;".to_owned(), true));
        assert_eq!(unescape("&lt;adf&gt;&nbsp;", true), ("<adf> ".to_owned(), false));
    }
}
