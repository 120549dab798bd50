//! The HTTP servers: `control` manages the host, `console` shows it to people, `ingress` accepts events, `metrics` answers scrapers. Routes and bounds
//! only; the application decides.

mod body;
mod caller;
mod connection;
mod console;
pub mod control;
pub mod ingress;
pub mod listen;
pub mod metrics;
pub mod reply;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::reply::Refusal;

/// Most header fields of one request.
const HEADERS_MAX: usize = 100;
/// Largest value of one header field, in bytes.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// The answer if no route matches.
async fn no_route(uri: Uri) -> Response {
    let detail = format!("there is nothing at `{}`", printable(uri.path()));
    Refusal::new(StatusCode::NOT_FOUND, "no-such-path", "No such path", detail).into_response()
}

/// The answer if a route exists for another method only. axum adds `Allow`.
async fn no_method(method: Method, uri: Uri) -> Response {
    let detail = format!("`{}` does not take {}; `Allow` says what it takes", printable(uri.path()), method);
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Another method is expected", detail)
        .into_response()
}

/// The token of `authorization: Bearer` (RFC 6750 section 2.1). None if there are several such headers.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

fn printable(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
