//! The data on disk: the index is rebuilt, damage is found, only garbage is removed.

use std::fs;
use std::time::{Duration, SystemTime};

use handoff_package::Digest;
use handoff_registry_server::{GcOptions, Server, ServerError, StorageError, gc, verify};

use crate::harness::{IMAGE_MANIFEST, Registry, bytes, component, send};

const NOW: GcOptions = GcOptions { dry_run: false, grace: Duration::ZERO };

/// Makes every file two days old.
fn age(folder: &std::path::Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path);
        } else {
            let then = SystemTime::now() - Duration::from_secs(2 * 86_400);
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_times(fs::FileTimes::new().set_modified(then))
                .unwrap();
        }
    }
}

#[tokio::test]
async fn the_index_is_rebuilt_from_the_files_after_any_damage() {
    let mut registry = Registry::start().await;
    let manifest = registry.artifact("acme/web-leads", &component("acme/web-leads", "1.0.0")).await;
    registry.put_manifest("acme/web-leads", "1.0.0", IMAGE_MANIFEST, &manifest).await.expect(201);
    let subject = Digest::of(manifest.to_string().as_bytes());
    registry.refer("acme/web-leads", &subject, "test/note", ("text/plain", b"note")).await;
    let paths = [
        "/v2/_catalog",
        "/v2/acme/web-leads/tags/list",
        &format!("/v2/acme/web-leads/referrers/{subject}"),
        "/v1/search?q=leads",
    ];
    let mut before = Vec::new();
    for path in paths {
        before.push(registry.get(path).await.expect(200).text());
    }
    for damage in ["none", "no mark", "gone", "torn"] {
        registry.stop().await;
        let index = registry.data().join("index");
        match damage {
            "no mark" => fs::remove_file(registry.data().join("index.clean")).unwrap(),
            "gone" => fs::remove_dir_all(index).unwrap(),
            "torn" => fs::write(index.join("conf"), "torn").unwrap(),
            _ => {}
        }
        registry.start_again().await;
        for (path, expected) in paths.iter().zip(&before) {
            assert_eq!(&registry.get(path).await.expect(200).text(), expected, "{damage}");
        }
        // And the rules that use it still apply.
        let blob = Digest::of(&component("acme/web-leads", "1.0.0"));
        send(registry.request("DELETE", &format!("/v2/acme/web-leads/blobs/{blob}"))).await.refused(403, "DENIED");
    }
}

#[tokio::test]
async fn verify_finds_damage_and_a_push_repairs_it() {
    let registry = Registry::start().await;
    let layer = bytes(10_000, 5);
    let digest = registry.publish("acme/x", "1.0.0", &layer).await;
    registry.publish("acme/y", "1.0.0", b"sound").await;
    let data = registry.data();
    let report = verify(&data).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.repositories, report.manifests, report.tags, report.contents), (2, 2, 2, 5));

    let path = registry.content_path(&Digest::of(&layer));
    let mut flipped = layer.clone();
    flipped[5_000] ^= 1;
    fs::write(&path, &flipped).unwrap();
    let report = verify(&data).unwrap();
    assert_eq!(report.fault_count, 1, "{report:?}");
    assert_eq!(report.faults[0].what, Digest::of(&layer).to_string());

    fs::remove_file(&path).unwrap();
    let manifest = registry.content_path(&digest);
    let content = fs::read(&manifest).unwrap();
    fs::write(&manifest, &content[..content.len() / 2]).unwrap();
    let report = verify(&data).unwrap();
    let faults: Vec<&str> = report.faults.iter().map(|fault| fault.what.as_str()).collect();
    assert_eq!(
        faults,
        [digest.to_string(), format!("acme/x@{}", Digest::of(&layer)), format!("acme/x@{digest}")],
        "{report:?}"
    );
    // Only undamaged content is served.
    registry.get("/v2/acme/x/manifests/1.0.0").await.refused(500, "UNKNOWN");
    registry.get(&format!("/v2/acme/x/blobs/{}", Digest::of(&layer))).await.refused(404, "BLOB_UNKNOWN");

    fs::write(&manifest, &content).unwrap();
    registry.push_blob("acme/x", &layer).await;
    assert!(verify(&data).unwrap().is_sound());
    registry.get("/v2/acme/x/manifests/1.0.0").await.expect(200);
}

#[tokio::test]
async fn only_garbage_is_removed() {
    let mut registry = Registry::start().await;
    let kept = registry.publish("acme/x", "1.0.0", b"kept").await;
    registry.refer("acme/x", &kept, "test/note", ("text/plain", b"note")).await;
    let unused = registry.push_blob("acme/x", b"unused").await;
    registry.push_blob("acme/x", b"shared").await;
    registry.publish("acme/y", "latest", b"shared").await;
    let deleted = registry.publish("acme/z", "latest", b"deleted").await;
    send(registry.request("DELETE", &format!("/v2/acme/z/manifests/{deleted}"))).await.expect(202);
    let all = verify(&registry.data()).unwrap().contents;

    // Recent files are not garbage.
    let day = GcOptions { dry_run: false, grace: Duration::from_secs(86_400) };
    assert_eq!(registry.server().gc(day).await.unwrap().contents_removed, 0);
    age(&registry.data().join("blobs"));
    age(&registry.data().join("repositories"));
    let young = registry.push_blob("acme/x", b"young").await;
    let dry = registry.server().gc(GcOptions { dry_run: true, ..day }).await.unwrap();
    assert_eq!((dry.blobs_unlinked, dry.contents_removed), (4, 3), "{dry:?}");
    assert_eq!(verify(&registry.data()).unwrap().contents, all + 1);
    let swept = registry.server().gc(day).await.unwrap();
    assert_eq!((swept.blobs_unlinked, swept.contents_removed), (4, 3), "{swept:?}");
    for gone in [unused, Digest::of(b"deleted"), deleted] {
        assert!(!registry.content_path(&gone).exists(), "{gone}");
    }
    registry.get(&format!("/v2/acme/x/blobs/{young}")).await.expect(200);
    registry.get(&format!("/v2/acme/x/blobs/{}", Digest::of(b"shared"))).await.refused(404, "BLOB_UNKNOWN");
    let report = verify(&registry.data()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert!(matches!(gc(&registry.data(), NOW), Err(StorageError::Locked(_))));
    registry.stop().await;
    assert_eq!(
        gc(&registry.data(), NOW).unwrap().blobs_unlinked,
        1,
        "without a grace time the recent blob is removed too"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gc_without_grace_during_pushes_breaks_no_package() {
    let registry = Registry::start().await;
    let sweeps = async {
        for _ in 0..40 {
            registry.server().gc(NOW).await.unwrap();
        }
    };
    let pushes = async {
        let mut published = 0;
        for number in 0..60_u64 {
            // The same layer again and again: placed, removed, placed, mounted.
            let layer = bytes(2_000, number % 3);
            registry.push_blob("acme/a", &layer).await;
            let mount = format!("/v2/acme/b/blobs/uploads/?mount={}&from=acme/a", Digest::of(&layer));
            send(registry.request("POST", &mount)).await;
            let manifest = registry.artifact("acme/a", &layer).await;
            let answer = registry.put_manifest("acme/a", &format!("1.0.{number}"), IMAGE_MANIFEST, &manifest).await;
            // Without a grace time a blob may be removed before its manifest arrives; then the push fails with a
            // reason.
            match answer.status {
                201 => published += 1,
                _ => drop(answer.refused(400, "MANIFEST_BLOB_UNKNOWN")),
            }
        }
        published
    };
    let ((), published) = tokio::join!(sweeps, pushes);
    let report = verify(&registry.data()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert!(published > 0);
}

#[tokio::test]
async fn a_data_folder_belongs_to_one_registry_process() {
    let registry = Registry::start().await;
    let again = Server::start(registry.options()).await.unwrap_err();
    assert!(matches!(again, ServerError::Storage(StorageError::Locked(_))), "{again}");
    let mut options = registry.options();
    options.data = registry.folder().join("other");
    fs::create_dir_all(&options.data).unwrap();
    fs::write(options.data.join("letter.txt"), "dear").unwrap();
    let other = Server::start(options).await.unwrap_err();
    assert!(matches!(other, ServerError::Storage(StorageError::NotARegistry(_))), "{other}");
    assert!(matches!(verify(registry.folder()), Err(StorageError::NoRegistry(_))));
    assert!(matches!(verify(&registry.folder().join("nowhere")), Err(StorageError::NoRegistry(_))));

    // A folder that clients use without a server is recognized and left alone.
    let folder = registry.folder().join("packages");
    fs::create_dir_all(folder.join("acme/leads")).unwrap();
    fs::write(folder.join("acme/leads/oci-layout"), "{}").unwrap();
    let told = verify(&folder).unwrap_err();
    assert!(matches!(told, StorageError::FolderRegistry(_)) && told.to_string().contains("without a server"), "{told}");
    assert!(matches!(gc(&folder, NOW), Err(StorageError::FolderRegistry(_))));
    let mut options = registry.options();
    options.data.clone_from(&folder);
    let refused = Server::start(options).await.unwrap_err();
    assert!(matches!(refused, ServerError::Storage(StorageError::FolderRegistry(_))), "{refused}");
    assert_eq!(fs::read_dir(&folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(), 1);
}

#[tokio::test]
async fn stray_files_do_not_stop_garbage_collection() {
    let mut registry = Registry::start().await;
    registry.publish("acme/x", "1.0.0", b"kept").await;
    registry.push_blob("acme/x", b"unused").await;
    registry.stop().await;
    // Content that was placed this very moment stays.
    age(&registry.data().join("blobs"));
    for stray in ["blobs/sha256/.DS_Store", "blobs/sha256/ab", "repositories/notes.txt", "uploads/notes.txt"] {
        let path = registry.data().join(stray);
        if !path.exists() {
            fs::write(path, "stray").unwrap();
        }
    }
    assert!(verify(&registry.data()).unwrap().is_sound());
    assert_eq!(gc(&registry.data(), NOW).unwrap().contents_removed, 1);
    assert!(registry.data().join("repositories/notes.txt").exists());
}
