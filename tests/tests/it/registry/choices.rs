//! Which version is chosen: by a requirement, by a complete version, by nobody, and by a rollback past a recalled one.

use handoff_tests::harness::{TestHost, component, eventually};
use serde_json::Value;

use super::server::folder_registry;
use super::{host_with, install, new_publisher, newer, publish, trust};

async fn with_identity(registry: &super::server::Registry) -> TestHost {
    let host = host_with(registry, "").await;
    new_publisher(&host).await;
    trust(&host).await;
    publish(&host, &component("identity")).await;
    install(&host, &["handoff/identity"]).await.ok();
    host
}

async fn version(host: &TestHost, name: &str) -> Value {
    host.cli_json(&["show", name]).await["version"].clone()
}

#[tokio::test]
async fn an_upgrade_without_a_version_shows_its_choice_and_asks() {
    let registry = folder_registry();
    let host = with_identity(&registry).await;
    publish(&host, &newer(&host, "1.1.0")).await;
    let refused = host.cli(&["upgrade", "identity"]).await.exits(5);
    refused.says(&["no version was named, and 1.1.0 is the newest that fits ^1.0.0", "--approve"]);
    assert_eq!(version(&host, "identity").await, "1.0.0");
    let plan = host.cli_json(&["upgrade", "identity", "--dry-run"]).await;
    let code = plan["approvalCode"].as_str().expect("a code");
    host.cli(&["upgrade", "identity", "--approve", code]).await.ok().says(&["1.1.0"]);

    publish(&host, &newer(&host, "1.2.0")).await;
    let reason = ["--key", "key.pem", "--reason", "merges strangers"];
    host.cli(&[&["deprecate", "handoff/identity@1.2.0"][..], &reason].concat()).await.ok();
    let refused = host.cli(&["upgrade", "identity", "^1"]).await.exits(5);
    refused.says(&["handoff/identity 1.2.0 is deprecated: merges strangers", "--approve"]);
    assert_eq!(version(&host, "identity").await, "1.1.0");
    // Named exactly, it is a person's choice.
    host.cli(&["upgrade", "identity", "1.2.0"]).await.ok().says(&["is deprecated: merges strangers"]);
    let older = host.cli(&["upgrade", "identity", "1.1.0"]).await.ok();
    older.says(&["version 1.1.0 is older than the active version 1.2.0"]);
}

#[tokio::test]
async fn a_complete_version_means_exactly_that_version() {
    let registry = folder_registry();
    let host = with_identity(&registry).await;
    for next in ["1.1.0", "1.2.0"] {
        publish(&host, &newer(&host, next)).await;
    }
    install(&host, &["second", "handoff/identity@1.1.0"]).await.ok();
    assert_eq!(version(&host, "second").await, "1.1.0");
    host.cli(&["upgrade", "second", "1.2.0"]).await.ok();
    host.cli(&["rollback", "second", "--to", "1.1.0"]).await.ok();
    assert_eq!(version(&host, "second").await, "1.1.0");
    let one = host.cli_json(&["info", "handoff/identity@1.0.0"]).await;
    assert_eq!(one["chosen"], "1.0.0", "{one:#}");
}

#[tokio::test]
async fn a_rollback_prefers_a_sound_version_to_a_recalled_one() {
    let registry = folder_registry();
    let host = with_identity(&registry).await;
    for next in ["1.1.0", "1.2.0"] {
        publish(&host, &newer(&host, next)).await;
        host.cli(&["upgrade", "identity", next]).await.ok();
    }
    let reason = ["--key", "key.pem", "--reason", "merges strangers"];
    host.cli(&[&["recall", "handoff/identity@1.1.0"][..], &reason].concat()).await.ok();
    let plan = eventually("the host has heard of the recall", async || {
        let plan = host.cli_json(&["rollback", "identity", "--dry-run"]).await;
        (plan["to"]["version"] == "1.0.0").then_some(plan)
    })
    .await;
    let warning =
        "version 1.1.0 was recalled by its publisher: merges strangers: version 1.0.0 of generation 1 is taken instead";
    assert!(plan["warnings"].to_string().contains(warning), "{plan:#}");
    host.cli(&["rollback", "identity"]).await.ok().says(&[warning, "handoff rollback identity --to 2"]);
    assert_eq!(version(&host, "identity").await, "1.0.0");
    // By hand, and exactly: before and after.
    let to = ["rollback", "identity", "--to", "1.1.0"];
    for more in [&["--dry-run"][..], &[]] {
        host.cli(&[&to[..], more].concat()).await.ok().says(&["version 1.1.0 was recalled by its publisher"]);
    }
    assert_eq!(version(&host, "identity").await, "1.1.0");
}
