//! Formats generations with their origins, and the audit log.

use serde_json::Value;

use crate::style::{Style, Tone, clean, count};
use crate::table::{Cell, Table};
use handoff_control::audit::{AuditEntryView, AuditList, AuditVerifyView};
use handoff_control::installations::GenerationKind;
use handoff_control::installations::history::{HistoryEntry, HistoryView, OriginView};
use handoff_control::installations::uninstall::UninstalledView;

/// Digits of a hash in a list.
const HASH_DIGITS: usize = 12;

/// All generations, newest first, and those of earlier installations of the name.
pub(crate) fn history(view: &HistoryView, style: &Style) -> String {
    let ended = view.uninstalled.as_ref().map(|ended| uninstalled(ended, style)).unwrap_or_default();
    let head = style.paint(Tone::Strong, view.name.as_str());
    let mut text = format!("{head} ({})\n{ended}{}", clean(&view.package), generations(&view.generations, style));
    for earlier in &view.earlier {
        text.push_str(&format!("\nearlier: {head} ({})\n", clean(&earlier.package)));
        text.push_str(&uninstalled(&earlier.uninstalled, style));
        text.push_str(&generations(&earlier.generations, style));
    }
    text
}

fn uninstalled(view: &UninstalledView, style: &Style) -> String {
    let reason = view.reason.as_deref().map(|reason| format!(": {}", clean(reason))).unwrap_or_default();
    let text = format!("uninstalled {} by {}{reason}", style.time(view.at), clean(&view.by));
    format!("{}\n", style.paint(Tone::Careful, &text))
}

fn generations(entries: &[HistoryEntry], style: &Style) -> String {
    let mut table = Table::new(["gen", "version", "made", "how", "by", "from"]);
    for entry in entries {
        let generation = &entry.generation;
        let (mark, tone) = match (generation.active, generation.quarantined, entry.previous) {
            (true, _, _) => (" (active)", Tone::Good),
            (_, true, _) => (" (quarantined)", Tone::Bad),
            (_, _, true) => (" (previous)", Tone::Plain),
            _ => ("", Tone::Plain),
        };
        table.row([
            Cell::number(tone, generation.generation.0),
            Cell::new(tone, format!("{}{mark}", generation.version)),
            Cell::text(style.time(generation.at)),
            Cell::text(how(entry)),
            Cell::text(&generation.by),
            Cell::new(Tone::Faint, origin(entry)),
        ]);
        table.note(generation.reason.as_deref().unwrap_or_default());
    }
    table.render(style)
}

fn how(entry: &HistoryEntry) -> String {
    let from = entry.from.map(|from| format!(" of {from}")).unwrap_or_default();
    match (entry.generation.kind, entry.generation.restores) {
        (GenerationKind::Install, _) => "install".to_owned(),
        (GenerationKind::Upgrade, _) => format!("upgrade{from}"),
        (GenerationKind::Reconfigure, _) => format!("settings{from}"),
        (GenerationKind::Rollback, Some(restores)) => format!("rollback{from} to {restores}"),
        (GenerationKind::Rollback, None) => format!("rollback{from}"),
    }
}

fn origin(entry: &HistoryEntry) -> String {
    let place = match &entry.origin {
        None => return "not kept".to_owned(),
        Some(OriginView::File) => "file".to_owned(),
        Some(OriginView::Registry { registry, .. }) => registry.clone(),
    };
    match &entry.signer {
        Some(signer) => format!("{place}, signed by {}", signer.publisher),
        None => format!("{place}, no signature"),
    }
}

/// A part of the audit log, oldest first.
pub(crate) fn audit(view: &AuditList, style: &Style) -> String {
    if view.entries.is_empty() {
        return "nothing was changed yet\n".to_owned();
    }
    let mut table = Table::new(["no", "at", "by", "did", "to", "hash"]);
    for entry in &view.entries {
        let tone = if entry.action.ends_with("rollback") { Tone::Careful } else { Tone::Plain };
        table.row([
            Cell::number(Tone::Plain, entry.number),
            Cell::text(style.time(entry.at)),
            Cell::text(&entry.by),
            Cell::new(tone, entry.action.replace('-', " ")),
            Cell::text(&entry.subject),
            Cell::new(Tone::Faint, short(&entry.hash)),
        ]);
        table.note(&about(entry));
    }
    let mut text = table.render(style);
    if let (true, Some(last)) = (view.more, view.entries.last()) {
        text.push_str(&format!("more: --after {}\n", last.number));
    }
    text.push_str(&format!("{}\n", style.paint(Tone::Faint, &format!("head {} {}", view.head.number, view.head.hash))));
    text
}

/// The result of the verification.
pub(crate) fn verdict(view: &AuditVerifyView, style: &Style) -> String {
    let head = style.paint(Tone::Faint, &clean(&view.head.hash)).into_owned();
    match &view.problem {
        None => {
            let entries = count(view.entries, "entry", "entries");
            let found = view.found_at.map(|number| format!("; the hash is entry {number}'s")).unwrap_or_default();
            format!(
                "{} {entries}, each follows from the one before{found}\n  head {head}\n",
                style.paint(Tone::Good, "✔")
            )
        }
        Some(problem) => {
            let sign = style.paint(Tone::Bad, "✘").into_owned();
            format!(
                "{sign} the record does not hold: {}\n  {} before that hold, head {head}\n",
                clean(problem),
                view.entries
            )
        }
    }
}

/// The details of an entry on one line: the version, the reason, and changes of config, grants and state.
fn about(entry: &AuditEntryView) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (detail, changes) = (&entry.detail, &entry.detail["changes"]);
    let mut parts = Vec::new();
    match (text(&changes["version"]["before"]), text(&detail["version"])) {
        (Some(before), Some(after)) if before != after => parts.push(format!("{before} → {after}")),
        (_, Some(after)) => parts.push(after),
        _ => {}
    }
    let said = ["note", "reason", "message"].iter().find_map(|member| text(&detail[*member]));
    parts.extend(said.map(|said| format!("“{said}”")));
    let fields = changes["config"].as_array().into_iter().flatten().filter(|_| !changes["version"]["before"].is_null());
    parts.extend(fields.filter_map(|change| {
        let side = |name: &str| change[name].as_str().unwrap_or("none");
        Some(format!("{}: {} → {}", change["field"].as_str()?, side("before"), side("after")))
    }));
    for (member, sign) in [("grantsAdded", '+'), ("grantsDropped", '-')] {
        let lines = changes[member].as_array().into_iter().flatten().filter_map(Value::as_str);
        parts.extend(lines.map(|line| format!("{sign} {line}")));
    }
    if let (Some(from), Some(to)) = (changes["state"]["from"].as_u64(), changes["state"]["to"].as_u64()) {
        parts.push(format!("state {from} → {to}"));
    }
    parts.join("; ")
}

fn short(hash: &str) -> &str {
    hash.get(..HASH_DIGITS).unwrap_or(hash)
}
