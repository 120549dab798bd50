//! Cached indexes, and indexes that are signed again.

use super::kinds::rigs;
use super::packages::{Acme, NOW_MS, name, submission};
use crate::known::{KnownIndex, KnownIndexes};
use crate::{Author, ClientError};
use bytes::Bytes;
use handoff_package::Digest;
use handoff_package::artifact::{Artifact, INDEX_TAG};
use handoff_package::index::{PackageIndex, RELEASES_MAX, Rollback};
use handoff_package::trust::TrustError;
use std::sync::Arc;

const DAY_MS: u64 = 86_400_000;

#[tokio::test]
async fn a_cached_index_is_not_fetched_again_but_its_key_is_checked() {
    for rig in rigs().await {
        let (acme, known) = (Acme::new(), KnownIndexes::default());
        let registry = rig.registry.clone().with_known(known.clone());
        rig.registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        let first = registry.index(&name(), &acme.trust, None).await.unwrap();
        let manifest = Digest::of(&rig.tagged(INDEX_TAG).await);
        let again = registry.index(&name(), &acme.trust, Some(&first.seen)).await.unwrap();
        assert_eq!(again, first);
        assert!(Arc::ptr_eq(&again.index, &first.index), "the index must be parsed once");

        let mut revoked = acme.trust.clone();
        assert!(revoked.revoke("acme", &acme.key.public().id(), NOW_MS, "stolen"));
        let error = registry.index(&name(), &revoked, Some(&first.seen)).await.unwrap_err();
        assert!(matches!(error, ClientError::Trust(TrustError::Revoked { .. })), "{error}");
        let stranger = registry.index(&name(), &Acme::new().trust, None).await.unwrap_err();
        assert!(matches!(stranger, ClientError::Trust(TrustError::UnknownKey { .. })), "{stranger}");

        // It is refused for another package, and for a host that has seen a newer index.
        assert!(known.get(&name(), manifest).is_some());
        assert!(known.get(&"acme/other".parse().unwrap(), manifest).is_none());
        let second = rig.registry.publish(&submission("1.1.0"), acme.author(None)).await.unwrap();
        let newer = registry.index(&name(), &acme.trust, Some(&first.seen)).await.unwrap();
        assert_eq!(newer.index, second.index.index, "a changed index must be fetched again");
        let (json, envelope) = first.index.sign(&acme.key, NOW_MS);
        rig.forge_tag(INDEX_TAG, Bytes::from(Artifact::index(&first.index, json, envelope).manifest.to_json())).await;
        let error = registry.index(&name(), &acme.trust, Some(&newer.seen)).await.unwrap_err();
        assert!(matches!(error, ClientError::Rollback(Rollback::Older { found: 1, seen: 2, .. })), "{error}");
    }
}

#[tokio::test]
async fn a_refused_index_is_not_cached() {
    for rig in rigs().await {
        let (acme, mallory, known) = (Acme::new(), Acme::new(), KnownIndexes::default());
        let registry = rig.registry.clone().with_known(known.clone());
        let published = rig.registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        let mut forged = (*published.index.index).clone();
        forged.renew().unwrap();
        let (json, envelope) = forged.sign(&mallory.key, NOW_MS);
        let artifact = Artifact::index(&forged, json, envelope);
        registry.put(&name(), &artifact).await.unwrap();
        rig.forge_tag(INDEX_TAG, Bytes::from(artifact.manifest.to_json())).await;
        for _ in 0..2 {
            let error = registry.index(&name(), &acme.trust, None).await.unwrap_err();
            assert!(matches!(error, ClientError::Trust(TrustError::UnknownKey { .. })), "{error}");
            assert!(known.get(&name(), artifact.manifest.descriptor().digest).is_none());
        }
    }
}

#[tokio::test]
async fn a_renewed_index_has_the_same_releases_and_replaces_the_old() {
    for rig in rigs().await {
        let (acme, registry) = (Acme::new(), &rig.registry);
        let nothing = registry.renew(&name(), acme.author(None)).await;
        assert!(matches!(nothing, Err(ClientError::NoSuchPackage { .. })), "{nothing:?}");
        let first = registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap().index;
        let before = rig.tagged(INDEX_TAG).await;
        assert_eq!(first.signed_at_ms, NOW_MS);

        let later = Author { at_ms: NOW_MS + DAY_MS, ..acme.author(Some(&first.seen)) };
        let renewed = registry.renew(&name(), later).await.unwrap();
        assert_eq!((renewed.index.sequence, renewed.signed_at_ms), (2, NOW_MS + DAY_MS));
        assert_eq!(renewed.index.releases, first.index.releases);
        let shown = registry.unverified_index(&name()).await.unwrap();
        assert_eq!(
            (shown.claimed_at_ms, &shown.claimed_keys[..]),
            (Some(NOW_MS + DAY_MS), &[acme.key.public().id()][..])
        );

        rig.forge_tag(INDEX_TAG, before).await;
        let error = registry.index(&name(), &acme.trust, Some(&renewed.seen)).await.unwrap_err();
        assert!(matches!(error, ClientError::Rollback(Rollback::Older { found: 1, seen: 2, .. })), "{error}");
    }
}

#[tokio::test]
async fn the_index_cache_is_bounded_and_evicts_the_least_recently_used() {
    let rig = &rigs().await[0];
    let published = rig.registry.publish(&submission("1.0.0"), Acme::new().author(None)).await.unwrap();
    let release = &published.index.index.releases[0];
    let known = KnownIndexes::default();
    let digest = |number: u8| Digest::of(&[number]);
    let keep = |number: u8, releases: usize| {
        let mut index = PackageIndex::empty(name());
        index.releases = vec![release.clone(); releases];
        let (manifest, envelope) = (digest(number), Bytes::new());
        known.keep(Arc::new(KnownIndex { manifest, digest: manifest, envelope, index: Arc::new(index) }));
    };
    let there = || (0..8).filter(|number| known.get(&name(), digest(*number)).is_some()).collect::<Vec<u8>>();
    for number in 0..3 {
        keep(number, RELEASES_MAX);
    }
    assert_eq!(there(), [0, 1, 2]);
    let used = known.get(&name(), digest(0)).unwrap();
    known.keep(used);
    keep(3, RELEASES_MAX);
    assert_eq!(there(), [0, 2, 3]);
    keep(4, 1);
    keep(5, 1);
    assert_eq!(there(), [0, 3, 4, 5]);
}
