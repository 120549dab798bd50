//! The rules of publishing: what a manifest requires, which tags may move, what may be deleted. It blocks, and knows
//! HTTP only as the form of a refusal.

pub(super) mod index;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::content::{Content, Descriptor};
use crate::name::{Reference, Repository, Tag};
use crate::packages;
use crate::publisher_keys::Keys;
use crate::refusal::{Code, Refusal};
use crate::storage::{PackageData, Record, Storage};
use handoff_package::artifact::{INDEX_TAG, SIGNATURE_TYPE};
use handoff_package::package::PACKAGE_BYTES_MAX;
use handoff_package::{Digest, Package};

/// The result of pushing a manifest.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) digest: Digest,
    /// The manifest that it refers to.
    pub(super) subject: Option<Digest>,
}

/// Stores a manifest atomically: content, then its record, then the tag, each durable before the next.
pub(super) fn publish(
    storage: &Storage,
    keys: Keys<'_>,
    repository: &Repository,
    reference: &Reference,
    media_type: &str,
    bytes: &[u8],
) -> Result<Published, Refusal> {
    let digest = Digest::of(bytes);
    if let Reference::Digest(named) = reference
        && *named != digest
    {
        return Err(Refusal::new(
            Code::DigestInvalid,
            format!("the manifest has the digest {digest}, but was pushed as {named}: nothing was stored"),
        ));
    }
    let content = Content::read(media_type, bytes)?;
    let _placing = storage.placing();
    let _turn = storage.turn(repository);
    check_references(storage, repository, &content)?;
    let package = package_of(storage, &content)?;
    if let Reference::Tag(tag) = reference {
        check_package(repository, tag, package.as_ref())?;
        check_move(storage, keys, repository, tag, (&digest, &content, bytes))?;
    }
    if !storage.has_manifest(repository, &digest)? {
        storage.place_bytes(bytes, &digest)?;
        storage.put_record(repository, &digest, &record(media_type, bytes, &content, package))?;
    }
    if let Reference::Tag(tag) = reference {
        storage.put_tag(repository, tag, &digest)?;
        if tag.keeps() {
            packages::refresh(storage, repository)?;
        }
    }
    Ok(Published { digest, subject: content.subject.map(|subject| subject.digest) })
}

fn record(media_type: &str, bytes: &[u8], content: &Content, package: Option<PackageData>) -> Record {
    let digests = |descriptors: Vec<&Descriptor>| {
        let mut digests: Vec<Digest> = descriptors.into_iter().map(|descriptor| descriptor.digest).collect();
        digests.sort();
        digests.dedup();
        digests
    };
    Record {
        media_type: media_type.to_owned(),
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        published_at: now_ms(),
        artifact_type: content.kind().map(str::to_owned),
        subject: content.subject.as_ref().map(|subject| subject.digest),
        blobs: digests(content.blobs().collect()),
        manifests: digests(content.manifests.iter().collect()),
        package,
    }
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Checks that the repository has everything that the manifest names, with the stated size. A subject may be pushed
/// later.
fn check_references(storage: &Storage, repository: &Repository, content: &Content) -> Result<(), Refusal> {
    let unknown = |what: &str, descriptor: &Descriptor| {
        Refusal::new(
            Code::ManifestBlobUnknown,
            format!(
                "the manifest refers to the {what} {}, which {repository} does not have: push it first",
                descriptor.digest
            ),
        )
        .with_detail(serde_json::json!({ "digest": descriptor.digest }))
    };
    for blob in content.blobs() {
        let size = storage.blob_size(repository, &blob.digest)?;
        check_size(size.ok_or_else(|| unknown("blob", blob))?, blob)?;
    }
    for manifest in &content.manifests {
        let record = storage.record(repository, &manifest.digest)?;
        check_size(record.ok_or_else(|| unknown("manifest", manifest))?.size, manifest)?;
    }
    Ok(())
}

fn check_size(size: u64, descriptor: &Descriptor) -> Result<(), Refusal> {
    if size == descriptor.size {
        return Ok(());
    }
    let Descriptor { digest, size: said, .. } = descriptor;
    Err(Refusal::new(Code::SizeInvalid, format!("the manifest states {said} bytes for {digest}, which has {size}")))
}

/// The package data of the component; none if the artifact is not a connector. Only bytes are read.
fn package_of(storage: &Storage, content: &Content) -> Result<Option<PackageData>, Refusal> {
    let bound = u64::try_from(PACKAGE_BYTES_MAX).unwrap_or(u64::MAX);
    let Some(layer) = content.component().filter(|layer| layer.size <= bound) else { return Ok(None) };
    let Some(bytes) = storage.content(&layer.digest)? else { return Ok(None) };
    Ok(Package::read(&bytes).ok().map(PackageData::from))
}

/// Checks that a version tag matches the component.
fn check_package(repository: &Repository, tag: &Tag, package: Option<&PackageData>) -> Result<(), Refusal> {
    let (Some(version), Some(package)) = (tag.version(), package) else { return Ok(()) };
    let info = &package.manifest.package;
    let (name, own) = (info.name.to_string(), info.version.to_string());
    if is_repository_of(repository, &name) && own == version.to_string() {
        return Ok(());
    }
    Err(Refusal::new(
        Code::ManifestInvalid,
        format!(
            "the component is {name} {own}, but it was pushed as {repository}:{tag}: push it as {name}:{own}, or rebuild it \
             with that name and version in connector.toml"
        ),
    ))
}

/// Whether a repository may hold a package of this name: a registry that mirrors others adds a prefix.
pub(super) fn is_repository_of(repository: &Repository, package: &str) -> bool {
    let prefix = repository.as_str().strip_suffix(package);
    prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('/'))
}

/// Version tags never move; what the index's tag may name is decided in `index`.
fn check_move(
    storage: &Storage,
    keys: Keys<'_>,
    repository: &Repository,
    tag: &Tag,
    manifest: (&Digest, &Content, &[u8]),
) -> Result<(), Refusal> {
    let (digest, content, bytes) = manifest;
    let before = storage.tag(repository, tag)?;
    if before == Some(*digest) {
        return Ok(());
    }
    if tag.is_index() {
        return index::check(storage, keys, repository, content, bytes);
    }
    match before.filter(|_| tag.version().is_some()) {
        None => Ok(()),
        Some(before) => Err(Refusal::new(
            Code::Denied,
            format!(
                "{repository}:{tag} is published as {before}, and a published version never changes: publish the next version \
                 and yank this one to exclude it from new installs"
            ),
        )
        .with_detail(serde_json::json!({ "digest": before }))),
    }
}

/// Deletes a tag, or a manifest with its tags.
pub(super) fn delete(storage: &Storage, repository: &Repository, reference: &Reference) -> Result<(), Refusal> {
    let _turn = storage.turn(repository);
    let unknown = || Refusal::new(Code::ManifestUnknown, format!("{repository} has no manifest `{reference}`"));
    let removed = match reference {
        Reference::Tag(tag) => {
            if tag.keeps() && storage.tag(repository, tag)?.is_some() {
                return Err(stays(repository, tag));
            }
            storage.remove_tag(repository, tag)?
        }
        Reference::Digest(digest) => {
            let record = storage.record(repository, digest)?.ok_or_else(unknown)?;
            check_deletable(storage, repository, digest, &record)?;
            storage.remove_record(repository, digest)?
        }
    };
    if removed { Ok(()) } else { Err(unknown()) }
}

/// Checks that no version depends on it: the content and signatures of a version are permanent.
fn check_deletable(
    storage: &Storage,
    repository: &Repository,
    digest: &Digest,
    record: &Record,
) -> Result<(), Refusal> {
    if let Some(tag) = storage.keeping_tags(repository, digest)?.first() {
        return Err(stays(repository, tag));
    }
    if let Some(user) = storage.index()?.user_of(repository, digest)? {
        return Err(Refusal::new(Code::Denied, format!("{digest} is listed by {user}: delete that manifest first")));
    }
    let signed = record.subject.filter(|_| record.artifact_type.as_deref() == Some(SIGNATURE_TYPE));
    if let Some(signed) = signed
        && let Some(tag) = storage.keeping_tags(repository, &signed)?.first()
    {
        let text = format!(
            "{digest} is the signature of {repository}:{tag}, which could not be installed without it, so it cannot be deleted"
        );
        return Err(Refusal::new(Code::Denied, text));
    }
    Ok(())
}

fn stays(repository: &Repository, tag: &Tag) -> Refusal {
    let text = if tag.is_index() {
        format!(
            "`{INDEX_TAG}` of {repository} is the list of its releases and cannot be deleted: an older one could replace it"
        )
    } else {
        format!(
            "{repository}:{tag} is published, and hosts may have it pinned: it stays pullable. Yank it with `handoff yank` to \
             exclude it from new installs"
        )
    };
    Refusal::new(Code::Denied, text)
}

/// Removes a blob from a repository.
pub(super) fn delete_blob(storage: &Storage, repository: &Repository, digest: &Digest) -> Result<(), Refusal> {
    let _turn = storage.turn(repository);
    if let Some(user) = storage.index()?.user_of(repository, digest)? {
        return Err(Refusal::new(
            Code::Denied,
            format!("the manifest {user} of {repository} uses {digest}: delete the manifest first"),
        ));
    }
    if storage.unlink_blob(repository, digest)? {
        return Ok(());
    }
    Err(Refusal::new(Code::BlobUnknown, format!("{repository} has no blob {digest}")))
}
