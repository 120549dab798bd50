//! Formats the report of an uninstall.

use super::facts;
use crate::style::{Style, Tone, clean, count, size};
use handoff_control::installations::uninstall::{PendingView, UninstallReport};

/// Requests that are listed one by one.
const LISTED: usize = 10;

/// What would be removed.
pub(crate) fn plan(view: &UninstallReport, style: &Style) -> String {
    let PendingView { events, dead_letters, requests, requests_held, timers, state_keys, .. } = view.removed;
    let number = |number: u64| {
        let tone = if number == 0 { Tone::Faint } else { Tone::Careful };
        style.paint(tone, &number.to_string()).into_owned()
    };
    let lines = [
        ("waiting events", number(events)),
        ("dead letters", number(dead_letters)),
        ("unsent requests", format!("{}, {} held", number(requests), number(requests_held))),
        ("timers", number(timers)),
        ("state keys", number(state_keys)),
    ];
    let head = format!(
        "{} ({} {}, generation {}, {}) would end, and this would be removed:\n",
        style.paint(Tone::Strong, view.name.as_str()),
        clean(&view.package),
        clean(&view.version),
        view.generation,
        view.scope,
    );
    let body: String = facts(style, &lines).lines().map(|line| format!("  {line}\n")).collect();
    format!("{head}{body}{}", perhaps_sent(view, style))
}

/// The result.
pub(crate) fn done(view: &UninstallReport, style: &Style) -> String {
    let PendingView { events, dead_letters, requests, requests_held, timers, state_keys, .. } = view.removed;
    let mut text = format!(
        "{} {} is uninstalled. Removed: {}, {}, {}, {}, {}\n",
        style.paint(Tone::Good, "✔"),
        style.paint(Tone::Strong, view.name.as_str()),
        count(events, "waiting event", "waiting events"),
        count(dead_letters, "dead letter", "dead letters"),
        count(requests.saturating_add(requests_held), "unsent request", "unsent requests"),
        count(timers, "timer", "timers"),
        count(state_keys, "state key", "state keys"),
    );
    if let Some(export) = &view.export {
        text.push_str(&format!("  exported to {} ({}):", clean(&export.folder), size(export.bytes)));
        let files: Vec<String> = export
            .files
            .iter()
            .map(|file| format!(" {} ({})", clean(&file.name), count(file.lines, "line", "lines")))
            .collect();
        text.push_str(&files.join(","));
        text.push('\n');
    }
    text.push_str(&perhaps_sent(view, style));
    text.push_str(&format!("  Its history stays: handoff history {0}; handoff audit -i {0}\n", view.name));
    text
}

fn perhaps_sent(view: &UninstallReport, style: &Style) -> String {
    let number = view.removed.requests_perhaps_sent;
    if number == 0 {
        return String::new();
    }
    let what = count(number, "request without an answer", "requests without an answer");
    let mut text = format!(
        "{} {what} may have reached their target; answers are not delivered any more:\n",
        style.paint(Tone::Careful, "!")
    );
    for request in view.perhaps_sent.iter().take(LISTED) {
        let (id, method, url) = (&request.id, clean(&request.method), clean(&request.url));
        text.push_str(&format!("  {id} {method} {url} (key {})\n", clean(&request.key)));
    }
    let more = number.saturating_sub(u64::try_from(LISTED).unwrap_or(0));
    if more > 0 {
        text.push_str(&format!("  and {more} more: --json lists up to 100\n"));
    }
    text
}
