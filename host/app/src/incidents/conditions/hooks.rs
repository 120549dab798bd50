//! Conditions of hooks: many refused webhooks within a short time.

use super::super::keeper::Condition;
use super::of;
use crate::count::count;
use crate::shard::Shard;

/// The time that counts, in milliseconds.
const WINDOW_MS: u64 = 600_000;
/// Refused webhooks within it that are worth a look. Single ones are strangers who try addresses.
const REFUSED_MIN: usize = 5;

pub(super) fn find(shard: &Shard, found: &mut Vec<Condition>) {
    for (name, recent) in shard.hooks.refused_since(shard.now().0.saturating_sub(WINDOW_MS), REFUSED_MIN) {
        let reasons: Vec<String> = recent.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let total = recent.reasons.values().sum::<u64>();
        let more = if recent.is_more { "more than " } else { "" };
        let message = format!(
            "`{name}` refused {more}{} within 10 minutes: {}",
            count(total, "webhook", "webhooks"),
            reasons.join(", ")
        );
        found.push(Condition {
            since: Some(recent.first),
            command: Some(format!("handoff hooks {name}")),
            ..of(&name, "webhooks-refused", name.to_string(), message)
        });
    }
}
