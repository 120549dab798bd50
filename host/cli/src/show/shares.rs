//! Formats rooftops and groups, and the event types that they share.

use crate::style::{Style, Tone, clean};
use handoff_control::installations::{ShareDirection, ShareView};
use handoff_model::scope::Scope;

/// Where something is installed, as the end of a phrase.
pub(super) fn at(scope: &Scope) -> String {
    match scope {
        Scope::Rooftop(name) => format!("at {name}"),
        Scope::Group(name) => format!("for the group {name}"),
    }
}

/// The shares of an installation, with the other side of each; nothing if there are none.
pub(super) fn shares(shares: &[ShareView], style: &Style) -> String {
    let mut text = String::new();
    for share in shares {
        let verb = match share.direction {
            ShareDirection::With => "shares with",
            ShareDirection::From => "accepts from",
        };
        let names: Vec<&str> = share.installations.iter().map(|name| name.as_str()).collect();
        let others = match share.direction {
            _ if !names.is_empty() => style.paint(Tone::Good, &names.join(", ")).into_owned(),
            ShareDirection::With => style.paint(Tone::Careful, "no installation there accepts it").into_owned(),
            ShareDirection::From => style.paint(Tone::Careful, "no installation there shares it").into_owned(),
        };
        text.push_str(&format!("  {verb} {}: {}  {others}\n", share.scope, clean(&share.type_name)));
    }
    if text.is_empty() { text } else { format!("\nEvent types shared with other rooftops and groups\n{text}") }
}
