//! Character and entity references: numbers, the five predefined entities and those of HTML. None of them holds markup,
//! so nothing is expanded twice.

/// The meaning of a reference between `&` and `;`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// A character that XML allows.
    Character(char),
    /// The text of an entity of HTML, which XML does not define.
    Html(&'static str),
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
    match code.ok().and_then(char::from_u32).map(|character| windows_1252(character).unwrap_or(character)) {
        Some(character) if is_allowed(character) => Reference::Character(character),
        _ => Reference::Forbidden,
    }
}

/// Whether a text may hold the character. XML 1.0 allows C1 controls, but nobody means one: see [`windows_1252`].
pub fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r')
        || (!character.is_control() && !matches!(character, '\u{fffe}' | '\u{ffff}'))
}

/// What a C1 control stands for: Windows programs write their own characters with these numbers, and HTML reads them
/// so (WHATWG, "numeric character reference end state").
pub fn windows_1252(character: char) -> Option<char> {
    let byte = u8::try_from(u32::from(character)).ok().filter(|byte| (0x80..=0x9f).contains(byte))?;
    let byte = [byte];
    let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte);
    text.chars().next().filter(|mapped| *mapped != character)
}

/// Whether a numeric reference names a C1 control.
pub fn is_windows_number(name: &str) -> bool {
    let code = match name.strip_prefix(['#']).map(|number| (number, number.strip_prefix(['x', 'X']))) {
        Some((_, Some(hex))) => u32::from_str_radix(hex, 16).ok(),
        Some((number, None)) => number.parse().ok(),
        None => None,
    };
    code.is_some_and(|code| (0x80..=0x9f).contains(&code))
}

/// Resolves every reference in a text; `&nbsp;` becomes a plain space if `html`. Returns whether one stayed unresolved.
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
            Reference::Html("\u{a0}") if html => out.push(' '),
            Reference::Html(text) => out.push_str(text),
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
        _ => quick_xml::escape::resolve_html5_entity(name).map_or(Reference::Unknown, Reference::Html),
    }
}

#[cfg(test)]
mod tests {
    use super::{Reference, resolve, unescape};

    #[test]
    fn references_are_expanded_unless_they_are_unknown() {
        assert_eq!(resolve("amp"), Reference::Character('&'));
        assert_eq!(resolve("#233"), Reference::Character('é'));
        assert_eq!(resolve("#x1F697"), Reference::Character('🚗'));
        assert_eq!(resolve("#0"), Reference::Forbidden);
        assert_eq!(resolve("#xD800"), Reference::Forbidden);
        assert_eq!(resolve("#99999999999999999999"), Reference::Forbidden);
        assert_eq!(resolve("eacute"), Reference::Html("é"));
        assert_eq!(resolve("#146"), Reference::Character('\u{2019}'));
        assert_eq!(resolve("#x92"), Reference::Character('\u{2019}'));
        assert_eq!(resolve("#x81"), Reference::Forbidden);
        assert_eq!(unescape("A&T &amp; B &lol;", false), ("A&T & B &lol;".to_owned(), true));
        assert_eq!(unescape("&lt;adf&gt;&nbsp;", true), ("<adf> ".to_owned(), false));
    }
}
