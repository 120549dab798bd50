//! The settings file of an installation, which `handoff install … --settings FILE` reads. It parses and checks the file
//! by itself; `grants` checks it against the manifest, `references` against the host's config.

mod asks;
mod config_urls;
mod event_sources;
mod grants;
mod read;
mod references;
mod shares;

pub use asks::{Asks, HttpAsk};
pub use grants::{missing_grants, resolve_grants};
pub(super) use read::read;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::problem::Location;
use handoff_model::scope::Scope;
use handoff_policy::ingress::IngressSettings;

/// The settings of an installation.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The rooftop or the group that it is for.
    pub scope: Scope,
    /// `[config]`, for the connector.
    pub config: Map<String, Value>,
    /// `[grants]`, before they are limited to what the manifest requests.
    pub grants: GrantRequests,
    /// `[[share]]` and `[[accept-shared]]`.
    pub shares: ShareRequests,
    /// `[hook]`, `[[folders]]`, `[[schedules]]`.
    pub ingress: IngressSettings,
    /// Position of the verification kind, if there is one.
    pub(super) hook_location: Option<Location>,
    /// The texts of `[config]` with their positions.
    pub(super) config_texts: Vec<config_urls::ConfigText>,
    /// References to definitions elsewhere.
    pub(super) references: Vec<Reference>,
}

impl Settings {
    /// Position of the verification of webhooks, if there is one.
    #[must_use]
    pub fn hook_location(&self) -> Option<&Location> {
        self.hook_location.as_ref()
    }

    /// The config in the form that a generation stores.
    #[must_use]
    pub fn config_json(&self) -> String {
        Value::Object(self.config.clone()).to_string()
    }
}

/// What the operator grants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrantRequests {
    /// Event types to route to it; none: all that the manifest accepts.
    pub accepts: Option<Vec<(String, Location)>>,
    /// Event types that it may emit; none: all that the manifest emits.
    pub emits: Option<Vec<(String, Location)>>,
    /// Targets.
    pub http: Vec<HttpGrantRequest>,
    /// Position of `[grants]`, or the file's start.
    pub location: Location,
}

/// One target that the operator grants.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpGrantRequest {
    /// The manifest's name of the target.
    pub name: String,
    /// The host; none: that of the manifest.
    pub host: Option<String>,
    /// The port; none: the scheme's default.
    pub port: Option<u16>,
    /// Allows `http` instead of `https`.
    pub plaintext: bool,
    /// Allows loopback, link-local and private addresses.
    pub private_addresses: bool,
    /// Methods; none: the manifest's.
    pub methods: Option<BTreeSet<String>>,
    /// Path patterns; none: the manifest's.
    pub paths: Option<Vec<String>>,
    /// Paths that may be requested with an unsafe method; none: the manifest's.
    pub look_ups: Option<Vec<String>>,
    /// Auth profiles that it may use: the manifest's name → the host's profile. None by default.
    pub auth: BTreeMap<String, String>,
    /// Its position.
    pub location: Location,
}

/// What the operator shares with other scopes, and accepts from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareRequests {
    /// `[[share]]`.
    pub with: Vec<ShareRequest>,
    /// `[[accept-shared]]`.
    pub from: Vec<ShareRequest>,
}

/// An event type, and the scopes at the other side.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareRequest {
    /// The event type.
    pub type_name: String,
    /// The scopes that it is shared with, or accepted from.
    pub scopes: BTreeSet<Scope>,
    /// Its position.
    pub location: Location,
}

/// A reference to something that must be defined elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    kind: ReferenceKind,
    name: String,
    location: Location,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReferenceKind {
    Rooftop,
    Group,
    Secret,
    Auth,
}
