//! A string by the hint of its field and by its form. An unknown form is masked as an id or as free text.

use crate::Masker;
use crate::date::is_date;
use crate::field::{Hint, hint};
use crate::id::is_url;
use crate::number::{is_card, is_iban, is_ssn};
use crate::phone::is_phone;
use crate::vin::is_vin;

/// Words that programs compare and that say nothing about anybody.
const SAFE: [&str; 67] = [
    "answered",
    "true",
    "false",
    "yes",
    "no",
    "y",
    "n",
    "none",
    "null",
    "unknown",
    "other",
    "new",
    "used",
    "certified",
    "open",
    "opened",
    "closed",
    "pending",
    "active",
    "inactive",
    "done",
    "sent",
    "received",
    "accepted",
    "rejected",
    "cancelled",
    "canceled",
    "confirmed",
    "completed",
    "failed",
    "sold",
    "lost",
    "lead",
    "buy",
    "lease",
    "trade-in",
    "test-drive",
    "sell",
    "email",
    "phone",
    "sms",
    "text",
    "mail",
    "web",
    "call",
    "voice",
    "fax",
    "home",
    "work",
    "mobile",
    "cell",
    "cellphone",
    "day",
    "morning",
    "afternoon",
    "evening",
    "nopreference",
    "first",
    "middle",
    "last",
    "full",
    "suffix",
    "prefix",
    "high",
    "medium",
    "low",
    "normal",
];
/// Words of one name.
const NAME_WORDS_MAX: usize = 5;
const NAME_CHARS_MAX: usize = 64;
const KEPT_CHARS_MAX: usize = 128;

impl Masker {
    /// A string of a field.
    pub(crate) fn string(&self, path: &[String], text: &str) -> String {
        let hint = hint(path, &self.rules);
        if hint == Hint::KeepAlways || text.trim().is_empty() {
            return text.to_owned();
        }
        if let Some(masked) = self.document(path, text) {
            return masked;
        }
        let trimmed = text.trim();
        let masked = if hint == Hint::Mask {
            self.by_form(trimmed).unwrap_or_else(|| self.id(trimmed))
        } else if hint == Hint::Keep && self.may_pass(trimmed) || is_safe(trimmed) {
            return text.to_owned();
        } else if hint == Hint::Text {
            self.whole(trimmed)
        } else if hint == Hint::Phone && trimmed.chars().filter(char::is_ascii_digit).count() >= 7 {
            self.phone(trimmed)
        } else if hint == Hint::Vin && is_vin(trimmed) {
            self.vin(trimmed)
        } else if let Some(masked) = self.by_form(trimmed) {
            masked
        } else if hint == Hint::Words || is_name(trimmed) {
            self.count("name or address");
            self.words(trimmed)
        } else if trimmed.contains(char::is_whitespace) {
            self.whole(trimmed)
        } else {
            self.parts(trimmed, crate::id::Words::BeforeLast)
        };
        text.replacen(trimmed, &masked, 1)
    }

    /// A text whose form alone says what it is; none for an id, a name or a text.
    pub(crate) fn by_form(&self, text: &str) -> Option<String> {
        if is_email(text) {
            return Some(self.email(text));
        }
        if is_url(text) {
            return Some(self.url(text));
        }
        if is_vin(text) {
            return Some(self.vin(text));
        }
        if is_date(text) {
            return Some(self.date(text));
        }
        if is_iban(text) {
            return Some(self.iban(text));
        }
        if is_card(text) {
            return Some(self.card(text));
        }
        if is_ssn(text) {
            return Some(self.ssn(text));
        }
        if is_phone(text) {
            return Some(self.phone(text));
        }
        is_time(text).then(|| text.to_owned())
    }

    /// Whether a field that is passed by its name holds nothing personal after all.
    fn may_pass(&self, text: &str) -> bool {
        let is_personal = is_email(text) || is_vin(text) || is_card(text) || is_phone(text) && !is_year(text);
        text.chars().count() <= KEPT_CHARS_MAX && !is_personal && !text.contains('@') && !self.has_name(text)
    }
}

/// Whether programs compare it.
fn is_safe(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    SAFE.contains(&lower.as_str()) || !text.chars().any(char::is_alphanumeric)
}

fn is_year(text: &str) -> bool {
    text.len() == 4
}

/// `10:30` or `10:30:00`.
fn is_time(text: &str) -> bool {
    let mut parts = text.split(':');
    let is_part = |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    let count = text.split(':').count();
    matches!(count, 2 | 3) && parts.all(is_part)
}

pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_local = |letter: char| letter.is_alphanumeric() || ".!#$%&'’*+/=?^_`{|}~-\u{301}\u{308}".contains(letter);
    let is_domain = |letter: char| letter.is_alphanumeric() || ".-".contains(letter);
    !local.is_empty() && !domain.is_empty() && local.chars().all(is_local) && domain.chars().all(is_domain)
}

/// A few words of letters.
fn is_name(text: &str) -> bool {
    text.chars().count() <= NAME_CHARS_MAX
        && text.split_whitespace().count() <= NAME_WORDS_MAX
        && text.chars().all(|letter| letter.is_alphabetic() || " '’-.,\u{301}\u{308}".contains(letter))
}
