//! From the bytes of an event to ADF elements: decodes, opens mails, extracts ADF from the surrounding text.
//!
//! It does not interpret a lead's content; `read` does.

pub mod decode;
pub mod html;
pub mod locate;
pub mod mail;
pub mod mime;

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
    if let Some(multipart) = mail::multipart_form(origin.content_type) {
        return mail::open_multipart(bytes, multipart, &limits);
    }
    if mail::looks_like_mail(bytes, origin) {
        return mail::open(bytes, &limits);
    }
    let charset = origin.content_type.and_then(mime::charset);
    let decoded = decode::decode(bytes, charset.as_deref())?;
    if origin.content_type.is_some_and(|kind| mime::is(kind, "application/x-www-form-urlencoded")) {
        return locate::documents(&html::form_decode(&decoded.text), decoded.notes, &limits);
    }
    locate::documents(&decoded.text, decoded.notes, &limits)
}
