//! Formats timers.

use crate::show::type_in_words;
use crate::style::{Style, Tone, clean};
use crate::table::{Cell, Table};
use handoff_control::timers::{FireReport, TimerList};

/// Timers.
pub(crate) fn list(view: &TimerList, style: &Style) -> String {
    if view.timers.is_empty() {
        return "no timers\n".to_owned();
    }
    let mut table = Table::new(["installation", "key", "due", "what", "set by"]);
    for timer in &view.timers {
        table.row([
            Cell::new(Tone::Name, timer.installation.to_string()),
            Cell::text(clean(&timer.key)),
            Cell::text(style.ago(timer.due)),
            Cell::text(type_in_words(&timer.type_name)),
            Cell::text(format!("#{}", timer.set_by)),
        ]);
    }
    let mut text = table.render(style);
    text.push_str(&style.paint(Tone::Faint, "deliver one now: handoff timers fire INSTALLATION KEY"));
    text.push('\n');
    text
}

/// A timer that has fired.
pub(crate) fn fired(report: &FireReport, style: &Style) -> String {
    let (key, position) = (clean(&report.key), report.position);
    let fired = style.paint(Tone::Good, "fired");
    format!("{fired} `{key}` of {}: event #{position}\n  next: handoff trace {position}\n", report.installation)
}
