//! The parsed tree: lower-case local names, attributes, and content in order.
//!
//! The reader limits its depth, so recursion is safe.

/// One element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name in lower case, without a namespace prefix.
    pub name: String,
    /// Attributes with lower-case local names, values unescaped.
    pub attributes: Vec<(String, String)>,
    /// Text and elements in document order.
    pub content: Vec<Content>,
}

/// A piece of an element's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Unescaped text, also from CDATA.
    Text(String),
    /// A child.
    Element(Element),
}

impl Element {
    /// The value of an attribute, trimmed; `None` if absent or empty.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(key, _)| key == name)?;
        let value = value.trim();
        (!value.is_empty()).then_some(value)
    }

    /// Child elements in document order.
    pub fn children(&self) -> impl Iterator<Item = &Element> {
        self.content.iter().filter_map(|content| match content {
            Content::Element(element) => Some(element),
            Content::Text(_) => None,
        })
    }

    /// Whether there is any child element.
    pub fn has_children(&self) -> bool {
        self.children().next().is_some()
    }

    /// All text below this element in document order; line-breaking HTML tags become line breaks.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.collect_text(&mut text);
        text
    }

    /// Appends text, joining it to preceding text.
    pub fn push_text(&mut self, more: &str) {
        if let Some(Content::Text(text)) = self.content.last_mut() {
            text.push_str(more);
        } else if !more.is_empty() {
            self.content.push(Content::Text(more.to_owned()));
        }
    }

    fn collect_text(&self, into: &mut String) {
        for content in &self.content {
            match content {
                Content::Text(text) => into.push_str(text),
                Content::Element(element) => {
                    if matches!(element.name.as_str(), "br" | "p" | "div" | "li" | "tr") {
                        into.push('\n');
                    }
                    element.collect_text(into);
                }
            }
        }
    }
}
