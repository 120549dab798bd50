//! Formats counts of failures.

use crate::style::{Style, Tone, clean, count};
use crate::table::{Cell, Table};
use handoff_control::registry::failure_counts::{RegistryCounts, RegistryCountsList, SentCountsList};
use handoff_package::failure_counts::FailureSummary;

/// What the registries will be sent.
pub(crate) fn list(view: &RegistryCountsList, style: &Style) -> String {
    if view.registries.is_empty() {
        return "no registry is configured, so nothing is sent\n".to_owned();
    }
    view.registries.iter().map(|registry| one(registry, style)).collect()
}

fn one(view: &RegistryCounts, style: &Style) -> String {
    let name = style.paint(Tone::Strong, &clean(&view.registry)).to_string();
    if !view.shares {
        return format!(
            "{name}: nothing is sent; to agree, set `share-failure-counts = true` in [registries.{}]\n",
            view.registry
        );
    }
    let last = view.last_sent_at.map_or_else(
        || "nothing was sent since the start".to_owned(),
        |at| format!("last sent {} ({})", style.time(at), style.ago(at)),
    );
    let mut rows = Vec::new();
    for package in &view.packages {
        for version in &package.versions {
            let failures = version.failures.iter().map(|(code, count)| (code.as_str(), *count));
            rows.push((
                format!("{} {}", clean(&package.package), clean(&version.version)),
                version.committed,
                failures.collect::<Vec<_>>(),
                version.other_failures,
            ));
        }
    }
    if rows.is_empty() {
        return format!("{name}: {last}; no delivery since\n");
    }
    format!("{name}: {last}; next:\n{}", table("package", rows, style))
}

/// What was sent.
pub(crate) fn sent(view: &SentCountsList, style: &Style) -> String {
    let line = |name: &str, reports: u64| {
        let name = style.paint(Tone::Strong, &clean(name)).to_string();
        if reports == 0 {
            format!("{name}: no delivery since the last report\n")
        } else {
            format!("{name}: sent {}\n", count(reports, "report", "reports"))
        }
    };
    view.registries.iter().map(|sent| line(&sent.registry, sent.reports)).collect()
}

/// What hosts reported about a package.
pub(crate) fn summary(view: &FailureSummary, style: &Style) -> String {
    let days = count(u64::from(view.days), "day", "days");
    if view.versions.is_empty() {
        return format!("no host reported about {} in {days}\n", view.package);
    }
    let rows = view.versions.iter().map(|(version, counts)| {
        let failures = counts.failures.iter().map(|(code, count)| (code.as_str(), *count));
        (version.to_string(), counts.committed, failures.collect(), counts.other_failures)
    });
    let reports = count(view.reports, "report", "reports");
    format!("{}: {reports} in {days}\n{}", view.package, table("version", rows.collect(), style))
}

/// Rows of a name, the handled events, and the failures by code with those of other codes.
type Row<'a> = (String, u64, Vec<(&'a str, u64)>, u64);

fn table(first: &'static str, rows: Vec<Row<'_>>, style: &Style) -> String {
    let mut table = Table::new([first, "handled", "failed", "by code"]);
    for (name, committed, mut failures, other) in rows {
        failures.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
        let failed = failures.iter().fold(other, |sum, (_, count)| sum.saturating_add(*count));
        let mut codes: Vec<String> = failures.iter().map(|(code, count)| format!("{} {count}", clean(code))).collect();
        if other > 0 {
            codes.push(format!("other codes {other}"));
        }
        let tone = if failed == 0 { Tone::Faint } else { Tone::Bad };
        table.row([
            Cell::text(name),
            Cell::number(Tone::Good, committed),
            Cell::number(tone, failed),
            Cell::text(if codes.is_empty() { "-".to_owned() } else { codes.join(", ") }),
        ]);
    }
    table.render(style)
}
