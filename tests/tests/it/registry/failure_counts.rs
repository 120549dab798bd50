//! Counts of failures for a publisher: sent only if the host's operator agrees, and nothing but counts.

use std::path::PathBuf;

use handoff_package::Manifest;
use handoff_package::package::stamp;
use handoff_tests::harness::{TestHost, eventually};

use super::new_publisher;
use super::server::{Registry, served_registry};
use crate::guest::probe;
use crate::hostile::packages::event;

const TYPE: &str = "com.example.probe.v1";

/// A package whose failures are chosen by its events, and whose manifest lists one code.
fn package(host: &TestHost) -> PathBuf {
    let manifest = format!(
        "[package]\nname = \"acme/probe\"\nversion = \"1.0.0\"\ntitle = \"A probe\"\nsummary = \"Does what it is told.\"\n\
         license = \"MIT\"\n[events]\naccepts = [\"{TYPE}\"]\n[failures]\ncodes = [\"crm-down\"]\n"
    );
    let manifest = Manifest::from_toml(&manifest).expect("a manifest");
    let path = host.folder().join("probe.wasm");
    let stamped = stamp(&probe().component, &manifest, "handoff:connector@1.0.0").expect("a package");
    std::fs::write(&path, stamped).expect("written");
    path
}

/// A host with the package installed from the registry, which has handled some events and failed at others.
async fn with_failures(registry: &Registry, share: &str) -> TestHost {
    let sections = format!("[registries.main]\nurl = \"{}\"\n{share}", registry.url());
    let host = TestHost::new().engine("max-attempts = 1\n").config(&sections).start().await;
    new_publisher(&host).await;
    let package = package(&host).display().to_string();
    host.cli(&["publish", &package, "--key", "key.pem"]).await.ok();
    host.cli(&["trust", "add", "acme", "handoff.pub", "--reason", "met in person"]).await.ok();
    std::fs::write(host.folder().join("probe.toml"), "rooftop = \"main-street\"\n").expect("written");
    host.cli(&["install", "secret-name", "acme/probe", "-s", "probe.toml", "--yes"]).await.ok();
    let scripts = ["work 1", "work 2", "work 3", "panic", "panic", "retry crm-down 0", "retry jane-roe 0"];
    for (number, script) in scripts.iter().enumerate() {
        host.post_event(&event(TYPE, &format!("event-{number}"), script, None)).await.expect(202);
    }
    eventually("all events have ended", async || {
        let shown = host.cli_json(&["show", "secret-name"]).await;
        (shown["counts"]["waiting"] == 0 && shown["counts"]["deadLetters"] == 4).then_some(())
    })
    .await;
    host
}

#[tokio::test]
async fn a_publisher_sees_counts_of_failures_and_nothing_else() {
    let registry = served_registry().await;
    let host = with_failures(&registry, "share-failure-counts = true\n").await;

    let shown = host.cli_json(&["failure-counts"]).await;
    let version = &shown["registries"][0]["packages"][0]["versions"][0];
    let expected = serde_json::json!({
        "version": "1.0.0", "committed": 3, "failures": { "crm-down": 1, "trap": 2 }, "otherFailures": 1,
    });
    assert_eq!(version, &expected, "{shown:#}");
    host.cli(&["failure-counts"]).await.ok().says(&["acme/probe 1.0.0", "trap 2, crm-down 1, other codes 1"]);
    host.cli(&["failure-counts", "--send"]).await.ok().says(&["main: sent 1 report"]);
    host.cli(&["failure-counts", "--send"]).await.ok().says(&["no delivery since the last report"]);
    host.cli(&["failure-counts"]).await.ok().says(&["last sent", "no delivery since"]);
    host.post_event(&event(TYPE, "event-8", "work 1", None)).await.expect(202);
    eventually("the event is handled", async || {
        let shown = host.cli_json(&["failure-counts"]).await;
        (shown["registries"][0]["packages"][0]["versions"][0]["committed"] == 1).then_some(())
    })
    .await;
    host.cli(&["failure-counts", "--send"]).await.ok().says(&["main: sent 1 report"]);

    let ask = ["registry", "failure-counts", "acme/probe", "--key", "key.pem"];
    let sums = host.cli_json(&ask).await;
    let expected = serde_json::json!({ "committed": 4, "failures": { "crm-down": 1, "trap": 2 }, "otherFailures": 1 });
    assert_eq!((&sums["versions"]["1.0.0"], &sums["reports"]), (&expected, &2.into()), "{sums:#}");
    host.cli(&ask).await.ok().says(&["acme/probe: 2 reports in 30 days", "1.0.0", "trap 2"]);
    host.cli(&["keys", "new", "--key", "other.pem"]).await.ok();
    let others = ["registry", "failure-counts", "acme/probe", "--key", "other.pem"];
    host.cli(&others).await.exits(1).says(&["for its publisher"]);

    for (name, text) in texts(registry.folder().join("data/failure-counts")) {
        for secret in ["jane-roe", "secret-name", "main-street", "event-", "work"] {
            assert!(!text.contains(secret), "{name} holds `{secret}`: {text}");
        }
    }
}

#[tokio::test]
async fn a_host_sends_no_counts_unless_its_operator_agrees() {
    let registry = served_registry().await;
    let host = with_failures(&registry, "").await;
    let told = ["main: nothing is sent", "share-failure-counts = true"];
    host.cli(&["failure-counts"]).await.ok().says(&told);
    host.cli(&["failure-counts", "--send"]).await.exits(6).says(&["share-failure-counts = true"]);
    assert!(!registry.folder().join("data/failure-counts").exists());
}

#[tokio::test]
async fn counts_that_a_registry_did_not_confirm_are_sent_again_once() {
    let mut registry = served_registry().await;
    let host = with_failures(&registry, "share-failure-counts = true\n").await;
    registry.kill();
    host.cli(&["failure-counts", "--send"]).await.exits(1).says(&["cannot reach"]);
    registry.start_again().await;
    host.cli(&["failure-counts", "--send"]).await.ok().says(&["main: sent 1 report"]);
    let sums = host.cli_json(&["registry", "failure-counts", "acme/probe", "--key", "key.pem"]).await;
    assert_eq!((&sums["versions"]["1.0.0"]["committed"], &sums["reports"]), (&3.into(), &1.into()), "{sums:#}");
}

/// All files below a folder with their texts.
fn texts(folder: PathBuf) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(texts(path));
        } else {
            all.push((path.display().to_string(), std::fs::read_to_string(&path).expect("a file")));
        }
    }
    assert!(!all.is_empty());
    all
}
