//! From the bytes of an event to ADF elements: decodes, opens mails, extracts ADF from the surrounding text.
//!
//! It does not interpret a lead's content; `read` does.

pub mod decode;
pub mod flowed;
pub mod html;
pub mod locate;
pub mod mail;
pub mod mbox;
pub mod mime;

use std::borrow::Cow;

use crate::refusal::{Refusal, RefusalCode};
use crate::warnings::Warnings;
use crate::xml::{Element, Limits};

/// An `<adf>` element or its replacement, with warnings about its packaging.
#[derive(Debug)]
pub struct Document {
    /// The element that contains the prospects.
    pub adf: Element,
    /// Deviations of the whole document.
    pub notes: Warnings,
}

/// Metadata of the bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    /// Media type with parameters, as received.
    pub content_type: Option<&'a str>,
    /// Name of a dropped file.
    pub file_name: Option<&'a str>,
}

/// Finds all ADF documents in the bytes.
pub fn open(bytes: &[u8], origin: Origin<'_>, max_bytes: usize) -> Result<Vec<Document>, Refusal> {
    if bytes.len() > max_bytes {
        let message = format!(
            "the document has {} bytes, more than `max-document-bytes` = {max_bytes}; send it without large attachments",
            bytes.len()
        );
        return Err(Refusal::new(RefusalCode::TooLarge, message));
    }
    let limits = Limits::default();
    let charset = origin.content_type.and_then(mime::charset);
    // What begins with `<` is markup, whatever the label says: programs label every body as a form or a mail.
    if starts_with_markup(bytes) {
        let decoded = decode::decode(bytes, charset.as_deref())?;
        return locate::documents(&decoded.text, decoded.notes, &limits);
    }
    let bytes = &*with_line_feeds(bytes);
    if let Some(multipart) = mail::multipart_form(origin.content_type) {
        return mail::open_multipart(bytes, multipart, &limits);
    }
    if mbox::looks_like_mbox(bytes) {
        return open_mbox(bytes, &limits);
    }
    if mail::looks_like_mail(bytes, origin) {
        return mail::open(bytes, &limits);
    }
    let decoded = decode::decode(bytes, charset.as_deref())?;
    let is_form = origin.content_type.is_some_and(|kind| mime::is(kind, "application/x-www-form-urlencoded"));
    if is_form && !decoded.text.contains('<') {
        return open_form(&decoded, &limits);
    }
    locate::documents(&decoded.text, decoded.notes, &limits)
}

/// Whether the first character after white space and a byte order mark is `<`.
fn starts_with_markup(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let bytes = bytes.strip_prefix(b"\xFF\xFE").or_else(|| bytes.strip_prefix(b"\xFE\xFF")).unwrap_or(bytes);
    bytes.iter().find(|byte| **byte != 0 && !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// Old programs end lines with a bare carriage return.
fn with_line_feeds(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.contains(&b'\n') || !bytes.contains(&b'\r') {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned(bytes.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect())
}

/// Opens every mail of an mbox. A mail without a lead is no error beside others.
fn open_mbox(bytes: &[u8], limits: &Limits) -> Result<Vec<Document>, Refusal> {
    let mut found: Vec<Document> = Vec::new();
    let mut refusals = Vec::new();
    for mail in mbox::mails(bytes) {
        match mail::open(&mail, limits) {
            Ok(documents) => found.extend(documents),
            Err(refusal) => refusals.push(refusal),
        }
    }
    let worst = refusals.iter().find(|refusal| refusal.code != RefusalCode::NotFound);
    match worst {
        Some(refusal) if found.is_empty() => return Err(refusal.clone()),
        Some(refusal) => {
            let message = format!("another mail of the file was not read: {refusal}");
            found.iter_mut().for_each(|document| document.notes.add("mail-part-unreadable", "", message.clone()));
        }
        None if found.is_empty() => return Err(refusals.into_iter().next().unwrap_or_else(locate::not_found)),
        None => {}
    }
    Ok(found)
}

/// Opens the fields of a form; a body without fields is one value.
fn open_form(decoded: &decode::Decoded, limits: &Limits) -> Result<Vec<Document>, Refusal> {
    let whole = html::form_decode(&decoded.text);
    let is_bare = whole.trim_start_matches('\u{feff}').trim_start().starts_with('<');
    if !is_bare {
        let fields = decoded.text.split('&').filter_map(|field| field.split_once('='));
        let fields = fields.map(|(_, value)| html::form_decode(value).into_bytes()).filter(|value| !value.is_empty());
        match mail::open_fields(fields.collect(), limits) {
            Err(refusal) if matches!(refusal.code, RefusalCode::NotFound | RefusalCode::MailUnreadable) => {}
            opened => return opened,
        }
    }
    locate::documents(&whole, decoded.notes.clone(), limits)
}
