//! The rules of publishing: what a manifest requires, versions that never change, deletions.

use crate::harness::{IMAGE_INDEX, IMAGE_MANIFEST, Registry, component, descriptor, send};
use handoff_package::Digest;
use serde_json::{Value, json};

#[tokio::test]
async fn a_manifest_must_match_its_type_and_its_blobs_must_exist() {
    let registry = Registry::start().await;
    let good = registry.artifact("acme/x", b"layer").await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut manifest = good.clone();
        change(&mut manifest);
        manifest
    };
    for (media_type, manifest, code) in [
        ("application/json", good.clone(), "MANIFEST_INVALID"),
        (IMAGE_INDEX, good.clone(), "MANIFEST_INVALID"),
        (IMAGE_MANIFEST, json!("text"), "MANIFEST_INVALID"),
        (IMAGE_MANIFEST, with(&|manifest| manifest["schemaVersion"] = json!(1)), "MANIFEST_INVALID"),
        (IMAGE_MANIFEST, with(&|manifest| manifest["config"] = Value::Null), "MANIFEST_INVALID"),
        (IMAGE_MANIFEST, with(&|manifest| manifest["layers"][0]["digest"] = json!("sha256:00")), "MANIFEST_INVALID"),
        (IMAGE_MANIFEST, with(&|manifest| manifest["layers"][0]["size"] = json!(4)), "SIZE_INVALID"),
        (
            IMAGE_MANIFEST,
            with(&|manifest| manifest["layers"][0] = descriptor("x/y", b"missing")),
            "MANIFEST_BLOB_UNKNOWN",
        ),
        (
            IMAGE_INDEX,
            json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [descriptor(IMAGE_MANIFEST, b"missing")] }),
            "MANIFEST_BLOB_UNKNOWN",
        ),
    ] {
        registry.put_manifest("acme/x", "latest", media_type, &manifest).await.refused(400, code);
    }
    let other = Digest::of(b"other").to_string();
    registry.put_manifest("acme/x", &other, IMAGE_MANIFEST, &good).await.refused(400, "DIGEST_INVALID");
    registry.get("/v2/acme/x/tags/list").await.expect(200).text().contains("\"tags\":[]").then_some(()).unwrap();
}

#[tokio::test]
async fn a_published_version_never_changes_and_cannot_be_deleted() {
    let registry = Registry::start().await;
    let first = registry.publish("acme/x", "1.0.0", b"one").await;
    registry.publish("acme/x", "latest", b"one").await;
    // Pushing the same again changes nothing; another tag may move.
    assert_eq!(registry.publish("acme/x", "1.0.0", b"one").await, first);
    let second = registry.artifact("acme/x", b"two").await;
    registry.put_manifest("acme/x", "latest", IMAGE_MANIFEST, &second).await.expect(201);
    let denied = registry.put_manifest("acme/x", "1.0.0", IMAGE_MANIFEST, &second).await.refused(403, "DENIED");
    assert!(denied.text().contains("publish the next version"), "{}", denied.text());

    let delete = |path: String| registry.request("DELETE", &path);
    send(delete("/v2/acme/x/manifests/1.0.0".to_owned())).await.refused(403, "DENIED");
    send(delete(format!("/v2/acme/x/manifests/{first}"))).await.refused(403, "DENIED");
    send(delete(format!("/v2/acme/x/blobs/{}", Digest::of(b"one")))).await.refused(403, "DENIED");
    let (signature, _) =
        registry.refer("acme/x", &first, "application/vnd.dsse.envelope.v1+json", ("text/plain", b"signed")).await;
    send(delete(format!("/v2/acme/x/manifests/{signature}"))).await.refused(403, "DENIED");
    let (note, _) = registry.refer("acme/x", &first, "text/note", ("text/plain", b"note")).await;
    send(delete(format!("/v2/acme/x/manifests/{note}"))).await.expect(202);

    // What no version uses can be deleted, with its tags; then its blobs.
    let second = Digest::of(second.to_string().as_bytes());
    send(delete(format!("/v2/acme/x/manifests/{second}"))).await.expect(202);
    registry.get("/v2/acme/x/manifests/latest").await.refused(404, "MANIFEST_UNKNOWN");
    send(delete(format!("/v2/acme/x/blobs/{}", Digest::of(b"two")))).await.expect(202);
    assert_eq!(registry.get("/v2/acme/x/tags/list").await.json()["tags"], json!(["1.0.0"]));
    registry.get("/v2/acme/x/manifests/1.0.0").await.expect(200);
}

#[tokio::test]
async fn a_connector_is_published_under_its_own_name_and_version() {
    let registry = Registry::start().await;
    let package = component("acme/web-leads", "1.2.0");
    for (repository, tag, status) in [
        ("acme/web-leads", "1.3.0", 400),
        ("acme/other", "1.2.0", 400),
        ("acme/web-leads", "1.2.0", 201),
        ("mirror/acme/web-leads", "1.2.0", 201),
    ] {
        let manifest = registry.artifact(repository, &package).await;
        let answer = registry.put_manifest(repository, tag, IMAGE_MANIFEST, &manifest).await;
        if status == 400 {
            answer.refused(400, "MANIFEST_INVALID");
        } else {
            answer.expect(status);
        }
    }
}
