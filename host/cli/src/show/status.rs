//! Formats the status of the host.

use super::facts;
use super::installation::warning_line;
use crate::style::{Style, Tone, clean, count, size};
use handoff_control::host::status::{HostState, NamedWarning, StatusView};

/// The status on a few lines.
pub(crate) fn status(view: &StatusView, style: &Style) -> String {
    let (tone, word) = match view.state {
        HostState::Ready => (Tone::Good, "ready"),
        HostState::Recovering => (Tone::Careful, "recovering: reads its journal, takes no events yet"),
        HostState::Blocked => (Tone::Bad, "waits for its disk: acknowledges nothing until the journal can be written"),
        HostState::Failed => {
            (Tone::Bad, "failed: acknowledges nothing until the disk is mended and it is started again")
        }
        HostState::Stopping => (Tone::Careful, "stopping: ends what it began"),
        HostState::Stopped => (Tone::Careful, "stopped: these figures are from its store"),
    };
    let counts = &view.counts;
    let dead = count(counts.dead_letters, "dead letter", "dead letters");
    let dead = style.paint(if counts.dead_letters == 0 { Tone::Plain } else { Tone::Bad }, &dead).into_owned();
    let outbox = super::outbox::counted(counts, style);
    let paused = match view.paused_installations {
        0 => String::new(),
        number => style.paint(Tone::Careful, &format!(", {number} paused")).into_owned(),
    };
    let restoring = match view.restoring_installations {
        0 => String::new(),
        number => style.paint(Tone::Careful, &format!(", {number} with a rollback job")).into_owned(),
    };
    let problem = view.problem.as_ref().map(|problem| format!("\n{}", clean(problem))).unwrap_or_default();
    let mut text = facts(
        style,
        &[
            ("host", format!("{}, version {}{problem}", style.paint(tone, word), clean(&view.version))),
            ("since", view.started_at.map_or("-".to_owned(), |at| format!("{} ({})", style.time(at), style.ago(at)))),
            (
                "active",
                format!(
                    "{}{paused}{restoring}",
                    count(view.active_installations.into(), "installation", "installations")
                ),
            ),
            ("events", format!("{} waiting, {} in flight, {dead}", counts.waiting, counts.in_flight)),
            ("outbox", outbox),
            ("timers", counts.timers.to_string()),
            ("log", format!("up to position {}", view.last_position)),
            (
                "store",
                format!(
                    "{}: {}, {} free",
                    clean(&view.data_folder),
                    size(view.store_bytes),
                    size(view.disk_free_bytes)
                ),
            ),
        ],
    );
    for NamedWarning { installation, warning } in &view.warnings {
        text.push_str(&format!(
            "{}: {}",
            style.paint(Tone::Strong, installation.as_str()),
            warning_line(warning, style)
        ));
    }
    if !view.incidents.is_empty() {
        let number = count(view.incidents.len().try_into().unwrap_or(u64::MAX), "open incident", "open incidents");
        text.push_str(&format!("\n{}\n", style.paint(Tone::Bad, &number)));
        text.push_str(&super::incidents::brief(&view.incidents, style));
    }
    text
}
