//! The encodings in which targets and programs may echo a secret. Pure; stores nothing.
//!
//! Sources: base64 and hexadecimal (RFC 4648), percent-encoding (RFC 3986 section 2.1) and forms (WHATWG URL, section 5),
//! JSON strings (RFC 8259 section 7) and XML character data as common libraries write them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Shorter pieces of base64 would be found in texts without secrets.
const CORE_CHARACTERS: usize = 8;

/// All encodings of a secret, without duplicates.
pub(super) fn of(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut all: Vec<Vec<u8>> = vec![secret.to_vec()];
    base64(secret, &mut all);
    all.extend([hex::encode(secret).into_bytes(), hex::encode_upper(secret).into_bytes()]);
    percent(secret, &mut all);
    match std::str::from_utf8(secret) {
        Ok(text) => escaped(text, &mut all),
        // The secret as lossy UTF-8.
        Err(_) => all.push(String::from_utf8_lossy(secret).into_owned().into_bytes()),
    }
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(Zeroizing::new).collect()
}

/// The secret alone, and its base64 inside other bytes: `Bearer SECRET` encodes to different characters than `SECRET`,
/// in three ways that depend on the number of bytes before it.
fn base64(secret: &[u8], all: &mut Vec<Vec<u8>>) {
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        let text = engine.encode(secret);
        all.push(text.replace('+', "\\u002B").into_bytes());
        all.push(text.replace('/', "\\/").into_bytes());
        all.push(text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").into_bytes());
        all.push(text.into_bytes());
    }
    for before in 0..3_usize {
        let shifted = Zeroizing::new([vec![0; before].as_slice(), secret].concat());
        // Six-bit characters that contain bits of the secret only.
        let (from, until) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = Zeroizing::new(engine.encode(&*shifted));
            if let Some(core) = text.get(from..until).filter(|core| core.len() >= CORE_CHARACTERS) {
                all.push(core.as_bytes().to_vec());
            }
        }
    }
}

/// Forms, path segments, and JavaScript's `encodeURIComponent`; hex digits in both cases.
fn percent(secret: &[u8], all: &mut Vec<Vec<u8>>) {
    let form: String = url::form_urlencoded::byte_serialize(secret).collect();
    let percent = form.replace('+', "%20");
    let component = [("%7E", "~"), ("%21", "!"), ("%27", "'"), ("%28", "("), ("%29", ")")]
        .iter()
        .fold(percent.clone(), |text, (escape, plain)| text.replace(escape, plain));
    let lower = |text: &str| {
        let mut pieces = text.split('%');
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |text, piece| match piece.split_at_checked(2) {
            Some((digits, rest)) => format!("{text}%{}{rest}", digits.to_lowercase()),
            None => format!("{text}%{piece}"),
        })
    };
    for text in [percent.replace("%7E", "~"), component, percent, form] {
        all.extend([lower(&text).into_bytes(), text.into_bytes()]);
    }
}

/// JSON and XML strings, and this program's escapes of unprintable characters.
fn escaped(text: &str, all: &mut Vec<Vec<u8>>) {
    let json = serde_json::Value::from(text).to_string();
    let json = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&json).to_owned();
    let mut forms = vec![json.replace('/', "\\/")];
    // Libraries that escape for HTML (Go, PHP, .NET) or ASCII (Python) escape more, with digits of either case.
    for special in ["<>&", "<>&'", "<>&'+`"] {
        for upper in [false, true] {
            let plain = |c: char| c.is_ascii() && !special.contains(c);
            forms.push(unicode_escaped(&json, upper, plain));
            forms.push(unicode_escaped(&json, upper, |c| !special.contains(c)));
        }
    }
    forms.push(unicode_escaped(&json.replace("\\\"", "\""), true, |c| c.is_ascii() && !"<>&'+`\"".contains(c)));
    forms.extend([false, true].map(|upper| unicode_escaped(&json, upper, |c| c.is_ascii())));
    forms.push(json);
    let xml = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    for (quote, apostrophe) in
        [("&quot;", "&apos;"), ("&#34;", "&#39;"), ("&quot;", "&#39;"), ("&quot;", "&#x27;"), ("&quot;", "&#039;")]
    {
        forms.push(xml.replace('"', quote));
        forms.push(xml.replace('"', quote).replace('\'', apostrophe));
    }
    forms.push(xml);
    forms.extend([text.escape_default().to_string(), text.escape_debug().to_string()]);
    all.extend(forms.into_iter().map(String::into_bytes));
}

/// `\u0000` for every character that is not plain, in UTF-16 units.
fn unicode_escaped(text: &str, upper: bool, plain: impl Fn(char) -> bool) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if plain(c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = if upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
            }
        }
        out
    })
}
