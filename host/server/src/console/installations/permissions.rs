//! What an installation may do, in sentences for people who never saw a manifest.

use super::super::components::Icon;
use super::super::words::type_words;
use handoff_control::installations::InstallationView;
use handoff_model::grants::HttpGrant;

/// A permission: what it allows, and the details.
pub(super) struct Permission {
    pub(super) icon: Icon,
    pub(super) what: String,
    pub(super) details: String,
}

pub(super) fn permissions(view: &InstallationView) -> Vec<Permission> {
    let grants = &view.grants;
    let mut all = Vec::new();
    if !grants.accepts.is_empty() {
        let what = format!("Receives {}", types(&grants.accepts));
        all.push(Permission { icon: Icon::Events, what, details: "It sees the data of these events.".to_owned() });
    }
    if !grants.emits.is_empty() {
        let what = format!("Emits {}", types(&grants.emits));
        let details = "Other installations of the same rooftop that accept them receive them.".to_owned();
        all.push(Permission { icon: Icon::Arrow, what, details });
    }
    all.extend(grants.http.iter().map(target));
    if grants.http.is_empty() {
        let what = "Reaches no other system".to_owned();
        all.push(Permission { icon: Icon::Check, what, details: "It may send nothing over the network.".to_owned() });
    }
    all
}

fn types(types: &std::collections::BTreeSet<String>) -> String {
    types.iter().map(|one| type_words(one)).collect::<Vec<_>>().join(", ")
}

fn target(grant: &HttpGrant) -> Permission {
    let changes = grant.methods.iter().any(|method| !matches!(method.as_str(), "GET" | "HEAD"));
    let verb = if changes { "Reads and changes data at" } else { "Reads data at" };
    let port = grant.port.map(|port| format!(":{port}")).unwrap_or_default();
    let methods: Vec<&str> = grant.methods.iter().map(String::as_str).collect();
    let mut details = vec![format!("{} on {}", methods.join(", "), grant.paths.join(", "))];
    if !grant.look_ups.is_empty() {
        details.push(format!("look-ups on {}", grant.look_ups.join(", ")));
    }
    if !grant.auth.is_empty() {
        let profiles: Vec<&str> = grant.auth.values().map(String::as_str).collect();
        details.push(format!("signs in with {}", profiles.join(", ")));
    }
    if grant.plaintext {
        details.push("without encryption".to_owned());
    }
    if grant.private_addresses {
        details.push("also at private addresses".to_owned());
    }
    Permission { icon: Icon::Host, what: format!("{verb} {}{port}", grant.host), details: details.join("; ") }
}
