//! Reads a settings file: scope, config and grants. `shares` reads the shares, `event_sources` the event sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{GrantRequests, HttpGrantRequest, Reference, ReferenceKind, Settings, config_urls, event_sources, shares};
use crate::json;
use crate::problem::Location;
use crate::reader::{Field, Section};
use handoff_model::names::{AuthProfileName, GroupName, RooftopName};
use handoff_model::scope::Scope;
use handoff_policy::request::grant::check_host;

const METHODS: [(&str, &str); 6] =
    [("GET", "GET"), ("HEAD", "HEAD"), ("POST", "POST"), ("PUT", "PUT"), ("PATCH", "PATCH"), ("DELETE", "DELETE")];

/// Reads the whole file; returns none only if a problem was reported. `group` is the group that the installation is for,
/// if that is known from elsewhere.
pub(crate) fn read(root: &Section<'_>, folder: &Path, group: Option<&GroupName>) -> Option<Settings> {
    let mut references = Vec::new();
    let scope = scope(root, group, &mut references);
    let shares = shares::read(root, scope.as_ref(), &mut references);
    let config_section = root.section("config");
    let (config, config_texts) = (json::object(&config_section), config_urls::read(&config_section));
    let grants = grants(&root.section("grants"), &mut references);
    let (ingress, hook_location) = event_sources::read(root, folder, &mut references);
    root.finish();
    Some(Settings { scope: scope?, config, grants, shares, ingress, hook_location, config_texts, references })
}

/// `rooftop`, or `group` for an installation that works for a group of rooftops.
fn scope(root: &Section<'_>, given: Option<&GroupName>, references: &mut Vec<Reference>) -> Option<Scope> {
    let group = root.field("group");
    if let Some(given) = given {
        for field in [root.field("rooftop"), group].into_iter().flatten() {
            if field.value.as_str() != Some(given.as_str()) || !field.path.ends_with("group") {
                field.wrong(format!("nothing, because it is installed for the group `{given}`"), "remove it");
            }
        }
        let scope = Scope::Group(given.clone());
        references.push(shares::reference(&scope, root.location()));
        return Some(scope);
    }
    let (field, scope) = match group {
        Some(field) => {
            if let Some(rooftop) = root.field("rooftop") {
                rooftop.wrong_found("`rooftop` beside `group`", "one of them", "remove the one that is not meant");
            }
            let scope = field.parse::<GroupName>("a group's name", "west").map(Scope::Group);
            (field, scope)
        }
        None => {
            let field = root.required("rooftop", "the rooftop, or `group`", "rooftop = \"main-street\"")?;
            let scope = field.parse::<RooftopName>("a rooftop's name", "main-street").map(Scope::Rooftop);
            (field, scope)
        }
    };
    references.extend(scope.as_ref().map(|scope| shares::reference(scope, field.location())));
    scope
}

fn grants(section: &Section<'_>, references: &mut Vec<Reference>) -> GrantRequests {
    let accepts = section.field("accepts").map(|field| event_types(&field));
    let emits = section.field("emits").map(|field| event_types(&field));
    let requests = section.sections("http");
    let http = requests.iter().filter_map(|section| http(section, references)).collect::<Vec<_>>();
    for (index, request) in http.iter().enumerate() {
        if http
            .iter()
            .take(index)
            .any(|other| other.name == request.name && other.host == request.host && other.port == request.port)
        {
            section.source.report(
                request.location.clone(),
                format!("a second grant for `{}` with the same host and port", request.name),
                "one grant per target".to_owned(),
                "merge their methods and paths".to_owned(),
            );
        }
    }
    section.finish();
    GrantRequests { accepts, emits, http, location: section.location() }
}

fn event_types(field: &Field<'_>) -> Vec<(String, Location)> {
    let read = |field: &Field<'_>| Some((field.text()?.to_owned(), field.location()));
    field.list().iter().filter_map(read).collect()
}

fn http(section: &Section<'_>, references: &mut Vec<Reference>) -> Option<HttpGrantRequest> {
    let name = section.required("name", "the manifest's name of the target", "name = \"crm\"");
    let name = name.and_then(|field| field.text().map(str::to_owned));
    let host = section.field("host").and_then(|field| host(&field));
    let port = section.field("port").and_then(|field| field.integer(1..=u16::MAX));
    let flag = |key| section.field(key).and_then(|field| field.boolean()).unwrap_or(false);
    let (plaintext, private_addresses) = (flag("plaintext"), flag("private-addresses"));
    if let (Some(host), Some(field)) = (&host, section.field("host"))
        && let Err(hopeless) = check_host(host, private_addresses)
    {
        field.wrong_found(hopeless.found, "a host that a request can be sent to", hopeless.advice);
    }
    let methods = section.field("methods").map(|field| {
        let list = field.list();
        list.iter().filter_map(|field| field.choice(&METHODS)).map(str::to_owned).collect::<BTreeSet<_>>()
    });
    let paths = section.field("paths").map(|field| paths(&field));
    let look_ups = section.field("look-ups").map(|field| paths_of(&field));
    let auth = section.field("auth").map(|field| auth(&field, references)).unwrap_or_default();
    section.finish();
    let location = section.location();
    Some(HttpGrantRequest {
        name: name?,
        host,
        port,
        plaintext,
        private_addresses,
        methods,
        paths,
        look_ups,
        auth,
        location,
    })
}

/// `["crm"]`, or `{ crm = "crm-north" }` if the host's profile has another name than the manifest's.
fn auth(field: &Field<'_>, references: &mut Vec<Reference>) -> BTreeMap<String, String> {
    let pairs: Vec<(Option<&str>, Field<'_>)> = match field.value.as_table() {
        Some(_) => {
            let entries = field.section().map(|section| section.entries()).unwrap_or_default();
            entries.into_iter().map(|(name, field)| (Some(name), field)).collect()
        }
        None => field.list().into_iter().map(|field| (None, field)).collect(),
    };
    let mut auth = BTreeMap::new();
    for (name, field) in pairs {
        if let Some(profile) = field.parse::<AuthProfileName>("an auth profile's name", "crm") {
            references.push(Reference {
                kind: ReferenceKind::Auth,
                name: profile.to_string(),
                location: field.location(),
            });
            auth.insert(name.map_or_else(|| profile.to_string(), str::to_owned), profile.to_string());
        }
    }
    auth
}

/// A host in the form that grants compare: lower-case, without scheme, port, path or wildcard.
fn host(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    let lower = text.to_ascii_lowercase();
    let inner = lower.trim_start_matches('[').trim_end_matches(']');
    let address = inner.parse::<std::net::IpAddr>().is_ok();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if address {
        return Some(inner.to_owned());
    }
    if lower.len() <= 253 && lower.split('.').all(label) {
        return Some(lower);
    }
    let advice = if lower.contains("://") || lower.contains('/') {
        "remove scheme and path; `plaintext = true` allows http, and `paths` lists the paths"
    } else if lower.contains('*') {
        "add one `[[grants.http]]` per host: a grant has no wildcards"
    } else if lower.contains(':') {
        "write the port as `port = …`"
    } else {
        "write it like \"api.example.com\""
    };
    field.wrong("a host name or an IP address", advice);
    None
}

fn paths(field: &Field<'_>) -> Vec<String> {
    let list = paths_of(field);
    if list.is_empty() {
        field.wrong("at least one path", "remove `paths` to grant what the manifest requests");
    }
    list
}

fn paths_of(field: &Field<'_>) -> Vec<String> {
    let mut paths = Vec::new();
    for field in field.list() {
        let Some(text) = field.text() else { continue };
        let legal =
            text.starts_with('/') && !text.contains(['?', '#', ' ']) && !text.split('/').any(|s| s == ".." || s == ".");
        if legal {
            paths.push(text.to_owned());
        } else {
            field.wrong(
                "an absolute path pattern without query",
                "write it like \"/leads/*\": `*` matches within a segment, `**` any rest",
            );
        }
    }
    paths
}
