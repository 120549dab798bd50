//! Formats outbox requests, and the result of release and discard.

use super::event::data_text;
use super::{facts, type_in_words};
use crate::style::{Style, Tone, clean, count, cut, size};
use crate::table::{Cell, Table};
use handoff_control::host::status::Counts;
use handoff_control::outbox::{HeldReport, OutboxList, OutboxRequestView, OutboxState, OutboxView};

/// A page of requests.
pub(crate) fn list(view: &OutboxList, style: &Style) -> String {
    if view.requests.is_empty() {
        return "no requests wait\n".to_owned();
    }
    let mut table = Table::new(["id", "event", "gen", "state", "tries", "next", "last answer", "request"]);
    for request in &view.requests {
        table.row([
            Cell::new(Tone::Name, request.id.to_string()),
            Cell::text(request.caused_by.map(|position| format!("#{position}")).unwrap_or_default()),
            Cell::number(Tone::Plain, request.generation.0),
            Cell::new(tone(request.state), request.state.to_string()),
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
        hint(
            "a rollback keeps the held ones back: handoff outbox show ID, then release ID, or discard ID --reason TEXT",
        );
    }
    let may_be_doubled = |request: &OutboxView| request.state == OutboxState::Held && request.may_have_been_sent;
    if view.requests.iter().any(may_be_doubled) {
        hint(
            "held requests that may have been sent: ask the target before you discard or release them; a release repeats their idempotency key",
        );
    }
    if view.requests.iter().any(|request| request.state_undone) {
        hint(
            "a rollback undid the state of some of these: their answers are recorded, and not delivered to the connector",
        );
    }
    if view.more {
        hint("there are more: narrow with --installation or --state, or raise --limit");
    }
    text
}

/// A request with its content.
pub(crate) fn one(view: &OutboxRequestView, style: &Style) -> String {
    let request = &view.request;
    let state = style.paint(tone(request.state), &request.state.to_string()).into_owned();
    let said = answer(request);
    let state = if said.is_empty() { state } else { format!("{state}: {}", clean(&said)) };
    let mut lines = vec![
        ("id", request.id.to_string()),
        ("state", state),
        ("generation", request.generation.to_string()),
        ("written", format!("{} ({})", style.time(request.at), style.ago(request.at))),
        ("attempts", request.attempts.to_string()),
    ];
    lines.extend(request.next_attempt_at.map(|at| ("next", format!("{} ({})", style.time(at), style.ago(at)))));
    lines.extend(request.ended_at.map(|at| ("since", format!("{} ({})", style.time(at), style.ago(at)))));
    lines.push(("key", clean(&request.key).into_owned()));
    lines.push(("idempotency-key", clean(&view.idempotency_key).into_owned()));
    lines.push(("came of", came_of(view)));
    if request.state_undone {
        lines.push(("state", "undone by a rollback: its answer is not delivered to the connector".to_owned()));
    }
    lines.extend(view.answered_as.map(|position| ("answer", format!("event #{position}"))));
    if !view.kept {
        lines.push(("request", "not kept any more".to_owned()));
        return facts(style, &lines);
    }
    lines.extend(view.partition_key.as_deref().map(|key| ("in order by", clean(key).into_owned())));
    lines.push(("request", format!("{} {}", clean(&request.method), clean(&request.url))));
    lines.extend(view.auth.as_deref().map(|auth| ("credentials", format!("{}, added when it is sent", clean(auth)))));
    let header = |name: &str, value: &str| ("header", format!("{}: {}", clean(name), clean(value)));
    lines.extend(view.headers.iter().map(|field| header(&field.name, &field.value)));
    let is_text = view.body.is_some() || view.body_bytes == 0;
    let kind = if is_text { "" } else { ", not text" };
    lines.push(("body", format!("{}{kind}", size(view.body_bytes))));
    let mut text = facts(style, &lines);
    if let Some(body) = &view.body {
        text.push_str(&format!("\n{}", data_text(body)));
    }
    if view.body_cut {
        text.push_str(&style.paint(Tone::Faint, "… and so on"));
        text.push('\n');
    }
    text
}

fn came_of(view: &OutboxRequestView) -> String {
    match (&view.cause, view.request.caused_by) {
        (Some(cause), _) => {
            let what = type_in_words(&cause.type_name);
            let (position, id) = (cause.position, clean(&cause.id));
            format!("{what} #{position}, id {id} of {}: handoff trace {position}", clean(&cause.source))
        }
        (None, Some(position)) => format!("event #{position}, which is not kept any more"),
        (None, None) => "unknown".to_owned(),
    }
}

fn tone(state: OutboxState) -> Tone {
    match state {
        OutboxState::Failed => Tone::Bad,
        OutboxState::Answered => Tone::Good,
        OutboxState::Pending => Tone::Plain,
        OutboxState::Held => Tone::Careful,
        OutboxState::Discarded => Tone::Faint,
    }
}

/// The numbers of pending and held requests.
pub(super) fn counted(counts: &Counts, style: &Style) -> String {
    let held = match counts.outbox_held {
        0 => String::new(),
        number => style.paint(Tone::Careful, &format!(", {number} held after a rollback")).into_owned(),
    };
    format!("{} to be sent{held}", count(counts.outbox_pending, "request", "requests"))
}

fn answer(request: &OutboxView) -> String {
    let sent = if request.may_have_been_sent { "may have been sent" } else { "not sent" };
    match (request.status, &request.error, &request.discarded_by) {
        (Some(status), ..) => status.to_string(),
        (None, Some(error), _) => error.clone(),
        (None, None, Some(by)) if request.may_have_been_sent => format!("by {by}, {sent}"),
        (None, None, Some(by)) => format!("by {by}"),
        (None, None, None) => sent.to_owned(),
    }
}

/// The result for the selected requests; `done` is the verb.
pub(crate) fn settled(view: &HeldReport, done: &str, style: &Style) -> String {
    let mut text = format!("{done} {}\n", count(view.done, "held request", "held requests"));
    if !view.unknown.is_empty() {
        let ids: Vec<String> = view.unknown.iter().map(ToString::to_string).collect();
        text.push_str(&format!("{} {}\n", style.paint(Tone::Careful, "not held (any more):"), ids.join(" ")));
    }
    text
}
