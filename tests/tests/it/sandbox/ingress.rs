//! Attacks on ingress: the control API without its token, guessing names of webhooks, events that imitate the host's
//! own, ambiguous messages.

use handoff_tests::harness::{CONTROL_TOKEN, TestHost, escape_package};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{settings, tried, words};

const ROUTES: [(&str, &str); 18] = [
    ("GET", "/v1/status"),
    ("PUT", "/v1/packages"),
    ("GET", "/v1/installations"),
    ("POST", "/v1/installations"),
    ("GET", "/v1/installations/thief"),
    ("POST", "/v1/installations/thief/rollback"),
    ("POST", "/v1/installations/thief/pause"),
    ("POST", "/v1/installations/thief/resume"),
    ("GET", "/v1/events"),
    ("GET", "/v1/events/1"),
    ("GET", "/v1/events/1/trace"),
    ("GET", "/v1/dead-letters"),
    ("POST", "/v1/dead-letters/redrive"),
    ("POST", "/v1/dead-letters/discard"),
    ("GET", "/v1/logs"),
    ("GET", "/v1/outbox"),
    ("GET", "/metrics"),
    ("GET", "/v1/nothing"),
];

#[tokio::test]
async fn without_the_token_the_control_api_reveals_nothing() {
    let host = TestHost::new()
        .with_connector("thief", escape_package(), settings("thief", "127.0.0.1", 9, None))
        .start()
        .await;
    let (short, long) = (&CONTROL_TOKEN[..CONTROL_TOKEN.len() - 1], format!("{CONTROL_TOKEN}x"));
    let (upper, basic) = (CONTROL_TOKEN.to_uppercase(), format!("Basic {CONTROL_TOKEN}"));
    let wrong = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {short}")),
        Some(format!("Bearer {long}")),
        Some(format!("Bearer {upper}")),
        Some(format!("Bearer {CONTROL_TOKEN} {CONTROL_TOKEN}")),
        Some(CONTROL_TOKEN.to_owned()),
        Some(basic),
    ];
    for (method, path) in ROUTES {
        let mut said = std::collections::BTreeSet::new();
        for header in &wrong {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            // A token anywhere but in the header field is ignored.
            let url = host.control_url(&format!("{path}?token={CONTROL_TOKEN}&access_token={CONTROL_TOKEN}"));
            let mut request = host.client().request(method, url).header("cookie", format!("token={CONTROL_TOKEN}"));
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 401, "{path} with {header:?}");
            let text = answer.text().await.expect("a text");
            assert!(!text.contains(short) && !text.contains("thief"), "{path}: {text}");
            said.insert(text);
        }
        assert!(
            said.len() <= 2,
            "only two different responses are allowed: without a token and with a wrong one: {said:?}"
        );
    }
    let control = host.client().get(host.control_url("/v1/status")).bearer_auth(CONTROL_TOKEN).send().await;
    assert_eq!(control.expect("an answer").status().as_u16(), 200);
}

#[tokio::test]
async fn posting_does_not_reveal_which_installations_exist() {
    let host = TestHost::new()
        .ingress("hook-body-bytes = 2000\n")
        .with_connector("thief", escape_package(), settings("thief", "127.0.0.1", 9, None))
        .start()
        .await;
    for body in ["", "{}", &"x".repeat(3_000)] {
        let nobody = host.post("/hooks/nobody", &[], body).await;
        let thief = host.post("/hooks/thief", &[], body).await;
        assert_eq!(
            (nobody.status, &nobody.text),
            (404, &thief.text),
            "an installation without a webhook must look like a missing one"
        );
        assert_eq!(thief.status, 404);
    }
}

#[tokio::test]
async fn senders_cannot_use_up_the_ids_of_the_hosts_own_events() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(async || "done")).await });
    let host = TestHost::new()
        .with_connector("thief", escape_package(), settings("thief", "127.0.0.1", port, None))
        .start()
        .await;
    // A sender who guesses the position of a request could have its answer treated as a duplicate.
    for source in [
        "/outbox/thief",
        "/rooftops/main-street/installations/thief",
        "/hooks/thief",
        "/schedules/thief/x",
        "/folders/thief/x",
    ] {
        for id in 1..20 {
            let event =
                json!({ "specversion": "1.0", "id": id.to_string(), "source": source, "type": "com.example.x.v1" });
            host.post_event(&event).await.problem(422);
        }
    }
    for type_name in ["com.handoff.outbox.answered.v1", "com.handoff.hook.received.v1", "com.handoff.file.dropped.v1"] {
        let event = json!({ "specversion": "1.0", "id": "1", "source": "https://evil.example", "type": type_name });
        host.post_event(&event).await.problem(422);
    }
    let url = format!("http://127.0.0.1:{port}/granted/a");
    tried(&host, "thief", &[words(&["send", "k", "POST", &url, "-", "x"])]).await;
    super::wait_told(&host, "\"outcome\":\"answered\"").await;
}

#[tokio::test]
async fn an_ambiguous_message_is_refused() {
    let host = TestHost::new().start().await;
    let event = r#"{"specversion":"1.0","id":"smuggled","source":"https://evil.example","type":"com.example.x.v1"}"#;
    let inner = format!(
        "POST /events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/cloudevents+json\r\ncontent-length: {}\r\n\r\n{event}",
        event.len()
    );
    let head = "POST /nothing HTTP/1.1\r\nhost: localhost\r\n";
    for framing in [
        format!("content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("content-length: 0\r\ncontent-length: {}\r\n\r\n{inner}", inner.len()),
        format!("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n{inner}"),
        format!("transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("transfer-encoding : chunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("content-length: +4\r\n\r\nabcd{inner}"),
        format!("content-length: 0x4\r\n\r\nabcd{inner}"),
        format!("x-a: b\r\n content-length: 4\r\n\r\nabcd{inner}"),
        format!("x-a\0: b\r\n\r\n{inner}"),
        format!("transfer-encoding: chunked\r\n\r\n-1\r\n{inner}"),
        format!("transfer-encoding: chunked\r\n\r\n10000000000000000\r\n{inner}"),
    ] {
        let address = host.url("");
        let mut stream =
            tokio::net::TcpStream::connect(address.trim_start_matches("http://")).await.expect("a connection");
        stream.write_all(format!("{head}{framing}").as_bytes()).await.expect("written");
        stream.shutdown().await.expect("a half-closed connection");
        let mut answer = Vec::new();
        // A connection reset is a refusal too.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains(" 202 "), "{framing:?}: {answer}");
    }
    assert!(host.events("com.example.x.v1").await.is_empty(), "no smuggled event may be accepted");
    for path in ["/hooks/../v1/status", "//v1/status", "/hooks/..%2fv1%2fstatus", "/v1/status", "/events/../v1/status"]
    {
        let mut stream =
            tokio::net::TcpStream::connect(host.url("").trim_start_matches("http://")).await.expect("a connection");
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {CONTROL_TOKEN}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
    }
}
