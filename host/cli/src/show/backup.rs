//! Formats backups: written, verified, restored.

use super::facts;
use crate::commands::restore::{Contents, RestoreView};
use crate::style::{Style, Tone, clean, count, size};
use handoff_control::host::backup::BackupView;

/// A finished backup.
pub(crate) fn written(view: &BackupView, style: &Style) -> String {
    let files = count(view.files, "file", "files");
    format!(
        "{} backup written: {files}, {}, in {}\n  The configuration and the secrets are not in it: back them up, too.\n  \
         {} handoff restore {} --verify\n",
        style.paint(Tone::Good, "✔"),
        size(view.bytes),
        clean(&view.folder),
        style.paint(Tone::Strong, "do:"),
        clean(&view.folder),
    )
}

/// A backup that was verified or restored.
pub(crate) fn restored(view: &RestoreView, style: &Style) -> String {
    let RestoreView { backup, restored_to, contents } = view;
    let files = count(backup.files, "file", "files");
    let mut text = format!(
        "{} the backup of {} is complete: {files}, {}\n",
        style.paint(Tone::Good, "✔"),
        backup.at,
        size(backup.bytes),
    );
    text.push_str(&facts(style, &held(contents)));
    match restored_to {
        None => text.push_str("Verified in a temporary folder; nothing was restored.\n"),
        Some(data) => text.push_str(&format!(
            "Restored to {}. Put the configuration and the secrets back, then: handoff serve\n",
            clean(data)
        )),
    }
    if restored_to.is_some() && contents.outbox_pending > 0 {
        text.push_str(&format!(
            "{} will be sent when the host starts. What a target received after the backup was made, it receives again, with \
             the same idempotency key.\n",
            count(contents.outbox_pending, "outbox request", "outbox requests"),
        ));
    }
    text
}

fn held(contents: &Contents) -> [(&'static str, String); 7] {
    [
        ("installations", contents.installations.to_string()),
        ("last position", contents.last_position.to_string()),
        ("waiting", contents.waiting.to_string()),
        ("dead letters", contents.dead_letters.to_string()),
        ("outbox", format!("{} pending, {} held", contents.outbox_pending, contents.outbox_held)),
        ("timers", contents.timers.to_string()),
        ("audit log", format!("{}, sound", count(contents.audit_entries, "entry", "entries"))),
    ]
}
