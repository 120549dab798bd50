//! The kinds of registries that every test runs against, and how to make each of them malicious.

use super::packages;
use crate::backend::{Backend, NewManifest, Reference};
use crate::registry::referrers_tag;
use crate::{Options, Registry};
use bytes::Bytes;
use handoff_package::Digest;
use handoff_package::artifact::{Descriptor, IMAGE_INDEX_MEDIA_TYPE, ImageIndex, MANIFEST_MEDIA_TYPE};
use handoff_package::reference::RegistryRef;
use std::path::PathBuf;
use tempfile::TempDir;

/// A registry under test.
pub(super) struct Rig {
    pub(super) registry: Registry,
    kind: Kind,
}

enum Kind {
    Folder(TempDir),
    Server(super::front::Front),
}

/// One of each kind.
pub(super) async fn rigs() -> Vec<Rig> {
    vec![folder(), server(super::front::Front::start().await), old().await]
}

fn folder() -> Rig {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(&RegistryRef::Folder(dir.path().to_owned()), &Options::default()).unwrap();
    Rig { registry, kind: Kind::Folder(dir) }
}

/// A registry without a referrers API: clients maintain lists under tags.
pub(super) async fn old() -> Rig {
    server(super::front::Front::old().await)
}

/// Our own server behind a proxy that can forge answers.
fn server(front: super::front::Front) -> Rig {
    let options = Options { system_cas: false, retry_delay_ms: 0, ..Options::default() };
    let registry = Registry::open(&front.url().parse().unwrap(), &options).unwrap();
    Rig { registry, kind: Kind::Server(front) }
}

impl Rig {
    /// From now on, the registry returns other bytes for this digest.
    pub(super) fn forge_blob(&self, digest: Digest, bytes: &[u8]) {
        match &self.kind {
            Kind::Folder(dir) => {
                let package = packages::name();
                let path: PathBuf =
                    [package.publisher(), package.name(), "blobs", "sha256", &digest.hex()].iter().collect();
                std::fs::write(dir.path().join(path), bytes).unwrap();
            }
            Kind::Server(front) => front.forge(&format!("blobs/{digest}"), bytes),
        }
    }

    /// Like `forge_blob`, for a manifest.
    pub(super) fn forge_manifest(&self, digest: Digest, bytes: &[u8]) {
        match &self.kind {
            Kind::Folder(_) => self.forge_blob(digest, bytes),
            Kind::Server(front) => front.forge(&format!("manifests/{digest}"), bytes),
        }
    }

    /// From now on, the registry shows this manifest under the tag, whatever its rules are.
    pub(super) async fn forge_tag(&self, tag: &str, manifest: Bytes) {
        match &self.kind {
            Kind::Folder(_) => self.point(tag, MANIFEST_MEDIA_TYPE, manifest).await,
            Kind::Server(front) => front.forge(&format!("manifests/{tag}"), &manifest),
        }
    }

    /// From now on, the registry returns exactly these referrers of the manifest.
    pub(super) async fn forge_referrers(&self, subject: Digest, list: &ImageIndex) {
        let bytes = Bytes::from(list.to_json());
        match &self.kind {
            Kind::Folder(_) => self.point(&referrers_tag(subject), IMAGE_INDEX_MEDIA_TYPE, bytes).await,
            Kind::Server(front) if front.is_old() => {
                front.forge(&format!("manifests/{}", referrers_tag(subject)), &bytes);
            }
            Kind::Server(front) => front.forge(&format!("referrers/{subject}"), &bytes),
        }
    }

    /// What the tag points to now.
    pub(super) async fn tagged(&self, tag: &str) -> Bytes {
        self.backend().manifest(&packages::name(), Reference::Tag(tag), 1 << 20).await.unwrap().unwrap()
    }

    fn backend(&self) -> &Backend {
        &self.registry.backend
    }

    async fn point(&self, tag: &str, media_type: &'static str, bytes: Bytes) {
        let previous = self.tagged(tag).await;
        let descriptor = Descriptor::of(media_type, &bytes);
        let new = NewManifest { media_type, bytes, descriptor };
        assert!(self.backend().put_tag(&packages::name(), tag, Some(Digest::of(&previous)), new).await.unwrap());
    }
}
