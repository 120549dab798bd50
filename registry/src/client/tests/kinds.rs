//! The kinds of registries that every test runs against, and how each is made to lie.

use crate::Digest;
use crate::artifact::{Descriptor, IMAGE_INDEX_MEDIA_TYPE, ImageIndex, MANIFEST_MEDIA_TYPE};
use crate::client::backend::{Backend, NewManifest, Reference};
use crate::client::registry::referrers_tag;
use crate::client::{Options, Registry, RegistryRef};
use crate::manifest::PackageName;
use bytes::Bytes;
use std::path::PathBuf;
use tempfile::TempDir;

/// A registry under test.
pub(super) struct Rig {
    pub(super) registry: Registry,
    kind: Kind,
}

enum Kind {
    Folder(TempDir),
}

/// One of each kind.
pub(super) async fn rigs() -> Vec<Rig> {
    vec![folder()]
}

fn folder() -> Rig {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(&RegistryRef::Folder(dir.path().to_owned()), &Options::default()).unwrap();
    Rig { registry, kind: Kind::Folder(dir) }
}

impl Rig {
    /// From now on, the registry hands out other bytes under this digest.
    pub(super) fn forge_blob(&self, package: &PackageName, digest: Digest, bytes: &[u8]) {
        match &self.kind {
            Kind::Folder(dir) => {
                let path: PathBuf =
                    [package.publisher(), package.name(), "blobs", "sha256", &digest.hex()].iter().collect();
                std::fs::write(dir.path().join(path), bytes).unwrap();
            }
        }
    }

    /// As `forge_blob`, for a manifest.
    pub(super) fn forge_manifest(&self, package: &PackageName, digest: Digest, bytes: &[u8]) {
        self.forge_blob(package, digest, bytes);
    }

    /// From now on, the registry shows this manifest under the tag, whatever its rules are.
    pub(super) async fn forge_tag(&self, package: &PackageName, tag: &str, manifest: Bytes) {
        match &self.kind {
            Kind::Folder(_) => self.point(package, tag, MANIFEST_MEDIA_TYPE, manifest).await,
        }
    }

    /// From now on, the registry says that just these refer to the manifest.
    pub(super) async fn forge_referrers(&self, package: &PackageName, subject: Digest, list: &ImageIndex) {
        let bytes = Bytes::from(list.to_json());
        match &self.kind {
            Kind::Folder(_) => self.point(package, &referrers_tag(subject), IMAGE_INDEX_MEDIA_TYPE, bytes).await,
        }
    }

    /// What the registry has under a tag at the moment.
    pub(super) async fn tagged(&self, package: &PackageName, tag: &str) -> Bytes {
        self.backend().manifest(package, Reference::Tag(tag), 1 << 20).await.unwrap().unwrap()
    }

    fn backend(&self) -> &Backend {
        &self.registry.backend
    }

    async fn point(&self, package: &PackageName, tag: &str, media_type: &'static str, bytes: Bytes) {
        let previous = self.tagged(package, tag).await;
        let descriptor = Descriptor::of(media_type, &bytes);
        let new = NewManifest { media_type, bytes, descriptor };
        assert!(self.backend().put_tag(package, tag, Some(Digest::of(&previous)), new).await.unwrap());
    }
}
