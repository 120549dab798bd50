//! An element with its path, and operations that all groups of elements share: take text, warn, take once.
//!
//! It knows no ADF names except those of repeatable elements, which get an index in paths.

use std::collections::HashMap;

use super::Options;
use crate::warnings::{Warnings, excerpt};
use crate::xml::Element;

/// Repeatable elements, whose paths need an index.
const REPEATABLE: [&str; 9] =
    ["id", "vehicle", "name", "email", "phone", "street", "option", "colorcombination", "amount"];

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
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) options: &'a Options<'a>,
    pub(crate) warnings: Warnings,
}

impl Reading<'_> {
    pub(crate) fn warn(&mut self, code: &'static str, field: impl Into<String>, message: impl Into<String>) {
        self.warnings.add(code, field, message);
    }

    /// A short text: runs of white space become one space, because mails wrap lines. `None` if empty.
    pub(crate) fn text(&mut self, node: &Node<'_>) -> Option<String> {
        let text = self.raw_text(node);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }

    /// A long text: line breaks stay, ends are trimmed. `None` if empty.
    pub(crate) fn prose(&mut self, node: &Node<'_>) -> Option<String> {
        let text = self.raw_text(node).replace("\r\n", "\n");
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn raw_text(&mut self, node: &Node<'_>) -> String {
        if let Some(tag) = node.element.children().next() {
            let message = format!("the tag `<{}>` inside a text is dropped; its text is kept", excerpt(&tag.name));
            self.warn("html-in-text", node.path.clone(), message);
        }
        node.element.text()
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

    /// Warns of an element that ADF does not allow here; the message contains its text.
    pub(crate) fn unknown(&mut self, node: &Node<'_>) {
        let value = excerpt(node.element.text().trim());
        let name = excerpt(node.name());
        let message = if value.is_empty() {
            format!("`<{name}>` is not part of ADF 1.0 here and is ignored")
        } else {
            format!("`<{name}>` is not part of ADF 1.0 here and is ignored; its text: {value}")
        };
        self.warn("tag-unknown", node.path.clone(), message);
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
