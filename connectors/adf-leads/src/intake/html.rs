//! Removes HTML tags and escapes, so that ADF that is shown in a page or escaped in an envelope becomes ADF again.
//!
//! Not an HTML parser: it handles only what mail programs and web forms do to a text.

use crate::xml::references;

/// The visible text of HTML: tags removed, line-breaking tags replaced by line breaks, references resolved once.
pub fn to_text(html: &str) -> String {
    let mut bare = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        bare.push_str(before);
        let Some(end) = tag.find('>') else {
            rest = tag;
            break;
        };
        let name = tag.get(1..end).unwrap_or_default().trim_start_matches('/').to_ascii_lowercase();
        if ["br", "p", "div", "tr", "li", "pre"].iter().any(|line| name.split([' ', '/']).next() == Some(*line)) {
            bare.push('\n');
        }
        rest = tag.get(end + 1..).unwrap_or_default();
    }
    bare.push_str(rest);
    references::unescape(&bare, true).0
}

/// Whether the text contains an escaped tag that may be ADF.
pub fn has_escaped_tags(text: &str) -> bool {
    text.match_indices('&').any(|(at, _)| {
        let tail = text.get(at..).unwrap_or_default();
        ["&lt;", "&#60;", "&#060;", "&#x3c;", "&#x3C;", "&amp;lt;"].iter().any(|escape| tail.starts_with(escape))
    })
}

/// Decodes `application/x-www-form-urlencoded` as a whole; `&` between fields stays, which is harmless here.
pub fn form_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                let digits = (ahead.next().and_then(hex), ahead.next().and_then(hex));
                if let (Some(high), Some(low)) = digits {
                    out.push(high * 16 + low);
                    bytes = ahead;
                } else {
                    out.push(byte);
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
