//! Isolation of installations: state, timers, requests, events, config, credentials. Another installation of the same
//! package at the same rooftop can access none of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::HeaderMap;
use handoff_tests::harness::{TestHost, escape_package};

use super::{settings, tried, words};

#[tokio::test]
async fn an_installation_cannot_access_another_of_the_same_package() {
    let keys = Arc::new(Mutex::new(Vec::<String>::new()));
    let seen = Arc::clone(&keys);
    let answer = move |headers: HeaderMap| async move {
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
        seen.lock().expect("a lock").push(key);
        "done"
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    // The second one is installed when the first already has state: the guest's `validate` fails if it sees any.
    let host = TestHost::new()
        .with_connector("owner", escape_package(), settings("owner", "127.0.0.1", port, Some("crm")))
        .start()
        .await;
    let url = format!("http://127.0.0.1:{port}/granted/a");
    let send = words(&["send", "lead-1", "POST", &url, "-", "mine"]);
    let mine = [
        "set\tcustomer/1\tkept-for-myself",
        "set\t\\0\tnul",
        "set\t￿\tlast",
        "schedule\tcall-1\tcom.example.escape.owner.v1",
    ];
    let mine: Vec<String> = mine.iter().map(|line| (*line).to_owned()).chain([send.clone()]).collect();
    assert!(tried(&host, "owner", &mine).await.iter().all(|result| result == "Ok(())"));
    host.install("thief", &escape_package(), &settings("thief", "127.0.0.1", port, None)).await.ok();

    state_and_timers(&host).await;
    requests_events_and_context(&host, &url, &send).await;

    let still = tried(&host, "owner", &["scan\t\t-".to_owned(), "get\tcustomer/1".to_owned()]).await;
    assert_eq!(still[0].matches("\", \"").count(), 3, "all three values must be unchanged: {still:?}");
    assert!(still[1].contains("kept-for-myself"), "{still:?}");
    host.quiet().await;
    assert_eq!(host.counts().await["timers"], 1, "the owner's timer must still be set");
    let keys = keys.lock().expect("a lock").clone();
    assert_eq!(
        keys.iter().collect::<BTreeSet<_>>().len(),
        2,
        "each installation's request must be sent separately: {keys:?}"
    );
    assert_eq!(keys.len(), 2);
}

async fn state_and_timers(host: &TestHost) {
    let prefixes =
        ["", "c", "customer/", "\\0", "\\0\\0\\0\\0", "owner", "owner/", "../owner", "S", "S\\0\\0\\0\\u{1}", "￿", "%"];
    let mut scans: Vec<String> = prefixes.iter().map(|prefix| words(&["scan", prefix, "-"])).collect();
    scans.extend(["\\0", "￿", "customer/0", "z"].map(|after| words(&["scan", "", after])));
    for result in tried(host, "thief", &scans).await {
        assert_eq!(result, "Ok([])");
    }
    let keys = ["customer/1", "\\0", "￿", "../owner/customer/1", "owner/customer/1", "owner\\0customer/1"];
    let gets: Vec<String> = keys.iter().map(|key| words(&["get", key])).collect();
    assert!(tried(host, "thief", &gets).await.iter().all(|result| result == "Ok(None)"));
    // Invalid keys, and keys over the limit, also as prefixes and cursors.
    for attempt in
        ["get\t", "set\t\tx", "delete\t", "get\t\\*257;k", "set\t\\*257;k\tx", "scan\t\\*257;k\t-", "scan\t\t\\*257;k"]
    {
        let result = tried(host, "thief", &[attempt.to_owned()]).await;
        assert!(result[0].starts_with("Err(Error::InvalidKey"), "{attempt}: {result:?}");
    }
    // It deletes and cancels only its own.
    let spoil: Vec<String> =
        ["delete\tcustomer/1", "delete\t\\0", "set\tcustomer/1\tmine", "delete\tcustomer/1", "cancel\tcall-1"]
            .map(str::to_owned)
            .to_vec();
    assert!(tried(host, "thief", &spoil).await.iter().all(|result| result == "Ok(())"));
    for key in ["", "\\0", "a\\nb", "\\*257;k"] {
        let result = tried(host, "thief", &[words(&["cancel", key])]).await;
        assert!(result[0].starts_with("Err(Error::Invalid"), "{key}: {result:?}");
    }
}

async fn requests_events_and_context(host: &TestHost, url: &str, send: &str) {
    assert_eq!(tried(host, "thief", &[send.to_owned()]).await, ["Ok(())"]);
    // Only the owner may use the profile; the thief has another grant for the same target.
    for profile in ["granted", "crm", "owner", "crm-key"] {
        let result = tried(host, "thief", &[words(&["fetch", "GET", url, profile, "-"])]).await;
        assert!(result[0].starts_with("Err(Error::Denied"), "{profile}: {result:?}");
    }
    // Events can be emitted only with granted types, and not as the host.
    for (type_name, name, value) in [
        ("com.example.escape.owner.v1", "-", ""),
        ("com.handoff.hook.received.v1", "-", ""),
        ("com.handoff.outbox.answered.v1", "-", ""),
        ("com.handoff.file.dropped.v1", "-", ""),
        ("com.example.escape.saw.v1\\n", "-", ""),
        ("com.example.escape.saw.v1", "handoffhops", "0"),
        ("com.example.escape.saw.v1", "partitionkey", "lead-1"),
        ("com.example.escape.saw.v1", "source", "/hooks/owner"),
        ("com.example.escape.saw.v1", "id", "1"),
    ] {
        let result = tried(host, "thief", &[words(&["emit", type_name, name, value])]).await;
        let refused = result[0].starts_with("Err(Error::Denied") || result[0].starts_with("Err(Error::Invalid");
        assert!(refused, "{type_name} {name}: {result:?}");
    }
    let about = tried(host, "thief", &["about".to_owned()]).await;
    assert!(about[0].contains("\"role\":\"thief\"") && !about[0].contains("owner"), "{about:?}");
    // A reference to a secret is ordinary text: it is not replaced.
    assert!(about[0].contains("${secrets.crm-key}"), "{about:?}");
}
