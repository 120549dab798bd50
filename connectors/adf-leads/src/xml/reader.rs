//! The tolerant reader: quick-xml events in, an `Element` out, with a warning for every repair.
//!
//! It must stay linear in the input: the stack is limited by depth, and nothing is visited twice.

use quick_xml::Reader;
use quick_xml::errors::Error as XmlError;
use quick_xml::events::{BytesStart, Event};

use super::references::{self, Reference};
use super::{Content, Element};
use crate::refusal::{Refusal, RefusalCode};
use crate::warnings::{Warnings, excerpt};

/// Limits of the reader.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Maximum nesting of elements.
    pub depth: usize,
    /// Maximum number of elements in a document.
    pub elements: usize,
    /// Maximum number of attributes of an element.
    pub attributes: usize,
}

impl Default for Limits {
    /// ADF has a depth of 6 and a long lead some 200 elements; these limits are generous.
    fn default() -> Self {
        Self { depth: 32, elements: 50_000, attributes: 32 }
    }
}

/// An element and its length in the text.
#[derive(Debug)]
pub struct Parsed {
    /// The element with its content.
    pub root: Element,
    /// Bytes from the start of the text to the end of the element's end tag.
    pub length: usize,
}

/// Parses the element at the start of the text; the rest is ignored.
pub fn read_element(text: &str, limits: &Limits, notes: &mut Warnings) -> Result<Parsed, Refusal> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    let mut builder = Builder { open: Vec::new(), root: None, elements: 0, prospects: 0, limits, notes };
    while builder.root.is_none() {
        let event = reader.read_event().map_err(|error| builder.syntax(&error, reader.buffer_position()))?;
        match event {
            Event::Start(tag) => builder.start(&tag, false)?,
            Event::Empty(tag) => builder.start(&tag, true)?,
            Event::End(tag) => builder.end(tag.local_name().as_ref()),
            Event::Text(piece) => builder.text(&piece),
            Event::CData(piece) => builder.push(&piece),
            Event::GeneralRef(reference) => builder.reference(&reference),
            Event::DocType(declaration) => builder.doctype(&declaration)?,
            Event::PI(instruction) => builder.instruction(instruction.target()),
            Event::Comment(_) | Event::Decl(_) => {}
            Event::Eof => return Err(builder.truncated(reader.buffer_position())),
        }
    }
    let length = usize::try_from(reader.buffer_position()).unwrap_or(text.len()).min(text.len());
    builder.root.map(|root| Parsed { root, length }).ok_or_else(|| {
        Refusal::new(
            RefusalCode::Malformed,
            "the document contains no element; expected `<adf>` with a `<prospect>` inside",
        )
    })
}

struct Builder<'a> {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
    prospects: usize,
    limits: &'a Limits,
    notes: &'a mut Warnings,
}

impl Builder<'_> {
    fn start(&mut self, tag: &BytesStart<'_>, empty: bool) -> Result<(), Refusal> {
        let local = tag.local_name();
        let name = local.as_ref().to_lowercase();
        if name != local.as_ref() {
            let message = format!("`<{}>` contains capitals; ADF names are lower case", excerpt(local.as_ref()));
            self.notes.add_once("tag-case", self.path(), message);
        }
        self.elements += 1;
        if self.elements > self.limits.elements {
            let message = format!("more than {} elements; send fewer prospects in one document", self.limits.elements);
            return Err(Refusal::new(RefusalCode::TooLarge, message));
        }
        if self.open.len() >= self.limits.depth {
            let message = format!("{} is nested deeper than {} elements", self.path(), self.limits.depth);
            return Err(Refusal::new(RefusalCode::TooDeep, message));
        }
        match name.as_str() {
            "adf" if !self.open.is_empty() => return Err(self.restarted()),
            "prospect" if self.is_open("prospect") => {
                let path = format!("prospect[{}]", self.prospects.saturating_sub(1));
                self.notes.add(
                    "tag-not-closed",
                    path,
                    "`<prospect>` has no end tag; it ends where the next one starts",
                );
                self.close_through("prospect", false);
            }
            // A line break or rule has no end tag in HTML, and appears only in text.
            "br" | "hr" => {
                self.notes.add_once("html-in-text", self.path(), "HTML line breaks in the ADF are read as line breaks");
                self.push_clean("\n");
                return Ok(());
            }
            other if is_leaf(other) && self.open.last().is_some_and(|top| is_leaf(&top.name)) => {
                self.note_unclosed();
                self.close();
            }
            _ => {}
        }
        self.prospects += usize::from(name == "prospect");
        let attributes = self.attributes(tag);
        self.open.push(Element { name, attributes, content: Vec::new() });
        if empty {
            self.close();
        }
        Ok(())
    }

    fn attributes(&mut self, tag: &BytesStart<'_>) -> Vec<(String, String)> {
        let mut attributes = Vec::new();
        for attribute in tag.html_attributes().with_checks(false).take(self.limits.attributes) {
            let Ok(attribute) = attribute else {
                let message =
                    format!("an attribute of `<{}>` cannot be read and is ignored", excerpt(tag.name().as_ref()));
                self.notes.add("attribute-malformed", self.path(), message);
                break;
            };
            let key = attribute.key.local_name().as_ref().to_lowercase();
            let (value, unresolved) = references::unescape(&attribute.value, false);
            if unresolved {
                let message =
                    format!("attribute `{}` holds a bare `&` or an unknown entity, kept as written", excerpt(&key));
                self.notes.add("ampersand-unescaped", self.path(), message);
            }
            let value = self.clean(&value);
            attributes.push((key, value));
        }
        attributes
    }

    fn end(&mut self, raw: &str) {
        let name = raw.to_lowercase();
        if matches!(name.as_str(), "br" | "hr") {
            return;
        }
        if self.is_open(&name) {
            self.close_through(&name, true);
        } else if self.open.last().is_some_and(|top| is_leaf(&top.name) && is_misspelt(&name, &top.name)) {
            let message = format!("`</{}>` is read as the end tag", excerpt(raw));
            self.notes.add("tag-not-closed", self.path(), message);
            self.close();
        } else {
            let message = format!("`</{}>` matches no open element and is ignored", excerpt(raw));
            self.notes.add("tag-not-opened", self.path(), message);
        }
    }

    /// Closes elements up to and including the innermost one with this name.
    fn close_through(&mut self, name: &str, warn: bool) {
        while let Some(element) = self.open.last() {
            let found = element.name == name;
            if !found && warn {
                self.note_unclosed();
            }
            self.close();
            if found {
                return;
            }
        }
    }

    fn note_unclosed(&mut self) {
        let name = self.open.last().map(|element| excerpt(&element.name)).unwrap_or_default();
        self.notes.add("tag-not-closed", self.path(), format!("`<{name}>` has no end tag; it ends here"));
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.content.push(Content::Element(element)),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, piece: &str) {
        if piece.contains('&') {
            let message = "a bare `&` is kept as written; ADF requires `&amp;`";
            self.notes.add("ampersand-unescaped", self.path(), message);
        }
        self.push(piece);
    }

    fn push(&mut self, piece: &str) {
        if piece.chars().all(references::is_allowed) {
            self.push_clean(piece);
            return;
        }
        let clean = self.clean(piece);
        self.push_clean(&clean);
    }

    /// A text without control characters: those of Windows programs become what they stand for, others are dropped.
    fn clean(&mut self, piece: &str) -> String {
        let replaced: String = piece.chars().map(|c| references::windows_1252(c).unwrap_or(c)).collect();
        if replaced != piece {
            let message = "control characters are read as those of windows-1252 with the same numbers";
            self.notes.add_once("character-replaced", self.path(), message);
        }
        if replaced.chars().all(references::is_allowed) {
            return replaced;
        }
        self.notes.add_once("character-invalid", self.path(), "control characters are dropped");
        replaced.chars().filter(|c| references::is_allowed(*c)).collect()
    }

    fn push_clean(&mut self, piece: &str) {
        if let Some(element) = self.open.last_mut() {
            element.push_text(piece);
        }
    }

    fn reference(&mut self, name: &str) {
        match references::resolve(name) {
            Reference::Character(character) => {
                if references::is_windows_number(name) {
                    let message = "a reference to a control character is read as windows-1252";
                    self.notes.add_once("character-replaced", self.path(), message);
                }
                self.push(character.encode_utf8(&mut [0; 4]));
            }
            Reference::Html(text) => {
                let message = format!("`&{};` is an entity of HTML; XML does not define it", excerpt(name));
                self.notes.add_once("entity-html", self.path(), message);
                self.push(text);
            }
            Reference::Forbidden => {
                let message = format!("`&{};` is not a character and is dropped", excerpt(name));
                self.notes.add("character-invalid", self.path(), message);
            }
            Reference::Unknown if !name.chars().all(|c| c.is_ascii_alphanumeric()) => self.text(&format!("&{name};")),
            Reference::Unknown => {
                let message = format!("`&{};` is not expanded and stays as written", excerpt(name));
                self.notes.add("entity-unknown", self.path(), message);
                self.push(&format!("&{name};"));
            }
        }
    }

    fn doctype(&mut self, declaration: &str) -> Result<(), Refusal> {
        if declaration.contains('[') {
            let message = format!("{} contains a DOCTYPE with declarations, which are not accepted", self.path());
            return Err(Refusal::new(RefusalCode::EntityDeclaration, message));
        }
        self.notes.add_once("doctype-ignored", self.path(), "a DOCTYPE is ignored; nothing is fetched");
        Ok(())
    }

    fn instruction(&mut self, target: &str) {
        if target.eq_ignore_ascii_case("adf") {
            let message = "the instruction `<?adf …?>` is inside the document; it must precede `<adf>`";
            self.notes.add_once("adf-instruction-misplaced", self.path(), message);
        }
    }

    fn is_open(&self, name: &str) -> bool {
        self.open.iter().any(|element| element.name == name)
    }

    fn path(&self) -> String {
        let names = self.open.iter().map(|element| match element.name.as_str() {
            "prospect" => format!("prospect[{}]", self.prospects.saturating_sub(1)),
            other => other.to_owned(),
        });
        let path = names.collect::<Vec<_>>().join(".");
        excerpt(path.strip_prefix("adf.").unwrap_or(&path))
    }

    fn restarted(&self) -> Refusal {
        let message = format!(
            "a second `<adf>` starts inside {}, which is incomplete; ask the sender for the whole document",
            self.path()
        );
        Refusal::new(RefusalCode::Truncated, message)
    }

    fn truncated(&self, position: u64) -> Refusal {
        let message = format!(
            "the document ends at byte {position} inside {}; ask the sender for the whole document",
            self.path()
        );
        Refusal::new(RefusalCode::Truncated, message)
    }

    fn syntax(&self, error: &XmlError, position: u64) -> Refusal {
        // quick-xml's syntax errors all mean that the input ended inside markup.
        match error {
            XmlError::Syntax(_) => self.truncated(position),
            other => {
                let message = format!("{} near byte {position} is not XML: {other}", self.path());
                Refusal::new(RefusalCode::Malformed, message)
            }
        }
    }
}

/// Elements that contain only text, so that another one of them cannot be inside.
fn is_leaf(name: &str) -> bool {
    const LEAVES: [&str; 20] = [
        "id",
        "requestdate",
        "year",
        "make",
        "model",
        "vin",
        "stock",
        "trim",
        "doors",
        "bodystyle",
        "transmission",
        "name",
        "email",
        "phone",
        "street",
        "city",
        "regioncode",
        "postalcode",
        "country",
        "vendorname",
    ];
    LEAVES.contains(&name)
}

/// Whether an unmatched end tag is probably this element's: the same beginning and nearly the same length.
fn is_misspelt(name: &str, element: &str) -> bool {
    name.len().abs_diff(element.len()) <= 2
        && name.bytes().zip(element.bytes()).take(2).filter(|(a, b)| a == b).count() == 2
}
