//! Conditions of the host as a whole: its store, its disk and its secrets.

use super::super::keeper::Condition;
use crate::host::status::disk_space;
use crate::shard::Shard;

/// The disk is nearly full below this part of its size, in percent, and below this many bytes.
const FREE_PERCENT: u64 = 5;
const FREE_BYTES: u64 = 1 << 30;

/// A size of 0 is unknown.
fn is_nearly_full(free: u64, size: u64) -> bool {
    size > 0 && free < (size / 100 * FREE_PERCENT).min(FREE_BYTES)
}

pub(super) fn find(shard: &Shard, found: &mut Vec<Condition>) {
    let host = |kind, subject: &str, message: String, command: &str| Condition {
        kind,
        subject: subject.to_owned(),
        affects: Vec::new(),
        since: None,
        message,
        waits: None,
        command: Some(command.to_owned()),
    };
    if let Some(why) = shard.store.stopped() {
        let message = format!("the store has stopped: {why}. Nothing is acknowledged, delivered or sent");
        let command = "repair the disk, then restart the host: what it acknowledged is kept";
        found.push(Condition {
            waits: Some("everything".to_owned()),
            ..host("store-stopped", "host", message, command)
        });
    } else if let Some(why) = shard.store.blocked() {
        let message = format!("the store cannot write: {why}. Nothing is acknowledged until it can");
        let command = "make room on the disk: the host then continues by itself";
        found.push(Condition {
            waits: Some("everything".to_owned()),
            ..host("store-blocked", "host", message, command)
        });
    }
    let folder = shard.store.folder();
    let (free, size) = disk_space(folder);
    if is_nearly_full(free, size) {
        let message = format!(
            "the disk of {} is nearly full: {} MiB of {} MiB are free",
            folder.display(),
            free >> 20,
            size >> 20
        );
        let command = "make room, or shorten [retention] in handoff.toml";
        found.push(host("disk-nearly-full", "disk", message, command));
    }
    for (name, error) in shard.process.secrets.failing() {
        let command = "correct it: the host reads it again within a minute";
        found.push(host("secret-unreadable", &name, error.to_string(), command));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_nearly_full_by_its_size_and_at_most_by_a_gibibyte() {
        let gib = 1 << 30;
        assert!(is_nearly_full(gib - 1, 1_000 * gib) && !is_nearly_full(gib, 1_000 * gib));
        assert!(is_nearly_full(gib / 4, 8 * gib) && !is_nearly_full(gib / 2, 8 * gib));
        assert!(!is_nearly_full(0, 0), "the system does not say it");
    }
}
