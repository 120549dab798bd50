//! A whole host as a file: the same bytes on another host, and nothing to do the second time.

use std::fs;

use handoff_tests::harness::{TestHost, component, web_leads};
use serde_json::Value;

use super::server::{Registry, folder_registry};
use super::{host_with, install, new_publisher, newer, publish, trust};

/// A host with two installations from the registry, and its lock file.
async fn locked(registry: &Registry) -> (TestHost, String) {
    let host = host_with(registry, "").await;
    new_publisher(&host).await;
    trust(&host).await;
    publish(&host, &component("identity")).await;
    publish(&host, &newer(&host, "1.1.0")).await;
    install(&host, &["handoff/identity@=1.0.0"]).await.ok();
    install(&host, &["second", "handoff/identity"]).await.ok();
    let lock = host.cli(&["lock"]).await.ok().stdout;
    (host, lock)
}

/// Another host that trusts the same publisher and has the lock file.
async fn fresh(registry: &Registry, first: &TestHost, lock: &str) -> TestHost {
    let host = host_with(registry, "").await;
    for name in ["handoff.pub", "key.pem"] {
        fs::copy(first.folder().join(name), host.folder().join(name)).expect("copied");
    }
    trust(&host).await;
    fs::write(host.folder().join("handoff.lock"), lock).expect("written");
    host
}

async fn digests(host: &TestHost) -> Vec<Value> {
    let mut digests = Vec::new();
    for name in ["identity", "second"] {
        let shown = host.cli_json(&["show", name]).await;
        digests.push(serde_json::json!([shown["version"], shown["generation"], shown["generations"][0]["digest"]]));
    }
    digests
}

fn does(report: &Value) -> Vec<String> {
    let steps = report["steps"].as_array().cloned().unwrap_or_default();
    steps.iter().map(|step| step["does"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_lock_reproduces_a_host_and_is_idempotent() {
    let registry = folder_registry();
    let (first, lock) = locked(&registry).await;
    let host = fresh(&registry, &first, &lock).await;

    let plan = host.cli_json(&["apply", "--dry-run"]).await;
    assert_eq!(does(&plan), ["install", "install"], "{plan:#}");
    let code = plan["code"].as_str().expect("a code").to_owned();
    let granted = plan["steps"][0]["grants"].to_string();
    assert!(granted.contains("handle com.handoff.lead.received.v1") && granted.contains("make "), "{plan:#}");
    // Without a terminal nobody can approve; the plan is printed.
    host.cli(&["apply"]).await.exits(5).says(&[&code, "--yes"]);
    host.cli(&["apply", "--approve", "0123456789ab"]).await.exits(5).says(&["another plan"]);
    assert_eq!(host.cli_json(&["list"]).await["installations"].as_array().map(Vec::len), Some(0));
    host.cli(&["apply", "--approve", &code, "--reason", "a new rooftop"]).await.ok().says(&["installed"]);
    assert_eq!(digests(&host).await, digests(&first).await);
    assert_eq!(host.cli(&["lock"]).await.ok().stdout, lock, "the lock must be identical");

    let before = digests(&host).await;
    let again = host.cli_json(&["apply", "--yes"]).await;
    assert_eq!((does(&again), &again["code"]), (vec!["nothing".to_owned(); 2], &Value::Null), "{again:#}");
    assert_eq!(digests(&host).await, before, "no generation may be created");
}

/// A package that was given as a file, with paths that start from the folder of its settings.
#[tokio::test]
async fn a_lock_has_no_path_of_its_machine_and_applies_in_another_folder() {
    let settings = |host: &TestHost| {
        fs::create_dir_all(host.folder().join("drops")).expect("a folder");
        let mut settings = web_leads(&host.inbox());
        settings["folders"][0].as_table_mut().expect("a folder").insert("path".to_owned(), "drops".into());
        settings
    };
    let (first, second) = (TestHost::new().start().await, TestHost::new().start().await);
    let package = component("adf-leads");
    first.install("web-leads", &package, &settings(&first)).await.ok();
    let lock = first.cli(&["lock"]).await.ok().stdout;
    let folder = first.folder().to_str().expect("a path");
    assert!(!lock.contains(folder) && !lock.contains("settings-folder"), "{lock}");
    assert!(lock.contains("path = \"drops\""), "{lock}");
    let write = |host: &TestHost| fs::write(host.folder().join("handoff.lock"), &lock).expect("written");
    write(&first);
    assert_eq!(does(&first.cli_json(&["apply", "--dry-run"]).await), ["nothing"], "it is as the lock says");

    // Without the package's bytes, it says what to do.
    write(&second);
    let missing = second.cli(&["apply", "--yes"]).await.exits(1);
    missing.says(&["names no registry", "handoff install"]);
    second.install("other", &package, &settings(&second)).await.ok();
    second.cli(&["uninstall", "other", "--yes"]).await.ok();
    second.cli(&["apply", "--yes"]).await.ok().says(&["installed"]);
    assert_eq!(second.cli(&["lock"]).await.ok().stdout, lock);
    let lead = handoff_tests::leads::Lead::new(900).adf();
    fs::write(second.folder().join("drops/lead.xml"), lead).expect("written");
    second.wait_event("com.handoff.lead.received.v1", |_| true).await;
    assert_eq!(does(&second.cli_json(&["apply", "--dry-run"]).await), ["nothing"]);
}

#[tokio::test]
async fn an_apply_changes_only_differences_and_continues_after_errors() {
    let registry = folder_registry();
    let (first, lock) = locked(&registry).await;
    let host = fresh(&registry, &first, &lock).await;
    host.cli(&["apply", "--yes"]).await.ok();
    install(&host, &["third", "handoff/identity"]).await.ok();

    // `identity` gets the digest of `second` and vice versa: one upgrade, one quarantined.
    host.cli(&["upgrade", "identity", "^1"]).await.ok();
    host.cli(&["rollback", "identity"]).await.ok();
    let digests: Vec<&str> = lock.lines().filter(|line| line.starts_with("digest")).collect();
    let [old, new] = digests.as_slice() else { panic!("{lock}") };
    let forward = lock.replace(old, new).replace("version = \"1.0.0\"", "version = \"1.1.0\"");
    fs::write(host.folder().join("handoff.lock"), &forward).expect("written");
    let report = host.cli(&["apply", "--dry-run"]).await.exits(1);
    report.says(&["a rollback left version 1.1.0", "nothing can be done", "left as they are: third"]);

    // Bytes that the registry does not have for this package, and a new installation.
    let hex = &new[new.len() - 11..new.len() - 1];
    let other: String = hex.chars().rev().collect();
    let wrong = lock.replace(hex, &other).replace("name = \"identity\"", "name = \"new-one\"");
    fs::write(host.folder().join("handoff.lock"), wrong).expect("written");
    let report = host.cli(&["apply", "--yes", "--json"]).await.exits(1).json();
    let steps = report["steps"].as_array().expect("steps");
    assert!(steps[0]["problem"].is_null() && steps[0]["generation"] == 1, "{report:#}");
    assert!(steps[1]["problem"].as_str().is_some_and(|text| text.contains("lists no version")), "{report:#}");

    // Only the settings differ: only they change.
    let score = "match-score = 17.0";
    assert!(lock.contains(score), "{lock}");
    fs::write(host.folder().join("handoff.lock"), lock.replace(score, "match-score = 18.0")).expect("written");
    host.cli(&["apply", "--dry-run"]).await.ok().says(&["config.match-score: 17.0 → 18.0"]);
    let report = host.cli_json(&["apply", "--yes"]).await;
    assert_eq!(does(&report), ["reconfigure", "reconfigure"], "{report:#}");
}
