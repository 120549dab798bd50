//! A cheap client: requests are prepared bytes, responses are read no further than needed. The remaining processor time
//! is the server's. It supports HTTP/1.1 as far as the two servers here use it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A `POST`, ready to be written.
pub(super) fn post(path: &str, media_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// Sends all requests over several connections, each with one request at a time; returns after the last response.
///
/// # Panics
/// If a response is not 202.
pub(super) async fn send_all(address: SocketAddr, requests: &Arc<Vec<Vec<u8>>>, connections: usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (requests, next) = (requests.clone(), next.clone());
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.expect("a connection");
                stream.set_nodelay(true).expect("a socket option");
                let mut buffer = Vec::with_capacity(64 << 10);
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    stream.write_all(request).await.expect("written");
                    buffer.clear();
                    let (status, _) = answer(&mut stream, &mut buffer).await;
                    assert_eq!(status, 202, "{}", String::from_utf8_lossy(&buffer));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a connection");
    }
}

/// Reads one whole response; returns its status and body length.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> (u16, usize) {
    loop {
        let read = stream.read_buf(buffer).await.expect("an answer");
        assert!(read > 0, "the server closed the connection after {:?}", String::from_utf8_lossy(buffer));
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|length| length.trim().parse().ok()).expect("a length");
        while buffer.len() < end + 4 + length {
            assert!(stream.read_buf(buffer).await.expect("an answer") > 0, "the server closed the connection");
        }
        return (status, length);
    }
}
