//! The rules for a package's index: complete, about this package, signed as far as the registry can tell, and one bounded
//! step after the one before. An index that hosts would refuse must not take the place of one that they accept.

use handoff_package::Digest;
use handoff_package::artifact::{INDEX_TAG, InvalidArtifact, MANIFEST_MEDIA_TYPE, Manifest, SEQUENCE_ANNOTATION};
use handoff_package::index::PackageIndex;
use handoff_package::trust::{Envelope, Statement};

use super::is_repository_of;
use crate::content::Content;
use crate::name::{Repository, Tag};
use crate::publisher_keys::Keys;
use crate::refusal::{Code, Refusal};
use crate::storage::{Storage, StorageError};

/// How far a sequence number may move at once. A publisher's own changes are steps of one; a mirror copies the state of
/// a while. Without a bound, one push could use up all numbers.
const STEP_MAX: u64 = 1 << 20;

/// Checks a manifest that is pushed under the index's tag.
pub(super) fn check(
    storage: &Storage,
    keys: Keys<'_>,
    repository: &Repository,
    content: &Content,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let invalid = |text: String| Refusal::new(Code::ManifestInvalid, text);
    let (index, digest, envelope) = read(storage, bytes)?.map_err(invalid)?;
    if !is_repository_of(repository, index.package.as_str()) {
        let text = format!("the index is that of {}, but it was pushed to {repository}", index.package);
        return Err(invalid(text));
    }
    if content.sequence() != Some(index.sequence) {
        let text = format!(
            "the annotation `{SEQUENCE_ANNOTATION}` must have the sequence number of the index, which is {}",
            index.sequence
        );
        return Err(invalid(text));
    }
    check_signature(keys, &index, digest, &envelope)?;
    check_step(storage, repository, index.sequence)
}

/// An index, the digest of its JSON, and its envelope.
type Named = (PackageIndex, Digest, Vec<u8>);

/// The index that a manifest names; or why it is none.
pub(crate) fn read(storage: &Storage, manifest: &[u8]) -> Result<Result<Named, String>, StorageError> {
    let layers = Manifest::from_json(manifest).and_then(|manifest| {
        let (index, envelope) = manifest.index_layers()?;
        Ok((index.digest, envelope.digest))
    });
    let (json, envelope) = match layers {
        Ok((json, envelope)) => (json, envelope),
        Err(InvalidArtifact(problem)) => return Ok(Err(problem)),
    };
    let (Some(bytes), Some(envelope)) = (storage.content(&json)?, storage.content(&envelope)?) else {
        return Ok(Err("a layer of the index is missing: push it first".to_owned()));
    };
    Ok(PackageIndex::from_json(&bytes).map(|index| (index, json, envelope)).map_err(|error| error.to_string()))
}

/// With keys, one of the publisher's must have signed. Without keys, the envelope must at least say the right thing.
fn check_signature(keys: Keys<'_>, index: &PackageIndex, digest: Digest, envelope: &[u8]) -> Result<(), Refusal> {
    let package = &index.package;
    if let Some(known) = keys.of(package).map_err(|error| Refusal::internal(&error))? {
        let believed = index.believe(digest, envelope, package, &known);
        return believed.map(drop).map_err(|error| {
            let text = format!(
                "this registry accepts an index only if a key signed it that its operator knows as {}'s: {error}; ask for the name with \
                 `handoff registry request-namespace`",
                package.publisher()
            );
            Refusal::new(Code::Denied, text)
        });
    }
    let invalid = |problem: String| {
        let text = format!("the signature of the index {problem}: publish with `handoff publish`, which signs it");
        Refusal::new(Code::ManifestInvalid, text)
    };
    let envelope = Envelope::from_json(envelope).map_err(|error| invalid(error.to_string()))?;
    match Statement::claimed(&envelope).map_err(invalid)? {
        Statement::Index(said)
            if said.package == *package && said.sequence == index.sequence && said.digest == digest =>
        {
            Ok(())
        }
        other => Err(invalid(format!("is about {}, not about these bytes", other.about()))),
    }
}

fn check_step(storage: &Storage, repository: &Repository, sequence: u64) -> Result<(), Refusal> {
    let reached = match Tag::parse(INDEX_TAG) {
        Some(tag) => reached(storage, repository, &tag)?,
        None => 0,
    };
    let problem = if sequence <= reached {
        "it must increase".to_owned()
    } else if sequence - reached > STEP_MAX {
        format!("it may increase by at most {STEP_MAX} at once")
    } else {
        return Ok(());
    };
    let text = format!(
        "`{INDEX_TAG}` of {repository} has the sequence number {reached}, and {problem}; this one has {sequence}: fetch the current \
         index, apply the change there, and push it with the next number"
    );
    Err(Refusal::new(Code::Denied, text).with_detail(serde_json::json!({ "reached": reached })))
}

/// The sequence number under the tag; 0 if there is none that hosts could read.
fn reached(storage: &Storage, repository: &Repository, tag: &Tag) -> Result<u64, StorageError> {
    let Some(digest) = storage.tag(repository, tag)? else { return Ok(0) };
    let bytes = storage.content(&digest)?.unwrap_or_default();
    Ok(Content::read(MANIFEST_MEDIA_TYPE, &bytes).ok().and_then(|content| content.sequence()).unwrap_or(0))
}
