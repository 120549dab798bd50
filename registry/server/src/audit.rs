//! The record of what administrators change by command: `audit.jsonl` in the data folder, a line for each change.

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::disk;
use crate::publish::now_ms;

/// The file in the data folder.
pub(super) const FILE: &str = "audit.jsonl";
/// Longest reason, in characters.
pub(super) const REASON_CHARS_MAX: usize = 300;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a, T: Serialize> {
    at_ms: u64,
    action: &'static str,
    /// The user of the operating system who ran the command.
    uid: u32,
    reason: &'a str,
    #[serde(flatten)]
    what: &'a T,
}

/// The reason without blanks around it; none if it is empty or too long.
pub(super) fn reason(text: &str) -> Option<&str> {
    let reason = text.trim();
    let is_fit = !reason.is_empty() && reason.chars().count() <= REASON_CHARS_MAX;
    is_fit.then_some(reason)
}

/// Records a change durably. Called before the change: one without a record must not exist.
pub(super) fn record(data: &Path, action: &'static str, reason: &str, what: &impl Serialize) -> io::Result<()> {
    let uid = rustix::process::geteuid().as_raw();
    // Strings and numbers always serialize.
    let line = serde_json::to_vec(&Line { at_ms: now_ms(), action, uid, reason, what }).unwrap_or_default();
    disk::append_line(&data.join(FILE), &line)
}
