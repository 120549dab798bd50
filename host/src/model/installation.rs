//! Installations and their generations.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::grants::Grants;
use super::names::{Generation, InstallationId, InstallationName, RooftopName};
use super::time::Timestamp;

/// The immutable content of a generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationContent {
    /// `publisher/name`.
    pub package: String,
    /// The package's version.
    pub version: Version,
    /// sha256 of the component, as `sha256:<hex>`.
    pub digest: String,
    /// Number of the schema that its state follows.
    pub state_schema: u32,
    /// The config as a JSON object, as text: JSON values do not survive every encoding.
    pub config_json: String,
    /// What it may reach.
    pub grants: Grants,
    /// How webhooks for it are verified, which folders are watched and which schedules tick; as JSON text that
    /// `config` defines.
    pub ingress_json: String,
}

/// A generation with its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationRecord {
    /// Its number.
    pub generation: Generation,
    /// What it is.
    pub content: GenerationContent,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub by: String,
    /// Why.
    pub reason: GenerationReason,
    /// What the person said about it.
    pub note: Option<String>,
}

/// Why a generation was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationReason {
    /// The first of an installation.
    Install,
    /// Another version.
    Upgrade,
    /// The same version with another config or other grants.
    Reconfigure,
    /// The content of an older generation, because the one before was bad.
    Rollback {
        /// The generation whose content it restores.
        restores: Generation,
    },
}

/// An installation as the store knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// Its number in the store.
    pub id: InstallationId,
    /// Its name.
    pub name: InstallationName,
    /// Its rooftop.
    pub rooftop: RooftopName,
    /// The generation whose commits count.
    pub active: GenerationRecord,
    /// The generation that a rollback goes back to.
    pub previous: Option<GenerationRecord>,
    /// Why no deliveries are made, if so.
    pub paused: Option<Pause>,
}

/// Why an installation is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Since when.
    pub at: Timestamp,
    /// What a person should read.
    pub message: String,
}
