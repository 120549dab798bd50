//! Who receives an event. The only place that decides it, for the committer and for the check of capacity alike. It is
//! computed when installations change, so that an event costs look-ups and no scan.

use std::collections::BTreeMap;

use handoff_model::installation::Installation;
use handoff_model::names::InstallationId;
use handoff_model::scope::{Groups, Scope};

use super::Store;

/// The addressees of an event, and the scope that it has in the log.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) scope: Scope,
    pub(super) to: To,
}

/// The addressees of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// Every installation that receives events of its type in its scope. If an installation emitted it, also those that
    /// this installation shares the type with.
    Subscribers { emitter: Option<InstallationId> },
    /// One installation.
    One(InstallationId),
}

type ByType = BTreeMap<String, Vec<InstallationId>>;

/// The recipients of every event that could be logged, given the active generations and the groups.
#[derive(Debug, Default)]
pub(super) struct Routing {
    /// Scope of the event → the installations of that scope, and of groups that it belongs to, that accept a type.
    subscribers: BTreeMap<Scope, ByType>,
    /// Emitter, scope of the event → the installations of other scopes that both sides' settings share a type with.
    shared: BTreeMap<InstallationId, BTreeMap<Scope, ByType>>,
}

impl Routing {
    pub(super) fn of<'a>(installations: impl Iterator<Item = &'a Installation> + Clone, groups: &Groups) -> Self {
        let mut routing = Self::default();
        for installation in installations.clone() {
            for scope in covered(&installation.scope, groups) {
                let by_type = routing.subscribers.entry(scope).or_default();
                for type_name in &installation.active.content.grants.accepts {
                    by_type.entry(type_name.clone()).or_default().push(installation.id);
                }
            }
        }
        for emitter in installations.clone().filter(|emitter| !emitter.active.content.grants.shares.with.is_empty()) {
            for receiver in installations.clone() {
                routing.share(emitter, receiver, groups);
            }
        }
        routing
    }

    /// Adds what the emitter shares with the receiver: types that both name, each for the scope that the other has.
    fn share(&mut self, emitter: &Installation, receiver: &Installation, groups: &Groups) {
        let (gives, takes) = (&emitter.active.content.grants, &receiver.active.content.grants);
        for (type_name, scopes) in &takes.shares.from {
            let is_shared = gives.shares.shares_with(type_name, &receiver.scope) && takes.accepts.contains(type_name);
            for scope in scopes.iter().filter(|scope| is_shared && emitter.scope.covers(scope, groups)) {
                // Otherwise it receives the event anyway.
                if !receiver.scope.covers(scope, groups) {
                    let by_scope = self.shared.entry(emitter.id).or_default();
                    let by_type = by_scope.entry(scope.clone()).or_default();
                    by_type.entry(type_name.clone()).or_default().push(receiver.id);
                }
            }
        }
    }

    fn crossings(&self) -> impl Iterator<Item = Crossing> + '_ {
        self.shared.iter().flat_map(|(emitter, by_scope)| {
            by_scope.iter().flat_map(move |(scope, by_type)| {
                by_type.iter().flat_map(move |(type_name, receivers)| {
                    receivers.iter().map(move |receiver| Crossing {
                        emitter: *emitter,
                        scope: scope.clone(),
                        type_name: type_name.clone(),
                        receiver: *receiver,
                    })
                })
            })
        })
    }

    /// The recipients of an event, each once.
    pub(super) fn recipients<'a>(
        &'a self,
        address: &'a Address,
        type_name: &str,
    ) -> impl Iterator<Item = InstallationId> + 'a {
        let of = |by_type: Option<&'a ByType>| by_type.and_then(|by_type| by_type.get(type_name)).map(Vec::as_slice);
        let (first, more) = match &address.to {
            To::One(id) => (std::slice::from_ref(id), None),
            To::Subscribers { emitter } => {
                let shared = emitter.and_then(|emitter| self.shared.get(&emitter));
                let shared = of(shared.and_then(|by_scope| by_scope.get(&address.scope)));
                (of(self.subscribers.get(&address.scope)).unwrap_or_default(), shared)
            }
        };
        first.iter().chain(more.unwrap_or_default()).copied()
    }
}

/// An event type that reaches an installation of another scope, because the settings of both sides name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The installation that emits it.
    pub emitter: InstallationId,
    /// The scope that its events have.
    pub scope: Scope,
    /// The event type.
    pub type_name: String,
    /// The installation that receives it.
    pub receiver: InstallationId,
}

impl Store {
    /// What an installation shares with others and others with it, as it is or as it would become.
    #[must_use]
    pub fn crossings(&self, candidate: &Installation) -> Vec<Crossing> {
        let installations = self.installations();
        let others = installations.iter().map(AsRef::as_ref).filter(|other| other.id != candidate.id);
        let routing = Routing::of(others.chain(std::iter::once(candidate)), &self.shared.options.groups);
        let is_its = |crossing: &Crossing| [crossing.emitter, crossing.receiver].contains(&candidate.id);
        routing.crossings().filter(is_its).collect()
    }
}

/// The scopes whose events an installation of a scope receives without a share.
fn covered(scope: &Scope, groups: &Groups) -> Vec<Scope> {
    let mut covered = vec![scope.clone()];
    if let Scope::Group(group) = scope {
        covered.extend(groups.rooftops(group).cloned().map(Scope::Rooftop));
    }
    covered
}
