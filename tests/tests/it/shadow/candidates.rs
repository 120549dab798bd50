//! Candidates with a newer state schema, and aborted shadow runs: the host is unchanged.

use handoff_tests::harness::{CONTROL_TOKEN, SOON, TestHost, eventually};
use serde_json::{Value, json};

use crate::upgrade::migration::{keeper, tell, value, with_keeper};

/// What must not change.
async fn durable(host: &TestHost) -> (Value, Value, Value) {
    let (status, shown) = (host.status().await, host.cli_json(&["show", "keeper"]).await);
    let audit = host.cli_json(&["audit", "--installation", "keeper"]).await;
    let generation = json!([shown["generation"], shown["version"], shown["deliveries"]]);
    (status["lastPosition"].clone(), generation, audit["entries"].clone())
}

async fn sum_of(host: &TestHost, package: &str) -> String {
    let bytes = std::fs::read(package).expect("a package");
    let request = host.client().put(host.control_url("/v1/packages")).bearer_auth(CONTROL_TOKEN).body(bytes);
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    answer["digest"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
}

/// Requests a run and waits until it has begun.
async fn begin(host: &TestHost, digest: &str) -> reqwest::Response {
    let request = host.client().post(host.control_url("/v1/installations/keeper/shadow")).bearer_auth(CONTROL_TOKEN);
    let mut answer =
        request.json(&json!({ "candidate": { "digest": digest }, "last": 1 })).send().await.expect("an answer");
    let first = answer.chunk().await.expect("a line").expect("a line");
    let line: Value = serde_json::from_slice(&first).expect("JSON");
    assert_eq!(line["progress"]["done"], 0, "{line:#}");
    answer
}

#[tokio::test]
async fn a_candidate_with_a_newer_schema_runs_on_migrated_state() {
    let host = with_keeper().await;
    tell(&host, "script", "set migration delete+old;set+new+x").await;
    host.quiet().await;
    tell(&host, "old", "set old x").await;
    host.quiet().await;
    for number in 0..3 {
        tell(&host, &format!("scan-{number}"), "scan  - 10\nset seen x").await;
        host.quiet().await;
    }
    let before = durable(&host).await;
    let newer = keeper(host.folder(), "2.0.0", 2);
    let view = host.cli_json(&["shadow", "keeper", &newer, "--last", "3"]).await;
    let counts = &view["deliveries"];
    assert_eq!((&counts["ran"], &counts["same"]), (&3.into(), &3.into()), "{view:#}");
    assert_eq!(durable(&host).await, before);
    assert_eq!(view["migrationFailure"], Value::Null, "{view:#}");
    assert_eq!(value(&host, "a", "old").await, "Ok(Some(\"x\"))");
    assert_eq!(value(&host, "b", "new").await, "Ok(None)");
    assert_eq!(value(&host, "c", "schema").await, "Ok(None)");

    tell(&host, "fails", "set migration set+half+done;misconfigured+unreadable").await;
    host.quiet().await;
    tell(&host, "last", "set old y").await;
    host.quiet().await;
    let view = host.cli_json(&["shadow", "keeper", &newer, "--last", "1"]).await;
    assert_eq!(view["migrationFailure"]["code"], "misconfigured", "{view:#}");
    assert_eq!(view["deliveries"]["ran"], 0, "{view:#}");
    assert_eq!(value(&host, "d", "half").await, "Ok(None)");
}

#[tokio::test]
async fn a_run_ends_when_its_client_or_the_host_stops() {
    let mut host = with_keeper().await;
    // The candidate loops for a minute before its first delivery.
    tell(&host, "script", "set migration loop").await;
    // Handled before the other event, which has no order with it.
    host.quiet().await;
    tell(&host, "old", "set old x").await;
    host.quiet().await;
    let digest = sum_of(&host, &keeper(host.folder(), "2.0.0", 2)).await;
    let before = durable(&host).await;
    drop(begin(&host, &digest).await);
    // Waiting for a slot counts as running.
    let view = host.cli_json(&["shadow", "keeper", "--last", "1", "--time", "20"]).await;
    assert_eq!((&view["deliveries"]["ran"], &view["cut"]), (&1.into(), &Value::Null), "{view:#}");

    let answer = begin(&host, &digest).await;
    let started = std::time::Instant::now();
    let (text, ()) = tokio::join!(answer.text(), host.stop());
    assert!(started.elapsed() < SOON, "the host stops at once: {:?}", started.elapsed());
    let text = text.expect("the end of the answer");
    assert!(text.contains("\"stopping\""), "{text}");
    assert!(!host.log().contains("requests are still active"), "{}", host.log());
    host.start_again().await;
    assert_eq!(durable(&host).await, before);
    let view = host.cli_json(&["shadow", "keeper", "--last", "1"]).await;
    assert_eq!(view["deliveries"]["ran"], 1, "{view:#}");
    eventually("the run to end", async || (host.counts().await["waiting"] == 0).then_some(())).await;
}
