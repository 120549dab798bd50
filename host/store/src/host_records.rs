//! Host records: trusted keys, what registries showed, recalls, probations, incidents, closed gates. Each kind has its type
//! (`handoff_model::host_records`) and its functions. Makes no decisions about them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use handoff_model::host_records::{
    GateRecord, IncidentRecord, IndexProgress, ProbationRecord, Provenance, PublisherKey, Recall,
};
use handoff_model::names::InstallationName;
use handoff_model::time::Timestamp;

use super::apply::Sink;
use super::audit::NewAudit;
use super::committer::Request;
use super::keys::{self, Key};
use super::rows::{decode, encode};
use super::{Store, StoreError};

/// The maximum size of one record in bytes, including its name.
pub const HOST_RECORD_BYTES_MAX: usize = 64 << 10;

/// A record that is set, or removed where its kind allows that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum HostRecord {
    /// All keys of a publisher.
    PublisherKeys { publisher: String, keys: Vec<PublisherKey> },
    /// The last known state of a package's index at a registry.
    IndexProgress { registry: String, package: String, progress: IndexProgress },
    /// When the newest list of versions of a package at a registry was signed.
    ListSigned { registry: String, package: String, at: Timestamp },
    /// The recall of a digest.
    Recall { digest: String, recall: Recall },
    /// The origin of the package with a digest.
    Provenance { digest: String, provenance: Provenance },
    /// The probation of an installation's generation.
    Probation { installation: InstallationName, record: Option<ProbationRecord> },
    /// An incident; none once it is closed.
    Incident { id: String, incident: Option<IncidentRecord> },
    /// A gate that stays closed over a restart; none once it is open.
    Gate { name: String, gate: Option<GateRecord> },
}

/// The kinds of records, each with its byte in keys.
#[derive(Clone, Copy)]
enum Kind {
    PublisherKeys,
    IndexProgress,
    ListSigned,
    Recall,
    Provenance,
    Probation,
    Incident,
    Gate,
}

impl Kind {
    fn key(self, name: &str) -> Key {
        let kind = match self {
            Self::PublisherKeys => 0,
            Self::IndexProgress => 1,
            Self::ListSigned => 2,
            Self::Recall => 3,
            Self::Provenance => 4,
            Self::Probation => 5,
            Self::Incident => 6,
            Self::Gate => 7,
        };
        keys::host_record(kind, name)
    }
}

impl HostRecord {
    /// The record's key, and its row; no row if the record is removed.
    fn row(&self) -> (Key, Option<Vec<u8>>) {
        match self {
            Self::PublisherKeys { publisher, keys } => (Kind::PublisherKeys.key(publisher), Some(encode(keys))),
            Self::IndexProgress { registry, package, progress } => {
                (Kind::IndexProgress.key(&listed(registry, package)), Some(encode(progress)))
            }
            Self::ListSigned { registry, package, at } => {
                (Kind::ListSigned.key(&listed(registry, package)), Some(encode(at)))
            }
            Self::Recall { digest, recall } => (Kind::Recall.key(digest), Some(encode(recall))),
            Self::Provenance { digest, provenance } => (Kind::Provenance.key(digest), Some(encode(provenance))),
            Self::Probation { installation, record } => {
                (Kind::Probation.key(installation.as_str()), record.as_ref().map(encode))
            }
            Self::Incident { id, incident } => (Kind::Incident.key(id), incident.as_ref().map(encode)),
            Self::Gate { name, gate } => (Kind::Gate.key(name), gate.as_ref().map(encode)),
        }
    }

    pub(super) fn apply(&self, sink: &mut impl Sink) {
        match self.row() {
            (key, Some(row)) => sink.put(key, row),
            (key, None) => sink.delete(key),
        }
    }
}

/// The name of a package at a registry.
fn listed(registry: &str, package: &str) -> String {
    format!("{registry}/{package}")
}

impl Store {
    /// All known keys of a publisher; none if there are none.
    pub fn publisher_keys(&self, publisher: &str) -> Result<Option<Vec<PublisherKey>>, StoreError> {
        self.host_record(Kind::PublisherKeys, publisher)
    }

    /// The keys of all publishers, by name.
    pub fn all_publisher_keys(&self) -> Result<Vec<(String, Vec<PublisherKey>)>, StoreError> {
        self.host_records(Kind::PublisherKeys)
    }

    /// Replaces the keys of a publisher.
    pub async fn set_publisher_keys(
        &self,
        publisher: String,
        keys: Vec<PublisherKey>,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        self.set_host_record(HostRecord::PublisherKeys { publisher, keys }, Some(audit)).await
    }

    /// The last known state of a package's index at a registry.
    pub fn index_progress(&self, registry: &str, package: &str) -> Result<Option<IndexProgress>, StoreError> {
        self.host_record(Kind::IndexProgress, &listed(registry, package))
    }

    /// Records the last known state of a package's index at a registry.
    pub async fn set_index_progress(
        &self,
        registry: String,
        package: String,
        progress: IndexProgress,
    ) -> Result<(), StoreError> {
        self.set_host_record(HostRecord::IndexProgress { registry, package, progress }, None).await
    }

    /// When the newest known list of versions of a package at a registry was signed.
    pub fn list_signed_at(&self, registry: &str, package: &str) -> Result<Option<Timestamp>, StoreError> {
        self.host_record(Kind::ListSigned, &listed(registry, package))
    }

    /// Records when the newest list of versions of a package was signed.
    pub async fn set_list_signed_at(&self, registry: String, package: String, at: Timestamp) -> Result<(), StoreError> {
        self.set_host_record(HostRecord::ListSigned { registry, package, at }, None).await
    }

    /// The recall of a digest, if this host knows of one.
    pub fn recall(&self, digest: &str) -> Result<Option<Recall>, StoreError> {
        self.host_record(Kind::Recall, digest)
    }

    /// Records that a digest was recalled.
    pub async fn set_recall(&self, digest: String, recall: Recall, audit: NewAudit) -> Result<(), StoreError> {
        self.set_host_record(HostRecord::Recall { digest, recall }, Some(audit)).await
    }

    /// The origin of the package with a digest; none if the package was given as a file.
    pub fn provenance(&self, digest: &str) -> Result<Option<Provenance>, StoreError> {
        self.host_record(Kind::Provenance, digest)
    }

    /// Records the origin of the package with a digest.
    pub async fn set_provenance(&self, digest: String, provenance: Provenance) -> Result<(), StoreError> {
        self.set_host_record(HostRecord::Provenance { digest, provenance }, None).await
    }

    /// The probation of an installation.
    pub fn probation(&self, installation: &InstallationName) -> Result<Option<ProbationRecord>, StoreError> {
        self.host_record(Kind::Probation, installation.as_str())
    }

    /// Sets the probation of an installation, or removes it.
    pub async fn set_probation(
        &self,
        installation: InstallationName,
        record: Option<ProbationRecord>,
        audit: Option<NewAudit>,
    ) -> Result<(), StoreError> {
        self.set_host_record(HostRecord::Probation { installation, record }, audit).await
    }

    /// An open incident.
    pub fn incident(&self, id: &str) -> Result<Option<IncidentRecord>, StoreError> {
        self.host_record(Kind::Incident, id)
    }

    /// All open incidents, by id.
    pub fn incidents(&self) -> Result<Vec<(String, IncidentRecord)>, StoreError> {
        self.host_records(Kind::Incident)
    }

    /// Stores an incident until it is closed.
    pub async fn add_incident(
        &self,
        id: String,
        incident: IncidentRecord,
        audit: Option<NewAudit>,
    ) -> Result<(), StoreError> {
        self.set_host_record(HostRecord::Incident { id, incident: Some(incident) }, audit).await
    }

    /// Closes an incident.
    pub async fn remove_incident(&self, id: String, audit: Option<NewAudit>) -> Result<(), StoreError> {
        self.set_host_record(HostRecord::Incident { id, incident: None }, audit).await
    }

    /// All gates that stay closed over a restart, by name.
    pub fn gates(&self) -> Result<Vec<(String, GateRecord)>, StoreError> {
        self.host_records(Kind::Gate)
    }

    /// Remembers that a gate is closed, or forgets it.
    pub async fn set_gate(
        &self,
        name: String,
        gate: Option<GateRecord>,
        audit: Option<NewAudit>,
    ) -> Result<(), StoreError> {
        self.set_host_record(HostRecord::Gate { name, gate }, audit).await
    }

    async fn set_host_record(&self, record: HostRecord, audit: Option<NewAudit>) -> Result<(), StoreError> {
        let (key, row) = record.row();
        let bytes = key.len().saturating_add(row.map_or(0, |row| row.len()));
        if bytes > HOST_RECORD_BYTES_MAX {
            let key = String::from_utf8_lossy(key.get(2..).unwrap_or_default()).into_owned();
            return Err(StoreError::HostRecordTooLarge { key, bytes });
        }
        let record = Box::new(record);
        self.ask(|reply| Request::SetHostRecord { record, audit, reply }).await
    }

    fn host_record<T: DeserializeOwned>(&self, kind: Kind, name: &str) -> Result<Option<T>, StoreError> {
        let key = kind.key(name);
        self.shared.view.get(&key)?.map(|row| decode(&key, &row)).transpose()
    }

    fn host_records<T: DeserializeOwned>(&self, kind: Kind) -> Result<Vec<(String, T)>, StoreError> {
        let rows = self.shared.view.scan(&kind.key(""), None, usize::MAX >> 1)?;
        // The table's byte and the kind's byte come before the name.
        let name = |key: &[u8]| String::from_utf8_lossy(key.get(2..).unwrap_or_default()).into_owned();
        rows.iter().map(|(key, row)| Ok((name(key), decode(key, row)?))).collect()
    }
}
