//! Converts views to text. Pure functions of view and style: no clock, no terminal, no host.

pub(super) mod backup;
pub(super) mod doctor;
pub(super) mod event;
pub(super) mod failure_counts;
pub(super) mod find;
pub(super) mod gates;
pub(super) mod history;
pub(super) mod hooks;
pub(super) mod incidents;
pub(super) mod install;
pub(super) mod installation;
pub(super) mod letters;
pub(super) mod lock;
pub(super) mod many;
pub(super) mod outbox;
pub(super) mod registry;
pub(super) mod rollback;
pub(super) mod shadow;
mod shares;
pub(super) mod status;
pub(super) mod timers;
pub(super) mod trace;
mod tree;
pub(super) mod trust;
pub(super) mod uninstall;
pub(super) mod upgrade;

use super::style::{Style, Tone, clean};
use handoff_control::FailureView;

/// Lines of `name  value` with aligned names.
fn facts(style: &Style, facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    facts
        .iter()
        .map(|(name, value)| {
            format!("{}{}  {value}\n", style.paint(Tone::Faint, name), " ".repeat(width - name.chars().count()))
        })
        .collect()
}

/// A failure on one line: its code, then its message.
fn failure(style: &Style, failure: &FailureView) -> String {
    format!("{}: {}", style.paint(Tone::Bad, &clean(&failure.code)), clean(&failure.message))
}

/// An event type in words: `com.handoff.lead.received.v1` is `lead received`. Other types are unchanged.
fn type_in_words(type_name: &str) -> String {
    let words = type_name.strip_prefix("com.handoff.").and_then(|rest| {
        let (words, version) = rest.rsplit_once(".v")?;
        version.bytes().all(|b| b.is_ascii_digit()).then(|| words.replace(['.', '-'], " "))
    });
    clean(&words.unwrap_or_else(|| type_name.to_owned())).into_owned()
}

/// The first twelve digits of a digest, which are enough to distinguish digests.
fn short_digest(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    clean(&hex.chars().take(12).collect::<String>()).into_owned()
}
