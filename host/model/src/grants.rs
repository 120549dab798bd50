//! What an operator grants an installation, limited to what the manifest requests. Deny by default.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::shares::Shares;

/// The effective grants of a generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grants {
    /// Event types that are routed to it.
    pub accepts: BTreeSet<String>,
    /// Event types that it may emit.
    pub emits: BTreeSet<String>,
    /// Targets that it may send to.
    pub http: Vec<HttpGrant>,
    /// Event types that it shares with other scopes, and accepts from them.
    #[serde(default)]
    pub shares: Shares,
}

/// One target system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpGrant {
    /// The name that the manifest gives the target.
    pub name: String,
    /// Host name or address literal, lower-case, exact: no wildcards.
    pub host: String,
    /// Port; none means the scheme's own.
    pub port: Option<u16>,
    /// True allows `http` instead of `https`.
    pub plaintext: bool,
    /// True allows loopback, link-local and private addresses.
    pub private_addresses: bool,
    /// Methods, upper-case.
    pub methods: BTreeSet<String>,
    /// Path patterns: `*` within a segment, `**` any rest.
    pub paths: Vec<String>,
    /// Path patterns that may be fetched with an unsafe method (token, search).
    pub look_ups: Vec<String>,
    /// Auth profiles that it may use here: the manifest's name → the host's profile, so that rooftops with their own
    /// credentials can run the same connector.
    pub auth: BTreeMap<String, String>,
}
