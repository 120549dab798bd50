//! Counts of failures: hosts send them, and only the publisher reads them.

use crate::harness::{Answer, Registry, component, index, send};
use handoff_package::trust::{SigningKey, Statement, statement};
use handoff_registry_server::bind_namespace;
use serde_json::{Value, json};

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

const REPORTS: &str = "/v1/failure-counts?repository=acme/leads";
const QUERY: &str = "/v1/failure-counts/query?repository=acme/leads";

/// A registry with version 1.0.0 of `acme/leads`, whose list a key signed.
async fn published() -> (Registry, SigningKey) {
    let (registry, key) = (Registry::start().await, SigningKey::generate().unwrap());
    registry.publish("acme/leads", "1.0.0", &component("acme/leads", "1.0.0")).await;
    registry.push_index("acme/leads", &index("acme/leads", 1), &key).await.expect(201);
    (registry, key)
}

fn report(id: char, versions: Value) -> Value {
    json!({ "id": String::from(id).repeat(32), "atMs": now_ms(), "package": "acme/leads", "versions": versions })
}

async fn add(registry: &Registry, path: &str, report: &Value) -> Answer {
    send(registry.request("POST", path).body(report.to_string())).await
}

fn question(registry: &Registry, key: &SigningKey) -> statement::FailureCounts {
    statement::FailureCounts {
        package: "acme/leads".parse().unwrap(),
        key: key.public(),
        registry: registry.url.trim_start_matches("http://").to_owned(),
        days: 30,
        signed_at_ms: now_ms(),
    }
}

async fn ask(registry: &Registry, said: statement::FailureCounts, key: &SigningKey) -> Answer {
    send(registry.request("POST", QUERY).body(Statement::FailureCounts(said).sign(key).to_json())).await
}

#[tokio::test]
async fn counts_of_several_hosts_are_added_once_each() {
    let (registry, key) = published().await;
    let first = report('a', json!({ "1.0.0": { "committed": 5, "failures": { "trap": 2 }, "otherFailures": 1 } }));
    assert_eq!(add(&registry, REPORTS, &first).await.expect(201).json()["state"], "added");
    assert_eq!(add(&registry, REPORTS, &first).await.expect(200).json()["state"], "known");
    let second = report('b', json!({ "1.0.0": { "committed": 1, "failures": { "crm-down": 4 } } }));
    add(&registry, REPORTS, &second).await.expect(201);
    let sums = ask(&registry, question(&registry, &key), &key).await.expect(200).json();
    let of_version = json!({ "committed": 6, "failures": { "crm-down": 4, "trap": 2 }, "otherFailures": 1 });
    let expected = json!({ "package": "acme/leads", "days": 30, "reports": 2, "versions": { "1.0.0": of_version } });
    assert_eq!(sums, expected);
}

#[tokio::test]
async fn only_reports_about_versions_that_exist_are_kept() {
    let (registry, key) = published().await;
    let mixed = report('a', json!({ "1.0.0": { "committed": 5 }, "9.9.9": { "committed": 7 } }));
    add(&registry, REPORTS, &mixed).await.expect(201);
    add(&registry, REPORTS, &report('b', json!({ "9.9.9": { "committed": 7 } }))).await.expect(404);
    add(&registry, "/v1/failure-counts?repository=acme/other", &mixed).await.expect(400);
    add(&registry, "/v1/failure-counts", &mixed).await.expect(400);
    add(&registry, REPORTS, &json!({ "id": "x" })).await.expect(400);
    send(registry.request("POST", REPORTS).body("x".repeat(70_000))).await.expect(413);
    send(registry.request("GET", REPORTS)).await.expect(405);
    let sums = ask(&registry, question(&registry, &key), &key).await.expect(200).json();
    assert_eq!((&sums["reports"], sums["versions"].as_object().map(serde_json::Map::len)), (&json!(1), Some(1)));
}

#[tokio::test]
async fn only_a_key_of_the_publisher_reads_the_counts() {
    let (registry, key) = published().await;
    let other = SigningKey::generate().unwrap();
    ask(&registry, question(&registry, &other), &other).await.refused(403, "DENIED");
    let good = || question(&registry, &key);
    for (said, signer, told) in [
        (good(), &other, "the key of the question did not sign it"),
        (statement::FailureCounts { registry: "registry.example".to_owned(), ..good() }, &key, "another registry"),
        (statement::FailureCounts { signed_at_ms: now_ms() - 1_000_000, ..good() }, &key, "check the clock"),
        (statement::FailureCounts { days: 91, ..good() }, &key, "found 91 days, expected 1 to 90"),
        (
            statement::FailureCounts { package: "acme/other".parse().unwrap(), ..good() },
            &key,
            "was sent for acme/leads",
        ),
    ] {
        let answer = ask(&registry, said, signer).await.expect(400);
        assert!(answer.text().contains(told), "{told}: {}", answer.text());
    }
    ask(&registry, good(), &key).await.expect(200);
    // Once the name is bound, its keys decide.
    bind_namespace(&registry.data(), "acme", "", Some(other.public()), "key by courier").unwrap();
    ask(&registry, good(), &key).await.refused(403, "DENIED");
    ask(&registry, question(&registry, &other), &other).await.expect(200);
}
