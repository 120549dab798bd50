//! The config fields that hold URLs of a target, as the manifest names them: a URL that no grant allows is found when the
//! settings are checked, not by the first event.

use toml::de::DeValue;

use super::Asks;
use crate::problem::{Location, Problem};
use crate::reader::{Field, Section};
use handoff_model::grants::HttpGrant;
use handoff_model::http::HttpError;
use handoff_policy::request::target::{Target, describe};

/// Texts of a config that are kept for the check; a config with more has lists of data, not of URLs.
const TEXTS_MAX: usize = 256;
/// As deep as a config may be.
const DEPTH_MAX: usize = 32;

/// A text of the config. Fields of the tables in a list have the path of the list: `targets.url`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConfigText {
    path: String,
    text: String,
    location: Location,
}

/// All texts of `[config]`.
pub(super) fn read(config: &Section<'_>) -> Vec<ConfigText> {
    let mut texts = Vec::new();
    for (key, field) in config.entries() {
        add(&field, key, 0, &mut texts);
    }
    texts
}

fn add(field: &Field<'_>, path: &str, depth: usize, texts: &mut Vec<ConfigText>) {
    if depth > DEPTH_MAX || texts.len() == TEXTS_MAX {
        return;
    }
    match field.value {
        DeValue::String(text) => {
            texts.push(ConfigText { path: path.to_owned(), text: text.to_string(), location: field.location() });
        }
        DeValue::Array(_) => field.list().iter().for_each(|item| add(item, path, depth + 1, texts)),
        DeValue::Table(_) => {
            for (key, field) in field.section().iter().flat_map(Section::entries) {
                add(&field, &format!("{path}.{key}"), depth + 1, texts);
            }
        }
        _ => {}
    }
}

/// Reports each URL of a target to which no grant for that target lets a request go.
pub(super) fn check(texts: &[ConfigText], asks: &Asks, grants: &[HttpGrant], problems: &mut Vec<Problem>) {
    for ask in &asks.http {
        let granted: Vec<&HttpGrant> = grants.iter().filter(|grant| grant.name == ask.name).collect();
        for text in texts.iter().filter(|text| ask.config_urls.contains(&text.path)) {
            if let Some((found, expected, advice)) = refused(&text.text, &ask.name, &granted) {
                problems.push(Problem { location: text.location.clone(), found, expected, advice });
            }
        }
    }
}

/// What was found, expected, and what to do.
fn refused(url: &str, name: &str, granted: &[&HttpGrant]) -> Option<(String, String, String)> {
    let target = match Target::parse(url) {
        Ok(target) => target,
        Err(HttpError::Invalid(problem) | HttpError::Denied(problem)) => {
            let advice = "correct it: requests would be refused".to_owned();
            return Some((format!("a faulty {problem}"), format!("a URL of the target `{name}`"), advice));
        }
        Err(_) => return None,
    };
    let at_host: Vec<_> = granted.iter().filter(|grant| target.is_at(grant)).collect();
    if at_host.is_empty() {
        let hosts = granted.iter().map(|grant| describe(grant)).collect::<Vec<_>>().join(", ");
        let expected = match hosts.as_str() {
            "" => format!("a grant for the target `{name}`, because this is its URL"),
            hosts => format!("a URL that the grant for `{name}` allows: {hosts}"),
        };
        let advice = format!("{} `[[grants.http]]` with {}", added_or(granted), grant_for(&target, name));
        return Some((format!("a URL at {}", target.origin()), expected, advice));
    }
    let begins = |pattern: &String| may_begin(pattern, target.path());
    let mut patterns = at_host.iter().flat_map(|grant| grant.paths.iter().chain(&grant.look_ups));
    if patterns.clone().any(begins) {
        return None;
    }
    let paths = patterns.by_ref().map(|pattern| format!("`{pattern}`")).collect::<Vec<_>>().join(", ");
    Some((
        "a URL whose path begins no granted one".to_owned(),
        format!("the beginning of {paths}"),
        "correct the path, or the paths of the grant".to_owned(),
    ))
}

fn added_or(granted: &[&HttpGrant]) -> &'static str {
    if granted.is_empty() { "add" } else { "correct the URL, or add another" }
}

/// The fields of a grant for a URL.
fn grant_for(target: &Target, name: &str) -> String {
    let is_plain = target.url().scheme() == "http";
    let default_port = if is_plain { 80 } else { 443 };
    let port = if target.port() == default_port { String::new() } else { format!(", `port = {}`", target.port()) };
    let plain = if is_plain { ", `plaintext = true`" } else { "" };
    format!("`name = \"{name}\"`, `host = \"{}\"`{port}{plain}", target.host())
}

/// Whether a path that a pattern matches can begin with a base path. `*` is any segment, a last `**` any rest.
fn may_begin(pattern: &str, base: &str) -> bool {
    let mut segments = pattern.split('/').filter(|segment| !segment.is_empty());
    for base in base.split('/').filter(|segment| !segment.is_empty()) {
        match segments.next() {
            Some("**") => return true,
            Some(segment) if segment == "*" || segment == base => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::may_begin;

    #[test]
    fn a_base_path_begins_patterns_of_its_segments() {
        for (pattern, base, begins) in [
            ("/leads", "", true),
            ("/leads", "/", true),
            ("/api/leads", "/api/", true),
            ("/*/leads", "/v2", true),
            ("/files/**", "/files/a/b", true),
            ("/leads", "/api", false),
            ("/leads", "/leads/new", false),
            ("/*/leads", "/v2/other", false),
        ] {
            assert_eq!(may_begin(pattern, base), begins, "{pattern} {base}");
        }
    }
}
