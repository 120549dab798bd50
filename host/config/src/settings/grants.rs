//! Grants = what the manifest requests ∩ what the operator allows. Every refusal is explained and nothing is changed
//! silently: an operator who relies on a missing grant would notice it only in production.

use std::collections::BTreeSet;

use super::{Asks, HttpGrantRequest, Settings, config_urls, shares};
use crate::problem::{Location, Problem, nearest};
use handoff_model::grants::{Grants, HttpGrant};
use handoff_policy::request::grant::check_host;

/// The effective grants, or everything that the operator allows and the manifest does not request. A target that the
/// manifest requests and the operator does not grant is not a problem here: it is denied, and the connector's
/// `validate` decides whether it can work without.
pub fn resolve_grants(settings: &Settings, asks: &Asks) -> Result<Grants, Vec<Problem>> {
    let mut problems = Vec::new();
    let wanted = &settings.grants;
    let accepts = events("accepts", wanted.accepts.as_deref(), &asks.accepts, &mut problems);
    let emits = events("emits", wanted.emits.as_deref(), &asks.emits, &mut problems);
    let http: Vec<_> = wanted.http.iter().filter_map(|request| http(request, asks, &mut problems)).collect();
    // A faulty grant is reported itself; what it would allow is unknown.
    if problems.is_empty() {
        config_urls::check(&settings.config_texts, asks, &http, &mut problems);
    }
    let shares = shares::resolve(&settings.shares, &emits, &accepts, &mut problems);
    check_hook(settings, asks, &mut problems);
    if problems.is_empty() { Ok(Grants { accepts, emits, http, shares }) } else { Err(problems) }
}

/// What the manifest requests and the settings do not grant, each with what to add. It may be meant so: the connector
/// decides whether it can work without.
#[must_use]
pub fn missing_grants(settings: &Settings, asks: &Asks) -> Vec<String> {
    let mut missing = Vec::new();
    for ask in &asks.http {
        let granted: Vec<_> = settings.grants.http.iter().filter(|request| request.name == ask.name).collect();
        if granted.is_empty() {
            let host = if ask.host == "*" { ", `host = \"…\"`" } else { "" };
            let auth = if ask.auth.is_empty() { String::new() } else { format!(", `auth = [{}]`", quoted(&ask.auth)) };
            missing.push(format!(
                "the target `{}` is not granted, so that requests to it are refused ({}): to allow them, add \
                 `[[grants.http]]` with `name = \"{}\"`{host}{auth} to the settings",
                ask.name, ask.why, ask.name
            ));
        }
        let is_granted = |name: &String| granted.iter().any(|request| request.auth.contains_key(name));
        let without: BTreeSet<String> = ask.auth.iter().filter(|name| !is_granted(name)).cloned().collect();
        if !granted.is_empty() && !without.is_empty() {
            missing.push(format!(
                "requests to `{}` have no credentials of {}: to allow them, add `auth = [{}]` to its `[[grants.http]]`, with \
                 `[auth.NAME]` in handoff.toml",
                ask.name,
                list(&without),
                quoted(&ask.auth)
            ));
        }
    }
    missing
}

fn quoted(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn events(
    field: &str,
    wanted: Option<&[(String, Location)]>,
    asked: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> BTreeSet<String> {
    let Some(wanted) = wanted else { return asked.clone() };
    for (name, location) in wanted.iter().filter(|(name, _)| !asked.contains(name)) {
        let advice = match nearest(name, asked.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "remove it: it would have no effect".to_owned(),
        };
        problems.push(Problem {
            location: location.clone(),
            found: format!("the event type \"{name}\""),
            expected: format!("an event type that the package's manifest {field}: {}", list(asked)),
            advice,
        });
    }
    wanted.iter().map(|(name, _)| name).filter(|name| asked.contains(*name)).cloned().collect()
}

fn http(request: &HttpGrantRequest, asks: &Asks, problems: &mut Vec<Problem>) -> Option<HttpGrant> {
    let before = problems.len();
    let mut refuse = |found: String, expected: String, advice: String| {
        problems.push(Problem { location: request.location.clone(), found, expected, advice });
    };
    let Some(ask) = asks.http.iter().find(|ask| ask.name == request.name) else {
        let names: BTreeSet<_> = asks.http.iter().map(|ask| ask.name.clone()).collect();
        let advice = match nearest(&request.name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "remove the grant: the connector could not use it".to_owned(),
        };
        refuse(
            format!("the target \"{}\"", request.name),
            format!("a target of the manifest: {}", list(&names)),
            advice,
        );
        return None;
    };
    let host = match (&request.host, ask.host.as_str()) {
        (Some(host), "*") => host.clone(),
        (None, "*") => {
            refuse(
                format!("no host for \"{}\"", ask.name),
                "a host, because the manifest leaves the choice to the operator".to_owned(),
                format!("add `host = \"…\"`; purpose: {}", ask.why),
            );
            String::new()
        }
        (Some(host), asked) if !host.eq_ignore_ascii_case(asked) => {
            refuse(
                format!("the host \"{host}\""),
                format!("\"{asked}\", the only host that the manifest requests for \"{}\"", ask.name),
                "remove `host`".to_owned(),
            );
            String::new()
        }
        (_, asked) => asked.to_ascii_lowercase(),
    };
    // One that the settings name was checked with them.
    if request.host.is_none()
        && !host.is_empty()
        && let Err(hopeless) = check_host(&host, request.private_addresses)
    {
        refuse(hopeless.found, "a host that a request can be sent to".to_owned(), hopeless.advice);
    }
    let mut within = |field: &str, wanted: Vec<String>, asked: String, fits: &dyn Fn(&str) -> bool| {
        for one in wanted.iter().filter(|one| !fits(one)) {
            refuse(
                format!("{field} with \"{one}\""),
                format!("at most what the manifest requests for \"{}\": {asked}", ask.name),
                "remove it, or ask the publisher for a version whose manifest requests it".to_owned(),
            );
        }
        wanted
    };
    let methods = request.methods.clone().unwrap_or_else(|| ask.methods.clone());
    let methods =
        within("methods", methods.into_iter().collect(), list(&ask.methods), &|one| ask.methods.contains(one));
    let covered = |patterns: &[String], one: &str| patterns.iter().any(|pattern| covers(pattern, one));
    let paths = request.paths.clone().unwrap_or_else(|| ask.paths.clone());
    let paths = within("paths", paths, list(&ask.paths), &|one| covered(&ask.paths, one));
    let look_ups = request.look_ups.clone().unwrap_or_else(|| ask.look_ups.clone());
    let look_ups = within("look-ups", look_ups, list(&ask.look_ups), &|one| covered(&ask.look_ups, one));
    within("auth", request.auth.keys().cloned().collect(), list(&ask.auth), &|one| ask.auth.contains(one));
    if problems.len() > before {
        return None;
    }
    Some(HttpGrant {
        name: ask.name.clone(),
        host,
        port: request.port,
        plaintext: request.plaintext,
        private_addresses: request.private_addresses,
        methods: methods.into_iter().collect(),
        paths,
        look_ups,
        auth: request.auth.clone(),
    })
}

fn check_hook(settings: &Settings, asks: &Asks, problems: &mut Vec<Problem>) {
    let (Some(hook), Some(location)) = (&settings.ingress.hook, &settings.hook_location) else { return };
    let kind = hook.kind();
    let (expected, advice) = match &asks.hook_verify {
        None => ("no `[hook]`: the package's manifest accepts no webhooks".to_owned(), "remove `[hook]`".to_owned()),
        // Manifests cannot request `none`: not to verify senders is the operator's own decision.
        Some(kinds) if kind == "none" || kinds.iter().any(|asked| asked == kind) => return,
        Some(kinds) => (format!("a kind that the manifest supports: {}", list(kinds)), "choose one of them".to_owned()),
    };
    problems.push(Problem { location: location.clone(), found: format!("`verify = \"{kind}\"`"), expected, advice });
}

/// Whether `outer` matches every path that `inner` matches. Returns false in doubt.
fn covers(outer: &str, inner: &str) -> bool {
    fn segments(outer: &[&str], inner: &[&str]) -> bool {
        match (outer.split_first(), inner.split_first()) {
            (None, None) => true,
            (Some((&"**", [])), Some(_)) => true,
            (Some((first, outer)), Some((second, inner))) => {
                *second != "**"
                    && (!second.is_empty() || first.is_empty())
                    && glob(first.as_bytes(), second.as_bytes())
                    && segments(outer, inner)
            }
            _ => false,
        }
    }
    let outer: Vec<_> = outer.split('/').collect();
    let inner: Vec<_> = inner.split('/').collect();
    segments(&outer, &inner)
}

/// `*` matches any characters; a `*` of the inner pattern must be inside one of the outer.
fn glob(outer: &[u8], inner: &[u8]) -> bool {
    match outer.split_first() {
        None => inner.is_empty(),
        Some((b'*', rest)) => (0..=inner.len()).any(|at| inner.get(at..).is_some_and(|inner| glob(rest, inner))),
        Some((first, rest)) => inner.split_first().is_some_and(|(byte, inner)| byte == first && glob(rest, inner)),
    }
}

pub(super) fn list<'i>(items: impl IntoIterator<Item = &'i String>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| format!("`{item}`")).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_pattern_covers_narrower_ones_only() {
        for (outer, inner) in [
            ("/leads/*", "/leads/1"),
            ("/leads/*", "/leads/a*"),
            ("/**", "/a/**"),
            ("/a/**", "/a/b/*"),
            ("/a*z", "/ab*z"),
        ] {
            assert!(covers(outer, inner), "{outer} covers {inner}");
        }
        for (outer, inner) in [
            ("/leads/*", "/leads/**"),
            ("/leads/*", "/leads/1/2"),
            ("/a", "/*"),
            ("/a*", "/*"),
            ("/a/**", "/**"),
            ("/a/**", "/a"),
            ("/a/*", "/a/"),
        ] {
            assert!(!covers(outer, inner), "{outer} does not cover {inner}");
        }
    }
}
