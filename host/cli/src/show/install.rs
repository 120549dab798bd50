//! Formats the permissions that a package requests, and the result of an install.

use crate::show::{failure, short_digest};
use crate::style::{Style, Tone, clean, span};
use handoff_control::installations::GenerationKind;
use handoff_control::installations::install::{AskView, Granted, InstallReport, StateChangeView};

/// The report of a dry run or of an install.
pub(crate) fn report(view: &InstallReport, style: &Style) -> String {
    let mut text = head(view, style);
    text.push_str("\nIt asks for\n");
    if view.asks.is_empty() {
        text.push_str("  nothing\n");
    }
    for ask in &view.asks {
        text.push_str(&ask_lines(ask, style));
    }
    text.push_str(&super::shares::shares(&view.shares, style));
    text.push('\n');
    text.push_str(&verdict(view, style));
    if let StateChangeView::Migrate { from, to } = view.state {
        text.push_str(&format!("! its records are rewritten from schema {from} to {to}; a rollback puts them back\n"));
    }
    text.push_str(&warnings(view, style));
    text
}

/// The result of the connector's own check of its config.
pub(super) fn verdict(view: &InstallReport, style: &Style) -> String {
    let (tone, verdict) = match (&view.validation.passed, &view.validation.failure) {
        (true, _) => (Tone::Good, "the package accepts its config".to_owned()),
        (false, Some(why)) => (Tone::Bad, format!("the package refuses its config: {}", failure(style, why))),
        (false, None) => (Tone::Bad, "the package refuses its config".to_owned()),
    };
    let sign = if tone == Tone::Good { "✔" } else { "✘" };
    format!("{} {verdict}\n", style.paint(tone, sign))
}

/// The warnings.
pub(super) fn warnings(view: &InstallReport, style: &Style) -> String {
    let line = |warning: &String| format!("{} {}\n", style.paint(Tone::Careful, "!"), clean(warning));
    view.warnings.iter().map(line).collect()
}

/// The result on one or two lines.
pub(crate) fn done(view: &InstallReport, style: &Style) -> String {
    if view.unchanged {
        let (name, package) = (style.paint(Tone::Strong, view.name.as_str()), clean(&view.package));
        let (version, generation) = (clean(&view.version), view.generation);
        return format!("nothing to do: {name} is {package} {version} with these settings, generation {generation}\n");
    }
    let verb = match view.kind {
        GenerationKind::Install => "installed",
        GenerationKind::Upgrade => "upgraded",
        GenerationKind::Reconfigure => "reconfigured",
        GenerationKind::Rollback => "rolled back",
    };
    let mut text = format!(
        "{} {}: {} {}, generation {}, in {}\n",
        style.paint(Tone::Good, verb),
        style.paint(Tone::Strong, view.name.as_str()),
        clean(&view.package),
        clean(&view.version),
        view.generation,
        span(view.took_ms),
    );
    if let Some(path) = &view.hook_path {
        text.push_str(&format!("  webhooks go to {}\n", clean(path)));
    }
    if let Some(replaced) = &view.replaces {
        text.push_str(&format!("  back to {}: handoff rollback {}\n", clean(&replaced.version), view.name));
    }
    text
}

pub(super) fn head(view: &InstallReport, style: &Style) -> String {
    let package = format!("{} {}", clean(&view.package), clean(&view.version));
    let mut text = format!(
        "{} ({}, {}) {}\n",
        style.paint(Tone::Strong, &clean(&view.title)),
        package,
        style.paint(Tone::Faint, &short_digest(&view.digest)),
        super::shares::at(&view.scope),
    );
    match &view.replaces {
        Some(replaced) => text.push_str(&format!(
            "as {}, in place of {} (generation {} → {})\n",
            style.paint(Tone::Strong, view.name.as_str()),
            clean(&replaced.version),
            replaced.generation,
            view.generation,
        )),
        None if view.unchanged => text.push_str(&format!("as {}\n", style.paint(Tone::Strong, view.name.as_str()))),
        None => text.push_str(&format!("as {}, new on this host\n", style.paint(Tone::Strong, view.name.as_str()))),
    }
    text
}

pub(super) fn ask_lines(ask: &AskView, style: &Style) -> String {
    let verb = format!("{:<7}", ask.kind.verb());
    let granted = match ask.granted {
        Granted::InSettings => style.paint(Tone::Good, "in the settings"),
        Granted::ByDefault => style.paint(Tone::Careful, "not in the settings: needs your yes"),
        Granted::No => style.paint(Tone::Faint, "not granted: goes without"),
    };
    let new = if ask.had_before { "" } else { "+ " };
    let mut text = format!("  {new:>2}{} {}  {granted}\n", style.paint(Tone::Faint, &verb), clean(&ask.what));
    if let Some(why) = &ask.why {
        text.push_str(&format!("            {}\n", style.paint(Tone::Faint, &clean(why))));
    }
    text
}
