//! A target that answers every request with 200 and the request as JSON. For one process on this machine; it keeps nothing.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::exit::CliError;

/// Largest body of a request, in bytes: the contract's limit.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Largest head of a request, in bytes.
const HEAD_BYTES_MAX: u64 = 64 << 10;
/// Time for one exchange.
const TIME: Duration = Duration::from_secs(10);

/// Listens on the loopback address until the program ends.
pub(super) async fn start() -> Result<SocketAddr, CliError> {
    let failed = |error: std::io::Error| CliError::failed(format!("the echo cannot listen: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(tokio::time::timeout(TIME, answer(stream)));
        }
    });
    Ok(address)
}

/// Answers one request and closes the connection.
async fn answer(stream: TcpStream) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut head = BufReader::new(reader.take(HEAD_BYTES_MAX));
    let (mut line, mut headers, mut length) = (String::new(), Map::new(), 0_usize);
    head.read_line(&mut line).await?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    loop {
        let mut field = String::new();
        head.read_line(&mut field).await?;
        let Some((name, value)) = field.trim_end().split_once(':') else { break };
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        if name == "content-length" {
            length = value.parse().unwrap_or(0);
        }
        // The host's own credentials are nobody's business, also here.
        if name != "authorization" {
            headers.insert(name, value.into());
        }
    }
    let mut body = vec![0; length.min(BODY_BYTES_MAX)];
    head.get_mut().set_limit(u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX));
    head.read_exact(&mut body).await?;
    let body =
        serde_json::from_slice(&body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body).into_owned()));
    let echo = json!({ "method": method, "path": path, "headers": headers, "body": body }).to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ";
    let content = if method == "HEAD" { "" } else { echo.as_str() };
    writer.write_all(format!("{head}{}\r\n\r\n{content}", echo.len()).as_bytes()).await?;
    writer.shutdown().await
}
