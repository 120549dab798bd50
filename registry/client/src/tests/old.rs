//! A registry from before version 1.1 of the distribution specification: clients maintain the referrers of a manifest
//! under the tag `sha256-…` ("Referrers Tag Schema"). All attacks run against it too.

use super::kinds;
use super::packages::{Acme, name, submission};
use crate::registry::referrers_tag;
use handoff_package::artifact::{Artifact, IMAGE_INDEX_MEDIA_TYPE, ImageIndex, README_TYPE, SIGNATURE_TYPE};

#[tokio::test]
async fn without_a_referrers_api_referrers_are_kept_under_a_tag() {
    let (rig, acme) = (kinds::old().await, Acme::new());
    let registry = &rig.registry;
    let published = registry.publish(&submission("1.0.0"), acme.author(None)).await.unwrap();
    let subject = published.pin.manifest_digest;
    let bytes = rig.tagged(&referrers_tag(subject)).await;
    let list = ImageIndex::from_json(&bytes, bytes.len()).unwrap();
    let shape: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        (&shape["schemaVersion"], &shape["mediaType"]),
        (&2.into(), &IMAGE_INDEX_MEDIA_TYPE.into()),
        "{shape:#}"
    );
    let kinds = |list: &ImageIndex| {
        list.manifests.iter().filter_map(|entry| entry.artifact_type.clone()).collect::<Vec<String>>()
    };
    assert_eq!(kinds(&list), [SIGNATURE_TYPE, README_TYPE]);
    assert_eq!(registry.readme(&published.pin).await.unwrap().as_deref(), Some("# Leads\n"));
    registry.pull(&published.pin, &acme.trust).await.unwrap();

    // Another client's entry stays, and nothing is listed twice.
    let subject_entry = registry.release_manifest(&published.pin).await.unwrap().descriptor();
    let note = |text: &str| {
        Artifact::about(subject_entry.clone(), "application/vnd.example.note", "text/plain", text.as_bytes().to_vec())
    };
    for note in [note("one"), note("two"), note("one")] {
        registry.put_about(&name(), &note).await.unwrap();
    }
    let bytes = rig.tagged(&referrers_tag(subject)).await;
    let all = kinds(&ImageIndex::from_json(&bytes, bytes.len()).unwrap());
    let note = "application/vnd.example.note";
    assert_eq!(all, [SIGNATURE_TYPE, README_TYPE, note, note]);
    registry.pull(&published.pin, &acme.trust).await.unwrap();
}
