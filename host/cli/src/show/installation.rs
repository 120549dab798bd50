//! Formats installations: the list, and all details of one.

use super::{facts, short_digest};
use crate::style::{Style, Tone, clean, count};
use crate::table::{Cell, Table};
use handoff_control::host::status::HostState;
use handoff_control::incidents::ProbationState;
use handoff_control::installations::{
    DeliveryTotals, GenerationKind, GenerationView, InstallationList, InstallationSummary, InstallationView,
    MetricView, PauseReport, RetryReport, SettingsView, WarningKind, WarningView,
};
use handoff_model::grants::HttpGrant;

/// All installations.
pub(crate) fn list(view: &InstallationList, style: &Style) -> String {
    let mut head = String::new();
    if view.host == HostState::Stopped {
        let stopped = style.paint(Tone::Careful, "the host is stopped: these figures are from its store");
        head = format!("{stopped}\n");
    }
    if view.installations.is_empty() {
        return head + "nothing is installed; to begin: handoff install NAME PACKAGE --settings FILE\n";
    }
    let mut table =
        Table::new(["name", "scope", "package", "version", "gen", "waiting", "dead", "outbox", "held", "state"]);
    for installation in &view.installations {
        let counts = &installation.counts;
        let (tone, state) = state(installation);
        table.row([
            Cell::new(Tone::Strong, installation.name.as_str()),
            Cell::text(installation.scope.to_string()),
            Cell::text(&installation.package),
            Cell::text(&installation.version),
            Cell::number(Tone::Plain, installation.generation.0),
            Cell::number(Tone::Plain, counts.waiting),
            Cell::number(Tone::Bad, counts.dead_letters),
            Cell::number(Tone::Plain, counts.outbox_pending),
            Cell::number(Tone::Careful, counts.outbox_held),
            Cell::new(tone, state),
        ]);
    }
    let mut text = head + &table.render(style);
    let affected = view.installations.iter().flat_map(|installation| &installation.incidents);
    let mut incidents: Vec<_> = view.incidents.iter().chain(affected).cloned().collect();
    // One that affects several installations is shown once.
    let mut seen = std::collections::BTreeSet::new();
    incidents.retain(|incident| seen.insert(incident.id.clone()));
    text.push_str(&super::incidents::brief(&incidents, style));
    let warned = view.installations.iter().filter(|installation| !installation.warnings.is_empty());
    for installation in warned {
        for warning in &installation.warnings {
            text.push_str(&format!(
                "{}: {}",
                style.paint(Tone::Strong, installation.name.as_str()),
                warning_line(warning, style)
            ));
        }
    }
    text
}

/// A warning, with the command to run.
pub(super) fn warning_line(warning: &WarningView, style: &Style) -> String {
    let mut text = format!("{} {}\n", style.paint(Tone::Bad, "!"), clean(&warning.message));
    if let Some(command) = &warning.command {
        text.push_str(&format!("  {} {}\n", style.paint(Tone::Strong, "do:"), clean(command)));
    }
    text
}

/// One installation.
pub(crate) fn show(view: &InstallationView, style: &Style) -> String {
    let summary = &view.summary;
    let counts = &summary.counts;
    let (tone, state) = state(summary);
    let mut lines = vec![
        ("name", style.paint(Tone::Strong, summary.name.as_str()).into_owned()),
        ("state", style.paint(tone, &clean(&state)).into_owned()),
        ("scope", format!("{}, {}", summary.scope, clean(view.time_zone.as_deref().unwrap_or("not configured")))),
        (
            "package",
            format!("{} {}, generation {}", clean(&summary.package), clean(&summary.version), summary.generation),
        ),
        (
            "events",
            format!("{} waiting, {} in flight, {}", counts.waiting, counts.in_flight, dead(counts.dead_letters, style)),
        ),
        ("outbox", super::outbox::counted(counts, style)),
        ("timers", counts.timers.to_string()),
        ("so far", totals(&view.deliveries)),
    ];
    if let Some(probation) = &view.probation {
        let words = match probation.state {
            ProbationState::Watching => format!(
                "until {}, {} so far, compared with {} of the previous generation",
                style.time(probation.until),
                count(probation.deliveries, "delivery", "deliveries"),
                probation.baseline_deliveries,
            ),
            ProbationState::Passed => "passed".to_owned(),
            ProbationState::NotJudged => {
                let reason =
                    clean(probation.reason.as_deref().unwrap_or("there was too little to compare")).into_owned();
                style.paint(Tone::Careful, &format!("not judged: {reason}")).into_owned()
            }
            ProbationState::Failed => style.paint(Tone::Bad, "failed: handoff incidents").into_owned(),
        };
        lines.push(("probation", words));
    }
    if let Some(path) = &view.hook_path {
        lines.push(("webhooks", clean(path).into_owned()));
    }
    let mut text = facts(style, &lines);
    text.push_str(&super::incidents::brief(&summary.incidents, style));
    for warning in &summary.warnings {
        text.push_str(&warning_line(warning, style));
    }
    text.push_str(&reach(view, style));
    text.push_str(&super::shares::shares(&view.shares, style));
    text.push_str(&generations(&view.generations, style));
    if !view.metrics.is_empty() {
        text.push_str("\nMetrics\n");
        for metric in &view.metrics {
            text.push_str(&format!("  {}\n", metric_line(metric)));
        }
    }
    text
}

/// The settings, as a settings file.
pub(crate) fn settings(view: &SettingsView, _: &Style) -> String {
    let head = format!("# Settings of {}, generation {}.\n", view.name, view.generation);
    // Checked settings always have a TOML form.
    head + &toml::to_string(&view.settings).unwrap_or_default()
}

/// The result of retry-now.
pub(crate) fn retried(view: &RetryReport, _: &Style) -> String {
    match view.events {
        0 => format!("no event of {} waits for a retry\n", view.name),
        events => format!("{} of {} are delivered now\n", count(events, "event", "events"), view.name),
    }
}

/// The result of pause and resume.
pub(crate) fn paused(view: &PauseReport, style: &Style) -> String {
    let installation = &view.installation;
    let name = style.paint(Tone::Strong, installation.name.as_str());
    let waiting = count(installation.counts.waiting, "event waits", "events wait");
    match (&installation.paused, view.changed) {
        (Some(_), true) => format!("paused {name}; {waiting} and new ones will\n"),
        (Some(pause), false) => format!("{name} was paused already: {}\n", clean(&pause.message)),
        (None, true) => format!("resumed {name}; {waiting} for delivery\n"),
        (None, false) => format!("{name} was active already\n"),
    }
}

fn state(installation: &InstallationSummary) -> (Tone, String) {
    let is_recalled = installation.warnings.iter().any(|warning| warning.kind == WarningKind::Recalled);
    match (&installation.paused, &installation.rollback_job) {
        (Some(pause), _) => (Tone::Careful, format!("paused: {}", pause.message)),
        (None, Some(job)) => (Tone::Careful, super::rollback::working(job)),
        (None, None) if is_recalled => (Tone::Bad, "active, recalled".to_owned()),
        (None, None) => (Tone::Good, "active".to_owned()),
    }
}

fn dead(number: u64, style: &Style) -> String {
    let tone = if number == 0 { Tone::Plain } else { Tone::Bad };
    style.paint(tone, &count(number, "dead letter", "dead letters")).into_owned()
}

fn totals(totals: &DeliveryTotals) -> String {
    let attempts = count(totals.failed_attempts, "failed attempt", "failed attempts");
    format!("{} done, {attempts}, {} failed for good", totals.committed, totals.dead_lettered)
}

fn reach(view: &InstallationView, style: &Style) -> String {
    let words = |set: &std::collections::BTreeSet<String>| {
        let words: Vec<String> = set.iter().map(|word| clean(word).into_owned()).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    };
    let grants = &view.grants;
    let mut lines = vec![("handles", words(&grants.accepts)), ("makes", words(&grants.emits))];
    lines.extend(grants.http.iter().map(|grant| ("reaches", target(grant))));
    if grants.http.is_empty() {
        lines.push(("reaches", "no other system".to_owned()));
    }
    format!("\nMay\n{}", indent(&facts(style, &lines)))
}

fn target(grant: &HttpGrant) -> String {
    let methods: Vec<&str> = grant.methods.iter().map(String::as_str).collect();
    let scheme = if grant.plaintext { "http" } else { "https" };
    let port = grant.port.map(|port| format!(":{port}")).unwrap_or_default();
    let auth: Vec<&str> = grant.auth.values().map(String::as_str).collect();
    let auth = if auth.is_empty() { String::new() } else { format!(" with {}", auth.join(", ")) };
    let private = if grant.private_addresses { " (private addresses too)" } else { "" };
    let text =
        format!("{} {scheme}://{}{port} {}{auth}{private}", methods.join(","), grant.host, grant.paths.join(" "));
    clean(&text).into_owned()
}

fn generations(generations: &[GenerationView], style: &Style) -> String {
    let mut table = Table::new(["gen", "version", "digest", "made", "how", "by", "reason"]);
    for generation in generations {
        let how = match (generation.kind, generation.restores) {
            (GenerationKind::Install, _) => "install".to_owned(),
            (GenerationKind::Upgrade, _) => "upgrade".to_owned(),
            (GenerationKind::Reconfigure, _) => "settings".to_owned(),
            (GenerationKind::Rollback, Some(restores)) => format!("rollback to {restores}"),
            (GenerationKind::Rollback, None) => "rollback".to_owned(),
        };
        let tone = match (generation.active, generation.quarantined) {
            (true, _) => Tone::Good,
            (false, true) => Tone::Bad,
            (false, false) => Tone::Plain,
        };
        let mark = match (generation.active, generation.quarantined) {
            (true, _) => " (active)",
            (false, true) => " (quarantined)",
            (false, false) => "",
        };
        table.row([
            Cell::number(tone, generation.generation.0),
            Cell::new(tone, format!("{}{mark}", generation.version)),
            Cell::new(Tone::Faint, short_digest(&generation.digest)),
            Cell::text(style.time(generation.at)),
            Cell::text(how),
            Cell::text(&generation.by),
            Cell::text(generation.reason.as_deref().unwrap_or_default()),
        ]);
    }
    format!("\nGenerations\n{}", table.render_indented(2, style))
}

fn metric_line(metric: &MetricView) -> String {
    let labels: Vec<String> =
        metric.labels.iter().map(|(name, value)| format!("{}={}", clean(name), clean(value))).collect();
    let labels = if labels.is_empty() { String::new() } else { format!(" {{{}}}", labels.join(", ")) };
    let values = metric.count.map(|count| format!(" (mean of {count})")).unwrap_or_default();
    format!("{}{labels}: {}{values}", clean(&metric.name), metric.value)
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
