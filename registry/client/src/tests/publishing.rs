//! What publishers and hosts do every day.

use super::kinds::rigs;
use super::packages::{Acme, NOW_MS, component, name, submission, version};
use crate::{Author, ClientError, Submission};
use handoff_package::index::{IndexError, Status};
use handoff_package::resolve::{ResolveOptions, resolve};
use handoff_package::trust::{SigningKey, TrustList};

#[tokio::test]
async fn a_published_release_is_found_resolved_and_pulled() {
    for rig in rigs().await {
        let (acme, registry) = (Acme::new(), &rig.registry);
        let missing = registry.index(&name(), &acme.trust, None).await;
        assert!(matches!(missing, Err(ClientError::NoSuchPackage { .. })), "{missing:?}");

        let first = registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        let second = registry.publish(&submission("1.1.0"), acme.author(Some(&first.index.seen))).await.unwrap();
        assert_eq!((second.index.index.sequence, second.already), (2, false));

        let index = registry.index(&name(), &acme.trust, Some(&first.index.seen)).await.unwrap();
        assert_eq!(index, second.index);
        let chosen = resolve(&index.index, &"1".parse().unwrap(), &ResolveOptions::default()).unwrap();
        assert_eq!(chosen.pin, second.pin);
        let pulled = registry.pull(&chosen.pin, &acme.trust).await.unwrap();
        assert_eq!(pulled.bytes, component("1.1.0", "Leads"));
        assert_eq!(pulled.signer.key_id, acme.key.public().id());
        assert_eq!(pulled.manifest_digest, chosen.pin.manifest_digest);

        assert_eq!(registry.versions(&name()).await.unwrap(), [version("1.0.0"), version("1.1.0")]);
        assert_eq!(registry.readme(&chosen.pin).await.unwrap().as_deref(), Some("# Leads\n"));
        assert_eq!(registry.changes(&chosen.pin).await.unwrap().unwrap(), "What is new in 1.1.0\n\nMuch.");
        let release = index.index.release(&version("1.1.0")).unwrap();
        assert_eq!(release.changes.as_ref().unwrap().as_str(), "What is new in 1.1.0");

        let found = registry.search("LEADS reads", None).await.unwrap();
        assert_eq!((found.packages.len(), found.next), (1, None));
        assert_eq!((&found.packages[0].package, &found.packages[0].version), (&name(), &version("1.1.0")));
        assert!(registry.search("leads nothing", None).await.unwrap().packages.is_empty());
    }
}

#[tokio::test]
async fn a_version_is_published_once_and_never_changes() {
    for rig in rigs().await {
        let (acme, registry) = (Acme::new(), &rig.registry);
        let first = registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        let again = registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        assert!(again.already && again.index == first.index && again.pin == first.pin);
        let other = Submission { component: component("1.0.0", "Other"), ..submission("1.0.0") };
        let refused = registry.publish(&other, acme.author(None)).await;
        assert!(matches!(refused, Err(ClientError::Index(IndexError::Published { .. }))), "{refused:?}");
        assert_eq!(registry.pull(&first.pin, &acme.trust).await.unwrap().bytes, component("1.0.0", "Leads"));
    }
}

#[tokio::test]
async fn a_yank_and_a_recall_are_permanent() {
    for rig in rigs().await {
        let (acme, registry) = (Acme::new(), &rig.registry);
        let published = registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        let (name, version) = (name(), version("1.0.0"));
        let note = || "Loses leads.".parse().unwrap();
        let mut seen = published.index.seen;
        for (status, sequence) in [
            (Status::Deprecated { note: note() }, 2),
            (Status::Active, 3),
            (Status::Yanked { note: note() }, 4),
            (Status::Yanked { note: note() }, 4),
            (Status::Recalled { note: note() }, 5),
        ] {
            let changed = registry.set_status(&name, &version, &status, acme.author(Some(&seen))).await.unwrap();
            assert_eq!((changed.index.sequence, &changed.index.releases[0].status), (sequence, &status));
            seen = changed.seen;
        }
        let refused = registry.set_status(&name, &version, &Status::Active, acme.author(Some(&seen))).await;
        assert!(matches!(refused, Err(ClientError::Index(IndexError::Final { is: "recalled", .. }))), "{refused:?}");
        // Hosts that have it pinned can still pull it.
        assert!(registry.pull(&published.pin, &acme.trust).await.is_ok());
    }
}

#[tokio::test]
async fn concurrent_publishers_do_not_lose_each_others_releases() {
    for rig in rigs().await {
        let (acme, registry) = (Acme::new(), &rig.registry);
        registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        let versions = ["1.1.0", "1.2.0", "1.3.0", "1.4.0"];
        let submissions = versions.map(submission);
        let all = submissions.iter().map(|submission| registry.publish(submission, acme.author(None)));
        for published in futures_util::future::join_all(all).await {
            published.unwrap();
        }
        let index = registry.index(&name(), &acme.trust, None).await.unwrap().index;
        let mut listed: Vec<String> = index.releases.iter().map(|release| release.version.to_string()).collect();
        listed.sort();
        assert_eq!(listed, ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"]);
        assert_eq!(index.sequence, 5);
    }
}

#[tokio::test]
async fn an_interrupted_publish_shows_nothing_and_can_be_resumed() {
    for rig in rigs().await {
        let (acme, registry) = (Acme::new(), &rig.registry);
        let submitted = submission("1.0.0");
        let package = handoff_package::Package::read(&submitted.component).unwrap();
        let pin = registry.put_release(&package, &submitted, acme.author(None), &acme.trust).await.unwrap();
        let hidden = registry.index(&name(), &acme.trust, None).await;
        assert!(matches!(hidden, Err(ClientError::Unlisted { .. })), "{hidden:?}");
        let looked = registry.unverified_index(&name()).await.unwrap_err().to_string();
        assert!(looked.contains("no signed list") && looked.contains("oras cp -r"), "{looked}");

        let mut later = acme.author(None);
        later.at_ms = NOW_MS + 3_600_000;
        let published = registry.publish(&submitted, later).await.unwrap();
        assert_eq!((published.pin.manifest_digest, published.already), (pin.manifest_digest, false));
        assert!(registry.pull(&published.pin, &acme.trust).await.is_ok());
    }
}

#[tokio::test]
async fn a_publisher_continues_with_the_next_key() {
    for rig in rigs().await {
        let (mut acme, registry) = (Acme::new(), &rig.registry);
        registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        acme.key = SigningKey::generate().unwrap();
        // Without the earlier key nothing proves that the list is the publisher's; `trust add` is advice for hosts.
        let alone = Author { trust: &TrustList::default(), ..acme.author(None) };
        let told = registry.publish(&submission("1.1.0"), alone).await.unwrap_err().to_string();
        assert!(told.contains("--earlier-key") && !told.contains("trust add"), "{told}");
        let published = registry.publish(&submission("1.1.0"), acme.author(None)).await.unwrap();
        // A host that does not know the new key refuses; a host that does accepts both.
        let refused = registry.index(&name(), &acme.trust, None).await.unwrap_err().to_string();
        assert!(refused.contains("not a trusted key of `acme`"), "{refused}");
        acme.trust.add(&"acme".parse().unwrap(), acme.key.public(), NOW_MS).unwrap();
        let index = registry.index(&name(), &acme.trust, None).await.unwrap();
        assert_eq!(index.index.releases.len(), 2);
        for version in ["=1.0.0", "=1.1.0"] {
            let chosen = resolve(&index.index, &version.parse().unwrap(), &ResolveOptions::default()).unwrap();
            registry.pull(&chosen.pin, &acme.trust).await.unwrap();
        }
        assert_eq!(published.index, index);
    }
}

#[tokio::test]
async fn a_new_signature_restores_a_release_of_a_revoked_key() {
    for rig in rigs().await {
        let (acme, registry) = (Acme::new(), &rig.registry);
        let first = registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
        let publisher = "acme".parse().unwrap();
        let next = SigningKey::generate().unwrap();
        let mut host = acme.trust.clone();
        host.add(&publisher, next.public(), NOW_MS).unwrap();
        assert!(host.revoke("acme", &acme.key.public().id(), NOW_MS, "stolen"));
        let refused = registry.pull(&first.pin, &host).await.unwrap_err().to_string();
        assert!(refused.contains("publish the same file again with a valid key"), "{refused}");

        // The change note need not be repeated.
        let again = Submission { changes: None, ..submission("1.0.0") };
        let author = Author { key: &next, ..acme.author(Some(&first.index.seen)) };
        let signed = registry.publish(&again, author).await.unwrap();
        assert!(signed.already && signed.signature_added && signed.pin == first.pin, "{signed:?}");
        let index = registry.index(&name(), &host, None).await.unwrap();
        assert_eq!((index.index.sequence, index.signer.key_id), (2, next.public().id()));
        let pulled = registry.pull(&first.pin, &host).await.unwrap();
        assert_eq!(pulled.signer.key_id, next.public().id());
        // Hosts that trust the first key still accept its signature, and a third publish adds nothing.
        assert_eq!(registry.pull(&first.pin, &acme.trust).await.unwrap().signer.key_id, acme.key.public().id());
        let third = registry.publish(&again, Author { seen: Some(&index.seen), ..author }).await.unwrap();
        assert!(third.already && !third.signature_added && third.index.index.sequence == 2, "{third:?}");
    }
}
