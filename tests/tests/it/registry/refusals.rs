//! Unverified packages are refused: another key, changed bytes, an older index, a revoked key.

use std::fs;
use std::path::{Path, PathBuf};

use handoff_tests::harness::{component, eventually};

use super::server::{Registry, folder_registry};
use super::{host_with, install, new_publisher, newer, publish, trust, warnings};

/// All files in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() { all.extend(files(&entry.path())) } else { all.push(entry.path()) }
    }
    all
}

fn packages_kept(host: &handoff_tests::harness::TestHost) -> usize {
    fs::read_dir(host.folder().join("data/packages")).expect("a folder").count()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

#[tokio::test]
async fn foreign_keys_and_changed_bytes_are_refused() {
    let registry = folder_registry();
    let host = host_with(&registry, "").await;
    new_publisher(&host).await;
    host.cli(&["keys", "new", "--key", "other.pem"]).await.ok();
    host.cli(&["keys", "new", "--key", "other.pem"]).await.exits(1).says(&["never replaced"]);
    let other = host.cli(&["keys", "show", "--key", "other.pem"]).await.ok().stdout;
    fs::write(host.folder().join("other.pub"), other).expect("written");
    publish(&host, &component("identity")).await;

    host.cli(&["trust", "add", "handoff", "other.pub"]).await.ok();
    install(&host, &["handoff/identity"]).await.exits(5).says(&["not a trusted key of `handoff`"]);
    host.cli(&["trust", "add", "handoff", "key.pem"]).await.exits(6).says(&["private key"]);
    // Another person cannot extend the publisher's index either.
    let package = newer(&host, "1.1.0").display().to_string();
    let refused = host.cli(&["publish", &package, "--key", "other.pem"]).await.exits(5);
    refused.says(&["not with your key", "--earlier-key"]);
    trust(&host).await;

    let size = fs::metadata(component("identity")).expect("the package").len();
    let is_component = |path: &PathBuf| fs::metadata(path).is_ok_and(|facts| facts.len() == size);
    let blob = files(registry.folder()).into_iter().find(is_component).expect("the component's blob");
    let good = fs::read(&blob).expect("the blob");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    for (bytes, word) in [(&bad[..], "was changed"), (&good[..good.len() / 2], "cut off")] {
        fs::remove_file(&blob).expect("removed");
        fs::write(&blob, bytes).expect("written");
        install(&host, &["handoff/identity"]).await.exits(5).says(&[word]);
        assert_eq!(packages_kept(&host), 0, "{word}");
    }
    fs::write(&blob, &good).expect("written");
    install(&host, &["handoff/identity"]).await.ok();
}

#[tokio::test]
async fn an_older_index_is_refused() {
    let registry = folder_registry();
    let host = host_with(&registry, "").await;
    new_publisher(&host).await;
    trust(&host).await;
    publish(&host, &component("identity")).await;
    let older = registry.folder().join("older");
    copy(Path::new(registry.url()), &older);
    publish(&host, &newer(&host, "1.1.0")).await;
    install(&host, &["handoff/identity"]).await.ok().says(&["1.1.0"]);

    // As if somebody replaced today's copy with yesterday's.
    fs::remove_dir_all(registry.url()).expect("removed");
    copy(&older, Path::new(registry.url()));
    install(&host, &["second", "handoff/identity"]).await.exits(5).says(&["older list"]);
    let told = eventually("an incident", || async {
        let incidents = host.cli_json(&["incidents"]).await;
        incidents["incidents"].as_array()?.iter().find(|incident| incident["kind"] == "list-refused").cloned()
    })
    .await;
    let message = told["message"].as_str().unwrap_or_default();
    assert!(message.contains("handoff/identity") && message.contains("older list"), "{told:#}");
    host.cli(&["status"]).await.exits(1).says(&["nothing is heard of recalls"]);
    // The publisher refuses to build on it too.
    let package = newer(&host, "1.2.0").display().to_string();
    host.cli(&["publish", &package, "--key", "key.pem"]).await.exits(5).says(&["older list"]);
}

#[tokio::test]
async fn a_revoked_key_blocks_installs_and_is_reported() {
    let registry = folder_registry();
    let host = host_with(&registry, "").await;
    new_publisher(&host).await;
    trust(&host).await;
    let first = publish(&host, &component("identity")).await;
    install(&host, &["handoff/identity"]).await.ok();
    let report = host.cli_json(&["trust", "revoke", "handoff", "--reason", "the key was stolen"]).await;
    assert_eq!(report["affected"], serde_json::json!(["identity"]), "{report:#}");
    host.cli(&["trust", "list"]).await.ok().says(&["revoked", "the key was stolen"]);

    let told = warnings(&host, "identity").await;
    assert_eq!(told[0]["kind"], "key-revoked", "{told:#?}");
    // Neither from the registry nor from the host's store.
    install(&host, &["second", "handoff/identity"]).await.exits(5).says(&["revoked", "the key was stolen"]);
    let digest = first["digest"].as_str().expect("a digest");
    install(&host, &["second", "--digest", digest]).await.exits(5).says(&["revoked"]);
    // A running installation may still be reconfigured, and the key does not become valid again.
    install(&host, &["identity", "--digest", digest]).await.ok();
    host.cli(&["trust", "add", "handoff", "handoff.pub"]).await.exits(5).says(&["stays revoked"]);

    // A key that a trusted one introduced would be a different case.
    host.cli(&["keys", "new", "--key", "next.pem"]).await.ok();
    let next = ["keys", "next", "next.pem", "--publisher", "handoff", "--key", "key.pem"];
    let statement = host.cli(&next).await.ok().stdout;
    fs::write(host.folder().join("next.json"), statement).expect("written");
    host.cli(&["trust", "add", "handoff", "next.json"]).await.exits(5).says(&["revoked"]);

    // The publisher signs the same bytes with a valid key, and they can be installed again.
    host.cli(&["keys", "new", "--key", "good.pem"]).await.ok();
    let public = host.cli(&["keys", "show", "--key", "good.pem"]).await.ok().stdout;
    fs::write(host.folder().join("good.pub"), public).expect("written");
    host.cli(&["trust", "add", "handoff", "good.pub"]).await.ok();
    let package = component("identity").display().to_string();
    host.cli(&["publish", &package, "--key", "good.pem"]).await.exits(5).says(&["--earlier-key"]);
    let again = ["publish", &package, "--key", "good.pem", "--earlier-key", "handoff.pub"];
    host.cli(&again).await.ok().says(&["added a signature to handoff/identity 1.0.0"]);
    host.cli(&again).await.ok().says(&["nothing was changed"]);
    install(&host, &["second", "handoff/identity"]).await.ok().says(&["signed by handoff"]);
}

#[tokio::test]
async fn a_host_can_require_signatures_for_files() {
    let registry = folder_registry();
    let host = host_with(&registry, "[trust]\nrequire-signature-for-files = true\n").await;
    new_publisher(&host).await;
    trust(&host).await;
    let file = component("identity").display().to_string();
    install(&host, &["identity", &file]).await.exits(5).says(&["require-signature-for-files"]);
    publish(&host, &component("identity")).await;
    install(&host, &["handoff/identity"]).await.ok();
    // The same bytes, which were installed with a signature before.
    install(&host, &["identity", &file]).await.ok();
}

#[tokio::test]
async fn unreachable_and_unconfigured_registries_differ() {
    let registry = Registry::nowhere();
    let host = host_with(&registry, "").await;
    install(&host, &["handoff/identity"]).await.exits(1).says(&["cannot reach"]);
    install(&host, &["handoff/identity", "--registry", "mian"]).await.exits(6).says(&["[registries.mian]", "main"]);
    install(&host, &["handoff/identity@latest"]).await.exits(2).says(&["requirement"]);
    host.cli(&["search", "x", "--registry", "http://registry.example.com"]).await.exits(6).says(&["use https"]);
    host.cli(&["publish", &component("identity").display().to_string()]).await.exits(6).says(&["handoff keys new"]);
    fs::write(host.folder().join("loose.pem"), "x").expect("written");
    host.cli(&["keys", "show", "--key", "loose.pem"]).await.exits(6).says(&["others can read"]);
}
