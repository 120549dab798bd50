//! Installations and their generations.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::grants::Grants;
use super::names::{Generation, InstallationId, InstallationName, Position};
use super::scope::Scope;
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
    /// Version of the schema of its state.
    pub state_schema: u32,
    /// The config as a JSON object, as text: JSON values do not survive every encoding.
    pub config_json: String,
    /// What it may accept, emit and send to.
    pub grants: Grants,
    /// Webhook verification, watched folders and schedules, as JSON text in the format that `config` defines.
    pub ingress_json: String,
}

/// A generation with its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationRecord {
    /// Its number.
    pub generation: Generation,
    /// Its content.
    pub content: GenerationContent,
    /// When it was created.
    pub at: Timestamp,
    /// Who created it.
    pub by: Actor,
    /// Reason.
    pub reason: GenerationReason,
    /// Comment of the person who created it.
    pub note: Option<String>,
}

/// Why a generation was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationReason {
    /// The first of an installation.
    Install,
    /// Another version.
    Upgrade,
    /// The same version with another config or other grants.
    Reconfigure,
    /// The content of an older generation, restored by a rollback.
    Rollback {
        /// The generation whose content it restores.
        restores: Generation,
    },
}

/// An installation in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// Its number in the store.
    pub id: InstallationId,
    /// Its name.
    pub name: InstallationName,
    /// The rooftop or the group that it is installed for. No generation changes it.
    pub scope: Scope,
    /// The active generation: only its commits are accepted.
    pub active: GenerationRecord,
    /// The generation that a rollback restores.
    pub previous: Option<GenerationRecord>,
    /// Set while deliveries are paused.
    pub paused: Option<Pause>,
}

/// Why an installation is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// When it was paused.
    pub at: Timestamp,
    /// Who paused it: a person, or the host because of what the connector reported.
    pub by: Actor,
    /// Message for people.
    pub message: String,
}

impl Installation {
    /// Describes a pause by a person, which continues across generations.
    #[must_use]
    pub fn stays_paused(&self) -> Option<String> {
        let pause = self.paused.as_ref().filter(|pause| pause.is_by_a_person())?;
        Some(format!("it stays paused ({}) until `handoff resume {}`", pause.message, self.name))
    }
}

impl Pause {
    /// A pause by a person.
    #[must_use]
    pub fn by(person: Actor, reason: Option<&str>, at: Timestamp) -> Self {
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        Self { at, message: format!("paused by {person}{reason}"), by: person }
    }

    /// A pause by the host, with what the connector reported.
    #[must_use]
    pub fn by_host(message: String, at: Timestamp) -> Self {
        Self { at, by: Actor::host(), message }
    }

    /// Whether a person, not the connector, paused it. Only a person can resume it.
    #[must_use]
    pub fn is_by_a_person(&self) -> bool {
        !self.by.is_host()
    }
}

/// Stored with a generation beside its content: its source and the input of the next upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationDetails {
    /// The settings file as JSON: the base of an upgrade.
    pub settings_json: String,
    /// The folder that the settings' relative paths start from.
    pub settings_folder: Option<String>,
    /// The verified signer; none for a local file.
    pub signer: Option<Signer>,
    /// Source of the component.
    pub origin: Origin,
    /// The generation that was active before; none for the first.
    pub from: Option<Generation>,
    /// The next log position when the generation became active.
    pub starts_at: Position,
}

impl GenerationDetails {
    /// The details of a new generation with the same content.
    #[must_use]
    pub fn again(&self) -> NewDetails {
        NewDetails {
            settings_json: self.settings_json.clone(),
            settings_folder: self.settings_folder.clone(),
            signer: self.signer.clone(),
            origin: self.origin.clone(),
        }
    }
}

/// The details of a generation to create; the store adds the rest of [`GenerationDetails`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewDetails {
    /// The settings file as JSON; empty if unknown.
    pub settings_json: String,
    /// The folder that the settings' relative paths start from.
    pub settings_folder: Option<String>,
    /// The verified signer; none for a local file.
    pub signer: Option<Signer>,
    /// Source of the component.
    pub origin: Origin,
}

/// The signer of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signer {
    /// The publisher.
    pub publisher: String,
    /// The key's id.
    pub key_id: String,
}

/// The source of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A local file.
    #[default]
    File,
    /// A registry.
    Registry {
        /// The registry's configured name.
        registry: String,
        /// The reference that was requested.
        reference: String,
    },
}
