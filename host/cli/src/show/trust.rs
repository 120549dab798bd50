//! Formats publishers and their keys.

use crate::style::{Style, Tone, clean, count};
use crate::table::{Cell, Table};
use handoff_control::trust::{KeyView, TrustChange, TrustReport, TrustView};

/// Digits of a key's id, enough to distinguish keys.
const ID_SHOWN: usize = "sha256:".len() + 16;

/// The list.
pub(crate) fn list(view: &TrustView, style: &Style) -> String {
    if view.publishers.is_empty() {
        return "nobody is trusted yet: nothing from a registry is installed; to begin: handoff trust add PUBLISHER KEYFILE\n"
            .to_owned();
    }
    let mut table = Table::new(["publisher", "key", "added", "state"]);
    for publisher in &view.publishers {
        for key in &publisher.keys {
            let (tone, state) = state(key, style);
            table.row([
                Cell::new(Tone::Strong, &publisher.publisher),
                Cell::text(short(&key.key_id)),
                Cell::text(style.time(key.added_at)),
                Cell::new(tone, state),
            ]);
        }
    }
    table.render(style)
}

/// The result of a change.
pub(crate) fn changed(view: &TrustReport, does: TrustChange, style: &Style) -> String {
    let name = style.paint(Tone::Strong, &view.publisher.publisher);
    if view.changed.is_empty() {
        return format!("nothing to change for {name}: it was so already\n");
    }
    let (tone, verb) = match does {
        TrustChange::Add => (Tone::Good, "trusted"),
        TrustChange::Retire => (Tone::Careful, "trusted only for what it signed until now"),
        TrustChange::Revoke => (Tone::Bad, "no longer trusted"),
    };
    let keys: Vec<&str> = view.changed.iter().map(|id| short(id)).collect();
    let mut text = format!("{name}: {} {}\n", keys.join(", "), style.paint(tone, verb));
    if !view.affected.is_empty() {
        let installations =
            count(u64::try_from(view.affected.len()).unwrap_or(u64::MAX), "installation stays", "installations stay");
        text.push_str(&format!(
            "  {installations} active with a package that it signed: {}\n",
            clean(&view.affected.join(", "))
        ));
    }
    text
}

fn state(key: &KeyView, style: &Style) -> (Tone, String) {
    if let Some(at) = key.revoked_at {
        let reason = key.reason.as_deref().unwrap_or("no reason was given");
        return (Tone::Bad, format!("revoked {}: {reason}", style.time(at)));
    }
    if let Some(at) = key.not_after {
        return (Tone::Careful, format!("retired {}", style.time(at)));
    }
    let by = key.introduced_by.as_ref().map(|id| format!(", introduced by {}", short(id))).unwrap_or_default();
    (Tone::Good, format!("trusted{by}"))
}

fn short(id: &str) -> &str {
    id.get(..ID_SHOWN).unwrap_or(id)
}
