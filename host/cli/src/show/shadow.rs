//! Formats the results of a shadow run and of a replay.

use crate::show::{failure, short_digest};
use crate::style::{Style, Tone, clean, count, cut, duration, span};
use handoff_control::shadow::{
    CutView, DifferenceChange, DifferenceGroup, DifferenceKind, FieldView, ReplayView, ShadowView,
};

/// Columns of a value that is shown beside another.
const VALUE_WIDTH: usize = 60;

/// A shadow run.
pub(crate) fn report(view: &ShadowView, style: &Style) -> String {
    let deliveries = &view.deliveries;
    let mut text = format!(
        "{} {} on the deliveries of {} ({}), in {}\n",
        style.paint(Tone::Strong, &clean(&view.candidate.version)),
        style.paint(Tone::Faint, &short_digest(&view.candidate.digest)),
        style.paint(Tone::Strong, view.name.as_str()),
        clean(&view.version),
        span(view.took_ms),
    );
    if let (Some(first), Some(last)) = (view.first, view.last) {
        text.push_str(&format!(
            "  events #{} to #{}, {} to {}\n",
            first.position,
            last.position,
            style.time(first.at),
            style.time(last.at)
        ));
    }
    let tone = if deliveries.different == 0 { Tone::Good } else { Tone::Careful };
    text.push_str(&format!(
        "  {} of {} ran again: {} the same, {}\n",
        deliveries.ran,
        deliveries.total,
        deliveries.same,
        style.paint(tone, &format!("{} different", deliveries.different)),
    ));
    let durations = &view.durations;
    if deliveries.ran > 0 {
        text.push_str(&format!(
            "  took {} (95%: {}); then {} (95%: {}), look-ups included\n",
            duration(durations.candidate_p50_ms),
            duration(durations.candidate_p95_ms),
            duration(durations.recorded_p50_ms),
            duration(durations.recorded_p95_ms),
        ));
    }
    for note in notes(view) {
        text.push_str(&format!("{} {note}\n", style.paint(Tone::Careful, "!")));
    }
    if let Some(why) = &view.migration_failure {
        text.push_str(&format!(
            "{} it cannot migrate the state: {}\n",
            style.paint(Tone::Bad, "✘"),
            failure(style, why)
        ));
    }
    groups(&view.differences, style, &mut text);
    if view.differences_left_out > 0 {
        text.push_str(&format!(
            "and {} of further sorts\n",
            count(view.differences_left_out, "difference", "differences")
        ));
    }
    text
}

fn notes(view: &ShadowView) -> Vec<String> {
    let deliveries = &view.deliveries;
    let mut notes: Vec<String> = view.warnings.iter().map(|warning| clean(warning).into_owned()).collect();
    let mut note = |number: u64, one: &str, many: &str, what: &str| {
        if number > 0 {
            notes.push(format!("{} {what}", count(number, one, many)));
        }
    };
    let (one, many) = ("delivery", "deliveries");
    note(deliveries.not_recorded, one, many, "asked other systems what was not recorded, and were told so");
    note(deliveries.state_assumed, one, many, "read state whose earlier value is uncertain");
    note(deliveries.gone, one, many, "left out: their events are not kept any more");
    note(deliveries.hosts_own, one, many, "left out: they had failed for a reason of the host's own");
    match view.cut {
        Some(CutView::Time) => notes.push("the time was up before all of them ran (--time)".to_owned()),
        Some(CutView::State) => notes.push("ended early: they write more than a run keeps in memory".to_owned()),
        Some(CutView::Stopping) => notes.push("ended early: the host stops".to_owned()),
        None => {}
    }
    notes
}

fn groups(groups: &[DifferenceGroup], style: &Style, text: &mut String) {
    for group in groups {
        let kind = match group.kind {
            DifferenceKind::Outcome => "outcome",
            DifferenceKind::Emitted => "event",
            DifferenceKind::State => "state",
            DifferenceKind::Timer => "timer",
            DifferenceKind::Request => "request",
        };
        let (tone, change) = match group.change {
            DifferenceChange::Added => (Tone::Good, "added"),
            DifferenceChange::Removed => (Tone::Bad, "missing"),
            DifferenceChange::Changed => (Tone::Careful, "changed"),
            DifferenceChange::Reordered => (Tone::Careful, "in another order"),
        };
        text.push_str(&format!(
            "\n{} {} {}, {}\n",
            kind,
            style.paint(Tone::Strong, &clean(&group.what)),
            style.paint(tone, change),
            count(group.count, "time", "times")
        ));
        for example in &group.examples {
            let assumed = if example.state_assumed { " (state assumed)" } else { "" };
            let name = if example.name == group.what { "" } else { example.name.as_str() };
            text.push_str(&format!("  #{} {}{assumed}\n", example.position, clean(name)).replace(" \n", "\n"));
            for look_up in &example.not_recorded {
                text.push_str(&format!("    not recorded: {}\n", clean(look_up)));
            }
            example.fields.iter().for_each(|field| text.push_str(&field_line(field, style)));
            if example.fields_left_out > 0 {
                text.push_str(&format!("    and {} fields more\n", example.fields_left_out));
            }
        }
    }
}

fn field_line(field: &FieldView, style: &Style) -> String {
    let shown = |value: &Option<String>| {
        value.as_deref().map_or_else(|| "(none)".to_owned(), |value| cut(&clean(value), VALUE_WIDTH).into_owned())
    };
    let path = if field.path.is_empty() { String::new() } else { format!("{}: ", clean(&field.path)) };
    format!("    {path}{} → {}\n", style.paint(Tone::Faint, &shown(&field.recorded)), shown(&field.candidate))
}

/// A replay.
pub(crate) fn replay(view: &ReplayView, style: &Style) -> String {
    let mut text = format!(
        "event #{} at {}, attempt {}, as {} of generation {}, with version {}\n",
        view.position,
        style.paint(Tone::Strong, view.name.as_str()),
        view.attempt,
        style.time(view.at),
        view.generation,
        clean(&view.candidate.version),
    );
    match (&view.failure, &view.effects) {
        (Some(why), _) => text.push_str(&format!("  fails: {}\n", failure(style, why))),
        (None, Some(effects)) => {
            let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
            text.push_str(&format!("  commits in {}:\n", duration(view.duration_ms)));
            for event in &effects.emitted {
                let name = event.get("type").and_then(|name| name.as_str()).unwrap_or_default();
                text.push_str(&format!("    emits {}\n", clean(name)));
            }
            for (key, value) in &effects.state {
                let verb = if value.is_null() { "removes" } else { "writes" };
                text.push_str(&format!("    {verb} {}\n", clean(key)));
            }
            effects.timers_set.keys().for_each(|key| text.push_str(&format!("    sets timer {}\n", clean(key))));
            effects
                .timers_cancelled
                .iter()
                .for_each(|key| text.push_str(&format!("    cancels timer {}\n", clean(key))));
            for (key, request) in &effects.requests {
                let part = |name: &str| request.get(name).and_then(|part| part.as_str()).unwrap_or_default().to_owned();
                text.push_str(&format!("    sends {}: {} {}\n", clean(key), part("method"), clean(&part("url"))));
            }
            if number(effects.emitted.len() + effects.state.len() + effects.requests.len()) == 0 {
                text.push_str("    nothing but the acknowledgement\n");
            }
        }
        (None, None) => {}
    }
    let verdict = match (view.same, view.exact) {
        (true, true) => style.paint(Tone::Good, "✔ equals the recording, byte for byte"),
        (true, false) => style.paint(Tone::Good, "✔ does what was recorded"),
        (false, _) => style.paint(Tone::Bad, "✘ is not what was recorded"),
    };
    text.push_str(&format!("{verdict}\n"));
    if view.state_assumed {
        text.push_str(&format!("{} it read state whose earlier value is uncertain\n", style.paint(Tone::Careful, "!")));
    }
    for look_up in &view.not_recorded {
        text.push_str(&format!("{} not recorded: {}\n", style.paint(Tone::Careful, "!"), clean(look_up)));
    }
    groups(&view.differences, style, &mut text);
    text
}
