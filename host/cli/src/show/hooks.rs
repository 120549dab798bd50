//! Formats hooks: the list, and the last refused webhooks of one.

use super::facts;
use crate::style::{Style, Tone, clean, count, size};
use crate::table::{Cell, Table};
use handoff_control::hooks::{HookList, HookSummary, HookView, RefusedView};

/// Requests to unknown hooks that the list shows.
const UNKNOWN_SHOWN: usize = 3;

/// All hooks.
pub(crate) fn list(view: &HookList, style: &Style) -> String {
    if view.hooks.is_empty() && view.unknown.refused == 0 {
        return "no installation accepts webhooks: `[hook]` of its settings says how senders are verified\n".to_owned();
    }
    let mut text = String::new();
    if !view.hooks.is_empty() {
        let mut table = Table::new(["hook", "verified by", "accepted", "refused", "last refused"]);
        for hook in &view.hooks {
            table.row([
                Cell::new(Tone::Strong, hook.name.as_str()),
                Cell::text(&hook.verify),
                Cell::number(Tone::Good, hook.accepted.saturating_add(hook.duplicates)),
                Cell::number(Tone::Bad, hook.refused),
                Cell::text(
                    hook.last_refused
                        .as_ref()
                        .map_or("-".to_owned(), |last| format!("{}, {}", last.reason, style.ago(last.at))),
                ),
            ]);
        }
        text.push_str(&table.render(style));
    }
    if view.unknown.refused > 0 {
        let number = count(view.unknown.refused, "request", "requests");
        text.push_str(&format!("{number} to hooks that do not exist:\n"));
        for last in view.unknown.last_refused.iter().take(UNKNOWN_SHOWN) {
            let path = clean(last.path.as_deref().unwrap_or("-")).into_owned();
            let from = last.address.as_ref().map(|address| format!(" from {}", clean(address))).unwrap_or_default();
            text.push_str(&format!("  {}{from}, {}\n", style.paint(Tone::Careful, &path), style.ago(last.at)));
        }
    }
    let since = format!(
        "counted since {} ({}); one's refusals: handoff hooks NAME\n",
        style.time(view.since),
        style.ago(view.since)
    );
    text.push_str(&style.paint(Tone::Faint, since.trim_end()));
    text.push('\n');
    text
}

/// One hook with its last refused webhooks.
pub(crate) fn one(view: &HookView, style: &Style) -> String {
    let hook = &view.summary;
    let duplicates = match hook.duplicates {
        0 => String::new(),
        number => format!(", and {} already in the log", count(number, "duplicate", "duplicates")),
    };
    let mut text = facts(
        style,
        &[
            ("hook", format!("POST {}, verified by {}", clean(&hook.path), clean(&hook.verify))),
            ("rooftop", hook.scope.to_string()),
            ("counted", format!("since {} ({})", style.time(view.since), style.ago(view.since))),
            ("accepted", format!("{}{duplicates}", hook.accepted)),
            ("refused", reasons(hook, style)),
        ],
    );
    if view.refusals.is_empty() {
        return text;
    }
    text.push_str(&format!(
        "\nThe last {}\n",
        count(view.refusals.len().try_into().unwrap_or(u64::MAX), "refusal", "refusals")
    ));
    for refused in &view.refusals {
        text.push_str(&refusal(refused, style));
    }
    text
}

fn reasons(hook: &HookSummary, style: &Style) -> String {
    if hook.refused == 0 {
        return "0".to_owned();
    }
    let reasons = hook.reasons.iter().map(|one| format!("{} {}", one.count, clean(&one.reason)));
    let number = hook.refused.to_string();
    format!("{}: {}", style.paint(Tone::Bad, &number), reasons.collect::<Vec<_>>().join(", "))
}

fn refusal(refused: &RefusedView, style: &Style) -> String {
    let mut facts = vec![refused.status.to_string()];
    facts.extend(refused.address.as_ref().map(|address| format!("from {}", clean(address))));
    facts.extend(refused.body_bytes.map(size));
    facts.extend(refused.id.as_ref().map(|id| format!("id {}", clean(id))));
    format!(
        "  {}  {}  {}\n    {}\n",
        style.paint(Tone::Faint, &style.time(refused.at)),
        style.paint(Tone::Bad, &clean(&refused.reason)),
        facts.join(", "),
        clean(&refused.detail)
    )
}
