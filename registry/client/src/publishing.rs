//! Publishes a release in an order that never exposes a partial one: content, manifest, signature, README, tag, and
//! finally the index, which makes the release visible. Changes of an index follow the same order.

use super::ClientError;
use super::backend::{NewManifest, Reference};
use super::lists::VerifiedIndex;
use super::registry::{Registry, artifact, referrers_tag};
use bytes::Bytes;
use handoff_package::Package;
use handoff_package::artifact::{
    Artifact, CHANGES_ANNOTATION, CHANGES_BYTES_MAX, CREATED_ANNOTATION, Descriptor, IMAGE_INDEX_MEDIA_TYPE, INDEX_TAG,
    MANIFEST_MEDIA_TYPE, Manifest, README_BYTES_MAX, README_MEDIA_TYPE, README_TYPE, SIGNATURE_TYPE,
};
use handoff_package::index::{INDEX_BYTES_MAX, IndexError, PackageIndex, Release, Seen, Status};
use handoff_package::manifest::{PackageName, Summary, Version};
use handoff_package::resolve::Pin;
use handoff_package::trust::{SigningKey, Statement, TrustError, TrustList, statement};
use std::time::Duration;

/// Attempts to change an index while other clients change it too.
const TRIES: u32 = 8;
/// Wait before the second attempt; each further wait is longer by this much.
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// A release to publish.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The stamped component.
    pub component: Bytes,
    /// A README in Markdown of at most 256 KiB.
    pub readme: Option<String>,
    /// Change note, at most 4 KiB. Its first line also goes into the index, if it has at most 300 characters.
    pub changes: Option<String>,
}

/// The publisher and what is needed to sign.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// The publisher's key.
    pub key: &'a SigningKey,
    /// Other keys of the publisher that may have signed the current index. The author's own key may be omitted.
    pub trust: &'a TrustList,
    /// What the publisher remembers of the index: a registry that goes backwards is refused.
    pub seen: Option<&'a Seen>,
    /// The current time, in milliseconds since 1970.
    pub at_ms: u64,
}

/// The result of publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The release.
    pub pin: Pin,
    /// The index that lists the release.
    pub index: VerifiedIndex,
    /// Whether the same bytes were published before.
    pub already: bool,
    /// Whether the author's signature was added to existing ones.
    pub signature_added: bool,
}

impl Registry {
    /// Publishes a release. Publishing the same bytes and version again changes nothing, unless the author's key has
    /// not signed them: then its signature is added and the index is signed with it, so that hosts that no longer trust
    /// an earlier key can install the version. After an interruption, publishing resumes.
    ///
    /// # Errors
    /// The component is not a package, the version exists with other bytes, or the registry refuses.
    pub async fn publish(&self, submission: &Submission, author: Author<'_>) -> Result<Published, ClientError> {
        let package = Package::read(&submission.component)?;
        check_texts(submission)?;
        let (name, version) = (package.manifest.package.name.clone(), package.manifest.package.version.clone());
        let trust = with_own_key(&name, author)?;
        let (current, _tag) = self.tagged_index(&name, &trust, author.seen).await.map_err(for_publisher)?;
        if let Some(index) = current
            && let Some(there) = index.index.release(&version)
        {
            let (digest, manifest_digest) = (there.digest, there.manifest_digest);
            if digest != package.digest {
                return Err(IndexError::Published { package: name, version, published: digest }.into());
            }
            let pin = Pin { package: name, version, digest, manifest_digest };
            return self.publish_again(&package, pin, index, submission, author, &trust).await;
        }
        let pin = self.put_release(&package, submission, author, &trust).await?;
        let release = Release {
            version: pin.version.clone(),
            digest: pin.digest,
            manifest_digest: pin.manifest_digest,
            status: Status::Active,
            published_at_ms: author.at_ms,
            interface: package.interface.clone(),
            changes: submission.changes.as_deref().and_then(first_line),
        };
        let index = self.change_index(&name, author, &trust, |index| index.publish(release.clone())).await?;
        Ok(Published { pin, index, already: false, signature_added: false })
    }

    /// Adds the author's signature to a published release.
    async fn publish_again(
        &self,
        package: &Package,
        pin: Pin,
        index: VerifiedIndex,
        submission: &Submission,
        author: Author<'_>,
        trust: &TrustList,
    ) -> Result<Published, ClientError> {
        let own = with_own_key(&pin.package, Author { trust: &TrustList::default(), ..author })?;
        if self.verify_release(&pin, &own).await.is_ok() {
            return Ok(Published { pin, index, already: true, signature_added: false });
        }
        let ours = Artifact::release(package, &submission.component, None, author.at_ms).manifest;
        let what = format!("the manifest of {} {}", pin.package, pin.version);
        let bytes = self.manifest_bytes(&pin.package, Reference::Digest(pin.manifest_digest), &what).await?;
        let (bytes, _digest) =
            bytes.ok_or_else(|| ClientError::Missing { registry: self.name(), what: what.clone() })?;
        let there = Manifest::from_json(&bytes).map_err(|problem| artifact(&what, problem))?;
        check_same(&there, &ours, &what, &[CREATED_ANNOTATION, CHANGES_ANNOTATION])?;
        // Change the list first: after an interruption here, the next run finds the signature missing and adds it.
        let is_own_list = index.signer.key_id == author.key.public().id();
        let index = if is_own_list { index } else { self.renew(&pin.package, Author { trust, ..author }).await? };
        self.sign_release(&pin, Descriptor::of(MANIFEST_MEDIA_TYPE, &bytes), author).await?;
        Ok(Published { pin, index, already: true, signature_added: true })
    }

    /// Adds the author's signature to a release. `subject` is its manifest.
    async fn sign_release(&self, pin: &Pin, subject: Descriptor, author: Author<'_>) -> Result<(), ClientError> {
        let Pin { package, version, digest, manifest_digest } = pin.clone();
        let said = statement::Release { package, version, digest, manifest_digest, signed_at_ms: author.at_ms };
        let envelope = Statement::Release(said).sign(author.key).to_json();
        self.put_about(&pin.package, &Artifact::about(subject, SIGNATURE_TYPE, SIGNATURE_TYPE, envelope)).await
    }

    /// Deprecates, yanks or recalls a release, or reactivates a deprecated one.
    ///
    /// # Errors
    /// The release does not exist, is permanently yanked or recalled, or the registry refuses.
    pub async fn set_status(
        &self,
        package: &PackageName,
        version: &Version,
        status: &Status,
        author: Author<'_>,
    ) -> Result<VerifiedIndex, ClientError> {
        let trust = with_own_key(package, author)?;
        let set = |index: &mut PackageIndex| index.set_status(version, status.clone());
        self.change_index(package, author, &trust, set).await
    }

    /// Signs the index again with the next sequence number, which proves to hosts that it is current.
    ///
    /// # Errors
    /// The package does not exist, or the registry refuses.
    pub async fn renew(&self, package: &PackageName, author: Author<'_>) -> Result<VerifiedIndex, ClientError> {
        let trust = with_own_key(package, author)?;
        let renew = |index: &mut PackageIndex| {
            // An index without releases would say nothing.
            let is_there = !index.releases.is_empty();
            if is_there {
                index.renew()?;
            }
            Ok(is_there)
        };
        self.change_index(package, author, &trust, renew).await
    }

    /// Pushes everything of a release except its entry in the index.
    pub(super) async fn put_release(
        &self,
        package: &Package,
        submission: &Submission,
        author: Author<'_>,
        trust: &TrustList,
    ) -> Result<Pin, ClientError> {
        let info = &package.manifest.package;
        let name = &info.name;
        let release = Artifact::release(package, &submission.component, submission.changes.as_deref(), author.at_ms);
        let tagged = self.interrupted(&release.manifest, package).await?;
        let subject = match &tagged {
            Some(there) => there.clone(),
            None => {
                self.backend.put_blob(name, submission.component.clone()).await?;
                self.put(name, &release).await?;
                release.manifest.descriptor()
            }
        };
        let manifest_digest = subject.digest;
        let (digest, version) = (package.digest, info.version.clone());
        let pin = Pin { package: name.clone(), version, digest, manifest_digest };
        if self.verify_release(&pin, trust).await.is_err() {
            self.sign_release(&pin, subject.clone(), author).await?;
        }
        if let Some(readme) = &submission.readme {
            let readme = readme.clone().into_bytes();
            self.put_about(name, &Artifact::about(subject, README_TYPE, README_MEDIA_TYPE, readme)).await?;
        }
        if tagged.is_none() && !self.put_version_tag(package, &release.manifest).await? {
            // Another client pushed the tag at the same time: with other bytes, this is an error.
            self.interrupted(&release.manifest, package).await?;
            return Err(ClientError::Busy { package: name.clone(), tries: 1 });
        }
        Ok(pin)
    }

    /// The manifest that an interrupted run left under the version's tag. It is signed only if it equals the one that
    /// would be pushed now, except for its creation time.
    async fn interrupted(&self, ours: &Manifest, package: &Package) -> Result<Option<Descriptor>, ClientError> {
        let info = &package.manifest.package;
        let what = format!("the manifest with the tag {} of {}", info.version, info.name);
        let tag = info.version.to_string();
        let Some((bytes, _digest)) = self.manifest_bytes(&info.name, Reference::Tag(&tag), &what).await? else {
            return Ok(None);
        };
        let there = Manifest::from_json(&bytes).map_err(|problem| artifact(&what, problem))?;
        let published = there.component().map_err(|problem| artifact(&what, problem))?.digest;
        if published != package.digest {
            let (package, version) = (info.name.clone(), info.version.clone());
            return Err(IndexError::Published { package, version, published }.into());
        }
        check_same(&there, ours, &what, &[CREATED_ANNOTATION])?;
        Ok(Some(Descriptor::of(MANIFEST_MEDIA_TYPE, &bytes)))
    }

    async fn put_version_tag(&self, package: &Package, manifest: &Manifest) -> Result<bool, ClientError> {
        let info = &package.manifest.package;
        self.backend.put_tag(&info.name, &info.version.to_string(), None, new_manifest(manifest)).await
    }

    /// Changes the index and raises its sequence number; retries if another client was faster.
    async fn change_index(
        &self,
        package: &PackageName,
        author: Author<'_>,
        trust: &TrustList,
        change: impl Fn(&mut PackageIndex) -> Result<bool, IndexError>,
    ) -> Result<VerifiedIndex, ClientError> {
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(BETWEEN_TRIES.saturating_mul(attempt)).await;
            }
            let (current, tag) = self.tagged_index(package, trust, author.seen).await.map_err(for_publisher)?;
            let mut index =
                current.as_ref().map_or_else(|| PackageIndex::empty(package.clone()), |it| (*it.index).clone());
            match (change(&mut index)?, current) {
                (false, Some(unchanged)) => return Ok(unchanged),
                (false, None) => {
                    return Err(ClientError::NoSuchPackage { registry: self.name(), package: package.clone() });
                }
                (true, _) => {}
            }
            let (json, envelope) = index.sign(author.key, author.at_ms);
            // Hosts could not read an index over the limit.
            if json.len() > INDEX_BYTES_MAX {
                return Err(IndexError::TooLarge { bytes: json.len(), max: INDEX_BYTES_MAX }.into());
            }
            let next = Artifact::index(&index, json, envelope);
            for blob in &next.blobs {
                self.backend.put_blob(package, Bytes::from(blob.clone())).await?;
            }
            if self.backend.put_tag(package, INDEX_TAG, tag, new_manifest(&next.manifest)).await? {
                return self.index(package, trust, author.seen).await;
            }
        }
        Err(ClientError::Busy { package: package.clone(), tries: TRIES })
    }

    /// Pushes the content, then the manifest, without a tag. Returns whether the registry lists it as a referrer.
    pub(super) async fn put(&self, package: &PackageName, artifact: &Artifact) -> Result<bool, ClientError> {
        for blob in &artifact.blobs {
            self.backend.put_blob(package, Bytes::from(blob.clone())).await?;
        }
        self.backend.put_manifest(package, new_manifest(&artifact.manifest)).await
    }

    /// Pushes an artifact that refers to a manifest, and adds it to the referrers tag if the registry has no referrers
    /// API.
    pub(super) async fn put_about(&self, package: &PackageName, artifact: &Artifact) -> Result<(), ClientError> {
        let Some(subject) = artifact.manifest.subject.as_ref().map(|subject| subject.digest) else { return Ok(()) };
        if self.put(package, artifact).await? {
            return Ok(());
        }
        let entry = artifact.manifest.descriptor();
        for _ in 0..TRIES {
            let (mut list, previous) = self.referrers_tag(package, subject, "the list of signatures").await?;
            if list.manifests.iter().any(|there| there.digest == entry.digest) {
                return Ok(());
            }
            list.manifests.push(entry.clone());
            let bytes = Bytes::from(list.to_json());
            let descriptor = Descriptor::of(IMAGE_INDEX_MEDIA_TYPE, &bytes);
            let new = NewManifest { media_type: IMAGE_INDEX_MEDIA_TYPE, bytes, descriptor };
            if self.backend.put_tag(package, &referrers_tag(subject), previous, new).await? {
                return Ok(());
            }
        }
        Err(ClientError::Busy { package: package.clone(), tries: TRIES })
    }
}

fn new_manifest(manifest: &Manifest) -> NewManifest {
    let descriptor = manifest.descriptor();
    NewManifest { media_type: MANIFEST_MEDIA_TYPE, bytes: Bytes::from(manifest.to_json()), descriptor }
}

/// A publisher whose index is signed by another key needs different advice than a host.
fn for_publisher(error: ClientError) -> ClientError {
    match error {
        ClientError::Trust(TrustError::UnknownKey { what, claimed, .. }) => {
            TrustError::NotYourKey { what, claimed }.into()
        }
        other => other,
    }
}

/// Checks that a manifest equals the expected one, apart from some annotations: only then is it signed.
fn check_same(there: &Manifest, ours: &Manifest, what: &str, but: &[&str]) -> Result<(), ClientError> {
    let texts = |manifest: &Manifest| {
        let mut texts = manifest.annotations.clone();
        texts.retain(|name, _| !but.contains(&name.as_str()));
        texts
    };
    let component = |manifest: &Manifest| manifest.component().map(|layer| layer.digest).ok();
    if component(there) == component(ours) && texts(there) == texts(ours) {
        return Ok(());
    }
    let found = "the same component with different metadata, which this publisher did not push".to_owned();
    Err(ClientError::Substituted { what: what.to_owned(), found })
}

fn with_own_key(package: &PackageName, author: Author<'_>) -> Result<TrustList, ClientError> {
    let mut trust = author.trust.clone();
    let publisher = package.publisher().parse().map_err(ClientError::Options)?;
    trust.add(&publisher, author.key.public(), author.at_ms)?;
    Ok(trust)
}

fn first_line(changes: &str) -> Option<Summary> {
    changes.lines().map(str::trim).find(|line| !line.is_empty())?.parse().ok()
}

fn check_texts(submission: &Submission) -> Result<(), ClientError> {
    let texts = [
        ("the README", &submission.readme, README_BYTES_MAX),
        ("the change note", &submission.changes, CHANGES_BYTES_MAX),
    ];
    for (what, text, max) in texts {
        let size = text.as_ref().map_or(0, String::len);
        if size > max {
            let [size, max] = [size, max].map(|bytes| u64::try_from(bytes).unwrap_or(u64::MAX));
            return Err(ClientError::TooLarge { what: what.to_owned(), size, max });
        }
    }
    Ok(())
}
