//! The index of a package as a registry shows it: trusted only if its signature is valid and it does not go backwards.

use super::ClientError;
use super::backend::{Reference, aside};
use super::known::KnownIndex;
use super::registry::{Registry, artifact, check_digest};
use handoff_package::Digest;
use handoff_package::artifact::{INDEX_TAG, Manifest};
use handoff_package::index::{PackageIndex, Seen};
use handoff_package::manifest::PackageName;
use handoff_package::trust::{Envelope, KeyId, Signer, Statement, TrustList};
use std::sync::Arc;

/// An index with a valid signature that does not go backwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedIndex {
    /// The index.
    pub index: Arc<PackageIndex>,
    /// Who signed it.
    pub signer: Signer,
    /// Signing time by the signer's own clock, in milliseconds since 1970. If a registry withholds updates, this time
    /// stays behind.
    pub signed_at_ms: u64,
    /// What to remember and pass to the next look-up.
    pub seen: Seen,
}

/// An index that is not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedIndex {
    /// The index that the registry shows.
    pub index: PackageIndex,
    /// Keys that claim to have signed it.
    pub claimed_keys: Vec<KeyId>,
    /// The signing time that it claims, in milliseconds since 1970.
    pub claimed_at_ms: Option<u64>,
}

impl Registry {
    /// A package's index, if a trusted publisher signed it and it is not older than `seen`.
    ///
    /// # Errors
    /// There is no index, or it is not trusted.
    pub async fn index(
        &self,
        package: &PackageName,
        trust: &TrustList,
        seen: Option<&Seen>,
    ) -> Result<VerifiedIndex, ClientError> {
        let (index, _tag) = self.tagged_index(package, trust, seen).await?;
        match index {
            Some(index) => Ok(index),
            None => Err(self.without_index(package).await),
        }
    }

    /// Why there is no index: the package does not exist, or was copied without its index.
    async fn without_index(&self, package: &PackageName) -> ClientError {
        let (registry, package) = (self.name(), package.clone());
        match self.versions(&package).await {
            Ok(versions) if !versions.is_empty() => ClientError::Unlisted { registry, package },
            _ => ClientError::NoSuchPackage { registry, package },
        }
    }

    /// The index and what its tag points to now; none before the first release.
    pub(super) async fn tagged_index(
        &self,
        package: &PackageName,
        trust: &TrustList,
        seen: Option<&Seen>,
    ) -> Result<(Option<VerifiedIndex>, Option<Digest>), ClientError> {
        let what = format!("the index of {package}");
        let Some((manifest, tag)) = self.manifest(package, Reference::Tag(INDEX_TAG), &what).await? else {
            return match seen {
                // The index existed before, and its absence hides everything.
                Some(_) => Err(ClientError::Missing { registry: self.name(), what }),
                None => Ok((None, None)),
            };
        };
        let found = match self.known.get(package, tag) {
            Some(known) => known,
            None => Arc::new(self.read_list(package, &manifest, tag, &what).await?),
        };
        // Check every time, also for a cached index: the key may have been revoked since.
        let KnownIndex { digest, envelope, index, .. } = &*found;
        let (signer, signed_at_ms) = index.believe(*digest, envelope, package, trust)?;
        let seen = index.check_progress(seen, *digest)?;
        let index = index.clone();
        self.known.keep(found);
        Ok((Some(VerifiedIndex { index, signer, signed_at_ms, seen }), Some(tag)))
    }

    /// A package's index and its claimed signer, unverified: for people who look before they trust a publisher, and for
    /// nothing else.
    ///
    /// # Errors
    /// There is no index, or it cannot be read.
    pub async fn unverified_index(&self, package: &PackageName) -> Result<UnverifiedIndex, ClientError> {
        let what = format!("the index of {package}");
        let Some((manifest, tag)) = self.manifest(package, Reference::Tag(INDEX_TAG), &what).await? else {
            return Err(self.without_index(package).await);
        };
        let list = self.read_list(package, &manifest, tag, &what).await?;
        let envelope = Envelope::from_json(&list.envelope).ok();
        Ok(UnverifiedIndex {
            index: Arc::unwrap_or_clone(list.index),
            claimed_keys: envelope.iter().flat_map(Envelope::claimed_keys).collect(),
            claimed_at_ms: envelope.as_ref().and_then(Statement::claimed_at_ms),
        })
    }

    /// The index that the manifest with this digest names. The bytes match their digests; the signature is not checked.
    async fn read_list(
        &self,
        package: &PackageName,
        manifest: &Manifest,
        digest: Digest,
        what: &str,
    ) -> Result<KnownIndex, ClientError> {
        let (list, envelope) = manifest.index_layers().map_err(|problem| artifact(what, problem))?;
        let json = self.sized_blob(package, list, what).await?;
        // Parsing and hashing a long list take milliseconds each, so they run in parallel. The result counts only if
        // the digest matches.
        let bytes = json.clone();
        let (index, envelope) = tokio::join!(aside(self.name(), move || Ok(PackageIndex::from_json(&bytes)?)), async {
            check_digest(&json, list, what)?;
            self.blob(package, envelope, &format!("the signature of {what}")).await
        });
        // Check the digest first: with wrong bytes, a parse error means nothing.
        let envelope = envelope?;
        Ok(KnownIndex { manifest: digest, digest: list.digest, envelope, index: Arc::new(index?) })
    }
}
