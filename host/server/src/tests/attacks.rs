//! Attacks by strangers who reach the ingress listener: they take no memory, no budget and no slots of others.

use std::time::Duration;

use expect_test::expect;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, send};
use crate::ingress::router;
use crate::listen;

#[tokio::test]
async fn unsigned_junk_does_not_spend_the_budget_of_a_hook() {
    let bench = Bench::new("[ingress.rate]\nhook-burst = 1\nhook-per-second = 1\n").await;
    let router = router(bench.shard.clone());
    for _ in 0..5 {
        // Without its id the request is not verified.
        assert_eq!(send(&router, "POST", "/hooks/web-leads", &[], "junk").await.status, 401);
    }
    assert_eq!(send(&router, "POST", "/hooks/web-leads", &[("x-id", "1")], "<adf/>").await.status, 202);
}

#[tokio::test]
async fn malformed_requests_are_answered_with_a_problem() {
    let bench = Bench::new("").await;
    let router = router(bench.shard.clone());
    let large = "v".repeat((64 << 10) + 1);
    let mut seen = Vec::new();
    for (what, uri, headers) in [
        ("path not UTF-8", "/hooks/%ff", vec![("x-id", "1")]),
        ("rooftop not UTF-8", "/rooftops/%ff/events", vec![]),
        ("large field", "/hooks/web-leads", vec![("x-id", "1"), ("x-large", large.as_str())]),
        ("gzip", "/hooks/web-leads", vec![("x-id", "1"), ("content-encoding", "gzip")]),
        ("X-GZIP", "/events", vec![("content-encoding", "X-GZIP")]),
        ("two codings", "/events", vec![("content-encoding", "identity, br")]),
    ] {
        let answer = send(&router, "POST", uri, &headers, "x").await;
        seen.push(format!("{what}: {}", answer.problem()));
    }
    expect![[r#"
        path not UTF-8: 404 not-found -
        rooftop not UTF-8: 404 not-found -
        large field: 431 header-too-large -
        gzip: 415 content-encoding -
        X-GZIP: 415 content-encoding -
        two codings: 415 content-encoding -"#]]
    .assert_eq(&seen.join("\n"));
    let plain = [("x-id", "1"), ("content-encoding", "identity")];
    assert_eq!(send(&router, "POST", "/hooks/web-leads", &plain, "<adf/>").await.status, 202);
    assert_eq!(bench.shard.store().last_position().0, 1, "nothing else was taken");
}

#[tokio::test]
async fn a_request_names_one_host_and_that_is_this_one() {
    let bench = Bench::new("").await;
    let listener = listen::tcp("127.0.0.1:0".parse().expect("an address")).await.expect("a listener");
    let address = listener.local_addr().expect("its address");
    let stop = CancellationToken::new();
    let router = router(bench.shard.clone());
    let public_url = "https://leads.dealer.example".parse().expect("a URL");
    let front = listen::Front::new(listener, Some(&public_url), None).expect("a front");
    let server = tokio::spawn(listen::serve_tcp(front, router, stop.clone(), Duration::from_secs(5)));
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\nhost: localhost:8080\r\n", "200"),
        ("GET /healthz HTTP/1.1\r\nhost: leads.dealer.example\r\n", "200"),
        ("GET /healthz HTTP/1.1\r\nhost: evil.example\r\n", "421"),
        ("GET http://evil.example/healthz HTTP/1.1\r\nhost: localhost\r\n", "421"),
        ("GET /healthz HTTP/1.1\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n", "400"),
        ("GET /healthz HTTP/1.0\r\n", "200"),
    ] {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert_eq!(answer.split(' ').nth(1), Some(status), "{head}: {answer}");
    }
    stop.cancel();
    server.await.expect("it ends");
}
