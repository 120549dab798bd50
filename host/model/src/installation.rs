//! Installations and their generations.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::grants::Grants;
use super::names::{Generation, InstallationId, InstallationName, Position, RooftopName};
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

impl Installation {
    /// A person's pause, which outlives the generation, in a sentence.
    #[must_use]
    pub fn stays_paused(&self) -> Option<String> {
        let pause = self.paused.as_ref().filter(|pause| pause.is_by_a_person())?;
        Some(format!("it stays paused ({}) until `handoff resume {}`", pause.message, self.name))
    }
}

/// How the message of a person's pause begins.
const BY_A_PERSON: &str = "paused by ";

impl Pause {
    /// A person wants it.
    #[must_use]
    pub fn by(person: &str, reason: Option<&str>, at: Timestamp) -> Self {
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        Self { at, message: format!("{BY_A_PERSON}{person}{reason}") }
    }

    /// Whether a person wants it, and not the connector. Only that person, or another, ends it.
    #[must_use]
    pub fn is_by_a_person(&self) -> bool {
        self.message.starts_with(BY_A_PERSON)
    }
}

/// Who changes something by himself, in the history: the host, not a person.
pub const BY_HOST: &str = "handoff";

/// What is kept of a generation beside its content: where it came from and how to start from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationDetails {
    /// The settings file as JSON: what an upgrade starts from.
    pub settings_json: String,
    /// The folder that the settings' relative paths start from.
    pub settings_folder: Option<String>,
    /// Whose signature was verified; none for a file given by hand.
    pub signer: Option<Signer>,
    /// Where the component came from.
    pub origin: Origin,
    /// The generation that was active before; none for the first.
    pub from: Option<Generation>,
    /// The next position of the log when the generation became active.
    pub starts_at: Position,
}

impl GenerationDetails {
    /// The details of another generation with the same content.
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

/// The details of a generation to be made; the rest of [`GenerationDetails`] is the store's to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewDetails {
    /// The settings file as JSON; empty if it is not known.
    pub settings_json: String,
    /// The folder that the settings' relative paths start from.
    pub settings_folder: Option<String>,
    /// Whose signature was verified; none for a file given by hand.
    pub signer: Option<Signer>,
    /// Where the component came from.
    pub origin: Origin,
}

/// Who signed a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signer {
    /// The publisher.
    pub publisher: String,
    /// The key's id.
    pub key_id: String,
}

/// Where a component came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A file, given by hand.
    #[default]
    File,
    /// A registry.
    Registry {
        /// The registry's configured name.
        registry: String,
        /// What was asked of it.
        reference: String,
    },
}
