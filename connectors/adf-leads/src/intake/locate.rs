//! Finds ADF in a text: plain, inside CDATA, or escaped in HTML; checks what precedes it.
//!
//! Each pass over the text is linear, and a text is unescaped at most twice.

use super::{Document, html};
use crate::refusal::{Refusal, RefusalCode};
use crate::warnings::{Warnings, excerpt};
use crate::xml::{Content, Element, Limits, Parsed, read_element, repair};

/// How often escaped ADF is unescaped: once for HTML, once more for HTML inside an XML envelope.
const MAX_UNESCAPES: usize = 2;
/// Maximum number of DOCTYPEs to inspect; each may be scanned to the end of the text.
const MAX_DOCTYPES: usize = 8;
/// Maximum number of ADF documents in a text.
const MAX_DOCUMENTS: usize = 1000;

/// All ADF documents in the text; `notes` receives warnings about the text as a whole.
pub fn documents(text: &str, mut notes: Warnings, limits: &Limits) -> Result<Vec<Document>, Refusal> {
    let mut text = text.trim_start_matches('\u{feff}').to_owned();
    for _ in 0..=MAX_UNESCAPES {
        for name in ["adf", "prospect"] {
            let found = in_plain_text(&text, name, &notes, limits)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        if !html::has_escaped_tags(&text) {
            break;
        }
        text = html::to_text(&text);
        notes.add_once("adf-in-html", "", "the ADF was escaped inside HTML or another envelope and was unescaped");
    }
    Err(not_found())
}

/// The refusal if there is no ADF at all.
pub fn not_found() -> Refusal {
    Refusal::new(
        RefusalCode::NotFound,
        "no `<adf>` and no `<prospect>` in the document; expected ADF/XML 1.0 or a mail with it",
    )
}

fn in_plain_text(text: &str, name: &str, notes: &Warnings, limits: &Limits) -> Result<Vec<Document>, Refusal> {
    if find_tag(text, name).is_none() {
        return Ok(Vec::new());
    }
    let text = repair::escape_stray_angles(text);
    let mut documents: Vec<Document> = Vec::new();
    let mut rest: &str = &text;
    while let Some(at) = find_tag(rest, name) {
        if documents.len() >= MAX_DOCUMENTS {
            let message = format!("more than {MAX_DOCUMENTS} ADF documents in one text; send fewer at a time");
            return Err(Refusal::new(RefusalCode::TooManyProspects, message));
        }
        let (before, from) = rest.split_at(at);
        let mut notes = notes.clone();
        if matches!(text, std::borrow::Cow::Owned(_)) {
            notes.add_once("less-than-unescaped", "", "a `<` that starts no tag is read as text; ADF requires `&lt;`");
        }
        prologue(before, name, &mut notes)?;
        let Parsed { root, length } = read_element(from, limits, &mut notes)?;
        let adf = as_adf(unfold(root, limits, &mut notes)?);
        documents.push(Document { adf, notes });
        rest = from.get(length..).unwrap_or_default();
    }
    if let Some(last) = documents.last_mut()
        && !is_bare(rest)
    {
        last.notes.add_once("text-around-adf", "", AROUND);
    }
    Ok(documents)
}

const AROUND: &str = "other text around the ADF is ignored";

/// Position of a start tag with this local name, in any case and with any prefix.
fn find_tag(text: &str, name: &str) -> Option<usize> {
    text.match_indices('<').map(|(at, _)| at).find(|at| {
        let tail = text.get(at + 1..).unwrap_or_default();
        let end = tail.bytes().take(64).position(|byte| matches!(byte, b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n'));
        let tag = end.and_then(|end| tail.get(..end)).unwrap_or_default();
        tag.rsplit(':').next().unwrap_or_default().eq_ignore_ascii_case(name)
    })
}

/// Checks what precedes the element: DOCTYPE, the ADF instruction, other text.
fn prologue(before: &str, name: &str, notes: &mut Warnings) -> Result<(), Refusal> {
    doctype(before, notes)?;
    let lower = before.to_ascii_lowercase();
    match lower.rfind("<?adf") {
        None => notes.add_once("adf-instruction-missing", "", "the instruction `<?adf version=\"1.0\"?>` is missing"),
        Some(at) => {
            if before.get(at..at + 5) != Some("<?adf") {
                notes.add_once("adf-instruction-case", "", "the instruction `<?adf …?>` is written with capitals");
            }
            if lower.get(at..).is_some_and(|after| after.contains("<?xml")) {
                let message = "the instruction `<?adf …?>` precedes the XML declaration, which must come first";
                notes.add_once("adf-instruction-before-declaration", "", message);
            }
        }
    }
    if name != "adf" {
        notes.add_once("adf-element-missing", "", "there is a `<prospect>` but no `<adf>` around it");
    }
    if before.rfind("<![CDATA[").is_some_and(|open| before.rfind("]]>").is_none_or(|close| close < open)) {
        notes.add_once("adf-in-cdata", "", "the whole ADF was wrapped in CDATA");
    } else if !is_bare(before) {
        notes.add_once("text-around-adf", "", AROUND);
    }
    Ok(())
}

/// Refuses a DOCTYPE with an internal subset and any entity declaration; notes a plain DOCTYPE.
fn doctype(before: &str, notes: &mut Warnings) -> Result<(), Refusal> {
    let lower = before.to_ascii_lowercase();
    let refusal = |what: &str| {
        let message = format!("{what} before `<adf>`; declarations are never expanded; ask the sender to remove them");
        Err(Refusal::new(RefusalCode::EntityDeclaration, message))
    };
    if lower.contains("<!entity") {
        return refusal("found an entity declaration");
    }
    for (number, (at, start)) in lower.match_indices("<!doctype").enumerate() {
        if number >= MAX_DOCTYPES {
            let message = format!("more than {MAX_DOCTYPES} DOCTYPEs before `<adf>`");
            return Err(Refusal::new(RefusalCode::Malformed, message));
        }
        let mut quote = None;
        for character in lower.get(at + start.len()..).unwrap_or_default().chars() {
            match (quote, character) {
                (None, '[') => return refusal("found a DOCTYPE with an internal subset"),
                (None, '>') => break,
                (None, '"' | '\'') => quote = Some(character),
                (Some(open), close) if open == close => quote = None,
                _ => {}
            }
        }
        if !lower.get(at + start.len()..).is_some_and(|rest| rest.trim_start().starts_with("html")) {
            notes.add_once("doctype-ignored", "", "a DOCTYPE is ignored; nothing is fetched");
        }
    }
    Ok(())
}

/// Whether a text contains only white space, comments, instructions, a DOCTYPE and ends of CDATA.
fn is_bare(text: &str) -> bool {
    let mut rest = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    while !rest.is_empty() {
        let tail = [("<!--", "-->"), ("<?", "?>"), ("<!", ">"), ("]]>", "")].iter().find_map(|(open, close)| {
            let inner = rest.strip_prefix(open)?;
            let end = inner.find(close)?;
            inner.get(end + close.len()..)
        });
        match tail {
            Some(tail) => rest = tail.trim_start(),
            None => return false,
        }
    }
    true
}

/// Parses the text content of an `<adf>` or `<prospect>` again, because it was wrapped in CDATA or escaped.
fn unfold(mut element: Element, limits: &Limits, notes: &mut Warnings) -> Result<Element, Refusal> {
    if element.name == "adf" {
        let mut content = Vec::with_capacity(element.content.len());
        for piece in element.content {
            content.push(match piece {
                Content::Element(child) if child.name == "prospect" => {
                    Content::Element(unfold_one(child, limits, notes)?)
                }
                other => other,
            });
        }
        element.content = content;
    }
    unfold_one(element, limits, notes)
}

fn unfold_one(element: Element, limits: &Limits, notes: &mut Warnings) -> Result<Element, Refusal> {
    if element.has_children() {
        return Ok(element);
    }
    let text = element.text();
    let Some(at) = text.find('<') else { return Ok(element) };
    doctype(&text, notes)?;
    let message = format!("the content of `<{}>` was wrapped in CDATA or escaped", excerpt(&element.name));
    notes.add_once("adf-in-cdata", "", message);
    let inner = text.get(find_tag(&text, &element.name).unwrap_or(at)..).unwrap_or_default();
    let text = if find_tag(inner, &element.name) == Some(0) {
        inner.to_owned()
    } else {
        format!("<{0}>{inner}</{0}>", element.name)
    };
    let Parsed { mut root, .. } = read_element(&repair::escape_stray_angles(&text), limits, notes)?;
    root.attributes.extend(element.attributes);
    Ok(root)
}

/// Wraps a lone `<prospect>` in an `<adf>`.
fn as_adf(element: Element) -> Element {
    if element.name == "adf" {
        return element;
    }
    Element { name: "adf".to_owned(), attributes: Vec::new(), content: vec![Content::Element(element)] }
}
