//! Formats the findings of `doctor`.

use crate::commands::doctor::{Finding, Findings, Verdict};
use crate::style::{Style, Tone, clean};

/// One line per finding, with advice below it.
pub(crate) fn findings(view: &Findings, style: &Style) -> String {
    let width = view.findings.iter().map(|finding| finding.name.chars().count()).max().unwrap_or(0);
    let mut text: String = view.findings.iter().map(|finding| line(finding, width, style)).collect();
    let failed = view.findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
    let warned = view.findings.iter().filter(|finding| finding.verdict == Verdict::Warn).count();
    text.push_str(&match (failed, warned) {
        (0, 0) => "\nall well\n".to_owned(),
        (0, warned) => format!("\nthe host can work; {warned} to look at\n"),
        (failed, _) => format!("\n{failed} to mend before the host can work well\n"),
    });
    text
}

fn line(finding: &Finding, width: usize, style: &Style) -> String {
    let (tone, sign) = match finding.verdict {
        Verdict::Ok => (Tone::Good, "✔"),
        Verdict::Warn => (Tone::Careful, "!"),
        Verdict::Fail => (Tone::Bad, "✘"),
        Verdict::Skip => (Tone::Faint, "-"),
    };
    let mut text = format!("{} {:width$}  {}\n", style.paint(tone, sign), finding.name, clean(&finding.found));
    if let Some(advice) = &finding.advice {
        text.push_str(&format!("  {:width$}  {} {}\n", "", style.paint(Tone::Strong, "do:"), clean(advice)));
    }
    text
}
