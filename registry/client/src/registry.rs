//! Registry operations of hosts: look up and pull a package. It returns only verified content; everything else is an
//! error that says what is not trusted.

use super::backend::{Backend, Reference};
use super::folder::Folder;
use super::known::KnownIndexes;
use super::oci::Oci;
use super::{ClientError, Options};
use bytes::Bytes;
use handoff_package::artifact::{
    CHANGES_ANNOTATION, Descriptor, IMAGE_INDEX_BYTES_MAX, ImageIndex, InvalidArtifact, MANIFEST_BYTES_MAX, Manifest,
    README_BYTES_MAX, README_TYPE, SIGNATURE_TYPE,
};
use handoff_package::failure_counts::{FailureReport, FailureSummary};
use handoff_package::manifest::{PackageName, Version};
use handoff_package::reference::RegistryRef;
use handoff_package::resolve::Pin;
use handoff_package::trust::dsse::ENVELOPE_BYTES_MAX;
use handoff_package::trust::{Expect, Publisher, Signer, SigningKey, Statement, TrustError, TrustList, statement};
use handoff_package::{Digest, Package};
use serde::Deserialize;
use std::sync::Arc;

/// Maximum number of signatures to check for one release; a publisher adds one or two.
const SIGNATURES_MAX: usize = 16;

/// A registry. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(super) backend: Backend,
    package_bytes_max: usize,
    pub(super) known: KnownIndexes,
}

/// The result of a request for a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamespaceState {
    /// It waits for the registry's administrator.
    Requested,
    /// The key is bound: it may sign.
    Bound,
}

/// A package that may be compiled: its bytes match the pin, and a trusted publisher signed them.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The package.
    pub package: Package,
    /// The component.
    pub bytes: Bytes,
    /// The signer.
    pub signer: Signer,
    /// Digest of the OCI manifest.
    pub manifest_digest: Digest,
}

impl Registry {
    /// Prepares a registry for use. Reads and sends nothing yet.
    ///
    /// # Errors
    /// The options do not fit the registry.
    pub fn open(reference: &RegistryRef, options: &Options) -> Result<Self, ClientError> {
        let backend = match reference {
            RegistryRef::Folder(path) => Backend::Folder(Arc::new(Folder::new(path.clone()))),
            RegistryRef::Oci(oci) => Backend::Oci(Arc::new(Oci::new(oci, options)?)),
        };
        Ok(Self { backend, package_bytes_max: options.package_bytes_max, known: KnownIndexes::default() })
    }

    /// The same registry, sharing a cache of verified indexes.
    #[must_use]
    pub fn with_known(mut self, known: KnownIndexes) -> Self {
        self.known = known;
        self
    }

    /// The registry's name in errors: its URL or folder.
    #[must_use]
    pub fn name(&self) -> String {
        self.backend.name()
    }

    /// Checks that the registry is reachable and accepts the login. A folder needs none.
    ///
    /// # Errors
    /// The registry is unreachable or refuses the login.
    pub async fn check_login(&self) -> Result<(), ClientError> {
        match &self.backend {
            Backend::Folder(_) => Ok(()),
            Backend::Oci(oci) => oci.check_login().await,
        }
    }

    /// Asks for a namespace with the key that is to own it. The answer says whether the key is bound already.
    ///
    /// # Errors
    /// The registry is a folder, is unreachable, or refuses the request.
    pub async fn request_namespace(
        &self,
        publisher: &Publisher,
        contact: &str,
        key: &SigningKey,
        at_ms: u64,
    ) -> Result<NamespaceState, ClientError> {
        let oci = self.oci("a folder has no namespaces: who may write there is up to the file system")?;
        let said = statement::Namespace {
            publisher: publisher.clone(),
            key: key.public(),
            registry: oci.host(),
            contact: contact.to_owned(),
            signed_at_ms: at_ms,
        };
        oci.request_namespace(Statement::Namespace(said).sign(key).to_json()).await
    }

    /// Sends counts of failures. A report that was sent before is not counted again.
    ///
    /// # Errors
    /// The registry is a folder, is unreachable, or refuses the report.
    pub async fn send_failure_report(&self, report: &FailureReport) -> Result<(), ClientError> {
        // Serializing strings and numbers into memory cannot fail.
        let json = serde_json::to_vec(report).unwrap_or_default();
        self.oci("a folder keeps no failure counts")?.send_failure_report(&report.package, json).await
    }

    /// The counts of failures of a package of one's own, over a number of days.
    ///
    /// # Errors
    /// The registry is a folder, is unreachable, or does not know the key as one of the publisher's.
    pub async fn failure_counts(
        &self,
        package: &PackageName,
        days: u16,
        key: &SigningKey,
        at_ms: u64,
    ) -> Result<FailureSummary, ClientError> {
        let oci = self.oci("a folder keeps no failure counts")?;
        let said = statement::FailureCounts {
            package: package.clone(),
            key: key.public(),
            registry: oci.host(),
            days,
            signed_at_ms: at_ms,
        };
        oci.failure_counts(package, Statement::FailureCounts(said).sign(key).to_json()).await
    }

    /// The registry's server; for a folder, an error with this text.
    fn oci(&self, of_folder: &str) -> Result<&Oci, ClientError> {
        match &self.backend {
            Backend::Oci(oci) => Ok(oci),
            Backend::Folder(_) => Err(ClientError::Options(of_folder.to_owned())),
        }
    }

    /// Pulls exactly the pinned release: first the manifest, then a trusted signature, then the component.
    ///
    /// # Errors
    /// Something is missing, cut off, changed, replaced, too large, or not signed by a trusted key.
    pub async fn pull(&self, pin: &Pin, trust: &TrustList) -> Result<Verified, ClientError> {
        let layer = self.component_layer(pin).await?;
        let signer = self.verify_release(pin, trust).await?;
        let (package, bytes) = self.component(pin, &layer).await?;
        Ok(Verified { package, bytes, signer, manifest_digest: pin.manifest_digest })
    }

    /// The description of a release, for people to read before they install it: the bytes match the pin, but the
    /// signature is not checked. It returns no component, so that nothing unverified is stored or compiled.
    ///
    /// # Errors
    /// Something is missing, cut off, changed, replaced or too large.
    pub async fn unverified_package(&self, pin: &Pin) -> Result<Package, ClientError> {
        let layer = self.component_layer(pin).await?;
        Ok(self.component(pin, &layer).await?.0)
    }

    /// The descriptor of a release's component, from its manifest.
    async fn component_layer(&self, pin: &Pin) -> Result<Descriptor, ClientError> {
        let Pin { package, version, digest, .. } = pin;
        let what = format!("{package} {version}");
        let manifest = self.release_manifest(pin).await?;
        let layer = manifest.component().map_err(|problem| artifact(&what, problem))?;
        if layer.digest != *digest {
            let found = format!("a manifest of the component {}, not of {digest}", layer.digest);
            return Err(ClientError::Substituted { what, found });
        }
        let max = u64::try_from(self.package_bytes_max).unwrap_or(u64::MAX);
        if layer.size > max {
            return Err(ClientError::TooLarge { what, size: layer.size, max });
        }
        Ok(layer.clone())
    }

    /// A release's component, checked against the pin.
    async fn component(&self, pin: &Pin, layer: &Descriptor) -> Result<(Package, Bytes), ClientError> {
        let Pin { package, version, .. } = pin;
        let what = format!("{package} {version}");
        let bytes = self.blob(package, layer, &what).await?;
        let read = Package::read_bounded(&bytes, self.package_bytes_max)?;
        let info = &read.manifest.package;
        if (&info.name, &info.version) != (package, version) {
            return Err(ClientError::Substituted { what, found: format!("{} {}", info.name, info.version) });
        }
        Ok((read, bytes))
    }

    /// Versions for which the package has tags. Not verified: only the index is authoritative.
    ///
    /// # Errors
    /// The registry does not answer.
    pub async fn versions(&self, package: &PackageName) -> Result<Vec<Version>, ClientError> {
        let tags = self.backend.tags(package).await?;
        let mut versions: Vec<Version> = tags.iter().filter_map(|tag| tag.parse().ok()).collect();
        versions.sort();
        Ok(versions)
    }

    /// A release's README, if it has one. Not signed; for display only.
    ///
    /// # Errors
    /// The registry does not answer, or what it has is damaged.
    pub async fn readme(&self, pin: &Pin) -> Result<Option<String>, ClientError> {
        let what = format!("the README of {} {}", pin.package, pin.version);
        let Some(found) = self.about(&pin.package, pin.manifest_digest, README_TYPE, &what).await?.into_iter().next()
        else {
            return Ok(None);
        };
        let bytes = self.content_about(&pin.package, &found, pin.manifest_digest, README_TYPE, README_BYTES_MAX, &what);
        Ok(Some(String::from_utf8_lossy(&bytes.await?).into_owned()))
    }

    /// A release's change note, if its manifest has one.
    ///
    /// # Errors
    /// The registry does not answer, or what it has is damaged.
    pub async fn changes(&self, pin: &Pin) -> Result<Option<String>, ClientError> {
        let manifest = self.release_manifest(pin).await?;
        Ok(manifest.annotations.get(CHANGES_ANNOTATION).cloned())
    }

    /// The trusted key that signed a release.
    pub(super) async fn verify_release(&self, pin: &Pin, trust: &TrustList) -> Result<Signer, ClientError> {
        let Pin { package, version, digest, manifest_digest } = pin;
        let what = format!("{package} {version}");
        let expect = Expect::Release { package, version, digest: *digest, manifest_digest: *manifest_digest };
        let mut refusal = None;
        let found = self.about(package, *manifest_digest, SIGNATURE_TYPE, &what).await?;
        for signature in found.iter().take(SIGNATURES_MAX) {
            let what = format!("the signature of {what}");
            let envelope =
                self.content_about(package, signature, *manifest_digest, SIGNATURE_TYPE, ENVELOPE_BYTES_MAX, &what);
            let verdict = match envelope.await {
                Ok(envelope) => trust.verify(&envelope, expect).map_err(ClientError::from),
                Err(error) => Err(error),
            };
            match verdict {
                Ok(signer) => return Ok(signer),
                // The first error says most: more signatures may have been added later.
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or_else(|| TrustError::Unsigned { what }.into()))
    }

    pub(super) async fn release_manifest(&self, pin: &Pin) -> Result<Manifest, ClientError> {
        let what = format!("the manifest of {} {}", pin.package, pin.version);
        let found = self.manifest(&pin.package, Reference::Digest(pin.manifest_digest), &what).await?;
        let (manifest, _digest) = found.ok_or_else(|| ClientError::Missing { registry: self.name(), what })?;
        Ok(manifest)
    }

    /// A manifest and its digest; if it was requested by digest, the digest matches.
    pub(super) async fn manifest(
        &self,
        package: &PackageName,
        reference: Reference<'_>,
        what: &str,
    ) -> Result<Option<(Manifest, Digest)>, ClientError> {
        let Some((bytes, digest)) = self.manifest_bytes(package, reference, what).await? else { return Ok(None) };
        let manifest = Manifest::from_json(&bytes).map_err(|problem| artifact(what, problem))?;
        Ok(Some((manifest, digest)))
    }

    /// Like [`Self::manifest`], as bytes.
    pub(super) async fn manifest_bytes(
        &self,
        package: &PackageName,
        reference: Reference<'_>,
        what: &str,
    ) -> Result<Option<(Bytes, Digest)>, ClientError> {
        let Some(bytes) = self.backend.manifest(package, reference, MANIFEST_BYTES_MAX + 1).await? else {
            return Ok(None);
        };
        let found = Digest::of(&bytes);
        match reference {
            Reference::Digest(expected) if found != expected => {
                Err(ClientError::Tampered { what: what.to_owned(), expected, found })
            }
            _ => Ok(Some((bytes, found))),
        }
    }

    /// The bytes of a blob, checked against its descriptor.
    pub(super) async fn blob(
        &self,
        package: &PackageName,
        promised: &Descriptor,
        what: &str,
    ) -> Result<Bytes, ClientError> {
        let bytes = self.sized_blob(package, promised, what).await?;
        check_digest(&bytes, promised, what)?;
        Ok(bytes)
    }

    /// As many bytes as a descriptor says. Their digest is not yet checked: see [`check_digest`].
    pub(super) async fn sized_blob(
        &self,
        package: &PackageName,
        promised: &Descriptor,
        what: &str,
    ) -> Result<Bytes, ClientError> {
        let Some(bytes) = self.backend.blob(package, promised).await? else {
            return Err(ClientError::Missing { registry: self.name(), what: what.to_owned() });
        };
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size != promised.size {
            return Err(ClientError::Truncated { what: what.to_owned(), expected: promised.size, found: size });
        }
        Ok(bytes)
    }

    /// Descriptors of a manifest's referrers of one artifact type. Their claims are checked when they are read.
    pub(super) async fn about(
        &self,
        package: &PackageName,
        subject: Digest,
        kind: &str,
        what: &str,
    ) -> Result<Vec<Descriptor>, ClientError> {
        let mut found = match self.backend.referrers(package, subject, kind).await? {
            Some(found) => found,
            None => self.referrers_tag(package, subject, what).await?.0.manifests,
        };
        found.retain(|entry| entry.artifact_type.as_deref() == Some(kind));
        Ok(found)
    }

    /// The list that clients maintain under a tag if the registry has no referrers API (distribution specification 1.1,
    /// "Referrers Tag Schema"), and its digest.
    pub(super) async fn referrers_tag(
        &self,
        package: &PackageName,
        subject: Digest,
        what: &str,
    ) -> Result<(ImageIndex, Option<Digest>), ClientError> {
        let tag = referrers_tag(subject);
        let bytes = self.backend.manifest(package, Reference::Tag(&tag), IMAGE_INDEX_BYTES_MAX + 1).await?;
        let Some(bytes) = bytes else { return Ok((ImageIndex::default(), None)) };
        let list = ImageIndex::from_json(&bytes, IMAGE_INDEX_BYTES_MAX).map_err(|problem| artifact(what, problem))?;
        Ok((list, Some(Digest::of(&bytes))))
    }

    /// The content of an artifact that refers to a manifest.
    async fn content_about(
        &self,
        package: &PackageName,
        found: &Descriptor,
        subject: Digest,
        kind: &str,
        bytes_max: usize,
        what: &str,
    ) -> Result<Bytes, ClientError> {
        let manifest = self.manifest(package, Reference::Digest(found.digest), what).await?;
        let Some((manifest, _digest)) = manifest else {
            return Err(ClientError::Missing { registry: self.name(), what: what.to_owned() });
        };
        let layer = manifest.layer_about(subject, kind, bytes_max).map_err(|problem| artifact(what, problem))?;
        self.blob(package, layer, what).await
    }
}

/// Checks the bytes against the descriptor.
pub(super) fn check_digest(bytes: &[u8], promised: &Descriptor, what: &str) -> Result<(), ClientError> {
    let (expected, found) = (promised.digest, Digest::of(bytes));
    if found == expected { Ok(()) } else { Err(ClientError::Tampered { what: what.to_owned(), expected, found }) }
}

pub(super) fn referrers_tag(subject: Digest) -> String {
    format!("sha256-{}", subject.hex())
}

pub(super) fn artifact(what: &str, problem: InvalidArtifact) -> ClientError {
    ClientError::Artifact { what: what.to_owned(), problem }
}
