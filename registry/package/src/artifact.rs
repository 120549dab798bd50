//! How packages, signatures and indexes are laid out in an OCI registry (image specification 1.1 and the CNCF's Wasm
//! OCI artifact layout): names, manifests, limits. It only builds and reads bytes; it transfers nothing.

mod imports;

use crate::index::{INDEX_BYTES_MAX, PackageIndex};
use crate::manifest::printable;
use crate::trust::dsse::{ENVELOPE_BYTES_MAX, ENVELOPE_MEDIA_TYPE};
use crate::{Digest, Package};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// Media type of an image manifest.
pub const MANIFEST_MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an image index: a list of manifests.
pub const IMAGE_INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of a Wasm artifact's config.
pub const WASM_CONFIG_MEDIA_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// Media type of a component.
pub const WASM_MEDIA_TYPE: &str = "application/wasm";
/// Media type of an empty config, `{}`.
pub const EMPTY_MEDIA_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// The empty config.
pub const EMPTY_CONFIG: &[u8] = b"{}";
/// Artifact type of a signature, and media type of its layer.
pub const SIGNATURE_TYPE: &str = ENVELOPE_MEDIA_TYPE;
/// Artifact type of a package's index, and media type of its first layer.
pub const INDEX_TYPE: &str = "application/vnd.handoff.index.v1+json";
/// Artifact type of a release's README.
pub const README_TYPE: &str = "application/vnd.handoff.readme.v1";
/// Media type of a README.
pub const README_MEDIA_TYPE: &str = "text/markdown";
/// Tag of a package's index.
pub const INDEX_TAG: &str = "handoff-index";
/// Annotation of a layer: the file name under which clients such as `oras pull` write it. Of a manifest: the title.
pub const TITLE_ANNOTATION: &str = "org.opencontainers.image.title";
/// Annotation: creation time.
pub const CREATED_ANNOTATION: &str = "org.opencontainers.image.created";
/// Annotation: the package's name.
pub const PACKAGE_ANNOTATION: &str = "com.handoff.package";
/// Annotation: interface version that the release is built against.
pub const INTERFACE_ANNOTATION: &str = "com.handoff.interface";
/// Annotation: what changed in the release.
pub const CHANGES_ANNOTATION: &str = "com.handoff.changes";
/// Annotation: sequence number of the index, in decimal.
pub const SEQUENCE_ANNOTATION: &str = "com.handoff.sequence";
/// Annotation of an entry in an image layout: its tag.
pub const REF_NAME_ANNOTATION: &str = "org.opencontainers.image.ref.name";

/// Size limit of one of our manifests, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 64 * 1024;
/// Size limit of a list of manifests, in bytes. The distribution specification lets registries refuse more than 4 MiB.
pub const IMAGE_INDEX_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Size limit of a README, in bytes.
pub const README_BYTES_MAX: usize = 256 * 1024;
/// Size limit of the change note, in bytes.
pub const CHANGES_BYTES_MAX: usize = 4 * 1024;

/// Identifies content by media type, digest and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type.
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// Artifact type, if the descriptor points to a manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Describes these bytes.
    #[must_use]
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }
}

/// An image manifest: one artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    schema_version: u8,
    #[serde(default = "Manifest::media_type")]
    media_type: String,
    /// Artifact type, unless the media type of the config says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The config.
    pub config: Descriptor,
    /// The layers.
    pub layers: Vec<Descriptor>,
    /// The manifest that this artifact refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// The bytes do not have the form that a registry requires.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidArtifact(pub String);

impl Manifest {
    /// Reads one of our manifests.
    ///
    /// # Errors
    /// The manifest is too large, cut off, not JSON or not an image manifest.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidArtifact> {
        let manifest: Self = read(json, MANIFEST_BYTES_MAX, "the manifest")?;
        if manifest.schema_version == 2 && manifest.media_type == MANIFEST_MEDIA_TYPE {
            return Ok(manifest);
        }
        Err(InvalidArtifact(format!("the manifest does not have the type `{MANIFEST_MEDIA_TYPE}`")))
    }

    /// Serializes to JSON. Equal manifests give equal bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Serializing strings and numbers into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Its descriptor, as it appears in a list of referrers.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        let mut descriptor = Descriptor::of(MANIFEST_MEDIA_TYPE, &self.to_json());
        descriptor.artifact_type = Some(self.kind().to_owned());
        descriptor.annotations = self.annotations.clone();
        descriptor
    }

    /// Its artifact type (image specification, "Guidelines for Artifact Usage").
    #[must_use]
    pub fn kind(&self) -> &str {
        self.artifact_type.as_deref().unwrap_or(&self.config.media_type)
    }

    /// The component's layer, if this is a package.
    ///
    /// # Errors
    /// The manifest is not a Wasm artifact with exactly one layer.
    pub fn component(&self) -> Result<&Descriptor, InvalidArtifact> {
        match self.layers.as_slice() {
            [layer] if self.config.media_type == WASM_CONFIG_MEDIA_TYPE && layer.media_type == WASM_MEDIA_TYPE => {
                Ok(layer)
            }
            _ => Err(InvalidArtifact(format!(
                "this is not the manifest of a package: expected the config `{WASM_CONFIG_MEDIA_TYPE}` and one layer `{WASM_MEDIA_TYPE}`"
            ))),
        }
    }

    /// The layers of the index and of its envelope, if this is an index.
    ///
    /// # Errors
    /// This is not an index, or a layer is too large.
    pub fn index_layers(&self) -> Result<(&Descriptor, &Descriptor), InvalidArtifact> {
        match self.layers.as_slice() {
            [index, envelope]
                if self.kind() == INDEX_TYPE
                    && index.media_type == INDEX_TYPE
                    && envelope.media_type == SIGNATURE_TYPE =>
            {
                within(index, INDEX_BYTES_MAX)?;
                within(envelope, ENVELOPE_BYTES_MAX)?;
                Ok((index, envelope))
            }
            _ => Err(InvalidArtifact(format!(
                "the manifest under the tag `{INDEX_TAG}` is not an index: expected the layers `{INDEX_TYPE}` and `{SIGNATURE_TYPE}`"
            ))),
        }
    }

    /// The layer of an artifact that refers to another one, such as a signature.
    ///
    /// # Errors
    /// The artifact refers to something else, has another type, or its layer is too large.
    pub fn layer_about(&self, subject: Digest, kind: &str, bytes_max: usize) -> Result<&Descriptor, InvalidArtifact> {
        let about = self.subject.as_ref().map(|subject| subject.digest);
        match self.layers.as_slice() {
            [layer] if self.kind() == kind && about == Some(subject) => within(layer, bytes_max).map(|()| layer),
            _ => Err(InvalidArtifact(format!("the manifest is not a `{kind}` for {subject}"))),
        }
    }

    fn new(artifact_type: Option<&str>, config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: 2,
            media_type: Self::media_type(),
            artifact_type: artifact_type.map(str::to_owned),
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    fn media_type() -> String {
        MANIFEST_MEDIA_TYPE.to_owned()
    }
}

/// A list of manifests: the `index.json` of an OCI layout, or the referrers of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageIndex {
    schema_version: u8,
    #[serde(default = "ImageIndex::media_type")]
    media_type: String,
    /// The manifests.
    #[serde(default)]
    pub manifests: Vec<Descriptor>,
}

impl Default for ImageIndex {
    fn default() -> Self {
        Self { schema_version: 2, media_type: Self::media_type(), manifests: Vec::new() }
    }
}

impl ImageIndex {
    /// Reads a list of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// The list is too large, cut off, not JSON or not an image index.
    pub fn from_json(json: &[u8], bytes_max: usize) -> Result<Self, InvalidArtifact> {
        read(json, bytes_max, "the list of manifests")
    }

    /// Serializes to JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn media_type() -> String {
        IMAGE_INDEX_MEDIA_TYPE.to_owned()
    }
}

/// An artifact that is ready to be pushed: blobs first, then the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The manifest.
    pub manifest: Manifest,
    /// The blobs that the manifest names, config included.
    pub blobs: Vec<Vec<u8>>,
}

impl Artifact {
    /// The artifact of a release without the component, which is large and is not copied. `created_ms` counts from
    /// 1970.
    #[must_use]
    pub fn release(package: &Package, component: &[u8], changes: Option<&str>, created_ms: u64) -> Self {
        let info = &package.manifest.package;
        let mut layer = Descriptor::of(WASM_MEDIA_TYPE, component);
        // A plain word and a version: never a path.
        let file = format!("{}-{}.wasm", info.name.name(), info.version);
        layer.annotations.insert(TITLE_ANNOTATION.to_owned(), file);
        let config = json!({
            "created": rfc3339(created_ms),
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [layer.digest],
            "component": imports::names(component),
        });
        let config = config.to_string().into_bytes();
        let mut manifest = Manifest::new(None, Descriptor::of(WASM_CONFIG_MEDIA_TYPE, &config), vec![layer]);
        let annotations = [
            (TITLE_ANNOTATION, info.title.to_string()),
            ("org.opencontainers.image.version", info.version.to_string()),
            ("org.opencontainers.image.licenses", info.license.to_string()),
            ("org.opencontainers.image.description", info.summary.to_string()),
            (CREATED_ANNOTATION, rfc3339(created_ms)),
            (PACKAGE_ANNOTATION, info.name.to_string()),
            (INTERFACE_ANNOTATION, package.interface.to_string()),
        ];
        manifest.annotations = annotations.map(|(name, text)| (name.to_owned(), text)).into();
        if let Some(changes) = changes {
            manifest.annotations.insert(CHANGES_ANNOTATION.to_owned(), changes.to_owned());
        }
        Self { manifest, blobs: vec![config] }
    }

    /// An artifact that refers to another manifest: a signature or a README.
    #[must_use]
    pub fn about(subject: Descriptor, kind: &str, media_type: &str, content: Vec<u8>) -> Self {
        let layers = vec![Descriptor::of(media_type, &content)];
        let mut manifest = Manifest::new(Some(kind), Descriptor::of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG), layers);
        manifest.subject = Some(Descriptor { artifact_type: None, annotations: BTreeMap::new(), ..subject });
        Self { manifest, blobs: vec![EMPTY_CONFIG.to_vec(), content] }
    }

    /// An index together with its envelope.
    #[must_use]
    pub fn index(index: &PackageIndex, json: Vec<u8>, envelope: Vec<u8>) -> Self {
        let layers = vec![Descriptor::of(INDEX_TYPE, &json), Descriptor::of(SIGNATURE_TYPE, &envelope)];
        let mut manifest = Manifest::new(Some(INDEX_TYPE), Descriptor::of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG), layers);
        let annotations =
            [(SEQUENCE_ANNOTATION, index.sequence.to_string()), (PACKAGE_ANNOTATION, index.package.to_string())];
        manifest.annotations = annotations.map(|(name, text)| (name.to_owned(), text)).into();
        Self { manifest, blobs: vec![EMPTY_CONFIG.to_vec(), json, envelope] }
    }
}

fn within(layer: &Descriptor, bytes_max: usize) -> Result<(), InvalidArtifact> {
    if usize::try_from(layer.size).is_ok_and(|size| size <= bytes_max) {
        return Ok(());
    }
    let Descriptor { media_type, size, .. } = layer;
    let media_type = printable(media_type, 80);
    Err(InvalidArtifact(format!("the layer `{media_type}` has {size} bytes; at most {bytes_max} are allowed")))
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8], bytes_max: usize, what: &str) -> Result<T, InvalidArtifact> {
    if json.len() > bytes_max {
        return Err(InvalidArtifact(format!("{what} has {} bytes; at most {bytes_max} are allowed", json.len())));
    }
    serde_json::from_slice(json).map_err(|error| {
        let text = printable(&error.to_string(), 200);
        let cut = if error.is_eof() { "is cut off" } else { "cannot be read" };
        InvalidArtifact(format!("{what} {cut}: {text}"))
    })
}

/// A time in milliseconds since 1970 as RFC 3339 in UTC, to the second.
fn rfc3339(at_ms: u64) -> String {
    let seconds = at_ms / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Eras of 400 years from 1 March 0000, whose leap day is each year's last day (Hinnant, "chrono-compatible low-level
    // date algorithms"). Years past 9999 would not be RFC 3339.
    let days = days.min(2_932_896) + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_as_rfc_3339() {
        for (at_ms, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_329_234_000, "2026-11-22T06:33:54Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (u64::MAX, "9999-12-31T"),
        ] {
            assert!(rfc3339(at_ms).starts_with(expected), "{} instead of {expected}", rfc3339(at_ms));
        }
    }
}
