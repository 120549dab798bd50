//! Opens RFC 5322 mails: walks the MIME parts and reads ADF from the most likely parts.
//!
//! mail-parser parses header blocks and transfer encodings. The walk is our own, because it must limit nesting and
//! parts, and needs the parts' bytes before any charset is applied.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{MessageParser, MimeHeaders};

use super::{Document, Origin, decode, flowed, locate, mime};
use crate::refusal::{Refusal, RefusalCode};
use crate::xml::Limits;

/// Maximum nesting of multiparts and attached mails.
const MAX_DEPTH: usize = 8;
/// Maximum number of leaf parts of a mail.
const MAX_PARTS: usize = 100;
/// Size limit of the header block of a part, in bytes.
const MAX_HEAD_BYTES: usize = 128 * 1024;

/// Header names that distinguish a mail from other text with colons.
pub(super) const MAIL_HEADERS: [&str; 11] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "received",
    "return-path",
    "delivered-to",
    "reply-to",
];

/// Whether the bytes are a mail: they start with a header block. A label does not make a document a mail, but with one
/// any header will do.
pub fn looks_like_mail(bytes: &[u8], origin: Origin<'_>) -> bool {
    let said = origin.content_type.is_some_and(|kind| mime::is(kind, "message/rfc822"))
        || origin.file_name.is_some_and(|name| name.to_ascii_lowercase().ends_with(".eml"));
    let head = bytes.get(..bytes.len().min(16 * 1024)).unwrap_or_default();
    let head = head.trim_ascii_start();
    let mut known = false;
    let mut headers = 0;
    for (number, line) in head.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") || number == 0 && line.starts_with(b"From ") {
            continue;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return said && known };
        let name = line.get(..colon).unwrap_or_default();
        if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_graphic()) || name.contains(&b'<') {
            return said && known;
        }
        headers += 1;
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        known = known || MAIL_HEADERS.contains(&name.as_str());
    }
    known || said && headers > 0
}

/// The content type, if it is a multipart with a boundary: a form or mail service that posts parts.
pub fn multipart_form(content_type: Option<&str>) -> Option<&str> {
    content_type.filter(|kind| {
        mime::essence(kind).to_ascii_lowercase().starts_with("multipart/")
            && mime::parameter(kind, "boundary").is_some()
    })
}

/// Opens a mail.
pub fn open(bytes: &[u8], limits: &Limits) -> Result<Vec<Document>, Refusal> {
    let mut leaves = Vec::new();
    walk(bytes.trim_ascii_start(), 0, &mut leaves)?;
    documents(leaves, limits)
}

/// Opens a body whose multipart content type came with the request.
pub fn open_multipart(bytes: &[u8], content_type: &str, limits: &Limits) -> Result<Vec<Document>, Refusal> {
    let mut leaves = Vec::new();
    let boundary = mime::parameter(content_type, "boundary").unwrap_or_default();
    split(bytes, &boundary, 1, &mut leaves)?;
    documents(leaves, limits)
}

/// Opens the fields of a form: mail services post a mail's text, its HTML or the whole mail in fields.
pub fn open_fields(fields: Vec<Vec<u8>>, limits: &Limits) -> Result<Vec<Document>, Refusal> {
    let mut leaves = Vec::new();
    for bytes in fields {
        if looks_like_mail(&bytes, Origin::default()) {
            walk(bytes.trim_ascii_start(), 0, &mut leaves)?;
        } else if leaves.len() < MAX_PARTS {
            leaves.push(Leaf { rank: rank_of_field(&bytes), charset: None, bytes, is_tnef: false });
        }
    }
    documents(leaves, limits)
}

fn rank_of_field(bytes: &[u8]) -> Rank {
    let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(200)).unwrap_or_default())
        .trim_start()
        .to_ascii_lowercase();
    if start.starts_with("<?xml") || start.starts_with("<?adf") || start.starts_with("<adf") {
        Rank::Xml
    } else if start.starts_with('<') {
        Rank::Html
    } else {
        Rank::PlainText
    }
}

/// How likely a part contains the ADF; only the most likely kind that contains any is used, the others are copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Xml,
    PlainText,
    Html,
    Other,
}

#[derive(Debug)]
struct Leaf {
    rank: Rank,
    charset: Option<String>,
    bytes: Vec<u8>,
    is_tnef: bool,
}

fn walk(bytes: &[u8], depth: usize, leaves: &mut Vec<Leaf>) -> Result<(), Refusal> {
    if depth > MAX_DEPTH || leaves.len() >= MAX_PARTS {
        let message = format!(
            "the mail has more than {MAX_PARTS} parts or nests deeper than {MAX_DEPTH}; send the lead separately"
        );
        return Err(Refusal::new(RefusalCode::MailUnreadable, message));
    }
    let (head, body) = split_head(bytes)?;
    let parser = MessageParser::new().with_mime_headers();
    let headers = parser.parse_headers(&head);
    let content_type = headers.as_ref().and_then(|message| message.content_type());
    let kind = content_type.map_or_else(
        || "text/plain".to_owned(),
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()).to_ascii_lowercase(),
    );
    refuse_encrypted(&kind, body)?;
    if kind.starts_with("multipart/")
        && let Some(boundary) = content_type.and_then(|kind| kind.attribute("boundary"))
    {
        return split(body, boundary, depth + 1, leaves);
    }
    let transfer = headers.as_ref().and_then(|message| message.content_transfer_encoding()).unwrap_or_default();
    let decoded = decode_transfer(transfer, body);
    if kind == "message/rfc822" {
        return walk(decoded.trim_ascii_start(), depth + 1, leaves);
    }
    let is_flowed = |name: &str, value: &str| {
        content_type.and_then(|kind| kind.attribute(name)).is_some_and(|found| found.eq_ignore_ascii_case(value))
    };
    let decoded = if kind == "text/plain" && is_flowed("format", "flowed") {
        flowed::unfold(&decoded, is_flowed("delsp", "yes"))
    } else {
        decoded
    };
    let file_name =
        headers.as_ref().and_then(|message| message.attachment_name()).unwrap_or_default().to_ascii_lowercase();
    // A form's part may hold a whole mail without saying so.
    if depth > 0
        && kind.starts_with("text/plain")
        && looks_like_mail(&decoded, Origin::default())
        && has_blank_line(&decoded)
    {
        return walk(decoded.trim_ascii_start(), depth + 1, leaves);
    }
    if let Some(rank) = rank(&kind, &file_name) {
        let charset = content_type.and_then(|kind| kind.attribute("charset")).map(str::to_owned);
        leaves.push(Leaf {
            rank,
            charset,
            bytes: decoded,
            is_tnef: kind == "application/ms-tnef" || file_name == "winmail.dat",
        });
    }
    Ok(())
}

/// The header block with its blank line, and the rest.
fn split_head(bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), Refusal> {
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if at > MAX_HEAD_BYTES {
            let message = format!("a header block is longer than {MAX_HEAD_BYTES} bytes");
            return Err(Refusal::new(RefusalCode::MailUnreadable, message));
        }
        at += line.len();
        if line.trim_ascii().is_empty() {
            break;
        }
    }
    let (head, body) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    let mut head = head.to_vec();
    head.extend_from_slice(b"\r\n\r\n");
    Ok((head, body))
}

/// Iterates over the parts between boundary lines.
fn split(body: &[u8], boundary: &str, depth: usize, leaves: &mut Vec<Leaf>) -> Result<(), Refusal> {
    let mut part_start = None;
    let mut at = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let start = at;
        at += line.len();
        let Some(rest) = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes())) else {
            continue;
        };
        let rest = rest.trim_ascii_end();
        if !rest.is_empty() && rest != b"--" {
            continue;
        }
        if let Some(from) = part_start {
            walk(body.get(from..start).unwrap_or_default(), depth, leaves)?;
        }
        part_start = (rest != b"--").then_some(at);
    }
    // A mail that is cut off in its last part is still read; the ADF in it is then reported as truncated.
    match part_start {
        Some(from) => walk(body.get(from..).unwrap_or_default(), depth, leaves),
        None => Ok(()),
    }
}

/// Whether a header block can end in these bytes: text such as `From: …` at the top of a forwarded mail has no end.
fn has_blank_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\n\n") || bytes.windows(4).any(|four| four == b"\r\n\r\n")
}

fn decode_transfer(encoding: &str, body: &[u8]) -> Vec<u8> {
    // A part that does not match its header is used as it is: senders label plain ADF quoted-printable.
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => base64_decode(body).filter(|decoded| !decoded.is_empty()),
        "quoted-printable" => quoted_printable_decode(body),
        _ => None,
    }
    .unwrap_or_else(|| body.to_vec())
}

fn rank(kind: &str, file_name: &str) -> Option<Rank> {
    if mime::is_xml(kind) || file_name.ends_with(".xml") || file_name.ends_with(".adf") {
        return Some(Rank::Xml);
    }
    match kind.split('/').next().unwrap_or_default() {
        "image" | "audio" | "video" | "font" => None,
        "text" if kind == "text/html" => Some(Rank::Html),
        "text" => Some(Rank::PlainText),
        _ if kind == "application/xhtml+xml" => Some(Rank::Html),
        _ => Some(Rank::Other),
    }
}

fn refuse_encrypted(kind: &str, body: &[u8]) -> Result<(), Refusal> {
    let sealed = matches!(
        kind,
        "multipart/encrypted" | "application/pgp-encrypted" | "application/pkcs7-mime" | "application/x-pkcs7-mime"
    ) || body.trim_ascii_start().starts_with(b"-----BEGIN PGP MESSAGE-----");
    if !sealed {
        return Ok(());
    }
    let message =
        format!("the mail part {kind} is encrypted or opaquely signed; ask the sender to send it unencrypted");
    Err(Refusal::new(RefusalCode::MailEncrypted, message))
}

fn documents(mut leaves: Vec<Leaf>, limits: &Limits) -> Result<Vec<Document>, Refusal> {
    leaves.sort_by_key(|leaf| leaf.rank);
    let mut found: Vec<Document> = Vec::new();
    let mut found_rank = None;
    let mut first_refusal: Option<Refusal> = None;
    for leaf in &leaves {
        if found_rank.is_some_and(|rank| rank != leaf.rank) {
            break;
        }
        match leaf_documents(leaf, limits) {
            Ok(documents) => {
                found_rank = Some(leaf.rank);
                found.extend(documents);
            }
            Err(refusal) if refusal.code == RefusalCode::EntityDeclaration => return Err(refusal),
            Err(refusal) if refusal.code == RefusalCode::NotFound => {}
            Err(refusal) => first_refusal = first_refusal.or(Some(refusal)),
        }
    }
    if found.is_empty() {
        return Err(first_refusal.unwrap_or_else(|| nothing_found(&leaves)));
    }
    if let Some(refusal) = first_refusal {
        for document in &mut found {
            document.notes.add("mail-part-unreadable", "", format!("another part of the mail was not read: {refusal}"));
        }
    }
    Ok(found)
}

fn leaf_documents(leaf: &Leaf, limits: &Limits) -> Result<Vec<Document>, Refusal> {
    let decoded = match decode::decode(&leaf.bytes, leaf.charset.as_deref()) {
        // A PDF or a spreadsheet is not a broken lead.
        Err(_) if leaf.rank == Rank::Other => return Err(locate::not_found()),
        other => other?,
    };
    locate::documents(&decoded.text, decoded.notes, limits)
}

fn nothing_found(leaves: &[Leaf]) -> Refusal {
    if leaves.iter().any(|leaf| leaf.is_tnef) {
        let message = "the mail is in Outlook's own format (winmail.dat); ask the sender to send plain text or HTML";
        return Refusal::new(RefusalCode::MailUnreadable, message);
    }
    if leaves.is_empty() {
        return Refusal::new(
            RefusalCode::MailUnreadable,
            "the mail has no part with text; expected ADF as text or attachment",
        );
    }
    let mut refusal = locate::not_found();
    refusal.message =
        format!("none of the mail's {} parts contains ADF; expected `<adf>` as text, HTML or attachment", leaves.len());
    refusal
}
