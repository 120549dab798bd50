//! Facts of the host: small durable rows, each kind with its own names. What they mean is their writers' business.

use serde::{Deserialize, Serialize};

use super::audit::NewAudit;
use super::committer::Request;
use super::keys;
use super::{Store, StoreError};

/// Bytes of one fact.
pub const FACT_BYTES_MAX: usize = 64 << 10;

/// What a fact is about. Variants are only ever appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactKind {
    /// A publisher's keys that the host trusts.
    Trust,
    /// How far a package's signed index was seen.
    SeenIndex,
    /// A digest that its publisher recalled.
    Recall,
    /// A generation that is watched after an upgrade.
    Probation,
    /// Something that a person should look at.
    Incident,
    /// When the newest list of a package's versions that was seen was signed.
    ListSigned,
    /// The schema of an installation's state from a generation on, where that is not the schema of the generation's version.
    StateSchema,
}

impl FactKind {
    /// Its byte in keys.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Trust => 0,
            Self::SeenIndex => 1,
            Self::Recall => 2,
            Self::Probation => 3,
            Self::Incident => 4,
            Self::ListSigned => 5,
            Self::StateSchema => 6,
        }
    }
}

impl Store {
    /// Writes a fact, or removes it, with its audit entry. At most 64 KiB.
    pub async fn put_fact(
        &self,
        kind: FactKind,
        key: String,
        value: Option<Vec<u8>>,
        audit: Option<NewAudit>,
    ) -> Result<(), StoreError> {
        let bytes = value.as_ref().map_or(0, Vec::len).saturating_add(key.len());
        if bytes > FACT_BYTES_MAX {
            return Err(StoreError::FactTooLarge { kind, key, bytes });
        }
        self.ask(|reply| Request::PutFact { kind, key, value, audit, reply }).await
    }

    /// A fact.
    pub fn fact(&self, kind: FactKind, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared.view.get(&keys::fact(kind.number(), key))
    }

    /// All facts of a kind, by key.
    pub fn facts(&self, kind: FactKind) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let rows = self.shared.view.scan(&keys::fact(kind.number(), ""), None, usize::MAX >> 1)?;
        // One byte of table and one of kind come before the key.
        let text = |key: &[u8]| String::from_utf8_lossy(key.get(2..).unwrap_or_default()).into_owned();
        Ok(rows.into_iter().map(|(key, value)| (text(&key), value)).collect())
    }
}
