//! An element with its path, and operations that all groups of elements share: take text, warn, take once.
//!
//! It knows no ADF names except those of repeatable elements, which get an index in paths.

use std::collections::{BTreeSet, HashMap};

use super::{Options, links};
use crate::placeholder::{is_placeholder, is_placeholder_prose};
use crate::preferences::{self, Channel};
use crate::warnings::{EXCERPT_CHARS, Warnings, excerpt};
use crate::xml::{Content, Element, references};

/// Repeatable elements, whose paths need an index.
const REPEATABLE: [&str; 9] =
    ["id", "vehicle", "name", "email", "phone", "street", "option", "colorcombination", "amount"];

/// Names that senders give to what a customer wrote, or parts of such names.
const COMMENT_NAMES: [&str; 10] =
    ["comment", "note", "message", "remark", "question", "inquiry", "enquiry", "memo", "feedback", "instruction"];

/// Whether an element with this name holds what a customer wrote.
pub(crate) fn is_comment_name(name: &str) -> bool {
    COMMENT_NAMES.iter().any(|part| name.contains(part))
}

/// An element and its path.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) element: &'a Element,
    pub(crate) path: String,
}

impl<'a> Node<'a> {
    pub(crate) fn new(element: &'a Element, path: String) -> Self {
        Self { element, path }
    }

    pub(crate) fn name(&self) -> &'a str {
        &self.element.name
    }

    /// Children with their paths.
    pub(crate) fn children(&self) -> Vec<Node<'a>> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        self.element
            .children()
            .map(|child| {
                let count = counts.entry(&child.name).or_default();
                let name = excerpt(&child.name);
                let path = if REPEATABLE.contains(&child.name.as_str()) || *count > 0 {
                    format!("{}.{name}[{count}]", self.path)
                } else {
                    format!("{}.{name}", self.path)
                };
                *count += 1;
                Node::new(child, path)
            })
            .collect()
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.element.attribute(name)
    }

    pub(crate) fn at(&self, attribute: &str) -> String {
        format!("{}@{attribute}", self.path)
    }
}

/// The reading of one prospect: its options and warnings so far.
pub(crate) struct Reading<'a> {
    pub(crate) options: &'a Options<'a>,
    pub(crate) warnings: Warnings,
    /// What was written in places that ADF does not define, each labelled with its place.
    pub(crate) comments: Vec<String>,
    /// Channels that a field of its own refuses.
    pub(crate) refused: BTreeSet<Channel>,
}

impl Reading<'_> {
    pub(crate) fn warn(&mut self, code: &'static str, field: impl Into<String>, message: impl Into<String>) {
        self.warnings.add(code, field, message);
    }

    /// A short text: runs of white space become one space, because mails wrap lines. `None` if it is empty or means
    /// nothing.
    pub(crate) fn text(&mut self, node: &Node<'_>) -> Option<String> {
        let text = self.written(node)?;
        if is_placeholder(&text) {
            self.placeholder(node, &text);
            return None;
        }
        Some(text)
    }

    /// A short text, also if it means nothing. `None` if empty.
    pub(crate) fn written(&mut self, node: &Node<'_>) -> Option<String> {
        let text = self.raw_text(node);
        let text = links::without_links(&text).split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }

    /// A long text: line breaks stay, ends are trimmed. `None` if it is empty or means nothing.
    pub(crate) fn prose(&mut self, node: &Node<'_>) -> Option<String> {
        let text = self.raw_text(node).replace("\r\n", "\n");
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if is_placeholder_prose(text) {
            self.placeholder(node, text);
            return None;
        }
        Some(text.to_owned())
    }

    /// Warns of a text that means nothing.
    pub(crate) fn placeholder(&mut self, node: &Node<'_>, text: &str) {
        let message = format!("`{}` means nothing and is dropped; the sender filled in no value", excerpt(text));
        self.warn("placeholder", node.path.clone(), message);
    }

    fn raw_text(&mut self, node: &Node<'_>) -> String {
        if let Some(tag) = node.element.children().next() {
            let message = format!("the tag `<{}>` inside a text is dropped; its text is kept", excerpt(&tag.name));
            self.warn("html-in-text", node.path.clone(), message);
        }
        let text = node.element.text();
        // A program escaped a text that was escaped already: `O&amp;#39;Brien`.
        let (resolved, _) = references::unescape(&text, true);
        if resolved == text {
            return text;
        }
        self.warn("escaped-twice", node.path.clone(), "the text was escaped twice and is resolved once more");
        resolved
    }

    /// Keeps the first value of an element that may appear once.
    pub(crate) fn once<T>(&mut self, slot: &mut Option<T>, value: Option<T>, node: &Node<'_>) {
        if value.is_none() {
            return;
        }
        if slot.is_some() {
            let message = format!("`<{}>` appears more than once; the first one is used", node.name());
            self.warn("tag-repeated", node.path.clone(), message);
        } else {
            *slot = value;
        }
    }

    /// Warns of an element that has another name in ADF.
    pub(crate) fn renamed(&mut self, node: &Node<'_>, proper: &str) {
        let message = format!("`<{}>` is read as `<{proper}>`", excerpt(node.name()));
        self.warn("tag-renamed", node.path.clone(), message);
    }

    /// Warns of an element that ADF does not allow here. What a customer may have written is kept for the lead's
    /// comments; of anything else the message contains the text.
    pub(crate) fn unknown(&mut self, node: &Node<'_>) {
        let name = excerpt(node.name());
        self.refused.extend(preferences::of_field(node.name(), node.element.text().trim()));
        let is_prose = is_comment_name(node.name()) || node.element.text().trim().chars().count() > EXCERPT_CHARS;
        if is_prose && let Some(text) = self.prose(node) {
            let place = node.path.split_once('.').map_or(node.path.as_str(), |(_, place)| place);
            self.comments.push(format!("{place}: {text}"));
            let message = format!("`<{name}>` is not part of ADF 1.0 here; its text is kept in the lead's comments");
            self.warn("tag-unknown", node.path.clone(), message);
            return;
        }
        let value = excerpt(node.element.text().trim());
        let message = if value.is_empty() {
            format!("`<{name}>` is not part of ADF 1.0 here and is ignored")
        } else {
            format!("`<{name}>` is not part of ADF 1.0 here and is ignored; its text: {value}")
        };
        self.warn("tag-unknown", node.path.clone(), message);
    }

    /// Keeps text between the elements of a group: a customer's sentence may be outside of any tag.
    pub(crate) fn loose_text(&mut self, node: &Node<'_>) {
        for content in &node.element.content {
            let Content::Text(text) = content else { continue };
            let text = text.trim();
            if !text.chars().any(char::is_alphanumeric) || is_placeholder_prose(text) {
                continue;
            }
            let place = node.path.split_once('.').map_or("", |(_, place)| place);
            let separator = if place.is_empty() { "" } else { ": " };
            self.comments.push(format!("{place}{separator}{text}"));
            self.warn("text-misplaced", node.path.clone(), "text outside of any tag is kept in the lead's comments");
        }
    }

    /// An integer; thousands separators and a unit after it are tolerated.
    pub(crate) fn number(&mut self, node: &Node<'_>) -> Option<u32> {
        let text = self.text(node)?;
        if let Ok(number) = text.parse() {
            return Some(number);
        }
        let digits = text.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ' || c == '.').replace([',', ' '], "");
        let digits = digits.split_once('.').map_or(digits.as_str(), |(whole, _)| whole);
        match digits.parse() {
            Ok(number) => {
                let message = format!("`{}` is read as {number}; ADF allows only digits", excerpt(&text));
                self.warn("number-format", node.path.clone(), message);
                Some(number)
            }
            Err(_) => {
                self.warn(
                    "number-unreadable",
                    node.path.clone(),
                    format!("`{}` is not an integer and is dropped", excerpt(&text)),
                );
                None
            }
        }
    }
}
