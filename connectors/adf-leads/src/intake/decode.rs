//! Decodes bytes to text: byte order marks, declared charsets, and fallbacks for wrong declarations.
//!
//! Windows-1252 is the last resort: every byte sequence is valid in it, and mislabelled leads usually have it.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::refusal::{Refusal, RefusalCode};
use crate::warnings::Warnings;

/// The text, and warnings about its encoding.
#[derive(Debug)]
pub struct Decoded {
    /// The text without a byte order mark.
    pub text: String,
    /// Deviations: charset undeclared, unknown or wrong.
    pub notes: Warnings,
}

/// Decodes bytes; `charset` is that of the content type.
pub fn decode(bytes: &[u8], charset: Option<&str>) -> Result<Decoded, Refusal> {
    let mut notes = Warnings::default();
    if let Some(encoding) = utf16(bytes)? {
        let text = strict(bytes, encoding).ok_or_else(|| {
            let message = format!(
                "the byte order mark says {} but the bytes are not; ask the sender to send UTF-8",
                encoding.name()
            );
            Refusal::new(RefusalCode::Undecodable, message)
        })?;
        return Ok(Decoded { text, notes });
    }
    let label = charset.map(str::to_owned).or_else(|| xml_declaration_encoding(bytes));
    let encoding = match label.as_deref() {
        None => None,
        Some(label) => declared(label, bytes, &mut notes)?,
    };
    let text = match (std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)), encoding) {
        (Ok(text), Some(encoding)) if encoding == UTF_8 || text.is_ascii() && encoding.is_ascii_compatible() => {
            text.to_owned()
        }
        (Ok(text), None) => text.to_owned(),
        // Bytes above 127 are almost never valid UTF-8 by accident: the label is wrong.
        (Ok(text), Some(encoding)) if encoding.is_single_byte() || is_wide(encoding) => {
            notes.add("charset-mismatch", "", format!("declared as {} but is UTF-8; read as UTF-8", encoding.name()));
            text.to_owned()
        }
        (Err(_), None) => {
            notes.add("charset-undeclared", "", "no charset is declared and it is not UTF-8; read as windows-1252");
            strict(bytes, WINDOWS_1252).unwrap_or_default()
        }
        (Err(_), Some(encoding)) if encoding == UTF_8 || is_wide(encoding) => {
            notes.add(
                "charset-mismatch",
                "",
                format!("declared as {} but is not; read as windows-1252", encoding.name()),
            );
            strict(bytes, WINDOWS_1252).unwrap_or_default()
        }
        (_, Some(encoding)) => strict(bytes, encoding).ok_or_else(|| {
            let message =
                format!("declared as {} but the bytes are not; ask the sender to send UTF-8", encoding.name());
            Refusal::new(RefusalCode::Undecodable, message)
        })?,
    };
    Ok(Decoded { text, notes })
}

/// UTF-16 by its byte order mark, or by every other byte of the first characters being zero.
fn utf16(bytes: &[u8]) -> Result<Option<&'static Encoding>, Refusal> {
    if bytes.starts_with(&[0xFF, 0xFE, 0, 0])
        || bytes.starts_with(&[0, 0, 0xFE, 0xFF])
        || bytes.starts_with(&[0, 0, 0, b'<'])
    {
        let message = "the bytes are UTF-32, which is not supported; ask the sender to send UTF-8";
        return Err(Refusal::new(RefusalCode::Undecodable, message));
    }
    Ok(match bytes {
        [0xFF, 0xFE, ..] => Some(UTF_16LE),
        [0xFE, 0xFF, ..] => Some(UTF_16BE),
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Some(UTF_16LE),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => Some(UTF_16BE),
        _ => None,
    })
}

/// The encoding of a label. An unknown label is refused only if it matters.
fn declared(label: &str, bytes: &[u8], notes: &mut Warnings) -> Result<Option<&'static Encoding>, Refusal> {
    let known = Encoding::for_label_no_replacement(label.as_bytes());
    if known.is_some() {
        return Ok(known);
    }
    if std::str::from_utf8(bytes).is_ok() {
        notes.add("charset-unknown", "", "the declared charset is unknown; the text is valid UTF-8 and read as such");
        return Ok(Some(UTF_8));
    }
    let message = "the declared charset is unknown and the text is not UTF-8; ask the sender to send UTF-8";
    Err(Refusal::new(RefusalCode::Undecodable, message))
}

/// UTF-16 without a byte order mark or zero bytes is impossible: programs write the label by mistake.
fn is_wide(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

fn strict(bytes: &[u8], encoding: &'static Encoding) -> Option<String> {
    let (text, broken) = encoding.decode_with_bom_removal(bytes);
    (!broken).then(|| text.into_owned())
}

/// The encoding in an XML declaration within the first 2 KiB: some senders put other text before it.
fn xml_declaration_encoding(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(2048))?).into_owned();
    let declaration = head.get(head.find("<?xml")?..)?;
    let declaration = declaration.get(..declaration.find("?>")?)?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let label = value.get(1..)?.split(quote).next()?.trim();
    (!label.is_empty()).then(|| label.to_owned())
}
