//! Formats the report of an upgrade: all changes on one screen.

use crate::show::{facts, install};
use crate::style::{Style, Tone, clean, count};
use handoff_control::installations::history::OriginView;
use handoff_control::installations::install::{AskView, Granted, StateChangeView};
use handoff_control::installations::upgrade::{ConfigChangeView, GrantChangeView, UpgradeReport};
use handoff_control::shadow::{DifferenceKind, ShadowView};

/// The report of a dry run, or before approval.
pub(crate) fn report(view: &UpgradeReport, style: &Style) -> String {
    let mut text = install::head(&view.install, style);
    text.push('\n');
    let mut lines = vec![
        ("from", origin(&view.origin, view.signer.as_ref().map(|signer| (&*signer.publisher, &*signer.key_id)))),
        ("built for", clean(&view.interface.built_for).into_owned()),
        ("state", state(view.install.state)),
        ("config", config(view)),
    ];
    lines.extend(view.shadow.as_ref().map(|shadow| ("shadow", shadow_line(shadow))));
    text.push_str(&indent(&facts(style, &lines)));
    text.push_str(&grants("It may do more", "+", Tone::Careful, &view.grants_added, style));
    text.push_str(&grants("It may no longer", "-", Tone::Faint, &view.grants_dropped, style));
    let missed: Vec<&AskView> =
        view.install.asks.iter().filter(|ask| ask.granted == Granted::No && !ask.had_before).collect();
    if !missed.is_empty() {
        text.push_str("\nIt asks for more, which the settings do not grant\n");
        missed.iter().for_each(|ask| text.push_str(&install::ask_lines(ask, style)));
    }
    text.push_str(&super::shares::shares(&view.install.shares, style));
    if !view.config.problems.is_empty() {
        text.push_str("\nThe config does not fit\n");
        for problem in &view.config.problems {
            let field = style.paint(Tone::Bad, &clean(&problem.field)).into_owned();
            text.push_str(&format!("  {field}: {}\n", clean(&problem.detail)));
        }
    }
    if !view.config.changes.is_empty() {
        text.push_str("\nSettings that change\n");
        for change in &view.config.changes {
            text.push_str(&format!("  {}\n", changed(change)));
        }
    }
    text.push('\n');
    text.push_str(&install::verdict(&view.install, style));
    text.push_str(&install::warnings(&view.install, style));
    for reason in &view.needs_approval {
        let code = style.paint(Tone::Strong, &clean(&view.approval_code)).into_owned();
        let sign = style.paint(Tone::Careful, "!").into_owned();
        text.push_str(&format!("{sign} {}: to agree to exactly this, --approve {code}\n", clean(reason)));
    }
    text
}

/// The result.
pub(crate) fn done(view: &UpgradeReport, style: &Style) -> String {
    let mut text = install::done(&view.install, style);
    if let (Some(keys), StateChangeView::Migrate { from, to }) = (view.keys_migrated, view.install.state) {
        let keys = count(keys, "record", "records");
        text.push_str(&format!("  {keys} rewritten from schema {from} to {to}\n"));
    }
    text
}

fn origin(origin: &OriginView, signer: Option<(&str, &str)>) -> String {
    let place = match origin {
        OriginView::File => "a file".to_owned(),
        OriginView::Registry { registry, reference } => format!("{} ({})", clean(registry), clean(reference)),
    };
    match signer {
        Some((publisher, key)) => format!("{place}, signed by {} with {}", clean(publisher), clean(key)),
        None => format!("{place}, no signature"),
    }
}

fn state(state: StateChangeView) -> String {
    match state {
        StateChangeView::Fresh => "none yet".to_owned(),
        StateChangeView::Keep => "stays as it is".to_owned(),
        StateChangeView::Migrate { from, to } => {
            format!("rewritten from schema {from} to {to} while events wait; a rollback puts it back")
        }
    }
}

/// The number of newest deliveries whose result would have differed.
fn shadow_line(view: &ShadowView) -> String {
    let deliveries = &view.deliveries;
    if deliveries.ran == 0 {
        return "no recorded delivery to run".to_owned();
    }
    let ran = count(deliveries.ran, "delivery", "deliveries");
    if deliveries.different == 0 {
        return format!("{ran} run again, all with the same effects");
    }
    let ended = view.differences.iter().filter(|group| group.kind == DifferenceKind::Outcome);
    let ended: Vec<String> = ended.map(|group| format!("{} {}", group.count, clean(&group.what))).collect();
    let ended = if ended.is_empty() { String::new() } else { format!(" ({})", ended.join(", ")) };
    let look = format!("handoff shadow {} {}", view.name, clean(&view.candidate.version));
    format!("{ran} run again, {} with other effects{ended}: `{look}` shows them", deliveries.different)
}

fn config(view: &UpgradeReport) -> String {
    match (view.config.has_schema, view.config.problems.len()) {
        (false, _) => "the version has no schema for it".to_owned(),
        (true, 0) => "fits the version's schema".to_owned(),
        (true, 1) => "1 field does not fit the version's schema".to_owned(),
        (true, count) => format!("{count} fields do not fit the version's schema"),
    }
}

fn grants(title: &str, sign: &str, tone: Tone, changes: &[GrantChangeView], style: &Style) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title}\n");
    for change in changes {
        let verb = format!("{:<7}", change.kind.verb());
        let sign = style.paint(tone, sign).into_owned();
        text.push_str(&format!("  {sign} {} {}\n", style.paint(Tone::Faint, &verb), clean(&change.what)));
    }
    text
}

/// A setting with its old and new value.
pub(super) fn changed(change: &ConfigChangeView) -> String {
    let field = clean(&change.field);
    match (change.before.as_deref().map(clean), change.after.as_deref().map(clean)) {
        (Some(before), Some(after)) => format!("{field}: {before} → {after}"),
        (None, Some(after)) => format!("{field}: {after} (new)"),
        (Some(before), None) => format!("{field}: {before} (gone)"),
        (None, None) => field.into_owned(),
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
