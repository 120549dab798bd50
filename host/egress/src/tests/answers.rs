//! Hostile responses: floods, slow bodies, two responses to one request. Each ends within its limits and affects no
//! other request.

use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// Bytes that a target can send before the host stops reading: its own limits and the system's buffers.
const SWALLOWED_MAX: usize = 24 << 20;

/// What a target sends to every request: a beginning, and an endless repetition.
#[derive(Clone)]
struct Script {
    start: Vec<u8>,
    then: Option<Vec<u8>>,
}

/// A target that speaks raw TCP.
struct Raw {
    address: SocketAddr,
    written: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Raw {
    async fn start(script: Script) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (written, connections) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counts = (Arc::clone(&written), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counts.1.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(talk(stream, script.clone(), Arc::clone(&counts.0)));
            }
        });
        Self { address, written, connections }
    }

    fn target(&self) -> Target {
        Target { address: self.address, seen: Arc::default() }
    }
}

async fn talk(mut stream: tokio::net::TcpStream, script: Script, written: Arc<AtomicUsize>) {
    let mut question = Vec::new();
    while stream.read_buf(&mut question).await.is_ok_and(|bytes| bytes > 0) {
        if !question.ends_with(b"\r\n\r\n") {
            continue;
        }
        question.clear();
        let mut next = Some(&script.start);
        while let Some(bytes) = next {
            if stream.write_all(bytes).await.is_err() {
                return;
            }
            written.fetch_add(bytes.len(), Ordering::SeqCst);
            next = script.then.as_ref();
        }
    }
}

fn script(start: &str, then: &str) -> Script {
    let then = (!then.is_empty()).then(|| then.repeat(1 + 4_000 / then.len()).into_bytes());
    Script { start: start.as_bytes().to_vec(), then }
}

#[tokio::test]
async fn a_look_up_is_bounded_against_every_kind_of_flood() {
    const OK: &str = "HTTP/1.1 200 OK\r\n";
    let too_large = |error: &HttpError| matches!(error, HttpError::ResponseTooLarge(_));
    let refused = |error: &HttpError| matches!(error, HttpError::Interrupted(_) | HttpError::ResponseTooLarge(_));
    let timeout = |error: &HttpError| matches!(error, HttpError::Timeout(_));
    type Expected<'e> = &'e dyn Fn(&HttpError) -> bool;
    let floods: [(&str, Script, Expected<'_>); 16] = [
        ("fields", script(OK, "x-a: aaaaaaaaaaaaaaaaaaaaaaaa\r\n"), &refused),
        ("one field's value", script("HTTP/1.1 200 OK\r\nx-a: ", "a"), &refused),
        ("one field's name", script("HTTP/1.1 200 OK\r\n", "a"), &refused),
        ("a reason phrase", script("HTTP/1.1 200 ", "O"), &refused),
        ("interim answers", script("HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"), &timeout),
        ("empty lines", script("", "\r\n"), &|error| refused(error) || timeout(error)),
        ("a body without a length", script("HTTP/1.1 200 OK\r\n\r\n", "x"), &too_large),
        ("chunks", script("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "4\r\nxxxx\r\n"), &too_large),
        (
            "a chunk of 16 EiB",
            script("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffff0\r\n", "x"),
            &|error| refused(error) || too_large(error),
        ),
        (
            "a chunk longer than numbers",
            script("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1", "0"),
            &refused,
        ),
        ("a chunk's extension", script("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;", "a=b;"), &refused),
        (
            "trailers",
            script("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "x-a: aaaaaaaa\r\n"),
            &refused,
        ),
        (
            "an announced body",
            script("HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\n\r\n", "x"),
            &too_large,
        ),
        ("two lengths", script("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", ""), &refused),
        ("a negative length", script("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nab", ""), &refused),
        ("no HTTP", script("hello\r\n\r\n", "hello"), &refused),
    ];
    for (what, script, expected) in floods {
        let raw = Raw::start(script).await;
        let (egress, _) = egress(None, "unused", HostOptions::default());
        let asked = Request { timeout_ms: Some(400), ..request("GET", &raw.target().url("/a")) };
        let begun = Instant::now();
        let error = egress.look_up(&from(), &raw.target().grants(), &asked).await.expect_err(what);
        assert!(expected(&error), "{what}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{what}: {:?}", begun.elapsed());
        let written = raw.written.load(Ordering::SeqCst);
        assert!(timeout(&error) || written < SWALLOWED_MAX, "{what}: {written} bytes were read");
    }
}

#[tokio::test]
async fn a_second_response_to_one_request_is_discarded() {
    let two = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmineHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    for start in [two, &two.replacen("content-length: 4", "content-length: 9\r\ntransfer-encoding: chunked", 1)] {
        let start = start.replacen("chunked\r\n\r\nmine", "chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n", 1);
        let raw = Raw::start(script(&start, "")).await;
        let (egress, _) = egress(None, "unused", HostOptions::default());
        let grants = raw.target().grants();
        for _ in 0..3 {
            let asked = Request { timeout_ms: Some(2_000), ..request("GET", &raw.target().url("/a")) };
            // Surplus bytes end the connection: the next request may fail because of it, but never gets them as its
            // response.
            if let Ok(answer) = egress.look_up(&from(), &grants, &asked).await {
                assert_eq!(String::from_utf8_lossy(&answer.body), "mine");
            }
        }
        assert!(raw.connections.load(Ordering::SeqCst) > 1, "the connection was reused after a surplus response");
    }
}

#[tokio::test]
async fn invalid_response_fields_end_the_exchange() {
    for field in ["x-a : b", "x-a\0: b", "x-a: b\0c", " folded: x", "no colon"] {
        let raw = Raw::start(script(&format!("HTTP/1.1 200 OK\r\n{field}\r\ncontent-length: 0\r\n\r\n"), "")).await;
        let (egress, _) = egress(None, "unused", HostOptions::default());
        let answer = egress.look_up(&from(), &raw.target().grants(), &request("GET", &raw.target().url("/a"))).await;
        assert!(matches!(answer, Err(HttpError::Interrupted(_))), "{field:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_response_that_arrives_byte_by_byte_times_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = Target { address: listener.local_addr().expect("an address"), seen: Arc::default() };
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.read_buf(&mut Vec::new()).await.expect("a question");
        let bytes = b"HTTP/1.1 200 OK\r\nx-drip: 1\r\n\r\n".iter().chain(std::iter::repeat(&b'x'));
        for byte in bytes {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    let (egress, _) = egress(None, "unused", HostOptions::default());
    let asked = Request { timeout_ms: Some(150), ..request("GET", &target.url("/a")) };
    let error = egress.look_up(&from(), &target.grants(), &asked).await.expect_err("too slow");
    assert!(matches!(&error, HttpError::Timeout(text) if text.ends_with("within 150 ms")), "{error}");
}
