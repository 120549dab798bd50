//! Formats events and log messages.

use super::{facts, type_in_words};
use crate::style::{Style, Tone, clean, size};
use crate::table::{Cell, Table};
use handoff_control::events::{DeliveryState, EventList, EventView, RouteView};
use handoff_control::host::logs::LogView;
use handoff_model::effects::LogLevel;

/// A page of events.
pub(crate) fn list(view: &EventList, style: &Style) -> String {
    if view.events.is_empty() {
        return "no such events\n".to_owned();
    }
    let mut table = Table::new(["position", "time", "what", "subject", "went to"]);
    for event in &view.events {
        table.row([
            Cell::new(Tone::Name, event.position.to_string()),
            Cell::text(style.time(event.at)),
            Cell::text(type_in_words(&event.type_name)),
            Cell::text(event.subject.as_deref().unwrap_or("")),
            Cell::new(worst(&event.routes), routes(&event.routes)),
        ]);
    }
    let mut text = table.render(style);
    if let Some(next) = view.next {
        text.push_str(&style.paint(Tone::Faint, &format!("older ones: handoff events --before {next}")));
        text.push('\n');
    }
    text
}

/// One event with its data.
pub(crate) fn one(view: &EventView, style: &Style) -> String {
    let event = &view.summary;
    let mut lines = vec![
        ("position", event.position.to_string()),
        ("type", clean(&event.type_name).into_owned()),
        ("source", clean(&event.source).into_owned()),
        ("id", clean(&event.id).into_owned()),
        ("taken", format!("{} ({})", style.time(event.at), style.ago(event.at))),
    ];
    if let Some(subject) = &event.subject {
        lines.push(("subject", clean(subject).into_owned()));
    }
    if let Some(time) = view.time {
        lines.push(("happened", style.time(time)));
    }
    if let Some(cause) = view.caused_by {
        lines.push(("came of", format!("event {cause}")));
    }
    if let Some(repeated) = view.redrive_of {
        lines.push(("repeats", format!("event {repeated}, which had failed for good")));
    }
    let extensions: Vec<String> =
        view.extensions.iter().map(|(name, value)| format!("{}={}", clean(name), clean(value))).collect();
    if !extensions.is_empty() {
        lines.push(("extensions", extensions.join(" ")));
    }
    lines.push(("went to", clean(&routes(&event.routes)).into_owned()));
    let content_type = view.data_content_type.as_deref().unwrap_or("no content type");
    lines.push(("data", format!("{}, {}", size(event.data_bytes), clean(content_type))));
    let mut text = facts(style, &lines);
    match (&view.data, &view.data_base64) {
        (Some(data), _) if !data.is_empty() => {
            text.push('\n');
            text.push_str(&data_text(data));
        }
        (None, Some(_)) => {
            text.push_str(&format!("\nnot text; to save it: handoff events {} --data > FILE\n", event.position));
        }
        _ => {}
    }
    text
}

/// One log message.
pub(crate) fn log(line: &LogView, style: &Style) -> String {
    let (tone, word) = level_tone(line.level);
    let mut text = format!("{} {}", style.paint(Tone::Faint, &style.time(line.at)), style.paint(tone, word));
    if let Some(installation) = &line.installation {
        text.push_str(&format!(" {}", style.paint(Tone::Strong, installation.as_str())));
    }
    if let Some(position) = line.position {
        text.push_str(&format!(" {}", style.paint(Tone::Name, &format!("#{position}"))));
    }
    text.push_str(&format!(" {}", clean(&line.message)));
    for (name, value) in &line.fields {
        text.push_str(&style.paint(Tone::Faint, &format!(" {}={}", clean(name), clean(value))));
    }
    text
}

/// The tone and word of a level.
pub(super) fn level_tone(level: LogLevel) -> (Tone, &'static str) {
    match level {
        LogLevel::Debug => (Tone::Faint, "debug"),
        LogLevel::Info => (Tone::Plain, "info "),
        LogLevel::Warn => (Tone::Careful, "warn "),
        LogLevel::Error => (Tone::Bad, "error"),
    }
}

/// Formats data for people: indented JSON, other text line by line, without control characters.
pub(super) fn data_text(data: &str) -> String {
    let pretty = serde_json::from_str::<serde_json::Value>(data).and_then(|value| serde_json::to_string_pretty(&value));
    let text = pretty.unwrap_or_else(|_| data.to_owned());
    text.lines().map(|line| format!("{}\n", clean(line))).collect()
}

fn routes(routes: &[RouteView]) -> String {
    if routes.is_empty() {
        return "nobody".to_owned();
    }
    let one = |route: &RouteView| {
        let state = match route.state {
            DeliveryState::Committed => return route.installation.to_string(),
            DeliveryState::Waiting => "waits",
            DeliveryState::Retrying => "tries again",
            DeliveryState::DeadLetter => "failed",
            DeliveryState::Redriven => "delivered again",
            DeliveryState::Discarded => "given up",
            DeliveryState::Uninstalled => "uninstalled",
        };
        format!("{} ({state})", route.installation)
    };
    routes.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn worst(routes: &[RouteView]) -> Tone {
    let any = |state| routes.iter().any(|route| route.state == state);
    if any(DeliveryState::DeadLetter) {
        Tone::Bad
    } else if any(DeliveryState::Retrying) {
        Tone::Careful
    } else if routes.is_empty() {
        Tone::Faint
    } else {
        Tone::Plain
    }
}
