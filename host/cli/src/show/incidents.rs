//! Formats incidents.

use crate::style::{Style, Tone, clean};
use handoff_control::incidents::{IncidentList, IncidentView};

/// All open incidents.
pub(crate) fn list(list: &IncidentList, style: &Style) -> String {
    if list.incidents.is_empty() {
        return "no incidents\n".to_owned();
    }
    list.incidents.iter().map(|incident| one(incident, style)).collect()
}

fn one(incident: &IncidentView, style: &Style) -> String {
    let subject = incident.installation.as_ref().map_or("the host", |name| name.as_str());
    let mut text = format!(
        "{} {} {}, {} ({})\n  {}\n",
        style.paint(Tone::Bad, "●"),
        style.paint(Tone::Strong, subject),
        clean(&incident.kind),
        style.time(incident.at),
        style.ago(incident.at),
        clean(&incident.message),
    );
    if let Some(command) = &incident.command {
        text.push_str(&format!("  {} {}\n", style.paint(Tone::Strong, "do:"), clean(command)));
    }
    text.push_str(&style.paint(Tone::Faint, &format!("  seen? handoff incidents close {}\n", clean(&incident.id))));
    text
}

/// A closed incident.
pub(crate) fn closed(incident: &IncidentView, style: &Style) -> String {
    format!("{}: {}\n", style.paint(Tone::Good, "closed"), clean(&incident.message))
}
