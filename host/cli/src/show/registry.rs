//! Formats packages of registries, and the results of publishing commands.

use super::short_digest;
use crate::style::{Style, Tone, clean};
use crate::table::{Cell, Table};
use handoff_control::registry::{
    InfoView, OfferView, PublishReport, PullReport, ReleaseStatusView, ReleaseView, RenewReport, SearchView,
};

/// Maximum number of readme lines on a terminal.
const README_LINES: usize = 40;

/// The results of a search.
pub(crate) fn search(view: &SearchView, style: &Style) -> String {
    if view.packages.is_empty() {
        return format!("{} has nothing like that\n", clean(&view.registry));
    }
    let mut table = Table::new(["package", "version", "what it does"]);
    for found in &view.packages {
        let about = if found.summary.is_empty() { &found.title } else { &found.summary };
        table.row([Cell::new(Tone::Strong, &found.package), Cell::text(&found.version), Cell::text(about)]);
    }
    table.render(style)
}

/// One package.
pub(crate) fn info(view: &InfoView, style: &Style) -> String {
    let keys = if view.claimed_keys.is_empty() { "nobody".to_owned() } else { view.claimed_keys.join(", ") };
    let signed = view.signed_at.map(|at| format!(", signed {}", style.ago(at))).unwrap_or_default();
    let mut text = format!(
        "{} in {}, list {}{signed}\n  says to be signed with {} (proved when it is installed)\n\n",
        style.paint(Tone::Strong, &clean(&view.package)),
        clean(&view.registry),
        view.sequence,
        clean(&keys),
    );
    let mut table = Table::new(["version", "status", "published", "digest", "what changed"]);
    for release in &view.releases {
        let is_chosen = view.chosen.as_deref() == Some(release.version.as_str());
        let (tone, word) = status(release);
        table.row([
            Cell::new(if is_chosen { Tone::Strong } else { Tone::Plain }, &release.version),
            Cell::new(tone, word),
            Cell::text(style.time(release.published_at)),
            Cell::new(Tone::Faint, short_digest(&release.digest)),
            Cell::text(release.changes.as_deref().unwrap_or_default()),
        ]);
    }
    text.push_str(&table.render(style));
    let chosen = view.releases.iter().find(|release| Some(release.version.as_str()) == view.chosen.as_deref());
    match chosen.map(|release| (&release.version, release.status)) {
        Some((version, ReleaseStatusView::Active | ReleaseStatusView::Deprecated)) => {
            let (version, package) = (clean(version), clean(&view.package));
            text.push_str(&format!("\n  to install {version}: handoff install {package}@={version} --settings FILE\n"));
        }
        Some((version, _)) => text.push_str(&format!("\n  {} can no longer be installed\n", clean(version))),
        None => text.push_str("\n  no version can be installed\n"),
    }
    if let (Some(offer), Some(chosen)) = (&view.offer, &view.chosen) {
        text.push_str(&offered(offer, chosen, style));
    }
    if let Some(changes) = &view.changes {
        text.push_str(&format!("\nWhat changed\n{}", block(changes)));
    }
    if let Some(readme) = &view.readme {
        text.push_str(&format!("\nReadme\n{}", block(readme)));
    }
    text
}

/// The permissions that a version requests and its config.
fn offered(offer: &OfferView, version: &str, style: &Style) -> String {
    let mut text = format!("\nWhat {} asks for, by its own word\n", clean(version));
    for ask in &offer.asks {
        let verb = format!("{:<7}", ask.kind.verb());
        text.push_str(&format!("  {} {}\n", style.paint(Tone::Faint, &verb), clean(&ask.what)));
        if let Some(why) = &ask.why {
            text.push_str(&format!("          {}\n", style.paint(Tone::Faint, &clean(why))));
        }
    }
    if offer.config.is_empty() {
        let says = if offer.config_schema.is_some() { "names no field" } else { "says nothing about it" };
        text.push_str(&format!("\nWhat its [config] takes: the manifest {says}; see the readme\n"));
        return text;
    }
    text.push_str("\nWhat its [config] takes\n");
    let mut table = Table::new(["field", "is", "without it", "what for"]);
    for field in &offer.config {
        let without = match (&field.default, field.required) {
            (_, true) => Cell::new(Tone::Careful, "required"),
            (Some(default), false) => Cell::text(default),
            (None, false) => Cell::new(Tone::Faint, "-"),
        };
        let about = field.about.as_deref().unwrap_or_default();
        table.row([Cell::new(Tone::Strong, &field.field), Cell::text(&field.kind), without, Cell::text(about)]);
    }
    text.push_str(&table.render(style));
    text
}

/// The result of `publish`.
pub(crate) fn published(view: &PublishReport, style: &Style) -> String {
    let (package, version) = (clean(&view.package), clean(&view.version));
    if view.signature_added {
        return format!(
            "{} a signature to {} {version} in {}, which was published already, with the same bytes\n  signed with {}; list {}\n",
            style.paint(Tone::Good, "added"),
            style.paint(Tone::Strong, &package),
            clean(&view.registry),
            view.key_id,
            view.sequence,
        );
    }
    if view.already {
        return format!("{package} {version} was published already, with the same bytes; nothing was changed\n");
    }
    format!(
        "{} {} {version} in {}\n  {}\n  signed with {}; list {}\n  to install it: handoff install {package}@={version} --settings FILE\n",
        style.paint(Tone::Good, "published"),
        style.paint(Tone::Strong, &package),
        clean(&view.registry),
        style.paint(Tone::Faint, &view.digest),
        view.key_id,
        view.sequence,
    )
}

/// The result of `deprecate`, `yank` and `recall`.
pub(crate) fn changed(view: &PublishReport, style: &Style) -> String {
    let (tone, word) = match view.status {
        ReleaseStatusView::Active => (Tone::Good, "is no longer deprecated"),
        ReleaseStatusView::Deprecated => (Tone::Careful, "is deprecated: installing it shows a warning"),
        ReleaseStatusView::Yanked => (Tone::Careful, "is yanked: new installations do not get it"),
        ReleaseStatusView::Recalled => (Tone::Bad, "is recalled: hosts where it is active warn after their next check"),
    };
    let (package, version, registry) = (clean(&view.package), clean(&view.version), clean(&view.registry));
    format!("{package} {version} {}\n  in {registry}, list {}\n", style.paint(tone, word), view.sequence)
}

/// The result of `renew`.
pub(crate) fn renewed(view: &RenewReport, style: &Style) -> String {
    format!(
        "{} the list of {} in {}\n  signed with {}; list {}\n",
        style.paint(Tone::Good, "renewed"),
        style.paint(Tone::Strong, &clean(&view.package)),
        clean(&view.registry),
        view.key_id,
        view.sequence,
    )
}

/// A package that the host fetched before an install.
pub(crate) fn pulled(view: &PullReport, style: &Style) -> String {
    let mut text = format!(
        "{} {} {} from {}, signed by {} ({})\n",
        style.paint(Tone::Good, "fetched"),
        clean(&view.package.package),
        clean(&view.package.version),
        clean(&view.registry),
        clean(&view.signer.publisher),
        short_digest(&view.signer.key_id),
    );
    for warning in &view.warnings {
        text.push_str(&format!("{} {}\n", style.paint(Tone::Careful, "!"), clean(warning)));
    }
    text
}

fn status(release: &ReleaseView) -> (Tone, String) {
    let note = release.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    match release.status {
        ReleaseStatusView::Active => (Tone::Good, "active".to_owned()),
        ReleaseStatusView::Deprecated => (Tone::Careful, format!("deprecated{note}")),
        ReleaseStatusView::Yanked => (Tone::Careful, format!("yanked{note}")),
        ReleaseStatusView::Recalled => (Tone::Bad, format!("recalled{note}")),
    }
}

/// A publisher's text, indented and limited to some lines.
fn block(text: &str) -> String {
    let mut shown: String =
        text.lines().take(README_LINES).map(|line| format!("  {}\n", clean(line).trim_end())).collect();
    if text.lines().count() > README_LINES {
        shown.push_str("  …\n");
    }
    shown
}
