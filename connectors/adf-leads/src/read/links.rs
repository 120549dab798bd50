//! Addresses and links inside a text, as mail programs and people write them. It knows no ADF.

/// Schemes of links that mail programs append to a text.
const SCHEMES: [&str; 7] = ["mailto:", "tel:", "sms:", "callto:", "fax:", "http://", "https://"];

/// A short text without the links that a mail program appended in angle brackets: `a@b.example<mailto:a@b.example>`.
/// A link that stands alone is unwrapped.
pub(crate) fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        let inner = from.get(1..).unwrap_or_default();
        let lower: String = inner.chars().take(8).collect::<String>().to_ascii_lowercase();
        let end = SCHEMES.iter().any(|scheme| lower.starts_with(scheme)).then(|| inner.find('>')).flatten();
        out.push_str(before);
        match end {
            Some(end) => {
                if out.trim().is_empty() {
                    out.push_str(inner.get(..end).unwrap_or_default());
                }
                rest = inner.get(end + 1..).unwrap_or_default();
            }
            None => {
                out.push('<');
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The e-mail addresses in a text: `Pat <a@b.example>`, `a@b.example; c@d.example`, `mailto:a@b.example?subject=x`.
pub(crate) fn addresses(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ';' | ',' | '(' | ')' | '[' | ']' | '"' | '|'))
    {
        let word = word
            .get(..7)
            .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
            .map_or(word, |_| word.get(7..).unwrap_or_default());
        let word = word.split('?').next().unwrap_or_default().trim_matches(['.', ':', '\'', '/']);
        if is_address(word) && !found.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            found.push(word.to_owned());
        }
    }
    found
}

fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(user, domain)| {
        !user.is_empty()
            && !domain.contains('@')
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains("..")
    })
}

#[cfg(test)]
mod tests {
    use super::{addresses, without_links};

    #[test]
    fn links_of_mail_programs_are_removed() {
        let check = |text: &str, expected: &str| assert_eq!(without_links(text), expected);
        check("a@b.example<mailto:a@b.example>", "a@b.example");
        check("<https://leads.example.com>", "https://leads.example.com");
        check("(312) 555-0118<tel:+13125550118>", "(312) 555-0118");
        check("3 < 5 <b>", "3 < 5 <b>");
        check("x <tel:", "x <tel:");
    }

    #[test]
    fn addresses_are_found_in_text() {
        let check = |text: &str, expected: &[&str]| assert_eq!(addresses(text), expected, "{text}");
        check("pat@example.com", &["pat@example.com"]);
        check("Pat <pat@example.com>", &["pat@example.com"]);
        check("a@b.example; C@d.example, A@b.example", &["a@b.example", "C@d.example"]);
        check("mailto:a@b.example?subject=x", &["a@b.example"]);
        check("Pat O'Neil (pat.o'neil@example.com)", &["pat.o'neil@example.com"]);
        check("a@b@c.example, a@b, @b.example, a@.b", &[]);
    }
}
