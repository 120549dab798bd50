//! The operations that a registry must provide: move bytes by digest and tag. It decides nothing and trusts nothing;
//! the caller checks digests, in one place for all backends.

use super::ClientError;
use super::folder::Folder;
use super::oci::Oci;
use bytes::Bytes;
use handoff_package::Digest;
use handoff_package::artifact::Descriptor;
use handoff_package::manifest::PackageName;
use std::fmt;
use std::sync::Arc;

/// Transfers the bytes of one registry.
#[derive(Debug, Clone)]
pub(super) enum Backend {
    Folder(Arc<Folder>),
    Oci(Arc<Oci>),
}

/// Identifies a manifest.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reference<'a> {
    Tag(&'a str),
    Digest(Digest),
}

impl fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => fmt::Display::fmt(digest, f),
        }
    }
}

/// A manifest to be pushed.
#[derive(Debug, Clone)]
pub(super) struct NewManifest {
    pub(super) media_type: &'static str,
    pub(super) bytes: Bytes,
    /// Its artifact type and annotations, which lists of referrers repeat.
    pub(super) descriptor: Descriptor,
}

impl Backend {
    /// The registry's name in errors.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.name(),
            Self::Oci(oci) => oci.name(),
        }
    }

    /// A manifest of at most `bytes_max` bytes; none if it does not exist. Its digest is not checked here.
    pub(super) async fn manifest(
        &self,
        package: &PackageName,
        reference: Reference<'_>,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, ClientError> {
        match self {
            Self::Folder(folder) => match reference {
                Reference::Digest(digest) => {
                    let package = package.clone();
                    on(folder, move |folder| folder.blob(&package, digest, bytes_max)).await
                }
                Reference::Tag(tag) => {
                    let (package, tag) = (package.clone(), tag.to_owned());
                    on(folder, move |folder| folder.tagged(&package, &tag, bytes_max)).await
                }
            },
            Self::Oci(oci) => oci.manifest(package, reference, bytes_max).await,
        }
    }

    /// The bytes of a blob, and at most one more than its descriptor says; none if it does not exist. The digest is not
    /// checked here.
    pub(super) async fn blob(
        &self,
        package: &PackageName,
        descriptor: &Descriptor,
    ) -> Result<Option<Bytes>, ClientError> {
        let bytes_max = usize::try_from(descriptor.size).unwrap_or(usize::MAX).saturating_add(1);
        match self {
            Self::Folder(folder) => {
                let (package, digest) = (package.clone(), descriptor.digest);
                on(folder, move |folder| folder.blob(&package, digest, bytes_max)).await
            }
            Self::Oci(oci) => oci.blob(package, descriptor.digest, bytes_max).await,
        }
    }

    /// Pushes a blob unless the registry has it.
    pub(super) async fn put_blob(&self, package: &PackageName, bytes: Bytes) -> Result<(), ClientError> {
        match self {
            Self::Folder(folder) => {
                let package = package.clone();
                on(folder, move |folder| folder.put_blob(&package, &bytes)).await
            }
            Self::Oci(oci) => oci.put_blob(package, bytes).await,
        }
    }

    /// Pushes a manifest by digest, without a tag. Returns whether the registry adds it to the referrers of its
    /// subject.
    pub(super) async fn put_manifest(&self, package: &PackageName, new: NewManifest) -> Result<bool, ClientError> {
        match self {
            Self::Folder(folder) => {
                let package = package.clone();
                on(folder, move |folder| folder.put_blob(&package, &new.bytes).map(|()| false)).await
            }
            Self::Oci(oci) => oci.put_manifest(package, &new).await,
        }
    }

    /// Moves a tag to a manifest if it still points to `previous`. Returns whether it did.
    pub(super) async fn put_tag(
        &self,
        package: &PackageName,
        tag: &str,
        previous: Option<Digest>,
        new: NewManifest,
    ) -> Result<bool, ClientError> {
        match self {
            Self::Folder(folder) => {
                let (package, tag) = (package.clone(), tag.to_owned());
                on(folder, move |folder| folder.put_tag(&package, &tag, previous, &new)).await
            }
            Self::Oci(oci) => oci.put_tag(package, tag, previous, &new).await,
        }
    }

    /// All tags of a package.
    pub(super) async fn tags(&self, package: &PackageName) -> Result<Vec<String>, ClientError> {
        match self {
            Self::Folder(folder) => {
                let package = package.clone();
                on(folder, move |folder| folder.tags(&package)).await
            }
            Self::Oci(oci) => oci.tags(package).await,
        }
    }

    /// The referrers of a manifest; none if the registry has no referrers API, so that the tag `sha256-…` is used.
    pub(super) async fn referrers(
        &self,
        package: &PackageName,
        subject: Digest,
        kind: &str,
    ) -> Result<Option<Vec<Descriptor>>, ClientError> {
        match self {
            Self::Folder(_) => Ok(None),
            Self::Oci(oci) => oci.referrers(package, subject, kind).await,
        }
    }
}

/// Runs file operations off the async threads.
pub(super) async fn on<T: Send + 'static>(
    folder: &Arc<Folder>,
    work: impl FnOnce(&Folder) -> Result<T, ClientError> + Send + 'static,
) -> Result<T, ClientError> {
    let (registry, folder) = (folder.name(), Arc::clone(folder));
    aside(registry, move || work(&folder)).await
}

/// Runs work that takes milliseconds off the async threads.
pub(super) async fn aside<T: Send + 'static>(
    registry: String,
    work: impl FnOnce() -> Result<T, ClientError> + Send + 'static,
) -> Result<T, ClientError> {
    let work = tokio::task::spawn_blocking(work);
    work.await.unwrap_or_else(|error| Err(ClientError::Unreachable { registry, problem: error.to_string() }))
}
