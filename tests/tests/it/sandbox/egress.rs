//! Attacks on egress: targets, disguises, paths, header fields. Only granted requests are sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use handoff_tests::harness::{TestHost, escape_package};

use super::{settings, tried, wait_told, words};

/// A target that counts requests and redirects all of them.
async fn target(addresses: &str) -> (SocketAddr, Arc<AtomicUsize>) {
    let came = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&came);
    let answer = move |uri: Uri, headers: HeaderMap| async move {
        count.fetch_add(1, Ordering::SeqCst);
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
        (StatusCode::FOUND, [(header::LOCATION, "http://169.254.169.254/".to_owned())], format!("{host} {uri}"))
    };
    let listener = tokio::net::TcpListener::bind(addresses).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (address, came)
}

/// URLs with the granted port as PORT.
const PLACES: [&str; 61] = [
    "http://localhost:PORT/granted/a",
    "http://127.0.0.2:PORT/granted/a",
    "http://127.1:PORT/granted/a",
    "http://127.0.1:PORT/granted/a",
    "http://2130706433:PORT/granted/a",
    "http://0x7f.1:PORT/granted/a",
    "http://0x7f000001:PORT/granted/a",
    "http://0177.0.0.1:PORT/granted/a",
    "http://017700000001:PORT/granted/a",
    "http://127.0.0.1.:PORT/granted/a",
    "http://0:PORT/granted/a",
    "http://0.0.0.0:PORT/granted/a",
    "http://[::1]:PORT/granted/a",
    "http://[::ffff:127.0.0.1]:PORT/granted/a",
    "http://[::ffff:7f00:1]:PORT/granted/a",
    "http://[::127.0.0.1]:PORT/granted/a",
    "http://[64:ff9b::7f00:1]:PORT/granted/a",
    "http://[2002:7f00:1::]:PORT/granted/a",
    "http://[fe80::1%25lo]:PORT/granted/a",
    "http://[fd00:ec2::254]/granted/a",
    "http://[::]:PORT/granted/a",
    "http://169.254.169.254/granted/a",
    "http://169.254.169.254:PORT/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://0xa9fea9fe/latest/meta-data/",
    "http://metadata.google.internal/granted/a",
    "http://100.100.100.200/granted/a",
    "http://①②⑦.⓪.⓪.①:PORT/granted/a",
    "http://127。0。0。1:PORT/granted/a",
    "http://xn--127-0-0-1:PORT/granted/a",
    "http://evil.example/granted/a",
    "http://127.0.0.1:PORT@evil.example/granted/a",
    "http://evil.example@127.0.0.1:PORT/granted/a",
    "http://user:pw@127.0.0.1:PORT/granted/a",
    "http://127.0.0.1:PORT\\@evil.example/granted/a",
    "http://evil.example#@127.0.0.1:PORT/granted/a",
    "http://127.0.0.1:1/granted/a",
    "http://127.0.0.1:0PORT/granted/a",
    "http://127.0.0.1/granted/a",
    "http://127.0.0.1:/granted/a",
    "https://127.0.0.1/granted/a",
    "ftp://127.0.0.1:PORT/granted/a",
    "file:///etc/passwd",
    "unix:///run/docker.sock",
    "//127.0.0.1:PORT/granted/a",
    "/granted/a",
    "HTTP://127.0.0.1:PORT/granted/a",
    "http:/127.0.0.1:PORT/granted/a",
    "http:127.0.0.1:PORT/granted/a",
    "http://127.0.0.1:PORT",
    "http://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT/granted",
    "http://127.0.0.1:PORT/GRANTED/a",
    "http://127.0.0.1:PORT/admin?x=/granted/a",
    "http://127.0.0.1:PORT/admin#/granted/a",
    "http://127.0.0.1:PORT/granted/a#b",
    "http://127.0.0.1:PORT/%67ranted/a",
    "http://127.0.0.1:PORT/./granted/a",
    "http://127.0.0.1:PORT/admin;/granted/a",
    "http://127.0.0.1:PORT//granted/a",
    "",
];

/// Path endings below `/granted/` that some server reads as leaving it, or as a second message.
const TAILS: [&str; 22] = [
    "../admin",
    "..",
    "%2e%2e/admin",
    "%2E%2e%2fadmin",
    ".%2e/admin",
    "%252e%252e/admin",
    "..%2fadmin",
    "..\\\\admin",
    "..%5cadmin",
    "..;/admin",
    "..;x=1/admin",
    "%c0%ae%c0%ae/admin",
    "a//b",
    "a%00",
    "a\\0",
    "a%0d%0aX: y",
    "a HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n",
    "a\\r\\nX-Smuggled: 1",
    "a\\nb",
    "a\\tb",
    "ä",
    "%",
];

/// Header fields that frame a message, name its target, or impersonate a client.
const FIELDS: [(&str, &str); 35] = [
    ("Host", "evil.example"),
    ("host", "127.0.0.1"),
    (":authority", "evil.example"),
    (":path", "/admin"),
    ("Content-Length", "0"),
    ("content_length", "0"),
    ("Transfer-Encoding", "chunked"),
    ("transfer_encoding", "chunked"),
    ("Transfer-Encoding ", "chunked"),
    ("TE", "trailers"),
    ("Trailer", "x"),
    ("Connection", "close, x-secret"),
    ("Keep-Alive", "timeout=600"),
    ("Upgrade", "h2c"),
    ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
    ("Expect", "100-continue"),
    ("Proxy", "http://evil.example"),
    ("Proxy-Authorization", "Basic eDp5"),
    ("Proxy-Connection", "keep-alive"),
    ("Authorization", "Bearer guessed"),
    ("Cookie", "session=1"),
    ("Idempotency-Key", "another"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Original-URL", "/admin"),
    ("X-Rewrite-URL", "/admin"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Real-IP", "127.0.0.1"),
    ("Forwarded", "for=127.0.0.1"),
    ("X-A\\r\\nX-B", "1"),
    ("X-A\\0", "1"),
    ("X A", "1"),
    ("", "1"),
    ("X-A", "1\\r\\nX-Smuggled: 1"),
    ("X-A", "1\\n\\nGET /admin HTTP/1.1"),
    ("X-A", "a\\0b"),
];

#[tokio::test]
async fn only_granted_requests_are_sent_in_any_disguise() {
    let (address, came) = target("127.0.0.1:0").await;
    let port = address.port();
    let (_, other) = target(&format!("127.0.0.2:{port}")).await;
    let host = TestHost::new()
        .with_connector("thief", escape_package(), settings("thief", "127.0.0.1", port, None))
        .start()
        .await;

    let granted = format!("http://127.0.0.1:{port}/granted/a");
    let fetch = |method: &str, url: &str, more: &[&str]| {
        [
            &[words(&["fetch", method, url, "-", "-"])],
            more.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>().as_slice(),
        ]
        .concat()
        .join("\t")
    };
    let mut attempts: Vec<String> =
        PLACES.iter().map(|place| fetch("GET", &place.replace("PORT", &port.to_string()), &[])).collect();
    attempts.extend(TAILS.iter().map(|tail| fetch("GET", &format!("http://127.0.0.1:{port}/granted/{tail}"), &[])));
    attempts.extend(FIELDS.iter().map(|(name, value)| fetch("GET", &granted, &[name, value])));
    for method in
        ["DELETE", "PUT", "CONNECT", "TRACE", "OPTIONS", "get", "GET /admin HTTP/1.1\\r\\n\\r\\nGET", "", "POST"]
    {
        attempts.push(fetch(method, &granted, &[]));
    }
    attempts.push(fetch("GET", &format!("http://127.0.0.1:{port}/granted/\\*9000;a"), &[]));
    attempts.push(fetch("GET", &granted, &["x-a", "\\*17000;a"]));
    attempts.push(fetch("GET", &granted, &["x-a", "1"].repeat(65)));
    attempts.push(words(&["fetch", "GET", &granted, "-", "a body"]));
    attempts.push(words(&["fetch", "POST", &format!("http://127.0.0.1:{port}/search"), "-", "\\*1100000;b"]));
    for profile in ["granted", "crm", "crm-key", "", "../crm"] {
        attempts.push(words(&["fetch", "GET", &granted, profile, "-"]));
    }
    let unsent = attempts.clone();
    for some in attempts.chunks(40) {
        for (attempt, result) in some.iter().zip(tried(&host, "thief", some).await) {
            let refused = result.starts_with("Err(Error::Denied") || result.starts_with("Err(Error::Invalid");
            assert!(refused, "{attempt:?}: {result}");
        }
    }
    // The outbox refuses the same at once, so that none of it is ever stored.
    let sends: Vec<String> = unsent
        .iter()
        .filter_map(|line| line.strip_prefix("fetch\tGET\t").map(|rest| format!("send\tk\tGET\t{rest}")))
        .collect();
    for result in tried(&host, "thief", &sends).await {
        assert!(result.starts_with("Err(Error::Denied") || result.starts_with("Err(Error::Invalid"), "{result}");
    }
    // A grant for a name of this machine needs private addresses, too.
    let inward = host.install("by-name", &escape_package(), &settings("owner", "localhost", port, None)).await.exits(6);
    inward.says(&["is loopback"]);
    assert_eq!((came.load(Ordering::SeqCst), other.load(Ordering::SeqCst)), (0, 0), "no request may arrive");

    // A granted request is sent, and its redirect is not followed: it is an answer.
    let through = tried(&host, "thief", &[fetch("GET", &format!("{granted}?to=/../x&y=%2e%2e"), &["x-a", "1"])]).await;
    assert!(through[0].starts_with("Ok((302"), "{through:?}");
    assert!(through[0].contains(&format!("127.0.0.1:{port} /granted/a?to=/../x&y=%2e%2e")), "{through:?}");
    tried(&host, "thief", &[words(&["send", "k", "POST", &granted, "-", "a body"])]).await;
    let answered = wait_told(&host, "\"status\":302").await;
    assert!(answered["data"].as_str().is_some_and(|data| data.contains("answered")), "{answered}");
    host.quiet().await;
    assert_eq!((came.load(Ordering::SeqCst), other.load(Ordering::SeqCst)), (2, 0));
}
