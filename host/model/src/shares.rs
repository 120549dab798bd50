//! The event types that an installation shares with other scopes, and those that it accepts from them. An event crosses
//! only if both sides name it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::scope::Scope;

/// The shares of a generation. A rollback restores them with the rest of its content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shares {
    /// Event type → the scopes whose installations may receive what it emits.
    pub with: BTreeMap<String, BTreeSet<Scope>>,
    /// Event type → the scopes from which it accepts events.
    pub from: BTreeMap<String, BTreeSet<Scope>>,
}

impl Shares {
    /// Whether it shares an event type with a scope.
    #[must_use]
    pub fn shares_with(&self, type_name: &str, scope: &Scope) -> bool {
        self.with.get(type_name).is_some_and(|scopes| scopes.contains(scope))
    }

    /// Whether it accepts an event type from a scope.
    #[must_use]
    pub fn accepts_from(&self, type_name: &str, scope: &Scope) -> bool {
        self.from.get(type_name).is_some_and(|scopes| scopes.contains(scope))
    }
}
