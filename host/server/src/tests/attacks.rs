//! Attacks by strangers who reach the ingress listener: they take no memory, no budget and no slots of others.

use std::net::IpAddr;
use std::time::Duration;

use expect_test::expect;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, send};
use crate::connection::sender;
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
async fn a_request_without_host_or_with_two_is_refused() {
    let bench = Bench::new("").await;
    let listener = listen::tcp("127.0.0.1:0".parse().expect("an address")).await.expect("a listener");
    let address = listener.local_addr().expect("its address");
    let stop = CancellationToken::new();
    let router = router(bench.shard.clone());
    let server = tokio::spawn(listen::serve_tcp(listener, router, stop.clone(), Duration::from_secs(5)));
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\nhost: a\r\n", "200"),
        ("GET /healthz HTTP/1.1\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n", "400"),
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

#[test]
fn an_ipv6_sender_is_its_64_bit_prefix() {
    let same = |a: &str, b: &str| {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        sender(address(a)) == sender(address(b))
    };
    assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    assert!(same("::ffff:192.0.2.1", "192.0.2.1"), "the same machine over IPv4");
    assert!(!same("192.0.2.1", "192.0.2.2"));
}
