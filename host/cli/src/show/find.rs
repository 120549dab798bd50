//! Formats matches of a search.

use super::type_in_words;
use crate::style::{Style, Tone, clean};
use handoff_control::events::find::FoundView;

/// A match on two lines: what it is, and the text around it.
pub(crate) fn found(view: &FoundView, style: &Style) -> String {
    let what = match (&view.type_name, &view.target) {
        (Some(type_name), _) => type_in_words(type_name),
        (None, Some(target)) => {
            let by = view.installation.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
            format!("request{by}: {}", clean(target))
        }
        (None, None) => "request".to_owned(),
    };
    let subject = view.subject.as_deref().map(|subject| format!(" {}", clean(subject))).unwrap_or_default();
    format!(
        "{} {} {what}{subject} ({})\n  {}: {}",
        style.paint(Tone::Name, &format!("#{}", view.position)),
        style.time(view.at),
        view.scope,
        style.paint(Tone::Faint, &clean(&view.place)),
        clean(&view.excerpt),
    )
}
