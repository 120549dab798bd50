//! Formats gates.

use crate::style::{Style, Tone, clean, count};
use crate::table::{Cell, Table};
use handoff_control::gates::{ClosedBy, GateList, GateView, OpenReport};

/// All gates.
pub(crate) fn list(view: &GateList, style: &Style) -> String {
    if view.gates.is_empty() {
        return "no request was sent since the host started\n".to_owned();
    }
    let mut table = Table::new(["target", "profile", "state"]);
    for gate in &view.gates {
        let (tone, state) = state(gate, style);
        table.row([
            Cell::new(Tone::Strong, &gate.target),
            Cell::text(gate.profile.as_deref().unwrap_or("-")),
            Cell::new(tone, state),
        ]);
    }
    let mut text = table.render(style);
    if view.gates.iter().any(|gate| gate.closed_by.is_some()) {
        text.push_str(&style.paint(Tone::Faint, "requests wait: handoff outbox; open one: handoff gates open TARGET"));
        text.push('\n');
    }
    text
}

fn state(gate: &GateView, style: &Style) -> (Tone, String) {
    let until = gate
        .until
        .map_or_else(String::new, |until| format!("next request {} ({})", style.time(until), style.ago(until)));
    match gate.closed_by {
        None => (Tone::Good, "open".to_owned()),
        Some(ClosedBy::Failures) => (Tone::Bad, format!("closed: the target keeps failing; {until}")),
        Some(ClosedBy::RetryAfter) => (Tone::Careful, format!("closed: the target asked to wait; {until}")),
        Some(ClosedBy::Budget) => (Tone::Careful, format!("closed: the daily budget is used up; {until}")),
    }
}

/// The result of opening a gate.
pub(crate) fn opened(view: &OpenReport, style: &Style) -> String {
    let target = clean(&view.target);
    let target = style.paint(Tone::Strong, &target);
    if view.was_closed {
        format!("opened the gate to {target}; {} now\n", count(view.requests, "request is due", "requests are due"))
    } else {
        format!("the gate to {target} was open already, or waits for its daily budget\n")
    }
}
