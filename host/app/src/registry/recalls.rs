//! Recalled versions: noted as facts when a signed list says so, and told as incidents to whoever has them at work. Never
//! changes an installation: going back is a person's decision.

mod age;
mod watch;

use std::collections::BTreeSet;

use handoff_package::index::{PackageIndex, Status};
use serde::{Deserialize, Serialize};

pub(crate) use age::ListAge;
pub use watch::run;

use crate::error::AppError;
use crate::incidents::raise::{Incident, raise};
use crate::installations::warnings::way_back;
use crate::shard::Shard;
use handoff_model::installation::BY_HOST;
use handoff_model::names::InstallationName;
use handoff_model::time::Timestamp;
use handoff_store::{FactKind, NewAudit, Store};

/// That a publisher recalled a version which this host has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recall {
    /// `publisher/name`.
    pub(crate) package: String,
    /// The version.
    pub(crate) version: String,
    /// Why, in the publisher's words.
    pub(crate) note: String,
    /// The registry that said so.
    pub(crate) registry: String,
    /// When this host heard of it.
    pub(crate) noticed_at: Timestamp,
}

impl Recall {
    /// Whether a digest is recalled, as far as this host has heard.
    pub(crate) fn of(store: &Store, digest: &str) -> Result<Option<Self>, AppError> {
        let Some(json) = store.fact(FactKind::Recall, digest)? else { return Ok(None) };
        let unreadable = |error| AppError::Internal(format!("the recall of {digest} cannot be read: {error}"));
        serde_json::from_slice(&json).map(Some).map_err(unreadable)
    }
}

/// Notes what a proved list recalls, as far as this host has it. What is noted already is not told again.
pub(crate) async fn note(shard: &Shard, registry: &str, index: &PackageIndex) -> Result<(), AppError> {
    for release in &index.releases {
        let Status::Recalled { note } = &release.status else { continue };
        let digest = release.digest.to_string();
        if !shard.process.packages.contains(&digest) || Recall::of(&shard.store, &digest)?.is_some() {
            continue;
        }
        let recall = Recall {
            package: index.package.to_string(),
            version: release.version.to_string(),
            note: note.to_string(),
            registry: registry.to_owned(),
            noticed_at: shard.now(),
        };
        keep(&shard.store, &digest, &recall).await?;
        for name in at_work(&shard.store, &digest) {
            tell(&shard.store, &name, &digest, &recall).await?;
        }
    }
    Ok(())
}

async fn keep(store: &Store, digest: &str, recall: &Recall) -> Result<(), AppError> {
    let value = serde_json::to_vec(recall).map_err(|error| AppError::Internal(error.to_string()))?;
    let detail = serde_json::json!({
        "version": recall.version, "digest": digest, "note": recall.note, "registry": recall.registry,
    });
    let audit = NewAudit {
        at: recall.noticed_at,
        by: BY_HOST.to_owned(),
        action: "recall-noticed",
        subject: recall.package.clone(),
        detail_json: detail.to_string(),
    };
    Ok(store.put_fact(FactKind::Recall, digest.to_owned(), Some(value), Some(audit)).await?)
}

async fn tell(store: &Store, name: &InstallationName, digest: &str, recall: &Recall) -> Result<(), AppError> {
    let Some(installation) = store.installation(name) else { return Ok(()) };
    let message = format!(
        "{} {} was recalled by its publisher, and `{name}` has it at work: {}",
        recall.package, recall.version, recall.note
    );
    let evidence = serde_json::json!({ "digest": digest, "registry": recall.registry });
    let incident = Incident {
        at: recall.noticed_at,
        kind: "recall".to_owned(),
        installation: Some(name.clone()),
        message,
        command: Some(way_back(store, &installation)?),
        evidence,
    };
    raise(store, incident).await
}

fn at_work(store: &Store, digest: &str) -> BTreeSet<InstallationName> {
    let installations = store.installations();
    let these = installations.iter().filter(|installation| installation.active.content.digest == digest);
    these.map(|installation| installation.name.clone()).collect()
}
