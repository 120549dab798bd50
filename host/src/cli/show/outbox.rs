//! Requests to other systems, and what became of those that a rollback held.

use crate::app::views::outbox::{HeldReport, OutboxList, OutboxState, OutboxView};
use crate::app::views::status::Counts;
use crate::cli::style::{Style, Tone, count, cut};
use crate::cli::table::{Cell, Table};

/// A page of requests.
pub(in crate::cli) fn list(view: &OutboxList, style: &Style) -> String {
    if view.requests.is_empty() {
        return "no requests wait\n".to_owned();
    }
    let mut table = Table::new(["id", "gen", "state", "tries", "next", "last answer", "request"]);
    for request in &view.requests {
        let tone = match request.state {
            OutboxState::Failed => Tone::Bad,
            OutboxState::Answered => Tone::Good,
            OutboxState::Pending => Tone::Plain,
            OutboxState::Held => Tone::Careful,
            OutboxState::Discarded => Tone::Faint,
        };
        table.row([
            Cell::new(Tone::Name, request.id.to_string()),
            Cell::number(Tone::Plain, request.generation.0),
            Cell::new(tone, request.state.to_string()),
            Cell::number(Tone::Plain, request.attempts.into()),
            Cell::text(request.next_attempt_at.map(|at| style.ago(at)).unwrap_or_default()),
            Cell::text(cut(&answer(request), 30)),
            Cell::text(format!("{} {}", request.method, request.url)),
        ]);
    }
    let mut text = table.render(style);
    let mut hint = |words: &str| {
        text.push_str(&style.paint(Tone::Faint, words));
        text.push('\n');
    };
    if view.requests.iter().any(|request| request.state == OutboxState::Held) {
        hint("a rollback keeps the held ones back: handoff outbox release ID, or discard ID --reason TEXT");
    }
    if view.requests.iter().any(|request| request.on_the_wire == Some(true)) {
        hint("those cut off may have reached their target; released, they go with the same idempotency key");
    }
    if view.more {
        hint("there are more: narrow with --installation or --state, or raise --limit");
    }
    text
}

/// What waits in the outbox, and what is held there.
pub(super) fn counted(counts: &Counts, style: &Style) -> String {
    let held = match counts.outbox_held {
        0 => String::new(),
        number => style.paint(Tone::Careful, &format!(", {number} held after a rollback")).into_owned(),
    };
    format!("{} to be sent{held}", count(counts.outbox_pending, "request", "requests"))
}

fn answer(request: &OutboxView) -> String {
    match (request.status, &request.error, request.on_the_wire, &request.discarded_by) {
        (Some(status), ..) => status.to_string(),
        (None, Some(error), ..) => error.clone(),
        (None, None, Some(true), _) => "cut off on the wire".to_owned(),
        (None, None, Some(false), _) => "not sent".to_owned(),
        (None, None, None, Some(by)) => format!("by {by}"),
        (None, None, None, None) => String::new(),
    }
}

/// What became of picked requests; `done` is the verb.
pub(in crate::cli) fn settled(view: &HeldReport, done: &str, style: &Style) -> String {
    let mut text = format!("{done} {}\n", count(view.done, "held request", "held requests"));
    if !view.unknown.is_empty() {
        let ids: Vec<String> = view.unknown.iter().map(ToString::to_string).collect();
        text.push_str(&format!("{} {}\n", style.paint(Tone::Careful, "not held (any more):"), ids.join(" ")));
    }
    text
}
