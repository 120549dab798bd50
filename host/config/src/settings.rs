//! The settings file of one installation: what `handoff install … --with FILE` reads. Parses and checks the file by
//! itself; what it may have is settled against the manifest (`grants`) and the host's config (`references`).

mod asks;
mod grants;
mod read;
mod references;
mod ways_in;

pub use asks::{Asks, HttpAsk};
pub use grants::resolve_grants;
pub(super) use read::read;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::problem::Place;
use handoff_model::names::RooftopName;
use handoff_policy::ingress::IngressSettings;

/// What the operator wants for an installation.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The rooftop it works for.
    pub rooftop: RooftopName,
    /// `[config]`, for the connector.
    pub config: Map<String, Value>,
    /// `[grants]`, before they are cut down to what the manifest asks for.
    pub grants: GrantRequests,
    /// `[hook]`, `[[folders]]`, `[[schedules]]`.
    pub ingress: IngressSettings,
    /// Where the kind of verification stands, if there is one.
    pub(super) hook_place: Option<Place>,
    /// What the file refers to elsewhere.
    pub(super) references: Vec<Reference>,
}

impl Settings {
    /// The config in the form that a generation keeps.
    #[must_use]
    pub fn config_json(&self) -> String {
        Value::Object(self.config.clone()).to_string()
    }
}

/// What the operator allows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrantRequests {
    /// Event types to be routed to it; none: all that the manifest asks for.
    pub accepts: Option<Vec<(String, Place)>>,
    /// Event types that it may emit; none: all that the manifest asks for.
    pub emits: Option<Vec<(String, Place)>>,
    /// Targets.
    pub http: Vec<HttpGrantRequest>,
    /// Where `[grants]` stands, or the file's start.
    pub place: Place,
}

/// One target that the operator allows.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpGrantRequest {
    /// The manifest's name of the target.
    pub name: String,
    /// The host; none: the one that the manifest names.
    pub host: Option<String>,
    /// The port; none: the scheme's own.
    pub port: Option<u16>,
    /// Allows `http` instead of `https`.
    pub plaintext: bool,
    /// Allows loopback, link-local and private addresses.
    pub private_addresses: bool,
    /// Methods; none: the manifest's.
    pub methods: Option<BTreeSet<String>>,
    /// Path patterns; none: the manifest's.
    pub paths: Option<Vec<String>>,
    /// Paths that may be fetched with an unsafe method; none: the manifest's.
    pub look_ups: Option<Vec<String>>,
    /// Auth profiles that it may use: the manifest's name → the host's profile. None unless named here.
    pub auth: BTreeMap<String, String>,
    /// Where it stands.
    pub place: Place,
}

/// Something that the settings name and that must be defined elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    kind: ReferenceKind,
    name: String,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReferenceKind {
    Rooftop,
    Secret,
    Auth,
}
