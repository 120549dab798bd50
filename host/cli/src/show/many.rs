//! Formats the report of a change of several installations: one line for each.

use std::time::Duration;

use crate::style::{Style, Tone, clean, count, duration};
use crate::table::{Cell, Table};
use handoff_control::installations::many::{ManyRollbackReport, ManyUpgradeReport, NotChanged};
use handoff_control::installations::rollback::RollbackReport;
use handoff_control::installations::upgrade::UpgradeReport;

/// A rollback or its dry run.
pub(crate) fn rollback(view: &ManyRollbackReport, style: &Style) -> String {
    let number = u64::try_from(view.installations.len()).unwrap_or(u64::MAX);
    let installations = count(number, "installation", "installations");
    let (package, version) = (clean(&view.package), clean(&view.version));
    let mut text = if view.applied {
        let took = duration(Duration::from_micros(view.took_us).as_secs_f64() * 1_000.0);
        format!("{} {installations} of {package} {version}, in {took}\n", style.paint(Tone::Good, "rolled back"))
    } else {
        format!("{} {installations} of {package} {version}\n", style.paint(Tone::Careful, "would roll back"))
    };
    let mut table = Table::new(["installation", "from", "to", "generation", "held", "note"]);
    for one in &view.installations {
        table.row([
            Cell::new(Tone::Strong, one.name.as_str()),
            Cell::text(&one.from.version),
            Cell::text(&one.to.version),
            Cell::number(Tone::Plain, one.new_generation.0),
            Cell::number(Tone::Careful, one.requests_held),
            Cell::new(Tone::Careful, rollback_note(one)),
        ]);
    }
    text.push_str(&table.render(style));
    text.push_str(&not_changed(&view.failed, Tone::Bad, "not rolled back", style));
    text.push_str(&not_changed(&view.left_out, Tone::Faint, "left out", style));
    text
}

fn rollback_note(one: &RollbackReport) -> String {
    let unsent = one.unsent.requests_answered + one.unsent.requests_may_have_been_sent + one.unsent.events_emitted;
    let unsent = (unsent > 0).then(|| format!("{unsent} effects cannot be undone"));
    one.warnings.iter().cloned().chain(unsent).collect::<Vec<_>>().join("; ")
}

/// An upgrade or its dry run.
pub(crate) fn upgrade(view: &ManyUpgradeReport, style: &Style) -> String {
    let mut table = Table::new(["installation", "from", "to", "generation", "note"]);
    for one in &view.installations {
        let from = one.install.replaces.as_ref().map_or("-", |replaced| replaced.version.as_str());
        table.row([
            Cell::new(Tone::Strong, one.install.name.as_str()),
            Cell::text(from),
            Cell::text(&one.install.version),
            Cell::number(Tone::Plain, one.install.generation.0),
            Cell::new(Tone::Careful, upgrade_note(one)),
        ]);
    }
    let mut text = table.render(style);
    text.push_str(&not_changed(&view.failed, Tone::Bad, "cannot be changed", style));
    text.push_str(&not_changed(&view.left_out, Tone::Faint, "left out", style));
    let changed = view.installations.iter().filter(|one| !one.install.unchanged).count();
    let changed = count(u64::try_from(changed).unwrap_or(u64::MAX), "installation", "installations");
    if view.applied {
        text.push_str(&format!("{} {changed}\n", style.paint(Tone::Good, "changed")));
    } else {
        let code = style.paint(Tone::Strong, &clean(&view.approval_code)).into_owned();
        text.push_str(&format!("would change {changed}: to agree to exactly this, --approve {code}\n"));
    }
    text
}

fn upgrade_note(one: &UpgradeReport) -> String {
    let mut notes = Vec::new();
    if one.install.unchanged {
        notes.push("nothing to do".to_owned());
    }
    let added = u64::try_from(one.grants_added.len()).unwrap_or(u64::MAX);
    if added > 0 {
        notes.push(count(added, "new permission", "new permissions"));
    }
    let settings = u64::try_from(one.config.changes.len()).unwrap_or(u64::MAX);
    if settings > 0 {
        notes.push(count(settings, "changed setting", "changed settings"));
    }
    notes.extend(one.install.warnings.iter().filter(|_| !one.install.unchanged).cloned());
    notes.join("; ")
}

fn not_changed(all: &[NotChanged], tone: Tone, what: &str, style: &Style) -> String {
    let line = |one: &NotChanged| format!("{} {what}: {}\n", style.paint(tone, one.name.as_str()), clean(&one.reason));
    all.iter().map(line).collect()
}
