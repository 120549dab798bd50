//! What a host keeps about itself: whose packages it takes, what registries showed it, recalls, probations, incidents. Plain
//! data; who writes it decides what it means.

use serde::{Deserialize, Serialize};

use super::installation::Signer;
use super::names::{Generation, InstallationName};
use super::time::Timestamp;

/// A publisher's key that the host trusts, or trusted once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherKey {
    /// The public key in base64.
    pub public_key: String,
    /// When it was added.
    pub added_at: Timestamp,
    /// Id of the key that introduced it, if a person did not.
    pub introduced_by: Option<String>,
    /// It is not trusted for what was signed later.
    pub not_after: Option<Timestamp>,
    /// It was revoked.
    pub revoked: Option<KeyRevocation>,
}

/// Why a key counts for nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRevocation {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// How far a package's signed index was seen, so that a registry cannot go back behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexProgress {
    /// The index's number.
    pub sequence: u64,
    /// Digest of the index.
    pub digest: String,
    /// How many releases it had.
    pub releases: u64,
    /// Digest over version and digests of all releases.
    pub identity: String,
    /// One digit for each release: 0 usable, 1 yanked, 2 recalled.
    pub withdrawn: String,
}

/// That a publisher recalled a version which this host has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// `publisher/name`.
    pub package: String,
    /// The version.
    pub version: String,
    /// Why, in the publisher's words.
    pub note: String,
    /// The registry that said so.
    pub registry: String,
    /// When this host heard of it.
    pub noticed_at: Timestamp,
}

/// Where a package came from that was not given as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The registry's name in the configuration.
    pub registry: String,
    /// What was fetched there.
    pub reference: String,
    /// Who signed it.
    pub signer: Signer,
}

/// A generation that is watched after an upgrade or a change of settings, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbationRecord {
    /// The generation.
    pub generation: Generation,
    /// The generation that it is compared with, and that the host rolls back to.
    pub before: Generation,
    /// The earliest end.
    pub until: Timestamp,
    /// The latest end, if there were too few deliveries until then.
    pub ends_by: Timestamp,
    /// Its state.
    pub state: ProbationState,
    /// Why it was not judged, in one sentence.
    pub reason: Option<String>,
}

/// The state of a probation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbationState {
    /// Deliveries are compared.
    Watching,
    /// It is over, and no rate was too high.
    Passed,
    /// It is over, and there was too little to judge.
    NotJudged,
    /// A rate was too high, and the host could not roll back, or left that to a person: an incident says why.
    Failed,
}

/// A gate that a target closed for long: it asked to wait, and the host still does after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRecord {
    /// The host of the target.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The auth profile of the requests, if they have one.
    pub profile: Option<String>,
    /// Until when no request is sent.
    pub until: Timestamp,
}

/// Something that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRecord {
    /// When it was noticed, or since when it has been so.
    pub at: Timestamp,
    /// Kebab-case word: `recall`, `list-refused`, `automatic-rollback`, `paused`.
    pub kind: String,
    /// What it is about, within its kind: an installation, a folder, a target, `host`.
    pub subject: String,
    /// It is a condition: the host closes it when it is over.
    pub closes_itself: bool,
    /// How often it has occurred.
    pub count: u64,
    /// Whom it is about, if it is one installation.
    pub installation: Option<InstallationName>,
    /// What happened, in a sentence.
    pub message: String,
    /// What to type.
    pub command: Option<String>,
    /// What it was concluded from, as JSON text.
    pub evidence_json: String,
}
