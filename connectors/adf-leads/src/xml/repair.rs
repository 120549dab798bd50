//! Escapes stray `<` characters (`price < 5000`, `<jo@example.com>`), which an XML reader would read as tags.
//!
//! It inspects only what follows each `<`; comments, CDATA and processing instructions are unchanged. One pass.

use std::borrow::Cow;

/// The text with stray `<` escaped; borrowed when there are none.
pub fn escape_stray_angles(text: &str) -> Cow<'_, str> {
    let mut repaired = String::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find('<')).map(|at| from + at) {
        let tail = text.get(at..).unwrap_or_default();
        match markup(tail) {
            Markup::Skip(length) => from = at + length,
            Markup::Rest => break,
            Markup::Stray => {
                repaired.push_str(text.get(copied..at).unwrap_or_default());
                repaired.push_str("&lt;");
                from = at + 1;
                copied = from;
            }
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    repaired.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(repaired)
}

enum Markup {
    /// Markup of this many bytes.
    Skip(usize),
    /// Unclosed up to the end: the reader reports the position.
    Rest,
    Stray,
}

fn markup(tail: &str) -> Markup {
    for (open, close) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")] {
        if let Some(inner) = tail.strip_prefix(open) {
            return match inner.find(close) {
                Some(end) => Markup::Skip(open.len() + end + close.len()),
                None => Markup::Rest,
            };
        }
    }
    if tail.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype")) {
        return Markup::Skip(9);
    }
    let name = tail.get(1..).unwrap_or_default();
    let name = name.strip_prefix('/').unwrap_or(name);
    let mut characters = name.char_indices();
    if !characters.next().is_some_and(|(_, first)| first.is_alphabetic() || first == '_') {
        return if name.is_empty() { Markup::Rest } else { Markup::Stray };
    }
    let is_link = ["mailto:", "tel:", "sms:", "callto:", "fax:", "http:", "https:", "ftp:", "cid:", "www."]
        .iter()
        .any(|start| name.get(..start.len()).is_some_and(|name| name.eq_ignore_ascii_case(start)));
    match characters.find(|(_, c)| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '-'))) {
        None => Markup::Rest,
        Some(_) if is_link => Markup::Stray,
        Some((at, c)) if c.is_whitespace() || matches!(c, '>' | '/') => Markup::Skip(at),
        Some(_) => Markup::Stray,
    }
}

#[cfg(test)]
mod tests {
    use super::escape_stray_angles;

    #[test]
    fn stray_angle_brackets_become_text_and_markup_stays() {
        let check = |text: &str, expected: &str| assert_eq!(escape_stray_angles(text), expected);
        check("<a>price < 5000, <3 and <jo@example.com></a>", "<a>price &lt; 5000, &lt;3 and &lt;jo@example.com></a>");
        check("<a><!-- < --><![CDATA[ < ]]><?x < ?></a >", "<a><!-- < --><![CDATA[ < ]]><?x < ?></a >");
        check("<url><https://x.example></url>", "<url>&lt;https://x.example></url>");
        check("<phone>1<tel:1></phone>", "<phone>1&lt;tel:1></phone>");
        check("<www.x.example>", "&lt;www.x.example>");
        check("<a b='1'/><c", "<a b='1'/><c");
        check("<!doctype adf><!x>", "<!doctype adf>&lt;!x>");
        check("<", "<");
    }
}
