//! What every answer and every change of the console has in common: header fields that tell the browser what to refuse,
//! and the proof that a form was sent by one of its pages.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, LOCATION, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::Console;
use super::refusal::PageRefusal;
use super::session::Signed;
use crate::reply::Refusal;

/// No inline script or style, nothing from elsewhere, no framing, forms only to this host.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Header fields of every answer.
pub(super) async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fields = [
        (CONTENT_SECURITY_POLICY, POLICY),
        // Other sites learn no path. Not `no-referrer`: with that, browsers also withhold the origin of forms.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fields {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Lets a change through only if one of this host's own pages sent it. A session's form says besides whose it is, see
/// [`super::request::Posted`].
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads || is_same_origin(request.headers()) {
        return next.run(request).await;
    }
    let detail =
        "the form was not sent by a page of this host, so nothing was changed: open the page here and try again";
    PageRefusal(Refusal::new(StatusCode::FORBIDDEN, "cross-origin", "Not sent from here", detail)).into_response()
}

/// Browsers say where a form comes from (Fetch Metadata); over plain HTTP to another machine, only `Origin` does.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let field = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    match field(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => {
            let origin = field(ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
            origin.is_some() && origin == field(HOST)
        }
    }
}

/// Finds the session; without one, a page is answered with the way to sign in.
pub(super) async fn require_session(State(console): State<Arc<Console>>, mut request: Request, next: Next) -> Response {
    let now = console.shard.process().clock().now();
    if let Some(signed) = console.sessions.find(request.headers(), now) {
        request.extensions_mut().insert(signed);
        return next.run(request).await;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let back = if *request.method() == Method::GET { path } else { "/" };
    see_other(&super::sign_in::path(back))
}

/// Another page to get.
pub(super) fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, path);
    response
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| see_other(&super::sign_in::path("/")))
    }
}
