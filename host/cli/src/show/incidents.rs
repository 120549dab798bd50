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

/// Incidents within another page: what is wrong and what to do.
pub(crate) fn brief(incidents: &[IncidentView], style: &Style) -> String {
    let line = |incident: &IncidentView| {
        let sign = style.paint(Tone::Bad, "●");
        format!("{sign} {}{}", clean(&incident.message), since(incident, style)) + "\n" + &advice(incident, style)
    };
    incidents.iter().map(line).collect()
}

fn one(incident: &IncidentView, style: &Style) -> String {
    let subject = if incident.subject.is_empty() { "host" } else { incident.subject.as_str() };
    let mut text = format!(
        "{} {} {}, {} ({}){}\n  {}\n",
        style.paint(Tone::Bad, "●"),
        style.paint(Tone::Strong, &clean(subject)),
        clean(&incident.kind),
        style.time(incident.at),
        style.ago(incident.at),
        times(incident),
        clean(&incident.message),
    );
    text.push_str(&advice(incident, style));
    let end = if incident.closes_itself {
        "  closes by itself when it is over\n".to_owned()
    } else {
        format!("  seen? handoff incidents close {}\n", clean(&incident.id))
    };
    text.push_str(&style.paint(Tone::Faint, end.trim_end()));
    text.push('\n');
    text
}

/// What waits and what to do, below the message.
fn advice(incident: &IncidentView, style: &Style) -> String {
    let mut text = String::new();
    if let Some(waits) = &incident.waits {
        text.push_str(&format!("  {} {}\n", style.paint(Tone::Strong, "waits:"), clean(waits)));
    }
    if let Some(command) = &incident.command {
        text.push_str(&format!("  {} {}\n", style.paint(Tone::Strong, "do:"), clean(command)));
    }
    text
}

fn since(incident: &IncidentView, style: &Style) -> String {
    let text = format!(" ({}{})", style.ago(incident.at), times(incident));
    style.paint(Tone::Faint, &text).into_owned()
}

fn times(incident: &IncidentView) -> String {
    if incident.count > 1 { format!(", {} times", incident.count) } else { String::new() }
}

/// A closed incident.
pub(crate) fn closed(incident: &IncidentView, style: &Style) -> String {
    format!("{}: {}\n", style.paint(Tone::Good, "closed"), clean(&incident.message))
}
