//! The permissions that a package requests beside the granted ones, in words that help an operator decide.

use handoff_config::{Asks, Settings};
use handoff_model::grants::Grants;

use handoff_control::installations::install::{AskKind, AskView, Granted};

/// One line per requested permission of the manifest.
pub(super) fn views(settings: &Settings, asked: &Asks, grants: &Grants, before: Option<&Grants>) -> Vec<AskView> {
    let mut asks = Vec::new();
    let named = |decided: bool, granted: bool| match (granted, decided) {
        (false, _) => Granted::No,
        (true, true) => Granted::InSettings,
        (true, false) => Granted::ByDefault,
    };
    for what in asked.accepts.iter().cloned() {
        let granted = named(settings.grants.accepts.is_some(), grants.accepts.contains(&what));
        let had_before = before.is_some_and(|before| before.accepts.contains(&what));
        asks.push(AskView { kind: AskKind::Accept, what, why: None, granted, had_before });
    }
    for what in asked.emits.iter().cloned() {
        let granted = named(settings.grants.emits.is_some(), grants.emits.contains(&what));
        let had_before = before.is_some_and(|before| before.emits.contains(&what));
        asks.push(AskView { kind: AskKind::Emit, what, why: None, granted, had_before });
    }
    if let Some(kinds) = &asked.hook_verify {
        let what = format!("webhooks, proved by {}", kinds.join(" or "));
        let granted = named(true, settings.ingress.hook.is_some());
        asks.push(AskView { kind: AskKind::Hook, what, why: None, granted, had_before: false });
    }
    for target in &asked.http {
        let grant = grants.http.iter().find(|grant| grant.name == target.name);
        let host = grant.map_or(&target.host, |grant| &grant.host);
        let methods: Vec<&str> = target.methods.iter().map(String::as_str).collect();
        asks.push(AskView {
            kind: AskKind::Http,
            what: format!("{}: {} on {host} {}", target.name, methods.join(", "), target.paths.join(", ")),
            why: Some(target.why.clone()),
            granted: named(true, grant.is_some()),
            had_before: before.is_some_and(|before| before.http.iter().any(|old| Some(old) == grant)),
        });
    }
    asks
}
