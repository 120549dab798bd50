//! Reads what an installation shares with other scopes and accepts from them, and limits it to the granted event types.

use std::collections::{BTreeMap, BTreeSet};

use super::{Reference, ReferenceKind, ShareRequest, ShareRequests};
use crate::problem::{Location, Problem, nearest};
use crate::reader::{Field, Section};
use handoff_model::scope::Scope;
use handoff_model::shares::Shares;

/// Maximum number of `[[share]]` and of `[[accept-shared]]` sections in a file.
const SHARES_MAX: usize = 100;
/// Maximum number of scopes in one section.
const SCOPES_MAX: usize = 1_000;

/// `own` is the scope of the installation, if it could be read.
pub(super) fn read(root: &Section<'_>, own: Option<&Scope>, references: &mut Vec<Reference>) -> ShareRequests {
    let mut sections = |key, scopes| {
        let sections = root.sections(key);
        if let Some(more) = sections.get(SHARES_MAX) {
            more.wrong(format!("more than {SHARES_MAX} sections"), "fewer", "name several scopes in one section");
        }
        let one = |section: &Section<'_>| self::section(section, scopes, own, references);
        sections.iter().take(SHARES_MAX).filter_map(one).collect()
    };
    ShareRequests { with: sections("share", "with"), from: sections("accept-shared", "from") }
}

fn section(
    section: &Section<'_>,
    key: &'static str,
    own: Option<&Scope>,
    references: &mut Vec<Reference>,
) -> Option<ShareRequest> {
    let type_name = section.required("type", "an event type", "type = \"com.handoff.lead.received.v1\"");
    let type_name = type_name.and_then(|field| field.text().map(str::to_owned));
    let list = section.required(key, "rooftops or groups", &format!("{key} = [\"south\", \"group:west\"]"));
    let scopes = list.map(|list| scopes_of(&list, own, references)).unwrap_or_default();
    section.finish();
    Some(ShareRequest { type_name: type_name?, scopes, location: section.location() })
}

fn scopes_of(list: &Field<'_>, own: Option<&Scope>, references: &mut Vec<Reference>) -> BTreeSet<Scope> {
    let fields = list.list();
    if !(1..=SCOPES_MAX).contains(&fields.len()) {
        list.wrong(format!("1 to {SCOPES_MAX} rooftops or groups"), "write it like [\"south\", \"group:west\"]");
    }
    let mut scopes = BTreeSet::new();
    for field in fields.iter().take(SCOPES_MAX) {
        let Some(scope) = field.parse::<Scope>("a rooftop, or `group:` and a group", "group:west") else { continue };
        if own == Some(&scope) {
            field.wrong(
                "another rooftop or group",
                "remove it: events of its own reach an installation without a share",
            );
            continue;
        }
        references.push(reference(&scope, field.location()));
        scopes.insert(scope);
    }
    scopes
}

/// A reference to the definition of a scope.
pub(super) fn reference(scope: &Scope, location: Location) -> Reference {
    let (kind, name) = match scope {
        Scope::Rooftop(name) => (ReferenceKind::Rooftop, name.to_string()),
        Scope::Group(name) => (ReferenceKind::Group, name.to_string()),
    };
    Reference { kind, name, location }
}

/// The effective shares: of types that it may emit, and that are routed to it.
pub(super) fn resolve(
    wanted: &ShareRequests,
    emits: &BTreeSet<String>,
    accepts: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> Shares {
    Shares {
        with: of_types(&wanted.with, emits, "may emit", problems),
        from: of_types(&wanted.from, accepts, "accepts", problems),
    }
}

fn of_types(
    wanted: &[ShareRequest],
    granted: &BTreeSet<String>,
    verb: &str,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, BTreeSet<Scope>> {
    let mut shares = BTreeMap::<String, BTreeSet<Scope>>::new();
    for ShareRequest { type_name, scopes, location } in wanted {
        if granted.contains(type_name) {
            shares.entry(type_name.clone()).or_default().extend(scopes.iter().cloned());
            continue;
        }
        let advice = match nearest(type_name, granted.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "remove it: it would have no effect".to_owned(),
        };
        problems.push(Problem {
            location: location.clone(),
            found: format!("the event type \"{type_name}\""),
            expected: format!("an event type that the installation {verb}: {}", super::grants::list(granted)),
            advice,
        });
    }
    shares
}
