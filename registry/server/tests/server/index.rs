//! The index of a package: what a push needs, and how an administrator sets it back.

use std::fs;

use handoff_package::Digest;
use handoff_package::index::PackageIndex;
use handoff_package::trust::SigningKey;
use handoff_registry_server::{IndexChoice, ResetError, StorageError, reset_index};
use serde_json::{Value, json};

use crate::harness::{EMPTY, IMAGE_MANIFEST, Registry, descriptor, index, send};

const PACKAGE: &str = "acme/x";

fn key() -> SigningKey {
    SigningKey::generate().unwrap()
}

async fn put(registry: &Registry, manifest: &Value) -> crate::harness::Answer {
    registry.put_manifest(PACKAGE, "handoff-index", IMAGE_MANIFEST, manifest).await
}

#[tokio::test]
async fn an_unsigned_index_without_layers_locks_nobody_out() {
    let (registry, acme) = (Registry::start().await, key());
    registry.push_index(PACKAGE, &index(PACKAGE, 9), &acme).await.expect(201);
    registry.push_blob(PACKAGE, b"{}").await;
    for sequence in [u64::MAX, (1 << 53) - 1, 10] {
        for layers in
            [json!([]), json!([descriptor(EMPTY, b"{}")]), json!([descriptor(EMPTY, b"{}"), descriptor(EMPTY, b"{}")])]
        {
            let manifest = json!({
                "schemaVersion": 2,
                "mediaType": IMAGE_MANIFEST,
                "artifactType": "application/vnd.handoff.index.v1+json",
                "config": descriptor(EMPTY, b"{}"),
                "layers": layers,
                "annotations": { "com.handoff.sequence": sequence.to_string() },
            });
            put(&registry, &manifest).await.refused(400, "MANIFEST_INVALID");
        }
        // A number that fits, but far from the one before; and one that no index may have.
        if sequence > 10 {
            let far = registry.push_index(PACKAGE, &index(PACKAGE, sequence), &acme).await;
            assert!(matches!(far.status, 400 | 403), "{}", far.text());
        }
    }
    registry.push_index(PACKAGE, &index(PACKAGE, 10), &acme).await.expect(201);
}

#[tokio::test]
async fn an_index_and_its_manifest_say_the_same() {
    let (registry, acme) = (Registry::start().await, key());
    let good = registry.index_blobs(PACKAGE, &index(PACKAGE, 9), &acme).await;
    let other = registry.index_blobs(PACKAGE, &index(PACKAGE, 8), &acme).await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut manifest = good.clone();
        change(&mut manifest);
        manifest
    };
    let long = vec![b' '; (32 << 10) + 1];
    registry.push_blob(PACKAGE, &long).await;
    registry.push_blob(PACKAGE, b"not an envelope").await;
    let envelope = |bytes: &[u8]| descriptor("application/vnd.dsse.envelope.v1+json", bytes);
    for (manifest, expected) in [
        (
            with(&|manifest| manifest["annotations"]["com.handoff.sequence"] = json!("8")),
            "must have the sequence number",
        ),
        (
            with(&|manifest| manifest["annotations"]["com.handoff.sequence"] = json!("none")),
            "must have the sequence number",
        ),
        (with(&|manifest| manifest["layers"][1] = other["layers"][1].clone()), "not about these bytes"),
        (with(&|manifest| manifest["layers"][1] = envelope(b"not an envelope")), "not a DSSE envelope"),
        (with(&|manifest| manifest["layers"][1] = envelope(&long)), "at most 32768"),
        (with(&|manifest| manifest["layers"][0] = manifest["config"].clone()), "is not an index"),
        (with(&|manifest| manifest["artifactType"] = json!("text/note")), "is not an index"),
        (registry.index_blobs(PACKAGE, &index("acme/y", 9), &acme).await, "the index is that of acme/y"),
        (registry.index_blobs(PACKAGE, &index(PACKAGE, 0), &acme).await, "expected 1 to"),
    ] {
        let text = put(&registry, &manifest).await.refused(400, "MANIFEST_INVALID").text();
        assert!(text.contains(expected), "{text}\n expected {expected}");
    }
    put(&registry, &good).await.expect(201);
    // A mirror has a prefix.
    registry.push_index("mirror/acme/x", &index(PACKAGE, 9), &acme).await.expect(201);
}

#[tokio::test]
async fn the_index_only_moves_forward_by_bounded_steps() {
    let (registry, acme) = (Registry::start().await, key());
    let push = async |sequence| registry.push_index(PACKAGE, &index(PACKAGE, sequence), &acme).await;
    push((1 << 20) + 1).await.refused(403, "DENIED");
    push(9).await.expect(201);
    push(9).await.expect(201);
    push(10).await.expect(201);
    let denied = push(9).await.refused(403, "DENIED");
    assert_eq!(denied.json()["errors"][0]["detail"]["reached"], 10);
    let far = push(10 + (1 << 20) + 1).await.refused(403, "DENIED");
    assert!(far.text().contains("at most 1048576"), "{}", far.text());
    push(10 + (1 << 20)).await.expect(201);
    // It cannot be deleted either, in order to push an older one.
    send(registry.request("DELETE", "/v2/acme/x/manifests/handoff-index")).await.refused(403, "DENIED");
    let current = registry.get("/v2/acme/x/manifests/handoff-index").await.expect(200);
    let digest = Digest::of(&current.bytes);
    send(registry.request("DELETE", &format!("/v2/acme/x/manifests/{digest}"))).await.refused(403, "DENIED");
}

#[tokio::test]
async fn with_known_keys_only_their_publisher_changes_an_index() {
    let (folder, acme, mallory) = (tempfile::tempdir().unwrap(), key(), key());
    let write = |name: &str, key: &SigningKey| fs::write(folder.path().join(name), key.public().to_pem()).unwrap();
    write("acme.pub", &acme);
    fs::write(folder.path().join("notes.txt"), "no key").unwrap();
    let keys = folder.path().to_path_buf();
    let registry = Registry::start_with(move |options| options.publisher_keys = Some(keys.clone())).await;
    let denied = registry.push_index(PACKAGE, &index(PACKAGE, 1), &mallory).await.refused(403, "DENIED");
    assert!(denied.text().contains("not a trusted key of `acme`"), "{}", denied.text());
    registry.push_index("other/x", &index("other/x", 1), &mallory).await.refused(403, "DENIED");
    registry.push_index(PACKAGE, &index(PACKAGE, 1), &acme).await.expect(201);
    // A second key of the same publisher, without a restart.
    write("acme.2027.pub", &mallory);
    registry.push_index(PACKAGE, &index(PACKAGE, 2), &mallory).await.expect(201);

    let mut broken = registry.options();
    broken.data = registry.folder().join("other");
    fs::write(folder.path().join("acme.pub"), "no key").unwrap();
    let error = handoff_registry_server::Server::start(broken).await.unwrap_err().to_string();
    assert!(error.contains("acme.pub") && error.contains("handoff keys show"), "{error}");
}

#[tokio::test]
async fn an_administrator_sets_a_locked_index_back() {
    let (mut registry, acme, mallory) = (Registry::start().await, key(), key());
    let push =
        async |registry: &Registry, sequence, key| registry.push_index(PACKAGE, &index(PACKAGE, sequence), key).await;
    push(&registry, 8, &acme).await.expect(201);
    push(&registry, 9, &acme).await.expect(201);
    let genuine = Digest::of(&registry.get("/v2/acme/x/manifests/handoff-index").await.bytes);
    push(&registry, 500, &mallory).await.expect(201);
    push(&registry, 10, &acme).await.refused(403, "DENIED");
    // A forgery with the number that the administrator will ask for, under its digest alone.
    let forged = PackageIndex { releases: Vec::new(), ..index(PACKAGE, 9) };
    let forged = registry.index_blobs(PACKAGE, &forged, &mallory).await;
    let digest = Digest::of(forged.to_string().as_bytes());
    registry.put_manifest(PACKAGE, &digest.to_string(), IMAGE_MANIFEST, &forged).await.expect(201);

    let reset = |to, reason: &str| reset_index(&registry.data(), PACKAGE, to, reason);
    let running = reset(IndexChoice::Sequence(8), "stolen").unwrap_err();
    assert!(matches!(running, ResetError::Storage(StorageError::Locked(_))), "{running}");
    registry.stop().await;
    let reset = |to, reason: &str| reset_index(&registry.data(), PACKAGE, to, reason);
    assert!(matches!(reset(IndexChoice::Sequence(8), " "), Err(ResetError::Reason)));
    let missing = reset(IndexChoice::Sequence(7), "stolen").unwrap_err().to_string();
    assert!(missing.contains("no index 7") && missing.contains("500 (sha256:"), "{missing}");
    let several = reset(IndexChoice::Sequence(9), "stolen").unwrap_err().to_string();
    assert!(several.contains(&genuine.to_string()) && several.contains(&digest.to_string()), "{several}");
    let done = reset(genuine.to_string().parse().unwrap(), "somebody else pushed 500").unwrap();
    assert_eq!((done.from.unwrap().sequence, done.to.unwrap().manifest), (Some(500), genuine));
    let audit = fs::read_to_string(registry.data().join("audit.jsonl")).unwrap();
    let line: Value = serde_json::from_str(audit.trim_end()).unwrap();
    assert_eq!((&line["action"], &line["reason"]), (&json!("reset-index"), &json!("somebody else pushed 500")));
    assert_eq!((&line["from"]["sequence"], &line["to"]["sequence"]), (&json!(500), &json!(9)));

    registry.start_again().await;
    assert_eq!(Digest::of(&registry.get("/v2/acme/x/manifests/handoff-index").await.expect(200).bytes), genuine);
    push(&registry, 10, &acme).await.expect(201);

    // A package that had no genuine index has none afterwards.
    registry.stop().await;
    reset_index(&registry.data(), PACKAGE, "0".parse().unwrap(), "never published").unwrap();
    registry.start_again().await;
    registry.get("/v2/acme/x/manifests/handoff-index").await.refused(404, "MANIFEST_UNKNOWN");
    push(&registry, 1, &acme).await.expect(201);
}
