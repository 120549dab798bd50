//! Namespaces: asked for with a key, bound by the administrator; from then on only bound keys publish there.

use crate::harness::{Answer, Registry, index, send};
use handoff_package::trust::{SigningKey, Statement, statement};
use handoff_registry_server::{
    Access, Challenge, NamespaceError, bind_namespace, decline_namespace, list_namespaces, unbind_namespace,
};
use serde_json::{Value, json};

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

fn said(registry: &Registry, publisher: &str, key: &SigningKey) -> statement::Namespace {
    statement::Namespace {
        publisher: publisher.parse().unwrap(),
        key: key.public(),
        registry: registry.url.trim_start_matches("http://").to_owned(),
        contact: "dev@acme.example".to_owned(),
        signed_at_ms: now_ms(),
    }
}

async fn ask(registry: &Registry, said: statement::Namespace, key: &SigningKey) -> Answer {
    send(registry.request("POST", "/v1/namespaces").body(Statement::Namespace(said).sign(key).to_json())).await
}

fn keys() -> [SigningKey; 3] {
    std::array::from_fn(|_| SigningKey::generate().unwrap())
}

fn audit(registry: &Registry) -> Vec<Value> {
    let text = std::fs::read_to_string(registry.data().join("audit.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn only_bound_keys_publish_in_a_bound_namespace() {
    let registry = Registry::start().await;
    let [first, second, other] = keys();
    let id = first.public().id().to_string();
    registry.push_index("acme/x", &index("acme/x", 1), &other).await.expect(201);

    let answer = ask(&registry, said(&registry, "acme", &first), &first).await.expect(202).json();
    assert_eq!(answer, json!({ "publisher": "acme", "keyId": id, "state": "requested" }));
    // A request alone changes nothing.
    registry.push_index("acme/x", &index("acme/x", 2), &other).await.expect(201);
    let view = list_namespaces(&registry.data()).unwrap();
    assert_eq!((view.requests.len(), view.requests[0].contact.as_str(), view.bound.len()), (1, "dev@acme.example", 0));

    let report = bind_namespace(&registry.data(), "acme", &id[..20], None, "compared by phone").unwrap();
    assert_eq!((report.action, report.keys, report.key_id.as_str()), ("bound", 1, id.as_str()));
    let denied = registry.push_index("acme/x", &index("acme/x", 3), &other).await.refused(403, "DENIED");
    assert!(denied.text().contains("handoff registry request-namespace"), "{}", denied.text());
    registry.push_index("acme/x", &index("acme/x", 3), &first).await.expect(201);
    // Other names are as before, also ones that begin alike.
    registry.push_index("acme-two/x", &index("acme-two/x", 1), &other).await.expect(201);
    let again = ask(&registry, said(&registry, "acme", &first), &first).await.expect(200).json();
    assert_eq!(again["state"], "bound");

    // A second key beside the first, then instead of it.
    bind_namespace(&registry.data(), "acme", "", Some(second.public()), "key by courier").unwrap();
    registry.push_index("acme/x", &index("acme/x", 4), &second).await.expect(201);
    assert_eq!(unbind_namespace(&registry.data(), "acme", &id, "lost").unwrap().keys, 1);
    registry.push_index("acme/x", &index("acme/x", 5), &first).await.refused(403, "DENIED");
    registry.push_index("acme/x", &index("acme/x", 5), &second).await.expect(201);
    // Without keys the name stays reserved, also after a restart.
    unbind_namespace(&registry.data(), "acme", &second.public().id().to_string(), "moved").unwrap();
    let mut registry = registry;
    registry.stop().await;
    registry.start_again().await;
    for key in [&first, &second, &other] {
        registry.push_index("acme/x", &index("acme/x", 6), key).await.refused(403, "DENIED");
    }
    let actions: Vec<_> =
        audit(&registry).iter().map(|line| (line["action"].clone(), line["reason"].clone())).collect();
    let expected = [
        ("bind-namespace", "compared by phone"),
        ("bind-namespace", "key by courier"),
        ("unbind-namespace", "lost"),
        ("unbind-namespace", "moved"),
    ];
    assert_eq!(actions, expected.map(|(action, reason)| (json!(action), json!(reason))));
}

#[tokio::test]
async fn a_request_must_be_signed_for_this_registry_and_now() {
    let registry = Registry::start().await;
    let [key, other, _] = keys();
    let good = || said(&registry, "acme", &key);
    for (request, signer, told) in [
        (good(), &other, "the key of the request did not sign it"),
        (
            statement::Namespace { registry: "registry.example".to_owned(), ..good() },
            &key,
            "is for the registry `registry.example`",
        ),
        (statement::Namespace { signed_at_ms: now_ms() - 90_000_000, ..good() }, &key, "check the clock"),
        (statement::Namespace { contact: "a\nb".to_owned(), ..good() }, &key, "has a contact that is not one line"),
        (statement::Namespace { contact: "a".repeat(201), ..good() }, &key, "has a contact that is not one line"),
    ] {
        let answer = ask(&registry, request, signer).await.expect(400);
        assert!(answer.text().contains(told), "{told}: {}", answer.text());
    }
    let key_statement =
        statement::Key { publisher: "acme".parse().unwrap(), key: key.public(), signed_at_ms: now_ms() };
    let body = Statement::Key(key_statement).sign(&key).to_json();
    send(registry.request("POST", "/v1/namespaces").body(body)).await.expect(400);
    send(registry.request("POST", "/v1/namespaces").body("{}")).await.expect(400);
    send(registry.request("POST", "/v1/namespaces").body("x".repeat(40_000))).await.expect(413);
    send(registry.request("GET", "/v1/namespaces")).await.expect(405);
    assert_eq!(list_namespaces(&registry.data()).unwrap().requests, []);
}

#[tokio::test]
async fn requests_are_bounded_and_can_be_declined() {
    let registry = Registry::start().await;
    let mut last = None;
    for count in 0..12 {
        let key = SigningKey::generate().unwrap();
        let answer = ask(&registry, said(&registry, "acme", &key), &key).await;
        assert_eq!(answer.status, if count < 10 { 202 } else { 429 }, "{}", answer.text());
        // The same request again takes its own place.
        if count < 10 {
            ask(&registry, said(&registry, "acme", &key), &key).await.expect(202);
            last = Some(key.public().id().to_string());
        }
    }
    let data = registry.data();
    assert_eq!(list_namespaces(&data).unwrap().requests.len(), 10);
    decline_namespace(&data, "acme", &last.unwrap(), "unknown there").unwrap();
    assert_eq!(list_namespaces(&data).unwrap().requests.len(), 9);
    let refused = bind_namespace(&data, "acme", "sha256:0000000000", None, "x").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no key of acme waits is meant by `sha256:0000000000`: `handoff registry namespaces` lists them"
    );
    assert!(matches!(bind_namespace(&data, "acme", "00000000", None, " ").unwrap_err(), NamespaceError::Reason));
    assert!(matches!(bind_namespace(&data, "../x", "00000000", None, "x").unwrap_err(), NamespaceError::Name(_)));
}

#[tokio::test]
async fn the_page_shows_requests_to_administrators() {
    let set = |options: &mut handoff_registry_server::ServerOptions| {
        options.access = Access::Users { file: "users".into(), anonymous_read: true, challenge: Challenge::Basic };
    };
    let registry = Registry::start_with(set).await;
    let key = SigningKey::generate().unwrap();
    let request = statement::Namespace { contact: "<b>dev</b>".to_owned(), ..said(&registry, "acme", &key) };
    ask(&registry, request, &key).await.expect(202);
    let page = |user: Option<&str>| {
        let request = registry.request("GET", "/namespaces");
        user.map_or_else(|| registry.request("GET", "/namespaces"), |user| request.basic_auth(user, Some("secret")))
    };
    send(page(None)).await.expect(401);
    send(page(Some("acme"))).await.expect(403);
    let shown = send(page(Some("root"))).await.expect(200).text();
    assert!(shown.contains("&lt;b&gt;dev") && !shown.contains("<b>dev"), "{shown}");
    let command = format!("handoff registry bind acme {} --data FOLDER --reason TEXT", key.public().id().short());
    assert!(shown.contains(&command) && shown.contains("1 request waits"), "{shown}");
}
