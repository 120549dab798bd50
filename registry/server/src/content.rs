//! Parses manifests of the OCI Image Specification 1.1, as far as a registry needs them. It does not access storage.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::refusal::{Code, Refusal};
use handoff_package::Digest;
use handoff_package::artifact::{
    IMAGE_INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, SEQUENCE_ANNOTATION, WASM_CONFIG_MEDIA_TYPE, WASM_MEDIA_TYPE,
};
use handoff_package::index::SEQUENCE_MAX;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Maximum number of descriptors in a manifest.
const DESCRIPTORS_MAX: usize = 4_096;

/// A reference to content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
}

/// The parts of a manifest that the registry uses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content {
    schema_version: u64,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    pub(super) config: Option<Descriptor>,
    #[serde(default)]
    pub(super) layers: Vec<Descriptor>,
    #[serde(default)]
    pub(super) manifests: Vec<Descriptor>,
    #[serde(default)]
    pub(super) subject: Option<Descriptor>,
    #[serde(default)]
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

impl Content {
    /// Parses a manifest that was pushed with a media type.
    pub(super) fn read(media_type: &str, bytes: &[u8]) -> Result<Self, Refusal> {
        let invalid = |text: String| Refusal::new(Code::ManifestInvalid, text);
        let is_list = match media_type {
            MANIFEST_MEDIA_TYPE | DOCKER_MANIFEST => false,
            IMAGE_INDEX_MEDIA_TYPE | DOCKER_LIST => true,
            other => {
                let other = crate::name::shorten(other);
                return Err(invalid(format!(
                    "content-type: `{other}` is not a manifest type; expected `{MANIFEST_MEDIA_TYPE}`, `{IMAGE_INDEX_MEDIA_TYPE}` or Docker's version 2 of either"
                )));
            }
        };
        let content: Self = serde_json::from_slice(bytes)
            .map_err(|error| invalid(format!("the manifest does not match its media type: {error}")))?;
        content.check(media_type, is_list).map_err(invalid)?;
        Ok(content)
    }

    fn check(&self, media_type: &str, is_list: bool) -> Result<(), String> {
        if self.schema_version != 2 {
            return Err(format!("schemaVersion: found {}, expected 2", self.schema_version));
        }
        if let Some(own) = self.media_type.as_deref().filter(|own| *own != media_type) {
            let own = crate::name::shorten(own);
            return Err(format!(
                "mediaType: found `{own}`, but it was pushed with content-type `{media_type}`: they must be equal"
            ));
        }
        if is_list && (self.config.is_some() || !self.layers.is_empty()) {
            return Err("an image index has no config and no layers: push this as a manifest".to_owned());
        }
        if !is_list && (self.config.is_none() || !self.manifests.is_empty()) {
            return Err("a manifest has a config and lists no manifests: push this as an image index".to_owned());
        }
        if self.layers.len().saturating_add(self.manifests.len()) > DESCRIPTORS_MAX {
            return Err(format!("it has more than {DESCRIPTORS_MAX} descriptors"));
        }
        Ok(())
    }

    /// Blobs that must exist before the manifest.
    pub(super) fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(&self.layers)
    }

    /// Its artifact type (image specification, "Guidelines for Artifact Usage").
    pub(super) fn kind(&self) -> Option<&str> {
        self.artifact_type.as_deref().or_else(|| self.config.as_ref().map(|config| config.media_type.as_str()))
    }

    /// An annotation.
    pub(super) fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// The sequence number of an index; none if no index can have it.
    pub(super) fn sequence(&self) -> Option<u64> {
        let sequence = self.annotation(SEQUENCE_ANNOTATION)?.parse().ok();
        sequence.filter(|sequence| (1..=SEQUENCE_MAX).contains(sequence))
    }

    /// The layer that may be a connector's component.
    pub(super) fn component(&self) -> Option<&Descriptor> {
        let is_wasm = self.config.as_ref().is_some_and(|config| config.media_type == WASM_CONFIG_MEDIA_TYPE);
        match self.layers.as_slice() {
            [layer] if is_wasm && layer.media_type == WASM_MEDIA_TYPE => Some(layer),
            _ => None,
        }
    }
}
