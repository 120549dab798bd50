//! What a rollback did, in a few lines.

use crate::app::views::rollback::RollbackReport;
use crate::cli::style::{Style, Tone, clean, count};

/// The report.
pub(in crate::cli) fn rollback(view: &RollbackReport, style: &Style) -> String {
    let mut text = format!(
        "{} {}: {} → {} (generation {} with the content of {}), in {} ms\n",
        style.paint(Tone::Good, "rolled back"),
        style.paint(Tone::Strong, view.name.as_str()),
        clean(&view.from.version),
        style.paint(Tone::Strong, &clean(&view.to.version)),
        view.new_generation,
        view.to.generation,
        view.took_ms,
    );
    let mut line = |tone, words: &str| {
        text.push_str(&format!("  {}\n", style.paint(tone, words)));
    };
    if view.host_running {
        let events = count(view.events_redelivered, "event is delivered", "events are delivered");
        line(Tone::Plain, &format!("{events} again"));
    }
    if view.dead_letters_redriven > 0 {
        let letters = count(view.dead_letters_redriven, "dead letter", "dead letters");
        line(Tone::Plain, &format!("{letters} of generation {} delivered again too", view.from.generation));
    }
    if view.requests_pending > 0 {
        let pending = count(view.requests_pending, "request", "requests");
        line(
            Tone::Careful,
            &format!(
                "{pending} of generation {} still to be sent: handoff outbox --installation {}",
                view.from.generation, view.name
            ),
        );
    }
    if view.requests_sent > 0 {
        let sent = count(view.requests_sent, "request", "requests");
        line(
            Tone::Careful,
            &format!("{sent} of generation {} had gone out and cannot be taken back", view.from.generation),
        );
    }
    if view.from.version != view.to.version {
        line(Tone::Faint, &format!("{} is not picked again unless forced", clean(&view.from.version)));
    }
    if !view.host_running {
        line(Tone::Careful, "the host is stopped: it starts with this version");
    }
    text
}
