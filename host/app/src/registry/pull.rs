//! Pulls a package. It accepts a list of versions only if a trusted key signed it and it is not older than one seen
//! before, and a package only if its bytes match the list and a trusted key signed them. Compiles nothing.

use handoff_package::Digest;
use handoff_package::index::{Release, Seen};
use handoff_package::manifest::PackageName;
use handoff_package::resolve::{Requirement, ResolveOptions, resolve};
use handoff_registry_client::{Registry, VerifiedIndex};

use super::errors::{registry_error, resolve_error};
use super::provenance;
use crate::error::AppError;
use crate::registry::recalls;
use crate::registry::recalls::ListAge;
use crate::shard::Shard;
use crate::trust::list::list as trusted_keys;
use handoff_control::registry::{PullReport, PullRequest, SignerView};
use handoff_model::host_records::{IndexProgress, Provenance};
use handoff_model::installation::{Installation, Origin, Signer};
use handoff_model::time::Timestamp;

impl Shard {
    /// Fetches, verifies and stores a package. Installs nothing.
    pub async fn pull(&self, request: PullRequest) -> Result<PullReport, AppError> {
        let package: PackageName =
            request.package.parse().map_err(|problem: String| AppError::invalid("package", problem))?;
        let (name, registry) = self.registry(request.registry.as_deref()).await?;
        let VerifiedIndex { index, signed_at_ms, .. } = self.package_index(&name, &registry, &package).await?;
        let requirement = match &request.digest {
            Some(text) => Requirement::exactly(&release_of(&index.releases, text, &package, &name)?.version),
            None => requirement(&request)?,
        };
        let options = ResolveOptions { pre_releases: request.pre_release };
        let chosen = resolve(&index, &requirement, &options).map_err(|error| resolve_error(&error))?;
        let trusted = trusted_keys(&self.store)?;
        let verified = registry.pull(&chosen.pin, &trusted).await.map_err(registry_error)?;
        let signer =
            SignerView { publisher: verified.signer.publisher.to_string(), key_id: verified.signer.key_id.to_string() };
        let reference = format!("{}/{}@{}", registry.name(), package, verified.manifest_digest);
        let kept = self.put_package(verified.bytes).await?;
        let provenance = Provenance {
            registry: name.clone(),
            reference: reference.clone(),
            signer: Signer { publisher: signer.publisher.clone(), key_id: signer.key_id.clone() },
        };
        self.store.set_provenance(kept.digest.clone(), provenance).await?;
        tracing::info!(
            package = kept.package,
            version = kept.version,
            registry = name,
            signer = signer.key_id,
            "package fetched and proved",
        );
        let too_old =
            self.process.config.recalls.lists_since(self.now()).and_then(|since| {
                ListAge { signed_at: Timestamp(signed_at_ms) }.complaint(since, &name, package.as_str())
            });
        let warnings = chosen.warning.iter().cloned().chain(too_old).collect();
        Ok(PullReport { package: kept, registry: name, reference, signer, warnings, withdrawn: chosen.warning })
    }

    /// A package's verified list of versions, not older than any that this host has seen from the registry. Records the
    /// recalls in it.
    pub(crate) async fn package_index(
        &self,
        name: &str,
        registry: &Registry,
        package: &PackageName,
    ) -> Result<VerifiedIndex, AppError> {
        let seen = self.store.index_progress(name, package.as_str())?.map(seen).transpose()?;
        let trusted = trusted_keys(&self.store)?;
        let found = registry.index(package, &trusted, seen.as_ref()).await.map_err(registry_error)?;
        if seen.as_ref() != Some(&found.seen) {
            self.store.set_index_progress(name.to_owned(), package.to_string(), progress(&found.seen)).await?;
        }
        ListAge { signed_at: Timestamp(found.signed_at_ms) }.note(&self.store, name, package).await?;
        recalls::note(self, name, &found.index).await?;
        Ok(found)
    }

    /// Whether a generation may use a package, and what it records: the signer and the origin.
    ///
    /// A digest that is already active in the installation is accepted regardless of its signer. A new digest must not
    /// be recalled, and its signer has to be trusted now, not only when it was fetched.
    pub(crate) async fn admit(
        &self,
        existing: Option<&Installation>,
        digest: &str,
        force: bool,
    ) -> Result<(Option<Signer>, Origin), AppError> {
        let provenance = self.store.provenance(digest)?;
        let is_active = existing.is_some_and(|existing| existing.active.content.digest == digest);
        if is_active {
            return Ok(provenance::details(provenance.as_ref()));
        }
        if let Some(recall) = self.store.recall(digest)?.filter(|_| !force) {
            let message = format!(
                "{} {} was recalled by its publisher: {}; take another version, or force it (`--force`)",
                recall.package, recall.version, recall.note,
            );
            return Err(AppError::Refused { code: "recalled", message });
        }
        match &provenance {
            Some(known) => self.refuse_untrusted(&known.signer)?,
            None if self.process.config.trust.require_signature_for_files => {
                let message = "this host takes no package without a signature (`require-signature-for-files` in \
                               handoff.toml): install it from a registry, as PUBLISHER/NAME";
                return Err(AppError::Refused { code: "unsigned", message: message.to_owned() });
            }
            None => {}
        }
        Ok(provenance::details(provenance.as_ref()))
    }

    /// A signature that was valid when the package was fetched is void once its key is revoked.
    pub(crate) fn refuse_untrusted(&self, signer: &Signer) -> Result<(), AppError> {
        let list = trusted_keys(&self.store)?;
        let key = list.keys(&signer.publisher).iter().find(|trusted| trusted.key.id().to_string() == signer.key_id);
        let message = match key {
            Some(key) => match &key.revoked {
                None => return Ok(()),
                Some(revocation) => format!(
                    "the key {} of `{}` that signed this package was revoked: {}; ask the publisher to publish the same file with a \
                     good key, and install it from the registry again",
                    key.key.id().short(),
                    signer.publisher,
                    revocation.reason,
                ),
            },
            None => format!(
                "the key {} that signed this package is no trusted key of `{}`: `handoff trust list` shows those that are",
                signer.key_id, signer.publisher,
            ),
        };
        Err(AppError::Refused { code: "untrusted", message })
    }
}

fn requirement(request: &PullRequest) -> Result<Requirement, AppError> {
    match &request.requirement {
        None => Ok(Requirement::any()),
        Some(text) => text.parse().map_err(|error| AppError::invalid("requirement", format!("{error}"))),
    }
}

/// The release with exactly these bytes.
fn release_of<'r>(
    releases: &'r [Release],
    digest: &str,
    package: &PackageName,
    registry: &str,
) -> Result<&'r Release, AppError> {
    let digest: Digest = digest.parse().map_err(|error| AppError::invalid("digest", format!("{error}")))?;
    releases.iter().find(|release| release.digest == digest).ok_or_else(|| AppError::Refused {
        code: "other-bytes",
        message: format!(
            "registry `{registry}` lists no version of {package} with the bytes {digest}: it is not taken"
        ),
    })
}

/// The index version that was seen, in the form of the store.
fn progress(seen: &Seen) -> IndexProgress {
    IndexProgress {
        sequence: seen.sequence,
        digest: seen.digest.to_string(),
        releases: u64::try_from(seen.releases).unwrap_or(u64::MAX),
        identity: seen.identity.to_string(),
        withdrawn: seen.withdrawn.clone(),
    }
}

fn seen(progress: IndexProgress) -> Result<Seen, AppError> {
    let IndexProgress { sequence, digest, releases, identity, withdrawn } = progress;
    let unreadable = |error: &dyn std::fmt::Display| {
        AppError::Internal(format!("how far a package's index was seen cannot be read: {error}"))
    };
    Ok(Seen {
        sequence,
        digest: digest.parse().map_err(|error| unreadable(&error))?,
        releases: usize::try_from(releases).map_err(|error| unreadable(&error))?,
        identity: identity.parse().map_err(|error| unreadable(&error))?,
        withdrawn,
    })
}
