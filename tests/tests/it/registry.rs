//! Packages from a registry: published, trusted, installed, upgraded, withdrawn; unverified packages are refused.

mod age;
mod choices;
mod failure_counts;
mod lock;
mod login;
mod refusals;
mod server;

use std::path::{Path, PathBuf};

use handoff_tests::harness::{TestHost, component, eventually, identity, restamped, restamped_with};
use serde_json::Value;

use server::{Registry, folder_registry, served_registry};

/// A host with a registry that checks for recalls every second, and a publisher's key.
pub(crate) async fn host_with(registry: &Registry, more: &str) -> TestHost {
    let sections = format!("[registries.main]\nurl = \"{}\"\n\n[recalls]\nevery-s = 1\n\n{more}", registry.url());
    TestHost::new().config(&sections).start().await
}

/// Creates the publisher's key in the host's folder.
pub(crate) async fn new_publisher(host: &TestHost) {
    let made = host.cli_json(&["keys", "new", "--key", "key.pem"]).await;
    assert!(made["keyId"].as_str().is_some_and(|id| id.starts_with("sha256:")), "{made:#}");
    let public = host.cli(&["keys", "show", "--key", "key.pem"]).await.ok().stdout;
    assert!(public.starts_with("-----BEGIN PUBLIC KEY"), "{public}");
    std::fs::write(host.folder().join("handoff.pub"), public).expect("written");
}

pub(crate) async fn trust(host: &TestHost) {
    host.cli(&["trust", "add", "handoff", "handoff.pub", "--reason", "met in person"]).await.ok();
}

/// Publishes a file with the key of the host's folder.
pub(crate) async fn publish(host: &TestHost, package: &Path) -> Value {
    let package = package.display().to_string();
    host.cli_json(&["publish", &package, "--key", "key.pem", "--changes", "said in a test"]).await
}

pub(crate) fn newer(host: &TestHost, version: &str) -> PathBuf {
    restamped("identity", version, host.folder())
}

/// Installs from the registry with the example settings of `identity`.
pub(crate) async fn install(host: &TestHost, words: &[&str]) -> handoff_tests::harness::CliOutput {
    let settings = host.write_settings("identity", &identity());
    host.cli(&[&["install"], words, &["-s", &settings, "--yes"]].concat()).await
}

async fn warnings(host: &TestHost, name: &str) -> Vec<Value> {
    let list = host.cli_json(&["list"]).await;
    let installations = list["installations"].as_array().cloned().unwrap_or_default();
    let own = installations.into_iter().find(|one| one["name"] == name).unwrap_or_default();
    own["warnings"].as_array().cloned().unwrap_or_default()
}

/// From a new publisher to a recall. The same for every kind of registry.
async fn whole_way(registry: Registry) {
    let host = host_with(&registry, "").await;
    new_publisher(&host).await;
    let first = publish(&host, &component("identity")).await;
    assert_eq!((&first["version"], &first["sequence"]), (&"1.0.0".into(), &1.into()), "{first:#}");

    // No publisher is trusted yet: nothing is stored, so nothing can have been compiled.
    install(&host, &["handoff/identity"]).await.exits(5).says(&["is not trusted", "handoff trust add handoff"]);
    assert_eq!(std::fs::read_dir(host.folder().join("data/packages")).expect("a folder").count(), 0);
    trust(&host).await;
    install(&host, &["handoff/identity"]).await.ok().says(&["signed by handoff", "identity", "1.0.0"]);
    let history = host.cli_json(&["history", "identity"]).await;
    let made = &history["generations"][0];
    assert_eq!(made["signer"]["publisher"], "handoff", "{history:#}");
    assert!(made.to_string().contains("\"main\""), "{history:#}");

    let second = publish(&host, &newer(&host, "1.1.0")).await;
    assert_eq!(publish(&host, &newer(&host, "1.1.0")).await["already"], true);
    host.cli(&["search", "customer"]).await.ok().says(&["handoff/identity", "1.1.0"]);
    let info = host.cli_json(&["info", "handoff/identity"]).await;
    assert_eq!((&info["chosen"], &info["changes"]), (&"1.1.0".into(), &"said in a test".into()), "{info:#}");
    // A full version means exactly that version.
    host.cli(&["upgrade", "identity", "1.0.0"]).await.ok().says(&["nothing to do", "1.0.0"]);
    host.cli(&["shadow", "identity", "1.1.0", "--last", "1"]).await.ok().says(&["1.1.0"]);
    assert_eq!(info["releases"].as_array().map(Vec::len), Some(2), "{info:#}");
    let one = host.cli_json(&["info", "handoff/identity@=1.0.0"]).await;
    assert_eq!((one["releases"].as_array().map(Vec::len), &one["chosen"]), (Some(1), &"1.0.0".into()), "{one:#}");
    assert!(one["offer"]["asks"].to_string().contains("com.handoff.lead.received.v1"), "{one:#}");
    assert!(one["offer"]["config"][0]["field"].is_string(), "{one:#}");
    for missing in [&["info", "handoff/identity@^9"][..], &["upgrade", "identity", "=9.9.9"]] {
        host.cli(missing).await.exits(3).says(&["there is no version of handoff/identity"]);
    }
    let exact = ["yank", "handoff/identity@9.9.9", "--key", "key.pem", "--reason", "x"];
    host.cli(&exact).await.exits(3).says(&["there is no version 9.9.9"]);
    host.cli(&["upgrade", "identity", "^1"]).await.ok().says(&["1.1.0"]);
    let shown = host.cli_json(&["show", "identity"]).await;
    assert_eq!((&shown["version"], &shown["generations"][0]["digest"]), (&"1.1.0".into(), &second["digest"]));

    withdrawn(&host).await;
    assert!(!host.log().contains("nothing about recalls"), "{}", host.log());
}

/// Withdraws version 1.1.0 and checks the effects on installations.
async fn withdrawn(host: &TestHost) {
    let reason = ["--key", "key.pem", "--reason", "merges strangers"];
    let exact = "handoff/identity@1.1.0";
    host.cli(&[&["deprecate", exact][..], &reason].concat()).await.ok();
    install(host, &["warned", "handoff/identity", "--dry-run"]).await.ok().says(&["is deprecated: merges strangers"]);
    host.cli(&["deprecate", exact, "--undo", "--key", "key.pem"]).await.ok();
    host.cli(&[&["yank", exact][..], &reason].concat()).await.ok();
    install(host, &["careful", "handoff/identity@^1"]).await.ok().says(&["1.0.0"]);
    install(host, &["eager", "handoff/identity@~1.1"]).await.exits(5).says(&["yanked", "merges strangers", "=1.1.0"]);
    // Who depends on exactly this version keeps it, with a warning.
    let pinned = install(host, &["pinned", "handoff/identity@=1.1.0", "--dry-run"]).await.ok();
    pinned.says(&["1.1.0", "yanked: merges strangers"]);
    assert_eq!(warnings(host, "identity").await, Vec::<Value>::new(), "a yank must not cause a warning");

    host.cli(&[&["recall", exact][..], &reason].concat()).await.ok();
    let told = eventually("a warning about the recall", || async {
        let warnings = warnings(host, "identity").await;
        (!warnings.is_empty()).then_some(warnings)
    });
    let told = told.await;
    assert_eq!((&told[0]["kind"], &told[0]["command"]), (&"recalled".into(), &"handoff rollback identity".into()));
    for (command, code) in [(&["list"][..], 0), (&["show", "identity"], 0), (&["status"], 1)] {
        host.cli(command).await.exits(code).says(&["recalled", "merges strangers", "handoff rollback identity"]);
    }
    let status = host.status().await;
    assert_eq!(
        (&status["incidents"][0]["kind"], status["incidents"].as_array().map(Vec::len)),
        (&"recall".into(), Some(1))
    );
    // A rollback is a person's decision.
    assert_eq!(host.cli_json(&["show", "identity"]).await["version"], "1.1.0");
    host.cli(&["rollback", "identity", "--reason", "recalled"]).await.ok().says(&["1.0.0"]);
    assert_eq!(warnings(host, "identity").await, Vec::<Value>::new());
    let shown = host.cli_json(&["show", "identity"]).await;
    let digest = shown["generations"][1]["digest"].as_str().expect("a digest").to_owned();
    install(host, &["late", "--digest", &digest]).await.exits(5).says(&["recalled", "--force"]);
    host.cli(&[&["yank", exact][..], &reason].concat()).await.exits(5).says(&["cannot be undone"]);

    let audit = host.cli_json(&["audit", "--limit", "1000"]).await;
    let entries = audit["entries"].as_array().cloned().unwrap_or_default();
    for action in ["trust-add", "recall-noticed", "incident"] {
        assert!(entries.iter().any(|entry| entry["action"] == action), "{action} is missing: {audit:#}");
    }
}

#[tokio::test]
async fn a_breaking_change_is_published_as_a_major_version_only() {
    let host = host_with(&folder_registry(), "").await;
    new_publisher(&host).await;
    publish(&host, &component("identity")).await;
    let breaking = |version: &str| {
        let change = |manifest: &mut Value| {
            let emits = manifest["events"]["emits"].as_array_mut().expect("a list");
            emits.truncate(emits.len() - 1);
            manifest["config"]["schema"]["required"] = vec!["region"].into();
        };
        restamped_with("identity", version, host.folder(), change).display().to_string()
    };
    let minor = breaking("1.1.0");
    let args = ["publish", &minor, "--key", "key.pem"];
    let refused = host.cli(&args).await.exits(5);
    refused.says(&["events.emits has `com.handoff.", "config.region is required now", "nothing was published"]);
    let info = host.cli_json(&["info", "handoff/identity"]).await;
    assert_eq!(info["releases"].as_array().map(Vec::len), Some(1), "{info:#}");
    host.cli(&["publish", &breaking("2.0.0"), "--key", "key.pem"]).await.ok();
    host.cli(&[&args[..], &["--breaking"]].concat()).await.ok();
}

#[tokio::test]
async fn the_life_cycle_of_a_version_works_with_a_folder() {
    whole_way(folder_registry()).await;
}

#[tokio::test]
async fn the_life_cycle_of_a_version_works_with_a_registry_server() {
    whole_way(served_registry().await).await;
}
