//! The list of a package's releases as a registry shows it: believed only if its signature holds and it does not go back.

use super::ClientError;
use super::backend::Reference;
use super::known::KnownIndex;
use super::registry::{Registry, artifact};
use crate::Digest;
use crate::artifact::INDEX_TAG;
use crate::index::{PackageIndex, Seen};
use crate::manifest::PackageName;
use crate::trust::{Envelope, KeyId, Signer, Statement, TrustList};
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
        let registry = self.name();
        index.ok_or_else(|| match seen {
            // It was there: its absence hides everything.
            Some(_) => ClientError::Missing { registry, what: format!("the index of {package} any more") },
            None => ClientError::NoSuchPackage { registry, package: package.clone() },
        })
    }

    /// The index, and what its tag names at the moment.
    pub(super) async fn tagged_index(
        &self,
        package: &PackageName,
        trust: &TrustList,
        seen: Option<&Seen>,
    ) -> Result<(Option<VerifiedIndex>, Option<Digest>), ClientError> {
        let what = format!("the index of {package}");
        let Some((manifest, tag)) = self.manifest(package, Reference::Tag(INDEX_TAG), &what).await? else {
            return Ok((None, None));
        };
        let found = match self.known.get(package, tag) {
            Some(known) => known,
            None => {
                let (list, envelope) = manifest.index_layers().map_err(|problem| artifact(&what, problem))?;
                let json = self.blob(package, list, &what).await?;
                let envelope = self.blob(package, envelope, &format!("the signature of {what}")).await?;
                let index = Arc::new(PackageIndex::from_json(&json)?);
                Arc::new(KnownIndex { manifest: tag, digest: list.digest, envelope, index })
            }
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
        let Some((manifest, _tag)) = self.manifest(package, Reference::Tag(INDEX_TAG), &what).await? else {
            return Err(ClientError::NoSuchPackage { registry: self.name(), package: package.clone() });
        };
        let (list, envelope) = manifest.index_layers().map_err(|problem| artifact(&what, problem))?;
        let index = PackageIndex::from_json(&self.blob(package, list, &what).await?)?;
        let envelope = self.blob(package, envelope, &format!("the signature of {what}")).await?;
        let envelope = Envelope::from_json(&envelope).ok();
        Ok(UnverifiedIndex {
            index,
            claimed_keys: envelope.iter().flat_map(Envelope::claimed_keys).collect(),
            claimed_at_ms: envelope.as_ref().and_then(Statement::claimed_at_ms),
        })
    }
}
