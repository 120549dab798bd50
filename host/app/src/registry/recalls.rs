//! Recalled versions: records recalls from signed lists, and raises incidents for installations that use them. Never
//! changes an installation: an operator decides on a rollback.

mod age;
mod watch;

use std::collections::BTreeSet;

use handoff_package::index::{PackageIndex, Status};

pub(crate) use age::ListAge;
pub use watch::run;

use crate::error::AppError;
use crate::incidents::raise::{Incident, raise};
use crate::installations::warnings::remediation;
use crate::shard::Shard;
use handoff_model::actor::Actor;
use handoff_model::host_records::Recall;
use handoff_model::names::InstallationName;
use handoff_store::{NewAudit, Store};

/// Records the recalls of a verified list for packages that this host has. Does not report a recorded recall again.
pub(crate) async fn note(shard: &Shard, registry: &str, index: &PackageIndex) -> Result<(), AppError> {
    for release in &index.releases {
        let Status::Recalled { note } = &release.status else { continue };
        let digest = release.digest.to_string();
        if !shard.packages.contains(&digest) || shard.store.recall(&digest)?.is_some() {
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
        for name in affected(&shard.store, &digest) {
            tell(&shard.store, &name, &digest, &recall).await?;
        }
    }
    Ok(())
}

async fn keep(store: &Store, digest: &str, recall: &Recall) -> Result<(), AppError> {
    let detail = serde_json::json!({
        "version": recall.version, "digest": digest, "note": recall.note, "registry": recall.registry,
    });
    let audit = NewAudit {
        at: recall.noticed_at,
        by: Actor::host(),
        action: "recall-noticed",
        subject: recall.package.clone(),
        detail_json: detail.to_string(),
        scopes: Vec::new(),
    };
    Ok(store.set_recall(digest.to_owned(), recall.clone(), audit).await?)
}

async fn tell(store: &Store, name: &InstallationName, digest: &str, recall: &Recall) -> Result<(), AppError> {
    let Some(installation) = store.installation(name) else { return Ok(()) };
    let message = format!(
        "{} {} was recalled by its publisher, and it is active in `{name}`: {}",
        recall.package, recall.version, recall.note
    );
    let evidence = serde_json::json!({ "digest": digest, "registry": recall.registry });
    let incident = Incident {
        at: recall.noticed_at,
        kind: "recall".to_owned(),
        installation: Some(name.clone()),
        message,
        command: Some(remediation(store, &installation)?),
        evidence,
    };
    raise(store, incident).await
}

fn affected(store: &Store, digest: &str) -> BTreeSet<InstallationName> {
    let installations = store.installations();
    let these = installations.iter().filter(|installation| installation.active.content.digest == digest);
    these.map(|installation| installation.name.clone()).collect()
}
