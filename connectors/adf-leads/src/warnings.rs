//! Deviations that did not prevent reading, with code, field path and message.
//!
//! Collecting is limited: many errors in a document cannot make a lead grow without limit.

use serde::Serialize;

/// Maximum number of warnings of a lead; one more entry says that there were others.
pub const MAX_WARNINGS: usize = 100;

/// All warning codes. They are a public interface: never rename one.
pub const WARNING_CODES: &[&str] = &[
    "adf-element-missing",
    "adf-in-cdata",
    "adf-in-html",
    "adf-instruction-before-declaration",
    "adf-instruction-case",
    "adf-instruction-misplaced",
    "adf-instruction-missing",
    "attribute-malformed",
    "attribute-value",
    "character-invalid",
    "character-replaced",
    "charset-mismatch",
    "charset-undeclared",
    "charset-unknown",
    "customer-missing",
    "date-ambiguous",
    "date-format",
    "date-missing",
    "date-offset",
    "date-unreadable",
    "date-without-offset",
    "date-without-time",
    "doctype-ignored",
    "email-malformed",
    "entity-html",
    "entity-unknown",
    "escaped-twice",
    "html-in-text",
    "id-placeholder",
    "id-reused",
    "id-without-source",
    "less-than-unescaped",
    "lead-for-other-vendor",
    "lead-id-weak",
    "mail-part-unreadable",
    "name-missing",
    "number-format",
    "number-unreadable",
    "phone-malformed",
    "placeholder",
    "price-unreadable",
    "prospect-refused",
    "provider-missing",
    "resend-of-unknown-lead",
    "tag-case",
    "tag-not-closed",
    "tag-not-opened",
    "tag-renamed",
    "tag-repeated",
    "tag-unknown",
    "text-around-adf",
    "text-misplaced",
    "url-malformed",
    "vehicle-empty",
    "vehicle-missing",
    "vendor-missing",
    "vin-check-digit",
    "vin-foreign",
    "vin-malformed",
    "vin-repeated",
    "warnings-truncated",
    "year-unreadable",
    "ampersand-unescaped",
];

/// A deviation from ADF 1.0 that did not prevent reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Stable kebab-case word; metrics count by it.
    pub code: &'static str,
    /// Path from the prospect: `prospect[0].customer.contact.phone[1]@type`.
    pub field: String,
    /// What was found and how it was read.
    pub message: String,
}

/// A bounded list of warnings.
#[derive(Debug, Clone, Default)]
pub struct Warnings {
    entries: Vec<Warning>,
}

impl Warnings {
    /// Adds a warning; over the limit only a note that there were more.
    pub fn add(&mut self, code: &'static str, field: impl Into<String>, message: impl Into<String>) {
        debug_assert!(WARNING_CODES.contains(&code), "unlisted warning code {code}");
        if self.entries.len() < MAX_WARNINGS {
            self.entries.push(Warning { code, field: printable(field.into()), message: printable(message.into()) });
        } else if self.entries.len() == MAX_WARNINGS {
            let message = format!("more than {MAX_WARNINGS} deviations; the rest is not listed");
            self.entries.push(Warning { code: "warnings-truncated", field: String::new(), message });
        }
    }

    /// Adds a warning unless one with the same code exists: for deviations of a whole document.
    pub fn add_once(&mut self, code: &'static str, field: impl Into<String>, message: impl Into<String>) {
        if !self.entries.iter().any(|entry| entry.code == code) {
            self.add(code, field, message);
        }
    }

    /// The warnings of the whole document and of its prospect `number`, which gets the path `path`.
    #[must_use]
    pub fn for_prospect(&self, number: usize, path: &str) -> Self {
        let own = format!("prospect[{number}]");
        let mut picked = Self::default();
        for entry in &self.entries {
            match entry.field.strip_prefix(&own) {
                Some(rest) => picked.add(entry.code, format!("{path}{rest}"), entry.message.clone()),
                None if entry.field.starts_with("prospect[") => {}
                None => picked.add(entry.code, entry.field.clone(), entry.message.clone()),
            }
        }
        picked
    }

    /// The entries in order.
    pub fn entries(&self) -> &[Warning] {
        &self.entries
    }

    /// Returns the entries.
    pub fn into_entries(self) -> Vec<Warning> {
        self.entries
    }
}

/// Messages and paths quote senders and end up in logs and terminals: control characters are replaced.
pub fn printable(text: String) -> String {
    if text.contains(char::is_control) { text.replace(char::is_control, "\u{fffd}") } else { text }
}

/// Maximum length of an excerpt, in characters.
pub const EXCERPT_CHARS: usize = 60;

/// A short excerpt for a message.
pub fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(EXCERPT_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
