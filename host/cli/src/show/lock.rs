//! Formats the plan of an apply, and its result.

use std::cmp::Ordering;

use crate::show::upgrade::changed;
use crate::style::{Style, Tone, clean};
use handoff_control::installations::lock::{ApplyDoes, ApplyReport, ApplyStep};

/// The plan.
pub(crate) fn plan(view: &ApplyReport, style: &Style) -> String {
    let mut text = String::new();
    for step in &view.steps {
        let (tone, words) = planned(step);
        text.push_str(&line(step, style.paint(tone, &words).as_ref(), style));
        for grant in &step.grants {
            text.push_str(&format!("    {} may {}\n", style.paint(Tone::Careful, "+"), clean(grant)));
        }
        for grant in &step.grants_dropped {
            text.push_str(&format!("    {} may no longer {}\n", style.paint(Tone::Faint, "-"), clean(grant)));
        }
        for change in &step.changes {
            text.push_str(&format!("    {} {}\n", style.paint(Tone::Careful, "~"), changed(change)));
        }
    }
    text.push_str(&rest(view));
    match &view.code {
        Some(code) => text.push_str(&format!("\nto do exactly this: --approve {code}\n")),
        None if view.steps.iter().any(|step| step.problem.is_some()) => text.push_str("\nnothing can be done\n"),
        None => text.push_str("\nnothing to do\n"),
    }
    text
}

/// The result.
pub(crate) fn done(view: &ApplyReport, style: &Style) -> String {
    let mut text = String::new();
    for step in view.steps.iter().filter(|step| step.does != ApplyDoes::Nothing || step.problem.is_some()) {
        let (tone, words) = match (&step.problem, step.does) {
            (Some(_), _) => (Tone::Bad, "not done".to_owned()),
            (None, ApplyDoes::Install) => (Tone::Good, "installed".to_owned()),
            (None, ApplyDoes::Upgrade) => {
                let done = match direction(step) {
                    Ordering::Less => "put back to an earlier version",
                    Ordering::Equal => "given other bytes of the same version",
                    Ordering::Greater => "upgraded",
                };
                (Tone::Good, done.to_owned())
            }
            (None, ApplyDoes::Reconfigure) => (Tone::Good, "given its settings".to_owned()),
            (None, ApplyDoes::Nothing) => (Tone::Faint, "as it should be".to_owned()),
        };
        text.push_str(&line(step, style.paint(tone, &words).as_ref(), style));
    }
    if text.is_empty() { "nothing to do\n".to_owned() } else { text }
}

fn planned(step: &ApplyStep) -> (Tone, String) {
    let from = step.from_version.as_deref().unwrap_or("-");
    match (&step.problem, step.does) {
        (Some(_), _) => (Tone::Bad, "cannot be done".to_owned()),
        (None, ApplyDoes::Install) => (Tone::Good, format!("install, {}", super::shares::at(&step.scope))),
        (None, ApplyDoes::Upgrade) => {
            let does = match direction(step) {
                Ordering::Less => format!("DOWNGRADE from {}", clean(from)),
                Ordering::Equal => "give other bytes of the same version".to_owned(),
                Ordering::Greater => format!("upgrade from {}", clean(from)),
            };
            (Tone::Careful, does)
        }
        (None, ApplyDoes::Reconfigure) => (Tone::Careful, "give other settings".to_owned()),
        (None, ApplyDoes::Nothing) => (Tone::Faint, "nothing to do".to_owned()),
    }
}

/// Compares the version in the lock with the active one. A version that cannot be parsed counts as later.
fn direction(step: &ApplyStep) -> Ordering {
    let read = |text: &str| semver::Version::parse(text).ok();
    match (read(&step.version), step.from_version.as_deref().and_then(read)) {
        (Some(to), Some(from)) => to.cmp(&from),
        _ => Ordering::Greater,
    }
}

fn line(step: &ApplyStep, words: &str, style: &Style) -> String {
    let name = style.paint(Tone::Strong, step.name.as_str());
    let mut text = format!("{name}  {} {}: {words}\n", clean(&step.package), clean(&step.version));
    for warning in &step.warnings {
        text.push_str(&format!("    {} {}\n", style.paint(Tone::Careful, "!"), clean(warning)));
    }
    if let Some(problem) = &step.problem {
        text.push_str(&format!("    {} {}\n", style.paint(Tone::Bad, "✘"), clean(problem)));
    }
    text
}

fn rest(view: &ApplyReport) -> String {
    if view.not_in_lock.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = view.not_in_lock.iter().map(|name| name.as_str()).collect();
    format!("not in the lock, left as they are: {}\n", names.join(", "))
}
