//! The list of a package's releases as a registry shows it: believed only if its signature holds and it does not go back.

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

/// An index whose signature holds and that does not go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedIndex {
    /// The index.
    pub index: Arc<PackageIndex>,
    /// Who signed it.
    pub signer: Signer,
    /// When, by the signer's own clock, in milliseconds since 1970. A registry that stands still shows one that grows old.
    pub signed_at_ms: u64,
    /// What to remember, and to hand in the next time.
    pub seen: Seen,
}

/// An index of which nothing is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedIndex {
    /// What the registry shows.
    pub index: PackageIndex,
    /// Keys that claim to have signed it.
    pub claimed_keys: Vec<KeyId>,
    /// When it says to have been signed, in milliseconds since 1970.
    pub claimed_at_ms: Option<u64>,
}

impl Registry {
    /// A package's index, if a trusted publisher signed it and it does not go back behind `seen`.
    ///
    /// # Errors
    /// There is none, or it is not to be believed.
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

    /// Why there is no index: nothing of that name, or something that hosts cannot use.
    async fn without_index(&self, package: &PackageName) -> ClientError {
        let (registry, package) = (self.name(), package.clone());
        match self.versions(&package).await {
            Ok(versions) if !versions.is_empty() => ClientError::Unlisted { registry, package },
            _ => ClientError::NoSuchPackage { registry, package },
        }
    }

    /// The index, and what its tag names at the moment; none before the first release.
    pub(super) async fn tagged_index(
        &self,
        package: &PackageName,
        trust: &TrustList,
        seen: Option<&Seen>,
    ) -> Result<(Option<VerifiedIndex>, Option<Digest>), ClientError> {
        let what = format!("the index of {package}");
        let Some((manifest, tag)) = self.manifest(package, Reference::Tag(INDEX_TAG), &what).await? else {
            return match seen {
                // It was there: its absence hides everything.
                Some(_) => Err(ClientError::Missing { registry: self.name(), what: format!("{what} any more") }),
                None => Ok((None, None)),
            };
        };
        let found = match self.known.get(package, tag) {
            Some(known) => known,
            None => Arc::new(self.read_list(package, &manifest, tag, &what).await?),
        };
        // Each time anew, also for a list that is known: a key may have been revoked since.
        let KnownIndex { digest, envelope, index, .. } = &*found;
        let (signer, signed_at_ms) = index.believe(*digest, envelope, package, trust)?;
        let seen = index.check_progress(seen, *digest)?;
        let index = index.clone();
        self.known.keep(found);
        Ok((Some(VerifiedIndex { index, signer, signed_at_ms, seen }), Some(tag)))
    }

    /// A package's index and who claims to have signed it, none of it verified: for a person who looks around before trusting
    /// anybody, and for nothing else.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
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

    /// The list that a manifest of this digest names. Its bytes are those that were named; who signed them is not looked at.
    async fn read_list(
        &self,
        package: &PackageName,
        manifest: &Manifest,
        digest: Digest,
        what: &str,
    ) -> Result<KnownIndex, ClientError> {
        let (list, envelope) = manifest.index_layers().map_err(|problem| artifact(what, problem))?;
        let json = self.sized_blob(package, list, what).await?;
        // A long list takes milliseconds to read and nearly as many to hash: side by side, and what was read counts only if the
        // digest holds.
        let bytes = json.clone();
        let (index, envelope) = tokio::join!(aside(self.name(), move || Ok(PackageIndex::from_json(&bytes)?)), async {
            check_digest(&json, list, what)?;
            self.blob(package, envelope, &format!("the signature of {what}")).await
        });
        // First of all that the bytes are not those that were named: then it means nothing whether they can be read.
        let envelope = envelope?;
        Ok(KnownIndex { manifest: digest, digest: list.digest, envelope, index: Arc::new(index?) })
    }
}
