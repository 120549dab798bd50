//! The event types that cross between an installation and other scopes, or would if the other side's settings named
//! them too.

use std::collections::{BTreeMap, BTreeSet};

use crate::shard::Shard;
use handoff_control::installations::{ShareDirection, ShareView};
use handoff_model::installation::Installation;
use handoff_model::names::{InstallationId, InstallationName};
use handoff_model::scope::Scope;
use handoff_store::Crossing;

impl Shard {
    /// The shares of an installation as it is, or as it would become.
    pub(super) fn shares(&self, installation: &Installation) -> Vec<ShareView> {
        let others = self.store.installations();
        let named: BTreeMap<InstallationId, (&Scope, &InstallationName)> =
            others.iter().map(|other| (other.id, (&other.scope, &other.name))).collect();
        let crossings = self.store.crossings(installation);
        let shares = &installation.active.content.grants.shares;
        let of = |other: InstallationId| named.get(&other).copied();
        let with = views(&shares.with, ShareDirection::With, |type_name, scope| {
            let is_it = |crossing: &&Crossing| crossing.emitter == installation.id && crossing.type_name == type_name;
            let receivers = crossings.iter().filter(is_it).filter_map(|crossing| of(crossing.receiver));
            receivers.filter(|(own, _)| *own == scope).map(|(_, name)| name.clone()).collect()
        });
        let from = views(&shares.from, ShareDirection::From, |type_name, scope| {
            let is_it = |crossing: &&Crossing| {
                crossing.receiver == installation.id && crossing.type_name == type_name && crossing.scope == *scope
            };
            crossings
                .iter()
                .filter(is_it)
                .filter_map(|crossing| of(crossing.emitter))
                .map(|(_, name)| name.clone())
                .collect()
        });
        with.into_iter().chain(from).collect()
    }
}

fn views(
    named: &BTreeMap<String, BTreeSet<Scope>>,
    direction: ShareDirection,
    others: impl Fn(&str, &Scope) -> BTreeSet<InstallationName>,
) -> Vec<ShareView> {
    let pairs = named.iter().flat_map(|(type_name, scopes)| scopes.iter().map(move |scope| (type_name, scope)));
    let view = |(type_name, scope): (&String, &Scope)| ShareView {
        direction,
        type_name: type_name.clone(),
        scope: scope.clone(),
        installations: others(type_name, scope).into_iter().collect(),
    };
    pairs.map(view).collect()
}
