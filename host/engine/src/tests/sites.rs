//! The rooftops, groups and installations of every history, and who receives what there: written from the definition of
//! scopes and shares, independently of the store.

use std::collections::{BTreeMap, BTreeSet};

use handoff_model::delivery::zone::TimeZone;
use handoff_model::grants::Grants;
use handoff_model::names::{InstallationId, InstallationName};
use handoff_model::scope::{Groups, Scope};
use handoff_model::shares::Shares;

/// An installation, with everything that its settings could name. A generation names some of it.
pub(super) struct Site {
    pub(super) name: &'static str,
    scope: &'static str,
    accepts: &'static [&'static str],
    /// Scopes that it may share emitted events with: one bit of a generation's shares each, from the lowest.
    with: &'static [&'static str],
    /// Scopes that it may accept emitted events from: one bit each, from [`FROM`] on.
    from: &'static [&'static str],
}

/// The lowest bit of a generation's shares that stands for a scope to accept from.
const FROM: usize = 4;
/// Shares that name everything.
pub(super) const ALL_SHARES: u8 = u8::MAX;
/// The rooftops; each but the last belongs to the group.
pub(super) const ROOFTOPS: [&str; 3] = ["north", "south", "east"];
const GROUP: &str = "west";

/// Installations are numbered from 1, in this order.
pub(super) const SITES: [Site; 5] = [
    Site { name: "first", scope: "north", accepts: &["lead"], with: &["south"], from: &[] },
    Site { name: "second", scope: "north", accepts: &["lead", "emitted"], with: &["south", "east"], from: &["south"] },
    Site { name: "third", scope: "south", accepts: &["emitted"], with: &["north"], from: &["north", "east"] },
    Site {
        name: "whole",
        scope: "group:west",
        accepts: &["lead", "emitted"],
        with: &["east", "south"],
        from: &["east"],
    },
    Site {
        name: "far",
        scope: "east",
        accepts: &["lead", "emitted"],
        with: &["group:west", "south"],
        from: &["north", "south", "group:west"],
    },
];

pub(super) fn name(index: usize) -> InstallationName {
    SITES[index].name.parse().expect("a name")
}

pub(super) fn id(index: usize) -> InstallationId {
    InstallationId(u32::try_from(index).expect("few") + 1)
}

fn site(id: InstallationId) -> &'static Site {
    &SITES[usize::try_from(id.0 - 1).expect("few")]
}

/// The name of an installation.
pub(super) fn name_of(id: InstallationId) -> &'static str {
    site(id).name
}

/// The scope of an installation.
pub(super) fn scope_of(id: InstallationId) -> Scope {
    scope(site(id).scope)
}

/// The scope of an installation by its name.
pub(super) fn scope_of_name(name: &str) -> Scope {
    scope(SITES.iter().find(|site| site.name == name).expect("a site").scope)
}

pub(super) fn scope(text: &str) -> Scope {
    text.parse().expect("a scope")
}

/// The groups as the host's configuration names them.
pub(super) fn groups() -> Groups {
    let members = ROOFTOPS.iter().filter(|rooftop| is_member(rooftop)).map(|name| name.parse().expect("a name"));
    [(GROUP.parse().expect("a name"), members.collect())].into_iter().collect()
}

fn is_member(rooftop: &str) -> bool {
    rooftop != "east"
}

/// A time zone for each scope.
pub(super) fn zones() -> BTreeMap<Scope, TimeZone> {
    let zones = ["America/Chicago", "America/Denver", "America/New_York", "UTC"];
    let scopes = ROOFTOPS.into_iter().chain(["group:west"]).map(scope);
    scopes.zip(zones).map(|(scope, zone)| (scope, TimeZone(zone.parse().expect("a zone")))).collect()
}

/// Whether an installation of a scope works for a scope: its own, and a group for its rooftops.
fn works_for(own: &str, other: &Scope) -> bool {
    let other = other.to_string();
    own == other || (own == "group:west" && ROOFTOPS.contains(&other.as_str()) && is_member(&other))
}

/// The scope in which an installation handles an event of a scope.
pub(super) fn handles_in(id: InstallationId, event: &Scope) -> Scope {
    let own = site(id).scope;
    if works_for(own, event) { event.clone() } else { scope(own) }
}

/// The grants of a generation with these shares. Events from outside are named, too, and never cross all the same.
pub(super) fn grants(index: usize, shares: u8) -> Grants {
    let site = &SITES[index];
    let named = |scopes: &[&str], first: usize| {
        let chosen = scopes.iter().enumerate().filter(|(bit, _)| shares >> (first + bit) & 1 == 1);
        let chosen: BTreeSet<Scope> = chosen.map(|(_, text)| scope(text)).collect();
        if chosen.is_empty() {
            return BTreeMap::new();
        }
        ["lead", "emitted"].map(|name| (name.to_owned(), chosen.clone())).into()
    };
    Grants {
        accepts: site.accepts.iter().map(|name| (*name).to_owned()).collect(),
        shares: Shares { with: named(site.with, 0), from: named(site.from, FROM) },
        ..Grants::default()
    }
}

/// Who receives an event of a type in a scope. `shares` tells the shares of each installation at that moment.
pub(super) fn recipients(
    event: &Scope,
    type_name: &str,
    emitter: Option<InstallationId>,
    shares: impl Fn(InstallationId) -> u8,
) -> BTreeSet<InstallationId> {
    let names = |scopes: &[&str], first: usize, id: InstallationId, wanted: &str| {
        scopes.iter().enumerate().any(|(bit, text)| *text == wanted && shares(id) >> (first + bit) & 1 == 1)
    };
    let receives = |id: &InstallationId| {
        let to = site(*id);
        let crosses = emitter.is_some_and(|from| {
            names(site(from).with, 0, from, to.scope) && names(to.from, FROM, *id, &event.to_string())
        });
        to.accepts.contains(&type_name) && (works_for(to.scope, event) || crosses)
    };
    (0..SITES.len()).map(id).filter(receives).collect()
}
