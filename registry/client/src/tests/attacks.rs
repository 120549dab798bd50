//! A malicious registry or proxy. Each manipulation is refused with its own error, and no content is returned.

use super::kinds::{Rig, rigs};
use super::packages::{Acme, NOW_MS, name, submission, version};
use crate::{ClientError, Published};
use bytes::Bytes;
use handoff_package::artifact::{Artifact, INDEX_TAG, ImageIndex, SIGNATURE_TYPE};
use handoff_package::index::{PackageIndex, Rollback, Status};
use handoff_package::trust::{Statement, TrustError, TrustList, statement};

struct Case {
    rig: Rig,
    acme: Acme,
    first: Published,
    second: Published,
}

/// A registry of each kind with two published versions.
async fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for rig in rigs().await {
        let acme = Acme::new();
        let first = rig.registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        let second = rig.registry.publish(&submission("1.1.0"), acme.author(None)).await.unwrap();
        cases.push(Case { rig, acme, first, second });
    }
    cases
}

impl Case {
    async fn pull(&self, trust: &TrustList) -> ClientError {
        self.rig.registry.pull(&self.second.pin, trust).await.unwrap_err()
    }

    async fn index(&self) -> ClientError {
        self.rig.registry.index(&name(), &self.acme.trust, Some(&self.second.index.seen)).await.unwrap_err()
    }

    /// Makes this the only signature of version 1.1.0.
    async fn only_signature(&self, envelope: Vec<u8>) {
        let subject = self.rig.registry.release_manifest(&self.second.pin).await.unwrap().descriptor();
        let artifact = Artifact::about(subject, SIGNATURE_TYPE, SIGNATURE_TYPE, envelope);
        self.rig.registry.put(&name(), &artifact).await.unwrap();
        let mut list = ImageIndex::default();
        list.manifests.push(artifact.manifest.descriptor());
        self.rig.forge_referrers(self.second.pin.manifest_digest, &list).await;
    }

    fn release_statement(&self) -> statement::Release {
        let pin = self.second.pin.clone();
        statement::Release {
            package: pin.package,
            version: pin.version,
            digest: pin.digest,
            manifest_digest: pin.manifest_digest,
            signed_at_ms: NOW_MS,
        }
    }

    /// Makes the registry show an index that the publisher signed.
    async fn show(&self, index: &PackageIndex) {
        let (json, envelope) = index.sign(&self.acme.key, NOW_MS);
        let artifact = Artifact::index(index, json, envelope);
        self.rig.registry.put(&name(), &artifact).await.unwrap();
        self.rig.forge_tag(INDEX_TAG, Bytes::from(artifact.manifest.to_json())).await;
    }
}

#[tokio::test]
async fn an_unsigned_package_is_refused() {
    for case in cases().await {
        case.rig.forge_referrers(case.second.pin.manifest_digest, &ImageIndex::default()).await;
        let error = case.pull(&case.acme.trust).await;
        assert!(matches!(error, ClientError::Trust(TrustError::Unsigned { .. })), "{error}");
    }
}

#[tokio::test]
async fn unknown_revoked_and_changed_signatures_have_distinct_errors() {
    for case in cases().await {
        let mallory = Acme::new();
        case.only_signature(Statement::Release(case.release_statement()).sign(&mallory.key).to_json()).await;
        let error = case.pull(&case.acme.trust).await;
        assert!(matches!(error, ClientError::Trust(TrustError::UnknownKey { .. })), "{error}");
        let error = case.pull(&TrustList::default()).await;
        assert!(matches!(error, ClientError::Trust(TrustError::UnknownPublisher { .. })), "{error}");

        let good = Statement::Release(case.release_statement()).sign(&case.acme.key).to_json();
        case.only_signature(good.clone()).await;
        let mut revoked = case.acme.trust.clone();
        assert!(revoked.revoke("acme", &case.acme.key.public().id(), NOW_MS, "stolen"));
        let error = case.pull(&revoked).await;
        assert!(matches!(error, ClientError::Trust(TrustError::Revoked { .. })), "{error}");

        let mut retired = case.acme.trust.clone();
        assert!(retired.retire("acme", &case.acme.key.public().id(), NOW_MS - 1));
        let error = case.pull(&retired).await;
        assert!(matches!(error, ClientError::Trust(TrustError::Retired { .. })), "{error}");

        let mut changed: serde_json::Value = serde_json::from_slice(&good).unwrap();
        let mut said = case.release_statement();
        said.signed_at_ms += 1;
        let other = serde_json::from_slice::<serde_json::Value>(&Statement::Release(said).sign(&mallory.key).to_json());
        changed["payload"] = other.unwrap()["payload"].clone();
        case.only_signature(changed.to_string().into_bytes()).await;
        let error = case.pull(&case.acme.trust).await;
        assert!(matches!(error, ClientError::Trust(TrustError::Tampered { .. })), "{error}");

        case.only_signature(good[..good.len() / 2].to_vec()).await;
        let error = case.pull(&case.acme.trust).await;
        assert!(matches!(error, ClientError::Trust(TrustError::Malformed { .. })), "{error}");
        assert!(error.to_string().contains("cut off"), "{error}");
    }
}

#[tokio::test]
async fn a_valid_signature_of_something_else_proves_nothing() {
    for case in cases().await {
        let Case { first, .. } = &case;
        let mut said = case.release_statement();
        said.version = version("1.0.0");
        said.digest = first.pin.digest;
        said.manifest_digest = first.pin.manifest_digest;
        case.only_signature(Statement::Release(said).sign(&case.acme.key).to_json()).await;
        let error = case.pull(&case.acme.trust).await;
        assert!(matches!(error, ClientError::Trust(TrustError::WrongSubject { .. })), "{error}");
        assert!(error.to_string().contains("a valid signature for acme/leads 1.0.0"), "{error}");

        let (_json, envelope) = case.second.index.index.sign(&case.acme.key, NOW_MS);
        case.only_signature(envelope).await;
        let error = case.pull(&case.acme.trust).await;
        assert!(matches!(error, ClientError::Trust(TrustError::WrongSubject { .. })), "{error}");
    }
}

#[tokio::test]
async fn changed_truncated_and_swapped_components_are_refused() {
    for case in cases().await {
        let good = case.rig.registry.pull(&case.second.pin, &case.acme.trust).await.unwrap().bytes;
        let digest = case.second.pin.digest;
        let mut changed = good.to_vec();
        changed[20] ^= 1;
        case.rig.forge_blob(digest, &changed);
        let error = case.pull(&case.acme.trust).await;
        assert!(matches!(error, ClientError::Tampered { .. }), "{error}");
        for cut in [&good[..good.len() - 1], &[good.as_ref(), b"more"].concat()] {
            case.rig.forge_blob(digest, cut);
            let error = case.pull(&case.acme.trust).await;
            assert!(matches!(error, ClientError::Truncated { .. }), "{error}");
        }
        case.rig.forge_blob(digest, &good);
        assert!(case.rig.registry.pull(&case.second.pin, &case.acme.trust).await.is_ok());

        // The manifest of another version under this one's digest.
        let first = case.rig.registry.release_manifest(&case.first.pin).await.unwrap();
        case.rig.forge_manifest(case.second.pin.manifest_digest, &first.to_json());
        let error = case.pull(&case.acme.trust).await;
        assert!(matches!(error, ClientError::Tampered { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_pin_of_one_version_with_the_manifest_of_another_is_refused() {
    for case in cases().await {
        // As if the publisher or a broken tool had mixed them up: every digest and signature is valid.
        let mut pin = case.second.pin.clone();
        pin.manifest_digest = case.first.pin.manifest_digest;
        let error = case.rig.registry.pull(&pin, &case.acme.trust).await.unwrap_err();
        assert!(matches!(error, ClientError::Substituted { .. }), "{error}");

        let mut pin = case.first.pin.clone();
        pin.version = version("1.1.0");
        let mut said = case.release_statement();
        said.digest = pin.digest;
        said.manifest_digest = pin.manifest_digest;
        let subject = case.rig.registry.release_manifest(&pin).await.unwrap().descriptor();
        let envelope = Statement::Release(said).sign(&case.acme.key).to_json();
        let artifact = Artifact::about(subject, SIGNATURE_TYPE, SIGNATURE_TYPE, envelope);
        case.rig.registry.put_about(&name(), &artifact).await.unwrap();
        let error = case.rig.registry.pull(&pin, &case.acme.trust).await.unwrap_err();
        assert!(matches!(error, ClientError::Substituted { .. }), "{error}");
        assert!(error.to_string().contains("contains acme/leads 1.0.0"), "{error}");
    }
}

#[tokio::test]
async fn an_older_index_is_refused() {
    for case in cases().await {
        let before = case.rig.tagged(INDEX_TAG).await;
        let recalled = Status::Recalled { note: "Loses leads.".parse().unwrap() };
        let author = case.acme.author(None);
        let now = case.rig.registry.set_status(&name(), &version("1.1.0"), &recalled, author).await.unwrap();
        let case = Case { second: Published { index: now, ..case.second.clone() }, ..case };

        case.rig.forge_tag(INDEX_TAG, before).await;
        let error = case.index().await;
        assert!(matches!(error, ClientError::Rollback(Rollback::Older { found: 2, seen: 3, .. })), "{error}");
        // A publisher refuses to build on such a registry too.
        let seen = &case.second.index.seen;
        let refused = case.rig.registry.publish(&submission("1.2.0"), case.acme.author(Some(seen))).await.unwrap_err();
        assert!(matches!(refused, ClientError::Rollback(Rollback::Older { .. })), "{refused}");
    }
}

#[tokio::test]
async fn a_signed_index_that_hides_or_undoes_releases_is_refused() {
    for case in cases().await {
        let recalled = Status::Recalled { note: "Loses leads.".parse().unwrap() };
        let author = case.acme.author(None);
        let now = case.rig.registry.set_status(&name(), &version("1.0.0"), &recalled, author).await.unwrap();
        let good = (*now.index).clone();
        let case = Case { second: Published { index: now, ..case.second.clone() }, ..case };
        let mut next = good.clone();
        next.sequence = 4;

        let mut hides = next.clone();
        hides.releases.pop();
        case.show(&hides).await;
        let error = case.index().await;
        assert!(matches!(error, ClientError::Rollback(Rollback::Hidden { found: 1, seen: 2, .. })), "{error}");

        let mut exchanged = next.clone();
        exchanged.releases[1].digest = exchanged.releases[0].digest;
        case.show(&exchanged).await;
        let error = case.index().await;
        assert!(matches!(error, ClientError::Rollback(Rollback::Rewritten { .. })), "{error}");

        let mut undone = next.clone();
        undone.releases[0].status = Status::Yanked { note: "No reason.".parse().unwrap() };
        case.show(&undone).await;
        let error = case.index().await;
        assert!(matches!(error, ClientError::Rollback(Rollback::Undone { was: "recalled", .. })), "{error}");

        let mut forked = next.clone();
        forked.sequence = 3;
        forked.releases[1].status = Status::Deprecated { note: "Old.".parse().unwrap() };
        case.show(&forked).await;
        let error = case.index().await;
        assert!(matches!(error, ClientError::Rollback(Rollback::Forked { sequence: 3, .. })), "{error}");

        case.show(&next).await;
        let seen = &case.second.index.seen;
        assert_eq!(*case.rig.registry.index(&name(), &case.acme.trust, Some(seen)).await.unwrap().index, next);
    }
}

#[tokio::test]
async fn an_index_that_was_changed_or_signed_by_a_stranger_is_refused() {
    for case in cases().await {
        let mut wrong = (*case.second.index.index).clone();
        wrong.sequence = 9;
        let (json, _) = wrong.sign(&case.acme.key, NOW_MS);
        let (_, envelope) = case.second.index.index.sign(&case.acme.key, NOW_MS);
        let artifact = Artifact::index(&wrong, json, envelope);
        case.rig.registry.put(&name(), &artifact).await.unwrap();
        case.rig.forge_tag(INDEX_TAG, Bytes::from(artifact.manifest.to_json())).await;
        let error = case.index().await;
        assert!(matches!(error, ClientError::Trust(TrustError::WrongSubject { .. })), "{error}");

        let mallory = Acme::new();
        let (json, envelope) = wrong.sign(&mallory.key, NOW_MS);
        let artifact = Artifact::index(&wrong, json, envelope);
        case.rig.registry.put(&name(), &artifact).await.unwrap();
        case.rig.forge_tag(INDEX_TAG, Bytes::from(artifact.manifest.to_json())).await;
        let error = case.index().await;
        assert!(matches!(error, ClientError::Trust(TrustError::UnknownKey { .. })), "{error}");
    }
}
